"""Rolling windows by chance: any order, duplicates and cuts give the readings that the definitions say."""

import random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.base.records import SEP, Fact
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, iso, to_ms
from streams.hours.calendars import WEEKDAYS, Calendar, Hours
from streams.hours.clock import BusinessClock
from streams.metrics.formulas import Waiting
from streams.metrics.groups import ALL
from streams.metrics.kpis import Snapshot, readings
from streams.metrics.panes import EMPTY
from streams.metrics.rules import Window
from streams.metrics.tables import Tables
from streams.metrics.windows import advance, arrived, record_key
from tests.support.kpi_facts import (
    T0,
    Record,
    add,
    at,
    fold,
    kpi_policy,
    leg,
    move,
    one_fact,
    standing,
    taken_back,
)

SPAN = 4200
SALES = SEP.join(("", "voice", "sales", "gold"))
LATE = kpi_policy(
    lateness_ms=SPAN * 1000,
    windows=(Window(60_000, 10_000), Window(300_000, 60_000, ("channel", "queue")), Window("day", HOUR_MS)),
    time_zone=ZoneInfo("Pacific/Kiritimati"),
    hours=Hours(
        {"far": Calendar(ZoneInfo("Pacific/Marquesas"), dict.fromkeys(WEEKDAYS, ((5, 20), (23 * 60 + 40, 24 * 60))))},
        {"support": "far"},
    ),
)
"""With midnight one hour after T0, and a window of all tiers together; the queue support has midnight half an hour
earlier, and opening hours from 20 minutes before and 5 minutes after."""


@st.composite
def story(draw: st.DrawFn) -> list[Fact]:
    """Facts of a span over midnight: legs with both ends, other facts, and some of them counted and taken back."""
    facts = draw(st.lists(one_fact(SPAN).filter(lambda each: not each.fact.startswith("leg")), max_size=8))
    for ident in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, SPAN))
        left = draw(st.none() | st.integers(start, SPAN))
        more = {
            "tier": draw(st.sampled_from(["gold", "none"])),
            "queue": draw(st.sampled_from(["sales", "support"])),
        }
        facts += leg(str(ident), start, left, draw(st.sampled_from(["answered", "abandoned"])), **more)
    wrong = [] if not facts else draw(st.lists(st.sampled_from(facts), max_size=4))
    return facts + wrong + [taken_back(each) for each in wrong]


def moved(tables: Tables, seconds: float, most: int | None, *, ended: bool = False) -> list[Record]:
    """The line in portions of about ``most`` records, or at once."""
    if most is None:
        return move(tables, seconds, ended, LATE)
    records: list[Record] = []
    for _ in range(3000):
        records += advance(tables, "", at(seconds), ended, LATE, most)
        if arrived(tables, "", at(seconds), ended):
            return records
    raise AssertionError("it never arrives")


def final_readings(facts: list[Fact], cuts: dict[int, int], most: int | None = None) -> dict[str, list[Any]]:
    """Readings of the newest revisions, of windows that are not empty; ``cuts``: after how many facts, stream time."""
    tables = Tables()
    newest: dict[str, Record] = {}
    records: list[Record] = []
    for i, each in enumerate(facts):
        if i in cuts:
            records += moved(tables, cuts[i], most)
        assert fold(tables, each, LATE) in ("counted", "amends")
    records += moved(tables, SPAN + 400, most)
    for record in records:
        key = record_key(record)
        assert record["revision"] > newest.get(key, {"revision": 0})["revision"]
        newest[key] = record
    return {key: each for key, each in standing(list(newest.values())).items() if happened(each)}


def happened(given: list[Any]) -> list[Any]:
    """The readings that say what happened, not who waits: who waits makes no window of its own."""
    waiting = {
        *(("queue_depth", "now"), ("longest_wait", "now"), ("longest_wait", "now_business")),
        ("service_level", "reached_threshold"),
    }
    return [each for each in given if (each["kpi"], each["variant"]) not in waiting]


@settings(max_examples=60, deadline=None)
@example(leg("0", 0, None) + leg("1", 0, None), random.Random(0), {0: 0, 1: SPAN})
@given(
    story(), st.randoms(use_true_random=False), st.dictionaries(st.integers(0, 30), st.integers(0, SPAN), max_size=5)
)
def test_vector_5_order_duplicates_and_cuts_inside_the_lateness_change_nothing(
    facts: list[Fact], rng: random.Random, cuts: dict[int, int]
) -> None:
    in_time = sorted(facts, key=lambda each: each.time)
    shuffled = list(facts)
    rng.shuffle(shuffled)
    expected = final_readings(in_time, {})
    assert final_readings(shuffled, cuts) == expected
    assert final_readings(in_time, cuts) == expected


@settings(max_examples=60, deadline=None)
@given(story(), st.dictionaries(st.integers(0, 30), st.integers(0, SPAN), max_size=3), st.integers(1, 200))
def test_a_line_that_moves_in_portions_says_the_same(facts: list[Fact], cuts: dict[int, int], most: int) -> None:
    assert final_readings(facts, cuts, most) == final_readings(facts, cuts)


@settings(max_examples=60, deadline=None)
@given(story(), st.integers(0, SPAN), st.integers(1, 200))
def test_a_line_that_ends_in_portions_says_the_same(facts: list[Fact], watermark: int, most: int) -> None:
    """Wherever its stream time stood: what lies behind it comes out, too."""
    said = []
    for portion in (None, most):
        tables = Tables()
        for each in facts:
            fold(tables, each, LATE)
        records = moved(tables, watermark, portion, ended=True)
        said.append({key: each for key, each in standing(records).items() if happened(each)})
        assert arrived(tables, "", at(watermark), ended=True)
        assert not (tables.panes or tables.days)
    assert said[1] == said[0]


def by_definition(facts: list[Fact], end: int, length: int, clock: BusinessClock | None) -> list[Any]:
    """The readings of one window, each fact looked at anew."""
    pane = EMPTY
    for each in facts:
        if end - length <= each.time < end:
            pane = add(pane, each, LATE)
    lefts = {each.id: each.time for each in facts if each.fact == "leg_closed"}
    entering = [
        each.time for each in facts if each.fact == "leg_opened" and each.time <= end < lefts.get(each.id, end + 1)
    ]
    reached = sum(time <= end - LATE.threshold("sales") for time in entering)
    waiting = Waiting(len(entering), min(entering, default=None), reached)
    snapshot = Snapshot(pane, waiting, end, clock=clock)
    return readings(snapshot, instant=length == MINUTE_MS, details=length > HOUR_MS)


@settings(max_examples=40, deadline=None)
@given(story(), st.dictionaries(st.integers(0, 30), st.integers(0, SPAN), max_size=3))
def test_readings_are_what_the_definitions_say(facts: list[Fact], cuts: dict[int, int]) -> None:
    found = final_readings(facts, cuts)
    lanes: dict[tuple[str, str, str], list[Fact]] = {}
    for each in facts:
        for tier in (each.tier, ALL):
            lanes.setdefault((each.channel, each.queue, tier), []).append(each)
    # What was counted by mistake and taken back is not there.
    for lane, of_lane in lanes.items():
        for each in [each for each in of_lane if each.sign < 0]:
            of_lane.remove(each)
            of_lane.remove(taken_back(each))
        windows = [
            (end, length)
            for length, every in LATE.rolling_by(tier=lane[2] != ALL)
            for end in range(T0, at(SPAN + 400) + 1, every)
        ]
        day_start, day_end = LATE.day(T0, SEP.join(("", *lane)))
        for end, length in [*windows, *([] if lane[2] == ALL else [(day_end, day_end - day_start)])]:
            key = "|".join(("", *lane, iso(end - length), str(length)))
            expected = by_definition(of_lane, end, length, LATE.clock(*lane[:2]))
            if key in found or happened(expected):
                assert [each for each in found[key] if each["kpi"] != "wait_forecast"] == expected


DAYS = kpi_policy(windows=(Window(60_000, 60_000), Window("day", HOUR_MS)))
FIVE_DAYS = 5 * 86_400


@st.composite
def waits_of_days(draw: st.DrawFn) -> list[Fact]:
    """Legs that wait over midnights, some closed by mistake at a time that is taken back."""
    moment = st.integers(0, FIVE_DAYS // 600).map(lambda each: 600 * each)
    facts: list[Fact] = []
    for ident in range(draw(st.integers(1, 4))):
        start = draw(moment)
        facts += leg(str(ident), start, draw(st.none() | moment.filter(lambda each, since=start: each >= since)))
        if draw(st.booleans()):
            _, idle = leg(str(ident), start, start + draw(moment), "flow_out")
            facts += [idle, taken_back(idle)]
    return facts


def level(record: Record) -> tuple[int, int]:
    """The service level that counts who waits: above and below the line."""
    found = [each for each in record["readings"] if each["variant"] == "reached_threshold"]
    return (found[0]["numerator"], found[0]["denominator"]) if found else (0, 0)


@settings(max_examples=100)
@given(
    waits_of_days(), st.randoms(use_true_random=False), st.dictionaries(st.integers(0, 16), st.integers(0, FIVE_DAYS))
)
def test_the_last_word_on_a_day_counts_who_waited_at_its_end_however_late_that_is_told(
    facts: list[Fact], rng: random.Random, cuts: dict[int, int]
) -> None:
    rng.shuffle(facts)
    for each in [each for each in facts if each.sign < 0]:  # nobody takes back what was not said
        said_at, taken_at = sorted((facts.index(each), facts.index(taken_back(each))))
        facts[said_at], facts[taken_at] = taken_back(each), each
    tables = Tables()
    said: dict[int, tuple[float, float]] = {}

    def moves(seconds: int) -> None:
        for record in move(tables, seconds, policy=DAYS):
            if record["window"]["length_ms"] == DAY_MS and record["status"] != "provisional":
                said[to_ms(record["window"]["end"])] = level(record)

    for i, each in enumerate(facts):
        if i in cuts:
            moves(cuts[i])
        assert fold(tables, each, DAYS) != "too_late"
    moves(FIVE_DAYS + 2 * 86_400)
    entered = {each.id: each.time for each in facts if each.fact == "leg_opened"}
    closed = [each for each in facts if each.fact == "leg_closed"]
    left = {
        each.id: each.time
        for each in closed
        if sum(o.sign for o in closed if o.id == each.id and o.time == each.time) > 0
    }
    for end in range(DAYS.day(T0, SALES)[1], at(FIVE_DAYS + 86_400), DAY_MS):
        answered = [ident for ident, at_ in left.items() if end - DAY_MS <= at_ < end]
        in_time = sum(left[ident] - entered[ident] <= 20_000 for ident in answered)
        reached = sum(since <= end - 20_000 and left.get(ident, end + 1) > end for ident, since in entered.items())
        assert said.get(end, (0, 0)) == (in_time, len(answered) + reached)


def test_a_leg_that_left_at_midnight_by_mistake_waited_when_that_day_ended() -> None:
    """Told when nobody keeps any more who waited then, and the end before the beginning."""
    midnight = (DAYS.day(T0, SALES)[1] - T0) // 1000
    opened, left = leg("1", 0, midnight, "flow_out")
    tables, said = Tables(), dict[int, float]()
    move(tables, midnight + 90_000, policy=DAYS)
    for each in (left, opened, taken_back(left)):
        fold(tables, each, DAYS)
    for record in move(tables, midnight + 180_000, policy=DAYS):
        if record["window"]["length_ms"] == DAY_MS and record["status"] != "provisional":
            said[to_ms(record["window"]["end"])] = level(record)[1]
    assert said[DAYS.day(T0, SALES)[1]] == 1


NEXT_DAY = 15 * 3600
"""Seconds from T0 to midnight."""


@pytest.mark.parametrize(("wrong", "right", "next_day"), [(0, NEXT_DAY + 600, 1), (NEXT_DAY + 600, 0, 0)])
def test_a_leg_waits_until_it_left_though_that_is_told_before_a_wrong_closing_is_taken_back(
    wrong: int, right: int, next_day: int
) -> None:
    """It was forgotten after the wrong closing; the right one comes first, and is not all that is known of it."""
    midnight = at(NEXT_DAY)
    opened, left = leg("1", 0, right)
    _, idle = leg("1", 0, wrong, "flow_out")
    tables, said = Tables(), dict[int, float]()
    for each in (opened, idle):
        fold(tables, each, DAYS)
    move(tables, 90_000, policy=DAYS)
    for each in (left, taken_back(idle)):
        fold(tables, each, DAYS)
    for record in move(tables, 180_000, policy=DAYS):
        if record["window"]["length_ms"] == DAY_MS and record["status"] != "provisional":
            said[to_ms(record["window"]["end"])] = level(record)[1]
    assert (said[midnight], said.get(midnight + DAY_MS, 0)) == (1, next_day)
