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
    product: String | None = None
    topic: String | None = None


class ProfileRecord(Model):
    """What is known of a customer; null = the event did not say."""

    kind: Literal["profile"]
    id: String
    source: String
    customer: String
    time: Integer
    line: Line = ""
    tier: String | None = None
    value_cents: Whole | None = None
    language: String | None = None
    preferences: dict[str, Any] | None = None
    consent: dict[str, Bool] | None = None


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


class CommandRecord(Model):
    """What a person asked for one alert."""

    kind: Literal["command"]
    id: String
    source: String
    alert: String
    action: String
    time: Integer
    line: Line = ""
    by: String | None = None
    until: Integer | None = None


class LeftRecord(Model):
    """A contact belongs to another owner from now on."""

    kind: Literal["left"]
    owner: String
    contact: String
    channel: Channel
    to: String
    time: Integer
    line: Line = ""
    since: Integer = 0
    """What its events before this time contributed stays with the owner before."""


class FactRecord(Model):
    """One thing that happened and counts in a KPI; sign -1 takes an identical earlier fact back."""

    kind: Literal["fact"]
    fact: Literal[
        "leg_opened",
        "leg_closed",
        "contact_offered",
        "contact_unasked",
        "contact_reopened",
        "contact_handled",
        "turned_away",
        "first_response",
        "next_response",
        "feedback",
        "sentiment",
        "judged",
    ]
    id: String
    """The leg, contact or message counted."""
    time: Integer
    channel: Channel
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


Reference = tuple[Integer, String | Literal[""], String | Literal[""]]
"""Time, id and source of an event that is evidence."""
LabelFields = tuple[
    Annotated[Whole, Field(description="links to the closest customers")],
    Annotated[list[String], Field(description="those customers; several share the identifier")],
    Annotated[list[tuple[String, Reference]], Field(description="identifiers and evidence on the way there")],
    Annotated[str, Field(description="the strongest identifier of its anonymous customer")],
    Annotated[Whole, Field(description="links to that")],
    Annotated[str, Field(description="why it is shared; empty = it is not")],
]
"""Whom an identifier stands for."""


class LinkingRecord(Model):
    node: String
    """The identifier that is told, <kind>:<value>."""
    line: Line


class ShownRecord(LinkingRecord):
    """A contact shows that two identifiers are of one person, or does so no more."""

    kind: Literal["shown"]
    other: String
    """The stronger identifier."""
    ref: Reference
    on: Bool = True


class WordRecord(LinkingRecord):
    """A person says that two identifiers are linked, or are not."""

    kind: Literal["word"]
    other: String
    ref: Reference
    on: Bool
    by: String | None = None
    reason: String | None = None


class JoinedRecord(LinkingRecord):
    """A link to a weaker identifier holds now, or does no more."""

    kind: Literal["joined"]
    other: String
    ref: Reference
    on: Bool


class SaidRecord(LinkingRecord):
    """Whom a linked identifier stands for."""

    kind: Literal["said"]
    other: String
    label: LabelFields
    ref: Reference


class WatchedRecord(LinkingRecord):
    """A contact asks whom the identifier stands for, now and at each change; or no more."""

    kind: Literal["watched"]
    contact: String
    on: Bool = True


class ToldRecord(Model):
    """The answer, for the contact."""

    kind: Literal["told"]
    contact: String
    identifier: String
    label: LabelFields
    ref: Reference | None = None
    """What a change follows from; null = it is the answer to a question."""


class AgainRecord(Model):
    """An event that waited too long for an answer: it is placed by what is known."""

    kind: Literal["again"]
    event: EventRecord
    labels: dict[str, LabelFields]


class RoundRecord(Model):
    """A task says that nothing of a replay waits in it. A round in which all are quiet ends the replay."""

    kind: Literal["round"]
    origin: String
    """Name of the task, identify-<partition>."""
    of: Whole
    """How many tasks there are."""
    line: Line
    number: Whole
    quiet: Bool
    """It has handled nothing of the replay since the round before."""


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


NormalisedRecord = EventRecord | ProfileRecord | AgentRecord | CommandRecord | ProgressRecord
"""What contact.normalised carries."""
InteractionRecord = EventRecord | ProfileRecord | CommandRecord | LeftRecord | ProgressRecord
"""What contact.interactions carries."""
MeasurementRecord = FactRecord | AgentRecord | ProgressRecord
"""What contact.measurements carries."""
LinkRecord = (
    ShownRecord | WordRecord | JoinedRecord | SaidRecord | WatchedRecord | ToldRecord | AgainRecord | RoundRecord
)
"""What identity.links carries."""
