"""What the simulated centre consists of: settings, contacts, agents, places in a queue, and what is published."""

from dataclasses import dataclass, field
from typing import Any

import simpy

from streams.demo.askings import Askings
from streams.demo.centre import DAYS_BEFORE, Customer
from streams.rules import Rules

SECOND_MS, HOUR_MS, DAY_MS = 1000, 3_600_000, 86_400_000


@dataclass(frozen=True)
class Settings:
    """One run: the doors open at ``start_ms`` (since the epoch, UTC), ``hour`` of the day then in the centre's own
    time. ``days_before``: what came in so many days before is published first; 0 = nothing did.
    """

    line: str
    start_ms: int
    rules: Rules
    seed: int = 7
    hour: int = 10
    customers: int = 400
    days_before: int = DAYS_BEFORE

    @property
    def begin_ms(self) -> int:
        """When the line begins."""
        return self.start_ms - self.days_before * DAY_MS


@dataclass(frozen=True)
class Emission:
    """One record to publish at ``time`` (ms since the epoch) on ``topic`` (without prefix): an event, or other bytes.

    The time that the event itself bears may be that of the whole second before.
    """

    topic: str
    key: str
    time: int
    event: dict[str, Any] | None = None
    raw: bytes | None = None


@dataclass(eq=False)
class Contact:
    """One conversation on one channel, as its connector sees it; times in ms since the epoch.

    ``identifier``: (kind, value) of the person; ``besides``: what else it is known by; ``withheld``: its value stands
    for nobody. ``says``: the customer id that the connector gives as long as it knows no customer. ``signs_in``: it
    knows the customer at the latest when the customer is asked.
    """

    id: str
    channel: str
    customer: Customer | None
    known: bool
    identifier: tuple[str, str] | None
    mood: float
    withheld: bool = False
    says: str | None = None
    signs_in: bool = True
    besides: tuple[tuple[str, str], ...] = ()
    queue: str | None = None
    leg: int | None = None
    """Number of the stay in a queue that is not over."""
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    transfers: int = 0
    human: bool = False
    """A person was connected."""
    over: bool = False
    last_word: int | None = None
    askings: Askings = field(default_factory=Askings)


@dataclass
class Agent:
    """A person at work: ``load`` contacts now, of ``slots``; ``rest_due`` = goes on a break when free."""

    id: str
    skills: tuple[str, ...]
    slots: int
    load: int = 0
    on_duty: bool = False
    rest_due: bool = False
    free_since: int = 0
    state: str = "offline"


@dataclass(eq=False)
class Ticket:
    """A place in a queue; ``answered`` fires when ``agent`` took it. States: waiting, ringing, answered, gone."""

    number: int
    contact: Contact
    queue: str
    answered: simpy.Event
    state: str = "waiting"
    agent: Agent | None = None
