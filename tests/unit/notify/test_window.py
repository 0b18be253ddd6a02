"""What one target has before it: order, patience, positions that lose nothing and repeat nothing."""

import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.notify.positions import Position, position
from streams.notify.retrying import Pace, asked
from streams.notify.window import MOST, MOST_OF_GROUP, Parcel, Partition, Place, Window
from tests.support.notify import event

ONE: Partition = ("alert.events", 0)
PACE = Pace(attempts=4, first_ms=1000, most_ms=8000)


class Half(random.Random):
    """All jitter is the largest pause."""

    def random(self) -> float:
        return 1.0


def window(parallel: int = 2, pace: Pace = PACE) -> Window:
    found = Window(pace, parallel, Half())
    found.begin(ONE, Position(0))
    return found


def parcel(offset: int, alert: int, group: str | None = None, written: int = 0, wait: int = 0) -> Parcel:
    return Parcel(
        "step", [event(alert, revision=offset + 2)], [Place(*ONE, offset)], written + wait, written, group=group,
        closes=written + wait,
    )  # fmt: skip


def put(into: Window, *parcels: Parcel) -> None:
    for each in parcels:
        assert into.read(each.places[0])
        into.add(each)


def test_steps_of_one_alert_go_one_after_the_other_and_others_beside_them() -> None:
    here = window()
    first, second, other = parcel(0, 1), parcel(1, 1), parcel(2, 2)
    put(here, first, second, other)
    assert (here.take(0), here.take(0), here.take(0)) == (first, other, None)
    here.delivered(other)
    assert here.take(0) is None
    here.delivered(first)
    assert here.take(0) is second
    here.delivered(second)
    assert here.positions() == {ONE: Position(3)}


def test_a_target_that_fails_is_left_alone_and_tried_with_one() -> None:
    here = window()
    first, other, third = parcel(0, 1), parcel(1, 2), parcel(2, 3)
    put(here, first, other, third)
    assert [here.take(0), here.take(0)] == [first, other]
    assert not here.failed(first, "HTTP 500", 0)
    assert not here.failed(other, "HTTP 500", 0)
    assert (here.failures, here.closed_until, here.wake()) == (1, 1000, 1000)
    assert here.take(999) is None
    assert here.take(1000) is third  # the one that has waited longest
    assert here.take(1000) is None
    assert not here.failed(third, "HTTP 500", 1000)
    assert here.closed_until == 3000
    taken = here.take(3000)
    assert taken in (first, other)
    here.delivered(taken)
    assert here.failures == 0
    assert len([here.take(3001), here.take(3001)]) == 2


def test_the_target_says_when_it_wants_to_be_asked_again() -> None:
    here = window()
    first = parcel(0, 1)
    put(here, first)
    here.take(0)
    here.failed(first, "HTTP 429", 0, 30_000)
    assert (here.wake(), here.take(29_999)) == (30_000, None)
    assert here.take(30_000) is first


def test_attempts_come_to_an_end_and_it_stays_under_way_until_it_is_given_up() -> None:
    here = window()
    first, second = parcel(0, 1), parcel(1, 1)
    put(here, first, second)
    now = 0
    for number in range(4):
        now = here.wake() or 0
        assert here.take(now) is first
        assert here.failed(first, "HTTP 500", now) is (number == 3)
    assert here.take(now + 10**9) is None
    assert here.positions() == {ONE: Position(2, (0, 1))}
    here.given_up(first)
    assert here.take(now + 10**9) is second


def test_a_group_takes_what_was_written_in_its_time_and_closes_when_it_is_full() -> None:
    here = window()
    put(here, *(parcel(n, n, "cards", written=n * 100, wait=1000) for n in range(12)))
    assert here.take(999) is None
    group = here.take(1000)
    assert group is not None
    assert (len(group.events), len(here)) == (10, 2)
    here.delivered(group)
    assert here.positions() == {ONE: Position(12, (10, 11))}
    many = window()
    put(many, *(parcel(n, n, "cards", wait=1000) for n in range(MOST_OF_GROUP + 1)))
    assert len(many) == 2


def test_two_groups_never_wait_for_each_other() -> None:
    here = window()
    put(
        here,
        parcel(0, 1, "a", wait=10),
        parcel(1, 2, "b", wait=10),
        parcel(2, 2, "a", wait=10),
        parcel(3, 1, "b", wait=10),
    )
    told = []
    while (found := here.take(10)) is not None:
        here.delivered(found)
        told.append([each.alert.fingerprint for each in found.events])
    assert sorted(told) == [["wait.1"], ["wait.1"], ["wait.2"], ["wait.2"]]


def test_what_is_not_for_the_target_is_done_at_once_and_room_has_an_end() -> None:
    here = window()
    assert here.read(Place(*ONE, 0))
    here.skip(Place(*ONE, 0))
    assert (here.positions(), here.room) == ({ONE: Position(1)}, MOST)
    put(here, *(parcel(number, number) for number in range(1, 1 + MOST)))
    assert here.room == 0
    assert len(here.positions()[ONE].text()) < 4096


def test_a_partition_that_is_taken_away_is_forgotten() -> None:
    here = window()
    first = parcel(0, 1)
    put(here, first)
    here.take(0)
    here.end(ONE)
    assert first not in here
    assert (len(here), here.positions(), here.has(first.places[0])) == (0, {}, False)
    here.delivered(first)


def test_what_the_log_does_not_have_any_more_is_done() -> None:
    here = Window(PACE, 2, Half())
    here.begin(ONE, Position(10, (3, 5, 8)))
    assert here.read(Place(*ONE, 5))
    here.skip(Place(*ONE, 5))
    assert not here.read(Place(*ONE, 7))
    assert here.positions() == {ONE: Position(10, (8,))}
    assert here.read(Place(*ONE, 12))
    assert here.positions() == {ONE: Position(13, (12,))}


@given(st.integers(0, 2**60), st.lists(st.integers(1, 5000), max_size=MOST))
def test_a_position_comes_back_from_its_text(start: int, steps: list[int]) -> None:
    offsets = [start]
    for step in steps:
        offsets.append(offsets[-1] + step)
    found = Position(offsets[-1], tuple(offsets[:-1]))
    assert position(found.offset, found.text()) == found
    assert len(found.text()) < 4096


@pytest.mark.parametrize("text", ["", "2 a b", "1 x", "1", "unfinished"])
def test_a_text_of_somebody_else_repeats_and_loses_nothing(text: str) -> None:
    assert position(7, text) == Position(7)


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[int, str | None]]:
    """Records: the alert, and its group."""
    return draw(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([None, "a", "b"])), min_size=1, max_size=40))


class Run:
    """One target over a log, by chance: reading, sending, failing, restarting."""

    def __init__(self, log: list[tuple[int, str | None]], seed: int, parallel: int) -> None:
        self.log, self.chance, self.parallel = log, random.Random(seed), parallel
        self.delivered: dict[int, list[int]] = defaultdict(list)
        self.kept, self.now = Position(0), 0
        self.start()

    def start(self) -> None:
        """As a new process: from the position that was kept."""
        self.window = Window(Pace(10**6, 1000, 8000), self.parallel, self.chance)
        self.window.begin(ONE, self.kept)
        self.reading, self.under_way = self.kept.offset, list[Parcel]()

    def read(self) -> None:
        alert, group = self.log[self.reading]
        place = Place(*ONE, self.reading)
        if self.window.read(place):
            if alert == 4:
                self.window.skip(place)
            else:
                self.window.add(parcel(self.reading, alert, group, written=self.now, wait=500 if group else 0))
        self.reading += 1

    def answer(self) -> None:
        one = self.under_way.pop(self.chance.randrange(len(self.under_way)))
        if self.chance.random() < 0.4:
            self.window.failed(one, "HTTP 500", self.now, self.chance.choice((None, None, 5000)))
            return
        self.window.delivered(one)
        for each in one.events:
            self.delivered[int(each.alert.fingerprint[5:])].append(each.alert.revision)
        self.kept = self.window.positions()[ONE]

    def step(self) -> None:
        chosen = self.chance.random()
        if chosen < 0.4 and self.reading < len(self.log) and self.window.room:
            self.read()
        elif chosen < 0.6:
            self.now += self.chance.choice((50, 100, 3000))
            if (taken := self.window.take(self.now)) is not None:
                self.under_way.append(taken)
        elif chosen < 0.97 and self.under_way:
            self.answer()
        elif chosen > 0.99:
            self.start()

    @property
    def done(self) -> bool:
        return self.reading >= len(self.log) and not len(self.window)


@given(logs(), st.integers(0, 10**6), st.integers(1, 4))
def test_whatever_fails_and_whenever_it_restarts_each_is_delivered_once_and_in_order(
    log: list[tuple[int, str | None]], seed: int, parallel: int
) -> None:
    """A restart comes at any moment but between a delivery and the keeping of its position."""
    run = Run(log, seed, parallel)
    while not run.done:
        run.step()
    wanted: dict[int, list[int]] = defaultdict(list)
    for offset, (alert, _) in enumerate(log):
        if alert != 4:
            wanted[alert].append(offset + 2)
    assert run.delivered == wanted


def test_pauses_grow_and_have_jitter() -> None:
    pace = Pace(first_ms=1000, most_ms=60_000)
    assert [pace.pause(number, Half()) for number in range(1, 9)] == [
        1000,
        2000,
        4000,
        8000,
        16_000,
        32_000,
        60_000,
        60_000,
    ]
    chance = random.Random(1)
    found = Counter(pace.pause(3, chance) // 1000 for _ in range(1000))
    assert found.keys() == {2, 3}
    assert pace.pause(10**6, Half()) == 60_000


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None), ("7", 7000), (" 7 ", 7000), ("0", 0), ("99999999999999999999", 3_600_000), ("soon", None),
        ("-1", None), ("Thu, 01 Jan 1970 00:01:40 GMT", 90_000), ("Thu, 01 Jan 1970 00:00:01 GMT", 0), ("²", None),
        ("Thu, 01 Jan 99999999999 00:00:01 GMT", None),
    ],
)  # fmt: skip
def test_what_a_receiver_asks_for(header: str | None, wait: int | None) -> None:
    assert asked(header, 10_000) == wait
