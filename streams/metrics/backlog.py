"""Open journeys, as what a day reads: how many there are at a moment, and how old.

A journey's stay in a place is a `Leg`: it is open from ``since`` until it leaves. Who is open is looked at when a day
is read and at no other time, so a large backlog costs nothing in between. What was open at the end of a day is kept
with what was published of it, and a fact that comes later changes it there.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from streams.base.records import SEP, Fact
from streams.metrics.accumulators import Counts, step_of
from streams.metrics.queues import folded
from streams.metrics.rules import KpiPolicy
from streams.metrics.tables import Late, Leg, Published, Tables, of_line

BACKLOG_FACTS = frozenset({"journey_opened", "journey_left"})

Open = tuple[int, int, int, int]
"""A journey that is open in one place: since when, until when, and when it began; 1, or −1 while one of which nothing
is kept is being taken back."""


def open_key(fact: Fact, dims: str) -> str:
    """The key of a fact's journey; ``dims``: where it counts. Raises ValueError for one that does not say since when it
    is open, or when it began."""
    since = fact.time if fact.fact == "journey_opened" else fact.entered
    if since is None or fact.value is None:
        raise ValueError(f"{fact.fact} {fact.id!r} does not say since when it is open (entered), and its start (value)")
    return f"{dims}{SEP}{since}{SEP}{fact.value}{SEP}{fact.id}"


def fold_open(tables: Tables, key: str, fact: Fact, sealed: int, policy: KpiPolicy) -> bool:
    """Count a fact of the backlog; its order among the others does not matter. ``sealed``: how far its line has come.

    Returns whether it is late.
    """
    if "day" not in policy.calendar:
        return False
    dims, since, started = _split(key)
    known = tables.backlog.get(key) or Leg()
    before, after = folded(known, fact, fact.fact == "journey_opened", fact.time <= sealed - policy.legs_ms)
    if after.opened or after.closed:
        tables.backlog[key] = after
    else:
        tables.backlog.pop(key, None)
    if fact.time > sealed:
        return False
    start, end = policy.day(max(since, sealed - policy.day_kept_ms) - 1, dims)
    while end <= sealed:
        more = after.waits_at(end, since) - before.waits_at(end, since)
        if more and end + policy.day_kept_ms > sealed:
            _mend(tables, f"{dims}{SEP}day{SEP}{start}", step_of(end - started), more)
        start, end = policy.day(end, dims)
    return True


def _mend(tables: Tables, day: str, step: int, more: int) -> None:
    said = tables.published.get(day) or Published(0)
    ages = {**said.ages, step: said.ages.get(step, 0) + more}
    tables.published[day] = replace(said, ages={age: n for age, n in ages.items() if n})
    tables.late[day] = Late()


def open_after(tables: Tables, line: str, after: int) -> dict[str, list[Open]]:
    """By dimensions: the journeys that are open at any moment later than ``after``."""
    found: dict[str, list[Open]] = {}
    for key in of_line(tables.backlog, line):
        dims, since, started = _split(key)
        leg, sign = tables.backlog[key], 1
        if leg.opened < 0:
            leg, sign = Leg(-leg.opened, tuple((left, -n) for left, n in leg.closed)), -1
        until = leg.until(since)
        if until > max(after, since):
            found.setdefault(dims, []).append((since, until, started, sign))
    return found


def ages(of_dimensions: Sequence[Open], moment: int) -> Counts:
    """How old the journeys are that are open at a moment, as a histogram."""
    found: dict[int, int] = {}
    for since, until, started, sign in of_dimensions:
        if since <= moment < until:
            step = step_of(moment - started)
            found[step] = found.get(step, 0) + sign
    return {step: n for step, n in found.items() if n}


def settle(tables: Tables, line: str, over: int, unmatched: int) -> None:
    """Forget what left at or before ``over``, and leavings at or before ``unmatched`` that no entering belongs to."""
    for key in of_line(tables.backlog, line):
        leg = tables.backlog[key]
        left = sum(n for _, n in leg.closed)
        last = leg.closed[-1][0] if leg.closed else _split(key)[1]
        if leg.opened <= left and last <= (over if leg.opened == left else unmatched):
            del tables.backlog[key]


def _split(key: str) -> tuple[str, int, int]:
    """Dimensions, since when, and when it began."""
    dims, since, started, _ = key.rsplit(SEP, 3)
    return dims, int(since), int(started)
