"""The windows of fixed length: which of them end in a move of stream time or change by late facts, and their records.

Only windows that hold data are visited: their ends are found from the panes and from the legs that wait, so a jump of
days costs what the data in them costs.
"""

from bisect import bisect_left
from collections.abc import Iterator, MutableMapping

from streams.base.records import SEP
from streams.metrics.formulas import NOBODY
from streams.metrics.kpis import Readings, Snapshot, readings
from streams.metrics.panes import Pane, happened
from streams.metrics.sweep import Lane, Ordered, aligned
from streams.metrics.tables import Published


def rolling_records(lane: Lane) -> Iterator[Ordered]:
    """The rolling windows' records of one channel, queue and tier."""
    rolling = lane.sweep.policy.rolling
    ends = {length: (_fresh(lane, length, every), *_amended(lane, length, every)) for length, every in rolling}
    moments: set[int] = set().union(*(part for parts in ends.values() for part in parts))
    if not moments:
        return
    waiting, published = lane.waiting(moments), lane.sweep.tables.published
    for length, (fresh, amended, waited) in ends.items():
        last: tuple[Pane | None, Readings] | None = None
        for end in sorted(fresh | amended | waited):
            pane = lane.series.glance(end - length, end)
            who = waiting.get(end, NOBODY)
            is_fresh, key = end in fresh, f"{lane.dims}{SEP}{length}{SEP}{end}"
            if not happened(pane) and (is_fresh or (end not in amended and key not in published)):
                continue  # who waits is state, and makes no window of its own
            revision = 1 if is_fresh else _revise(published, key)
            # While nobody waits and no pane comes or goes, one window reads like the one before.
            same = pane if who is NOBODY and "superseded" not in pane else None
            if last is None or same is None or last[0] != same:
                snapshot = Snapshot(pane, who, end, end - length, lane.can_abandon)
                last = same, readings(snapshot, instant=length == rolling[0][0])
            status = "final" if is_fresh else "amended"
            yield end, length, lane.dims, lane.record((end - length, end), status, revision, last[1])


def _fresh(lane: Lane, length: int, every: int) -> set[int]:
    sweep = lane.sweep
    first = aligned(sweep.before + 1, every)
    ends: set[int] = set()
    if first > sweep.data_until:
        return ends
    end = first
    starts = lane.series.starts
    for start in starts[bisect_left(starts, first - length) :]:
        last = min(start + length, sweep.data_until)
        end = max(end, aligned(start + 1, every))
        if end <= last:
            found = range(end, last + 1, every)
            ends.update(found)
            end = found[-1] + every
        elif end > sweep.data_until:
            break
    return ends


def _amended(lane: Lane, length: int, every: int) -> tuple[set[int], set[int]]:
    """Ends of the windows whose panes changed, and of those in which others waited at the end than was known."""
    before = lane.sweep.before
    panes: set[int] = set()
    for start in lane.changes.panes:
        panes.update(range(aligned(start + 1, every), min(start + length, before) + 1, every))
    legs: set[int] = set()
    for changed, until in lane.changes.legs:
        legs.update(range(aligned(changed, every), min(until - 1, before) + 1, every))
    return panes, legs


def _revise(published: MutableMapping[str, Published], key: str) -> int:
    revision = (published.get(key) or Published()).revision + 1
    published[key] = Published(revision)
    return revision
