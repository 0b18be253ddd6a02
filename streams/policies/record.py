"""What was recorded, as a replay under a policy reads it: contacts with their stays in queues, and needs that were
solved or not.
"""

from collections.abc import Iterable, Iterator

import msgspec

from streams.base.links import is_customer
from streams.base.records import NO_QUEUE, NO_TIER
from streams.contacts.contact import ABANDONED, ANSWERED, CONTAINED, FLOW_OUT, OPEN, Contact, Leg, Mark
from streams.contacts.histories import Lives

NO_TYPE = "none"
"""The service type of a customer of whom none is known."""
OFFERED = frozenset({ANSWERED, ABANDONED, FLOW_OUT})
"""Outcomes of a contact that asked for a human."""


Key = tuple[str, str, str, int]
"""Channel, id, owner and start of a contact."""


class Stay(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stay in one queue; times in ms. ``left`` None: it was waiting when the record was read."""

    queue: str
    entered: int
    left: int | None
    outcome: str


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """One contact as it was."""

    id: str
    channel: str
    owner: str
    started: int
    outcome: str
    stays: tuple[Stay, ...] = ()
    """By their entering."""
    tier: str = NO_TIER
    type: str = NO_TYPE
    ours: bool = False
    """Opened by our side: it asked for nothing."""
    answered: int | None = None
    agent: str | None = None
    handle_ms: int = 0
    """Talk, hold and after-contact work of humans."""
    sentiment_milli: int | None = None
    """Mean of the customer's messages."""
    csat_milli: int | None = None

    @property
    def key(self) -> "Key":
        """Names it: an id may be used again, and a part of a contact may be another customer's."""
        return self.channel, self.id, self.owner, self.started

    @property
    def known(self) -> bool:
        """Is it a customer's whom somebody knows?"""
        return is_customer(self.owner)

    @property
    def offered(self) -> bool:
        """Did it ask for a human, and is it said what came of it?"""
        return self.outcome in OFFERED and not self.ours

    @property
    def contained(self) -> bool:
        """Was it served by a menu or a bot alone?"""
        return self.outcome == CONTAINED


class Need(msgspec.Struct, frozen=True, gc=False):
    """One journey of which it is known whether its first contact resolved it."""

    owner: str
    resolved: bool
    tier: str = NO_TIER
    type: str = NO_TYPE

    @property
    def known(self) -> bool:
        """Is it a customer's whom somebody knows?"""
        return is_customer(self.owner)


class Record(msgspec.Struct, frozen=True):
    """All of a span."""

    contacts: tuple[Recorded, ...]
    needs: tuple[Need, ...] = ()


def recorded(lives: Lives, owner: str) -> Iterator[tuple[Recorded, Contact]]:
    """The contacts that the lives of a history are, each with the last life it is made of; parts of one contact are
    one. What was only told about a contact, as by a survey of one that is forgotten, is none.
    """
    for parts in _parted(lives):
        last = parts[-1]
        if not last.only_told:
            yield _recorded(parts, owner), last


def _parted(lives: Lives) -> Iterator[list[Contact]]:
    parts: list[Contact] = []
    for life in lives:
        if parts and life.before is None:
            yield parts
            parts = []
        parts.append(life)
    if parts:
        yield parts


def _recorded(parts: list[Contact], owner: str) -> Recorded:
    last = parts[-1]
    legs: dict[str, Leg] = {leg.id: leg for part in parts for leg in part.legs}
    return Recorded(
        last.id,
        last.channel,
        owner,
        min(part.started for part in parts),
        last.outcome,
        tuple(sorted((_stay(leg) for leg in legs.values()), key=lambda stay: stay.entered)),
        tier=last.tier or NO_TIER,
        ours=last.ours,
        answered=last.answered,
        agent=last.agent,
        handle_ms=last.talk_ms + last.hold_ms + last.wrap_ms,
        sentiment_milli=round(last.scored_milli / last.scored) if last.scored else None,
        csat_milli=_csat(mark for part in parts for mark in part.marks),
    )


def _stay(leg: Leg) -> Stay:
    left = None if leg.left is None else max(leg.left, leg.entered)
    return Stay(leg.queue or NO_QUEUE, leg.entered, left, leg.outcome or OPEN)


def _csat(marks: Iterable[Mark]) -> int | None:
    """The last answer."""
    answers = [mark.value for mark in marks if mark.fact == "feedback" and mark.variant == "csat"]
    return answers[-1] if answers else None
