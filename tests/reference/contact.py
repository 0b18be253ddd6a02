"""A contact as it came out. What each rule rests on stands in README.md."""

from dataclasses import dataclass, field

from tests.reference.events import HOUR, Event, S

SPOKEN = {"voice", "in-person"}
WAITED_FOR = {"voice", "chat", "in-person"}
"""Where the customer sits and waits: waits raise alerts."""
NO_GIVING_UP = {"messaging", "email", "ticket", "task"}
"""Where leaving is no abandoning."""
MACHINES = {"self-service", "bot"}
UNASKED = {"contained", "left"}
IDLE = {"email": 72 * HOUR, "ticket": 72 * HOUR}
IDLE_ELSE = 24 * HOUR
SKEW = 2 * S
MAX_CASES = 4
TWICE = 1 * S
HUMAN_ACTS = {"contact.offered", "contact.missed", "contact.held", "contact.resumed", "contact.wrapped_up"}
TAKEN_AWAY = {"callback", "voicemail", "transferred", "timeout", "error", "self-served"}
"""Reasons of an end that are no giving up, whoever ended it."""
AGAIN = {
    "contact.initiated", "contact.queued", "contact.offered", "contact.connected", "contact.handed_off", "contact.reopened",
}  # fmt: skip
"""What makes a contact that had ended go on, beside a customer's message."""
ABOUT = {
    "feedback.given", "contact.wrapped_up", "case.opened", "case.solved", "case.reopened", "message.changed", "contact.assigned",
}  # fmt: skip
"""What is told about a contact that is over, and leaves it so."""


@dataclass
class Leg:
    """One stay in one queue; times in ms."""

    queue: str
    entered: int
    left: int | None = None
    outcome: str | None = None

    @property
    def wait(self) -> int:
        return (self.left or self.entered) - self.entered


@dataclass
class Fact:
    """One thing that counts: when, in which queue, and its amounts."""

    name: str
    at: int
    queue: str
    amounts: tuple[int, ...] = ()


@dataclass
class Contact:
    """``ended`` is None while it is open; ``outcome`` as journeys name it."""

    channel: str
    contact: str
    events: list[Event]
    legs: list[Leg] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    started: int = 0
    ended: int | None = None
    outcome: str = "open"
    queue: str = "none"
    wait: int = 0
    talk: int = 0
    hold: int = 0
    wrap: int = 0
    messages: int = 0
    transfers: int = 0
    tiers: list[tuple[int, str]] = field(default_factory=list)
    """(when, which) its events told before it was over."""
    cases: list[str] = field(default_factory=list)
    topic: str | None = None
    intent: str | None = None
    ours: bool = False
    callback: Fact | None = None
    """The last one that was asked for."""
