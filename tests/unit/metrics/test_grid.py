"""Windows that end on the hour and the half hour of the queue's clock, whatever its zone is apart from UTC."""

import random
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.base.records import Fact
from streams.base.times import HOUR_MS, MINUTE_MS, iso, to_ms
from streams.metrics.grid import Grid, grid
from streams.metrics.kpis import Snapshot, readings
from streams.metrics.panes import EMPTY
from streams.metrics.query import Standing, newest
from streams.metrics.rules import Window
from streams.metrics.tables import Tables
from streams.metrics.windows import advance, standing
from tests.support.kpi_facts import Record, add, fact, fold, kpi_policy, taken_back

HOUR, HALF = Window(60 * MINUTE_MS, 60 * MINUTE_MS), Window(60 * MINUTE_MS, 30 * MINUTE_MS)
KOLKATA, KATHMANDU, HOWE = (ZoneInfo(name) for name in ("Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"))
BACK, FORTH = to_ms("1999-03-27T15:00:00Z"), to_ms("1999-10-30T15:30:00Z")
"""When the clock of Lord Howe goes back by half an hour at 2, and when it goes forward."""
AROUND = 6 * HOUR_MS


def on_the_wall(zone: ZoneInfo, ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, zone).strftime("%H:%M")


@pytest.mark.parametrize(
    ("zone", "minute"),
    [(ZoneInfo("UTC"), "00"), (KOLKATA, "30"), (KATHMANDU, "15"), (ZoneInfo("America/St_Johns"), "30")],
)
def test_a_window_of_an_hour_is_the_hour_of_the_queue(zone: ZoneInfo, minute: str) -> None:
    policy = kpi_policy(windows=(HOUR,), time_zone=zone)
    tables, start = Tables(), to_ms("1999-02-01T09:00:00Z")
    for quarter in range(8):
        fold(tables, replace(fact("sentiment", "m", 0, value=1), time=start + quarter * 15 * MINUTE_MS), policy)
    records = advance(tables, "", start + 4 * HOUR_MS, False, policy)
    assert [each["window"]["end"][13:16] for each in records] == [f":{minute}"] * len(records)
    assert {on_the_wall(zone, to_ms(each["window"]["end"]))[3:] for each in records} == {"00"}
    assert sum(each["denominator"] for one in records for each in one["readings"] if each["kpi"] == "sentiment") == 8


@pytest.mark.parametrize(
    ("change", "hours"),
    [
        # At 2:00 it is 1:30: the hour from 1 to 2 was over, and half of it comes again.
        (BACK, ["01:00", "01:30", "02:00", "03:00"]),
        # At 2:00 it is 2:30: what would have ended at 2 ends when the clock skips it.
        (FORTH, ["01:00", "02:30", "03:00", "04:00"]),
    ],
)
def test_where_the_clock_changes_by_half_an_hour(change: int, hours: list[str]) -> None:
    steps = grid(HOUR_MS, HOWE)
    ends = list(steps.between(steps.first(change - HOUR_MS), steps.last(change + 2 * HOUR_MS)))
    assert [on_the_wall(HOWE, end) for end in ends] == hours
    assert [steps.before(end) for end in ends[1:]] == ends[:-1]


@given(
    st.sampled_from([KOLKATA, KATHMANDU, HOWE]),
    st.sampled_from([20, 30, 60]),
    st.integers(BACK - AROUND, BACK + AROUND),
)
def test_first_last_and_before_agree(zone: ZoneInfo, minutes: int, moment: int) -> None:
    steps = grid(minutes * MINUTE_MS, zone)
    first = steps.first(moment)
    assert moment <= first < moment + steps.every + 1
    assert steps.last(first) == first
    assert steps.before(first) < moment or first == moment
    assert steps.first(steps.before(first) + 1) == first


def test_steps_that_divide_a_quarter_are_the_same_everywhere() -> None:
    assert grid(5 * MINUTE_MS, KATHMANDU) == Grid(5 * MINUTE_MS)
    assert Grid(5 * MINUTE_MS).last(7 * MINUTE_MS) == 5 * MINUTE_MS


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([BACK, FORTH]),
    st.sampled_from([KOLKATA, HOWE]),
    st.lists(st.integers(-AROUND, AROUND), max_size=8),
    st.dictionaries(st.integers(0, 12), st.integers(-AROUND, AROUND), max_size=3),
    st.randoms(use_true_random=False),
)
def test_order_and_cuts_change_nothing_around_a_change_of_the_clock(
    change: int, zone: ZoneInfo, offsets: list[int], cuts: dict[int, int], rng: random.Random
) -> None:
    policy = kpi_policy(windows=(HOUR, Window(30 * MINUTE_MS, 30 * MINUTE_MS)), time_zone=zone, lateness_ms=2 * AROUND)
    facts = [replace(fact("sentiment", "m", 0, value=1), time=change + each) for each in offsets]
    told = [*facts, *(taken_back(each) for each in facts[:2]), *facts[:2]]
    rng.shuffle(told)
    tables, records = Tables(), list[Record]()
    for number, each in enumerate(told):
        if number in cuts:
            records += advance(tables, "", change + cuts[number], False, policy)
        assert fold(tables, each, policy) in {"counted", "amends"}
    records += advance(tables, "", change + 2 * AROUND, False, policy)
    for length, every in policy.rolling:
        of_length = [each for each in newest(records) if each["window"]["length_ms"] == length]
        said = {to_ms(each["window"]["end"]): list(each["readings"]) for each in of_length}
        for end in grid(every, zone).between(grid(every, zone).first(change - AROUND), change + 2 * AROUND):
            expected = expected_of([each for each in facts if end - length <= each.time < end])
            assert said[max(each for each in said if each <= end)] == expected if expected else not said.get(end)


def test_hours_that_overlap_where_the_clock_is_set_back_have_a_record_each() -> None:
    """By half an hour: whoever reads that one has none reads that nothing is in it."""
    policy, tables = kpi_policy(windows=(Window(HOUR_MS, HOUR_MS),), time_zone=HOWE), Tables()
    fold(tables, replace(fact("sentiment", "m", 0, value=1), time=to_ms("2024-04-06T14:45:00Z")), policy)
    records = advance(tables, "", to_ms("2024-04-06T20:00:00Z"), False, policy)
    assert [each["window"]["end"][11:16] for each in records] == ["15:00", "15:30"]


def expected_of(facts: list[Fact]) -> list[object]:
    pane, policy = EMPTY, kpi_policy()
    for each in facts:
        pane = add(pane, each, policy)
    return list(readings(Snapshot(pane)))


def test_what_stands_ends_on_the_hour_of_the_queue() -> None:
    policy, tables = kpi_policy(windows=(HOUR,), time_zone=KOLKATA), Tables()
    start = to_ms("1999-02-01T09:00:00Z")
    fold(tables, replace(fact("sentiment", "m", 0, value=1), time=start), policy)
    advance(tables, "", start + 45 * MINUTE_MS, False, policy)
    assert [each["window"]["end"] for each in standing(tables, "", policy)] == [iso(start + 30 * MINUTE_MS)]


def test_the_hour_of_another_zone_stands_for_none() -> None:
    start = to_ms("1999-02-01T09:00:00Z")
    tables, records = Tables(), list[Record]()
    policy = kpi_policy(windows=(HOUR,), time_zone=KOLKATA)
    fold(tables, replace(fact("sentiment", "m", 0, value=1), time=start), policy)
    records += advance(tables, "", start + 4 * HOUR_MS, False, policy)
    kept = {}
    for shift in (0, 30 * MINUTE_MS):
        kept[shift] = Standing([(iso(start - shift), HOUR_MS)])
        for each in records:
            if kept[shift].wants(each["window"]["start"], HOUR_MS):
                kept[shift].add(each)
    assert kept[0].records() == []
    assert [each["window"]["start"] for each in kept[30 * MINUTE_MS].records()] == [iso(start - 30 * MINUTE_MS)]
