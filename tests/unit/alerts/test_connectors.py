"""Rules about connectors, and the alert that always fires: by minutes of the live line."""

import random
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.alerts.connectors import (
    FORGOTTEN_MS,
    MOST_KNOWN,
    MOST_REFUSED,
    OTHER,
    SLACK_MS,
    Connectors,
    ConnectorTables,
)
from streams.alerts.hearing import ALL_SILENT, NO_HISTORY, Place, always, learnt, places, slot_of
from streams.alerts.index import Index
from streams.alerts.rules import AlertRule
from streams.base.alert_records import Condition, Heard, Pulse
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, to_ms
from streams.hours.calendars import WEEKDAYS, Calendar, Hours
from tests.support.watched import rule

M0 = to_ms("2026-03-02T09:00:00Z")
"""A Monday."""
UTC = ZoneInfo("UTC")
SILENT = rule("connector", {"silence": {"above": "10m"}}, "silent", for_everybody=True)
REFUSED = rule("connector", {"dead_letters": {"above": 5, "clear_below": 2, "window": "2m"}}, "refused")
UNUSUAL = rule("connector", {"unusual_silence": {"above": "0s", "min_weeks": 3}}, "unusual", for_everybody=True)


class Centre:
    """Pulses come, and stream time passes."""

    def __init__(self, *rules: AlertRule, hours: Hours | None = None) -> None:
        self.tables = ConnectorTables()
        connectors = Index((each for each in rules if each.subject == "connector"), version="1")
        system = Index((each for each in rules if each.subject == "system"), version="1")
        self.connectors = Connectors(connectors, system, places(hours or Hours(), UTC), self.tables)
        self.said: list[Condition] = []

    def hear(
        self, minute: int, accepted: int = 1, refused: int = 0, source: str = "/pbx", channel: str = "voice"
    ) -> None:
        self.connectors.heard(Pulse("ingest-0", (Heard(source, channel, M0 + minute * MINUTE_MS, accepted, refused),)))

    def pass_to(self, minute: float) -> list[Condition]:
        """All minutes before it are looked at."""
        now, found = M0 + round(minute * MINUTE_MS) + SLACK_MS, []
        if self.connectors.is_due(now):
            found = list(self.connectors.passed(now))
        self.said += found
        return found


def at(minute: float) -> int:
    return M0 + round(minute * MINUTE_MS)


def test_a_silence_in_full() -> None:
    centre = Centre(SILENT)
    centre.hear(0)
    centre.hear(3)
    assert centre.pass_to(14) == [], "ten minutes are not more than ten"
    (began,) = centre.pass_to(15)
    assert (began.rule, began.what, began.unit, began.limit) == ("silent", "silence", "ms", 600_000)
    assert (began.since, began.at, began.until) == (at(14) + 1, at(15), None)
    assert (began.subject.type, began.subject.source, began.subject.channel) == ("connector", "/pbx", "voice")
    assert began.fingerprint.endswith("@connector:/pbx|voice")
    assert centre.pass_to(16) == []
    centre.hear(17)
    (over,) = centre.pass_to(18)
    assert (over.episode, over.until, over.at, over.reason) == (began.episode, at(17), at(18), "recovered")
    centre.pass_to(40)
    assert len({each.episode for each in centre.said}) == 2


def test_a_connector_that_never_sent_is_not_silent() -> None:
    centre = Centre(SILENT)
    centre.hear(0, accepted=0, refused=1)
    assert centre.pass_to(60) == []


def test_one_whose_channel_is_another_is_another_one() -> None:
    centre = Centre(rule("connector", {"silence": {"above": "10m"}}, "silent", channels=["chat"]))
    for minute in range(30):
        centre.hear(minute)
    centre.hear(0, channel="chat")
    assert [each.subject.channel for each in centre.pass_to(30)] == ["chat"]


def test_dead_letters_above_a_rate_in_full() -> None:
    centre = Centre(REFUSED)
    centre.hear(0, 100, 10)
    assert centre.pass_to(1) == [], "ten in two minutes are five a minute"
    centre.hear(1, 100, 4)
    (began,) = centre.pass_to(2)
    assert (began.what, began.unit, began.value, began.limit, began.clear) == ("dead_letters", "per_minute", 7, 5, 2)
    assert (began.since, began.at) == (at(2), at(2))
    assert centre.pass_to(3) == [], "two a minute are not below two"
    (over,) = centre.pass_to(4)
    assert (over.episode, over.until, over.reason) == (began.episode, at(4), "recovered")


def test_a_pulse_that_comes_late_counts_where_minutes_are_still_looked_at() -> None:
    centre = Centre(SILENT)
    centre.hear(0)
    centre.pass_to(8)
    centre.hear(5)
    assert centre.pass_to(18) == []
    assert centre.pass_to(20)[0].since == at(19) + 1


def test_hours_of_the_week() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert slot_of(M0, UTC) == 9
    assert slot_of(M0, berlin) == 10
    assert slot_of(to_ms("2026-03-29T00:30:00Z"), berlin) == 6 * 24 + 1
    assert slot_of(to_ms("2026-03-29T01:30:00Z"), berlin) == 6 * 24 + 3, "the clock goes forward"
    history = NO_HISTORY
    params = {"weeks": 3, "min_weeks": 2}
    for longest in (60, 7, 9):
        history = learnt(history, 9, longest)
    assert always(history, 9, params) is None, "once nothing came"
    history = learnt(history, 9, 4)
    assert always(history, 9, params) == 9
    assert always(history, 10, params) is None
    for longest in range(16):
        history = learnt(history, 9, longest)
    assert always(history, 9, {"weeks": 16, "min_weeks": 16}) == 15
    assert len(history) == len(NO_HISTORY)


def weeks(centre: Centre, count: int, dice: random.Random, first: int = 0) -> None:
    """Weeks in which something comes every three minutes from 9 to 12 o'clock on weekdays."""
    for week in range(first, first + count):
        for day in range(5):
            start = (week * 7 + day) * 24 * 60
            for minute in range(0, 180, 3):
                centre.hear(start + minute + dice.randrange(3), dice.randrange(1, 9))
            centre.pass_to(start + 181)


def test_a_silence_that_is_unusual_and_what_is_usual() -> None:
    centre = Centre(UNUSUAL)
    weeks(centre, 4, random.Random(1))
    assert centre.said == [], "nights and weekends are usual"
    monday = 4 * 7 * 24 * 60
    for minute in range(0, 60, 3):
        centre.hear(monday + minute)
    (began,) = centre.pass_to(monday + 90)
    history = centre.tables.heard_before["/pbx\x1fvoice"].hours
    longest = max(always(history, slot, {"weeks": 8, "min_weeks": 3}) or 0 for slot in (9, 10))
    assert 3 <= longest <= 5
    assert (began.since, began.unit) == (at(monday + 58 + 2 * longest) + 1, "ms")
    (over,) = centre.pass_to(monday + 181)
    assert (over.until, over.reason) == (at(monday + 180), "recovered"), "from 12 on it is usual"


def test_little_history_and_holidays_say_nothing() -> None:
    open_day = ((9 * 60, 12 * 60),)
    special: dict[date, tuple[tuple[int, int], ...]] = {date(2026, 3, 30): ()}
    hours = Hours({"office": Calendar(UTC, dict.fromkeys(WEEKDAYS[:5], open_day), None, special)}, {}, {}, "office")
    centre = Centre(UNUSUAL, hours=hours)
    weeks(centre, 2, random.Random(2))
    centre.pass_to(2 * 7 * 24 * 60 + 120)
    assert centre.said == [], "two weeks are too few"
    centre = Centre(UNUSUAL, hours=hours)
    weeks(centre, 4, random.Random(2))
    centre.pass_to(4 * 7 * 24 * 60 + 180)
    assert centre.said == [], "the 30th of March is special"
    centre.pass_to((4 * 7 + 1) * 24 * 60 + 60)
    assert [each.until for each in centre.said] == [None], "and the 31st is not"


def test_sources_are_bounded_and_those_of_which_all_is_refused_apart() -> None:
    centre = Centre(REFUSED)
    for number in range(MOST_REFUSED + 10):
        centre.hear(0, 0, 100, f"/bad-{number}")
    for number in range(MOST_KNOWN + 10):
        centre.hear(0, 1, 0, f"/good-{number}")
    sources = {key.partition("\x1f")[0] for key in centre.tables.connectors}
    assert len(sources) == MOST_REFUSED + MOST_KNOWN + 1
    assert OTHER in sources
    found = centre.pass_to(1)
    assert len(found) == MOST_REFUSED + 1
    centre.hear(5, 0, 100, "")
    assert "other\x1fvoice" in centre.tables.connectors
    centre.pass_to(2 * 24 * 60)
    assert {key for key in centre.tables.connectors if key.startswith("/bad")} == set()
    assert f"/good-{MOST_KNOWN - 1}\x1fvoice" in centre.tables.connectors


def test_one_that_is_silent_for_long_is_forgotten_and_its_alert_over() -> None:
    centre = Centre(SILENT)
    centre.hear(0)
    (began,) = centre.pass_to(20)
    (over,) = centre.pass_to(FORGOTTEN_MS // MINUTE_MS + 20)
    assert (over.episode, over.reason) == (began.episode, "quiet")
    assert centre.tables.connectors == {}
    assert centre.tables.heard_before == {}


def test_the_watchdog_fires_always_and_says_so_each_minute() -> None:
    centre = Centre(rule("system", {"watchdog": True}, "watchdog", severity="info"))
    said = [each for minute in range(5) for each in centre.pass_to(minute)]
    assert len({each.episode for each in said}) == 1
    assert [(each.since, each.value, each.until) for each in said] == [(at(0), at(n), None) for n in range(5)]
    assert said[0].subject.type == "system"
    assert centre.pass_to(4.5) == []


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.integers(0, 90), st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=20),
    st.lists(st.integers(0, 100), max_size=10),
)
@example({0: (0, 2), 1: (0, 9)}, [1])
def test_whenever_time_passes_the_same_is_said(heard: dict[int, tuple[int, int]], cuts: list[int]) -> None:
    found = []
    for some in (sorted(set(cuts)), []):
        centre, left = Centre(SILENT, REFUSED), dict(heard)
        centre.pass_to(-1)
        for cut in [*some, 120]:
            for minute in sorted(minute for minute in left if minute < cut):
                centre.hear(minute, *left.pop(minute))
            centre.pass_to(cut)
        # When it was found is not held against each other: one that ends at the very moment of a look is found then.
        found.append({each.episode: replace(each, at=0) for each in centre.said})
    assert found[0] == found[1]


@pytest.mark.parametrize("minutes", [30, 59, 60])
def test_an_hour_without_events_is_none_in_which_something_always_comes(minutes: int) -> None:
    centre = Centre(UNUSUAL)
    for hour in range(3):
        for minute in range(60 if hour != 1 else 60 - minutes):
            centre.hear(60 * hour + minute)
    centre.pass_to(1)
    centre.pass_to(180)
    row = centre.tables.heard_before["/pbx\x1fvoice"]
    assert row.recent == ((at(60), min(minutes, ALL_SILENT)),)
    assert row.hours == NO_HISTORY
    centre.pass_to(180 + 48 * 60)
    row = centre.tables.heard_before["/pbx\x1fvoice"]
    assert [row.hours[slot * 16 + 15] for slot in (9, 10, 12)] == [255, min(minutes, ALL_SILENT), 255]
    assert Place(UTC, lambda hour: False).zone == UTC
    assert HOUR_MS * 24 == DAY_MS
