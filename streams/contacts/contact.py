"""One contact as its events so far tell it: the values, and the notes of what counts.

Times are ms since the epoch, durations ms, sentiment thousandths.
"""

import msgspec
from msgspec.structs import replace

from streams.base import decay
from streams.base.decay import Decayed
from streams.contacts import lifecycle
from streams.contacts.acts import Acts
from streams.contacts.rules import ContactRules
from streams.contacts.service import Service
from streams.contacts.steps import Step

ANSWERED, ABANDONED, FLOW_OUT, OPEN = "answered", "abandoned", "flow_out", "open"
CONTAINED, LEFT = "contained", "left"
"""Outcomes of one that asked for no human: it was served by a menu or a bot, or the customer went before that."""
ABOUT = frozenset(
    {
        "feedback.given",
        "contact.wrapped_up",
        "contact.assigned",
        "message.changed",
        "case.opened",
        "case.solved",
        "case.reopened",
    }
)
"""What is said about a contact, and does not go on with one that is over or was idle for too long."""
TWO_CLOCKS_MS = 2_000
"""A human connected this much before the queue says that the contact entered: two systems with two clocks."""
AT_ONCE_MS = 1_000
"""Two events of one moment, as logs with whole seconds have it."""
MAX_SAID = 16
MAX_LABELS = 4
"""Tiers that count a contact of many marks one after the other; what its events say after that, alerts alone know: each
change counts all its marks anew."""
MANY_MARKS = 32
MAX_CASES = 4
"""Cases that a contact is about, the first ones that it names."""
MAX_SOLVES = 8
"""Times that a contact was solved, the first and the latest."""
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
    offered: int | None = None
    """When an agent was last asked to take it, or did not."""
    told: bool = False
    """Its alerts are over and forgotten."""
    idle: int | None = None
    """When the contact was first taken for over: nobody is alarmed any more."""


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


class Counted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a journey sums up of one contact."""

    contacts: int = 0
    answered: int = 0
    abandoned: int = 0
    messages: int = 0
    transfers: int = 0
    wait_ms: int = 0
    scored: int = 0
    scored_milli: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    reopened: int = 0


NOTHING = Counted()


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One conversation on one channel, as its events so far tell it."""

    id: str
    channel: str
    started: int
    last: int
    alive: int | None = None
    """Time of the last event that was not only about it, while all that came since it was idle for too long was."""
    only_told: bool = False
    """All that came was told about it, as by a survey of a contact that is forgotten: it asked for nothing."""
    state: str = lifecycle.START
    opened: bool = False
    """It was said who opened it."""
    ours: bool = False
    """Opened by our side."""
    tier: str | None = None
    said: tuple[tuple[int, str], ...] = ()
    """(time, tier) each time the events said another tier than before."""
    first_queue: str | None = None
    agent: str | None = None
    legs: tuple[Leg, ...] = ()
    outcome: str = OPEN
    offered: bool = False
    """It counts as one that asked for a human."""
    wait_ms: int = 0
    """In queues, until it was answered."""
    answered: int | None = None
    known: int | None = None
    """When an event first named the owner."""
    talking: int | None = None
    holding: int | None = None
    unqueued: bool = False
    """The human who has it took it out of no queue."""
    warm: bool = False
    """The human stays until another one has it."""
    released: int | None = None
    connected: bool = False
    """A human had it."""
    talk_ms: int = 0
    hold_ms: int = 0
    summed_hold_ms: int = 0
    """Of ``hold_ms``: what came as a sum."""
    wrap_ms: int = 0
    served: bool = False
    """A menu or a bot had it, or a bot wrote."""
    wants_human: bool = False
    """It was handed off, offered to an agent, or left a queue."""
    handed_off: int | None = None
    asked: int | None = None
    """First message of the customer since it began, was reopened or solved."""
    unanswered: int | None = None
    """The oldest message of the customer to which no human has replied."""
    unheard: bool = False
    """Nobody, and no bot, has replied to the customer's last message."""
    responses: tuple[str, ...] = ()
    """Variants of the first response that have their value."""
    ended: int | None = None
    timed_out: bool = False
    reopened: int = 0
    """Times it went on after an end or a time-out."""
    solved: bool = False
    asks_again: bool = False
    """The customer's messages since it was reopened or solved have no reply of a human yet."""
    messages: int = 0
    transfers: int = 0
    scored: int = 0
    scored_milli: int = 0
    mood: Decayed = decay.NOTHING
    friction: Decayed = decay.NOTHING
    marks: tuple[Mark, ...] = ()
    before: "Counted | None" = None
    """What of it is in a journey of the past already."""
    rested_queue: str | None = None
    """Queue of the last leg, which is no longer kept."""
    parted: int | None = None
    """Another part of it has begun, and its labels are those of this moment."""
    origin: "Contact | None" = None
    """Of another part: the contact at rest before it, for the case that the part goes to another customer."""
    turns: tuple[tuple[int, str], ...] = ()
    """When it turned, and whom it has waited for since (`streams.contacts.standing`), the latest times."""
    closed_at: int | None = None
    """At rest: when it was closed although it had not ended."""
    group: str = ""
    """Of one that belongs to its customer by its identifiers alone, once it is over: all contacts with the same ones
    go to another customer together. Empty = it stays."""
    cases: tuple[str, ...] = ()
    """That it names, in the order in which it did."""
    topic: str | None = None
    intent: str | None = None
    machines: str = ""
    """Which had it: ``s`` a menu, ``b`` a bot."""
    failed: int = 0
    """Searches that found nothing."""
    turned: int | None = None
    """When the customer wrote after a reply, or we replied, last: since then the other side is asked."""
    solves: tuple[tuple[int, int | None], ...] = ()
    """When a case of it was solved, or it ended well; and when it was taken up again, if it was."""
    acts: Acts | None = None
    """When the customer was heard of in it; None = never."""
    case_said: str | None = None
    """What was last said of its case: opened, solved, reopened."""
    intents: tuple[tuple[str, int], ...] = ()
    """What the customer wanted, as far as it counts, and when that was first said."""
    product: str | None = None
    low: tuple[str, ...] = ()
    """Surveys whose last answer was bad."""
    proof: str = ""
    """Of one that says its product or topic: the latest event that shows that it turned out badly; else one that says
    it."""
    resumed: tuple[int, bool] | None = None
    """Of another part: when it began, and whether the contact was negative by then."""
    nps: tuple[int, int, str | None] | None = None
    """The last answer to the NPS survey: when, thousandths, and the queue of then, if any."""
    callback: tuple[int, int | None, str | None] | None = None
    """The last call-back that was asked for: when, for when (None = as soon as possible), and the queue of then."""
    called_back: int | None = None
    """When a human had it after that."""
    human_first: bool = False
    """It had asked for a human, or one had it, before a menu or a bot did."""
    feelings: tuple[tuple[int, int], ...] = ()
    """The customer's latest: see `streams.contacts.trend`."""
    service: Service | None = None
    """How humans served it; None = nothing of that is known."""
    agent_group: str | None = None
    """The last team that had it."""
    kind: str | None = None
    """The type of service that its intents speak for."""
    moves: tuple[int, ...] = ()
    """When it was handed on, the latest times."""
    hands: tuple[tuple[int, str], ...] = ()
    """Where several agents had it: since when which one did, in order."""
    pauses: tuple[tuple[int, int, str], ...] = ()
    """When it had ended, until when, and how it had come out by then."""
    lapsed: tuple[tuple[int | None, int | None, int, str], ...] = ()
    """Askings that came to nothing: the first message, and the oldest one, that no human had replied to, until when,
    and why nobody waited any more: an outcome, or ``solved``."""
    promised: tuple[tuple[int, int | None, int, bool], ...] = ()
    """Call-backs asked for before the last one: when, for when, until when they were owed, and whether they were
    kept."""

    @property
    def heard(self) -> int:
        """Time of its last sign of life."""
        return self.last if self.alive is None else self.alive

    @property
    def waiting(self) -> Leg | None:
        """The leg that is open."""
        return self.legs[-1] if self.legs and self.legs[-1].left is None else None

    @property
    def queue(self) -> str | None:
        """Queue of the last leg."""
        return self.legs[-1].queue if self.legs else self.rested_queue

    @property
    def counted(self) -> Counted:
        """What a journey sums up of it."""
        return Counted(
            1, int(self.outcome == ANSWERED), int(self.outcome == ABANDONED), self.messages, self.transfers,
            self.wait_ms, self.scored, self.scored_milli, self.talk_ms, self.hold_ms, self.wrap_ms, self.reopened,
        )  # fmt: skip

    @property
    def solved_at(self) -> int | None:
        """Since when it is solved, as somebody said."""
        return self.solves[-1][0] if self.solves and self.solves[-1][1] is None else None

    @property
    def reached_nobody(self) -> bool:
        """Our side opened it, and neither a human nor a machine had it."""
        return self.ours and not self.served and self.outcome == CONTAINED

    @property
    def served_well(self) -> int | None:
        """When it ended as one that needs nothing more, as far as it can tell: answered or contained, by no time-out,
        and it names no case, which is solved when somebody says so. A call of ours that reached nobody solves nothing.
        """
        if self.state != lifecycle.END or self.timed_out or self.cases or self.only_told or self.reached_nobody:
            return None
        return self.ended if self.outcome in (ANSWERED, CONTAINED) else None


def begin(name: str, channel: str, step: Step) -> Contact:
    """The contact before its first step."""
    return Contact(name, channel, step.time, step.time, only_told=step.type in ABOUT)


def trouble(contact: Contact, what: str, at: int, rules: ContactRules) -> Contact:
    """Points of friction for the segment."""
    points = decay.add(contact.friction, FRICTION[what], at, rules.friction_half_life_ms)
    return replace(contact, friction=points)


_REPLACED = {
    "contact_handled": "contact_handled",
    "contact_unasked": "outcome",
    "contact_offered": "outcome",
    "contact_by_machine": "contact_by_machine",
    "feedback": "feedback",
}


def replaces(mark: Mark) -> tuple[str, str | None] | None:
    """Of what a contact has one: a later mark takes the place of an earlier one with the same answer."""
    group = _REPLACED.get(mark.fact)
    return None if group is None else (group, mark.variant)


def replaceable(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Those of which a contact has one each."""
    return tuple(mark for mark in marks if replaces(mark) is not None)


def one_each(marks: tuple[Mark, ...], mark: Mark) -> tuple[Mark, ...]:
    """The marks with another one, in place of those that it replaces."""
    group = replaces(mark)
    return (*[each for each in marks if each.fact not in _REPLACED or replaces(each) != group], mark)


def solved_at(contact: Contact, at: int) -> Contact:
    """What it is about is solved."""
    solves = (*contact.solves, (at, None))
    return replace(contact, solves=solves[:1] + solves[1:][-MAX_SOLVES + 1 :])


def taken_up(contact: Contact, at: int) -> Contact:
    """What was solved, if it was, is not."""
    if contact.solved_at is None:
        return contact
    return replace(contact, solves=(*contact.solves[:-1], (contact.solves[-1][0], at)))
