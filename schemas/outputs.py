"""What the system publishes: one model per output topic. Times are RFC 3339 in UTC with milliseconds.

Every field is always there (``null`` where there is nothing to say); new fields may come, so readers must ignore what
they do not know. ``line`` is ``""`` for what came from live events, else the id of the replay it came from: whoever
reaches people (pagers, webhooks) acts on ``""`` only.
"""

from typing import Literal

from pydantic import Field

from schemas.alerts import Alert, AlertEvent
from schemas.dead_letter import DeadLetter
from schemas.fields import (
    Integer,
    Line,
    Model,
    Number,
    Revision,
    String,
    UtcTime,
    Whole,
)
from schemas.journeys import Journey, JourneyEvent
from schemas.segments import Segment

__all__ = [
    "Alert", "AlertEvent", "DeadLetter", "ErasureProof", "IdentityChange", "Journey", "JourneyEvent", "QueueState",
    "Readings", "Segment",
]  # fmt: skip


class Dimensions(Model):
    """What a reading is about; all = summed over the dimension."""

    channel: String
    """A channel."""
    queue: String
    """A queue; none for contacts that named none; other, or other-<n>, for those beyond the limit of names."""
    tier: String
    """A tier; none where unknown; other for those beyond the limit of names."""
    service_type: String | None = None
    """Of records by it: the type of services.yaml that the contact's intents speak for, none for no one."""
    agent_group: String | None = None
    """Of records by it: the team of the agent, none where unknown."""


class Window(Model):
    start: UtcTime
    """First moment inside."""
    end: UtcTime
    """First moment after."""
    length_ms: Whole
    """Length in milliseconds: of a rolling window, such as 5 minutes, or of the day, the week or the month, by the
    calendar of the queue's time zone: a day has 23 to 25 hours."""
    every_ms: Whole
    """How often a window of this length ends, in milliseconds; of one of the calendar, how often it is read until it is
    over."""


class Reading(Model):
    kpi: String
    """Name in the catalogue of KPIs."""
    variant: String
    """Which of its definitions."""
    grain: Literal["leg", "contact", "message", "journey", "customer", "agent"]
    """What it counts; leg = one stay in one queue."""
    value: Number | None
    """null when the denominator is 0: never 0, never NaN."""
    numerator: Integer | None
    """What the value is made of; null where it is no ratio: of percentiles."""
    denominator: Whole
    """How many were counted; 0 for a percentile while not all that were counted are in its histogram."""
    unit: String
    """count; ratio (0 … 1); ms; milli (thousandths of the scale); points (-100 … 100)."""
    status: Literal["provisional"] | None = None
    """provisional while what happens next may change it, such as another contact about the same need. The record of a
    day, week or month comes once more when that has passed. Absent: that of the record."""


class Readings(Model):
    """The KPIs of one channel, queue and tier in one window. A later revision replaces an earlier one. A window that
    reads like the one before it has no record, so a record stands until the next one of its dimensions and length."""

    dimensions: Dimensions
    """What it is about."""
    by: list[Literal["channel", "queue", "tier", "service_type", "agent_group"]] | None = None
    """Of records that count by one or two dimensions alone: which; they count what others count, too. Absent: by
    channel, queue and tier."""
    window: Window
    """When the outcomes happened."""
    watermark: UtcTime
    """Every event up to here is counted."""
    status: Literal["provisional", "final", "amended"]
    """provisional while the window is open; amended by late events after it was final. A reading with a status of its
    own goes by that."""
    revision: Revision
    """Grows with every record of these dimensions and this window."""
    lateness_ms: Whole | None = None
    """So far behind the watermark an event may be and still amend every window, in milliseconds; beyond that those of
    the calendar alone."""
    line: Line
    """Empty for live, else the replay."""
    readings: list[Reading]
    """One per KPI and variant that has something to say: a count that is left out is 0, the others have no value. Empty
    in the first window that holds nothing any more."""
    sums: dict[str, Integer]
    """What the details are made of that are told of days only, such as the parts of the handle time; they may be added
    over windows, queues and tiers."""
    histograms: dict[str, dict[str, Whole]]
    """Name → value in ms → how many. Percentiles are read from them, those of several windows, queues or tiers from
    their sums; each value stands for those within 1 % of it. One that lacks some of the counted is left out."""


Expected = Whole | Literal["unknown"]
"""A wait, ms; the word where nobody who had waited was answered lately."""


class QueueForecast(Model):
    """What a contact that enters the queue now and has to wait is to expect."""

    position_next: Revision
    """Its place."""
    expected_ms: Expected
    """Until it is answered, in milliseconds; "unknown" where the last quarter of an hour does not say."""


class WaitingLeg(Model):
    """One of those in front of the queue."""

    entered: UtcTime
    """When it entered: the time of its contact.queued."""
    place: Revision
    """In order of entering, from 1."""
    expected_ms: Expected
    """From `at` until it is answered, in milliseconds; "unknown" where the last quarter of an hour does not say."""


class QueueState(Model):
    """Who waits in one queue now."""

    channel: String
    """The channel."""
    queue: String
    """The queue."""
    at: UtcTime
    """Stream time of this state."""
    depth: Whole
    """Legs waiting."""
    longest_wait_ms: Whole
    """Wait of the oldest leg at that time, in milliseconds; 0 when nobody waits."""
    oldest_entered: UtcTime | None
    """When the oldest leg entered; null when nobody waits."""
    line: Line
    """Empty for live, else the replay."""
    by_tier: dict[str, Whole]
    """Tier → legs waiting; beyond 50 tiers those with fewest as "other"."""
    forecast: QueueForecast
    """Who enters now, from what the queue did in its last quarter of an hour."""
    waiting: list[WaitingLeg]
    """The first 50 in order of their places; `depth` says how many there are."""


class SignalExample(Model):
    """A negative contact, and the event that shows it."""

    contact_id: String
    """The contact."""
    channel: String
    """Its channel: a contact is named by both."""
    event_id: String
    """The latest event that shows that it turned out badly; else one that says what it is about."""


class DefectSignal(Model):
    """One episode: revision 1 fires, 2 resolves. A later signal of the same product or topic has another id."""

    signal_id: String
    """Stable name of the episode."""
    kind: Literal["product", "topic"]
    """What the name names."""
    name: String
    """The product or topic, in lower case; with kind the record's key."""
    status: Literal["firing", "resolved"]
    """firing until the share is back, or is the usual one."""
    share: Number
    """Of the contacts since the rise was looked for: how many were negative, 0 … 1."""
    share_before: Number
    """The same of the history."""
    contacts: Whole
    """Contacts since then, when it fired."""
    negative: Whole
    """Negative ones among them."""
    contacts_before: Whole
    """Contacts of the history."""
    negative_before: Whole
    """Negative ones among them."""
    e_value: Number
    """The evidence for a rise: how many times more likely it makes what was seen."""
    false_alarms_per_year: Number
    """Of a product whose share stays as it was: at most so many, on average."""
    since: UtcTime
    """From when on the contacts were held against the history."""
    fired_at: UtcTime
    """Stream time at which it was raised."""
    resolved_at: UtcTime | None
    """The end of the day that ended it; null while firing."""
    reason: Literal["recovered", "usual", "quiet"] | None
    """Why it is over. recovered = the share is back; usual = the new share has become the history; quiet = no more
    contacts."""
    examples: list[SignalExample]
    """The latest negative contacts when it fired, at most 5."""
    line: Line
    """Empty for live, else the replay."""
    revision: Revision
    """1 = firing, 2 = resolved."""


class Evidence(Model):
    """The event that proved it."""

    event_id: String
    """Its id."""
    source: String
    """Its source."""


class LinkStep(Model):
    """One link on the way from an identifier to a customer."""

    identifier: String
    """To which identifier, <kind>:<value>; the last one is the customer."""
    event_id: String
    """The event that shows it."""
    source: String
    """Its source."""


class IdentityChange(Model):
    """A contact has another owner from now on; or it keeps its owner although something was said against it, and
    ``from`` and ``to`` are the same. Or, without contact, an identifier stands for somebody else."""

    contact_id: String
    """The contact; empty where the record is about the identifier alone, as is the channel."""
    channel: String
    """Its channel: a contact is named by both."""
    identifier: String
    """What decided, <kind>:<value>; also the record's key."""
    from_: String = Field(alias="from")
    """The owner before: of the contact, else whom the identifier stood for."""
    to: String
    """The owner from now on; nobody = the identifier is shared."""
    rule: String
    """The rule that decided: customer-id; linked = its identifiers are linked with others; strongest-identifier; shared
    = its identifiers are of several, and it belongs to itself. Of those that refuse, from and to are the same:
    other-source = another source says another customer id, or another identifier of the owner's kind;
    crowded-identifier = the identifier has more contacts in a day than a person, and names nobody; too-late = a survey
    or wrap-up of a contact that was over names somebody; too-many-changes = the contact went to and fro. link, cut = a
    person's word on the identifier was heard."""
    evidence: Evidence
    """The event that proved it."""
    path: list[LinkStep]
    """The links from the identifier to the customer, at most 3; empty for rules other than linked."""
    reason: String | None
    """shared: why it stands for nobody, in words; link, cut: who said so and why, and what follows; else null."""
    at: UtcTime
    """Event time of the evidence."""
    since: UtcTime | None
    """The contact's events from here on went with it: the earlier ones had been over for long. null = all of them."""
    line: Line
    """Empty for live, else the replay."""


class ErasureProof(Model):
    """Somebody was erased. Nothing in it names a person: who holds the erasure key can tell whose it is."""

    subject: String
    """HMAC-SHA-256 of "customer:<id>" by the erasure key, the first 32 hexadecimal digits; also the record's key."""
    request: String
    """The same of the event that asked for it: of its source, a unit separator, and its id."""
    until: UtcTime
    """The event's time: what was known until then is gone, and what still comes of that time is left out."""
    erased_at: UtcTime
    """When state and compacted records were removed."""
    nothing_left_after: UtcTime
    """When the last record on a topic with retention is deleted, and what was removed is compacted away."""
    line: Line
    """Empty: it holds for all lines; else the replay that it came by, and for that alone."""
