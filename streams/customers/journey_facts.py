"""What a journey counts for in KPIs: that it was solved, for the first time and for the last so far, and how.

What was told is kept with the journey's name, so what changes is the difference of two, and a journey that is no more
takes back what it counted. A reading belongs to the window of the solution, and to the place of the contact that was
solved then.
"""

import msgspec

from streams.base.records import Fact
from streams.customers.facts import told_anew
from streams.customers.journey_parts import Found
from streams.customers.journey_sums import Journey, Solve, solves_of, solves_together


class Solved(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A journey that was solved."""

    started: int
    first: Solve
    once: bool
    """The customer had not come again by then, nor did within the time of a repeat."""
    stays: bool
    """It was not reopened within that time."""
    latest: Solve | None = None
    """None = the first one."""
    reopens: int = 0
    contacts: int = 1
    transfers: int = 0


Facts = tuple[Fact, ...]


def solved(journey: Found, repeat_ms: int) -> Solved | None:
    """How it was; None = it never was, or a sum of a version before does not say where. ``repeat_ms``: for so long
    after the first solution it may prove to be none."""
    whole = journey.whole
    if whole.solved is None:
        return None
    some = []
    for part, turn in zip(journey.parts, journey.turns, strict=True):
        its = part.solves if isinstance(part, Journey) else solves_of(part, turn)
        if its is None:
            return None
        some.append(its)
    found = solves_together(some)
    if found.first is None:
        return None
    settled = found.first.at + repeat_ms
    return Solved(
        whole.started,
        found.first,
        found.again is None or found.again > settled,
        found.reopened is None or found.reopened > settled,
        None if found.latest == found.first else found.latest,
        whole.reopens,
        whole.sums.contacts,
        whole.sums.transfers,
    )


def difference(before: Solved | None, after: Solved | None, line: str) -> Facts:
    """What to tell when what a journey counts for changes."""
    if before == after:
        return ()
    return told_anew(_facts(before, line), _facts(after, line))


def _facts(solved: Solved | None, line: str) -> Facts:
    if solved is None:
        return ()
    first, latest = solved.first, solved.latest or solved.first
    return (
        Fact(
            "journey_solved",
            first.contact,
            first.at,
            first.channel,
            first.queue,
            first.tier,
            line,
            entered=solved.started,
            outcome="stays" if solved.stays else "reopened",
            variant="once" if solved.once else "again",
            service_type=first.kind,
            agent_group=first.team,
        ),
        Fact(
            "journey_resolved",
            latest.contact,
            latest.at,
            latest.channel,
            latest.queue,
            latest.tier,
            line,
            entered=solved.started,
            value=solved.reopens or None,
            contacts=solved.contacts,
            transfers=solved.transfers,
            service_type=latest.kind,
            agent_group=latest.team,
        ),
    )
