"""Who waits in a queue: legs from their facts, how many wait at given moments, and the state of a queue now.

A leg waits at T when it entered at or before T and has not left at or before T; it has reached the threshold t when it
entered at or before T − t.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, MutableMapping
from typing import Any

from msgspec.structs import replace

from streams.base.records import SEP, Fact
from streams.base.times import iso
from streams.metrics.formulas import NOBODY, Waiting
from streams.metrics.tables import FOREVER, LaneFault, Leg, LineState, QueueShown, Tables, of_line, split_leg

LEG_FACTS = frozenset({"leg_opened", "leg_closed"})

OTHER = "other"
TIERS_SHOWN = 50
"""Tiers in the state of one queue; those with fewer legs are one, `OTHER`."""

Stay = tuple[int, int]
"""One leg as (entered, until when it waited)."""


def fold_leg(tables: Tables, key: str, fact: Fact, late: bool = False) -> tuple[Leg, Leg]:
    """Count one leg fact; its order among the others does not matter. ``late``: the leg may be forgotten by now.

    Returns the leg before and after.
    """
    known = tables.left.pop(key, None) or tables.legs.get(key) or Leg()
    before, leg = folded(known, fact, fact.fact == "leg_opened", late)
    if leg.opened or leg.closed:
        tables.legs[key] = leg
    else:
        tables.legs.pop(key, None)
    return before, leg


def folded(leg: Leg, fact: Fact, is_opening: bool, late: bool) -> tuple[Leg, Leg]:
    """A leg before and after a fact that opens or closes it; ``late``: as in `fold_leg`."""
    if is_opening:
        return leg, Leg(leg.opened + fact.sign, leg.closed)
    before = leg
    if late and _is_forgotten(leg, fact):
        before = Leg(1, ((fact.time, 1),))
        leg = Leg(1, tuple(sorted((*leg.closed, *before.closed))))  # what came since found no opening, and said nothing
    counts = dict(leg.closed)
    counts[fact.time] = counts.get(fact.time, 0) + fact.sign
    return before, Leg(leg.opened, tuple(sorted((left, n) for left, n in counts.items() if n)))


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
        dims, entered = split_leg(key)
        until = legs[key].until(entered)
        if until > max(after, entered):
            found.setdefault(dims, []).append((entered, until))
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
            next_leaves = min((until for _, until in waiting), default=FOREVER)
        if waiting:
            reached = bisect_right(waiting, (moment - threshold_ms, FOREVER))
            found[moment] = Waiting(len(waiting), waiting[0][0], reached)
    return found


def settle_legs(tables: Tables, line: str, sealed: int, unmatched_before: int) -> None:
    """Set aside the legs that left at or before ``sealed``; forget those whose opening has not come by
    ``unmatched_before``."""
    for key in of_line(tables.legs, line):
        leg = tables.legs[key]
        waiting = leg.opened - sum(n for _, n in leg.closed)
        if waiting > 0:
            continue
        last = leg.closed[-1][0] if leg.closed else split_leg(key)[1]
        if waiting == 0 and last <= sealed:
            tables.left[key] = leg
            del tables.legs[key]
        elif waiting < 0 and last <= unmatched_before:
            del tables.legs[key]


def forget_left(tables: Tables, line: str, before: int) -> None:
    """Forget the legs that left before the moment."""
    for key in of_line(tables.left, line):
        if tables.left[key].closed[-1][0] < before:
            del tables.left[key]


def queue_states(tables: Tables, line: str) -> list[dict[str, Any]]:
    """One record per queue whose waiting legs changed since its last one, as of the last 10-second boundary; call it
    after `advance`.

    ``{channel, queue, at, depth, longest_wait_ms, oldest_entered, line, by_tier: {tier: depth}}``. That time goes by is
    not a change: a reader knows how long the oldest leg has waited by then. A queue that became empty is published
    once, with depth 0. Raises `LaneFault`.
    """
    state: LineState | None = tables.lines.get(line)
    if state is None or state.shown >= state.sealed:
        return []
    at = state.sealed
    tables.lines[line] = replace(state, shown=at)
    now = _now(tables, line, at)
    records = []
    for key in sorted(now.keys() | set(of_line(tables.queues, line))):
        shown = now.get(key)
        if shown == tables.queues.get(key):
            continue
        try:
            records.append(_record(key, at, shown))
        except Exception as error:
            raise LaneFault(key) from error
        if shown is None:
            del tables.queues[key]
        else:
            tables.queues[key] = shown
    if state.ended:  # what a line leaves at its end stays as it was
        tables.forget_queues(line)
    return records


def _now(tables: Tables, line: str, at: int) -> dict[str, QueueShown]:
    oldest: dict[str, int] = {}
    by_tier: dict[str, list[tuple[str, int]]] = {}
    for dims, of_dimensions in sorted(stays(tables.legs, line, at).items()):
        waiting = waiting_at(of_dimensions, (at,), 0).get(at, NOBODY)
        if waiting.oldest is None:
            continue
        key, _, tier = dims.rpartition(SEP)
        oldest[key] = min(oldest.get(key, waiting.oldest), waiting.oldest)
        by_tier.setdefault(key, []).append((tier, waiting.depth))
    return {key: QueueShown(oldest[key], _most(tiers)) for key, tiers in by_tier.items()}


def _most(tiers: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """The tiers of which most wait, in their order, the others together."""
    if len(tiers) <= TIERS_SHOWN:
        return tuple(tiers)
    named = [each for each in tiers if each[0] != OTHER]
    most = set(sorted(named, key=lambda each: (-each[1], each[0]))[:TIERS_SHOWN])
    rest = sum(depth for tier, depth in tiers if (tier, depth) not in most)
    return (*(each for each in named if each in most), (OTHER, rest))


def _record(key: str, at: int, shown: QueueShown | None) -> dict[str, Any]:
    line, channel, queue = key.split(SEP)
    return {
        "channel": channel,
        "queue": queue,
        "at": iso(at),
        "depth": sum(depth for _, depth in shown.by_tier) if shown else 0,
        "longest_wait_ms": at - shown.oldest if shown else 0,
        "oldest_entered": iso(shown.oldest) if shown else None,
        "line": line,
        "by_tier": dict(shown.by_tier) if shown else {},
    }
