from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.base.records import Fact
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, iso
from streams.metrics.accumulators import step_of
from streams.metrics.query import (
    Figures,
    Standing,
    ends_at,
    figures,
    is_day,
    merge_readings,
    newest,
    table,
    tiles,
    window_of,
)
from streams.metrics.rules import UTC, Window
from streams.metrics.tables import Tables
from streams.metrics.windows import advance
from tests.support.kpi_facts import POLICY, T0, at, fact, fold, kpi_policy, leg

MIDNIGHT = T0 - 9 * HOUR_MS
"""1999-02-01T00:00:00Z."""


def published(facts: list[Fact], line: str = "", until_s: int = 4 * 86_400) -> list[dict[str, Any]]:
    tables = Tables()
    for each in facts:
        fold(tables, each, POLICY)
    return advance(tables, line, at(until_s), False, POLICY)


def call(ident: str, second: float, waited: float, **more: Any) -> list[Fact]:
    return [
        *(leg(ident, second, second + waited, **more) if waited else []),
        fact("contact_offered", ident, second + waited, outcome="answered", value=round(waited * 1000), **more),
        fact("contact_handled", ident, second + waited + 100, talk_ms=100_000, **more),
    ]


def hung_up(ident: str, second: float, waited: float, **more: Any) -> list[Fact]:
    return [
        *(leg(ident, second, second + waited, "abandoned", **more) if waited else []),
        fact("contact_offered", ident, second + waited, outcome="abandoned", value=round(waited * 1000), **more),
    ]


def pairs(readings: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[int, int]]:
    return {(each["kpi"], each["variant"]): (each["numerator"], each["denominator"]) for each in readings}


def test_vector_7_the_average_of_a_span_is_not_the_average_of_its_averages() -> None:
    records = published([*call("a", 0, 10), *call("b", 86_400, 40), *call("c", 86_401, 40), *call("d", 86_402, 40)])
    days = [each for each in newest(records) if is_day(each)]
    (row,) = table(days, (), ends_at(MIDNIGHT + 2 * DAY_MS))
    reading = next(each for each in row.readings if each["variant"] == "answered_legs")
    assert reading == {
        "kpi": "speed_of_answer",
        "variant": "answered_legs",
        "grain": "leg",
        "value": 32_500,
        "numerator": 130_000,
        "denominator": 4,
        "unit": "ms",
    }


def test_vector_7_windows_end_to_end_are_the_window_over_all_of_them() -> None:
    facts = [each for i in range(60) for each in call(str(i), i * 57, i * 3)] + hung_up("x", 100, 3300)
    records = published(facts)
    hour = [each for each in records if window_of(each) == (iso(T0), HOUR_MS)]
    (row,) = table(minutes(records, 60), (), ends_at(T0 + HOUR_MS))
    (whole,) = table([hour[0]], (), ends_at(T0 + HOUR_MS))
    assert something(row.readings) == something(whole.readings)
    told = {(each["kpi"], each["variant"]) for each in hour[0]["readings"]}
    assert [each for each in something(row.readings) if (each["kpi"], each["variant"]) in told] == (
        without_those_who_wait(hour[0]["readings"])
    )


def minutes(records: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """What so many whole minutes from T0 on read."""
    standing = Standing([(iso(T0 + n * MINUTE_MS), MINUTE_MS) for n in range(count)])
    for each in records:
        if standing.wants(*window_of(each)):
            standing.add(each)
    return standing.records()


def something(readings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that a record does not leave out."""
    return [
        each for each in readings if each["value"] is not None and (each["numerator"] != 0 or each["unit"] != "count")
    ]


def without_those_who_wait(readings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in readings if each["variant"] != "now"]


def percentiles(readings: list[dict[str, Any]]) -> dict[str, tuple[float | None, int]]:
    return {each["variant"]: (each["value"], each["denominator"]) for each in readings if each["variant"] in P}


P = ("p50", "p90", "p95")


def test_percentiles_of_several_queues_are_read_from_their_histograms_together() -> None:
    """The p50 of one is 10 s, that of the other 40 s; of both together it is neither their mean nor either's."""
    facts = [each for i in range(6) for each in call(str(i), i, 10 if i < 4 else 20)]
    facts += [each for i in range(6, 12) for each in call(str(i), i, 20 if i < 8 else 40, queue="support")]
    days = [each for each in newest(published(facts)) if is_day(each)]
    by_queue = {
        row.dimensions["queue"]: percentiles(row.readings)["p50"] for row in table(days, ("queue",), ends_at(0))
    }
    assert by_queue == {"sales": (step_of(10_000), 6), "support": (step_of(40_000), 6)}
    (row,) = table(days, (), ends_at(0))
    assert percentiles(row.readings) == {
        "p50": (step_of(20_000), 12),
        "p90": (step_of(40_000), 12),
        "p95": (step_of(40_000), 12),
    }


def test_percentiles_of_a_span_that_records_of_an_earlier_version_are_part_of_are_not_told() -> None:
    records = published([*call("a", 0, 10), *call("b", 86_400, 40)])
    before, after = [each for each in newest(records) if is_day(each)]
    old = {name: said for name, said in before.items() if name != "histograms"}
    old["readings"] = [each for each in old["readings"] if each["variant"] not in P]
    assert percentiles(merge_readings([old, after], ends_at(0))) == dict.fromkeys(P, (None, 0))
    assert percentiles(merge_readings([old], ends_at(0))) == dict.fromkeys(P, (None, 0))
    assert percentiles(merge_readings([after], ends_at(0))) == dict.fromkeys(P, (step_of(40_000), 1))


def test_what_is_told_of_days_alone_is_not_0_in_a_span_without_days() -> None:
    records = published(call("a", 0, 10))
    days = [each for each in newest(records) if is_day(each)]
    names = ("backlog", "open"), ("journeys_reopened", "all"), ("contacts_contained", "all")
    of_days, of_minutes = (pairs(merge_readings(each, ends_at(0))) for each in (days, minutes(records, 3)))
    assert [of_days[name] for name in names] == [(0, 1), (0, 1), (0, 1)]
    assert [of_minutes[name] for name in names] == [(0, 0), (0, 0), (0, 1)]


def test_an_agents_time_counts_once_where_queues_are_added_up() -> None:
    record = newest(published(call("a", 0, 10)))[0]
    said = {"kpi": "occupancy", "variant": "of_ready_time", "numerator": 1, "denominator": 2}
    records = [
        record | {"dimensions": {"channel": "all", "queue": queue, "tier": "none"}, "readings": [said], "sums": {}}
        for queue in ("cards", "loans", "all")
    ]
    occupancy = "occupancy", "of_ready_time"
    assert [pairs(row.readings)[occupancy] for row in table(records, ("channel",), ends_at(0))] == [(1, 2)]
    assert len(table(records, ("queue",), ends_at(0))) == 3


def test_who_waits_counts_at_the_end_of_the_span_only() -> None:
    records = published([*leg("a", 10, 100), *leg("b", 130, None)], until_s=300)
    first_three = sorted(minutes(records, 3), key=window_of)
    assert pairs(merge_readings(first_three, ends_at(at(180))))["service_level", "reached_threshold"] == (0, 2)
    assert pairs(merge_readings(first_three[:2], ends_at(at(120))))["service_level", "reached_threshold"] == (0, 1)


def test_the_newest_revision_of_a_window_counts_in_any_order() -> None:
    tables = Tables()
    for each in call("a", 0, 10):
        fold(tables, each, POLICY)
    records = advance(tables, "", at(2 * 86_400), False, POLICY)
    for each in call("b", 50, 30):
        fold(tables, each, POLICY)
    records += advance(tables, "", at(2 * 86_400), False, POLICY)
    for order in (records, records[::-1]):
        days = [each for each in newest(order) if is_day(each)]
        assert [(each["status"], pairs(each["readings"])["legs_entered", "all"]) for each in days] == [
            ("amended", (2, 1))
        ]


def test_rows_by_any_dimensions() -> None:
    facts = [*call("a", 0, 10), *call("b", 0, 20, tier="none"), *call("c", 0, 0, queue="support")]
    days = [each for each in newest(published(facts)) if is_day(each)]

    def rows(*by: str) -> list[tuple[dict[str, str], int]]:
        return [
            (row.dimensions, pairs(row.readings)["contacts_offered", "all"][0]) for row in table(days, by, ends_at(0))
        ]

    assert rows() == [({}, 3)]
    assert rows("queue") == [({"queue": "sales"}, 2), ({"queue": "support"}, 1)]
    assert rows("tier", "channel") == [
        ({"tier": "gold", "channel": "voice"}, 2),
        ({"tier": "none", "channel": "voice"}, 1),
    ]
    assert len(rows("channel", "queue", "tier")) == 3
    assert rows("line") == [({"line": ""}, 3)]


def test_an_unknown_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match=r"team is no dimension; there are channel, queue, tier"):
        table([], ("queue", "team"), ends_at(0))


def test_no_records_are_no_rows() -> None:
    assert table([], ("queue",), ends_at(0)) == []


def names(found: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(start[5:16], length // MINUTE_MS) for start, length in found]


def test_whole_days_are_days() -> None:
    found = tiles(MIDNIGHT, MIDNIGHT + 7 * DAY_MS, POLICY, UTC)
    assert [length for _, length in found] == [DAY_MS] * 7
    assert found[0] == ("1999-02-01T00:00:00.000Z", DAY_MS)


def test_days_are_those_of_the_time_zone() -> None:
    policy = kpi_policy(time_zone=ZoneInfo("Europe/Berlin"))
    start = 922_489_200_000
    assert names(tiles(start, start + 3 * DAY_MS - HOUR_MS, policy, policy.time_zone)) == [
        ("03-26T23:00", 24 * 60),
        ("03-27T23:00", 23 * 60),
        ("03-28T22:00", 24 * 60),
    ]


def test_the_longest_windows_that_fit_make_up_the_rest() -> None:
    assert names(tiles(MIDNIGHT + 22 * HOUR_MS + 40 * MINUTE_MS, MIDNIGHT + DAY_MS + 61 * MINUTE_MS, POLICY, UTC)) == [
        ("02-01T22:40", 15),
        ("02-01T22:55", 15),
        ("02-01T23:10", 15),
        ("02-01T23:25", 15),
        ("02-01T23:40", 15),
        ("02-01T23:55", 15),
        ("02-02T00:10", 15),
        ("02-02T00:25", 15),
        ("02-02T00:40", 15),
        ("02-02T00:55", 5),
        ("02-02T01:00", 1),
    ]


@pytest.mark.parametrize("end", [T0, T0 - 1, T0 + 90_000, T0 + 60_001])
def test_a_span_that_no_windows_make_up_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match=r"span is empty|no windows make up"):
        tiles(T0, end, POLICY, UTC)


def test_without_days_hours_make_up_a_day() -> None:
    policy = kpi_policy(windows=(Window(60_000, 10_000), Window(HOUR_MS, HOUR_MS)))
    assert [length for _, length in tiles(MIDNIGHT, MIDNIGHT + DAY_MS, policy, policy.time_zone)] == [HOUR_MS] * 24


def test_the_figures_of_a_line() -> None:
    facts = [
        *call("a", 0, 10),
        *call("b", 86_390, 40, queue="support"),
        *call("c", 86_400, 0, tier="none"),
        *hung_up("d", 200_000, 7),
        *hung_up("e", 200_000, 0),
    ]
    other = published(call("z", 0, 99, line="r"), "r")
    assert figures(other + published(facts), "") == Figures(
        offered=5,
        answered=3,
        abandoned=2,
        legs_entered=3,
        legs_abandoned=1,
        asa_all=(50_000, 3),
        asa_waited=(50_000, 2),
        in_time_of_offered=(2, 5),
        in_time_of_answered=(2, 3),
        talk=(300_000, 3),
        longest_wait_ms=40_000,
    )
    assert figures(other, "another") == Figures(0, 0, 0, 0, 0, (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), None)


def test_a_span_of_many_full_windows_is_written_as_this_or_more() -> None:
    (day,) = [each for each in newest(published(call("a", 0, 10))) if is_day(each)]
    full = [{**each, "numerator": 2**53 - 1} for each in day["readings"]]
    merged = merge_readings([{**day, "readings": full}] * 4000, ends_at(0))
    assert {each["numerator"] for each in something(merged)} == {2**53 - 1, None}
    assert len(something(merged)) == len(full)


def test_a_customer_counts_once_in_a_span_of_days_though_a_queue_has_nothing_else_to_say() -> None:
    """The first answer is followed in another queue a day later: its queue's record of that day has no readings."""
    later = 86_400
    facts = [
        fact("feedback", "a", 0, variant="nps", value=10_000),
        fact("feedback", "b", later, variant="nps", value=3_000, queue="support"),
        fact("nps_superseded", "a", later, entered=at(0), value=10_000),
    ]
    days = [(iso(MIDNIGHT + n * DAY_MS), DAY_MS) for n in range(2)]
    standing = Standing(days)
    for record in published(facts):
        if standing.wants(*window_of(record)):
            standing.add(record)
    last = ends_at(MIDNIGHT + 2 * DAY_MS)
    (row,) = table(standing.records(), (), last)
    assert pairs(row.readings)["nps", "last_answer"] == (-100, 1)
    by_queue = {
        row.dimensions["queue"]: pairs(row.readings)["nps", "last_answer"]
        for row in table(standing.records(), ("queue",), last)
    }
    assert by_queue == {"sales": (0, 0), "support": (-100, 1)}


def test_a_day_of_another_zone_is_read_as_no_other_day() -> None:
    records = published(call("a", 0, 10))
    standing = Standing([(iso(MIDNIGHT + 5 * HOUR_MS), DAY_MS)])
    for record in records:
        if standing.wants(*window_of(record)):
            standing.add(record)
    assert standing.records() == []
