"""Whom a contact belongs to, by what its identifiers stand for (`streams.identity.graph`).

A customer id that its events say decides alone. Else the contact belongs to the closest customer that one of its
identifiers stands for; two that are equally close: to itself. With no customer in reach it belongs to the anonymous
customer that its identifiers are, and with no identifier that stands for anybody, to itself.
"""

from collections.abc import Mapping
from typing import NamedTuple

from streams.base.claims import CONTACT, CUSTOMER, Claim, mark_of
from streams.base.links import Label, Ref
from streams.identity.graph import MAX_CUSTOMERS
from streams.identity.rules import SHIPPED, IdentityRules

Labels = Mapping[str, Label]
"""Identifier → what it is."""


class Placed(NamedTuple):
    """Whom a contact belongs to, and why."""

    owner: str
    rule: str
    """customer-id; linked = by links of its identifiers; strongest-identifier = by its own; shared = to itself, because
    its identifiers are of several."""
    identifier: str
    """The one that decided."""
    path: tuple[tuple[str, Ref], ...] = ()
    """From there to the customer."""
    reason: str | None = None


def place(
    claim: Claim, labels: Labels, itself: str, nobody: tuple[str, ...] = (), rules: IdentityRules = SHIPPED
) -> Placed:
    """``claim``: what its events say; ``labels``: of its identifiers, as far as they were asked; ``itself``: the owner
    of that name alone.
    """
    order_of = rules.order
    if claim.rank == CUSTOMER:
        return Placed(claim.owner, "customer-id", claim.identifier)
    if nobody:
        labels = {each: label for each, label in labels.items() if mark_of(each) not in nobody}
    if claim.rank == CONTACT or not labels:
        return Placed(claim.owner, "strongest-identifier", claim.identifier)
    heard = {each: label for each, label in labels.items() if not label.shared}
    if not heard:
        identifier = min(labels, key=order_of)
        return Placed(itself, "shared", identifier, (), reason_of(identifier, labels[identifier]))
    claims = {each: label for each, label in heard.items() if label.customers}
    if claims:
        hops = min(label.hops for label in claims.values())
        closest = sorted((each for each, label in claims.items() if label.hops == hops), key=order_of)
        customers = sorted({claims[each].customers[0] for each in closest})
        if len(customers) > 1:
            return Placed(itself, "shared", closest[0], (), f"its identifiers are of {' and of '.join(customers[:10])}")
        return Placed(customers[0], "linked", closest[0], claims[closest[0]].path)
    identifier = min(heard, key=lambda each: (order_of(heard[each].name), heard[each].away, order_of(each)))
    name = heard[identifier].name
    return Placed(f"anonymous:{name}", "strongest-identifier" if name in labels else "linked", identifier)


def reason_of(identifier: str, label: Label) -> str | None:
    """Why an identifier is shared, in words; None: it is not."""
    if not label.shared:
        return None
    if label.shared.startswith("too-many-"):
        return f"{identifier} has too many links to identifiers of kind {label.shared.removeprefix('too-many-')}"
    many = " or more" if len(label.customers) == MAX_CUSTOMERS else ""
    return f"{identifier} is shared by {len(label.customers)}{many} customers"
