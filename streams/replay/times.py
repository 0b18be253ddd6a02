"""Local dates and times of day to milliseconds since the epoch."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
_HALF_DAY_MS = DAY_MS // 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """An aware datetime as ms since the epoch."""
    return (moment - _EPOCH) // _MS


def to_rfc3339(ms: int) -> str:
    """Ms since the epoch as RFC 3339 in UTC with milliseconds: ``1999-02-01T05:02:47.000Z``."""
    day, of_day = divmod(ms, DAY_MS)
    seconds, ms = divmod(of_day, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{_day_text(day)}T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{ms:03}Z"


@lru_cache(maxsize=1000)
def _day_text(day: int) -> str:
    return date.fromordinal(_EPOCH.toordinal() + day).isoformat()


class Calendar:
    """Times of day in one time zone. A time that a clock change makes ambiguous is its first occurrence, unless an
    anchor is closer to the second; one that it skips is read with the offset before the change."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._steady: dict[int, int | None] = {}

    def local(self, moment: datetime) -> int:
        """A datetime as ms; one without offset is local time."""
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=self._zone))

    def on(self, day: int, of_day: int) -> int:
        """Ms of the time of day ``of_day`` (ms after midnight on the clock) on ``day`` (proleptic ordinal)."""
        midnight = self._midnight(day)
        return midnight + of_day if midnight is not None else self._exact(day, of_day, 0)

    def near(self, anchor: int, of_day: int) -> int:
        """Ms of the occurrence of ``of_day`` that is closest to ``anchor`` (ms), before or after it."""
        day = datetime.fromtimestamp(anchor / 1000, self._zone).toordinal()
        midnight = self._midnight(day)
        if midnight is None:
            candidates = [self._exact(day + shift, of_day, fold) for shift in (-1, 0, 1) for fold in (0, 1)]
            return min(candidates, key=lambda ms: abs(ms - anchor))
        moment = midnight + of_day
        if moment - anchor > _HALF_DAY_MS:
            return moment - DAY_MS
        return moment + DAY_MS if anchor - moment > _HALF_DAY_MS else moment

    def _midnight(self, day: int) -> int | None:
        """Ms of the day's start; None when a clock change is at most a day away and plain addition would be wrong."""
        if day not in self._steady:
            starts = [self._exact(day + shift, 0, 0) for shift in (-1, 0, 1, 2)]
            even = all(later - sooner == DAY_MS for sooner, later in pairwise(starts))
            self._steady[day] = starts[1] if even else None
        return self._steady[day]

    def _exact(self, day: int, of_day: int, fold: int) -> int:
        seconds, ms = divmod(of_day, 1000)
        clock = time(seconds // 3600, seconds // 60 % 60, seconds % 60, ms * 1000, self._zone, fold=fold)
        return to_ms(datetime.combine(date.fromordinal(day), clock))
