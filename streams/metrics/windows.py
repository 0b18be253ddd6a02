"""Rolling windows over facts: fold each fact into its pane, and publish what stream time has passed.

`fold_all` counts facts where they happened. `advance` moves a line's stream time on: panes that end are sealed into
their day, windows that end become records, late facts amend records that are out already. Both only touch the tables
they are given.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Literal

from msgspec.structs import replace

from streams.base.records import SEP, Fact
from streams.base.times import MINUTE_MS, UNITS, CalendarUnit, iso
from streams.metrics import backlog
from streams.metrics.backlog import BACKLOG_FACTS, fold_open, open_key
from streams.metrics.calendar_windows import calendar_records, can_change, change, counted_since, so_far
from streams.metrics.formulas import NOBODY
from streams.metrics.grid import grid
from streams.metrics.groups import ALL, DIMENSIONS, dimensions_of, is_group
from streams.metrics.kpis import Snapshot, readings
from streams.metrics.panes import EMPTY, NO_PANES, Pane, Series, gathered, happened, merge, pane_start, plus
from streams.metrics.portions import farthest, late_portion
from streams.metrics.queues import LEG_FACTS, fold_leg, forget_left, settle_legs
from streams.metrics.rolling import rolling_records
from streams.metrics.rules import PANE_MS, KpiPolicy
from streams.metrics.sweep import Changes, Lane, Ordered, Sweep
from streams.metrics.tables import (
    FOREVER,
    NEVER,
    LaneFault,
    Late,
    Leg,
    LineState,
    Published,
    Tables,
    leg_key,
    of_line,
    split_leg,
    split_start,
)
from streams.metrics.waits import expect, forget_flows

Counted = Literal["counted", "amends", "amends_day", "too_late"]
"""In time; late, windows that are out are published anew, or only those of the calendar are; not counted at all."""


def fold_all(tables: Tables, facts: Sequence[Fact], policy: KpiPolicy, group: str = "") -> list[Counted]:
    """Count facts (sign −1: take it back) by channel, queue and tier, or by a group, and say of each how it counts.
    Raises ValueError, with nothing changed, where one of them cannot be counted."""
    cells: defaultdict[_Cell, list[Fact]] = defaultdict(list)
    legs: list[tuple[Fact, str, Counted]] = []
    opens: list[tuple[int, Fact, str]] = []
    found: list[Counted] = []
    for place, fact in enumerate(facts):
        dims = dimensions_of(fact, group)
        if fact.fact in BACKLOG_FACTS:
            opens.append((place, fact, open_key(fact, dims)))
            found.append("counted")
            continue
        counted = _when(tables, fact, dims, policy)
        found.append(counted)
        if counted != "too_late":
            cells[dims, pane_start(fact.time), counted].append(fact)
        if fact.fact in LEG_FACTS:
            legs.append((fact, leg_key(fact, dims), counted))
    together = {cell: gathered(some, policy) for cell, some in cells.items()}
    for cell, pane in together.items():
        _count(tables, cell, pane, policy)
    for leg in legs:
        _fold_leg(tables, *leg, policy)
    for place, fact, key in opens:
        state = tables.lines.get(fact.line) or LineState()
        if state.ended:
            found[place] = "too_late"
        elif fold_open(tables, key, fact, state.sealed, policy):
            found[place] = "amends_day"
    return found


_Cell = tuple[str, int, Counted]
"""Dimensions, start of the pane, and how its facts count."""


def _when(tables: Tables, fact: Fact, dims: str, policy: KpiPolicy) -> Counted:
    state = tables.lines.get(fact.line)
    if state is None or pane_start(fact.time) >= state.sealed:
        return "too_late" if state is not None and state.ended else "counted"
    if state.ended or not can_change(dims, fact.time, state, policy):
        return "too_late"
    return "amends_day" if fact.time < state.sealed - policy.lateness_ms else "amends"


def _count(tables: Tables, cell: _Cell, pane: Pane, policy: KpiPolicy) -> None:
    """Add what facts come to to their pane and, where they are late, to what it was counted in."""
    dims, start, counted = cell
    if counted != "counted":
        change(tables, dims, start, pane, policy)
        if counted == "amends_day":
            return
        tables.late[f"{dims}{SEP}pane{SEP}{start}"] = Late()
    key = f"{dims}{SEP}{start}"
    before = tables.panes.get(key)
    after = plus(before or EMPTY, pane)
    if after:
        tables.panes[key] = after
    elif before is not None:
        del tables.panes[key]
    if before is None:
        day = f"{dims}{SEP}{policy.day(start, key)[0]}"
        if day not in tables.days:
            tables.days[day] = EMPTY


def _fold_leg(tables: Tables, fact: Fact, key: str, counted: Counted, policy: KpiPolicy) -> None:
    state = tables.lines.get(fact.line) or LineState()
    if state.ended:
        return
    dims, entered = split_leg(key)
    before, leg = fold_leg(tables, key, fact, late=counted == "amends_day")
    # At the sealed moment itself it is on time for the panes, but the legs waiting at that moment are out already.
    if fact.time <= state.sealed and counted != "too_late":
        tables.late.setdefault(f"{dims}{SEP}leg{SEP}{key[len(dims) + 1 :]}", Late(before.until(entered)))
    if counted == "amends_day":
        _fold_midnights(tables, key, fact, (before, leg), state.sealed, policy)


def _fold_midnights(
    tables: Tables, key: str, fact: Fact, legs: tuple[Leg, Leg], sealed: int, policy: KpiPolicy
) -> None:
    """Mend how many had reached the threshold at the ends of calendar windows since the fact, of which nobody keeps who
    waited; ``legs``: the fact's, before and after it. A closing before it may have found no opening, and counts only
    now.
    """
    dims, entered = split_leg(key)
    before, after = legs
    since = min(fact.time, after.until(entered))
    for unit in policy.calendar:
        # What happens at midnight has happened when the day before ends.
        start, end = policy.bounds(unit, since - 1, dims)
        while end < sealed - policy.legs_ms:
            more = after.waits_at(end, entered) - before.waits_at(end, entered)
            if more and end - entered >= policy.threshold(fact.queue) and end + policy.day_kept_ms > sealed:
                window = f"{dims}{SEP}{unit}{SEP}{start}"
                said = tables.published.get(window) or Published(0)
                tables.published[window] = replace(said, reached=said.reached + more)
                tables.late[window] = Late()
            start, end = policy.bounds(unit, end, dims)


def advance(
    tables: Tables, line: str, watermark: int, ended: bool, policy: KpiPolicy, most: int | None = None
) -> list[dict[str, Any]]:
    """As `moved`, the records alone."""
    return [record for *_, record in moved(tables, line, watermark, ended, policy, most)]


def moved(
    tables: Tables, line: str, watermark: int, ended: bool, policy: KpiPolicy, most: int | None = None
) -> list[Ordered]:
    """Move a line's stream time to ``watermark`` (it never goes back); ``ended``: no fact of the line will come any
    more. With ``most``, only so far that about as many records come of it, and `arrived` says whether that was all.

    Returns one record (`Lane.record`) per dimensions and window, in order of the window's end: those that time has
    passed and that read otherwise than the one before, that late facts changed, and with ``ended`` all that hold data.
    """
    state = tables.lines.get(line) or LineState()
    if state.ended:
        return []
    sealed = max(state.sealed, pane_start(watermark))
    reached = pane_start(watermark) if ended else sealed
    late = of_line(tables.late, line) if tables.late else []
    if sealed == state.sealed and not late and not ended:
        return []
    if most is not None:
        some = late_portion(tables, late, state.sealed, policy, most)
        if len(some) < len(late):  # what they amend is asked of the panes: time waits for the others
            late, sealed, ended = some, state.sealed, False
        else:
            until = FOREVER if ended else sealed
            cut = farthest(tables, line, (state.sealed, sealed), until, policy, most)
            if cut < until:
                sealed, ended = cut, False
        reached = min(reached, sealed)
    late += expect(tables, line, (state.sealed, sealed), ended, late, policy)
    # Of days as they are now: what is judged late changes days alone as long as no week and month is counted.
    whole, since = state.sealed if state.whole is None else state.whole, counted_since(tables, line, state, policy)
    sweep = Sweep(
        tables, line, state.sealed, sealed, reached, policy, iso(max(watermark, reached)), ended, whole, since
    )
    records = _records(sweep, late)
    for key in set(late):
        del tables.late[key]
    if ended:
        tables.forget(line)
        tables.lines[line] = LineState(reached, ended=True, whole=whole, since=since)
    elif sealed > state.sealed:
        tables.lines[line] = LineState(sealed, state.shown if sealed == reached else sealed, whole=whole, since=since)
        _expire(sweep)
    return records


def arrived(tables: Tables, line: str, watermark: int, ended: bool) -> bool:
    """Has the line been moved so far, and have its late facts been looked after?"""
    state = tables.lines.get(line) or LineState()
    if state.ended:
        return True
    late = any(key.startswith(line + SEP) for key in tables.late)
    return not late and not ended and state.sealed >= pane_start(watermark)


def standing(tables: Tables, line: str, policy: KpiPolicy) -> list[dict[str, Any]]:
    """What the windows of a line read that ended last, the running days as of now: for whoever was not there when it
    was published. Those that hold nothing are left out."""
    state = tables.lines.get(line)
    if state is None or state.ended or state.sealed == NEVER:
        return []
    sealed, at = state.sealed, iso(state.sealed)
    sweep = Sweep(tables, line, sealed - 1, sealed, sealed, policy, at, ended=False)
    found: list[dict[str, Any]] = []
    with suppress(LaneFault):
        for lane in _lanes(sweep, sealed - policy.reach_ms, []):
            with suppress(Exception):  # a row that is at fault is looked after when the line moves
                found += _now(lane)
    return found


def _now(lane: Lane) -> Iterator[dict[str, Any]]:
    policy, sealed = lane.sweep.policy, lane.sweep.sealed
    ends = [
        (part, length, every, grid(every, lane.zone).last(sealed))
        for part in lane.parts()
        for length, every in part.rolling
    ]
    waiting = lane.waiting({end for *_, end in ends} | {sealed})
    for part, length, every, end in ends:
        pane, instant = part.series.glance(end - length, end), length == policy.rolling[0][0]
        snapshot = Snapshot(pane, waiting.get(end, NOBODY), end, end - length, lane.can_abandon, lane.clock)
        if happened(pane):
            found = readings(snapshot, instant=instant, details=policy.details == "everywhere")
            yield lane.record((end - length, end), every, "final", 1, found)
    for unit, every in policy.calendar.items():
        for window in sorted(lane.sweep.going_on[unit].get(lane.dims, ())):
            pane = merge(so_far(lane, unit, window, sealed), glance=True)
            if happened(pane):
                snapshot = Snapshot(pane, waiting.get(sealed, NOBODY), sealed, window[0], lane.can_abandon, lane.clock)
                yield lane.record(window, every, "provisional", 1, readings(snapshot))


def record_key(record: dict[str, Any]) -> str:
    """The record's key, ``line|channel|queue|tier|start|length``, of a group with ``|by|service type|agent group``
    behind it: equal for all revisions of one window; escapes ``|`` and ``%``."""
    dims, window = record["dimensions"], record["window"]
    of = _lane_key(record["line"], dims["channel"], dims["queue"], dims["tier"])
    key = f"{of}|{window['start']}|{window['length_ms']}"
    if "by" not in record:
        return key
    return f"{key}|{_lane_key('+'.join(record['by']), *[dims.get(each, ALL) for each in DIMENSIONS[3:]])}"


@lru_cache(maxsize=10_000)
def _lane_key(*parts: str) -> str:
    return "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts)


def _records(sweep: Sweep, late: list[str]) -> list[Ordered]:
    late_from = sweep.before - sweep.policy.legs_ms - PANE_MS if late else sweep.before
    found: list[Ordered] = []
    for lane in _lanes(sweep, late_from, late):
        with _blamed(lane):
            for part in lane.parts():
                found.extend(rolling_records(part))
            if not lane.together:
                found.extend(calendar_records(lane))
    found.sort(key=lambda each: each[:3])
    return found


def _lanes(sweep: Sweep, late_from: int, late: list[str]) -> Iterator[Lane]:
    """Each channel, queue and tier; then each queue with all tiers together, as a tier that is at fault has failed by
    itself then."""
    changes, series, waiting = sweep.changes(late), sweep.series(late_from), sweep.stays(late_from)
    by_tier, together = (sweep.policy.rolling_by(tier=tier) for tier in (True, False))
    queues: defaultdict[str, list[Lane]] = defaultdict(list)
    for dims in sorted(sweep.dims | waiting.keys() | changes.keys() | sweep.open.keys()):
        of = series.get(dims) or NO_PANES, waiting.get(dims, []), changes.get(dims) or Changes()
        lane = Lane(sweep, dims, *of, by_tier)
        if not is_group(dims):
            queues[dims.rpartition(SEP)[0]].append(lane)
        yield lane
    for queue, lanes in queues.items() if together else ():
        try:
            yield _of_queue(queue, lanes, together)
        except Exception as error:
            raise LaneFault(queue) from error


@contextmanager
def _blamed(lane: Lane) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise LaneFault(lane.dims.removesuffix(f"{SEP}{ALL}")) from error


def _of_queue(queue: str, lanes: list[Lane], rolling: tuple[tuple[int, int], ...]) -> Lane:
    """All tiers of a channel and queue together."""
    return Lane(
        lanes[0].sweep,
        f"{queue}{SEP}{ALL}",
        Series.together([lane.series for lane in lanes], lanes[0].sweep.without),
        sorted(stay for lane in lanes for stay in lane.stays),
        Changes.together([lane.changes for lane in lanes]),
        rolling,
    )


def _expire(sweep: Sweep) -> None:
    """Forget what no window that can still change holds."""
    tables, policy, line, sealed = sweep.tables, sweep.policy, sweep.line, sweep.sealed
    kept = policy.reach_ms + policy.legs_ms

    def is_gone(unit: CalendarUnit, dims: str, start: int) -> bool:
        return sweep.bounds(unit, start, dims)[1] + policy.day_kept_ms <= sealed

    # The moment sealed - lateness itself can still change: a leg may have left just then.
    first, last = pane_start(sweep.before - kept - 1) + PANE_MS, pane_start(sealed - kept - 1) + PANE_MS
    for keys in sweep.pane_keys(first, last).values():
        for _, key in keys:
            del tables.panes[key]
    settle_legs(tables, line, sealed, sealed - policy.kept_ms)
    if sweep.reads_days:
        backlog.settle(tables, line, sealed - policy.legs_ms, sealed - policy.day_kept_ms)
    if sealed // MINUTE_MS == sweep.before // MINUTE_MS:
        return  # what follows goes through rows of weeks, and nothing hangs on when it goes
    forget_left(tables, line, sealed - policy.legs_ms - MINUTE_MS)  # late facts are judged from a whole minute on
    forget_flows(tables, line, sealed, policy)
    for key in of_line(tables.published, line):
        rest, at = split_start(key)
        dims, _, kind = rest.rpartition(SEP)
        if is_gone(kind, dims, at) if kind in UNITS else at < sealed - policy.legs_ms:
            del tables.published[key]
    for unit in UNITS:
        rows = tables.calendar(unit)
        for key in of_line(rows, line):
            if is_gone(unit, *split_start(key)):
                del rows[key]
