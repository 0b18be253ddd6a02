"""Who waits in a queue: legs from their facts, how many wait at given moments, and the state of a queue now.

A leg waits at T when it entered at or before T and has not left at or before T; it has reached the threshold t when it
entered at or before T − t.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, MutableMapping
from heapq import nsmallest
from typing import Any
from zlib import crc32

from msgspec.structs import replace

from streams.base.records import SEP, Fact
from streams.base.times import iso
from streams.metrics.forecast import Rates, rates
from streams.metrics.formulas import NOBODY, Waiting
from streams.metrics.groups import is_group
from streams.metrics.tables import (
    FOREVER,
    LaneFault,
    Leg,
    LineState,
    QueueShown,
    Tables,
    of_line,
    queue_of_leg,
    split_leg,
)

LEG_FACTS = frozenset({"leg_opened", "leg_closed"})

OTHER = "other"
TIERS_SHOWN = 50
"""Tiers in the state of one queue; those with fewer legs are one, `OTHER`."""
WAITING_SHOWN = 50
"""Legs that it lists, those in front. It names no contact: what an ended replay leaves could not be taken back."""

Stay = tuple[int, int, str]
"""One leg as (entered, until when it waited, its queue where it is one of a group)."""


def fold_leg(tables: Tables, key: str, fact: Fact, late: bool = False) -> tuple[Leg, Leg]:
    """Count one leg fact; its order among the others does not matter. ``late``: the leg may be forgotten by now. One
    that is taken back stays until it is looked at what was expected of it (`streams.metrics.waits`).

    Returns the leg before and after.
    """
    known = tables.left.pop(key, None) or tables.legs.get(key) or Leg()
    before, leg = folded(known, fact, fact.fact == "leg_opened", late)
    if leg.opened or leg.closed or leg.answers or leg.said is not None:
        tables.legs[key] = leg
    else:
        tables.legs.pop(key, None)
    return before, leg


def folded(leg: Leg, fact: Fact, is_opening: bool, late: bool) -> tuple[Leg, Leg]:
    """A leg before and after a fact that opens or closes it; ``late``: as in `fold_leg`."""
    if is_opening:
        return leg, replace(leg, opened=leg.opened + fact.sign)
    before = leg
    if late and _is_forgotten(leg, fact):
        before = Leg(1, ((fact.time, 1),))
        closed = tuple(sorted((*leg.closed, *before.closed)))  # what came since found no opening, and said nothing
        leg = Leg(1, closed, _counted(leg.answers, fact.time, -fact.sign) if _is_answer(fact) else leg.answers)
    leg = replace(leg, closed=_counted(leg.closed, fact.time, fact.sign))
    if _is_answer(fact):
        leg = replace(leg, answers=_counted(leg.answers, fact.time, fact.sign))
    return before, leg


def _is_answer(fact: Fact) -> bool:
    return fact.outcome == "answered"


def _counted(counts: tuple[tuple[int, int], ...], time: int, sign: int) -> tuple[tuple[int, int], ...]:
    found = dict(counts)
    found[time] = found.get(time, 0) + sign
    return tuple(sorted((left, n) for left, n in found.items() if n))


def _is_forgotten(leg: Leg, closing: Fact) -> bool:
    """Is a closing taken back that is no longer here? Then its opening was here too, or it would be kept."""
    known = leg.opened or any(left == closing.time for left, _ in leg.closed)
    return closing.sign < 0 and not known


def until_of(tables: Tables, key: str) -> int:
    """Until when a leg waited, as `Leg.until`; for one that is not known, when it entered."""
    entered = split_leg(key)[1]
    leg = tables.legs.get(key) or tables.left.get(key)
    return leg.until(entered) if leg else entered


def stays(legs: MutableMapping[str, Leg], line: str, after: int) -> dict[str, list[Stay]]:
    """By dimensions, in order of entering: the legs of a line that wait at any moment later than ``after``."""
    found: dict[str, list[Stay]] = {}
    for key in of_line(legs, line):
        leg = legs[key]
        if leg.opened == 1 and len(leg.closed) == 1 and leg.closed[0][0] <= after and leg.closed[0][1] == 1:
            continue  # nearly all: it left before
        dims, entered = split_leg(key)
        until = leg.until(entered)
        if until > max(after, entered):
            found.setdefault(dims, []).append((entered, until, queue_of_leg(key) if is_group(dims) else ""))
    for of_dimensions in found.values():
        of_dimensions.sort()
    return found


def waiting_at(of_dimensions: list[Stay], moments: Iterable[int], threshold_ms: int) -> dict[int, Waiting]:
    """Who waits at each moment (given in rising order); moments at which nobody does are left out."""
    found: dict[int, Waiting] = {}
    waiting: list[Stay] = []
    next_leaves = FOREVER
    coming = 0
    for moment in moments:
        while coming < len(of_dimensions) and of_dimensions[coming][0] <= moment:
            insort(waiting, of_dimensions[coming])
            next_leaves = min(next_leaves, of_dimensions[coming][1])
            coming += 1
        if next_leaves <= moment:
            waiting = [stay for stay in waiting if stay[1] > moment]
            next_leaves = min((stay[1] for stay in waiting), default=FOREVER)
        if waiting:
            reached = bisect_left(waiting, (moment - threshold_ms + 1,))
            found[moment] = Waiting(len(waiting), waiting[0][0], reached)
    return found


def all_waiting(some: Iterable[dict[int, Waiting]]) -> dict[int, Waiting]:
    """Who waits of several, at each moment."""
    found: dict[int, Waiting] = {}
    for each in some:
        for moment, one in each.items():
            other = found.get(moment, NOBODY)
            oldest = [at for at in (one.oldest, other.oldest) if at is not None]
            found[moment] = Waiting(one.depth + other.depth, min(oldest, default=None), one.reached + other.reached)
    return found


def settle_legs(tables: Tables, line: str, sealed: int, unmatched_before: int) -> None:
    """Set aside the legs that left before ``sealed``; forget those whose opening has not come by
    ``unmatched_before``."""
    for key in of_line(tables.legs, line):
        leg = tables.legs[key]
        waiting = leg.opened - sum(n for _, n in leg.closed)
        if waiting > 0:
            continue
        last = leg.closed[-1][0] if leg.closed else split_leg(key)[1]
        if waiting == 0 and leg.closed and last < sealed:
            tables.left[key] = leg
            del tables.legs[key]
        elif (waiting < 0 or not leg.closed) and last <= unmatched_before:
            del tables.legs[key]


def forget_left(tables: Tables, line: str, before: int) -> None:
    """Forget the legs that left before the moment."""
    for key in of_line(tables.left, line):
        if tables.left[key].closed[-1][0] < before:
            del tables.left[key]


def queue_states(tables: Tables, line: str) -> list[dict[str, Any]]:
    """One record per queue whose waiting legs changed since its last one, as of the last 10-second boundary; call it
    after `advance`.

    ``{channel, queue, at, depth, longest_wait_ms, oldest_entered, line, by_tier: {tier: depth}, forecast:
    {position_next, expected_ms}, waiting: [{entered, place, expected_ms}]}``; see `streams.metrics.forecast`. That time
    goes by is not a change: a reader knows how long the oldest leg has waited by then. A queue that became empty is
    published once, with depth 0. Raises `LaneFault`.
    """
    state: LineState | None = tables.lines.get(line)
    if state is None or state.shown >= state.sealed:
        return []
    at = state.sealed
    tables.lines[line] = replace(state, shown=at)
    now = _now(tables, line, at)
    records = []
    for key in sorted(now.keys() | set(of_line(tables.queues, line))):
        shown, first = now.get(key, (None, []))
        known = tables.queues.get(key)
        if shown == known or (shown and known and not known.first and replace(shown, first=0) == known):
            continue
        try:
            flow = tables.flows.get(key)
            records.append(_record(key, at, shown, first, rates(flow.points if flow else (), at)))
        except Exception as error:
            raise LaneFault(key) from error
        if shown is None:
            del tables.queues[key]
        else:
            tables.queues[key] = shown
    if state.ended:  # what a line leaves at its end stays as it was
        tables.forget_queues(line)
    return records


def _now(tables: Tables, line: str, at: int) -> dict[str, tuple[QueueShown, list[int]]]:
    """By line, channel and queue; with when those in front entered."""
    legs: dict[str, list[tuple[int, str]]] = {}
    for key in of_line(tables.legs, line):
        dims, entered = split_leg(key)
        if is_group(dims):
            continue
        if entered <= at < tables.legs[key].until(entered):
            queue, _, tier = dims.rpartition(SEP)
            legs.setdefault(queue, []).append((entered, tier))
    found = {}
    for queue, waiting in legs.items():
        by_tier = tuple(sorted(Counter(tier for _, tier in waiting).items()))
        first = nsmallest(WAITING_SHOWN, (entered for entered, _ in waiting))
        found[queue] = QueueShown(first[0], _most(by_tier), crc32(repr(first).encode())), first
    return found


def _most(tiers: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    """The tiers of which most wait, in their order, the others together."""
    if len(tiers) <= TIERS_SHOWN:
        return tiers
    named = [each for each in tiers if each[0] != OTHER]
    most = set(sorted(named, key=lambda each: (-each[1], each[0]))[:TIERS_SHOWN])
    rest = sum(depth for tier, depth in tiers if (tier, depth) not in most)
    return (*(each for each in named if each in most), (OTHER, rest))


def _record(key: str, at: int, shown: QueueShown | None, first: list[int], expected: Rates) -> dict[str, Any]:
    line, channel, queue = key.split(SEP)
    depth = sum(depth for _, depth in shown.by_tier) if shown else 0
    return {
        "channel": channel,
        "queue": queue,
        "at": iso(at),
        "depth": depth,
        "longest_wait_ms": at - shown.oldest if shown else 0,
        "oldest_entered": iso(shown.oldest) if shown else None,
        "line": line,
        "by_tier": dict(shown.by_tier) if shown else {},
        "forecast": {"position_next": depth + 1, "expected_ms": expected.wait(depth + 1)},
        "waiting": [
            {"entered": iso(entered), "place": place, "expected_ms": wait}
            for place, (entered, wait) in enumerate(zip(first, expected.waits(len(first)), strict=True), start=1)
        ],
    }
