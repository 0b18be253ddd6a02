"""Where rolling windows end: on multiples of their step, by the clock on the wall where that is not the same for all.

A step of 30 or 60 minutes ends on the half hour and the hour of the queue's time zone: some zones are half an hour or a
quarter of one apart from UTC. A step that divides 15 minutes ends at the same moments in all of them. Where a clock
skips the end it is the moment it skips it, so two windows that follow each other are never further apart than a step.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from streams.base.times import HOUR_MS, MINUTE_MS, SECOND_MS
from streams.metrics.rules import PANE_MS, aligned

_QUARTER_MS = 15 * MINUTE_MS
_PART_MS = 64 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Grid:
    """The ends of the windows of one step, ms."""

    every: int
    zone: ZoneInfo | None = None
    """None: the same in all zones."""

    def first(self, at: int) -> int:
        """The first end at or after a moment."""
        if self.zone is None:
            return aligned(at, self.every)
        part = at // _PART_MS
        ends = _ends(part, self.every, self.zone)
        place = bisect_left(ends, at)
        return ends[place] if place < len(ends) else _ends(part + 1, self.every, self.zone)[0]

    def last(self, at: int) -> int:
        """The last end at or before a moment."""
        if self.zone is None:
            return at // self.every * self.every
        part = at // _PART_MS
        ends = _ends(part, self.every, self.zone)
        place = bisect_right(ends, at)
        return ends[place - 1] if place else _ends(part - 1, self.every, self.zone)[-1]

    def before(self, end: int) -> int:
        """The end before one."""
        return end - self.every if self.zone is None else self.last(end - 1)

    def between(self, first: int, last: int) -> Iterator[int]:
        """The ends from one to another, both included."""
        if self.zone is None:
            yield from range(first, last + 1, self.every)
            return
        while first <= last:
            yield first
            first = self.first(first + 1)


def grid(every: int, zone: ZoneInfo) -> Grid:
    """That of a step in a zone."""
    return Grid(every) if _QUARTER_MS % every == 0 else Grid(every, zone)


@lru_cache(maxsize=1024)
def _ends(part: int, every: int, zone: ZoneInfo) -> tuple[int, ...]:
    """The ends of some days in order of time. The clock on the wall is looked at each quarter of an hour: no zone has
    changed it at another moment since 1972."""
    found = []
    for quarter in range(part * _PART_MS, (part + 1) * _PART_MS, _QUARTER_MS):
        offset = _offset(quarter, zone)
        came, goes = quarter + _offset(quarter - _QUARTER_MS, zone), quarter + offset
        if goes % every and (came % every == 0 or aligned(came, every) < goes):
            found.append(quarter)
        found += [end - offset for end in range(aligned(goes, every), goes + _QUARTER_MS, every)]
    return tuple(found)


def _offset(at: int, zone: ZoneInfo) -> int:
    """What the clock on the wall is ahead of UTC, in whole panes."""
    found = datetime.fromtimestamp(at // SECOND_MS, zone).utcoffset()
    return round(found.total_seconds()) * SECOND_MS // PANE_MS * PANE_MS if found is not None else 0
