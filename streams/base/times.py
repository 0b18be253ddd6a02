"""Times as text and calendar days, from int milliseconds since the epoch (UTC)."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from schemas.times import iso

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

__all__ = ["DAY_MS", "HOUR_MS", "MINUTE_MS", "SECOND_MS", "day_bounds", "day_start", "iso", "local_date", "to_ms"]


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
    return known if known[0] <= ms < known[1] else _day_bounds(ms, zone)


_QUARTER_MS = 15 * MINUTE_MS


@lru_cache(maxsize=10_000)
def _day_of(quarter: int, zone: ZoneInfo) -> tuple[int, int]:
    """That of the first moment of a quarter of an hour, in which days of nearly all zones begin."""
    return _day_bounds(quarter * _QUARTER_MS, zone)


def _day_bounds(ms: int, zone: ZoneInfo) -> tuple[int, int]:
    day = local_date(ms, zone)
    return day_start(day, zone), day_start(day + timedelta(days=1), zone)


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
