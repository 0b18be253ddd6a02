"""How far a line's stream time may move in one batch, so that what it publishes has a size.

A replay may tell its times after years of events, a live line may jump over hours in hundreds of queues. Each window in
between is a record; published all at once they would be one transaction of gigabytes.
"""

from collections.abc import Container, Iterator
from heapq import nsmallest

from streams.base.records import SEP
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, UNITS
from streams.metrics.catalogue import SETTLING
from streams.metrics.queues import until_of
from streams.metrics.rules import PANE_MS, KpiPolicy, aligned
from streams.metrics.tables import Tables, of_line, split_leg, split_start

WINDOWS_PER_LATE_LANE = 500
"""Windows of one channel, queue and tier that late facts amend, at most."""

PANES_LOOKED_AT = 3
"""A move goes no further than a pane for so many records: each is in some windows, and to look is dear."""

Step = tuple[int, float]
"""From this moment on (ms), so many records more each ms."""


def farthest(tables: Tables, line: str, span: tuple[int, int], until: int, policy: KpiPolicy, most: int) -> int:
    """How far a line may move so that about ``most`` records come of it, at least one minute.

    ``span``: how far it has come, and how far it is to move; ``until``: the last moment of which windows are published,
    later than that where the line ends. Returns ``until`` where there is nothing to cut.
    """
    sealed, to = span
    lanes = len(of_line(tables.days, line)) + len(of_line(tables.months, line)) + len(of_line(tables.legs, line))
    if lanes * _rate(policy) * (until - sealed) <= most:
        return until
    starts = [(at, dims) for dims, at in map(split_start, of_line(tables.panes, line))]
    waits = set(_waiting_long(tables, line))
    # Of those that are counted, the newest of each lane: its windows are the last to end.
    counted = {dims: at for at, dims in sorted(starts) if at < sealed}
    some = max(1, most // PANES_LOOKED_AT)
    earliest = nsmallest(some + 1, (pane for pane in starts if pane[0] >= sealed))
    panes = [*((at, dims) for dims, at in counted.items()), *earliest[:some]]
    steps = [*_of_panes(panes, sealed, policy, waits), *_of_legs(tables, line, sealed, to)]
    steps += _of_days(tables, line, max(sealed, earliest[0][0]) if earliest else sealed, until, policy)
    horizon = min(until, earliest[some][0]) if len(earliest) > some else until
    steps.sort()
    at = _filled_at([*(step for step in steps if step[0] < horizon), (horizon, 0.0)], most)
    if at >= until:
        return until
    first = max(sealed, steps[0][0]) if steps else sealed
    return min(until, max(at // PANE_MS * PANE_MS, first // PANE_MS * PANE_MS + MINUTE_MS))


def _filled_at(steps: list[Step], most: int) -> int:
    """The moment at which ``most`` records have come, at latest that of the last step."""
    count, rate, at = 0.0, 0.0, steps[0][0]
    for moment, change in steps:
        more = rate * (moment - at)
        if count + more > most:
            return int(at + (most - count) / rate)
        count, rate, at = count + more, rate + change, moment
    return at


def late_portion(tables: Tables, late: list[str], before: int, policy: KpiPolicy, most: int) -> list[str]:
    """Those marks of late facts that are looked after in one batch: all of some dimensions, so that about ``most``
    windows are amended. ``before``: how far the line has come.
    """
    lanes: dict[str, list[str]] = {}
    for mark in late:
        lanes.setdefault(SEP.join(mark.split(SEP, 4)[:4]), []).append(mark)
    some: list[str] = []
    room: float = most
    for dims in sorted(lanes):
        if room <= 0:
            break
        room -= min(sum([_amended(tables, mark, before, policy) for mark in lanes[dims]]), WINDOWS_PER_LATE_LANE)
        some += lanes[dims]
    return some


def _amended(tables: Tables, mark: str, before: int, policy: KpiPolicy) -> float:
    """Windows that a late fact changed, about."""
    *dims, kind, rest = mark.split(SEP, 5)
    if kind in UNITS:
        return 1
    if kind == "pane":
        return sum([(min(int(rest) + length, before) - int(rest)) / every + 2 for length, every in policy.rolling])
    was, now = tables.late[mark].until, until_of(tables, SEP.join((*dims, rest)))
    span = max(0, min(max(was, now), before) - max(min(was, now), before - policy.legs_ms))
    return sum([span / every + 1 for _, every in policy.rolling]) + span / DAY_MS


def _rate(policy: KpiPolicy) -> float:
    """Records a ms of one channel, queue and tier with data, at most."""
    return sum([1 / every for every in (*dict(policy.rolling).values(), *policy.calendar.values())])


def _waiting_long(tables: Tables, line: str) -> Iterator[str]:
    """Line, channel and queue of those in which somebody waits for longer than an hour."""
    for key in of_line(tables.legs, line):
        dims, entered = split_leg(key)
        if tables.legs[key].until(entered) - entered > HOUR_MS:
            yield dims.rpartition(SEP)[0]


def _of_panes(panes: list[tuple[int, str]], sealed: int, policy: KpiPolicy, waits: Container[str]) -> Iterator[Step]:
    """Each window in which a pane comes, and each that is the first without it; in queues in which somebody ``waits``
    all that hold it."""
    following: dict[str, int] = {}
    for start, dims in reversed(panes):
        after = following.get(dims)
        following[dims] = start
        for length, every in policy.rolling:
            comes = aligned(start + 1, every)
            if after is not None and aligned(after + 1, every) == comes:
                continue
            if dims.rpartition(SEP)[0] in waits:
                until = comes + length if after is None else min(comes + length, aligned(after + 1, every))
                yield from _evenly(max(sealed, comes - every), until, (until - comes) // every + 1)
                continue
            for end in (comes, comes + length):
                yield from _evenly(max(sealed, end - every), end, 1)


def _of_days(tables: Tables, line: str, sealed: int, until: int, policy: KpiPolicy) -> Iterator[Step]:
    """Each reading of a calendar window of a day with data, and each that is due when something of it has settled."""
    rows, settles = tables.days, set(policy.settles_ms.values())
    for dims, start in map(split_start, of_line(tables.days, line)):
        over = policy.day(start, dims)[1]
        since, end = max(start, sealed), min(over, until)
        for every in policy.calendar.values():
            yield from _evenly(since, end, (end - start) // every - (since - start) // every)
        for after in () if SETTLING.isdisjoint(rows[f"{dims}{SEP}{start}"]) else settles:
            yield from _evenly(max(over + after - MINUTE_MS, sealed), min(over + after, until), 1)


def _of_legs(tables: Tables, line: str, sealed: int, to: int) -> Iterator[Step]:
    """Each day in which somebody waits: one reading, which takes as long as five others."""
    first: dict[str, int] = {}
    for dims, entered in map(split_leg, of_line(tables.legs, line)):
        first[dims] = min(entered, first.get(dims, entered))
    for entered in first.values():
        since = max(entered, sealed)
        yield from _evenly(since, to, 5 * (to - since) / DAY_MS + 1)


def _evenly(since: int, until: int, records: float) -> Iterator[Step]:
    if until > since and records > 0:
        rate = records / (until - since)
        yield since, rate
        yield until, -rate
