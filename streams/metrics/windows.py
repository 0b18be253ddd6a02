"""Rolling windows over facts: fold each fact into its pane, and publish what stream time has passed.

`fold` counts a fact where it happened. `advance` moves a line's stream time on: panes that end are sealed into their
day, windows that end become records, late facts amend records that are out already. Both only touch the tables they are
given.
"""

from collections import defaultdict
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any, Literal

from msgspec.structs import replace

from streams.base.records import SEP, Fact
from streams.base.times import DAY_MS, MINUTE_MS, iso
from streams.metrics import backlog
from streams.metrics.backlog import BACKLOG_FACTS, fold_open
from streams.metrics.days import day_records
from streams.metrics.formulas import NOBODY
from streams.metrics.kpis import Snapshot, readings
from streams.metrics.panes import EMPTY, NO_PANES, Pane, Series, add, happened, pane_start
from streams.metrics.portions import farthest, late_portion
from streams.metrics.queues import LEG_FACTS, fold_leg, forget_left, settle_legs
from streams.metrics.rolling import rolling_records
from streams.metrics.rules import PANE_MS, KpiPolicy
from streams.metrics.sweep import Changes, Lane, Ordered, Sweep
from streams.metrics.tables import (
    ALL,
    FOREVER,
    NEVER,
    LaneFault,
    Late,
    Leg,
    LineState,
    Published,
    Tables,
    dimensions,
    leg_key,
    of_line,
    split_leg,
    split_start,
)

Counted = Literal["counted", "amends", "amends_day", "too_late"]
"""counted: in time. amends: late, windows that are out are published anew. amends_day: only its day is. too_late: not
counted at all."""


def fold(tables: Tables, fact: Fact, policy: KpiPolicy) -> Counted:
    """Count a fact (sign −1: take it back). Raises ValueError, with nothing changed, for a fact that cannot be
    counted."""
    dims = dimensions(fact)
    key = leg_key(fact, dims) if fact.fact in LEG_FACTS else None
    state = tables.lines.get(fact.line) or LineState()
    if state.ended:
        return "too_late"
    if fact.fact in BACKLOG_FACTS:
        return "amends_day" if fold_open(tables, dims, fact, state.sealed, policy) else "counted"
    start = pane_start(fact.time)
    if start >= state.sealed:
        _fold_pane(tables, f"{dims}{SEP}{start}", fact, policy)
        counted: Counted = "counted"
    else:
        counted = _fold_late(tables, dims, fact, state.sealed, policy)
    if key is not None:
        before, leg = fold_leg(tables, key, fact, late=counted == "amends_day")
        # At the sealed moment itself it is on time for the panes, but the legs waiting at that moment are out already.
        if fact.time <= state.sealed and counted != "too_late":
            was = before.until(split_leg(key)[1])
            tables.late.setdefault(f"{dims}{SEP}leg{SEP}{key[len(dims) + 1 :]}", Late(was))
        if counted == "amends_day":
            _fold_midnights(tables, key, fact, (before, leg), state.sealed, policy)
    return counted


def _fold_pane(tables: Tables, key: str, fact: Fact, policy: KpiPolicy) -> None:
    pane = tables.panes.get(key)
    if pane is not None:
        _put(tables.panes, key, add(pane, fact, policy), fact.sign)
        return
    tables.panes[key] = add(EMPTY, fact, policy)
    day = f"{dimensions(fact)}{SEP}{policy.day(fact.time, key)[0]}"
    if day not in tables.days:
        tables.days[day] = EMPTY


def _put(panes: MutableMapping[str, Pane], key: str, pane: Pane, sign: int) -> None:
    if sign < 0 and pane == EMPTY:
        del panes[key]
    else:
        panes[key] = pane


def _fold_late(tables: Tables, dims: str, fact: Fact, sealed: int, policy: KpiPolicy) -> Counted:
    day_start, day_end = policy.day(fact.time, dims)
    if day_end + policy.day_kept_ms <= sealed:
        return "too_late"
    day = f"{dims}{SEP}{day_start}"
    tables.days[day] = add(tables.days.get(day) or EMPTY, fact, policy)
    if day_end <= sealed:
        tables.late[f"{dims}{SEP}day{SEP}{day_start}"] = Late()
    if fact.time < sealed - policy.lateness_ms:
        return "amends_day"
    start = pane_start(fact.time)
    _fold_pane(tables, f"{dims}{SEP}{start}", fact, policy)
    tables.late[f"{dims}{SEP}pane{SEP}{start}"] = Late()
    return "amends"


def _fold_midnights(
    tables: Tables, key: str, fact: Fact, legs: tuple[Leg, Leg], sealed: int, policy: KpiPolicy
) -> None:
    """Mend how many had reached the threshold at the ends of days since the fact, of which nobody keeps who waited;
    ``legs``: the fact's, before and after it. A closing before it may have found no opening, and counts only now.
    """
    dims, entered = split_leg(key)
    before, after = legs
    since = min(fact.time, after.until(entered))
    start, end = policy.day(since - 1, dims)  # what happens at midnight has happened when the day before ends
    while end < sealed - policy.legs_ms:
        more = after.waits_at(end, entered) - before.waits_at(end, entered)
        if more and end - entered >= policy.threshold(fact.queue):
            day = f"{dims}{SEP}day{SEP}{start}"
            said = tables.published.get(day) or Published(0)
            tables.published[day] = replace(said, reached=said.reached + more)
            tables.late[day] = Late()
        start, end = policy.day(end, dims)


def advance(
    tables: Tables, line: str, watermark: int, ended: bool, policy: KpiPolicy, most: int | None = None
) -> list[dict[str, Any]]:
    """Move a line's stream time to ``watermark`` (it never goes back); ``ended``: no fact of the line will come any
    more. With ``most``, only so far that about as many records come of it, and `arrived` says whether that was all.

    Returns one record per dimensions and window, in order of the window's end: those that stream time has passed and
    that read otherwise than the one before, those that late facts changed, and with ``ended`` all that hold data. Each
    record is ``{dimensions: {channel, queue, tier}, window: {start, end, length_ms, every_ms}, watermark, status,
    revision, line, readings, sums, histograms}``.
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
    whole = state.sealed if state.whole is None else state.whole
    sweep = Sweep(tables, line, state.sealed, sealed, reached, policy, iso(max(watermark, reached)), ended, whole)
    records = _records(sweep, late)
    for key in late:
        del tables.late[key]
    if ended:
        tables.forget(line)
        tables.lines[line] = LineState(reached, ended=True, whole=whole)
    elif sealed > state.sealed:
        tables.lines[line] = LineState(sealed, state.shown if sealed == reached else sealed, whole=whole)
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
    ends = [(part, length, every, sealed - sealed % every) for part in lane.parts() for length, every in part.rolling]
    waiting = lane.waiting({end for *_, end in ends} | {sealed})
    for part, length, every, end in ends:
        pane, instant = part.series.glance(end - length, end), length == policy.rolling[0][0]
        snapshot = Snapshot(pane, waiting.get(end, NOBODY), end, end - length, lane.can_abandon, lane.clock)
        if happened(pane):
            found = readings(snapshot, instant=instant, details=policy.details == "everywhere")
            yield lane.record((end - length, end), every, "final", 1, found)
    for day in lane.sweep.going_on.get(lane.dims, ()):
        pane = lane.sweep.tables.days.get(f"{lane.dims}{SEP}{day[0]}") or EMPTY
        if happened(pane):
            snapshot = Snapshot(pane, waiting.get(sealed, NOBODY), sealed, day[0], lane.can_abandon, lane.clock)
            yield lane.record(day, policy.day_every_ms or DAY_MS, "provisional", 1, readings(snapshot))


def record_key(record: dict[str, Any]) -> str:
    """The record's key, ``line|channel|queue|tier|start|length``: equal for all revisions of one window; escapes ``|``
    and ``%``."""
    dims, window = record["dimensions"], record["window"]
    parts = (record["line"], dims["channel"], dims["queue"], dims["tier"], window["start"], str(window["length_ms"]))
    return "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts)


def _records(sweep: Sweep, late: list[str]) -> list[dict[str, Any]]:
    late_from = sweep.before - sweep.policy.legs_ms - PANE_MS if late else sweep.before
    found: list[Ordered] = []
    for lane in _lanes(sweep, late_from, late):
        with _blamed(lane):
            for part in lane.parts():
                found.extend(rolling_records(part))
            if lane.tier != ALL:
                found.extend(day_records(lane))
    found.sort(key=lambda each: each[:3])
    return [record for _, _, _, record in found]


def _lanes(sweep: Sweep, late_from: int, late: list[str]) -> Iterator[Lane]:
    """Each channel, queue and tier; then each queue with all tiers together, as a tier that is at fault has failed by
    itself then."""
    changes, series, waiting = sweep.changes(late), sweep.series(late_from), sweep.stays(late_from)
    by_tier, together = (sweep.policy.rolling_by(tier=tier) for tier in (True, False))
    queues: defaultdict[str, list[Lane]] = defaultdict(list)
    for dims in sorted(sweep.days.keys() | waiting.keys() | changes.keys() | sweep.open.keys()):
        of = series.get(dims) or NO_PANES, waiting.get(dims, []), changes.get(dims) or Changes()
        lane = Lane(sweep, dims, *of, by_tier)
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
    # The moment sealed - lateness itself can still change: a leg may have left just then.
    first, last = pane_start(sweep.before - kept - 1) + PANE_MS, pane_start(sealed - kept - 1) + PANE_MS
    for keys in sweep.pane_keys(first, last).values():
        for _, key in keys:
            del tables.panes[key]
    settle_legs(tables, line, sealed, sealed - policy.day_kept_ms)
    if sweep.reads_days:
        backlog.settle(tables, line, sealed - policy.legs_ms, sealed - policy.day_kept_ms)
    if sealed // MINUTE_MS > sweep.before // MINUTE_MS:
        forget_left(tables, line, sealed - policy.legs_ms)
    for key in of_line(tables.published, line):
        rest, at = split_start(key)
        is_day = rest.endswith(f"{SEP}day")
        if _day_is_over(rest, at, sealed, policy) if is_day else at < sealed - policy.legs_ms:
            del tables.published[key]
    for key in of_line(tables.days, line):
        if _day_is_over(*split_start(key), sealed, policy):
            del tables.days[key]


def _day_is_over(dims: str, start: int, sealed: int, policy: KpiPolicy) -> bool:
    return policy.day(start, dims)[1] + policy.day_kept_ms <= sealed
