"""Times as text and calendar days, from int milliseconds since the epoch (UTC)."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from schemas.times import iso

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

CalendarUnit = Literal["day", "week", "month"]
UNITS: tuple[CalendarUnit, ...] = get_args(CalendarUnit)

__all__ = [
    "DAY_MS", "HOUR_MS", "MINUTE_MS", "SECOND_MS", "UNITS", "CalendarUnit", "calendar_bounds", "calendar_unit",
    "day_bounds", "day_start", "iso", "local_date", "to_ms",
]  # fmt: skip


@lru_cache(maxsize=4096)
def day_start(day: date, zone: ZoneInfo) -> int:
    """Local midnight that begins the day; where the clock skips midnight, the moment it skips it."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND_MS


def local_date(ms: int, zone: ZoneInfo) -> date:
    """The calendar date in the zone."""
    return datetime.fromtimestamp(ms // SECOND_MS, zone).date()


def day_bounds(ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """Start (inclusive) and end (exclusive) of the calendar day that holds the moment: 23 to 25 hours where the clock
    changes."""
    known = _day_of(ms // _QUARTER_MS, zone)
    return known if known[0] <= ms < known[1] else calendar_bounds("day", ms, zone)


_QUARTER_MS = 15 * MINUTE_MS


@lru_cache(maxsize=10_000)
def _day_of(quarter: int, zone: ZoneInfo) -> tuple[int, int]:
    """That of the first moment of a quarter of an hour, in which days of nearly all zones begin."""
    return calendar_bounds("day", quarter * _QUARTER_MS, zone)


def calendar_bounds(unit: CalendarUnit, ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """Start (inclusive) and end (exclusive) of the day, the week from Monday on, or the month that holds the moment, by
    the calendar of the zone."""
    first = local_date(ms, zone)
    if unit == "week":
        first -= timedelta(days=first.weekday())
    elif unit == "month":
        first = first.replace(day=1)
    after = first + timedelta(days={"day": 1, "week": 7, "month": 31}[unit])
    if unit == "month":
        after = after.replace(day=1)
    return day_start(first, zone), day_start(after, zone)


def calendar_unit(length_ms: int) -> CalendarUnit | None:
    """Which of them is so long, wherever clocks change or a date is left out; ``None`` for what is shorter than any
    day."""
    if length_ms <= DAY_MS // 2:
        return None
    return "day" if length_ms < 3 * DAY_MS else "week" if length_ms < 14 * DAY_MS else "month"


def to_ms(value: str | datetime | int) -> int:
    """RFC 3339 text (or a datetime with a zone) as milliseconds since the epoch, cut to the millisecond; an int stays.

    Raises ``ValueError`` for what is no time or has no zone.
    """
    if isinstance(value, int):
        return value
    moment = value if isinstance(value, datetime) else _moment(value.strip().upper())
    if moment.tzinfo is None:
        raise ValueError(f"time {value!r} has no zone: write it with 'Z' or an offset such as '+01:00'")
    return (moment - _EPOCH) // _MILLISECOND


def _moment(text: str) -> datetime:
    # A leap second exists in RFC 3339 and not in datetime: 23:59:60 is the second after 23:59:59.
    if text[16:19] == ":60":
        return datetime.fromisoformat(f"{text[:16]}:59{text[19:]}") + timedelta(seconds=1)
    return datetime.fromisoformat(text)
