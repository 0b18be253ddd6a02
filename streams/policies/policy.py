"""A policy: one YAML file that says how customers are served, and what that costs and is worth.

Three schools of practice are shipped (`streams.rules.policies`). Money is in whole cents of one currency, shares are
percent, times are ms. Whether a tier or a service type of the rules exists, `streams.rules` checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from streams.base.units import (
    CURRENCY,
    FROM_FILES,
    ChannelName,
    Flag,
    Percent,
    Positive,
    RuleName,
    Span,
    Text,
    TierName,
)

Cents = Annotated[int, Strict(), Field(ge=0, le=10**12)]
Intent = Annotated[Text, AfterValidator(lambda text: " ".join(text.split()).casefold())]
"""However it is spaced and capitalised, as where events come in."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """At least so many of those offered are answered in time."""

    within_ms: Annotated[Span, Field(alias="within")]
    share: Percent

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Targets:
    """What is to be reached; None = no target. Definitions: docs/metrics.md."""

    service_level: ServiceLevel | None = None
    abandonment: Percent | None = None
    """At most."""
    csat: Percent | None = None
    """Of the answers at least so many are satisfied."""
    first_contact_resolution: Percent | None = None
    """At least."""
    cost_per_contact: Cents | None = None
    """At most."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Service:
    """How the customers of a line are served."""

    name: RuleName
    tiers: frozenset[TierName] = frozenset()
    """Of these; none = of any."""
    unknown: Flag | None = None
    """True = callers whom nobody knows alone, false = known customers alone."""
    priority: Annotated[int, Strict(), Field(ge=0, le=100)] = 0
    """The highest is taken first when an agent is free; of equal ones who came first."""
    wait_limit_ms: Annotated[Span | None, Field(alias="wait_limit")] = None
    """A longer wait is a promise that was not kept."""
    sentiment_limit: Annotated[float, Strict(), Field(ge=-1, le=1)] | None = None
    """A contact whose sentiment falls below it is one that went wrong."""
    agent: RuleName = "standard"
    """The kind of agent who takes them."""
    concierge: Flag = False
    """One agent cares for everything the customer asks."""
    empowerment: Cents = 0
    """What an agent may give at once."""
    targets: Targets = Targets()

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Route:
    """Where customers of a service type are served best."""

    channels: tuple[ChannelName, ...] = ()
    """The best first."""
    agent: RuleName | None = None
    """The kind of agent, where that of the line is not meant."""
    known_agent: Flag = False
    """Who had the customer most often, when there."""
    live_intents: frozenset[Intent] = frozenset()
    """About these a human speaks to the customer at once."""

    __pydantic_config__ = FROM_FILES


NOWHERE = Route()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a contact or its minutes cost: in cents, or so many times what another one costs."""

    contact: Cents | None = None
    minute: Cents | None = None
    like: RuleName | None = None
    times: Positive = 1.0

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if self.like is None and self.times != 1.0:
            raise ValueError("times says of what: name another cost by like")
        if self.like is not None and (self.contact is not None or self.minute is not None):
            raise ValueError("either like, or contact and minute")


@dataclass(frozen=True, slots=True)
class Costs:
    """Of channels for each contact, of kinds of agents for each minute of handle time."""

    channels: dict[RuleName, Cost] = field(default_factory=dict)
    agents: dict[RuleName, Cost] = field(default_factory=dict)

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        for what, costs in (("channels", self.channels), ("agents", self.agents)):
            for name in costs:
                _resolved(costs, name, what)

    def per_contact(self, channel: str) -> float:
        """Cents for a contact on a channel; 0 where nothing is said."""
        cost, times = _resolved(self.channels, channel, "channels")
        return (cost.contact or 0) * times

    def per_minute(self, agent: str) -> float:
        """Cents for a minute of a kind of agent; 0 where nothing is said."""
        cost, times = _resolved(self.agents, agent, "agents")
        return (cost.minute or 0) * times


def _resolved(costs: Mapping[str, Cost], name: str, what: str) -> tuple[Cost, float]:
    """Raises ``ValueError`` for a cost that goes by itself in the end, or by one that is not there."""
    seen, times = [name], 1.0
    cost = costs.get(name, Cost())
    while cost.like is not None:
        times *= cost.times
        if cost.like not in costs:
            raise ValueError(f"{what}.{seen[-1]}.like: there is no {cost.like!r} among {', '.join(sorted(costs))}")
        if cost.like in seen:
            raise ValueError(f"{what}.{name}.like goes in a circle: {' → '.join([*seen, cost.like])}")
        seen.append(cost.like)
        cost = costs[cost.like]
    return cost, times


@dataclass(frozen=True, slots=True)
class Worth:
    """What keeping a customer is worth."""

    margin: Cents
    """Of a kept customer, for a year."""
    lost: Percent
    """Of the customers to whom a promise was not kept, so many leave for it."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to serve customers."""

    title: Text
    about: Text
    services: Annotated[tuple[Service, ...], Field(min_length=1, max_length=32)]
    """The first that fits is the customer's."""
    costs: Costs
    worth: dict[TierName, Worth]
    """By tier; ``none`` = customers without one."""
    routes: dict[RuleName, Route] = field(default_factory=dict)
    """By service type."""
    currency: Annotated[str, Strict(), Field(pattern=CURRENCY)] = "EUR"

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        names = [service.name for service in self.services]
        if len(set(names)) < len(names):
            raise ValueError("two services have one name")
        last = self.services[-1]
        if last.tiers or last.unknown is not None:
            raise ValueError(f"the last service, {last.name!r}, must fit everybody: without tiers and unknown")
        kinds = {service.agent for service in self.services} | {each.agent for each in self.routes.values()}
        if missing := sorted(kind for kind in kinds if kind is not None and kind not in self.costs.agents):
            raise ValueError(f"costs.agents does not say what these cost: {', '.join(missing)}")

    def service_of(self, tier: str | None, *, known: bool) -> Service:
        """Of a customer of this tier; ``known``: do we know who it is?"""
        for service in self.services:
            fits = not service.tiers or tier in service.tiers
            if fits and service.unknown in (None, not known):
                return service
        raise AssertionError("the last service fits everybody")

    def route_of(self, type_: str) -> Route:
        """Of customers of a service type; one that says nothing where the policy has none."""
        return self.routes.get(type_, NOWHERE)

    def worth_of(self, tier: str | None) -> Worth:
        """Of a customer of this tier; nothing where the policy does not say."""
        return self.worth.get(tier or "none") or Worth(0, 0.0)
