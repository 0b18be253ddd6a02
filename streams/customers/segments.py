"""Where a customer stands: a score from 0 (lost) to 100 (well), and a segment.

Everything is as of the customer's latest event T, or of the moment the customer fell dormant; d(x, h) = Σ
x·2^(−(T−t)/h) over events of time t:

- recency   = 100·2^(−(T − last inbound contact)/h_r)
- frequency = 100·(1 − 2^(−n/n½)),  n = d(inbound contacts, h_f)
- sentiment = 50·(1 + m),  m = d(sentiment, h_s)/d(1, h_s) over the customer's messages; 50 where there are none
- friction  = 100·2^(−p/p½),  p = d(points of friction, h_p); 100 = no friction at all
- score     = the mean of the four by their weights

A contact counts at its start, when the customer opened it. The first that holds: *dormant*: no inbound contact for the
dormancy; *at-risk*: sentiment or friction below the limit; *new*: few contacts and known for a short time; *loyal*:
more contacts, and a score from the limit on; else *active*.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec.structs import replace
from pydantic import Field

from streams.base import decay
from streams.base.decay import Decayed
from streams.base.records import NO_TIER
from streams.base.times import iso
from streams.base.units import FROM_FILES, Count, Duration, Percent, Positive, Span, Weight
from streams.contacts.contact import Contact
from streams.contacts.histories import Lives
from streams.customers.follow import After, Follower, View, own_out
from streams.customers.tiers import tier_at


@dataclass(frozen=True, slots=True)
class HalfLives:
    """After which something counts half as much, ms."""

    recency: Span
    frequency: Span
    sentiment: Span
    friction: Span

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class HalfAt:
    """``frequency``: contacts (decayed) that give 50 points of it; ``friction``: points (decayed) that leave 50."""

    frequency: Positive
    friction: Positive

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the four components; any numbers of which not all are 0."""

    recency: Weight
    frequency: Weight
    sentiment: Weight
    friction: Weight

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if not self.recency + self.frequency + self.sentiment + self.friction:
            raise ValueError("at least one weight must be above 0")


@dataclass(frozen=True, slots=True)
class New:
    """A customer is new with fewer contacts, and known for a shorter time (ms)."""

    contacts: Count
    known_for: Duration

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """``segments`` of tracking.yaml: half-lives, scales, weights and limits of the score. A file says all
    of it: a score of which a part is somebody else's says nothing.
    """

    half_lives: HalfLives
    half_at: HalfAt
    weights: Weights
    new: New
    dormant_after_ms: Annotated[Span, Field(alias="dormant_after")]
    at_risk_below: Percent
    loyal_from: Percent

    __pydantic_config__ = FROM_FILES


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sums behind a score."""

    inbound: Decayed = decay.NOTHING
    mood: Decayed = decay.NOTHING
    friction: Decayed = decay.NOTHING
    contacts: int = 0
    first: int | None = None
    last: int | None = None
    last_inbound: int | None = None
    tier: tuple[int, str] | None = None
    """(start, tier) of the latest contact whose events said a tier."""


T = TypeVar("T")

NOBODY = Standing()
DORMANT = "dormant"
MAX_GROUPS = 16
"""Groups of contacts, each with sums of its own."""
_encode = msgspec.json.Encoder().encode
_standing = msgspec.json.Decoder(Standing).decode
SCORE_BYTES = 900
"""JSON bytes of a score as it was last published, at most."""
NAMELESS = "contact:"
"""Owners of which nothing but one contact is known: they have no segment."""


class Score(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The score and what it is made of; every number from 0 to 100, rounded to one decimal."""

    segment: str
    score: float
    recency: float
    frequency: float
    sentiment: float
    friction: float
    at: int
    tier: str
    dormant_at: int
    """Stream time after which the customer is dormant, if nothing comes."""


class KnownSegment(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a customer's standing."""

    standing: Standing = NOBODY
    """By the contacts that are no longer kept."""
    score: Score | None = None
    """As it was last published."""
    revision: int = 0
    groups: dict[str, Standing] = {}
    """By those that may go to another customer, by their group."""


class Segments(Follower[KnownSegment]):
    """State: the sums behind a score, and the score that was published."""

    name = "segments"
    empty = KnownSegment()

    def __init__(self, rules: SegmentRules) -> None:
        self.rules = rules

    def settled(self, state: KnownSegment, finished: Lives, view: View) -> KnownSegment:
        groups = dict(state.groups)
        for group in {contact.group for contact in finished if contact.group}:
            of_it = [contact for contact in finished if contact.group == group]
            groups[group] = total(groups.get(group, NOBODY), of_it, self.rules)
        stay = [contact for contact in finished if not contact.group]
        return self._bounded(replace(state, standing=total(state.standing, stay, self.rules), groups=groups))

    def handed(self, state: KnownSegment, group: str, view: View) -> tuple[KnownSegment, bytes | None]:
        going = state.groups.get(group)
        if going is None:
            return state, None
        groups = {name: each for name, each in state.groups.items() if name != group}
        return replace(state, groups=groups), _encode(going)

    def absorbed(self, state: KnownSegment, group: str, piece: bytes, view: View) -> KnownSegment:
        both = joined((state.groups.get(group, NOBODY), _standing(piece)), self.rules)
        return self._bounded(replace(state, groups=state.groups | {group: both}))

    def _bounded(self, state: KnownSegment) -> KnownSegment:
        """Of too many groups those that were quiet for longest stay with the customer."""
        if len(state.groups) <= MAX_GROUPS:
            return state
        names = sorted(state.groups, key=lambda name: (state.groups[name].last or 0, name))
        quiet = names[: len(names) - MAX_GROUPS]
        standing = joined((state.standing, *(state.groups[name] for name in quiet)), self.rules)
        return replace(state, standing=standing, groups={name: state.groups[name] for name in names[len(quiet) :]})

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
        standing = total(joined((state.standing, *state.groups.values()), self.rules), lives, self.rules)
        if standing.last is None:  # its contacts went to another customer: without them nothing is due
            return None if state.score is None else After(replace(state, score=None))
        tier = tier_at(view.tiers, None) or (standing.tier[1] if standing.tier else NO_TIER)
        score = assess(standing, tier, view.now, self.rules)
        if score == state.score:
            return None
        after = KnownSegment(state.standing, score, state.revision + 1, state.groups)
        return After(after, own_out("segments", [record(score, view.owner, view.line, after.revision)], view))

    def unpublished(self, state: KnownSegment) -> KnownSegment:
        return KnownSegment(state.standing, groups=state.groups)

    def shown_bytes(self, state: KnownSegment, view: View) -> int:
        return SCORE_BYTES

    def stands(self, state: KnownSegment, owner: str) -> bool:
        return not owner.startswith(NAMELESS) and (state.standing != NOBODY or bool(state.groups))


def of(contact: Contact) -> Standing:
    """What one contact adds; of one that goes on, what came since it was over."""
    inbound, again = not contact.ours, contact.before is not None
    return Standing(
        Decayed(1.0, 1.0, contact.started) if inbound and not again else decay.NOTHING,
        contact.mood,
        contact.friction,
        contacts=0 if again else 1,
        first=contact.started,
        last=contact.last,
        last_inbound=contact.started if inbound else None,
        tier=(contact.started, contact.tier) if contact.tier else None,
    )


def join(one: Standing, other: Standing, rules: SegmentRules) -> Standing:
    """Both together: commutative and associative up to rounding."""
    return Standing(
        decay.merge(one.inbound, other.inbound, rules.half_lives.frequency),
        decay.merge(one.mood, other.mood, rules.half_lives.sentiment),
        decay.merge(one.friction, other.friction, rules.half_lives.friction),
        one.contacts + other.contacts,
        min(_known(one.first, other.first), default=None),
        max(_known(one.last, other.last), default=None),
        max(_known(one.last_inbound, other.last_inbound), default=None),
        max(_known(one.tier, other.tier), default=None),
    )


def joined(standings: Iterable[Standing], rules: SegmentRules) -> Standing:
    """All of them together."""
    found = NOBODY
    for standing in standings:
        if standing.last is not None:
            found = standing if found.last is None else join(found, standing, rules)
    return found


def total(standing: Standing, contacts: Iterable[Contact], rules: SegmentRules) -> Standing:
    """With the contacts that are not in it yet."""
    for contact in contacts:
        standing = of(contact) if standing.last is None else join(standing, of(contact), rules)
    return standing


def _known(*values: T | None) -> list[T]:
    return [value for value in values if value is not None]


def dormant_at(standing: Standing, rules: SegmentRules) -> int | None:
    """The customer is dormant when stream time passes this."""
    since = standing.last_inbound if standing.last_inbound is not None else standing.first
    return None if since is None else since + rules.dormant_after_ms


def assess(standing: Standing, tier: str, now: int | None, rules: SegmentRules) -> Score:
    """The score of a customer with at least one contact. ``now``: stream time, which only decides on dormancy."""
    first, last, falls = standing.first, standing.last, dormant_at(standing, rules)
    if first is None or last is None or falls is None:
        raise ValueError("a standing without contacts has no score")
    dormant = (now is not None and now > falls) or last > falls
    as_of = max(last, falls) if dormant else last
    recency = 100 * decay.factor(as_of - (falls - rules.dormant_after_ms), rules.half_lives.recency)
    inbound = decay.total_at(standing.inbound, as_of, rules.half_lives.frequency)
    mood, points = standing.mood, decay.total_at(standing.friction, as_of, rules.half_lives.friction)
    frequency = 100 * (1 - 2 ** (-inbound / rules.half_at.frequency))
    sentiment = 50 * (1 + mood.total / mood.weight / 1000) if mood.weight else 50.0
    friction = 100 * 2 ** (-points / rules.half_at.friction)
    parts_of = rules.weights
    weights = (parts_of.recency, parts_of.frequency, parts_of.sentiment, parts_of.friction)
    parts = (recency, frequency, sentiment, friction)
    score = sum(weight * part for weight, part in zip(weights, parts, strict=True)) / sum(weights)
    if dormant:
        segment = DORMANT
    elif min(sentiment, friction) < rules.at_risk_below:
        segment = "at-risk"
    elif standing.contacts < rules.new.contacts and as_of - first < rules.new.known_for:
        segment = "new"
    else:
        segment = "loyal" if score >= rules.loyal_from and standing.contacts >= rules.new.contacts else "active"
    score, recency, frequency, sentiment, friction = (round(number, 1) for number in (score, *parts))
    return Score(segment, score, recency, frequency, sentiment, friction, as_of, tier, falls)


def record(score: Score, owner: str, line: str, revision: int) -> dict[str, Any]:
    """The record on the topic ``segments``."""
    return {
        "customer": owner,
        "segment": score.segment,
        "score": score.score,
        "tier": score.tier,
        "updated": iso(score.at),
        "components": {name: getattr(score, name) for name in ("recency", "frequency", "sentiment", "friction")},
        "revision": revision,
        "line": line,
    }
