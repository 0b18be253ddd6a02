"""What a customer expects of a service, by type: a score from 0 to 1 each, from behaviour.

What speaks for a type is counted in *points* by its weight, and half as much after every half-life. With p the points
of a type as of a time T, the customer's latest event, and p½ those that give half:

- score        = 1 − 2^(−p/p½), in thousandths
- contribution = score·(its points)/p, in thousandths that add up to the score
- confidence   = the highest score less the next one: 0 = nobody can tell
- type         = that with the highest score, when it is high enough; else none

What counts of a contact: what the customer wants (an intent once a contact, when it is first said); and at its start,
when the customer opened it, what it was like. Sums are kept by what counts, not by event, at one time for all.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Annotated, NamedTuple, TypedDict

import msgspec
from pydantic import Field, Strict

from streams.base import decay
from streams.base.channels import SPOKEN
from streams.base.times import DAY_MS, MINUTE_MS
from streams.base.units import FROM_FILES, Positive, RuleName, Span, Weight
from streams.contacts.contact import ANSWERED, CONTAINED, NOTHING, Contact

MESSAGING = frozenset({"messaging", "chat"})
SAME_AGENT, TENURE = "same-agent", "tenure"
BEHAVIOUR = (
    "from-bot", "transferred", "reopened", SAME_AGENT, "human-channel", TENURE, "self-service", "short-contact",
    "messaging",
)  # fmt: skip
"""What counts beside intents; see docs/segmentation.md."""
NONE = "none"
MAX_AGENTS = 12
"""Agents whose contacts are counted; of more, those with fewest (decayed) are forgotten."""
MOST_HALF_LIVES = 1000
"""An intent counts as of the start of its contact, for more than 1 by as many half-lives as it was said later; a float
holds no more."""
MAX_KINDS = 32
"""Weights in all types together, at most: what a customer's sums are kept by."""


Weights = tuple[tuple[str, float], ...]
"""What counts, and how many points each time."""


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """``services.yaml``: half-life and scale of the scores, and what speaks for each type; all times in ms."""

    half_life: Span = 90 * DAY_MS
    half_at: Positive = 3.0
    type_from: Annotated[float, Strict(), Field(ge=0, le=1)] = 0.2
    short: Span = 3 * MINUTE_MS
    long_tenure: Span = 730 * DAY_MS
    types: Annotated[dict[RuleName, dict[RuleName, Weight]], Field(max_length=8)] = field(default_factory=dict)
    counted: frozenset[str] = field(init=False, default=frozenset())
    """What any type counts."""
    weighed: tuple[tuple[str, Weights], ...] = field(init=False, default=())
    """The types and what counts for each, as the file names them: of two types that are equal the first holds."""

    places: dict[str, int] = field(init=False, default_factory=dict)
    """A number for each of what counts."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        weights = [each for of_type in self.types.values() for each in of_type]
        if len(weights) > MAX_KINDS:
            raise ValueError(f"at most {MAX_KINDS} weights, not {len(weights)}")
        if NONE in self.types:
            raise ValueError(f"a type must not be called {NONE}: that is said where there is none")
        counted = (what for of_type in self.types.values() for what, weight in of_type.items() if weight)
        object.__setattr__(self, "counted", frozenset(counted))
        weighed = [(name, tuple((what, by) for what, by in each.items() if by)) for name, each in self.types.items()]
        object.__setattr__(self, "weighed", tuple(weighed))
        object.__setattr__(self, "places", {what: place for place, what in enumerate(sorted(self.counted), 1)})

    @property
    def intents(self) -> frozenset[str]:
        """Those that count."""
        return self.counted - {*BEHAVIOUR}

    @property
    def by_intent(self) -> dict[str, dict[str, float]]:
        """Type → how much each intent speaks for it."""
        return {
            name: {what: by for what, by in each.items() if what not in BEHAVIOUR} for name, each in self.types.items()
        }

    def unknown(self, intents: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
        """The weights of what nobody counts: path, and what is wrong."""
        for name, weights in self.types.items():
            for what in weights:
                if what not in BEHAVIOUR and what not in intents:
                    known = ", ".join(sorted({*BEHAVIOUR, *intents}))
                    yield ("types", name, what), f"is neither behaviour nor an intent of intents.yaml ({known})"


class Behaviour(msgspec.Struct, frozen=True, array_like=True):
    """Decayed counts as of ``at``: by what counts, and the answered contacts by agent."""

    at: int = 0
    counts: dict[str, float] = {}
    agents: dict[str, float] = {}


UNKNOWN = Behaviour()


class Part(TypedDict):
    """What a score is made of, as it is published: ``weight`` times ``value`` are points."""

    what: str
    weight: float
    value: float
    contribution: float


class TypeScore(NamedTuple):
    """The score of a type in thousandths, and its parts, the largest first; they add up to it."""

    name: str
    milli: int
    parts: Sequence[Part]


def of(contact: Contact, rules: ServiceRules) -> Behaviour:
    """What one contact adds; of one that goes on, what came since it was over."""
    counts = {  # as of its start
        what: 2.0 ** min(MOST_HALF_LIVES, (at - contact.started) / rules.half_life) for what, at in contact.intents
    }
    if contact.ours:
        return Behaviour(contact.started, counts) if counts else UNKNOWN
    was = contact.before or NOTHING
    if contact.transfers > was.transfers:
        counts["transferred"] = float(contact.transfers - was.transfers)
    if contact.reopened > was.reopened:
        counts["reopened"] = float(contact.reopened - was.reopened)
    agents = {}
    if contact.outcome == ANSWERED and not was.answered and contact.agent:
        agents[contact.agent] = 1.0
    if contact.before is None and not contact.only_told:
        _like(contact, counts, rules)
    if not (counts or agents):
        return UNKNOWN
    if not rules.counted.issuperset(counts):
        counts = {what: number for what, number in counts.items() if what in rules.counted}
    return Behaviour(contact.started, counts, agents if SAME_AGENT in rules.counted else {})


def _like(contact: Contact, counts: dict[str, float], rules: ServiceRules) -> None:
    """Note what the contact was like. One that is closed because it was idle is not over: that is taken back when it
    goes on."""
    over = not contact.timed_out
    if contact.connected:
        if contact.served:
            counts["from-bot"] = 1.0
        if contact.channel in SPOKEN:
            counts["human-channel"] = 1.0
        if contact.ended is not None and over and contact.talk_ms + contact.hold_ms <= rules.short:
            counts["short-contact"] = 1.0
    if over and contact.outcome == CONTAINED:
        counts["self-service"] = 1.0
    if contact.channel in MESSAGING:
        counts["messaging"] = 1.0


def join(one: Behaviour, other: Behaviour, rules: ServiceRules) -> Behaviour:
    """Both together, as of the later: commutative and associative up to rounding, while there are few agents."""
    if not (other.counts or other.agents):
        return one
    if not (one.counts or one.agents):
        return other
    if one.at > other.at:
        one, other = other, one
    left = decay.factor(other.at - one.at, rules.half_life)
    agents = _added(one.agents, other.agents, left) if one.agents or other.agents else {}
    if len(agents) > MAX_AGENTS:
        agents = dict(sorted(agents.items(), key=lambda each: (-each[1], each[0]))[:MAX_AGENTS])
    return Behaviour(other.at, _added(one.counts, other.counts, left), agents)


def _added(one: Mapping[str, float], other: Mapping[str, float], left: float) -> dict[str, float]:
    found = {name: value * left for name, value in one.items()}
    for name, value in other.items():
        found[name] = found.get(name, 0.0) + value
    return found


def assess(behaviour: Behaviour, at: int, since: int | None, rules: ServiceRules) -> list[TypeScore]:
    """The score of each type as of a time, in the rules' order; ``since``: when the customer became one."""
    left = decay.factor(at - behaviour.at, rules.half_life)
    values = {what: value * left for what, value in behaviour.counts.items()}
    if behaviour.agents:
        values[SAME_AGENT] = max(0.0, max(behaviour.agents.values()) * left - 1)
    if since is not None:
        values[TENURE] = min(1.0, max(0, at - since) / rules.long_tenure)
    return [_score(name, weights, values, rules.half_at) for name, weights in rules.weighed]


def _score(name: str, weights: Weights, values: Mapping[str, float], half_at: float) -> TypeScore:
    found, total = [], 0.0
    for what, weight in weights:
        value = values.get(what)
        if value:
            total += weight * value
            found.append((what, weight, value))
    if not found:
        return TypeScore(name, 0, [])
    milli = round(1000 - 1000 * 2.0 ** (-total / half_at))
    return TypeScore(name, milli, parted(milli, 1000, found, total))


def parted(whole: int, unit: int, found: Iterable[tuple[str, float, float]], total: float) -> list[Part]:
    """A score of so many units of 1 in proportion to points, in units that add up to it, the largest first. ``found``:
    what has points, weight and value of each, in the order of the rules; ``total``: the points."""
    scale = whole / (total or 1.0)
    parts: list[Part] = []
    reached, told = 0.500001, 0  # so that equal points round alike whatever the order in which they were summed
    for what, weight, value in found:
        reached += weight * value * scale
        up_to = int(reached)
        if up_to > told:
            share, shown = (up_to - told) / unit, int(value * 1000 + 0.5) / 1000
            parts.append({"what": what, "weight": weight, "value": shown, "contribution": share})
            told = up_to
    if len(parts) > 1:
        parts.sort(key=_contribution, reverse=True)
    return parts


_contribution = itemgetter("contribution")


def mark_of(scores: Iterable[TypeScore], rules: ServiceRules) -> int:
    """A number that is another one where other things make up scores that are equal."""
    places = rules.places
    return round(1000 * sum([places[part["what"]] * part["value"] for score in scores for part in score.parts]))


_milli = attrgetter("milli")


def type_of(scores: Iterable[TypeScore], rules: ServiceRules) -> tuple[str, int]:
    """The type, and the confidence in it in thousandths."""
    ordered = sorted(scores, key=_milli, reverse=True)
    if not ordered or not ordered[0].milli or ordered[0].milli < rules.type_from * 1000:
        return NONE, 0
    return ordered[0].name, ordered[0].milli - (ordered[1].milli if len(ordered) > 1 else 0)
