"""Contacts that are over and came by the same identifiers: a *group*. They belong to whom the identifiers stand for, as
each did alone, and go to another customer together, with all they contributed.

A group is a node beside the identifiers, on the partition of its own key, and watches them as a contact does. Who has
something of it, its *holders*, hand it over when its owner changes: one, as a rule. While the identifiers are shared,
each contact that came then is a holder by itself; what a customer had goes to an owner of the group's name.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.base.claims import Claim, mark_of
from streams.base.links import GROUP, Label, Rests
from streams.identity import placing
from streams.identity.rules import IdentityRules

MAX_HOLDERS = 100
"""Of more, the last ones keep what they have."""


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """The row of one group of one line. JSON by msgspec."""

    names: tuple[str, ...]
    labels: dict[str, Label] = {}
    """Of each identifier, as it said last."""
    holders: tuple[str, ...] = ()
    """Owners who have something of it."""
    due: dict[str, int] = msgspec.field(default_factory=lambda: {})  # noqa: PIE807 - written even when it is empty
    past: tuple[str, ...] = ()
    """Owners who had something of it and handed it over: they know to whom."""


class Move(NamedTuple):
    """A holder hands over."""

    holder: str
    to: str


class Outcome(NamedTuple):
    """A group after a record: which identifiers it watches from now on, and who hands over."""

    group: Group
    watch: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    limited: bool = False


def name_of(labels: Mapping[str, Label]) -> str:
    """The name of the group of contacts with these identifiers; empty: none."""
    return GROUP + mark_of(" ".join(sorted(labels))) if labels else ""


def rests(known: Group | None, told: Rests, rules: IdentityRules) -> Outcome:
    """A contact of the group is over, and its owner has it."""
    group = known or Group(told.names)
    watch = () if known else told.names
    if told.owner in group.holders:
        return Outcome(group, watch)
    if len(group.holders) >= MAX_HOLDERS:
        return Outcome(group, watch, limited=True)
    return _decided(replace(group, holders=(*group.holders, told.owner)), told.node, rules)._replace(watch=watch)


def heard(group: Group, name: str, identifier: str, label: Label, rules: IdentityRules) -> Outcome:
    """One of the identifiers has said whom it stands for."""
    return _decided(replace(group, labels=group.labels | {identifier: label}), name, rules)


def _decided(group: Group, name: str, rules: IdentityRules) -> Outcome:
    """Who hands over, now that this is known."""
    if len(group.labels) < len(group.names):
        return Outcome(group)
    itself = f"contact:{name}"
    strongest = min(group.names, key=rules.order)
    claim = Claim(rules.rank(strongest), 0, "", "", strongest)
    owner = placing.place(claim, group.labels, itself, rules=rules).owner
    if owner == itself:
        leaving = [each for each in group.holders if not each.startswith("contact:")]
    else:
        leaving = [each for each in group.holders if each != owner]
    if not leaving:
        return Outcome(group)
    holders = (*(each for each in group.holders if each not in leaving and each != owner), owner)
    past = tuple(dict.fromkeys([*(each for each in group.past if each != owner), *leaving]))[-MAX_HOLDERS:]
    return Outcome(replace(group, holders=holders, past=past), (), tuple(Move(each, owner) for each in leaving))
