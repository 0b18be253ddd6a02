"""What a contact counts for in KPIs by its scores: one fact, in the window of its end, where the contact was.

What was told is kept with what is known of the contact, so a score that changes is the difference of two. A contact
that is known no more stays counted.
"""

import msgspec
from msgspec.structs import replace

from streams.base.records import NO_QUEUE, NO_TIER, Fact
from streams.contacts.contact import Contact
from streams.customers.facts import Labels
from streams.quality.scoring import Quality, Score, queue_of

QUALITY = "quality"


class Counted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a contact counts; scores in thousandths, None = cannot be told."""

    contact: str
    channel: str
    queue: str
    tier: str
    business: int | None = None
    human: int | None = None
    hidden: int | None = None
    kind: str | None = None
    team: str | None = None


def counted(contact: Contact, labels: Labels, scored: Quality) -> Counted | None:
    """None: of no side anything is known."""
    sides = (_milli(scored.business), _milli(scored.human), _milli(scored.hidden))
    if sides == (None, None, None):
        return None
    tier, kind, team = labels
    return Counted(contact.id, contact.channel, queue_of(contact) or NO_QUEUE, tier or NO_TIER, *sides, kind, team)


def _milli(side: Score) -> int | None:
    return None if side.score is None else round(1000 * side.score)


Was = tuple[int, Counted | None]
"""When a contact ended (ms), and what it counts for."""
NOTHING: Was = (0, None)


def difference(before: Was, after: Was, line: str) -> tuple[Fact, ...]:
    """What to tell when what a contact counts for changes."""
    if before == after:
        return ()
    old, new = _fact(before, line), _fact(after, line)
    gone = () if old is None else (replace(old, sign=-1),)
    return gone if new is None else (*gone, new)


def _fact(was: Was, line: str) -> Fact | None:
    ended, one = was
    if one is None:
        return None
    return Fact(
        QUALITY,
        one.contact,
        ended,
        one.channel,
        one.queue,
        one.tier,
        line,
        business=one.business,
        human=one.human,
        hidden=one.hidden,
        service_type=one.kind,
        agent_group=one.team,
    )
