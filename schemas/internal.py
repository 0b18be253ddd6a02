"""The records between our own agents, described for whoever looks into the internal topics. Not a public contract.

Every record is a JSON object with a field ``kind``; a field at its default is left out. Times are milliseconds since
the epoch (UTC), durations milliseconds.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.data import Channel
from schemas.fields import Bool, Integer, Line, Model, String, Whole

Pair = Annotated[list[String], Field(min_length=2, max_length=2)]
Slots = Annotated[list[Whole], Field(min_length=2, max_length=2)]


class EventRecord(Model):
    """One validated, normalised, masked contact event; with owner on contact.interactions."""

    kind: Literal["event"]
    id: String
    source: String
    type: String
    time: Integer
    contact: String
    channel: Channel
    line: Line = ""
    owner: String = ""
    queue: String | None = None
    customer: String | None = None
    tier: String | None = None
    agent: String | None = None
    identifiers: list[Pair] = Field(default=[])
    """Kind and normalised value."""
    data: dict[str, Any] = Field(default={})
    """What the type adds, by the contract's field names; times in milliseconds."""
    group: String = ""
    """Of a word about a contact that is over: the group it may have gone to another owner with."""
    case: String | None = None
    topic: String | None = None
    intent: String | None = None
    product: String | None = None
    agent_group: String | None = None


class ProfileRecord(Model):
    """What is known of a customer; null = the event did not say."""

    kind: Literal["profile"]
    id: String
    source: String
    customer: String
    time: Integer
    line: Line = ""
    tier: String | Literal[""] | None = None
    """Empty: the one that was given is withdrawn."""
    value_cents: Whole | None = None
    language: String | None = None
    preferences: dict[str, Any] | None = None
    consent: dict[str, Bool] | None = None
    identifiers: list[Pair] | None = None
    """Kind and normalised value; only on contact.normalised."""
    time_zone: String | None = None
    country: String | None = None
    spend_cents: Whole | None = None
    contract_cents: Whole | None = None
    contract_until: Integer | None = None
    customer_since: Integer | None = None
    name: String | None = None


class CustomerEventRecord(Model):
    """What happened to a customer apart from contacts."""

    kind: Literal["customer_event"]
    id: String
    source: String
    type: String
    customer: String
    time: Integer
    about: String
    """The order or the promise."""
    line: Line = ""
    due: Integer | None = None
    """When a promise is due."""
    what: String | None = None
    """What was promised, masked."""


class AgentRecord(Model):
    """A human agent's state from its time on."""

    kind: Literal["agent"]
    id: String
    source: String
    agent: String
    state: String
    time: Integer
    line: Line = ""
    queues: list[String] = Field(default=[])
    capacity: dict[String, Slots] = Field(default={})
    """Channel → free, and of how many."""
    agent_group: String | None = None
    """The group that the agent belongs to."""


class EraseRecord(Model):
    """All that is known of an owner, until a time, goes."""

    kind: Literal["erase"]
    owner: String
    time: Integer
    line: Line = ""
    every: Bool = False
    """On every line."""
    id: String = ""
    """Of the event that asked for it."""
    source: String = ""


class UnforwardedRecord(Model):
    """Words about a group of contacts that went to somebody else are sent on no more."""

    kind: Literal["unforwarded"]
    owner: String
    group: String
    line: Line = ""


class LeftRecord(Model):
    """A contact belongs to another owner from now on."""

    kind: Literal["left"]
    owner: String
    contact: String
    channel: Channel
    to: String | Literal[""]
    """Empty: nobody, it is of somebody who is erased."""
    time: Integer
    line: Line = ""
    since: Integer = 0
    """What its events before this time contributed stays with the owner before."""


class GroupedRecord(Model):
    """A contact of an owner is over; it goes to others with its group from now on."""

    kind: Literal["grouped"]
    owner: String
    contact: String
    channel: Channel
    group: String
    line: Line = ""


class MovedRecord(Model):
    """An owner hands a group of contacts over to another one."""

    kind: Literal["moved"]
    owner: String
    group: String
    to: String
    line: Line = ""


class HandedRecord(Model):
    """What an owner gets of a group that another one had."""

    kind: Literal["handed"]
    owner: String
    group: String
    before: String
    line: Line = ""
    contacts: dict[str, dict[str, Any]] = Field(default={})
    """Contacts at rest, by <channel>|<contact>, as our state has them."""
    pieces: dict[str, Any] = Field(default={})
    """What they count for, by capability, as our state has it."""


class FactRecord(Model):
    """One thing that happened and counts in a KPI; sign -1 takes an identical earlier fact back."""

    kind: Literal["fact"]
    fact: Literal[
        "leg_opened",
        "leg_closed",
        "contact_offered",
        "contact_unasked",
        "contact_by_machine",
        "contact_reopened",
        "contact_handled",
        "callback_requested",
        "turned_away",
        "first_response",
        "next_response",
        "feedback",
        "sentiment",
        "journey_solved",
        "journey_resolved",
        "nps_superseded",
        "judged",
        "agent_time",
        "journey_opened",
        "journey_left",
        "quality",
    ]
    id: String
    """The leg, contact or message counted."""
    time: Integer
    channel: Channel | Literal["all"]
    """all: of agents."""
    queue: String
    tier: String
    line: Line = ""
    sign: Literal[1, -1] = 1
    outcome: String | None = None
    variant: String | None = None
    entered: Integer | None = None
    value: Integer | None = None
    talk_ms: Whole = 0
    hold_ms: Whole = 0
    wrap_ms: Whole = 0
    about: String | None = None
    """Of judged: the product or topic (variant) for which the contact counts; value 1 = it turned out badly."""
    event: String | None = None
    """Of judged: the event that shows it."""
    owner: String | None = None
    """Of judged: whose contact it is."""
    contacts: Whole = 0
    """Of journey_resolved: how many it has."""
    transfers: Whole = 0
    """Of journey_resolved: of all of them."""
    business: Integer | None = None
    """Of quality, as the next: thousandths of the score; null = it cannot be told."""
    human: Integer | None = None
    hidden: Integer | None = None
    service_type: String | None = None
    agent_group: String | None = None
    """Of the contact, where KPIs are by them; of agent_time: the group that the agent belongs to."""


class FactsRecord(Model):
    """Facts of one key that a batch told; one that is alone is a record of its own."""

    kind: Literal["facts"]
    of: list[FactRecord]
    group: String | Literal[""] = ""
    """The dimensions that they count by, channel+tier; empty = by channel, queue and tier."""


class UnnamedRecord(Model):
    """An owner is erased: contacts of that owner that were over by a time are named nowhere any more."""

    kind: Literal["unnamed"]
    owner: String
    time: Integer
    line: Line = ""
    every: Bool = False
    """On every line."""
    contacts: list[tuple[Line, String]] = Field(default=[])
    """Line and <channel>|<contact> of those that the owner has now; they go whatever their time."""


Reference = tuple[Integer, String | Literal[""], String | Literal[""]]
"""Time, id and source of an event that is evidence."""


class LinkingRecord(Model):
    node: String
    """The identifier that is told, <kind>:<value>."""
    line: Line


class WordRecord(LinkingRecord):
    """A person says that two identifiers are linked, or are not."""

    kind: Literal["word"]
    other: String
    ref: Reference
    on: Bool
    by: String | None = None
    reason: String | None = None


class LineProgress(Model):
    """How far one line has come at one origin."""

    watermark: Integer
    ended: Bool = False
    forgotten: Bool = False
    """Nothing has come for it for long: what is kept of it is dropped."""


class ProgressRecord(Model):
    """How far an upstream task has come."""

    kind: Literal["progress"]
    origin: String
    """Name of the upstream task, <agent>-<partition>."""
    of: Whole
    """How many origins there are."""
    lines: dict[str, LineProgress]


class RuledRecord(Model):
    """Alerts are raised by these rules from here on."""

    kind: Literal["ruled"]
    id: String
    source: String
    number: Whole
    """One more than that of what was applied before."""
    version: String
    time: Integer
    by: String
    reason: String
    rules: dict[str, Any]
    """What alerts.yaml holds."""


NormalisedRecord = (
    EventRecord
    | ProfileRecord
    | CustomerEventRecord
    | EraseRecord
    | AgentRecord
    | WordRecord
    | RuledRecord
    | ProgressRecord
)
"""What contact.normalised carries."""
InteractionRecord = (
    EventRecord
    | ProfileRecord
    | CustomerEventRecord
    | LeftRecord
    | GroupedRecord
    | MovedRecord
    | HandedRecord
    | EraseRecord
    | UnforwardedRecord
    | RuledRecord
    | ProgressRecord
)
"""What contact.interactions carries."""
MeasurementRecord = FactRecord | FactsRecord | AgentRecord | UnnamedRecord | RuledRecord | ProgressRecord
"""What contact.measurements carries."""
