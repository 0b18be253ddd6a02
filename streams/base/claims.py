"""What an event says of its contact's owner."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from streams.base.records import Event

STRENGTH = ("email", "phone", "social", "account", "device", "cookie")
"""Kinds of identifiers from the strongest to the weakest, where no rule says otherwise; a customer id is stronger than
all of them."""
CUSTOMER, CONTACT = -1, len(STRENGTH)
NAMELESS = "contact:"
"""How an owner begins of whom nothing but a contact is known, or of contacts whose identifiers are shared."""
RANKS: Mapping[str, int] = {kind: rank for rank, kind in enumerate(STRENGTH)}

Order = tuple[int, str, str]
"""(time, id, source) of an event: what decides between two claims of one rank."""


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What an event says of its contact's owner."""

    rank: int
    """−1 customer id, then the place among the kinds, the strongest first, last the contact itself."""
    time: int
    id: str
    source: str
    identifier: str
    """"<kind>:<value>", such as "customer:7", "email:a@example.com" or "contact:voice:c1"."""

    @property
    def owner(self) -> str:
        """The name of the owner: "customer:7", "anonymous:email:a@example.com", "contact:voice:c1"."""
        return self.identifier if self.rank in (CUSTOMER, CONTACT) else f"anonymous:{self.identifier}"

    @property
    def order(self) -> Order:
        return self.time, self.id, self.source


def owner_of(event: Event) -> str:
    """The owner an event names by itself: "customer:<id>", "anonymous:<kind>:<value>" or "contact:<channel>:<id>"."""
    return claim_of(event).owner


def claim_of(event: Event, nobody: tuple[str, ...] = (), ranks: Mapping[str, int] = RANKS) -> Claim:
    """The event's claim. Identifiers of kinds outside ``ranks`` claim nothing, nor do those whose marks are among
    ``nobody``.
    """
    rank, identifier = CONTACT, ""
    if event.customer is not None:
        rank, identifier = CUSTOMER, f"customer:{event.customer}"
    else:
        for kind, value in event.identifiers:
            if ranks.get(kind, CONTACT) < rank and not (nobody and mark_of(f"{kind}:{value}") in nobody):
                rank, identifier = ranks[kind], f"{kind}:{value}"
    return Claim(rank, event.time, event.id, event.source, identifier or f"contact:{event.channel}:{event.contact}")


def mark_of(name: str) -> str:
    """A short name of a name that may be long: 16 characters."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
