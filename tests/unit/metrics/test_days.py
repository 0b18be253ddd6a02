"""Days: read every hour, whole at midnight, corrected for as long as they are kept."""

from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from streams.base.records import SEP
from streams.base.times import DAY_MS, HOUR_MS, day_bounds, iso
from streams.hours.calendars import WEEKDAYS, Calendar, Hours
from streams.metrics.tables import Tables
from streams.metrics.windows import advance
from tests.support.kpi_facts import (
    T0,
    count,
    entered,
    fact,
    fold,
    kpi_policy,
    leg,
    move,
    of_length,
    taken_back,
    value,
)

JERUSALEM = ZoneInfo("Asia/Jerusalem")
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_fact_beyond_the_lateness_amends_its_day_alone() -> None:
    policy = kpi_policy(time_zone=JERUSALEM)
    tables = Tables()
    midnight = (day_bounds(T0, JERUSALEM)[1] - T0) / 1000
    count(tables, leg("a", 12, 15), policy)
    final = [each for each in move(tables, midnight, policy=policy) if each["status"] == "final"][-1]
    assert (final["window"]["start"], final["window"]["end"]) == (
        "1999-01-31T22:00:00.000Z",
        "1999-02-01T22:00:00.000Z",
    )
    move(tables, midnight + 3600, policy=policy)
    assert count(tables, leg("b", 20, 50), policy) == ["amends_day", "amends_day"]
    (amended,) = move(tables, midnight + 3600, policy=policy)
    assert (amended["window"], amended["status"], amended["revision"]) == (
        final["window"],
        "amended",
        final["revision"] + 1,
    )
    assert (entered(final), entered(amended)) == (1, 2)
    assert value(amended, "longest_wait", "left") == 30_000


def test_a_fact_beyond_the_kept_days_is_too_late_and_says_so() -> None:
    tables = Tables()
    count(tables, leg("a", 12, 15))
    move(tables, 17 * 86_400)
    assert count(tables, [fact("sentiment", "m", 12, value=1)]) == ["too_late"]
    assert move(tables, 17 * 86_400) == []


def test_who_waits_when_a_line_ends_is_in_its_last_day_where_nothing_else_happened_on_that() -> None:
    tables = Tables()
    midnight = 15 * 3600
    count(tables, [fact("leg_opened", "a", midnight - 30), *leg("b", 0, 5)])
    records = [*move(tables, midnight + 7200), *move(tables, midnight + 7200, ended=True)]
    days = [each for each in records if each["status"] == "final" and each["window"]["length_ms"] == DAY_MS]
    assert [each["window"]["start"] for each in days] == ["1999-02-01T00:00:00.000Z", "1999-02-02T00:00:00.000Z"]
    assert [value(each, "service_level", "reached_threshold") for each in days] == [0.5, 0.0]


def test_a_leg_that_waits_over_midnight_is_in_the_days_last_reading_even_when_it_is_amended_much_later() -> None:
    tables = Tables()
    midnight = 15 * 3600
    count(tables, [*leg("a", midnight - 30, midnight + 30), *leg("b", 0, 5)])
    finals = [
        each
        for each in move(tables, midnight + 7200)
        if each["status"] == "final" and each["window"]["length_ms"] == DAY_MS
    ]
    assert [value(each, "service_level", "reached_threshold") for each in finals] == [0.5]
    count(tables, leg("c", 10, 15))
    assert [value(each, "service_level", "reached_threshold") for each in move(tables, midnight + 7200)] == [2 / 3]


def test_a_leg_corrected_over_midnight_amends_the_day() -> None:
    tables = Tables()
    midnight = 15 * 3600
    opened, closed = leg("a", midnight - 30, midnight - 5)
    count(tables, [opened, *leg("b", 0, 5)])
    move(tables, midnight + 60)
    count(tables, [closed])
    (day,) = of_length(move(tables, midnight + 60), DAY_MS)
    assert (day["status"], value(day, "service_level", "reached_threshold")) == ("amended", 0.5)
    count(tables, [taken_back(closed)])
    (day,) = of_length(move(tables, midnight + 60), DAY_MS)
    assert (day["revision"], value(day, "service_level", "all_abandons_count")) == (day["revision"], 1)
    assert value(day, "service_level", "reached_threshold") == 0.5


def test_the_day_is_read_every_hour_as_of_that_hour_and_final_at_midnight() -> None:
    tables = Tables()
    count(tables, [*leg("a", 60, 70), *leg("b", 3660, 3670), *leg("c", 12_000, 12_010)])
    days = of_length(move(tables, 16 * 3600), DAY_MS)
    assert [(each["status"], each["revision"]) for each in days] == [
        *(("provisional", n) for n in range(1, 4)),
        ("final", 4),
    ]
    assert [entered(each) for each in days] == [1, 2, 3, 3], "an hour that changes nothing is not told"
    assert {each["window"]["start"] for each in days} == {"1999-02-01T00:00:00.000Z"}


@pytest.mark.parametrize(("month", "day", "hours"), [("03", "28", 23), ("10", "31", 25)])
def test_a_day_has_23_or_25_hours_when_the_clock_changes(month: str, day: str, hours: int) -> None:
    policy = kpi_policy(time_zone=BERLIN)
    start = {"03": 922_575_600_000, "10": 941_320_800_000}[month]
    tables = Tables()
    for hour in range(hours):
        fold(tables, replace(fact("sentiment", "m", 0, value=1), time=start + hour * HOUR_MS), policy)
    days = [
        each for each in advance(tables, "", start + 2 * DAY_MS, False, policy) if each["window"]["length_ms"] > HOUR_MS
    ]
    assert {each["window"]["length_ms"] for each in days} == {hours * HOUR_MS}
    assert [each["status"] for each in days] == ["provisional"] * (hours - 1) + ["final"]
    assert next(r["denominator"] for r in days[-1]["readings"] if r["kpi"] == "sentiment") == hours


def test_a_day_is_kept_for_longer_than_its_windows() -> None:
    with pytest.raises(ValueError, match="kept at least"):
        kpi_policy(day_kept_ms=HOUR_MS)


def test_a_day_begins_where_the_clock_skips_midnight() -> None:
    start, end = day_bounds(1_711_800_000_000, ZoneInfo("Asia/Beirut"))
    assert (iso(start), iso(end), end - start) == ("2024-03-29T22:00:00.000Z", "2024-03-30T22:00:00.000Z", 24 * HOUR_MS)
    start, end = day_bounds(end, ZoneInfo("Asia/Beirut"))
    assert (iso(start), iso(end), end - start) == ("2024-03-30T22:00:00.000Z", "2024-03-31T21:00:00.000Z", 23 * HOUR_MS)


def test_days_are_those_of_the_queue_where_it_has_opening_hours() -> None:
    weekly = dict.fromkeys(WEEKDAYS, ((0, 24 * 60),))
    hours = Hours(
        {"berlin": Calendar(BERLIN, weekly), "new-york": Calendar(ZoneInfo("America/New_York"), weekly)},
        {"sales": "berlin"},
        {"email": "new-york"},
    )
    policy, tables = kpi_policy(time_zone=JERUSALEM, hours=hours), Tables()
    lanes = [("voice", "sales"), ("email", "support"), ("voice", "support")]
    for channel, queue in lanes:
        count(tables, leg(queue, 10, 20, channel=channel, queue=queue), policy)
    records = [each for each in move(tables, 3 * 86_400, policy=policy) if each["window"]["length_ms"] == DAY_MS]
    said = {
        (each["dimensions"]["channel"], each["dimensions"]["queue"]): each["window"]["start"]
        for each in records
        if each["status"] == "final"
    }
    assert [said[lane] for lane in lanes] == [
        "1999-01-31T23:00:00.000Z",
        "1999-02-01T05:00:00.000Z",
        "1999-01-31T22:00:00.000Z",
    ]
    late = leg("late", 40, 50)
    assert count(tables, late, policy) == ["amends_day", "amends_day"]
    (amended,) = move(tables, 3 * 86_400, policy=policy)
    assert (amended["window"]["start"], entered(amended), amended["status"]) == (
        "1999-01-31T23:00:00.000Z",
        2,
        "amended",
    )
    # 15 days after its end each is forgotten, the one of New York six hours after that of Berlin.
    left = []
    for hour in (14, 20):
        move(tables, (16 * 24 - 24 + hour) * 3600, policy=policy)
        left.append({tuple(key.split(SEP)[1:3]) for key in tables.days})
    assert left == [{("email", "support")}, set()]
