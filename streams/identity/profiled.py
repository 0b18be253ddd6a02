"""What profiles say of a customer's identifiers: of each source what its latest profile with a list says, all of it."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.base.links import Ref, Shown, order_of
from streams.base.records import Profile
from streams.identity.evidence import Pair, shown

MAX_SOURCES = 8
"""Systems whose lists are kept of one customer; another one's is refused."""
MAX_LISTED = 20
"""Identifiers of one list that are evidence, the strongest."""


class Profiled(msgspec.Struct, frozen=True, omit_defaults=True):
    """The row of one customer of one line. JSON by msgspec."""

    sources: dict[str, tuple[Ref, tuple[str, ...]]] = {}
    """Source → its latest profile with a list, and what that named."""
    due: dict[str, int] = msgspec.field(default_factory=lambda: {})  # noqa: PIE807 - written even when it is empty


class Heard(NamedTuple):
    """The row after a profile, what is shown by that, and which limit refused some of it."""

    row: Profiled
    shown: tuple[Shown, ...] = ()
    limited: str = ""


def heard(known: Profiled, profile: Profile, kinds: Mapping[str, int]) -> Heard:
    """The customer's row after one more profile; ``kinds``: those that are trusted."""
    if profile.identifiers is None:
        return Heard(known)
    ref = (profile.time, profile.id, profile.source)
    before = known.sources.get(profile.source)
    if before is not None and before[0] >= ref:
        return Heard(known)
    if before is None and len(known.sources) >= MAX_SOURCES:
        return Heard(known, limited="profiles")
    names = sorted({f"{kind}:{value}" for kind, value in profile.identifiers if kind in kinds}, key=order_of)
    row = replace(known, sources=known.sources | {profile.source: (ref, tuple(names[:MAX_LISTED]))})
    customer = f"customer:{profile.customer}"
    told = shown(_links(known, customer), _links(row, customer), profile.line)
    return Heard(row, tuple(told), "identifiers" if len(names) > MAX_LISTED else "")


def _links(row: Profiled, customer: str) -> dict[Pair, Ref]:
    """Every identifier with the customer, by the earliest list that names it now."""
    found: dict[Pair, Ref] = {}
    for ref, names in row.sources.values():
        for name in names:
            found[name, customer] = min(found.get((name, customer), ref), ref)
    return found
