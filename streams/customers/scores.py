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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec
from pydantic import Field

from streams.base import decay
from streams.base.decay import Decayed
from streams.base.records import NO_TIER
from streams.base.units import FROM_FILES, Count, Duration, Percent, Positive, Span, Weight
from streams.contacts.contact import Contact
from streams.contacts.trend import Feelings, Trend, latest, together
from streams.customers import services
from streams.customers.services import Behaviour, Part, ServiceRules


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
    behaviour: Behaviour = services.UNKNOWN
    feelings: Feelings = ()
    """The customer's latest, times since 1970."""


T = TypeVar("T", int, tuple[int, str])

NOBODY = Standing()
DORMANT = "dormant"
NONE = "none"
"""Where a tier comes from that nobody knows."""
COMPONENTS = ("recency", "frequency", "sentiment", "friction")


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
    tier_from: str = NONE
    type: str = services.NONE
    confidence: int = 0
    """Thousandths, as the next."""
    types: tuple[int, ...] = ()
    """The scores of the service types, in the rules' order."""
    parts: int = 0
    """A number for what they are made of."""
    trend: Trend | None = None
    """Where the customer's feeling goes; it counts in no score."""


def of(contact: Contact, rules: ServiceRules) -> Standing:
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
        behaviour=services.of(contact, rules),
        feelings=latest({(contact.started + time, milli) for time, milli in contact.feelings}),
    )


def join(one: Standing, other: Standing, rules: SegmentRules, service_rules: ServiceRules) -> Standing:
    """Both together: commutative and associative up to rounding."""
    if one.last is None:
        return other
    return Standing(
        decay.merge(one.inbound, other.inbound, rules.half_lives.frequency),
        decay.merge(one.mood, other.mood, rules.half_lives.sentiment),
        decay.merge(one.friction, other.friction, rules.half_lives.friction),
        one.contacts + other.contacts,
        other.first if one.first is None or (other.first is not None and other.first < one.first) else one.first,
        later(one.last, other.last),
        later(one.last_inbound, other.last_inbound),
        later(one.tier, other.tier),
        services.join(one.behaviour, other.behaviour, service_rules),
        together(one.feelings, other.feelings),
    )


def later(one: T | None, other: T | None) -> T | None:
    """The greater one of those that are known."""
    return one if other is None or (one is not None and one >= other) else other


def dormant_at(standing: Standing, rules: SegmentRules) -> int | None:
    """The customer is dormant when stream time passes this."""
    since = standing.last_inbound if standing.last_inbound is not None else standing.first
    return None if since is None else since + rules.dormant_after_ms


def assess(standing: Standing, now: int | None, rules: SegmentRules) -> tuple[Score, Sequence[Part]]:
    """The score of a customer with at least one contact, and its parts, the largest first. ``now``: stream time, which
    only decides on dormancy."""
    first, last, falls = standing.first, standing.last, dormant_at(standing, rules)
    if first is None or last is None or falls is None:
        raise ValueError("a standing without contacts has no score")
    dormant = (now is not None and now > falls) or last > falls
    as_of = max(last, falls) if dormant else last
    recency = 100 * decay.factor(as_of - (falls - rules.dormant_after_ms), rules.half_lives.recency)
    inbound = decay.total_at(standing.inbound, as_of, rules.half_lives.frequency)
    mood, trouble = standing.mood, decay.total_at(standing.friction, as_of, rules.half_lives.friction)
    frequency = 100 * (1 - 2 ** (-inbound / rules.half_at.frequency))
    sentiment = 50 * (1 + mood.total / mood.weight / 1000) if mood.weight else 50.0
    friction = 100 * 2 ** (-trouble / rules.half_at.friction)
    by, parts = rules.weights, (recency, frequency, sentiment, friction)
    weights = (by.recency, by.frequency, by.sentiment, by.friction)
    total = by.recency * recency + by.frequency * frequency + by.sentiment * sentiment + by.friction * friction
    score = total / sum(weights)
    if dormant:
        segment = DORMANT
    elif min(sentiment, friction) < rules.at_risk_below:
        segment = "at-risk"
    elif standing.contacts < rules.new.contacts and as_of - first < rules.new.known_for:
        segment = "new"
    else:
        segment = "loyal" if score >= rules.loyal_from and standing.contacts >= rules.new.contacts else "active"
    score = tenths(score)
    made_of = services.parted(round(10 * score), 10, zip(COMPONENTS, weights, parts, strict=True), total)
    recency, frequency, sentiment, friction = [tenths(part) for part in parts]
    return Score(segment, score, recency, frequency, sentiment, friction, as_of, NO_TIER, falls), made_of


def tenths(number: float) -> float:
    """A number rounded to one decimal, as `round` does, which takes three times as long."""
    found = number * 10
    nearest = int(found + 0.5)
    return round(number, 1) if nearest - found == 0.5 else nearest / 10
