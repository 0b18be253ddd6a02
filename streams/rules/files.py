"""The rule files: what each may say, and the rules that they make together.

A rule is a dataclass of the room that goes by it (such as `streams.alerts.rules.AlertRule`); here are the files that
hold them, and those that say a rule in other words.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from schemas.data import CHANNELS
from streams.alerts.handling import Handlings
from streams.alerts.rules import AlertRule, AlertsFile
from streams.base.times import DAY_MS
from streams.base.units import FROM_FILES, LANGUAGE, Flag, RuleName, Text, TierName, as_written
from streams.contacts.rules import ContactRules
from streams.customers.callbacks import WITHIN_MS
from streams.customers.journey_rules import JourneyRules
from streams.customers.outreach_rules import OutreachRules
from streams.customers.rules import AlertRules, CustomerRules
from streams.customers.scores import SegmentRules
from streams.customers.services import ServiceRules
from streams.customers.silences import SilenceRules
from streams.customers.worth import Bounds, Parts, WorthRules
from streams.hours.calendars import Hours
from streams.identity.nobody import Nobody, values_of
from streams.identity.rules import IdentityRules
from streams.intake.behaviours import Behaviours
from streams.intake.deadlines import Deadlines
from streams.intake.intents import Intents, intents_of, words_of
from streams.metrics.groups import name_of
from streams.metrics.rules import KpiPolicy, Rule
from streams.policies.policy import Policy
from streams.quality.rules import QualityFile, QualityRules
from streams.rules.behaviours import BehavioursFile
from streams.signals.rules import SignalRules


@dataclass(frozen=True, slots=True)
class Tier:
    """A class of customers; ``order`` grows with its standing, ``high``: alerts watch it."""

    order: Annotated[int, Strict()]
    high: Flag = False
    value: Bounds | None = None
    """From which value on a customer is of it; None = only who is given it."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a worker decides by."""

    tiers: dict[str, Tier]
    """By name, the highest first."""
    customers: CustomerRules
    kpis: KpiPolicy
    nobody: Nobody
    intents: Intents
    behaviours: Behaviours
    """What finds them in agents' texts."""
    deadlines: Deadlines
    """What reads by when they are to be kept that are promises."""
    identity: IdentityRules = field(default_factory=IdentityRules)
    signals: SignalRules = field(default_factory=SignalRules)
    handlings: Handlings = field(default_factory=Handlings)
    """What becomes of alerts."""


@dataclass(frozen=True, slots=True)
class TiersFile:
    tiers: Annotated[dict[TierName, Tier], Field(min_length=1)]
    value: Parts = field(default_factory=Parts)

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        orders = [tier.order for tier in self.tiers.values()]
        if len(set(orders)) < len(orders):
            raise ValueError("two tiers have the same order")

    def ordered(self) -> dict[str, Tier]:
        """The highest first."""
        return dict(sorted(self.tiers.items(), key=lambda tier: -tier[1].order))

    def worth(self) -> WorthRules:
        """How tiers follow from the value."""
        lowest_first = reversed(self.ordered().items())
        return WorthRules(tuple((name, tier.value) for name, tier in lowest_first if tier.value), self.value)

    def crossed(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Where a bound is not above that of the tier below: path, and what is wrong."""
        for (low, below), (name, bounds) in pairwise(self.worth().ladder):
            for what in ("enter", "leave"):
                least, given = getattr(below, what), getattr(bounds, what)
                if given <= least:
                    yield ("tiers", name, "value", what), f"must be above that of {low} ({least}), not {given}"


@dataclass(frozen=True, slots=True)
class TrackingFile:
    segments: SegmentRules
    contacts: ContactRules = field(default_factory=ContactRules)
    journeys: JourneyRules = field(default_factory=JourneyRules)
    silence: SilenceRules = field(default_factory=SilenceRules)

    __pydantic_config__ = FROM_FILES


def _counts(name: str, value: str) -> str:
    """Raises ``ValueError`` for a value that would stand for everybody."""
    values_of({name: [value]})
    return value


def _has_words(value: str) -> str:
    if not words_of(value):
        raise ValueError(f"{value!r} has no letter or digit: nothing would be found by it")
    return value


Language = Annotated[str, Strict(), Field(pattern=LANGUAGE)]
Phrase = Annotated[Text, AfterValidator(_has_words)]
Word = Annotated[Text, AfterValidator(partial(_counts, "ids"))]


@dataclass(frozen=True, slots=True)
class NobodyFile:
    shipped: Flag = True
    words: dict[str, list[Word]] = field(default_factory=dict)
    ids: list[Word] = field(default_factory=list)
    parts: list[Word] = field(default_factory=list)
    numbers: list[Annotated[Text, AfterValidator(partial(_counts, "numbers"))]] = field(default_factory=list)
    mailboxes: list[Annotated[Text, AfterValidator(partial(_counts, "mailboxes"))]] = field(default_factory=list)
    domains: list[Annotated[Text, AfterValidator(partial(_counts, "domains"))]] = field(default_factory=list)

    __pydantic_config__ = FROM_FILES

    def rules(self, shipped: Nobody) -> Nobody:
        """Its own values, with those that are shipped unless it says otherwise."""
        said = ("words", "ids", "parts", "numbers", "mailboxes", "domains")
        own = values_of({name: getattr(self, name) for name in said})
        return own | shipped if self.shipped else own


@dataclass(frozen=True, slots=True)
class IntentsFile:
    """What customers say when they want something: intent → language → phrases."""

    intents: dict[RuleName, dict[Language, list[Phrase]]]

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Files:
    """All of them, by their names without ``.yaml``."""

    tiers: TiersFile
    alerts: AlertsFile
    kpis: KpiPolicy
    tracking: TrackingFile
    nobody: NobodyFile
    identity: IdentityRules
    outreach: OutreachRules
    services: ServiceRules
    intents: IntentsFile
    signals: SignalRules
    hours: Hours
    behaviours: BehavioursFile
    quality: QualityFile


def build(files: Files, shipped: Nobody, policy: Policy | None = None, name: str = "") -> Rules:
    """The rules of checked files: what one file decides for the rules of another is put in. ``shipped``: the values for
    nobody to which a deployment's own are added; ``policy``: by which customers are served, of that ``name``."""
    tiers, tracking = files.tiers.ordered(), files.tracking
    kpis = _settling(
        replace(files.kpis, tiers=frozenset(tiers), hours=files.hours), tracking.journeys, tracking.contacts
    )
    high = frozenset(name for name, tier in tiers.items() if tier.high)
    alerts, seen = files.alerts.watching(high), files.behaviours.behaviours
    quality = QualityRules(
        {name: each.human or 0.0 for name, each in seen.items()},
        {name: each.kept_within_ms for name, each in seen.items() if each.kept_within_ms},
        files.quality.queues,
    )
    contacts = replace(
        tracking.contacts,
        lateness_ms=kpis.lateness_ms,
        csat_scale=kpis.csat.scale,
        ces_scale=kpis.ces.scale,
        sentiment_half_life_ms=tracking.segments.half_lives.sentiment,
        friction_half_life_ms=tracking.segments.half_lives.friction,
        intents=files.services.intents,
        negative=files.signals.negative,
        kinds=files.services.by_intent,
        labels=frozenset(chain.from_iterable(kpis.groups)),
        promises=quality.promises,
        checked=quality.checked,
    )
    longest = _longest(tracking.contacts, kpis.lateness_ms)
    customers = CustomerRules(
        contacts,
        tracking.journeys,
        tracking.segments,
        AlertRules(alerts, files.hours),
        replace(
            tracking.silence,
            floor_ms=max(tracking.silence.floor_ms, longest),
            tier_floors={tier: max(floor, longest) for tier, floor in tracking.silence.tier_floors.items()},
        ),
        replace(
            files.outreach,
            rules=tuple(replace(rule, delay_ms=max(rule.delay_ms, kpis.lateness_ms)) for rule in files.outreach.rules),
        ),
        files.tiers.worth(),
        files.services,
        policy,
        quality,
        tuple(map(name_of, kpis.groups)),
        name,
    )
    intents, signals = intents_of(files.intents.intents), replace(files.signals, lateness_ms=kpis.lateness_ms)
    nobody, behaviours = files.nobody.rules(shipped), files.behaviours.detector()
    deadlines = files.behaviours.named_deadlines(behaviours)
    handlings = alerts.handlings()
    return Rules(tiers, customers, kpis, nobody, intents, behaviours, deadlines, files.identity, signals, handlings)


def _settling(kpis: KpiPolicy, journeys: JourneyRules, contacts: ContactRules) -> KpiPolicy:
    """Readings settle when what is known of journeys, call-backs and scores does; calendar windows are kept for
    longer."""
    settles: dict[Rule, int] = {
        "repeat": journeys.repeat_ms,
        "need": journeys.longest_ms,
        "callback": WITHIN_MS,
        "scores": contacts.half_known_ms,
    }
    return replace(
        kpis, settles_ms=settles, day_kept_ms=max(kpis.day_kept_ms, max(settles.values()) + kpis.lateness_ms + DAY_MS)
    )


Mistake = tuple[str, tuple[str | int, ...], str]
"""File, path in it, what is wrong."""


def mistakes(files: Files) -> Iterator[Mistake]:
    """What each file may say for itself, and not beside the others."""
    for path, what in files.quality.unknown(tuple(files.behaviours.behaviours)):
        yield "quality", path, what
    known, lateness = files.tiers.tiers, files.kpis.lateness_ms
    names = ", ".join(sorted(known))
    for tier in files.tracking.silence.tier_floors.keys() - known.keys():
        yield "tracking", ("silence", "tier_floors", tier), f"{tier!r} is not a tier of tiers.yaml ({names})"
    contacts, silence = files.tracking.contacts, files.tracking.silence
    longest = _longest(contacts, lateness)
    too_short = f"must be at least the longest time-out of a contact, {as_written(longest)}"
    if silence.floor_ms < longest:
        yield "tracking", ("silence", "floor"), too_short
    for tier, floor in silence.tier_floors.items():
        if floor < longest:
            yield "tracking", ("silence", "tier_floors", tier), too_short
    for place, rule in enumerate(files.outreach.rules):
        if rule.delay_ms < lateness:
            what = (
                f"must be at least the lateness of kpis.yaml, {as_written(lateness)}: what is told late would be missed"
            )
            yield "outreach", ("rules", place, "delay"), what
        for tier in sorted(rule.tiers - known.keys()):
            yield "outreach", ("rules", place, "tiers"), f"{tier!r} is not a tier of tiers.yaml ({names})"
    for path, what in files.hours.mistakes():
        yield "hours", path, what
    for place, each in enumerate(files.alerts.rules):
        if never := _never_open(each, files.hours):
            what = f"{', '.join(never)}: no opening hours in hours.yaml, by which hours: business could count"
            yield "alerts", ("rules", place, "queues"), what


def _never_open(rule: AlertRule, hours: Hours) -> list[str]:
    """The queues without opening hours of a rule that goes by those of the queue."""
    if rule.hours != "business" or not hours.calendars:
        return []
    channels = rule.channels or CHANNELS
    return [queue for queue in sorted(rule.queues) if not any(hours.name(channel, queue) for channel in channels)]


def _longest(contacts: ContactRules, lateness_ms: int) -> int:
    """A contact that goes on is no silence: none is shorter than this (ms)."""
    return max(contacts.timeout, *contacts.channel_timeouts.values(), lateness_ms)
