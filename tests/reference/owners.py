"""Whom every identifier stands for, from all links at once: level by level from the customers, then by components.

Written from docs/identity.md, and of nothing that the product computes it with.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

KINDS = ("customer", "email", "phone", "social", "account", "device", "cookie")
NEAR, FAR = 3, 16
LIMITS = {"email": 3, "phone": 3, "social": 5, "account": 5, "device": 8, "cookie": 50}
NOBODY = "nobody"


def kind(node: str) -> str:
    return node.split(":", 1)[0]


def strength(node: str) -> tuple[int, str]:
    return KINDS.index(kind(node)), node


def of_contact(
    itself: str, identifiers: Iterable[str], found: Mapping[str, str], links: Iterable[tuple[str, str]]
) -> str:
    """Whose a contact is that says no customer. ``found``: `owners` by all ``links``."""
    named = [each for each in identifiers if found[each] != NOBODY]
    if not named:
        return itself
    known = {each: found[each] for each in named if kind(found[each]) == "customer"}
    if not known:
        return min((found[each] for each in named), key=lambda name: strength(name.removeprefix("anonymous:")))
    beside: dict[str, set[str]] = defaultdict(set)
    for one, other in links:
        beside[one].add(other)
        beside[other].add(one)
    hops = {each: _hops(each, customer, beside, found) for each, customer in known.items()}
    closest = {customer for each, customer in known.items() if hops[each] == min(hops.values())}
    return closest.pop() if len(closest) == 1 else itself


def _hops(start: str, customer: str, beside: Mapping[str, set[str]], found: Mapping[str, str]) -> int:
    """Links from an identifier to its customer, over others of that customer."""
    at, near, hops = {start}, {start}, 0
    while customer not in at:
        at = {other for each in at for other in beside[each] if found.get(other) == customer} - near
        near |= at
        hops += 1
    return hops


def owners(
    nodes: Iterable[str],
    links: Iterable[tuple[str, str]],
    limits: Mapping[str, int] = LIMITS,
    far: int = FAR,
    near: int = NEAR,
) -> dict[str, str]:
    """Node → "customer:7", "anonymous:<identifier>" or "nobody". The strongest identifier of those without a customer
    names all within ``far`` links; of what is left, again the strongest.
    """
    beside: dict[str, set[str]] = defaultdict(set)
    for one, other in links:
        beside[one].add(other)
        beside[other].add(one)
    found = {node: node for node in nodes if kind(node) == "customer"}
    rest = {node for node in nodes if kind(node) != "customer"}
    for node in sorted(rest):
        kinds = [kind(other) for other in beside[node]]
        if any(kinds.count(each) > most for each, most in limits.items()):
            found[node] = NOBODY
    edge = {node: node for node in found if found[node] == node}
    for _ in range(near):
        reached: dict[str, set[str]] = defaultdict(set)
        for node, customer in edge.items():
            for other in beside[node]:
                if other not in found:
                    reached[other].add(customer)
        edge = {node: next(iter(who)) for node, who in reached.items() if len(who) == 1}
        found |= edge | {node: NOBODY for node, who in reached.items() if len(who) > 1}
    free = {node for node in nodes if node not in found}
    while free:
        strongest = min(free, key=strength)
        named, at = {strongest}, {strongest}
        for _ in range(far):
            at = {other for each in at for other in beside[each] if other in free} - named
            named |= at
        found |= dict.fromkeys(named, f"anonymous:{strongest}")
        free -= named
    return found
