"""One contact as its events so far tell it: the values, and the notes of what counts.

Times are ms since the epoch, durations ms, sentiment thousandths.
"""

import msgspec
from msgspec.structs import replace

from streams.domain import decay, lifecycle
from streams.domain.decay import Decayed
from streams.domain.policy import Rules
from streams.domain.steps import CUSTOMER, HUMAN, Step

ANSWERED, ABANDONED, FLOW_OUT, CONTAINED, OPEN = "answered", "abandoned", "flow_out", "contained", "open"
MAX_SAID = 16
MAX_LABELS = 4
"""Tiers that count a contact of many marks one after the other; what its events say after that, alerts alone know: each
change counts all its marks anew."""
MANY_MARKS = 32
MAX_LEGS = 50
"""Legs kept of one contact; earlier ones have long been counted."""

# Points of friction, the unit of the segment's friction component.
FRICTION = {"abandoned": 1.0, "transferred": 0.5, "search failed": 0.5, "case reopened": 1.0}


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stay in one queue."""

    id: str
    queue: str
    entered: int
    left: int | None = None
    outcome: str | None = None


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that counts, before its labels are known; ``queue`` None = the first queue the contact ever names."""

    fact: str
    id: str
    time: int
    queue: str | None = None
    outcome: str | None = None
    variant: str | None = None
    entered: int | None = None
    value: int | None = None
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    tier: str | None = None
    """Of a message: the tier the events up to it said."""


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One conversation on one channel, as its events so far tell it."""

    id: str
    channel: str
    started: int
    last: int
    state: str = lifecycle.START
    ours: bool = False
    """Opened by our side."""
    tier: str | None = None
    said: tuple[tuple[int, str], ...] = ()
    """(time, tier) each time the events said another tier than before."""
    first_queue: str | None = None
    agent: str | None = None
    legs: tuple[Leg, ...] = ()
    outcome: str = OPEN
    wait_ms: int = 0
    """In queues, until the outcome was known."""
    answered: int | None = None
    replied: bool = False
    """A human wrote to the customer."""
    talking: int | None = None
    holding: int | None = None
    released: int | None = None
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    wrapped: int | None = None
    handed_off: int | None = None
    asked: int | None = None
    """First message of the customer."""
    responses: tuple[str, ...] = ()
    """Variants of the first response that have their value."""
    ended: int | None = None
    timed_out: bool = False
    messages: int = 0
    transfers: int = 0
    scored: int = 0
    scored_milli: int = 0
    mood: Decayed = decay.NOTHING
    friction: Decayed = decay.NOTHING
    marks: tuple[Mark, ...] = ()

    @property
    def waiting(self) -> Leg | None:
        """The leg that is open."""
        return self.legs[-1] if self.legs and self.legs[-1].left is None else None

    @property
    def queue(self) -> str | None:
        """Queue of the last leg."""
        return self.legs[-1].queue if self.legs else None


def begin(name: str, channel: str, step: Step) -> Contact:
    """The contact before its first step."""
    return Contact(name, channel, step.time, step.time)


_WORDS = frozenset({"message.sent", "post.answered"})
"""Types that go on with an ended contact when the customer is their author."""


def trigger(contact: Contact, step: Step) -> str:
    """What the transition table calls this step."""
    if step.type == "contact.connected" and step.actor != HUMAN:
        return f"contact.connected:{step.actor}"
    if step.type == "contact.wrapped_up" and step.agent and contact.agent and step.agent != contact.agent:
        return "contact.wrapped_up:other"
    if step.type in _WORDS and step.actor == CUSTOMER:
        return f"{step.type}:customer"
    if step.type == "contact.left_queue" and contact.waiting is not None and step.queue != contact.waiting.queue:
        return "contact.left_queue:other"
    return step.type


def trouble(contact: Contact, what: str, at: int, rules: Rules) -> Contact:
    """Points of friction for the segment."""
    points = decay.add(contact.friction, FRICTION[what], at, rules.segments.friction_half_life_ms)
    return replace(contact, friction=points)
