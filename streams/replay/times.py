"""Local dates and times of day to milliseconds since the epoch."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
_HALF_DAY_MS = DAY_MS // 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MS = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """An aware datetime as ms since the epoch."""
    return (moment - _EPOCH) // _MS


class Calendar:
    """Times of day in one time zone. Days are proleptic ordinals, times of day ms after midnight on the clock.

    A time that a clock change makes ambiguous is its first occurrence, unless an anchor is closer to the second; one
    that it skips is read with the offset before the change. ``earliest`` passes over occurrences that lie before it
    where another one does not.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._steady: dict[int, int | None] = {}

    def occurrences(self, day: int, of_day: int) -> tuple[int, ...]:
        """Ms of every moment at which the clock shows ``of_day`` on ``day``: two when it is set back, else one."""
        midnight = self._midnight(day)
        if midnight is not None:
            return (midnight + of_day,)
        first, second = self._exact(day, of_day, 0), self._exact(day, of_day, 1)
        return (first, second) if second > first else (first,)

    def showing(self, ms: int) -> tuple[int, ...]:
        """Ms of every moment at which the clock shows what it shows at ``ms``."""
        shown = datetime.fromtimestamp(ms // 1000, self._zone)
        seconds = (shown.hour * 60 + shown.minute) * 60 + shown.second
        return self.occurrences(shown.toordinal(), seconds * 1000 + ms % 1000)

    def on(self, day: int, of_day: int, anchor: int | None = None, earliest: int | None = None) -> int:
        """Ms of ``of_day`` on ``day``: of two occurrences the first, or the one that is closer to ``anchor`` (ms)."""
        found = self.occurrences(day, of_day)
        return found[0] if anchor is None else _closest(found, anchor, earliest)

    def near(self, anchor: int, of_day: int, earliest: int | None = None) -> int:
        """Ms of the occurrence of ``of_day`` that is closest to ``anchor`` (ms), before or after it."""
        day = self.day_of(anchor)
        midnight = self._midnight(day)
        if midnight is not None:
            moment = midnight + of_day
            if moment - anchor > _HALF_DAY_MS:
                return moment - DAY_MS
            return moment + DAY_MS if anchor - moment > _HALF_DAY_MS else moment
        days = [self.occurrences(day + shift, of_day) for shift in (-1, 0, 1)]
        closest = min(days, key=lambda found: min(abs(ms - anchor) for ms in found))
        return _closest(closest, anchor, earliest)

    def day_of(self, ms: int) -> int:
        """The local day of a moment."""
        return datetime.fromtimestamp(ms / 1000, self._zone).toordinal()

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


def from_utc(day: int, of_day: int, offset: int) -> int:
    """Ms of a time whose clock is ``offset`` ms ahead of UTC."""
    return (day - _EPOCH_DAY) * DAY_MS + of_day - offset


def _closest(found: Sequence[int], anchor: int, earliest: int | None) -> int:
    later = [ms for ms in found if earliest is None or ms >= earliest]
    return min(later or found, key=lambda ms: abs(ms - anchor))
