"""The records that travel between agents, and how they look on the wire.

Every record is a JSON object with a field ``kind``. Times are milliseconds since the epoch (UTC), durations
milliseconds. A *line* is a time line: ``""`` for live events, else the id of a replay.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

LIVE = ""
"""The line of live events; every other line is a replay id."""
NO_QUEUE = NO_TIER = "none"
"""The queue of a contact that named none; the tier of a customer of whom none is known."""
SEP = "\x1f"
"""Between the parts of a row's key: the unit separator cannot stand in a name, the contract refuses control
characters."""


def output_key(line: str, key: str) -> bytes:
    """The key of an output: of live records as it is, of a replay behind ``<line>/``, so that compaction never takes
    one line's record for another's. No live key has a ``/`` before its first ``:`` or ``|``.
    """
    return f"{line}/{key}".encode() if line else key.encode()


def contact_key(channel: str, contact: str) -> str:
    """The name of a contact, ``<channel>|<id>``: ids are unique on a channel only. No channel has a ``|``."""
    return f"{channel}|{contact}"


class Record(msgspec.Struct, tag_field="kind", omit_defaults=True, frozen=True):
    """Base of every internal record."""


class Event(Record, tag="event", frozen=True):
    """One validated, normalised, masked contact event (``contact.normalised``; with ``owner`` on
    ``contact.interactions``).
    """

    id: str
    source: str
    type: str
    time: int
    contact: str
    channel: str
    line: str = LIVE
    owner: str = ""
    queue: str | None = None
    customer: str | None = None
    tier: str | None = None
    agent: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    data: dict[str, Any] = {}
    """What the type adds (direction, author, text, score, …), by the contract's field names; times as ms."""
    group: str = ""
    """Of a word about a contact that is over: the group it may have gone to another owner with."""
    case: str | None = None
    topic: str | None = None
    intent: str | None = None
    product: str | None = None
    agent_group: str | None = None


class Profile(Record, tag="profile", frozen=True):
    """What is known of a customer; ``None`` = the event did not say."""

    id: str
    source: str
    customer: str
    time: int
    line: str = LIVE
    tier: str | None = None
    """Empty: the one that was given is withdrawn."""
    value_cents: int | None = None
    language: str | None = None
    preferences: dict[str, Any] | None = None
    consent: dict[str, bool] | None = None
    identifiers: tuple[tuple[str, str], ...] | None = None
    """Kind and normalised value: all that the source knows to be this customer's. Only as far as `identify`."""
    time_zone: str | None = None
    country: str | None = None
    spend_cents: int | None = None
    contract_cents: int | None = None
    contract_until: int | None = None
    customer_since: int | None = None
    name: str | None = None


class CustomerEvent(Record, tag="customer_event", frozen=True):
    """What happened to a customer apart from contacts: an order, a promise."""

    id: str
    source: str
    type: str
    customer: str
    time: int
    about: str
    """The order or the promise."""
    line: str = LIVE
    due: int | None = None
    """When a promise is due."""
    what: str | None = None
    """What was promised, masked."""


class AgentState(Record, tag="agent", frozen=True):
    """A human agent's state from ``time`` on."""

    id: str
    source: str
    agent: str
    state: str
    time: int
    line: str = LIVE
    queues: tuple[str, ...] = ()
    capacity: dict[str, tuple[int, int]] = {}
    """Channel → contacts that the agent can still take, and of how many."""
    agent_group: str | None = None
    """The group that the agent belongs to; None = the event did not say."""


class Left(Record, tag="left", frozen=True):
    """A contact belongs to another owner from now on: what it contributed to ``owner`` is taken back."""

    owner: str
    contact: str
    channel: str
    to: str
    """Empty: nobody, it is of somebody who is erased."""
    time: int
    line: str = LIVE
    since: int = 0
    """What its events before this time (ms) contributed stays; 0 = nothing does."""


class Fact(Record, tag="fact", frozen=True):
    """One thing that happened and counts in a KPI; ``sign`` −1 takes an identical earlier fact back."""

    fact: str
    """leg_opened, leg_closed, contact_offered, contact_unasked, contact_by_machine, contact_reopened, contact_handled,
    callback_requested, turned_away, first_response, next_response, feedback, sentiment; journey_solved: for the first
    time, journey_resolved: for the last time so far; nps_superseded: the customer answered again later; judged: it is
    over, and counts for a product or topic; agent_time: how an agent's time was spent until then; journey_opened,
    journey_left: a journey was open in this place since then, or (since ``entered``) until then; quality: it is over,
    and was scored"""
    id: str
    """Stable name of what is counted: the leg, contact or message."""
    time: int
    channel: str
    queue: str
    tier: str
    line: str = LIVE
    sign: int = 1
    outcome: str | None = None
    variant: str | None = None
    entered: int | None = None
    value: int | None = None
    """Of contact_handled: how often it was transferred, of journey_resolved: reopened; None = never. Of agent_time: ms
    idle, beside those on contacts in ``talk_ms`` and ``wrap_ms``; of the backlog: when the journey began, ms."""
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    about: str | None = None
    """Of judged: the name of the product or topic (``variant``); ``value`` 1 = it turned out badly."""
    event: str | None = None
    """Of judged: the event that shows it."""
    owner: str | None = None
    """Of judged: whose contact it is."""
    contacts: int = 0
    """Of journey_resolved: how many it has."""
    transfers: int = 0
    """Of journey_resolved: of all of them."""
    business: int | None = None
    """Of quality, as the next: thousandths of the score; None = it cannot be told."""
    human: int | None = None
    hidden: int | None = None
    service_type: str | None = None
    agent_group: str | None = None
    """Of the contact, where KPIs are by them; of agent_time: the group that the agent belongs to."""


class Facts(Record, tag="facts", frozen=True):
    """Facts of one key that a batch told, in one record: a busy queue has as many records as a quiet one then."""

    of: tuple[Fact, ...]
    group: str = ""
    """The dimensions that they count by, ``channel+tier``; empty: by channel, queue and tier."""


class Unnamed(Record, tag="unnamed", frozen=True):
    """An owner is erased: contacts of that owner that were over by a time are named nowhere any more."""

    owner: str
    time: int
    line: str = LIVE
    every: bool = False
    """On every line."""
    contacts: tuple[tuple[str, str], ...] = ()
    """(line, "<channel>|<contact>") of those that the owner has now; they go whatever their time."""


JUDGED = "judged"


def facts_together(encoded: Sequence[bytes], group: str = "") -> bytes:
    """The record of facts, each as JSON."""
    if group:
        return b'{"kind":"facts","of":[' + b",".join(encoded) + b'],"group":"' + group.encode() + b'"}'
    return encoded[0] if len(encoded) == 1 else b'{"kind":"facts","of":[' + b",".join(encoded) + b"]}"


def fact_key(fact: Fact) -> str:
    """The key of a fact on ``contact.measurements``."""
    return f"{fact.variant}|{fact.about}" if fact.fact == JUDGED else f"{fact.channel}|{fact.queue}"


class Grouped(Record, tag="grouped", frozen=True):
    """A contact of an owner is over; it goes to others with its group from now on."""

    owner: str
    contact: str
    channel: str
    group: str
    line: str = LIVE


class Moved(Record, tag="moved", frozen=True):
    """An owner hands a group over to another one, with all that its contacts contributed."""

    owner: str
    group: str
    to: str
    line: str = LIVE


class Handed(Record, tag="handed", frozen=True):
    """What an owner gets of a group."""

    owner: str
    group: str
    before: str
    """Who had it."""
    line: str = LIVE
    contacts: dict[str, msgspec.Raw] = {}
    """Contacts at rest, by "<channel>|<contact>"."""
    pieces: dict[str, msgspec.Raw] = {}
    """What they count for, by capability."""


class Erase(Record, tag="erase", frozen=True):
    """All that is known of an owner until a time goes (`streams.customers.erasing`)."""

    owner: str
    time: int
    line: str = LIVE
    every: bool = False
    """On every line."""
    id: str = ""
    """Of the event that asked for it, of which a proof is published."""
    source: str = ""


class Unforwarded(Record, tag="unforwarded", frozen=True):
    """Words about a group that went to somebody else are sent on no more."""

    owner: str
    group: str
    line: str = LIVE


class Ruled(Record, tag="ruled", frozen=True):
    """Alerts are raised by these rules from here on: the place of the log at which every task goes over to them."""

    id: str
    source: str
    number: int
    """Greater than that of what was applied before."""
    version: str
    """Digest of what the rules say."""
    time: int
    """When they were applied, ms."""
    by: str
    reason: str
    rules: dict[str, Any]
    """What alerts.yaml holds."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far one line has come at one origin."""

    watermark: int
    ended: bool = False
    """A replay that is complete: its last windows can be closed."""
    forgotten: bool = False
    """A replay for which nothing has come for so long that all is to be dropped that is kept of it."""


class Progress(Record, tag="progress", frozen=True):
    """How far an upstream task has come: every event of it at or before a line's watermark lies before this record."""

    origin: str
    """Name of the upstream task, ``<agent>-<partition>``."""
    of: int
    """How many origins there are; stream time is the smallest watermark of all of them."""
    lines: dict[str, Line]


Normalised = Event | Profile | CustomerEvent | Erase | AgentState | Ruled | Progress
Interaction = Event | Profile | CustomerEvent | Left | Grouped | Moved | Handed | Erase | Unforwarded | Ruled | Progress
Measurement = Fact | Facts | AgentState | Unnamed | Ruled | Progress
