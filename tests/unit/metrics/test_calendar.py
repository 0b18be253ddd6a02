"""Weeks and months, and readings that settle: any order, cuts and late facts give what the definitions say."""

import random
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.base.records import Fact
from streams.base.times import (
    DAY_MS,
    HOUR_MS,
    CalendarUnit,
    calendar_bounds,
    calendar_unit,
    iso,
    to_ms,
)
from streams.metrics.catalogue import CATALOGUE
from streams.metrics.kpis import Snapshot, readings
from streams.metrics.panes import EMPTY, pane_start
from streams.metrics.query import tiles
from streams.metrics.rules import KpiPolicy, Rule, Window
from streams.metrics.tables import Published, Tables
from streams.metrics.windows import advance, arrived, record_key, standing
from tests.support.kpi_facts import Record, add, fact, fold, kpi_policy, taken_back

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = to_ms("1999-03-19T12:00:00Z")
"""A Friday: nine days before clocks change in Berlin, twelve before the month ends."""
SPAN = 14 * DAY_MS
"""So long a day can be amended, whatever its hour."""
ROLLING = Window(60_000, 60_000)
CALENDAR = (Window("day", HOUR_MS), Window("week", DAY_MS), Window("month", 6 * HOUR_MS))
SETTLES: dict[Rule, int] = {"repeat": 3 * DAY_MS, "need": 4 * DAY_MS, "callback": 5 * HOUR_MS, "scores": 2 * DAY_MS}
POLICY = kpi_policy(windows=(ROLLING, *CALENDAR), time_zone=BERLIN, settles_ms=SETTLES)
DAYS = kpi_policy(windows=(ROLLING, CALENDAR[0]), time_zone=BERLIN, settles_ms=SETTLES)


def at(days: float) -> int:
    return FIRST + round(days * DAY_MS)


def some(name: str, days: float, **more: object) -> Fact:
    return replace(fact(name, "x", 0, **more), time=at(days))


def solved(days: float, variant: str | None = "once") -> Fact:
    return some("journey_solved", days, entered=at(days) - HOUR_MS, variant=variant, outcome="stays")


@st.composite
def story(draw: st.DrawFn) -> list[Fact]:
    """Facts of fourteen days, and some of them counted and taken back."""
    facts = []
    for days in draw(st.lists(st.floats(0, 14), max_size=8)):
        kind = draw(st.sampled_from(["journey_solved", "callback_requested", "sentiment", "journey_resolved"]))
        more: dict[str, object] = {"tier": draw(st.sampled_from(["gold", "none"]))}
        match kind:
            case "journey_solved":
                more |= {"entered": at(days - 1), "variant": draw(st.sampled_from(["once", None])), "outcome": "stays"}
            case "journey_resolved":
                more |= {"entered": at(days - 1), "value": 1, "contacts": 2}
            case "callback_requested":
                more |= {"outcome": draw(st.sampled_from(["kept", None]))}
            case _:
                more |= {"value": draw(st.integers(-1000, 1000))}
        facts.append(some(kind, days, **more))
    wrong = draw(st.lists(st.sampled_from(facts), max_size=4)) if facts else []
    return facts + wrong + [taken_back(each) for each in wrong]


def told(facts: list[Fact], cuts: dict[int, int], *, most: int | None = None, ended: bool = False) -> list[Record]:
    """All records; ``cuts``: after how many facts, stream time in ms since `FIRST`."""
    tables, records = Tables(), list[Record]()

    def moves(to: int, *, ended: bool = False) -> None:
        for _ in range(3000):
            records.extend(advance(tables, "", to, ended, POLICY, most))
            if arrived(tables, "", to, ended):
                return
        raise AssertionError("it never arrives")

    for number, each in enumerate(facts):
        if number in cuts:
            moves(FIRST + cuts[number])
        assert fold(tables, each, POLICY) != "too_late"
    moves(FIRST + SPAN if ended else FIRST + SPAN + 36 * DAY_MS, ended=ended)
    return [each for each in records if calendar_unit(each["window"]["length_ms"])]


def by_definition(facts: list[Fact], policy: KpiPolicy = POLICY) -> dict[str, list[Any]]:
    """What the windows say that hold something, all of it settled."""
    panes: dict[tuple[str, CalendarUnit, int, int], Any] = {}
    for each in facts:
        for unit in policy.calendar:
            key = each.tier, unit, *calendar_bounds(unit, each.time, BERLIN)
            panes[key] = add(panes.get(key, EMPTY), each, policy)
    return {
        f"|voice|sales|{tier}|{iso(start)}|{end - start}": list(found)
        for (tier, _, start, end), pane in panes.items()
        if (found := readings(Snapshot(pane), settled=tuple(SETTLES)))
    }


def last_words(records: list[Record]) -> dict[str, list[Any]]:
    """The newest revisions that say something."""
    newest: dict[str, Record] = {}
    for each in records:
        assert each["revision"] > newest.get(record_key(each), {"revision": 0})["revision"]
        newest[record_key(each)] = each
    assert {each["status"] for each in newest.values()} <= {"final", "amended"}
    return {key: list(each["readings"]) for key, each in newest.items() if each["readings"]}


@settings(max_examples=60, deadline=None)
@given(
    story(),
    st.randoms(use_true_random=False),
    st.dictionaries(st.integers(0, 16), st.integers(0, SPAN), max_size=5),
    st.sampled_from([None, 3]),
    st.booleans(),
)
def test_order_cuts_and_portions_do_not_show_in_what_is_final(
    facts: list[Fact], rng: random.Random, cuts: dict[int, int], most: int | None, ended: bool
) -> None:
    rng.shuffle(facts)
    assert last_words(told(facts, cuts, most=most, ended=ended)) == by_definition(facts)


@settings(max_examples=60, deadline=None)
@given(
    story(), st.randoms(use_true_random=False), st.dictionaries(st.integers(0, 16), st.integers(0, SPAN), max_size=5)
)
def test_amended_says_that_a_reading_changed_that_was_final(
    facts: list[Fact], rng: random.Random, cuts: dict[int, int]
) -> None:
    rng.shuffle(facts)
    before: dict[str, Record] = {}
    for record in told(facts, cuts):
        was = before.get(record_key(record))
        if was is not None and was["status"] != "provisional":
            now, end = pane_start(to_ms(was["watermark"])), to_ms(was["window"]["end"])
            open_ = {(kpi.name, kpi.variant) for kpi in CATALOGUE if kpi.settles and end + SETTLES[kpi.settles] > now}
            assert {name(each) for each in was["readings"] if "status" in each} <= open_
            firm = [[each for each in one["readings"] if name(each) not in open_] for one in (was, record)]
            amended = was["status"] == "amended" or firm[0] != firm[1]
            assert record["status"] == ("amended" if amended else "final")
        before[record_key(record)] = record


def name(reading: dict[str, Any]) -> tuple[str, str]:
    return reading["kpi"], reading["variant"]


def of(unit: CalendarUnit, records: list[Record]) -> list[Record]:
    return [each for each in records if calendar_unit(each["window"]["length_ms"]) == unit]


def test_fcr_is_provisional_for_as_long_as_the_rule_says_and_settles_without_an_event() -> None:
    tables = Tables()
    fold(tables, solved(0), POLICY)
    records = [record for hour in range(24 * 5) for record in advance(tables, "", at(hour / 24), False, POLICY)]
    days = [(each["watermark"], each["status"], statuses(each)) for each in of("day", records)]
    end = calendar_bounds("day", FIRST, BERLIN)[1]
    assert days == [
        (iso(FIRST + HOUR_MS), "provisional", {"fcr": "provisional", "resolution_time": None}),
        (iso(end), "final", {"fcr": "provisional", "resolution_time": None}),
        (iso(end + 3 * DAY_MS), "final", {"fcr": None, "resolution_time": None}),
    ]
    assert [each["revision"] for each in of("day", records)] == [1, 2, 3]


def statuses(record: Record) -> dict[str, str | None]:
    wanted = {("fcr", "of_solved"), ("resolution_time", "first")}
    return {each["kpi"]: each.get("status") for each in record["readings"] if (each["kpi"], each["variant"]) in wanted}


def test_a_repeat_within_its_time_is_a_revision_and_no_amendment() -> None:
    tables = Tables()
    fold(tables, solved(0), POLICY)
    advance(tables, "", at(1), False, POLICY)
    for each in (taken_back(solved(0)), solved(0, None)):
        fold(tables, each, POLICY)
    (day,) = of("day", advance(tables, "", at(1), False, POLICY))
    assert (day["status"], day["revision"], statuses(day)["fcr"]) == ("final", 3, "provisional")
    assert [each["value"] for each in day["readings"] if each["kpi"] == "fcr"] == [0]
    (day,) = of("day", advance(tables, "", at(4), False, POLICY))
    assert (day["status"], day["revision"], statuses(day)["fcr"]) == ("final", 4, None)
    for each in (taken_back(solved(0, None)), solved(0)):
        fold(tables, each, POLICY)
    (day,) = of("day", advance(tables, "", at(4), False, POLICY))
    assert (day["status"], day["revision"]) == ("amended", 5)


def test_a_line_that_ends_has_nothing_provisional_left() -> None:
    tables = Tables()
    fold(tables, solved(0), POLICY)
    advance(tables, "", at(1), False, POLICY)
    records = advance(tables, "", at(1.1), True, POLICY)
    assert {calendar_unit(each["window"]["length_ms"]): (each["status"], each["revision"]) for each in records} == {
        "day": ("final", 3),
        "week": ("final", 2),
        "month": ("final", 2),
    }
    assert not [reading for each in records for reading in each["readings"] if "status" in reading]


def test_a_row_of_the_version_before_does_not_come_once_more_and_is_amended_by_any_change() -> None:
    tables = Tables()
    fold(tables, solved(0), POLICY)
    advance(tables, "", at(1), False, POLICY)
    for key, row in tables.published.items():
        tables.published[key] = Published(row.revision, row.reached, said=row.said + 1)
    assert of("day", advance(tables, "", at(4), False, POLICY)) == []
    fold(tables, solved(0), POLICY)
    (day,) = of("day", advance(tables, "", at(4), False, POLICY))
    assert (day["status"], day["revision"]) == ("amended", 3)


def test_what_settles_says_nothing_where_nothing_is_provisional() -> None:
    tables = Tables()
    fold(tables, some("sentiment", 0, value=1), POLICY)
    advance(tables, "", at(1), False, POLICY)
    assert of("day", advance(tables, "", at(8), False, POLICY)) == []


@pytest.mark.parametrize(
    ("unit", "moment", "start", "hours"),
    [
        ("week", "1999-03-24T12:00:00Z", "1999-03-21T23:00:00.000Z", 7 * 24 - 1),
        ("week", "1999-10-31T22:59:59Z", "1999-10-24T22:00:00.000Z", 7 * 24 + 1),
        ("month", "1999-03-01T00:00:00Z", "1999-02-28T23:00:00.000Z", 31 * 24 - 1),
        ("month", "1999-10-31T22:59:59Z", "1999-09-30T22:00:00.000Z", 31 * 24 + 1),
        ("month", "2000-02-29T12:00:00Z", "2000-01-31T23:00:00.000Z", 29 * 24),
        ("month", "1999-12-31T12:00:00Z", "1999-11-30T23:00:00.000Z", 31 * 24),
    ],
)
def test_weeks_begin_on_monday_and_months_on_the_first_wherever_clocks_change(
    unit: CalendarUnit, moment: str, start: str, hours: int
) -> None:
    since, until = calendar_bounds(unit, to_ms(moment), BERLIN)
    assert (iso(since), until - since) == (start, hours * HOUR_MS)
    assert calendar_unit(until - since) == unit
    tables = Tables()
    for each in (since, to_ms(moment), until - 1, until):
        fold(tables, replace(some("sentiment", 0, value=1), time=each), POLICY)
    found = [each for each in of(unit, advance(tables, "", until, False, POLICY)) if each["window"]["start"] == start]
    assert (found[-1]["status"], found[-1]["window"]["end"]) == ("final", iso(until))
    assert next(each["denominator"] for each in found[-1]["readings"] if each["kpi"] == "sentiment") == 3


def test_a_week_is_read_at_each_midnight_and_a_month_six_times_a_day() -> None:
    tables = Tables()
    for hour in range(10 * 24):
        fold(tables, some("sentiment", hour / 24, value=1), POLICY)
    records = advance(tables, "", at(10), False, POLICY)
    weeks = [each for each in of("week", records) if each["window"]["start"] == "1999-03-21T23:00:00.000Z"]
    read = [sum(each["denominator"] for each in one["readings"] if each["kpi"] == "sentiment") for one in weeks]
    assert read == [24, 48, 72, 96, 120, 144, 167]
    assert [each["status"] for each in weeks] == ["provisional"] * 6 + ["final"]
    assert len(of("month", records)) == 4 * 10


def test_a_fact_that_comes_when_its_day_is_forgotten_amends_its_month() -> None:
    tables = Tables()
    first = to_ms("1999-03-01T12:00:00Z")
    early = replace(some("sentiment", 0, value=1), time=first)
    fold(tables, early, POLICY)
    now = first + 25 * DAY_MS
    advance(tables, "", now, False, POLICY)
    assert not tables.days and fold(tables, early, POLICY) == "amends_day" and not tables.days
    records = advance(tables, "", first + 31 * DAY_MS, False, POLICY)
    assert [(each["status"], each["readings"][0]["denominator"]) for each in of("month", records)][-1] == ("final", 2)
    advance(tables, "", first + 40 * DAY_MS, False, POLICY)
    fold(tables, early, POLICY)
    (month,) = advance(tables, "", first + 40 * DAY_MS, False, POLICY)
    assert (month["status"], month["readings"][0]["denominator"]) == ("amended", 3)
    advance(tables, "", first + 46 * DAY_MS, False, POLICY)
    assert fold(tables, early, POLICY) == "too_late"
    assert not (tables.months or tables.weeks or tables.published)


@pytest.mark.parametrize("hours", [0, 1])
def test_what_stands_of_a_week_counts_each_day_once(hours: int) -> None:
    """Also at midnight, when the day is over and has not gone."""
    tables, monday = Tables(), to_ms("1999-03-21T23:00:00Z")
    for day in range(3):
        fold(tables, replace(some("sentiment", 0, value=1), time=monday + day * DAY_MS), POLICY)
    advance(tables, "", monday + 2 * DAY_MS + hours * HOUR_MS, False, POLICY)
    (week,) = of("week", standing(tables, "", POLICY))
    assert [each["denominator"] for each in week["readings"] if each["kpi"] == "sentiment"] == [2 + (hours > 0)]


def test_spans_are_of_days_where_there_are_some_else_of_weeks_and_months() -> None:
    start, end = to_ms("1999-03-21T23:00:00Z"), to_ms("1999-04-30T22:00:00Z")
    without = kpi_policy(windows=(ROLLING, *CALENDAR[1:]), time_zone=BERLIN)
    assert {length for _, length in tiles(start, end, POLICY, BERLIN)} == {DAY_MS, DAY_MS - HOUR_MS}
    found = [calendar_unit(length) for _, length in tiles(start, to_ms("1999-04-04T22:00:00Z"), without, BERLIN)]
    assert found == ["week", "week"]
    assert tiles(to_ms("1999-03-31T22:00:00Z"), end, without, BERLIN)[0] == ("1999-03-31T22:00:00.000Z", 30 * DAY_MS)


def newest(records: list[Record], wanted: Callable[[Record], bool]) -> dict[str, list[Any]]:
    return {record_key(each): list(each["readings"]) for each in records if wanted(each)}


def test_a_week_that_begins_to_be_counted_holds_the_days_before_and_a_month_that_cannot_says_nothing() -> None:
    """As after an update, when the rows of the version before have days alone."""
    facts = [some("sentiment", days / 2, value=1) for days in range(80)]
    tables, records = Tables(), list[Record]()
    for number, each in enumerate(facts):
        policy = DAYS if number < 45 else POLICY
        fold(tables, each, policy)
        if number == 45:  # a day of the running week is amended before anything moves
            assert fold(tables, facts[40], policy) == "amends_day"
        records += advance(tables, "", each.time, False, policy)
    records += advance(tables, "", at(100), False, POLICY)
    expected = by_definition([*facts, facts[40]])
    said = newest(records, lambda each: bool(calendar_unit(each["window"]["length_ms"])))
    before = facts[44].time
    for key, read in expected.items():
        start, length = to_ms(key.split("|")[4]), int(key.split("|")[5])
        whole = start >= before - POLICY.day_kept_ms and start + length > before
        assert said.get(key) == (read if calendar_unit(length) == "day" or whole else None)


def test_a_window_that_is_named_again_begins_anew() -> None:
    facts = [some("sentiment", 4 + days / 2, value=1) for days in range(16)]
    tables, records = Tables(), list[Record]()
    for number, each in enumerate(facts):
        policy = DAYS if number in range(4, 8) else POLICY
        fold(tables, each, policy)
        records += advance(tables, "", each.time, False, policy)
    records += advance(tables, "", at(100), False, POLICY)
    said = newest(records, lambda each: calendar_unit(each["window"]["length_ms"]) == "week")
    expected = {
        key: read for key, read in by_definition(facts).items() if calendar_unit(int(key.split("|")[5])) == "week"
    }
    assert said == expected
