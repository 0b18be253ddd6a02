"""Business time: how much of a span a calendar is open, and when so much of it has passed.

A moment is open when the clock on the wall shows a time within the opening hours. So where clocks go forward, hours
that do not exist do not count (02:00-04:00 is one hour then), and where they go back, hours that come twice count
twice. Times are ms since the epoch.

Open stretches are worked out for 32 days at a time, with what was open before each of them: a span within that costs
two look-ups, a year some twelve more. Of these parts the latest `PARTS` are kept.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

PART_MS = 32 * DAY_MS
PARTS = 256
"""22 years of a calendar, some 1 MB."""
FARTHEST = 115
"""Parts in which an opening is looked for: ten years."""
_EPOCH = date(1970, 1, 1).toordinal()
_LAST = date.max.toordinal()
_MIN_MS = round(datetime(1, 1, 3, tzinfo=UTC).timestamp()) * SECOND_MS
_MAX_MS = round(datetime(9999, 12, 29, tzinfo=UTC).timestamp()) * SECOND_MS


class Part(NamedTuple):
    """32 days."""

    starts: list[int]
    """Openings, in order of time."""
    lengths: list[int]
    """How long each stays open, ms."""
    before: list[int]
    """How much of the part was open before each, ms."""
    total: int


class BusinessClock:
    """The business time of one calendar."""

    def __init__(self, zone: ZoneInfo, day: Callable[[date], Sequence[tuple[int, int]]]) -> None:
        """``day``: when a date is open, as (from, until) in minutes since its midnight by the clock on the wall; until
        is beyond 1440 where it goes on after midnight."""
        self._zone, self._day = zone, day
        self._part = lru_cache(maxsize=PARTS)(self._work_out)

    def between(self, start: int, end: int) -> int:
        """How much of [start, end) is open, ms; 0 where it ends before it starts."""
        if end <= start:
            return 0
        first, last = start // PART_MS, end // PART_MS
        if first == last:
            part = self._part(first)
            return _until(part, end) - _until(part, start)
        found = self._part(first).total - _until(self._part(first), start) + _until(self._part(last), end)
        return found + sum([self._part(number).total for number in range(first + 1, last)])

    def is_open(self, at: int) -> bool:
        """Whether it is open at a moment."""
        starts, lengths, *_ = self._part(at // PART_MS)
        place = bisect_right(starts, at) - 1
        return place >= 0 and at < starts[place] + lengths[place]

    def next_opening(self, at: int) -> int | None:
        """The first open moment at or after this one; ``None`` where none comes in ten years."""
        if self.is_open(at):
            return at
        return next((start for start, _ in self.openings(at) if start > at), None)

    def after(self, start: int, ms: int) -> int | None:
        """The first moment at which so much of the time since ``start`` was open: `start` itself where ``ms`` is 0;
        ``None`` where it is more than comes in ten years."""
        if ms <= 0:
            return start
        left = ms
        for opening, closing in self.openings(start):
            since = max(opening, start)
            if closing - since >= left:
                return since + left
            left -= closing - since
        return None

    def openings(self, at: int) -> Iterator[tuple[int, int]]:
        """The open stretches that end after a moment, those of ten years; one may be cut in two."""
        first = at // PART_MS
        for number in range(first, first + FARTHEST):
            part = self._part(number)
            for start, length in zip(part.starts, part.lengths, strict=True):
                if start + length > at:
                    yield start, start + length

    def _work_out(self, number: int) -> Part:
        stretches: list[tuple[int, int]] = []
        begin, end = max(number * PART_MS, _MIN_MS), min((number + 1) * PART_MS, _MAX_MS)
        for since, until, offset in self._offsets(begin, end):
            for opening, closing in self._on_the_wall(since + offset, until + offset):
                start = opening - offset
                if stretches and stretches[-1][1] >= start:
                    stretches[-1] = stretches[-1][0], max(stretches[-1][1], closing - offset)
                else:
                    stretches.append((start, closing - offset))
        before, total = [], 0
        for start, close in stretches:
            before.append(total)
            total += close - start
        return Part([start for start, _ in stretches], [close - start for start, close in stretches], before, total)

    def _on_the_wall(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        """What is open while the clock on the wall goes from one time to another, in order of time."""
        if since >= until:
            return
        for number in range(since // DAY_MS - 1, (until - 1) // DAY_MS + 1):
            midnight = number * DAY_MS
            for begin, end in self._day(date.fromordinal(min(max(_EPOCH + number, 1), _LAST))):
                opening, closing = max(midnight + begin * MINUTE_MS, since), min(midnight + end * MINUTE_MS, until)
                if opening < closing:
                    yield opening, closing

    def _offsets(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The span in pieces of one offset from UTC: from, until, offset. No zone changes it twice within an hour."""
        since, at, offset = begin, begin, self._offset(begin) if begin < end else 0
        while at < end:
            upper = min(at + HOUR_MS, end)
            if (after := self._offset(upper)) != offset:
                changed = self._change(at, upper, offset)
                yield since, changed, offset
                since, offset = changed, after
            at = upper
        if since < end:
            yield since, end, offset

    def _change(self, low: int, high: int, offset: int) -> int:
        """The moment at which the offset is no longer what it was at ``low``, to the second."""
        while high - low > SECOND_MS:
            middle = (low + high) // (2 * SECOND_MS) * SECOND_MS
            low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
        return high

    def _offset(self, at: int) -> int:
        """What the clock on the wall is ahead of UTC, ms."""
        found = datetime.fromtimestamp(at // SECOND_MS, self._zone).utcoffset()
        return round(found.total_seconds() * SECOND_MS) if found is not None else 0


def _until(part: Part, at: int) -> int:
    """How much of the part is open before a moment in it."""
    place = bisect_right(part.starts, at) - 1
    if place < 0:
        return 0
    return part.before[place] + min(at - part.starts[place], part.lengths[place])
