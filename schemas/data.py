"""What each contact event says: one model of ``data`` per event type; the others are in ``other_data``.

Every contact event also carries the fields of ``ContactData``. A field with ``None`` may be left out or null.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from schemas.fields import (
    MAX_IDENTIFIER,
    MAX_IDENTIFIERS,
    NO_CONTROL,
    Bool,
    Duration,
    Id,
    Integer,
    Label,
    Model,
    Name,
    Number,
    Sentiment,
    Subject,
    Text,
    Time,
    Total,
    Words,
)

Channel = Literal[
    "voice", "email", "chat", "messaging", "social", "self-service", "bot", "forum", "in-person", "ticket", "task"
]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
IdentifierKind = Literal["customer", "email", "phone", "social", "device", "account", "cookie"]
Direction = Literal["inbound", "outbound"]
Author = Literal["customer", "agent", "bot", "system"]
Party = Literal["customer", "agent", "system", "bot", "unknown"]
"""Whose act it was; unknown where the provider does not say."""
QueueReason = Literal["timeout", "key", "no-agents", "full", "closed", "withdrawn", "moved", "other"]
"""Why a queue let a contact go, or did not let it in."""
Scale = Literal["1-5", "0-10", "1-7", "good-bad"]
SCALES: Mapping[str, tuple[int, int]] = {"1-5": (1, 5), "0-10": (0, 10), "1-7": (1, 7), "good-bad": (0, 1)}
"""Lowest and highest answer of each scale that an answer may name."""
Score = Annotated[Number, Field(ge=0, le=100)]
"""Wide enough for every scale; the scale it is on is checked where the event arrives, not by the contract."""


class Identifier(Model):
    """One thing that is known of the person at the other end."""

    kind: IdentifierKind
    """What sort of identifier it is."""
    value: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_IDENTIFIER, pattern=NO_CONTROL)]
    """As the channel gave it; phones and e-mail addresses are normalised by us."""


Identifiers = Annotated[list[Identifier], Field(max_length=MAX_IDENTIFIERS, fail_fast=True)]


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
    agent_group: Name | None = None
    """The team that the agent is of, where known."""
    case_id: Id | None = None
    """The case in the ticket system that the contact is about, where known."""
    topic: Subject | None = None
    """What the contact is about, in a word that all contacts about it share: card lost, order 4711."""
    intent: Subject | None = None
    """What the customer wants, as the connector understood it: block_card."""
    product: Subject | None = None
    """The product the contact is about, where known: one of a list, no free text."""


class ContactInitiatedData(ContactData):
    direction: Direction = "inbound"
    """Who reached out to whom."""
    opened_by: Literal["customer", "agent", "campaign", "bot"] = "customer"
    """Who opened the contact."""
    entry_point: Label | None = None
    """Number dialled, page, shop, …"""
    language: Label | None = None
    """BCP 47, for example de-CH."""
    continues: Id | None = None
    """The earlier contact, of this channel, that this one goes on with."""


class ContactReopenedData(ContactData):
    """An ended contact goes on under its id."""

    by: Party = "unknown"
    """Who opened it again."""
    reason: Words | None = None
    """Why, in the connector's words."""


class ContactQueuedData(ContactData):
    queue: Name
    """The queue entered; every stay in a queue is a leg of its own."""
    skill: Label | None = None
    """The skill asked for."""
    priority: Integer | None = None
    """Greater is more urgent."""


class ContactLeftQueueData(ContactData):
    queue: Name
    """The queue it leaves without an answer; the contact goes on."""
    reason: QueueReason = "other"
    """Why it left."""
    key: Label | None = None
    """What the customer pressed, with reason key."""


class ContactTurnedAwayData(ContactData):
    queue: Name
    """The queue it asked for and was not let into."""
    reason: QueueReason = "other"
    """Why not."""


class ContactAssignedData(ContactData):
    """Who is to deal with it from now on: agent_id, and queue for a team. One that is null or left out: nobody. It is
    no answer and ends no wait."""


class ContactOfferedData(ContactData):
    agent_id: Id
    """The agent whose phone rings or whose screen shows the contact."""


class ContactMissedData(ContactData):
    agent_id: Id
    """The agent who did not take the contact."""
    cause: Literal["rejected", "timeout", "cancelled", "rescinded", "unavailable", "other"] | None = None
    """Why, in the contract's words. cancelled = the offer was taken back, or the customer left; rescinded = somebody
    else took it; unavailable = it never reached the agent."""
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
    to_external: Label | None = None
    """The number or name outside that it goes to."""
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
    talk_ms: Total | None = None
    """Talk with humans over the whole contact in ms, where only the sum is known."""
    hold_ms: Total | None = None
    """Hold over the whole contact in ms, where only the sum is known."""


class ContactEndedData(ContactData):
    by: Party
    """Who ended it."""
    reason: Literal[
        "completed", "abandoned", "self-served", "callback", "voicemail", "transferred", "timeout", "error"
    ] = "completed"
    """How it ended."""
    talk_ms: Total | None = None
    """Talk with humans over the whole contact in ms, where only the sum is known."""
    hold_ms: Total | None = None
    """Hold over the whole contact in ms, where only the sum is known."""


class MessageSentData(ContactData):
    direction: Direction
    """inbound = from the customer's side."""
    author: Author
    """Who wrote it."""
    message_id: Id | None = None
    """What message.changed calls this message by."""
    text: Text | None = None
    """What was written; personal data in it is masked by us."""
    sentiment: Sentiment | None = None
    """-1 … 1 where the channel scored it; absent = we score the text."""
    language: Label | None = None
    """BCP 47."""


class MessageChangedData(ContactData):
    message_id: Id
    """The message.sent, post.made or post.answered it is about."""
    change: Literal["delivered", "read", "failed", "edited", "deleted"]
    """What became of it."""
    text: Text | None = None
    """What it says now, with change edited; masked like that of the message."""
    reason: Words | None = None
    """Why, in the connector's words."""


class FeedbackGivenData(ContactData):
    metric: Literal["csat", "nps", "ces"]
    """Which survey."""
    score: Score
    """The answer, on the scale that is given. good-bad: 1 = good, 0 = bad."""
    scale: Scale | None = None
    """The scale of the answer; absent = CSAT 1 to 5 and CES 1 to 7 unless configured otherwise, NPS 0 to 10."""
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
    message_id: Id | None = None
    """What message.changed calls this post by."""
    text: Text | None = None
    """What was posted."""
    sentiment: Sentiment | None = None
    """-1 … 1 where the channel scored it."""


class PostAnsweredData(ContactData):
    thread: Name | None = None
    """The thread answered in."""
    author: Author = "agent"
    """Who answered."""
    message_id: Id | None = None
    """What message.changed calls this post by."""
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
