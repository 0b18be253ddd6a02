"""Where a customer stands, as a capability: the score and the segment (`streams.customers.scores`), the tier and where
it comes from, the type of service the customer expects (`streams.customers.services`), and what each is made of.

Sums of contacts that are no longer kept lie apart by group, so that those of a group can go to another customer.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from msgspec.structs import replace

from streams.base.records import NO_TIER
from streams.base.times import iso
from streams.contacts.contact import Contact
from streams.contacts.histories import Lives
from streams.customers import scores, services
from streams.customers.follow import After, Follower, View, own_out
from streams.customers.scores import COMPONENTS, DORMANT, NOBODY, NONE, Score, SegmentRules, Standing, known
from streams.customers.services import Part, ServiceRules, TypeScore
from streams.customers.tiers import source_of, tier_at

CONTACT = "contact"
"""Where a tier comes from that a contact's events said."""
MAX_GROUPS = 16
"""Groups of contacts whose sums are kept apart; of more, those heard of first stay for good."""
MAX_REASONS = 5
SCORE_BYTES = 1_400
"""JSON bytes of a score as it was last published, at most."""
NAMELESS = "contact:"
"""Owners of which nothing but one contact is known: they have no segment."""


class Assessed(NamedTuple):
    """A score, and what it and those of the service types are made of."""

    score: Score
    parts: tuple[Part, ...]
    """``share`` in tenths."""
    types: tuple[TypeScore, ...]


class KnownSegment(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a customer's standing."""

    standing: Standing = NOBODY
    """By the contacts that are no longer kept."""
    score: Score | None = None
    """As it was last published."""
    revision: int = 0
    groups: dict[str, Standing] = {}
    """By contacts that may go to another customer, those of a group together (`Contact.group`)."""


class Segments(Follower[KnownSegment]):
    """State: the sums behind a score, and the score that was published."""

    name = "segments"
    empty = KnownSegment()

    def __init__(self, rules: SegmentRules, service_rules: ServiceRules) -> None:
        self.rules, self.services = rules, service_rules

    def settled(self, state: KnownSegment, finished: Lives, view: View) -> KnownSegment:
        stay = [contact for contact in finished if not contact.group]
        groups = state.groups
        for contact in finished:
            if contact.group:
                known = groups.get(contact.group, NOBODY)
                groups = groups | {contact.group: self._total(known, [contact])}
        return self._fitting(replace(state, standing=self._total(state.standing, stay), groups=groups))

    def handed(self, state: KnownSegment, group: str, view: View) -> tuple[KnownSegment, bytes | None]:
        standing = state.groups.get(group)
        if standing is None:
            return state, None
        kept = {name: each for name, each in state.groups.items() if name != group}
        return replace(state, groups=kept), msgspec.json.encode(standing)

    def absorbed(self, state: KnownSegment, group: str, piece: bytes, view: View) -> KnownSegment:
        came, known = _standing_of(piece), state.groups.get(group)
        standing = came if known is None else self._join(known, came)
        return self._fitting(replace(state, groups=state.groups | {group: standing}))

    def _fitting(self, state: KnownSegment) -> KnownSegment:
        """With so many groups at most."""
        over = len(state.groups) - MAX_GROUPS
        if over <= 0:
            return state
        oldest = sorted(state.groups, key=lambda name: (state.groups[name].last or 0, name))[:over]
        standing = state.standing
        for name in oldest:
            standing = self._join(standing, state.groups[name])
        kept = {name: each for name, each in state.groups.items() if name not in oldest}
        return replace(state, standing=standing, groups=kept)

    def _total(self, standing: Standing, contacts: Iterable[Contact]) -> Standing:
        """With the contacts that are not in it yet."""
        for contact in contacts:
            standing = self._join(standing, scores.of(contact, self.services))
        return standing

    def _join(self, one: Standing, other: Standing) -> Standing:
        return scores.join(one, other, self.rules, self.services)

    def passed(self, state: KnownSegment, view: View) -> After[KnownSegment]:
        return After(state, look=True)

    def due(self, state: KnownSegment, view: View) -> int | None:
        return state.score.dormant_at if state.score is not None and state.score.segment != DORMANT else None

    def publish(self, state: KnownSegment, view: View) -> After[KnownSegment] | None:
        if view.owner.startswith(NAMELESS):
            return None
        lives = [contact for history in view.histories.values() for contact in history.lives]
        if len(lives) > 1:
            lives.sort(key=lambda contact: (contact.started, contact.id, contact.channel))
        standing = state.standing
        for each in state.groups.values():
            standing = self._join(standing, each)
        standing = self._total(standing, lives)
        if standing.last is None:  # every contact went to another customer
            return None if state.score is None else After(replace(state, score=None))
        found = self._assessed(standing, view)
        if found.score == state.score:
            return None
        revision = state.revision + 1
        told = record(found, state.score, (view.owner, view.line, revision))
        return After(replace(state, score=found.score, revision=revision), own_out("segments", [told], view))

    def _assessed(self, standing: Standing, view: View) -> Assessed:
        """The score, and beside it the tier and the types of service."""
        score, parts = scores.assess(standing, view.now, self.rules)
        types = services.assess(standing.behaviour, score.at, _since(standing, view), self.services)
        name, confidence = services.type_of(types, self.services)
        tier, told = tier_at(view.tiers, None), standing.tier
        score = replace(
            score,
            tier=tier or (told[1] if told else NO_TIER),
            tier_from=source_of(view.tiers) or (CONTACT if told else NONE),
            type=name,
            confidence=confidence,
            types=tuple([each.milli for each in types]),
            parts=_checksum(chain(parts, *(each.parts for each in types))),
        )
        return Assessed(score, parts, types)

    def unpublished(self, state: KnownSegment) -> KnownSegment:
        return KnownSegment(state.standing, groups=state.groups)

    def shown_bytes(self, state: KnownSegment, view: View) -> int:
        return SCORE_BYTES

    def stands(self, state: KnownSegment, owner: str) -> bool:
        return not owner.startswith(NAMELESS) and (state.standing != NOBODY or bool(state.groups))


_standing_of = msgspec.json.Decoder(Standing).decode


def _since(standing: Standing, view: View) -> int | None:
    """When the customer became one, as far as is known."""
    return min(known(standing.first, view.customer_since), default=None)


def _checksum(parts: Iterable[Part]) -> int:
    return crc32(repr([(part.what, part.share, round(part.value, 3)) for part in parts]).encode())


def record(found: Assessed, was: Score | None, name: tuple[str, str, int]) -> dict[str, Any]:
    """The record on the topic ``segments``. ``was``: the score as it was published last; ``name``: owner, line and
    revision."""
    score, (owner, line, revision) = found.score, name
    return {
        "customer": owner,
        "segment": score.segment,
        "score": score.score,
        "tier": score.tier,
        "updated": iso(score.at),
        "components": {name: getattr(score, name) for name in COMPONENTS},
        "revision": revision,
        "line": line,
        "tier_from": score.tier_from,
        "contributions": [_contribution(part, 10) for part in found.parts],
        "type": score.type,
        "confidence": score.confidence / 1000,
        "types": [
            {
                "type": each.name,
                "score": each.milli / 1000,
                "contributions": [_contribution(part, 1000) for part in each.parts],
            }
            for each in found.types
        ],
        "reasons": _reasons(found.types),
        "before": None if was is None else _essence(was),
        "changed": [] if was is None else _changed(was, score),
    }


def _contribution(part: Part, units: int) -> dict[str, Any]:
    """``units``: of the share in 1."""
    return {
        "what": part.what,
        "weight": round(part.weight, 3),
        "value": round(part.value, 3),
        "contribution": part.share / units,
    }


def _reasons(types: Iterable[TypeScore]) -> list[dict[str, Any]]:
    """What contributes most to the scores of types."""
    found = [(part.share, each.name, part.what) for each in types for part in each.parts if part.share]
    found.sort(key=lambda each: (-each[0], *each[1:]))
    return [{"type": name, "what": what, "contribution": share / 1000} for share, name, what in found[:MAX_REASONS]]


_ESSENCE = ("segment", "score", "tier", "tier_from", "type")


def _essence(score: Score) -> dict[str, Any]:
    return {name: getattr(score, name) for name in _ESSENCE}


def _changed(was: Score, score: Score) -> list[str]:
    return [name for name in _ESSENCE if getattr(was, name) != getattr(score, name)]
