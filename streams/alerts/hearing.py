"""How long a connector is silent, what is usual of that in each hour of the week, and how much of it is refused: as
signals, by whole minutes of the broker's clock.

Of each hour the longest run of minutes in which nothing came is kept, 0 to 60, for the last weeks. An hour of the week
in which something came in all of them is one in which something always does. There a silence is unusual when it is
longer than some times the longest of these weeks, in this hour and the one before; it counts from the beginning of
such hours on, so that the first morning minute does not make a night unusual.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.alerts.signals import Params, Piece, Signal
from streams.base.times import HOUR_MS, MINUTE_MS, SECOND_MS
from streams.hours.calendars import Hours

SLOTS, WEEKS = 168, 16
"""Hours of a week, and how many weeks are kept."""
UNKNOWN = 255
"""In place of the minutes of an hour of which nothing is known."""
ALL_SILENT = 60
NO_HISTORY = bytes((UNKNOWN,)) * (SLOTS * WEEKS)
REACH_MS = 48 * HOUR_MS
"""A silence is looked at no farther back."""
Gap = tuple[int, int | None]
"""From the end of a minute with an event until the next one; None: it goes on."""


class Place(NamedTuple):
    """Where connectors are: the clock on the wall, and the days on which nothing is as usual."""

    zone: ZoneInfo
    is_special: Callable[[int], bool]
    """Of the beginning of an hour, ms: a holiday, or a date with hours of its own."""


Places = Callable[[str], Place]
"""By channel."""


def places(hours: Hours, zone: ZoneInfo) -> Places:
    """By the opening hours; ``zone``: of a channel that has none."""

    @lru_cache(maxsize=1000)
    def place(channel: str) -> Place:
        name = hours.name(channel, "")
        calendar = hours.calendars.get(name) if name else None
        if calendar is None:
            return Place(zone, _never)

        @lru_cache(maxsize=1000)
        def is_special(hour: int) -> bool:
            day = datetime.fromtimestamp(hour // SECOND_MS, calendar.time_zone).date()
            return day in calendar.special or calendar.holiday(day) is not None

        return Place(calendar.time_zone, is_special)

    return place


def _never(hour: int) -> bool:
    return False


def slot_of(at: int, zone: ZoneInfo) -> int:
    """The hour of the week, from Monday on."""
    return _slot(at // HOUR_MS, zone)


@lru_cache(maxsize=4096)
def _slot(hour: int, zone: ZoneInfo) -> int:
    wall = datetime.fromtimestamp(hour * HOUR_MS // SECOND_MS, zone)
    return wall.weekday() * 24 + wall.hour


def learnt(history: bytes, slot: int, longest: int) -> bytes:
    """With what an hour was like; the oldest week of it goes."""
    start = slot * WEEKS
    return history[:start] + history[start + 1 : start + WEEKS] + bytes((longest,)) + history[start + WEEKS :]


def always(history: bytes, slot: int, params: Params) -> int | None:
    """The longest silence of an hour of the week, minutes; None where not always something came."""
    weeks = int(params["weeks"])
    of = history[slot * WEEKS : (slot + 1) * WEEKS][-weeks:]
    known = [each for each in of if each != UNKNOWN]
    if len(known) < int(params["min_weeks"]) or max(known) >= ALL_SILENT:
        return None
    return max(known)


def silence(gaps: Sequence[Gap]) -> Signal:
    """How long nothing has come."""
    return tuple(Piece(start, end, 0, grows=True, anchor=str(start)) for start, end in gaps)


def unusual_silence(gaps: Sequence[Gap], history: bytes, place: Place, now: int, params: Params) -> Signal:
    """How much longer nothing has come than is usual; below 0 where it is not."""
    return tuple(piece for gap in gaps for piece in _unusual(gap, history, place, now, params))


def _unusual(gap: Gap, history: bytes, place: Place, now: int, params: Params) -> Iterator[Piece]:
    start, end = gap
    until = now + HOUR_MS if end is None else end
    since: int | None = None
    """From when on something should have come."""
    at = max(start, until - REACH_MS)
    while at < until:
        hour = at - at % HOUR_MS
        after = min(until, hour + HOUR_MS)
        usual = None if place.is_special(hour) else _usual(history, hour, place.zone, params)
        if usual is None:
            since = None
        else:
            since = at if since is None else since
            yield Piece(at, after, at - since - usual, grows=True, anchor=str(start))
        at = after


def _usual(history: bytes, hour: int, zone: ZoneInfo, params: Params) -> int | None:
    """How long a silence may be in an hour, ms."""
    here = always(history, slot_of(hour, zone), params)
    if here is None:
        return None
    before = always(history, slot_of(hour - HOUR_MS, zone), params)
    longest = max(here, before or 0) * MINUTE_MS
    return max(int(params["at_least"]), round(longest * float(params["factor"])))


def dead_letters(refused: Mapping[int, int], since: int, now: int, params: Params) -> Signal:
    """How many are refused a minute, at the end of each minute of (since, now], and at ``since``; ``refused``: by the
    start of the minute."""
    window = int(params["window"]) // MINUTE_MS
    found = []
    for end in range(since, now + 1, MINUTE_MS):
        count = sum(refused.get(end - back * MINUTE_MS, 0) for back in range(1, window + 1))
        found.append(Piece(end, end + MINUTE_MS, count / window, anchor=str(end)))
    return tuple(found)
