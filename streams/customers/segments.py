"""Where a customer stands, as a capability: the score and the segment (`streams.customers.scores`), the tier and where
it comes from, the type of service the customer expects (`streams.customers.services`), and what each is made of.

Sums of contacts that are no longer kept lie apart by group, so that those of a group can go to another customer.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import astuple, replace

from streams.base.claims import NAMELESS
from streams.base.records import NO_TIER
from streams.base.times import iso
from streams.contacts.contact import Contact
from streams.contacts.histories import Lives
from streams.contacts.trend import trend, trend_record
from streams.customers import scores, services
from streams.customers.follow import After, Follower, View, own_out
from streams.customers.scores import COMPONENTS, DORMANT, NOBODY, NONE, Score, SegmentRules, Standing
from streams.customers.services import Part, ServiceRules, TypeScore
from streams.customers.tiers import source_of, tier_at

CONTACT = "contact"
"""Where a tier comes from that a contact's events said."""
MAX_GROUPS = 16
"""Groups of contacts whose sums are kept apart; of more, those heard of first stay for good."""
MAX_REASONS = 3
SCORE_BYTES = 1_400
"""JSON bytes of a score as it was last published, at most."""


class Assessed(NamedTuple):
    """A score, and what it and those of the service types are made of."""

    score: Score
    parts: Sequence[Part]
    types: Sequence[TypeScore]


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
        if state.score is None or state.score.segment == DORMANT:
            return None
        gone = not view.histories and not self.stands(state, view.owner)  # every contact went to another customer
        return None if gone else state.score.dormant_at

    def publish(self, state: KnownSegment, view: View) -> After[KnownSegment] | None:
        if view.owner.startswith(NAMELESS):
            return None
        standing = self.whole(state, view)
        if standing.last is None:  # all its contacts went to another customer
            return None if state.score is None else After(replace(state, score=None), own_out("segments", [None], view))
        found = self._assessed(standing, view)
        if state.score is not None and _same(found.score, state.score):
            return None
        revision = state.revision + 1
        told = record(found, state.score, (view.owner, view.line, revision))
        return After(replace(state, score=found.score, revision=revision), own_out("segments", [told], view))

    def whole(self, state: KnownSegment, view: View) -> Standing:
        """The customer's standing, by all contacts."""
        lives = [contact for history in view.histories.values() for contact in history.lives]
        if len(lives) > 1:
            lives.sort(key=lambda contact: (contact.started, contact.id, contact.channel))
        standing = state.standing
        for each in state.groups.values():
            standing = self._join(standing, each)
        return self._total(standing, lives)

    def _assessed(self, standing: Standing, view: View) -> Assessed:
        """The score, and beside it the tier and the types of service."""
        score, parts = scores.assess(standing, view.now, self.rules)
        since, told = standing.first, standing.tier
        if since is None or (view.customer_since is not None and view.customer_since < since):
            since = view.customer_since
        types = services.assess(standing.behaviour, score.at, since, self.services)
        name, confidence = services.type_of(types, self.services)
        tier = tier_at(view.tiers, None)
        score = replace(
            score,
            tier=tier or (told[1] if told else NO_TIER),
            tier_from=source_of(view.tiers) or (CONTACT if told else NONE),
            type=name,
            confidence=confidence,
            types=tuple([each.milli for each in types]),
            parts=services.mark_of(types, self.services),
            trend=trend(standing.feelings),
        )
        return Assessed(score, parts, types)

    def unpublished(self, state: KnownSegment) -> KnownSegment:
        return KnownSegment(state.standing, groups=state.groups)

    def shown_bytes(self, state: KnownSegment, view: View) -> int:
        return SCORE_BYTES

    def stands(self, state: KnownSegment, owner: str) -> bool:
        return not owner.startswith(NAMELESS) and (state.standing != NOBODY or bool(state.groups))


_standing_of = msgspec.json.Decoder(Standing).decode


def record(found: Assessed, was: Score | None, whose: tuple[str, str, int]) -> dict[str, Any]:
    """The record on the topic ``segments``. ``was``: the score as it was published last; ``whose``: owner, line and
    revision."""
    score, (owner, line, revision) = found.score, whose
    best = next((parts for name, _, parts in found.types if name == score.type), ())
    reasons = [part["what"] for part in best[:MAX_REASONS]]
    before, changed = (None, []) if was is None else _compared(was, score)
    return {
        "customer": owner,
        "segment": score.segment,
        "score": score.score,
        "tier": score.tier,
        "updated": iso(score.at),
        "components": dict(zip(COMPONENTS, _components_of(score), strict=True)),
        "revision": revision,
        "line": line,
        "tier_from": score.tier_from,
        "contributions": found.parts,
        "type": score.type,
        "confidence": score.confidence / 1000,
        "types": [{"type": name, "score": milli / 1000, "contributions": parts} for name, milli, parts in found.types],
        "reasons": reasons,
        "before": before,
        "changed": changed,
        "sentiment_trend": trend_record(score.trend),
    }


def _same(score: Score, was: Score) -> bool:
    """Was that published? In a row of the version before, which knew no types, as far as it said something."""
    if score == was:
        return True
    known_before = was.types or not score.types or score.at != was.at
    return not known_before and Score(*astuple(score)[: len(_BEFORE)]) == was


_BEFORE = Score.__struct_fields__[: Score.__struct_fields__.index("tier_from")]
_components_of = attrgetter(*COMPONENTS)
_ESSENCE = ("segment", "score", "tier", "tier_from", "type")
_essence_of = attrgetter(*_ESSENCE)


def _compared(was: Score, score: Score) -> tuple[dict[str, Any], list[str]]:
    """As it was, and what of that is different now."""
    before, now = _essence_of(was), _essence_of(score)
    told = dict(zip(_ESSENCE, before, strict=True))
    if before == now:
        return told, []
    return told, [name for name, old, new in zip(_ESSENCE, before, now, strict=True) if old != new]
