"""What each event says: one model of ``data`` per event type.

Every contact event also carries the fields of ``ContactData``. A field with ``None`` may be left out or null.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WrapValidator

from schemas.fields import (
    MAX_IDENTIFIER,
    MAX_IDENTIFIERS,
    MAX_VALUES,
    NO_CONTROL,
    Bool,
    Duration,
    Id,
    Integer,
    Label,
    LineName,
    Model,
    Name,
    Names,
    Number,
    Object,
    Sentiment,
    Text,
    Time,
    Whole,
    Words,
    bounded,
    few,
    in_parts,
)

Channel = Literal["voice", "email", "chat", "messaging", "social", "self-service", "bot", "forum", "in-person"]
IdentifierKind = Literal["customer", "email", "phone", "social", "device", "account", "cookie"]
Direction = Literal["inbound", "outbound"]
Author = Literal["customer", "agent", "bot", "system"]
Score = Annotated[Number, Field(ge=0, le=100)]
"""Wide enough for every scale; the configured scale is checked by the rules, not by the contract."""


class Identifier(Model):
    """One thing that is known of the person at the other end."""

    kind: IdentifierKind
    """What sort of identifier it is."""
    value: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_IDENTIFIER, pattern=NO_CONTROL)]
    """As the channel gave it; phones and e-mail addresses are normalised by us."""


Identifiers = Annotated[list[Identifier], Field(max_length=MAX_IDENTIFIERS, fail_fast=True)]


Consent = Annotated[dict[str, Bool], Field(max_length=MAX_VALUES), BeforeValidator(few), AfterValidator(bounded)]


class ContactData(Model):
    """What every contact event carries."""

    contact_id: Id
    """The conversation this event belongs to; also the record's key."""
    channel: Channel
    """The channel the conversation is on; the same word as in the topic's name."""
    queue: Name | None = None
    """The queue the contact is for, where known."""
    customer_id: Id | None = None
    """The customer, where the channel knows it."""
    identifiers: Identifiers | None = None
    """What else is known of the person; at most 50."""
    tier: Name | None = None
    """The customer's tier, where the channel knows it."""
    agent_id: Id | None = None
    """The human agent concerned."""


class ContactInitiatedData(ContactData):
    direction: Direction = "inbound"
    """Who reached out to whom."""
    opened_by: Literal["customer", "agent", "campaign", "bot"] = "customer"
    """Who opened the contact."""
    entry_point: Label | None = None
    """Number dialled, page, shop, …"""
    language: Label | None = None
    """BCP 47, for example de-CH."""


class ContactQueuedData(ContactData):
    queue: Name
    """The queue entered; every stay in a queue is a leg of its own."""
    skill: Label | None = None
    """The skill asked for."""
    priority: Integer | None = None
    """Greater is more urgent."""


class ContactOfferedData(ContactData):
    agent_id: Id
    """The agent whose phone rings or whose screen shows the contact."""


class ContactMissedData(ContactData):
    agent_id: Id
    """The agent who did not take the contact."""
    reason: Words | None = None
    """Why, in the connector's words."""


class ContactConnectedData(ContactData):
    party: Literal["human", "bot", "self-service"] = "human"
    """Who the customer now talks to; only human ends a wait."""


class ContactHeldData(ContactData):
    """The customer is put on hold."""


class ContactResumedData(ContactData):
    """The hold is over."""


class ContactTransferredData(ContactData):
    to_queue: Name | None = None
    """The queue it goes to."""
    to_agent: Id | None = None
    """The agent it goes to."""
    kind: Literal["warm", "cold"] = "cold"
    """Warm: the agent stays until the other one answers."""


class ContactHandedOffData(ContactData):
    reason: Words | None = None
    """Why the bot gave up."""


class ContactCallbackRequestedData(ContactData):
    phone: Label | None = None
    """The number to call."""
    scheduled_for: Time | None = None
    """When to call; absent = as soon as possible."""


class ContactWrappedUpData(ContactData):
    duration_ms: Duration | None = None
    """After-contact work in ms, at most 7 days; absent = the time since the agent was free of the customer."""
    disposition: Words | None = None
    """The agent's verdict."""


class ContactEndedData(ContactData):
    by: Literal["customer", "agent", "system", "bot"]
    """Who ended it."""
    reason: Literal[
        "completed", "abandoned", "self-served", "callback", "voicemail", "transferred", "timeout", "error"
    ] = "completed"
    """How it ended."""


class MessageSentData(ContactData):
    direction: Direction
    """inbound = from the customer's side."""
    author: Author
    """Who wrote it."""
    text: Text | None = None
    """What was written; personal data in it is masked by us."""
    sentiment: Sentiment | None = None
    """-1 … 1 where the channel scored it; absent = we score the text."""
    language: Label | None = None
    """BCP 47."""


class FeedbackGivenData(ContactData):
    metric: Literal["csat", "nps", "ces"]
    """Which survey."""
    score: Score
    """The answer: CSAT 1 to 5, NPS 0 to 10, CES 1 to 7 unless configured otherwise."""
    comment: Text | None = None
    """What the customer added."""


class ArticleViewedData(ContactData):
    article_id: Id
    """The help article."""
    helpful: Bool | None = None
    """The reader's verdict."""


class SearchFailedData(ContactData):
    query: Text | None = None
    """What was searched and not found."""


class PostMadeData(ContactData):
    thread: Name | None = None
    """The thread posted in."""
    text: Text | None = None
    """What was posted."""
    sentiment: Sentiment | None = None
    """-1 … 1 where the channel scored it."""


class PostAnsweredData(ContactData):
    thread: Name | None = None
    """The thread answered in."""
    author: Author = "agent"
    """Who answered."""
    text: Text | None = None
    """The answer."""


class CaseOpenedData(ContactData):
    case_id: Id
    """The case in the ticket system."""
    subject: Text | None = None
    """What it is about."""


class CaseSolvedData(ContactData):
    case_id: Id
    """The case in the ticket system."""


class CaseReopenedData(ContactData):
    case_id: Id
    """The case in the ticket system."""


class VisitMadeData(ContactData):
    location: Label | None = None
    """The branch or shop."""


class CustomerProfileChangedData(Model):
    """What changed; a field that is left out stays as it was."""

    customer_id: Id
    """The customer; also the record's key."""
    tier: Name | None = None
    """The new tier."""
    value_cents: Whole | None = None
    """The customer's value in cents."""
    preferences: Object | None = None
    """Free-form, by name; at most 1,000 values, 8 deep, 65,536 characters."""
    consent: Consent | None = None
    """Purpose → given or not."""
    language: Label | None = None
    """BCP 47."""
    identifiers: Identifiers | None = None
    """Identifiers known to be this customer's."""


class AgentStateChangedData(Model):
    agent_id: Id
    """The agent; also the record's key."""
    state: Literal["available", "busy", "wrap-up", "break", "training", "offline"]
    """The state from now on."""
    reason: Words | None = None
    """Why, in the connector's words."""
    queues: Names | None = None
    """The queues the agent serves."""


class AlertCommandedData(Model):
    alert_id: Id
    """The alert; also the record's key."""
    action: Literal["acknowledge", "snooze", "close"]
    """What to do with it."""
    by: Label | None = None
    """Who asked."""
    until: Time | None = None
    """The end of a snooze."""


class ReplayCounts(Model):
    published: Whole | None = None
    """Events published so far."""
    left_out: Annotated[dict[str, Whole], WrapValidator(in_parts)] | None = None
    """Rows left out, by reason."""


class ReplayData(Model):
    """A marker on every partition of every topic a replay writes to; the envelope's time is the event time reached."""

    replay_id: LineName
    """The replay; the same as the envelope's replayid."""
    topics: Names
    """The topics it writes to."""
    counts: ReplayCounts | None = None
    """How far it has come."""


class ReplayStartedData(ReplayData):
    """The replay begins."""


class ReplayProgressedData(ReplayData):
    """Everything before the envelope's time has been published."""


class ReplayEndedData(ReplayData):
    """The replay is complete: its last windows can be closed."""
