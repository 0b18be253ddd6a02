"""Contacts of the past: what is kept of how many, and that what they count for moves whole."""

import random
import time
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contacts.contact import Contact, Counted
from streams.contacts.rules import ContactRules
from streams.customers import journey_parts
from streams.customers.follow import Ease, View
from streams.customers.journey_parts import Parts, bounded, found, put_in, summed_up, taken_out, with_points, without
from streams.customers.journey_rules import JourneyRules
from streams.customers.journey_state import KnownJourneys
from streams.customers.journey_sums import SUMS, Journey
from streams.customers.journey_whole import added
from streams.customers.journeys import Journeys
from streams.customers.touchpoints import Touchpoint
from tests.support.track_story import OWNER, T0, H, M, Task, event, play

RULES = JourneyRules()
JOURNEYS = Journeys(RULES, ContactRules(lateness_ms=H))
NOWHERE = View(OWNER, "", None, {}, {}, ())


def point(number: int, group: str = "", **more: Any) -> Touchpoint:
    at = T0 + number * H
    return Touchpoint(
        f"c{number}", ("voice", "chat")[number % 2], "q", at, at + M, at + M, ("answered", "abandoned")[number % 3 % 2],
        number, 2, 1, -500, 3, 1, "gold", 4, 5, group=group, standing="s", since=at + M, solves=((at + M, None),),
        served="h", asked=True, **more,
    )  # fmt: skip


def total(parts: Parts) -> Counted:
    return added((*parts.points, *parts.sums)) if parts != Parts() else Counted()


def kept(points: list[Touchpoint]) -> Parts:
    """As they are condensed, one after the other."""
    parts = Parts()
    for one in points:
        parts = bounded(with_points(parts, (one,)), (), RULES)
    return parts


def test_of_too_many_the_oldest_are_summed_up_and_nothing_is_lost() -> None:
    points = [point(number) for number in range(500)]
    parts = kept(points)
    assert journey_parts.POINTS_KEPT <= len(parts.points) <= journey_parts.MAX_POINTS and len(parts.sums) == 1
    assert total(parts) == added(points)
    [whole] = [each.whole for each in found(parts.points, parts.sums, RULES)]
    [straight] = [each.whole for each in found(points, (), RULES)]
    for name in ("started", "last", "points", "channels", "sums", "solved", "served", "switches", "repeats", "reopens"):
        assert getattr(whole, name) == getattr(straight, name), name
    assert len(msgspec.json.encode(parts)) < 16_000


def test_groups_and_sums_are_bounded() -> None:
    points = [point(number, f"g{number % 40}", topic=f"t{number % 90}") for number in range(900)]
    parts = kept(points)
    assert len(parts.sums) <= journey_parts.MAX_SUMS
    assert len({each.group for each in parts.sums}) <= journey_parts.MAX_GROUPS
    assert total(parts) == added(points)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(["", "g", "h"]), st.sampled_from([None, "X", "Y"])),
        max_size=120,
        unique_by=lambda each: each[0],
    ),
    st.integers(0, 9),
)
def test_what_is_handed_over_is_what_the_other_one_gets(told: list[tuple[int, str, str | None]], seed: int) -> None:
    points = [point(number, group, topic=topic) for number, group, topic in sorted(told)]
    mine, theirs = KnownJourneys(), KnownJourneys(points=(point(500, "g"),))
    parts = kept(points)
    mine = KnownJourneys(parts.sums, points=parts.points)
    before = msgspec.structs.astuple(total(mine.parts)), msgspec.structs.astuple(total(theirs.parts))
    group = random.Random(seed).choice(["g", "h"])
    left, piece = JOURNEYS.handed(mine, group, NOWHERE)
    if piece is None:
        assert left is mine and not any(each[1] == group for each in told)
        return
    got = JOURNEYS.absorbed(theirs, group, piece, NOWHERE)
    assert total(left.parts) == (
        added([each for each in points if each.group != group]) if left.parts != Parts() else Counted()
    )
    after = msgspec.structs.astuple(total(left.parts)), msgspec.structs.astuple(total(got.parts))
    assert [sum(each) for each in zip(*before, strict=True)] == [sum(each) for each in zip(*after, strict=True)]
    assert {each.group for each in left.points} <= {"", "g", "h"} - {group}
    assert JOURNEYS.handed(left, group, NOWHERE) == (left, None)
    back, again = JOURNEYS.handed(got, group, NOWHERE)
    assert again is not None and total(back.parts) == (theirs.points[0].counted if group == "h" else Counted())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=60, unique=True), st.integers(0, 60), st.booleans())
def test_a_contact_that_leaves_takes_what_it_counts_for(numbers: list[int], gone: int, small: bool) -> None:
    points = [point(number) for number in sorted(numbers)]
    parts = kept(points)
    if small:
        parts = summed_up(parts, (), len(parts.points), RULES)
    one = point(gone)
    resting = next((each for each in rested(points) if each.id == one.contact), None)
    left = without(parts, one.channel, one.contact, resting)
    assert total(left) == (
        added([each for each in points if each != one]) if len(points) > (one in points) else Counted()
    )


def rested(points: list[Touchpoint]) -> list[Contact]:
    return [Contact(each.contact, each.channel, each.started, each.last, before=each.counted) for each in points]


def test_a_contact_that_goes_on_is_counted_once_also_when_it_was_summed_up() -> None:
    first, later = point(0), point(1)
    parts = summed_up(Parts((first, later)), (), 1, RULES)
    assert [each.contact for each in parts.points] == ["c1"]
    more = msgspec.structs.replace(first, last=first.last + H, messages=7, before=first.counted)
    parts = with_points(parts, (more,))
    assert total(parts) == added([msgspec.structs.replace(more, before=None), later])
    again = msgspec.structs.replace(more, messages=9, before=msgspec.structs.replace(more, before=None).counted)
    parts = with_points(parts, (again,))
    assert total(parts).messages == 9 + 3 and total(parts).contacts == 2
    assert total(without(parts, "voice", "c0", None)) == later.counted


def test_a_row_of_a_version_before_is_one_sum_and_its_contacts_can_leave() -> None:
    one, other = point(0), point(1)
    old = Journey(
        one.started, other.last, (one, other), {"voice": one.started, "chat": other.started}, **summed((one, other))
    )
    parts = Parts((point(2),), (old,))
    [journey] = found(parts.points, parts.sums, RULES)
    assert [each.contact for each in journey.whole.points] == ["c0", "c1", "c2"]
    assert journey.whole.sums == added([one, other, point(2)])
    assert total(without(parts, "voice", "c0", None)) == added([other, point(2)])


def summed(points: tuple[Touchpoint, ...]) -> dict[str, int]:
    return {name: getattr(added(points), name) for name in SUMS}


@pytest.mark.parametrize("ease", [Ease.FEWER, Ease.FEWEST])
def test_a_row_that_is_too_large_sums_up(ease: Ease) -> None:
    points = tuple(point(number) for number in range(40))
    state = JOURNEYS.eased(KnownJourneys(points=points), ease, NOWHERE)
    assert len(state.points) <= 8 and total(state.parts) == added(points)


def test_a_thousand_contacts_move_within_a_second() -> None:
    parts = kept([point(number, "g") for number in range(1000)])
    begun = time.process_time()
    mine, piece = JOURNEYS.handed(KnownJourneys(parts.sums, points=parts.points), "g", NOWHERE)
    assert piece is not None and mine.parts == Parts()
    got = JOURNEYS.absorbed(KnownJourneys(points=(point(2000),)), "g", piece, NOWHERE)
    assert total(got.parts).contacts == 1001
    assert time.process_time() - begun < 1
    assert taken_out(got.parts, "g")[1].sums and put_in(Parts(), Parts()) == Parts()


def test_a_long_story_is_summed_up_as_it_is_told() -> None:
    """150 calls of a day, condensed as time passes: the journey counts all, the row stays small."""
    task = Task()
    for number in range(150):
        at = number * H
        for each in (
            event("contact.initiated", at, f"c{number:03}"),
            event("contact.ended", at + M, f"c{number:03}", by="customer"),
        ):
            task.until(each.time - T0 - 1).take(each)
    last = task.journeys[-1]
    assert (last["counts"]["contacts"], last["repeats"], last["switches"]) == (150, 149, 0)
    assert [each["contact_id"] for each in last["contacts"]] == [f"c{number:03}" for number in range(130, 150)]
    assert task.customer is not None
    journeys = task.customer.lines[""].journeys
    assert len(journeys.points) <= 40 and len(journeys.past) == 1
    steps = Counter(each[1] for each in task.last_steps())
    assert steps["joined"] == 149 and steps["opened"] == 1
    once = play(
        *[
            each
            for n in range(150)
            for each in (
                event("contact.initiated", n * H, f"c{n:03}"),
                event("contact.ended", n * H + M, f"c{n:03}", by="customer"),
            )
        ]
    )
    assert once.journeys[-1]["counts"] == last["counts"]
