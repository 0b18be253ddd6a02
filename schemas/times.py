"""The form of every time we publish."""

from datetime import date
from functools import lru_cache

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=64)
def _date(days: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + days).isoformat()


_MINUTES = [f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60)]
_SECONDS = [f"{second:02}." for second in range(60)]
_MILLIS = [f"{milli:03}Z" for milli in range(1000)]


def iso(ms: int) -> str:
    """``1999-02-01T08:09:16.000Z``: RFC 3339 in UTC with milliseconds. Raises ValueError outside the years 1 to
    9999."""
    days, rest = divmod(ms, 86_400_000)
    minute, rest = divmod(rest, 60_000)
    return _date(days) + _MINUTES[minute] + _SECONDS[rest // 1000] + _MILLIS[rest % 1000]
