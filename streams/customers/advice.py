"""What to do for a customer in a contact: what the policy says of the customer's tier and service type, and what is
known of the customer by then. A function of what it is handed; nothing is kept.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from streams.base.times import iso
from streams.customers.touchpoints import Touchpoint
from streams.policies.policy import Policy, Route, Service

MAX_TRIED = 5
"""Earlier contacts of the journey that are told, the latest."""
FIELDS = (
    "service", "priority", "wait_limit_ms", "concierge", "channels", "agent_kind", "agent_id", "live",
    "empowerment_cents", "currency", "tier", "type", "confidence", "reasons", "intent", "name", "language",
    "preferences", "tried", "failed_searches", "promises",
)  # fmt: skip
"""What is said, by name; of a recommendation that is withdrawn all are null."""


class Standing(NamedTuple):
    """What the customer is to us."""

    tier: str
    """``none`` where unknown."""
    type: str
    """``none`` where nobody can tell."""
    confidence: float
    known: bool
    """Is it a customer we know?"""


class Person(NamedTuple):
    """What profiles say of the person; None where they say nothing."""

    name: str | None
    language: str | None
    preferences: Mapping[str, Any] | None
    promises: tuple[tuple[str, int, str | None], ...]
    """(promise, when it is due in ms, what was promised) of those that are open, the first due first."""


class Now(NamedTuple):
    """The contact, and what came before it in its journey."""

    channel: str
    intent: str | None
    tried: tuple[Touchpoint, ...]
    failed: int
    """Searches that found nothing, in the contact and in those before it."""
    agent: str | None
    """Who had the customer most often, where that matters (`wants_agent`)."""


def advice(policy: Policy, standing: Standing, person: Person, now: Now) -> dict[str, Any]:
    """The part of the record that says what to do; see `schemas.recommendations.Recommendation`."""
    service = policy.service_of(standing.tier, known=standing.known)
    by_type = policy.route_of(standing.type)
    live = now.intent is not None and now.intent in by_type.live_intents
    return {
        "service": service.name,
        "priority": service.priority,
        "wait_limit_ms": service.wait_limit_ms,
        "concierge": service.concierge,
        "channels": list(by_type.channels or (now.channel,)),
        "agent_kind": by_type.agent or service.agent,
        "agent_id": now.agent,
        "live": live,
        "empowerment_cents": service.empowerment if standing.known else 0,
        "currency": policy.currency,
        "tier": standing.tier,
        "type": standing.type,
        "confidence": standing.confidence,
        "reasons": _reasons(service, standing, by_type, now.intent if live else None),
        "intent": now.intent,
        "name": person.name,
        "language": person.language,
        "preferences": None if person.preferences is None else dict(person.preferences),
        "tried": [_tried(point) for point in now.tried[-MAX_TRIED:]],
        "failed_searches": now.failed,
        "promises": [{"promise_id": one, "about": what, "due": iso(due)} for one, due, what in person.promises],
    }


def _reasons(service: Service, standing: Standing, route: Route, intent: str | None) -> list[dict[str, str]]:
    """Why it is so: what of the recommendation, because of what that is what."""
    if service.tiers:
        found = [{"of": "service", "because": "tier", "value": standing.tier}]
    else:
        whose = "unknown" if service.unknown else "any"
        found = [{"of": "service", "because": "customer", "value": whose}]
    found += [
        {"of": what, "because": "type", "value": standing.type}
        for what, said in (("channels", route.channels), ("agent_kind", route.agent), ("agent_id", route.known_agent))
        if said
    ]
    return found if intent is None else [*found, {"of": "live", "because": "intent", "value": intent}]


def wants_agent(policy: Policy, standing: Standing) -> bool:
    """Does it matter who had the customer?"""
    concierge = policy.service_of(standing.tier, known=standing.known).concierge
    return concierge or policy.route_of(standing.type).known_agent


def before(points: Iterable[Touchpoint], channel: str, contact: str) -> tuple[Touchpoint, ...]:
    """The contacts of a journey but for this one."""
    return tuple(point for point in points if (point.channel, point.contact) != (channel, contact))


def _tried(point: Touchpoint) -> dict[str, Any]:
    return {
        "contact_id": point.contact,
        "channel": point.channel,
        "level": point.level,
        "outcome": point.outcome,
        "at": iso(point.started),
    }
