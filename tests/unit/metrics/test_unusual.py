"""KPIs that are held against the same hour of the weeks before: what is usual, what is not, and when nothing is said."""

import math
import random
from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.alerts.index import Index
from streams.alerts.rules import AlertRule
from streams.base.alert_records import Condition
from streams.base.records import SEP
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, iso, to_ms
from streams.hours.calendars import WEEKDAYS, Calendar, Hours
from streams.metrics.kpi_watch import KpiRules
from streams.metrics.rules import KpiPolicy, Window
from streams.metrics.sweep import Ordered
from streams.metrics.usual import chance_of, per_year, usual
from streams.metrics.watching import WatchTables
from tests.support.watched import rule

ROME = ZoneInfo("Europe/Rome")
MONDAY = to_ms("2026-01-04T23:00:00Z")
"""Midnight in Rome."""
WEEK_MS = 7 * DAY_MS
LEVEL, OFFERED = "service_level/answered_only", "contacts_offered/all"
POLICY = KpiPolicy(
    (Window(MINUTE_MS, MINUTE_MS), Window(HOUR_MS, 15 * MINUTE_MS), Window("day", HOUR_MS)),
    time_zone=ROME,
    hours=Hours({"office": Calendar(ROME, dict.fromkeys(WEEKDAYS, ((0, 1440),)), None, {date(2026, 2, 9): ()})}, {}, {}, "office"),
)  # fmt: skip


def odd(kpi: str = LEVEL, **more: Any) -> AlertRule:
    return rule("kpi", {"anomaly": {"at_or_below": 1, "window": "1h", **more}}, "odd", kpis=[kpi])


class Weeks:
    """Hourly windows of one place, as they are published."""

    def __init__(self, *rules: AlertRule) -> None:
        self.rows = WatchTables()
        self.rules = KpiRules(Index(rules, version="1"), POLICY, self.rows.kpi_watch, self.rows.weekdays)
        self.now = MONDAY
        self.said: list[Condition] = []

    def hour(self, end: int, value: float, cases: int, kpi: str = LEVEL) -> Ordered:
        name, variant = kpi.split("/")
        read = {"kpi": name, "variant": variant, "value": value, "denominator": cases, "unit": "ratio"}
        window = {"start": iso(end - HOUR_MS), "end": iso(end), "length_ms": HOUR_MS, "every_ms": 15 * MINUTE_MS}
        return end, HOUR_MS, SEP.join(("", "voice", "cards", "gold")), {"window": window, "readings": [read]}

    def move(self, now: int, *records: Ordered) -> list[Condition]:
        found = list(self.rules.moved("", records, self.now, now))
        self.now = max(now, self.now)
        self.said += found
        return found


def usual_hours(weeks: int, dice: random.Random, first: int = 0) -> Iterator[tuple[int, float, int]]:
    """End, share and cases of the hours from 8 to 18 o'clock of working days, by the clock in Rome."""
    for day in range(first * 7, (first + weeks) * 7):
        if day % 7 < 5:
            for hour in range(8, 18):
                cases = 60 + 20 * (hour % 5)
                share = 0.85 - 0.02 * (hour % 4)
                yield (
                    MONDAY + day * DAY_MS + (hour + 1) * HOUR_MS,
                    sum(dice.random() < share for _ in range(cases)) / cases,
                    cases,
                )


def told(weeks: Weeks, count: int, first: int = 0, seed: int = 1) -> None:
    for end, share, cases in usual_hours(count, random.Random(seed), first):
        weeks.move(end, weeks.hour(end, share, cases))


def test_an_unusual_reading_in_full() -> None:
    weeks = Weeks(odd(clear_above=12))
    told(weeks, 6)
    assert weeks.said == []
    end = MONDAY + 6 * WEEK_MS + 10 * HOUR_MS
    (began,) = weeks.move(end, weeks.hour(end, 0.42, 100))
    assert (began.rule, began.what, began.unit, began.value) == ("odd", "anomaly", "ratio", 0.42)
    assert (began.since, began.at) == (end, end)
    assert began.limit is not None
    assert began.clear is not None
    assert 0.5 < began.limit < began.clear < 0.7
    assert began.subject.kpi == LEVEL
    end += HOUR_MS
    (over,) = weeks.move(end, weeks.hour(end, 0.84, 100))
    assert (over.episode, over.until, over.reason) == (began.episode, end, "recovered")
    assert (over.value, over.limit) == (began.value, began.limit)


def test_windows_between_the_whole_hours_and_few_cases_do_not_count() -> None:
    weeks = Weeks(odd())
    told(weeks, 6)
    end = MONDAY + 6 * WEEK_MS + 10 * HOUR_MS
    assert weeks.move(end + 15 * MINUTE_MS, weeks.hour(end + 15 * MINUTE_MS, 0.1, 100)) == []
    end += HOUR_MS
    assert weeks.move(end, weeks.hour(end, 0.1, 19)) == []


def test_the_side_that_does_not_count() -> None:
    weeks = Weeks(odd(direction="up"))
    told(weeks, 6)
    end = MONDAY + 6 * WEEK_MS + 10 * HOUR_MS
    assert weeks.move(end, weeks.hour(end, 0.1, 100)) == []


def test_little_history_says_nothing() -> None:
    weeks = Weeks(odd())
    told(weeks, 3)
    end = MONDAY + 3 * WEEK_MS + 10 * HOUR_MS
    assert weeks.move(end, weeks.hour(end, 0.1, 100)) == []
    end = MONDAY + 5 * DAY_MS + 3 * WEEK_MS + 10 * HOUR_MS
    assert weeks.move(end, weeks.hour(end, 0.1, 100)) == [], "on Saturdays nothing was ever told"


def test_on_a_special_day_nothing_is_unusual_and_nothing_of_it_becomes_usual() -> None:
    weeks = Weeks(odd())
    told(weeks, 5)
    special = MONDAY + 5 * WEEK_MS
    for hour in range(8, 18):
        end = special + (hour + 1) * HOUR_MS
        assert weeks.move(end, weeks.hour(end, 0.1, 100)) == []
    weeks.move(special + 2 * DAY_MS)
    assert {
        len(slot)
        for slot in weeks.rows.weekdays[
            SEP.join(("", "voice", "cards", "gold", LEVEL, str(HOUR_MS), "0"))
        ].slots.values()
    } == {5}


def test_an_amended_reading_amends_and_withdraws() -> None:
    weeks = Weeks(odd())
    told(weeks, 6)
    end = MONDAY + 6 * WEEK_MS + 10 * HOUR_MS
    (began,) = weeks.move(end, weeks.hour(end, 0.42, 100))
    (amended,) = weeks.move(end + 10_000, weeks.hour(end, 0.4, 110))
    assert (amended.episode, amended.since, amended.value) == (began.episode, began.since, 0.4)
    (over,) = weeks.move(end + 20_000, weeks.hour(end, 0.8, 200))
    assert (over.episode, over.reason) == (began.episode, "withdrawn")


def test_a_number_of_things_that_stops_is_found_with_no_record() -> None:
    weeks = Weeks(odd(OFFERED, direction="down"))
    for end, _, cases in usual_hours(5, random.Random(3)):
        weeks.move(end, weeks.hour(end, cases, 1, OFFERED))
        if end % DAY_MS == 17 * HOUR_MS:
            weeks.move(end + HOUR_MS, weeks.hour(end + HOUR_MS, 0, 1, OFFERED))
    assert weeks.said == []
    monday = MONDAY + 5 * WEEK_MS + WEEK_MS
    end = monday + 9 * HOUR_MS
    weeks.move(end, weeks.hour(end, 80, 1, OFFERED))
    said = [each for hour in range(10, 14) for each in weeks.move(monday + hour * HOUR_MS + 5_000)]
    assert [(each.since, each.value) for each in said] == [(monday + 10 * HOUR_MS, 0)]


@pytest.mark.parametrize("cut", [1, 3, 50])
def test_wherever_time_is_cut_the_same_is_said(cut: int) -> None:
    dice, found = random.Random(5), []
    hours = list(usual_hours(8, dice))
    for step in (cut, 1):
        weeks = Weeks(odd())
        for at in range(0, len(hours), step):
            some = hours[at : at + step]
            wrong = [weeks.hour(end, 0.3 if end % 37 == 0 else share, cases) for end, share, cases in some]
            weeks.move(some[-1][0], *wrong)
        weeks.move(MONDAY + 9 * WEEK_MS)
        found.append({each.episode: each for each in weeks.said})
    assert found[0] == found[1]
    assert found[0]


def test_places_that_are_silent_for_long_are_forgotten() -> None:
    weeks = Weeks(odd())
    told(weeks, 5)
    weeks.move(MONDAY + 6 * WEEK_MS)
    assert weeks.rows.kpi_watch == {}
    weeks.move(MONDAY + 20 * WEEK_MS)
    assert weeks.rows.weekdays == {}


def test_how_seldom_chance_takes_a_reading_so_far() -> None:
    slots = {hour: [(0.8 + 0.01 * (week % 3 - 1), 100) for week in range(8)] for hour in range(8, 18)}
    known = usual("ratio", slots, 10, HOUR_MS, 4)
    assert known is not None
    assert (known.middle, known.spread, known.weeks) == (0.8, 1.0, 8), "less than chance there is never"
    assert known.seldom(0.8, 100, "both") == 1.0
    far, near = known.seldom(0.5, 100, "both"), known.seldom(0.7, 100, "both")
    assert far < near < 0.1
    assert known.seldom(0.5, 100, "down") == far / 2
    assert known.seldom(0.5, 100, "up") == 1.0
    assert known.seldom(0.5, 20, "both") > far, "of fewer cases it is less unusual"
    bound = known.bound(near, 0.5, 100, "both")
    assert math.isclose(bound, 0.7, abs_tol=1e-6)
    assert per_year(chance_of(1, HOUR_MS), HOUR_MS) == pytest.approx(1)
    assert usual("ratio", slots, 3, HOUR_MS, 4) is None
    assert usual("ms", {10: [(1000.0, 30)] * 8}, 10, HOUR_MS, 4) is None, (
        "what never varies says nothing of how it does"
    )
    counts = usual("count", {hour: [(400.0, 1)] * 8 for hour in range(24)}, 10, HOUR_MS, 4)
    assert counts is not None
    assert counts.seldom(300, 1, "both") < 1e-4 < counts.seldom(370, 1, "both")
