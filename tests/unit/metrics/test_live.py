"""What is shown as live: the newest reading of a window while it is the newest, and everybody who waits."""

from typing import Any

import pytest

from streams.base.records import SEP
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, iso
from streams.metrics.forecast import Point
from streams.metrics.live import LiveReadings, queues_now, window_label
from streams.metrics.panes import EMPTY
from streams.metrics.rules import Window
from streams.metrics.tables import Flow, LineState, QueueShown, Tables
from streams.metrics.windows import standing
from tests.support.kpi_facts import POLICY, T0, WINDOWS, at, count, kpi_policy, leg, move

NOON = 10_000 * DAY_MS + 12 * HOUR_MS


def record(end: int, value: float | None, length: int = MINUTE_MS, kpi: str = "service_level") -> dict[str, Any]:
    return {
        "dimensions": {"channel": "voice", "queue": "loans", "tier": "gold"},
        "window": {"start": iso(end - length), "end": iso(end), "length_ms": length},
        "readings": [{"kpi": kpi, "variant": "v", "value": value}],
    }


def shown(readings: LiveReadings, now: int | None) -> dict[str, float]:
    return {labels[5]: value for labels, value in readings.current(now).items()}


@pytest.fixture
def readings() -> LiveReadings:
    return LiveReadings(POLICY)


def test_a_reading_is_shown_with_all_its_labels(readings: LiveReadings) -> None:
    readings.remember(record(NOON, 0.5))
    assert readings.current(NOON) == {("service_level", "v", "voice", "loans", "gold", "1m", "", "", ""): 0.5}


@pytest.mark.parametrize("length", [MINUTE_MS, 60 * MINUTE_MS])
def test_it_is_shown_until_nothing_of_the_window_is_left(readings: LiveReadings, length: int) -> None:
    """A window that reads the same has no record: without this the last reading before the night could stand until
    morning."""
    readings.remember(record(NOON, 0.5, length))
    assert list(shown(readings, NOON + length - 1).values()) == [0.5]
    assert shown(readings, NOON + length) == {}
    assert shown(readings, NOON) == {}, "what is gone does not come back"


def test_the_day_is_shown_until_the_next_day_is_read(readings: LiveReadings) -> None:
    midnight = 10_001 * DAY_MS
    readings.remember(record(midnight, 0.5, DAY_MS))
    readings.remember(record(midnight, 0.6, DAY_MS))
    assert shown(readings, midnight + HOUR_MS - 1) == {"day": 0.6}
    assert shown(readings, midnight + HOUR_MS) == {}


def test_a_day_of_25_hours_and_a_window_of_ones_own_have_their_names() -> None:
    lengths = (25 * HOUR_MS, 23 * HOUR_MS, 30 * MINUTE_MS, 12 * HOUR_MS, 90_000, 10_000)
    assert [window_label(length) for length in lengths] == ["day", "day", "30m", "720m", "90s", "10s"]
    assert [window_label(days * DAY_MS + HOUR_MS) for days in (7, 28, 31)] == ["week", "month", "month"]


def test_an_amended_older_window_does_not_hide_a_newer_one(readings: LiveReadings) -> None:
    readings.remember(record(NOON, 0.5))
    readings.remember(record(NOON - 10_000, 0.9))
    readings.remember(record(NOON - 10_000, None))
    assert shown(readings, NOON) == {"1m": 0.5}
    readings.remember(record(NOON, 0.7))
    assert shown(readings, NOON) == {"1m": 0.7}


def test_a_reading_without_value_takes_the_older_one_away(readings: LiveReadings) -> None:
    readings.remember(record(NOON, 0.5))
    readings.remember(record(NOON + 10_000, None))
    assert shown(readings, None) == {}


def test_who_waits_comes_from_the_tables_and_known_queues_are_zero() -> None:
    def key(*parts: str) -> str:
        return SEP.join(parts)

    tables = Tables(
        days={
            key("", "voice", "loans", "gold", "0"): EMPTY,
            key("", "voice", "cards", "none", "0"): EMPTY,
            key("", "all", "cards", "none", "0"): EMPTY,  # time of agents
            key("replay-1", "voice", "old", "none", "0"): EMPTY,
        },
        queues={
            key("", "voice", "loans"): QueueShown(NOON - 90_000, (("gold", 2), ("none", 3))),
            key("replay-1", "voice", "old"): QueueShown(0, (("none", 1),)),
        },
    )
    assert queues_now(tables, NOON) == {("voice", "loans"): (5, 90.0, None), ("voice", "cards"): (0, 0.0, None)}
    tables.lines[""] = LineState(NOON)
    tables.flows[key("", "voice", "loans")] = Flow(
        (Point(NOON - 60_000, 0, 0, 0, 0, 5), Point(NOON, 2, 0, 60_000, 300_000, 5))
    )
    assert queues_now(tables, NOON)["voice", "loans"] == (5, 90.0, 6 * 20.0)


def test_what_was_published_before_is_known_again_from_the_rows() -> None:
    """A worker that starts shows what stands, though nothing of it is published anew."""
    policy = kpi_policy(windows=(Window(MINUTE_MS, 10_000, ("channel", "queue")), *WINDOWS[1:]))
    tables, shown = Tables(), LiveReadings(policy)
    facts = [*leg("a", 5, 9), *leg("b", 8, 25, tier="none"), *leg("c", 1700, None), *leg("d", 3300, 3310)]
    for seconds in range(0, 3700, 10):
        count(tables, [each for each in facts if seconds <= (each.time - T0) / 1000 < seconds + 10], policy)
        for record in move(tables, seconds, policy=policy):
            shown.remember(record)
    again = LiveReadings(policy)
    for record in standing(tables, "", policy):
        again.remember(record)
    now = at(3690)
    rolling, days = ({k: v for k, v in shown.current(now).items() if (k[5] == "day") is day} for day in (False, True))
    assert rolling == {k: v for k, v in again.current(now).items() if k[5] != "day"}
    assert days.keys() == {k for k in again.current(now) if k[5] == "day"} != set()
    assert {k[4] for k in rolling if k[5] == "1m"} <= {"all"} and {k[4] for k in rolling} >= {"gold"}
