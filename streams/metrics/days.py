"""The window of the calendar day: read every so often until it is over, final at local midnight, amended for as long as
it is kept. A reading that says the same as the last one of its day is not published, unless it is the final one.

A day's row holds the panes that are sealed. A reading at T adds the panes between the last move of stream time and T,
so it says the same however the facts were cut into batches.
"""

from collections.abc import Iterator
from functools import partial

from streams.base.records import SEP
from streams.base.times import DAY_MS
from streams.metrics.formulas import NOBODY, Waiting
from streams.metrics.kpis import Snapshot, readings
from streams.metrics.panes import EMPTY, happened, merge
from streams.metrics.sweep import Lane, Ordered
from streams.metrics.tables import Published

Day = tuple[int, int]
"""Start (inclusive) and end (exclusive)."""


def day_records(lane: Lane) -> Iterator[Ordered]:
    """The day's records of one channel, queue and tier; afterwards its newly sealed panes are in the day's row."""
    for day in _days(lane):
        for at, snapshot in _snapshots(lane, day):
            if record := _record(lane, day, at, snapshot):
                yield record
        _seal(lane, day)


def _days(lane: Lane) -> list[Day]:
    """The days that go on during the sweep, or that late facts changed."""
    sweep = lane.sweep
    day = partial(sweep.policy.day, dims=lane.dims)
    found = {day(start) for start in lane.changes.days}
    found.update(sweep.going_on.get(lane.dims, ()))
    spans = [(max(entered, sweep.before), min(until, sweep.reached + 1)) for entered, until in lane.stays]
    # A day that ends at midnight is read at midnight: the moment before belongs to it.
    spans += [(changed - 1, min(until, sweep.before + 1)) for changed, until in lane.changes.legs]
    known: Day = (0, 0)
    for since, until in spans:
        at = since
        while at < until:
            if not known[0] <= at < known[1]:
                known = day(at)
                found.add(known)
            at = known[1]
    return sorted(found)


def _snapshots(lane: Lane, day: Day) -> Iterator[tuple[int, Snapshot]]:
    """The day as it was at each moment at which it is read in this sweep."""
    moments = _moments(lane, day)
    if not moments:
        return
    waiting = lane.waiting(set(moments))
    row = lane.sweep.tables.days.get(_key(lane, day)) or EMPTY
    for at in moments:
        pane = merge((row, lane.series.between(max(lane.sweep.before, day[0]), at)), glance=True)
        yield at, Snapshot(pane, waiting.get(at, NOBODY), at, day[0], lane.can_abandon, lane.clock)


def _moments(lane: Lane, day: Day) -> list[int]:
    sweep, (start, end) = lane.sweep, day
    every = sweep.policy.day_every_ms
    if every is None:
        return []
    if end <= sweep.before:
        changed = start in lane.changes.days or any(since <= end < until for since, until in lane.changes.legs)
        return [end] if changed else []
    first = start + max(1, (sweep.before - start) // every + 1) * every
    moments = list(range(first, min(end - 1, sweep.reached) + 1, every))
    if end <= sweep.sealed or sweep.ended:  # the end of a line is that of its last day
        moments.append(end)
    return moments


def _record(lane: Lane, day: Day, at: int, snapshot: Snapshot) -> Ordered | None:
    sweep, (start, end) = lane.sweep, day
    published = sweep.tables.published
    key = f"{lane.dims}{SEP}day{SEP}{start}"
    before = published.get(key) or Published(0)
    reached, revision = snapshot.waiting.reached, before.revision + 1
    if end < sweep.before - sweep.policy.legs_ms:
        # The legs of that midnight are forgotten, how many had reached the threshold is not.
        reached = before.reached
        snapshot = snapshot._replace(waiting=Waiting(reached=reached) if reached > 0 else NOBODY)
    # Who waits is state: a day without data is read at its end only, where somebody waits then.
    if revision == 1 and (at < end or snapshot.waiting is NOBODY) and not happened(snapshot.pane):
        return None
    status = "provisional" if at < end else "amended" if end <= sweep.before and revision > 1 else "final"
    found = readings(snapshot)
    said = found.digest
    if status == "provisional" and said == before.said:
        return None  # what was read last stands
    published[key] = Published(revision, reached, said)
    return at, end - start, lane.dims, lane.record(day, sweep.policy.day_every_ms or DAY_MS, status, revision, found)


def _seal(lane: Lane, day: Day) -> None:
    panes = lane.series.between(max(lane.sweep.before, day[0]), day[1])
    if panes:
        key = _key(lane, day)
        days = lane.sweep.tables.days
        days[key] = merge((days.get(key) or EMPTY, panes))


def _key(lane: Lane, day: Day) -> str:
    return f"{lane.dims}{SEP}{day[0]}"
