"""Whose each contact is by what was told: docs/identity.md, written down once more for the demo's check.

It shares nothing with what the product computes it by: all that was told is looked at at once, when the line is over.
Names of identifiers are ``<kind>:<value>``, as the product writes them; of customers ``customer:<id>``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from streams.identity.rules import IdentityRules

NAMES_REACH = 16
"""Links that the name of an anonymous customer travels."""
EVIDENCE = 8
"""Identifiers of one contact that are linked, the strongest."""


@dataclass
class Spoken:
    """What the events of one contact said of the person, and who the person really is: a customer of this id, or a
    stranger."""

    channel: str
    person: str = ""
    is_customer: bool = False
    customer: str | None = None
    """The customer id that they said."""
    named: set[str] = field(default_factory=set)


@dataclass
class Told:
    """All that was told of who is who."""

    contacts: dict[str, Spoken] = field(default_factory=dict)
    listed: dict[str, set[str]] = field(default_factory=dict)
    """Customer → the identifiers in the latest profile."""
    tiers: dict[str, str] = field(default_factory=dict)
    """By customer."""
    cut: set[frozenset[str]] = field(default_factory=set)
    """Pairs that are of two persons, whatever contacts show."""


class Standing(NamedTuple):
    """Whom an identifier stands for: its owner, None = it is shared; ``links`` away, of a customer."""

    owner: str | None
    links: int = 0


class Whose:
    """The owners of all contacts."""

    def __init__(self, told: Told, rules: IdentityRules) -> None:
        self._told, self._rules = told, rules
        self._beside = self._links()
        self._standing = self._customers()
        self._name_the_others()

    def of(self, contact: str) -> str:
        """The owner as the product names it."""
        spoken = self._told.contacts[contact]
        if spoken.customer is not None:
            return f"customer:{spoken.customer}"
        itself = f"contact:{spoken.channel}:{contact}"
        found = [self._standing[name] for name in self._trusted(spoken.named)]
        held = [each for each in found if each.owner is not None]
        known = [each for each in held if str(each.owner).startswith("customer:")]
        if known:
            nearest = min(each.links for each in known)
            closest = {str(each.owner) for each in known if each.links == nearest}
            return closest.pop() if len(closest) == 1 else itself
        names = [str(each.owner) for each in held]
        return min(names, key=lambda name: self._order(name.removeprefix("anonymous:")), default=itself)

    def is_shared(self, contact: str) -> bool:
        """It says no customer, and nothing that it names stands for one person."""
        spoken = self._told.contacts[contact]
        named = self._trusted(spoken.named)
        return bool(named) and self.of(contact) == f"contact:{spoken.channel}:{contact}"

    def _trusted(self, names: Iterable[str]) -> list[str]:
        """The identifiers of kinds that count, the strongest first."""
        return sorted((name for name in names if _kind(name) in self._rules.kinds), key=self._order)

    def _order(self, name: str) -> tuple[int, str]:
        return list(self._rules.kinds).index(_kind(name)), name

    def _links(self) -> dict[str, set[str]]:
        """Identifier → what is linked with it."""
        beside: dict[str, set[str]] = defaultdict(set)
        pairs: set[frozenset[str]] = set()
        for spoken in self._told.contacts.values():
            named = self._trusted(spoken.named)
            for name in named:
                beside[name] = set()
            customer = [] if spoken.customer is None else [f"customer:{spoken.customer}"]
            pairs.update(map(frozenset, combinations([*customer, *named[:EVIDENCE]], 2)))
        for customer_id, listed in self._told.listed.items():
            pairs.update(frozenset((f"customer:{customer_id}", name)) for name in self._trusted(listed))
        for one, other in map(sorted, pairs - self._told.cut):
            beside[one].add(other)
            beside[other].add(one)
        return beside

    def _crowded(self, name: str) -> bool:
        """It has more links to one kind than a person has."""
        kinds = Counter(map(_kind, self._beside[name]))
        return any(kinds[kind] > limit for kind, limit in self._rules.limits.items())

    def _customers(self) -> dict[str, Standing]:
        """The shared ones, and those with a customer in reach: one link further from the customers each time."""
        found = {name: Standing(name) for name in self._beside if _kind(name) == "customer"}
        for name in set(self._beside) - set(found):
            if self._crowded(name):
                found[name] = Standing(None)
        for links in range(1, self._rules.reach + 1):
            before = {name: each.owner for name, each in found.items() if each.links == links - 1 and each.owner}
            claims: dict[str, set[str]] = defaultdict(set)
            for name, owner in before.items():
                for other in self._beside[name] - set(found):
                    claims[other].add(owner)
            for name, owners in claims.items():
                found[name] = Standing(owners.pop() if len(owners) == 1 else None, links)
        return found

    def _name_the_others(self) -> None:
        """The strongest of those without a customer names all in its reach, then the strongest of what is left."""
        free = set(self._beside) - set(self._standing)
        for name in sorted(free, key=self._order):
            if name not in free:
                continue
            reached, edge = {name}, {name}
            for _ in range(NAMES_REACH):
                edge = {other for each in edge for other in self._beside[each] if other in free} - reached
                reached |= edge
            self._standing |= dict.fromkeys(reached, Standing(f"anonymous:{name}"))
            free -= reached


def _kind(name: str) -> str:
    return name.partition(":")[0]
