"""What the events say that are not about one contact: of customers, agents, alerts, replays."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WrapValidator

from schemas.data import Channel, Identifiers
from schemas.fields import (
    MAX_VALUES,
    AlertId,
    Bool,
    Country,
    Id,
    Label,
    LineName,
    Model,
    Name,
    Names,
    NodeName,
    Object,
    Time,
    TimeZone,
    Whole,
    Words,
    bounded,
    few,
    in_parts,
    named,
    within,
)

RULES_VERSION = "^[0-9a-f]{12}$"

Consent = Annotated[
    dict[str, Bool],
    Field(max_length=MAX_VALUES),
    BeforeValidator(few),
    AfterValidator(bounded),
    AfterValidator(named),
]


class CustomerProfileChangedData(Model):
    """What changed; a field that is left out stays as it was."""

    customer_id: Id
    """The customer; also the record's key."""
    tier: Name | None = None
    """The new tier; it holds whatever the value says, until it is withdrawn."""
    tier_withdrawn: Bool | None = None
    """true: no tier is given any more; it follows from the value, if the rules say so."""
    value_cents: Whole | None = None
    """The customer's value in cents."""
    spend_cents: Whole | None = None
    """What the customer has spent of late, in cents: as a rule in twelve months."""
    contract_cents: Whole | None = None
    """What the customer's contracts bring, in cents: as a rule in a year."""
    contract_until: Time | None = None
    """When the contracts end; absent = not known, they go on."""
    customer_since: Time | None = None
    """Since when the customer is one."""
    name: Words | None = None
    """How the customer is addressed; at most 1,000 characters, of which 100 are told to who serves the customer."""
    preferences: Object | None = None
    """Free-form, by name; at most 1,000 values, 8 deep, 65,536 characters."""
    consent: Consent | None = None
    """Purpose → given or not."""
    language: Label | None = None
    """BCP 47."""
    time_zone: TimeZone | None = None
    """Where the customer is, as the tz database names it: Europe/Rome."""
    country: Country | None = None
    """ISO 3166-1 alpha-2, where the time zone is not known."""
    identifiers: Identifiers | None = None
    """Identifiers known to be this customer's."""


class CustomerErasedData(Model):
    """Everything that is known of the customer goes: what was, until the envelope's time."""

    customer_id: Id
    """The customer; also the record's key."""
    reason: Words | None = None
    """Why; it stays on this topic."""
    by: Label | None = None
    """Who asked for it; it stays on this topic."""


class OrderData(Model):
    customer_id: Id
    """Who ordered; also the record's key."""
    order_id: Id
    """The order, unique for the customer."""


class OrderPlacedData(OrderData):
    """Somebody bought something."""


class OrderDeliveredData(OrderData):
    """It has arrived."""


class PromiseData(Model):
    customer_id: Id
    """To whom; also the record's key."""
    promise_id: Id
    """The promise, unique for the customer."""


class PromiseMadeData(PromiseData):
    """We said that something would be done by then; sent again with another ``due`` it is put off."""

    due: Time
    """When it is due."""
    about: Words | None = None
    """What was promised, in a word or two."""


class PromiseKeptData(PromiseData):
    """It was done."""


class Slots(Model):
    """How many contacts of one channel an agent can have at a time."""

    free: Whole
    """How many more there can be now."""
    of: Whole
    """How many there can be."""


Capacity = Annotated[dict[Channel, Slots], BeforeValidator(few)]


class AgentStateChangedData(Model):
    agent_id: Id
    """The agent; also the record's key."""
    state: Literal["available", "busy", "wrap-up", "break", "training", "offline"]
    """The state from now on."""
    reason: Words | None = None
    """Why, in the connector's words."""
    queues: Names | None = None
    """The queues the agent serves."""
    capacity: Capacity | None = None
    """Channel → slots, of an agent who has several contacts at a time."""
    agent_group: Name | None = None
    """The group the agent belongs to: a team, a site, a partner."""


class AlertCommandedData(Model):
    alert_id: AlertId
    """The alert; also the record's key."""
    action: Literal["acknowledge", "assign", "comment", "escalate", "snooze", "close"]
    """What to do with it."""
    by: Label | None = None
    """Who asked."""
    until: Time | None = None
    """The end of a snooze."""
    to: Label | None = None
    """Of assign: to whom."""
    note: Words | None = None
    """What is to be said with it."""


Matchers = Annotated[list[Label], Field(min_length=1, max_length=20)]


class SilenceSetData(Model):
    """Alerts that match are not told of until it ends; that they are over is. A later one of its id replaces it."""

    silence_id: Name
    """The silence; also the record's key."""
    matchers: Matchers
    """What an alert has to be, all of it: `rule=high-tier-wait`, `queue!=cards`, `tier=~gold|plat*`."""
    ends: Time
    """When it is over."""
    starts: Time | None = None
    """When it begins; absent: at once."""
    by: Label
    """Who asked."""
    reason: Words
    """Why."""


class SilenceEndedData(Model):
    """It is over, whatever was said when it was set."""

    silence_id: Name
    """The silence; also the record's key."""
    by: Label
    """Who asked."""
    reason: Words | None = None
    """Why."""


MAX_RULES, RULES_DEEP, RULES_LONG = 200_000, 32, 1_000_000


def rules_within(found: dict[str, Any]) -> dict[str, Any]:
    """Rules as data: what a file may hold that fits into one record."""
    return within(found, MAX_RULES, RULES_DEEP, RULES_LONG)


class AlertRulesAppliedData(Model):
    """From here on alerts are raised by these rules, whatever file a worker was started with."""

    file: Literal["alerts.yaml"]
    """The file of the rules; also the record's key."""
    number: Annotated[Whole, Field(ge=1)]
    """Greater than that of what was applied before: the time at which it was sent, in ms, where that is greater."""
    version: Annotated[str, StringConstraints(strict=True, pattern=RULES_VERSION)]
    """Digest of what the rules say; alerts have it as `rule_version`."""
    rules: Annotated[dict[str, Any], AfterValidator(rules_within)]
    """What the file holds, as JSON."""
    by: Label
    """Who asked."""
    reason: Words
    """Why."""


class IdentityLinkedData(Model):
    """A person says that two identifiers are of one person, whatever was seen of them."""

    identifier: NodeName
    """One of them; also the record's key. customer:<id> for a customer."""
    other: NodeName
    """The other one."""
    reason: Words
    """Why, for who looks at it later."""
    by: Label | None = None
    """Who says so."""


class IdentityCutData(IdentityLinkedData):
    """A person says that they are not; of several words on two identifiers the latest holds."""


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
