"""The windows of fixed length: which of them end in a move of stream time or change by late facts, and their records.

A window that reads like the one before it has no record: until the next one says something else, the reading stands.
Only windows in which a pane comes or goes are visited, and those in which somebody waits, so a jump of days costs what
the data in them costs.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, MutableMapping

from streams.base.records import SEP
from streams.metrics.formulas import NOBODY, Waiting
from streams.metrics.grid import Grid, grid
from streams.metrics.kpis import Readings, Snapshot, readings
from streams.metrics.panes import EMPTY, happened
from streams.metrics.sweep import Lane, Ordered
from streams.metrics.tables import NEVER, Published

_Ends = tuple[int, Grid, set[int], set[int], set[int]]
"""Length, where they end, and the ends that are fresh, amended, and amended in who waits."""


def rolling_records(lane: Lane) -> Iterator[Ordered]:
    """The rolling windows' records of a lane: a window that reads like the one before it has none, and the first one
    that holds nothing any more says so, where windows overlap."""
    grids = [(length, grid(every, lane.zone)) for length, every in lane.rolling]
    ends = [(*each, _fresh(lane, *each), *_amended(lane, *each)) for each in grids]
    shortest, details = lane.sweep.policy.rolling[0][0], lane.sweep.policy.details == "everywhere"
    published = lane.sweep.tables.published
    waiting = _waiting(lane, ends)
    for length, steps, fresh, amended, waited in ends:
        changed = {end for end in fresh if _changes(lane, (length, steps), end, waiting)}
        for end in sorted(changed | amended | waited):
            is_fresh, key = end in changed, f"{lane.dims}{SEP}{length}{SEP}{end}"
            found = _read(lane, (end - length, end), waiting.get(end, NOBODY), length == shortest, details)
            if found is None:
                if not is_fresh and end not in amended and key not in published:
                    continue
                found = readings(Snapshot(EMPTY))
            revision = 1 if is_fresh else _revise(published, key)
            status = "final" if is_fresh else "amended"
            yield end, length, lane.dims, lane.record((end - length, end), steps.every, status, revision, found)


def _read(lane: Lane, window: tuple[int, int], who: Waiting, instant: bool, details: bool) -> Readings | None:
    """What a window says, ``None`` where nothing happened in it: who waits is state, and makes no window of its own.
    Where nobody waits, windows of other lengths that hold the same panes say the same."""
    span = lane.series.span(*window)
    found: Readings | None = lane.series.read.get(span) if who is NOBODY else None
    if found is not None:
        return found
    pane = lane.series.glance(*window)
    if not happened(pane):
        return None
    snapshot = Snapshot(pane, who, window[1], window[0], lane.can_abandon, lane.clock)
    found = readings(snapshot, instant=instant, details=details)
    if who is NOBODY and "superseded" not in pane:  # that hangs on when the window begins
        lane.series.read[span] = found
    return found


def _waiting(lane: Lane, ends: Iterable[_Ends]) -> dict[int, Waiting]:
    """Who waits at the windows' ends, and at those of the windows before them."""
    if not lane.stays:
        return {}
    moments: set[int] = set()
    for _, steps, fresh, amended, waited in ends:
        moments |= fresh | amended | waited | {steps.before(end) for end in fresh}
    return lane.waiting(moments)


def _changes(lane: Lane, window: tuple[int, Grid], end: int, waiting: Mapping[int, Waiting]) -> bool:
    """Whether a window may read otherwise than the one before it: a pane came or went, or somebody waits at its end, or
    did at the end before. What left in between has a pane."""
    (length, steps), has = window, lane.series.has
    before = steps.before(end)
    if not has(end - length, end):  # windows that lie end to end have no record where nothing is in them
        return length > steps.every and has(before - length, before)
    if end in waiting or before in waiting or before <= lane.sweep.whole:
        return True
    return has(before, end) or has(before - length, end - length)


def _fresh(lane: Lane, length: int, steps: Grid) -> set[int]:
    """Ends of the windows of this move that hold a pane, or are the first that do not any more; without legs that wait
    or an earlier version before it only those at which a pane comes or goes."""
    sweep, starts = lane.sweep, lane.series.starts
    first, until = _next(steps, sweep.before), sweep.data_until
    ends: set[int] = set()
    if first > until:
        return ends
    for start in starts[bisect_left(starts, first - length - steps.every) :]:
        comes, gone = steps.first(start + 1), steps.first(start + length + 1)
        if comes > until:
            break
        if lane.stays or comes <= sweep.whole:
            ends.update(steps.between(max(first, comes), min(gone, until)))
        else:
            ends.update(end for end in (comes, gone) if first <= end <= until)
    return ends


def _next(steps: Grid, moment: int) -> int:
    return NEVER if moment == NEVER else steps.first(moment + 1)


def _amended(lane: Lane, length: int, steps: Grid) -> tuple[set[int], set[int]]:
    """Ends of the windows whose panes changed, and of those in which others waited at the end than was known; with the
    one after them, which may have been left out as it read the same."""
    before = lane.sweep.before
    panes: set[int] = set()
    for start in lane.changes.panes:
        panes.update(steps.between(steps.first(start + 1), min(steps.first(start + length + 1), before)))
    legs: set[int] = set()
    for changed, until in lane.changes.legs:
        if changed <= before:
            legs.update(steps.between(steps.first(changed), min(steps.first(min(until, before)), before)))
    return panes, legs


def _revise(published: MutableMapping[str, Published], key: str) -> int:
    revision = (published.get(key) or Published()).revision + 1
    published[key] = Published(revision)
    return revision
