"""Sets of moments, as intervals in order of time.

A moment is a whole number of ms. An interval is ``[start, end)``; an end of ``None``: it never ends. Every function
takes and gives intervals that neither overlap nor touch, none of them empty.
"""

from collections.abc import Iterable
from heapq import merge

Interval = tuple[int, int | None]
Intervals = tuple[Interval, ...]

BEGINNING = -(2**62)
"""Before every moment there is: what has always been begins here."""
NEVER: Intervals = ()
ALWAYS: Intervals = ((BEGINNING, None),)


def union(*sets: Intervals) -> Intervals:
    """The moments of any of them."""
    some = [each for each in sets if each]
    if len(some) <= 1:
        return some[0] if some else NEVER
    return joined(merge(*some, key=_start))


def joined(intervals: Iterable[Interval]) -> Intervals:
    """Of intervals in order of their starts: those that overlap or touch as one."""
    found: list[Interval] = []
    for start, end in intervals:
        if not found or ((last := found[-1][1]) is not None and last < start):
            found.append((start, end))
        elif last is not None and (end is None or end > last):
            found[-1] = found[-1][0], end
        elif last is None:
            break
    return tuple(found)


def intersection(one: Intervals, other: Intervals) -> Intervals:
    """The moments of both."""
    if one == ALWAYS or not other:
        return other
    if other == ALWAYS or not one:
        return one
    found: list[Interval] = []
    here = there = 0
    while here < len(one) and there < len(other):
        (begin, end), (start, until) = one[here], other[there]
        latest, earliest = max(begin, start), earlier(end, until)
        if earliest is None or latest < earliest:
            found.append((latest, earliest))
        if earliest is None:
            break
        here += end == earliest
        there += until == earliest
    return tuple(found)


def complement(of: Intervals) -> Intervals:
    """The moments that are not of it."""
    found: list[Interval] = []
    since = BEGINNING
    for start, end in of:
        if since < start:
            found.append((since, start))
        if end is None:
            return tuple(found)
        since = end
    found.append((since, None))
    return tuple(found)


def episodes(raised: Intervals, cleared: Intervals) -> Intervals:
    """Each begins at the first moment of ``raised`` outside an episode, and is over at the first moment of ``cleared``
    after it, which is none of ``raised``; ``None`` = goes on."""
    found: list[Interval] = []
    place = number = 0
    while number < len(raised):
        begin, over = raised[number][0], raised[number][1]
        while over is not None:
            over, place = _first(cleared, over, place)
            number += 1
            if over is None or number == len(raised) or raised[number][0] > over:
                break
            over = raised[number][1]
        found.append((begin, over))
        if over is None:
            break
    return tuple(found)


def within(raised: Intervals, kept: Intervals) -> Intervals:
    """The episodes of what is raised, and over when it is not kept, given that all that is raised is kept: each from
    the first moment of ``raised`` on to the end of the interval of ``kept`` in which that lies."""
    if raised == kept:
        return raised
    found: list[Interval] = []
    place = 0
    for start, _ in raised:
        if found and ((over := found[-1][1]) is None or start < over):
            continue
        while (end := kept[place][1]) is not None and end <= start:
            place += 1
        found.append((start, end))
    return tuple(found)


def _first(of: Intervals, since: int, place: int) -> tuple[int | None, int]:
    """The first moment of it from ``since`` on, and the place of its interval; looked for from ``place`` on."""
    for number in range(place, len(of)):
        start, end = of[number]
        if end is None or end > since:
            return max(start, since), number
    return None, len(of)


def first_of(of: Intervals, since: int) -> int | None:
    """The first moment of it from ``since`` on; None = there is none."""
    return _first(of, since, 0)[0]


def around(of: Intervals, at: int) -> Interval | None:
    """The interval in which a moment lies."""
    return next((each for each in of if each[0] <= at and (each[1] is None or at < each[1])), None)


def earlier(one: int | None, other: int | None) -> int | None:
    """Of two ends."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _start(interval: Interval) -> int:
    return interval[0]
