"""Calendar windows, days, weeks and months: read every so often until they are over, final at the local midnight at
which they end, amended for as long as they are kept. A reading that says the same as the last one of its window is not
published, unless it is the one of the end.

A day's row holds the panes that are sealed, the row of a week or a month the days that are over. A reading at T adds
the day that goes on, and the panes between the last move of stream time and T, so it says the same however the facts
were cut into batches.

What hangs on what happens next, such as whether the customer comes again, is provisional beyond the end: when that has
settled the window is published once more, by stream time alone.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from streams.base.records import SEP
from streams.base.times import CalendarUnit
from streams.metrics.accumulators import Counts
from streams.metrics.backlog import ages
from streams.metrics.formulas import NOBODY, Waiting
from streams.metrics.kpis import NONE_OPEN, Readings, Snapshot, readings
from streams.metrics.panes import EMPTY, Pane, happened, merge, plus
from streams.metrics.rules import KpiPolicy
from streams.metrics.sweep import Lane, Ordered, Span
from streams.metrics.tables import NEVER, Late, LineState, Published, Tables, of_line, split_start


class Period(NamedTuple):
    """A calendar window, and how often it is read."""

    unit: CalendarUnit
    every: int
    start: int
    end: int


def calendar_records(lane: Lane) -> Iterator[Ordered]:
    """The records of the calendar windows of one channel, queue and tier; afterwards its newly sealed panes are in the
    day's row, and the days that are over by then in those of the week and the month."""
    for unit, every in lane.sweep.policy.calendar.items():
        for start, end in _windows(lane, unit):
            period = Period(unit, every, start, end)
            for at, snapshot in _snapshots(lane, period):
                if record := _record(lane, period, at, snapshot):
                    yield record
    _seal(lane)


def _windows(lane: Lane, unit: CalendarUnit) -> list[Span]:
    """Those that go on during the sweep, that late facts changed, or of which something settles."""
    sweep = lane.sweep
    bounds = partial(sweep.bounds, unit, dims=lane.dims)
    found = {bounds(start) for kind, start in lane.changes.calendar if kind == unit}
    found.update(sweep.going_on[unit].get(lane.dims, ()))
    found.update(span for span in sweep.kept[unit].get(lane.dims, ()) if sweep.settles(span[1]))
    # A line that ends in portions is moved beyond its time before its last windows are read.
    before = min(sweep.before, sweep.reached)
    spans = [(max(stay[0], before), min(stay[1], sweep.reached + 1)) for stay in lane.stays]
    # What is open from midnight on is, at the end of the day before.
    open_now = lane.open if unit == "day" else ()
    spans += [(max(since - 1, before), min(until, sweep.reached + 1)) for since, until, *_ in open_now]
    # A window that ends at midnight is read at midnight: the moment before belongs to it.
    spans += [(changed - 1, min(until, sweep.before + 1)) for changed, until in lane.changes.legs]
    known: Span = (0, 0)
    for since, until in spans:
        at = since
        while at < until:
            if not known[0] <= at < known[1]:
                known = bounds(at)
                found.add(known)
            at = known[1]
    # What began when the days of it were not counted yet, or are forgotten, would say too little.
    whole_from = sweep.since[unit] - sweep.policy.day_kept_ms if unit in sweep.since else None
    return sorted(span for span in found if whole_from is None or span[0] >= whole_from)


def _snapshots(lane: Lane, period: Period) -> Iterator[tuple[int, Snapshot]]:
    """The window as it was at each moment at which it is read in this sweep."""
    moments = _moments(lane, period)
    if not moments:
        return
    waiting = lane.waiting(set(moments))
    rows = so_far(lane, period.unit, (period.start, period.end), lane.sweep.before)
    pane, since = merge(rows, glance=True), max(lane.sweep.before, period.start)
    said: tuple[Waiting, int] | None = None
    for at in moments:
        if more := lane.series.between(since, at):
            pane = merge((pane, more), glance=True)
        since = max(since, at)
        who, found = waiting.get(at, NOBODY), _open(lane, period, at)
        says = who, sum(found.values())
        if more or says != said or at == period.end:  # else it would say what it said at the moment before
            yield at, Snapshot(pane, who, at, period.start, lane.can_abandon, lane.clock, found)
        said = says


def _open(lane: Lane, period: Period, at: int) -> Counts:
    """How old the journeys are that are open then: a day says that."""
    if period.unit != "day":
        return NONE_OPEN
    return _said(lane, period).ages if at == period.end <= lane.sweep.before else ages(lane.open, at)


def so_far(lane: Lane, unit: CalendarUnit, window: Span, sealed: int) -> list[Pane]:
    """What of a window is sealed, so far as a line had come: its row, and of a longer one than the day the day that
    went on then."""
    tables = lane.sweep.tables
    found = [tables.calendar(unit).get(f"{lane.dims}{SEP}{window[0]}") or EMPTY]
    if unit != "day":
        days = lane.sweep.going_on["day"].get(lane.dims, ())
        starts = [start for start, end in days if window[0] <= start < window[1] and end > sealed]
        found += [tables.days.get(f"{lane.dims}{SEP}{start}") or EMPTY for start in starts]
    return found


def _moments(lane: Lane, period: Period) -> list[int]:
    sweep, end = lane.sweep, period.end
    if end <= sweep.before:
        return [end] if _changed(lane, period) or sweep.settles(end) else []
    moments = _read_at(lane, period)
    if end <= sweep.sealed or sweep.ended:  # the end of a line is that of its last windows
        moments.append(end)
    return moments


def _changed(lane: Lane, period: Period) -> bool:
    """Whether late facts changed one that is over."""
    late = (period.unit, period.start) in lane.changes.calendar
    return late or any(since <= period.end < until for since, until in lane.changes.legs)


def _read_at(lane: Lane, period: Period) -> list[int]:
    """When it is read before its end: on each of its days from local midnight on."""
    sweep, found = lane.sweep, list[int]()
    at, until = max(period.start, sweep.before), min(period.end - 1, sweep.reached)
    while at <= until:
        midnight, next_midnight = sweep.bounds("day", at, lane.dims)
        first = midnight + max(0, (sweep.before - midnight) // period.every + 1) * period.every
        found += range(first, min(next_midnight - 1, until) + 1, period.every)
        at = next_midnight
    return [moment for moment in found if moment > period.start]


def _record(lane: Lane, period: Period, at: int, snapshot: Snapshot) -> Ordered | None:
    sweep, (unit, every, start, end) = lane.sweep, period
    published = sweep.tables.published
    before = _said(lane, period)
    is_over = end <= sweep.before
    is_changed = is_over and _changed(lane, period)
    settles_alone = is_over and not is_changed
    reached, revision = snapshot.waiting.reached, before.revision + 1
    if end < sweep.before - sweep.policy.legs_ms or settles_alone:
        # The legs of that midnight are forgotten, how many had reached the threshold is not.
        reached = before.reached
        snapshot = snapshot._replace(waiting=Waiting(reached=reached) if reached > 0 else NOBODY)
    # Who waits and what is open is state: a window without data is read at its end only, where there is some then.
    is_empty = snapshot.waiting is NOBODY and not snapshot.ages
    if revision == 1 and (at < end or is_empty) and not happened(snapshot.pane):
        return None
    settled = sweep.policy.settled(end, sweep.now) if at >= end else ()
    found = readings(snapshot, settled=settled)
    if (found.digest == before.said and (at < end or settles_alone)) or (settles_alone and before.firm is None):
        return None  # what was read last stands; a version that knew no provisional readings said nothing of them
    amended = is_over and (before.amended or (is_changed and _amends(before, found)))
    kept = dict(snapshot.ages) if at == end else {}
    firm = found.firm(settled)
    key = f"{lane.dims}{SEP}{unit}{SEP}{start}"
    published[key] = Published(revision, reached, found.digest, firm, settled, amended, kept)
    status = "provisional" if at < end else "amended" if amended else "final"
    return at, end - start, lane.dims, lane.record((start, end), every, status, revision, found)


def _said(lane: Lane, period: Period) -> Published:
    """What was published of a window last."""
    return lane.sweep.tables.published.get(f"{lane.dims}{SEP}{period.unit}{SEP}{period.start}") or Published(0)


def _amends(before: Published, found: Readings) -> bool:
    """Whether one that was final says something else."""
    return before.revision > 0 and before.firm != found.firm(before.settled)


def _seal(lane: Lane) -> None:
    sweep, tables = lane.sweep, lane.sweep.tables
    for start, end in sorted(sweep.going_on["day"].get(lane.dims, ())):
        key = f"{lane.dims}{SEP}{start}"
        if panes := lane.series.between(max(sweep.before, start), end):
            tables.days[key] = merge((tables.days.get(key) or EMPTY, panes))
        if end > sweep.sealed or not (day := tables.days.get(key)):
            continue
        for unit in sweep.since:
            rows, of = tables.calendar(unit), f"{lane.dims}{SEP}{sweep.bounds(unit, start, lane.dims)[0]}"
            rows[of] = merge((rows.get(of) or EMPTY, day))


def can_change(dims: str, at: int, state: LineState, policy: KpiPolicy) -> list[tuple[CalendarUnit, int, int]]:
    """The calendar windows that count a moment and can still be amended: unit, start and end. Weeks and months count a
    day when it is over."""
    day_is_over = policy.day(at, dims)[1] <= state.sealed
    units: tuple[CalendarUnit, ...] = ("day", *state.since) if day_is_over else ("day",)
    found = [(unit, *policy.bounds(unit, at, dims)) for unit in units]
    return [each for each in found if each[2] + policy.day_kept_ms > state.sealed]


def change(tables: Tables, dims: str, at: int, pane: Pane, policy: KpiPolicy) -> list[str]:
    """Count late what happened at a moment in its calendar windows; the marks of those that are over."""
    state, marks = tables.lines.get(dims.partition(SEP)[0]) or LineState(), []
    for unit, start, end in can_change(dims, at, state, policy):
        rows, key = tables.calendar(unit), f"{dims}{SEP}{start}"
        rows[key] = plus(rows.get(key) or EMPTY, pane)
        if end <= state.sealed:
            marks.append(f"{dims}{SEP}{unit}{SEP}{start}")
            tables.late[marks[-1]] = Late()
    return marks


def counted_since(tables: Tables, line: str, state: LineState, policy: KpiPolicy) -> dict[CalendarUnit, int]:
    """`LineState.since` from now on. Of a window that was not counted before, the rows begin with the days of it that
    are over."""
    found: dict[CalendarUnit, int] = {}
    for unit in policy.calendar:
        if unit == "day":
            continue
        found[unit] = state.since.get(unit, state.sealed)
        if unit in state.since or state.sealed == NEVER:
            continue
        rows = tables.calendar(unit)
        for key in of_line(rows, line):
            del rows[key]
        for dims, start in map(split_start, of_line(tables.days, line)):
            if policy.day(start, dims)[1] <= state.sealed:
                key = f"{dims}{SEP}{policy.bounds(unit, start, dims)[0]}"
                rows[key] = merge((rows.get(key) or EMPTY, tables.days[f"{dims}{SEP}{start}"]))
    return found
