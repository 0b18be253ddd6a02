"""Times of day around midnight and around clock changes."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.times import iso
from streams.replay.times import DAY_MS, Calendar, to_ms

BERLIN = ZoneInfo("Europe/Berlin")


def of_day(text: str) -> int:
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


def utc(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("anchor", "clock", "expected"),
    [
        ("2026-01-10T22:50", "23:55", "2026-01-10T22:55"),
        ("2026-01-10T22:50", "00:10", "2026-01-10T23:10"),
        ("2026-01-10T23:10", "23:55", "2026-01-10T22:55"),
        # Spring: 02:00 becomes 03:00 on 29 March 2026.
        ("2026-03-28T23:50", "00:55", "2026-03-28T23:55"),
        ("2026-03-29T00:50", "03:10", "2026-03-29T01:10"),
        ("2026-03-28T22:50", "00:05", "2026-03-28T23:05"),
        # Autumn: 03:00 becomes 02:00 on 25 October 2026, so 02:30 comes twice: the occurrence closest to the anchor.
        ("2026-10-25T00:20", "02:30", "2026-10-25T00:30"),
        ("2026-10-25T01:20", "02:30", "2026-10-25T01:30"),
        ("2026-10-25T01:50", "03:10", "2026-10-25T02:10"),
        ("2026-10-25T22:50", "00:10", "2026-10-25T23:10"),
    ],
)
def test_near(anchor: str, clock: str, expected: str) -> None:
    assert iso(Calendar(BERLIN).near(utc(anchor), of_day(clock)))[:16] == expected


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (date(2026, 1, 10), "12:00", "2026-01-10T11:00"),
        (date(2026, 3, 29), "01:30", "2026-03-29T00:30"),
        (date(2026, 3, 29), "02:30", "2026-03-29T01:30"),  # skipped: as if the change had not come yet
        (date(2026, 3, 29), "12:00", "2026-03-29T10:00"),
        (date(2026, 10, 25), "02:30", "2026-10-25T00:30"),
        (date(2026, 10, 25), "12:00", "2026-10-25T11:00"),
    ],
)
def test_on(day: date, clock: str, expected: str) -> None:
    assert iso(Calendar(BERLIN).on(day.toordinal(), of_day(clock)))[:16] == expected


@given(
    anchor=st.datetimes(datetime(1999, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)),
    clock=st.integers(0, DAY_MS - 1),
)
def test_near_is_that_time_of_day_within_half_a_day(anchor: datetime, clock: int) -> None:
    found = Calendar(BERLIN).near(to_ms(anchor), clock)
    # 13 h: on the day of a clock change two occurrences are up to 25 h apart, and a skipped time moves by an hour.
    assert abs(found - to_ms(anchor)) <= 13 * 3_600_000
    local = datetime.fromtimestamp(found // 1000, BERLIN)
    shown = ((local.hour * 60 + local.minute) * 60 + local.second) * 1000 + found % 1000
    assert shown == clock or 2 <= clock / 3_600_000 < 3
