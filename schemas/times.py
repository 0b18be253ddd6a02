"""The form of every time we publish."""

from datetime import date
from functools import lru_cache

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=64)
def _date(days: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + days).isoformat()


@lru_cache(maxsize=1 << 15)
def iso(ms: int) -> str:
    """``1999-02-01T08:09:16.000Z``: RFC 3339 in UTC with milliseconds. Raises ValueError outside the years 1 to
    9999."""
    days, rest = divmod(ms, 86_400_000)
    seconds, milli = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(days)}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
