"""What is published of journeys: a journey as it stands, and each step that it went through. See ``outputs``."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.fields import Bool, Line, Model, Number, Revision, Sentiment, String, UtcTime, Whole

MAX_JOURNEY_CONTACTS = 20


class SentimentTrend(Model):
    """How the customer's feeling goes: by the latest 12 scored messages and survey answers, in the order of their
    times."""

    slope: Number
    """Score (-1 … 1) gained from one to the next, by least squares."""
    negative_streak: Whole
    """So many in a row at the end are negative (-0.2 or below); 12 = or more."""
    negative_since: UtcTime | None
    """Time of the first of these."""
    turned: UtcTime | None
    """Turning point: from this one on the mean differs most from the mean before; at least two on either side, else
    null."""
    turn: Number | None
    """By so much: mean from there on less mean before."""


class JourneyContact(Model):
    contact_id: String
    """The conversation."""
    channel: String
    """Its channel."""
    queue: String
    """Queue of its last leg, else the first it named, else none."""
    started: UtcTime
    """Time of its first event."""
    ended: UtcTime | None
    """null while it is open."""
    outcome: Literal["open", "answered", "abandoned", "contained", "left", "flow_out"]
    """How it came out."""
    wait_ms: Whole
    """Waited in queues before the outcome, in milliseconds."""
    talk_ms: Whole
    """Talked to humans, in milliseconds."""
    sentiment: Sentiment | None
    """Mean of the customer's messages, -1 … 1; null where none was scored."""
    sentiment_trend: SentimentTrend | None
    """Where it goes, survey answers included; null where there are fewer than two."""
    messages: Whole
    """Messages in both directions."""
    transfers: Whole
    """Transfers between queues or agents."""
    level: Literal["self-service", "assisted", "fully-assisted"]
    """How much a human did: nothing; in writing; in person or by voice. Where nobody answered, what was asked for."""
    high_contact: Bool
    """Customer and human meet at the same time, or should have: voice, chat, in person."""
    direction: Literal["inbound", "outbound"]
    """Who began it; outbound = our side."""
    author: String
    """Who dealt with it for us: agent, bot, menu or none; of several the one who can do most."""
    hold_ms: Whole
    """On hold, in milliseconds."""
    wrap_ms: Whole
    """After-contact work, in milliseconds."""
    handle_ms: Whole
    """Talk, hold and after-contact work of humans, in milliseconds; what a bot took is none of it."""
    cases: list[String]
    """Cases that it names, at most 4."""
    topic: String | None
    """What it is about."""
    intent: String | None
    """What the customer wants."""
    stitched_by: String | None
    """Why it is in this journey: case, topic, intent, session, need, folded; null for the first contact."""
    stitched_to: String | None
    """The contact of the journey by which it is; null for the first one, and where that one is counted in a sum."""


class JourneyEffort(Model):
    """What it took the customer."""

    contacts: Whole
    """Contacts."""
    transfers: Whole
    """Transfers."""
    repeats: Whole
    """Contacts that began after an earlier one was over, within 7 days or what the rules say."""
    minutes: Number
    """Minutes waited, talked and held."""


class OtherJourney(Model):
    """Another journey of the customer that may still go on."""

    journey_id: String
    """Its name."""
    state: String
    """How it stands."""
    updated: UtcTime
    """Time of its latest event."""


class JourneyCounts(Model):
    """Over the whole journey, contacts that left the list included."""

    contacts: Whole
    """Contacts begun."""
    answered: Whole
    """Contacts answered by a human."""
    abandoned: Whole
    """Contacts abandoned."""
    messages: Whole
    """Messages in both directions."""
    transfers: Whole
    """Transfers."""


class Journey(Model):
    """All contacts of one customer about one need; of a customer's journeys the one heard of last names the others that
    may still go on."""

    journey_id: String
    """Name of the journey, also the record's key: owner, start of its first contact, and the line of a replay."""
    customer: String
    """The owner: customer:<id>, anonymous:<kind>:<value> or contact:<channel>:<id>."""
    started: UtcTime
    """Time of the first event."""
    updated: UtcTime
    """Time of the latest event."""
    status: Literal["open", "closed"]
    """open while a contact of it may still go on."""
    line: Line
    """Empty for live, else the replay."""
    tier: String
    """The customer's tier; none where unknown."""
    revision: Revision
    """Grows with every record of this journey."""
    contacts: Annotated[list[JourneyContact], Field(max_length=MAX_JOURNEY_CONTACTS)]
    """The latest contacts, at most 20, oldest first; of a journey of more, ``counts.contacts`` says how many there
    are."""
    counts: JourneyCounts
    """Sums over the journey."""
    channels: list[String]
    """Channels used, in order of first use; new ones may come."""
    wait_ms: Whole
    """Waited in queues over all contacts, in milliseconds."""
    sentiment: Sentiment | None
    """Mean of the customer's messages; null where none was scored."""
    sentiment_trend: SentimentTrend | None
    """Where it goes over all contacts that are listed."""
    state: Literal["open", "waiting_for_customer", "waiting_for_us", "solved", "reopened", "abandoned"]
    """How it stands, by what was heard last; reopened = it was solved, and is not."""
    waiting_for: Literal["us", "customer"] | None
    """Who is to do something next; null where nobody waits."""
    topic: String | None
    """What it is about, as its latest contact with a topic says."""
    intent: String | None
    """What the customer wants, as the latest contact with an intent says."""
    cases: list[String]
    """Cases that its contacts name, at most 20."""
    first_solved: UtcTime | None
    """When it was first solved."""
    last_solved: UtcTime | None
    """When it was last solved."""
    reopens: Whole
    """Times that it was taken up again after it had been solved."""
    switches: Whole
    """Contacts on another channel than the one before."""
    repeats: Whole
    """Contacts that began after an earlier one was over, within 7 days or what the rules say."""
    dead_ends: Whole
    """Contacts with a search that found nothing, after which a human was asked for."""
    escalations: Whole
    """Times that a bot took over from a menu, or a human from either."""
    path: list[Literal["self-service", "bot", "human"]]
    """By whom the customer was served, in the order in which they first did."""
    talk_ms: Whole
    """Talked to humans over all contacts, in milliseconds."""
    handle_ms: Whole
    """Talk, hold and after-contact work of humans over all contacts, in milliseconds."""
    effort: JourneyEffort
    """What it took the customer."""
    first_contact_resolution: Bool | None
    """Solved, and never repeated nor reopened; null while that may change, and where it was never solved."""
    contained: Bool | None
    """Solved without a human; null where it began with a human, and while it is neither solved nor closed."""
    others: list[OtherJourney]
    """Of the customer's current journey: the others that may still go on, at most 20; empty in other records."""


class JourneyEvent(Model):
    """Something that a journey went through. A later revision replaces an earlier one."""

    event_id: String
    """Stable name of the step."""
    journey_id: String | None
    """The journey; null where the step does not hold."""
    customer: String
    """The owner; also the record's key."""
    step: String
    """opened, joined (another contact), switched (to another channel), waiting_for_us, waiting_for_customer, solved,
    reopened, abandoned, closed; new ones may come."""
    at: UtcTime
    """Event time."""
    contact_id: String | None
    """The contact that made it; null where the step does not hold."""
    channel: String | None
    """Its channel."""
    from_channel: String | None
    """Of switched: the channel before."""
    stitched_by: String | None
    """Of joined: case, topic, intent, session, need, folded."""
    stitched_to: String | None
    """Of joined: the contact by which it did."""
    holds: Bool
    """false = a late event proved it wrong, or its contact went to another customer."""
    revision: Revision
    """Grows with every record of this step."""
    line: Line
    """Empty for live, else the replay."""
