"""Policies as people read them: which there are, and what one says."""

from collections.abc import Iterable

from rich.table import Table

from streams.base.times import HOUR_MS, MINUTE_MS, SECOND_MS
from streams.inspect.policy_tables import money
from streams.local.text import Terminal
from streams.policies.figures import exact
from streams.policies.policy import Policy, Service


def listed(policies: Iterable[tuple[str, str, Policy]], console: Terminal) -> None:
    """A row for each: name, whose it is, the policy."""
    found = Table("policy", "from", "title", "services", "currency", "about")
    for name, whose, policy in policies:
        services = ", ".join(service.name for service in policy.services)
        found.add_row(name, whose, policy.title, services, policy.currency, policy.about)
    for column in found.columns:
        column.overflow = "fold"
    console.print(found)


def shown(name: str, policy: Policy, console: Terminal) -> None:
    """All that it says, costs that are like others resolved."""
    console.print(f"{name}: {policy.title}. {policy.about}", highlight=False, soft_wrap=True)
    console.print(_services(policy))
    if policy.routes:
        console.print(_routes(policy))
    console.print(_costs(policy))
    console.print(_worth(policy))


def _services(policy: Policy) -> Table:
    found = Table(
        "service", "of", "priority", "wait limit", "sentiment limit", "agent", "concierge", "may give", "targets",
        title="services: the first that fits", title_justify="left",
    )  # fmt: skip
    for each in policy.services:
        found.add_row(
            each.name,
            _whom(each),
            str(each.priority),
            _long(each.wait_limit_ms),
            "–" if each.sentiment_limit is None else f"{each.sentiment_limit:+.2f}",
            each.agent,
            "yes" if each.concierge else "–",
            money(exact(each.empowerment), policy.currency),
            _targets(each, policy.currency),
        )
    for column in found.columns:
        column.overflow = "fold"
    return found


def _whom(service: Service) -> str:
    known = {None: "", True: ", known to nobody", False: ", known"}[service.unknown]
    return (", ".join(sorted(service.tiers)) or "everybody") + known


def _targets(service: Service, currency: str) -> str:
    wanted = service.targets
    level = wanted.service_level
    told = [] if level is None else [f"{level.share:g} % in {_long(level.within_ms)}"]
    told += [] if wanted.abandonment is None else [f"abandoned ≤ {wanted.abandonment:g} %"]
    told += [] if wanted.csat is None else [f"satisfied ≥ {wanted.csat:g} %"]
    told += (
        [] if wanted.first_contact_resolution is None else [f"first contact ≥ {wanted.first_contact_resolution:g} %"]
    )
    cost = wanted.cost_per_contact
    told += [] if cost is None else [f"cost ≤ {money(exact(cost), currency)}"]
    return "; ".join(told) or "–"


def _routes(policy: Policy) -> Table:
    found = Table("type", "channels", "agent", "known agent", "at once about", title="routes", title_justify="left")
    for kind, route in policy.routes.items():
        about = ", ".join(sorted(route.live_intents)) or "–"
        known = "yes" if route.known_agent else "–"
        found.add_row(kind, ", ".join(route.channels) or "–", route.agent or "of the service", known, about)
    return found


def _costs(policy: Policy) -> Table:
    found = Table("what", "of", "costs", title="costs", title_justify="left")
    for name in policy.costs.channels:
        found.add_row("a contact", name, money(exact(policy.costs.per_contact(name)), policy.currency))
    for name in policy.costs.agents:
        found.add_row("a minute", name, money(exact(policy.costs.per_minute(name)), policy.currency))
    return found


def _worth(policy: Policy) -> Table:
    found = Table("tier", "margin of a year", "leave after a broken promise", title="worth", title_justify="left")
    for tier, worth in policy.worth.items():
        found.add_row(tier, money(exact(worth.margin), policy.currency), f"{worth.lost:g} %")
    return found


def _long(ms: int | None) -> str:
    if ms is None:
        return "–"
    units = (("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS), ("ms", 1))
    return next(f"{ms // size}{unit}" for unit, size in units if ms % size == 0)
