"""What is recommended for a contact. As in `schemas.outputs` every field is always there."""

from typing import Any, Literal

from schemas.fields import Model, Revision, String, UtcTime, Whole

__all__ = ["OpenPromise", "Reason", "Recommendation", "Tried"]


class Tried(Model):
    """An earlier contact of the same journey."""

    contact_id: String
    channel: String
    level: Literal["self-service", "assisted", "fully-assisted"]
    """How much was done for the customer."""
    outcome: Literal["open", "answered", "abandoned", "contained", "left", "flow_out"]
    at: UtcTime
    """When it began."""


class OpenPromise(Model):
    """What we said would be done, and nobody said that it was."""

    promise_id: String
    about: String | None
    """What was promised, masked."""
    due: UtcTime


class Reason(Model):
    """What is recommended, because of what."""

    of: Literal["service", "channels", "agent_kind", "agent_id", "live"]
    """The field."""
    because: Literal["tier", "type", "intent", "customer"]
    """What it follows from; customer = it does not hang on who it is, or nobody knows."""
    value: String
    """The tier, the type or the intent; any or unknown."""


class Recommendation(Model):
    """What to do for a customer in a contact; of a contact the record with the highest revision holds. All behind
    ``revision`` are null in one that is withdrawn.
    """

    recommendation_id: String
    """Stable name, made of customer and contact."""
    contact_id: String
    channel: String
    """The contact's."""
    customer: String
    """The owner; also the record's key."""
    status: Literal["current", "withdrawn"]
    """withdrawn = the contact is another customer's, or the customer was erased."""
    because: Literal["queued", "connected", "message", "tier", "left"]
    """What happened last: the customer queues, was connected, wrote, has another tier; or left."""
    at: UtcTime
    """When that happened."""
    revision: Revision
    """Grows with every recommendation for this customer."""
    service: String | None
    """The service of the policy that is the customer's."""
    priority: Whole | None
    """Who is taken first: the highest."""
    wait_limit_ms: Whole | None
    """So long the customer should wait at most; null where the policy says nothing."""
    concierge: bool | None
    """One agent cares for everything the customer asks."""
    channels: list[String] | None
    """Where a customer of this type is served best, the best first."""
    agent_kind: String | None
    """The kind of agent."""
    agent_id: String | None
    """The agent who had the customer most often, where that one is meant; null = anyone of the kind."""
    live: bool | None
    """A human should speak to the customer at once, whatever the channel: about this the policy wants it."""
    empowerment_cents: Whole | None
    """The amount that the agent may give at once."""
    currency: String | None
    tier: String | None
    """none where unknown."""
    type: String | None
    """The service type; none where nobody can tell."""
    confidence: float | None
    """How sure the type is, 0 to 1."""
    reasons: list[Reason] | None
    """Why it is so."""
    intent: String | None
    """What the customer wants in this contact; null where unknown."""
    name: String | None
    """How the customer is addressed; null where no profile says it. So the next two."""
    language: String | None
    preferences: dict[str, Any] | None
    tried: list[Tried] | None
    """What the customer did about the same need before, the latest five, the oldest first."""
    failed_searches: Whole | None
    """Searches in this contact and those before it that found nothing."""
    promises: list[OpenPromise] | None
    """Open ones, the first due first."""
