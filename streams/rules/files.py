"""The rule files: what each may say, and the rules that they make together.

A rule is a dataclass of the room that goes by it (such as `streams.customers.waits.WaitRule`); here are the files that
hold them, and those that say a rule in other words.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict

from streams.base.times import HOUR_MS, SECOND_MS
from streams.base.units import FROM_FILES, Duration, Flag, Span, Text, TierName, Zone
from streams.contacts.rules import ContactRules
from streams.customers.feelings import SentimentRule
from streams.customers.journeys import JourneyRules
from streams.customers.rules import CustomerRules
from streams.customers.segments import SegmentRules
from streams.customers.waits import WaitRule
from streams.identity.nobody import Nobody, shipped, values_of
from streams.metrics.rules import UTC, KpiPolicy, Window


@dataclass(frozen=True, slots=True)
class Tier:
    """A class of customers; ``order`` grows with its standing, ``high``: alerts watch it."""

    order: Annotated[int, Strict()]
    high: Flag = False

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a worker decides by."""

    tiers: dict[str, Tier]
    """By name, the highest first."""
    customers: CustomerRules
    kpis: KpiPolicy
    nobody: Nobody = field(default_factory=shipped)


@dataclass(frozen=True, slots=True)
class TiersFile:
    tiers: Annotated[dict[TierName, Tier], Field(min_length=1)]

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        orders = [tier.order for tier in self.tiers.values()]
        if len(set(orders)) < len(orders):
            raise ValueError("two tiers have the same order")

    def ordered(self) -> dict[str, Tier]:
        """The highest first."""
        return dict(sorted(self.tiers.items(), key=lambda tier: -tier[1].order))


@dataclass(frozen=True, slots=True)
class AlertsFile:
    """A list of rules for each kind of alert."""

    wait: tuple[WaitRule, ...] = ()
    sentiment: tuple[SentimentRule, ...] = ()

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.wait] + [rule.name for rule in self.sentiment]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules have the same name: {', '.join(twice)}")


@dataclass(frozen=True, slots=True)
class ServiceLevelEntry:
    threshold: Duration = 20 * SECOND_MS
    queues: dict[str, Duration] = field(default_factory=dict)

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class WindowEntry:
    length: Span | Literal["day"]
    every: Span

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        self.rule()

    def rule(self) -> Window:
        return Window(None if self.length == "day" else self.length, self.every)


@dataclass(frozen=True, slots=True)
class CsatEntry:
    scale: Annotated[list[Annotated[int, Strict()]], Field(min_length=2, max_length=2)] = field(
        default_factory=lambda: [1, 5]
    )
    satisfied_from: Annotated[int, Strict()] = 4

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        low, high = self.scale
        if not low < self.satisfied_from <= high:
            raise ValueError(
                f"satisfied_from ({self.satisfied_from}) must be above {low} and at most {high}, the scale's ends"
            )


@dataclass(frozen=True, slots=True)
class VocabularyEntry:
    queues: list[Text] = field(default_factory=list)
    max_queues: Annotated[int, Strict(), Field(ge=1, le=10_000)] = 1000
    max_tiers: Annotated[int, Strict(), Field(ge=1, le=10_000)] = 1000
    max_series: Annotated[int, Strict(), Field(ge=1, le=100_000)] = 4000

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class KpisFile:
    windows: Annotated[list[WindowEntry], Field(min_length=1)]
    time_zone: Zone = UTC
    lateness: Duration = HOUR_MS
    service_level: ServiceLevelEntry = field(default_factory=ServiceLevelEntry)
    short_abandon: Duration = 5 * SECOND_MS
    csat: CsatEntry = field(default_factory=CsatEntry)
    vocabulary: VocabularyEntry = field(default_factory=VocabularyEntry)

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        self.rules(())

    def rules(self, tiers: Iterable[str]) -> KpiPolicy:
        """With these tiers."""
        return KpiPolicy(
            threshold_ms=self.service_level.threshold,
            thresholds_by_queue=dict(self.service_level.queues),
            short_abandon_ms=self.short_abandon,
            windows=tuple(window.rule() for window in self.windows),
            time_zone=self.time_zone,
            lateness_ms=self.lateness,
            csat_scale=(self.csat.scale[0], self.csat.scale[1]),
            csat_satisfied_from=self.csat.satisfied_from,
            queues=frozenset([*self.vocabulary.queues, *self.service_level.queues]),
            tiers=frozenset(tiers),
            max_queues=self.vocabulary.max_queues,
            max_tiers=self.vocabulary.max_tiers,
            max_lanes=self.vocabulary.max_series,
        )


@dataclass(frozen=True, slots=True)
class TrackingFile:
    segments: SegmentRules
    contacts: ContactRules = field(default_factory=ContactRules)
    journeys: JourneyRules = field(default_factory=JourneyRules)

    __pydantic_config__ = FROM_FILES


def _counts(name: str, value: str) -> str:
    """Raises ``ValueError`` for a value that would stand for everybody."""
    values_of({name: [value]})
    return value


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

    def rules(self) -> Nobody:
        said = ("words", "ids", "parts", "numbers", "mailboxes", "domains")
        own = values_of({name: getattr(self, name) for name in said})
        return own | shipped() if self.shipped else own


@dataclass(frozen=True, slots=True)
class Files:
    """All of them, by their names without ``.yaml``."""

    tiers: TiersFile
    alerts: AlertsFile
    kpis: KpisFile
    tracking: TrackingFile
    nobody: NobodyFile


def build(files: Files) -> Rules:
    """The rules of checked files: what one file decides for the rules of another is put in."""
    tiers, alerts, tracking = files.tiers.ordered(), files.alerts, files.tracking
    kpis = files.kpis.rules(tiers)
    high = frozenset(name for name, tier in tiers.items() if tier.high)
    contacts = replace(
        tracking.contacts,
        lateness_ms=kpis.lateness_ms,
        csat_scale=kpis.csat_scale,
        sentiment_half_life_ms=tracking.segments.half_lives.sentiment,
        friction_half_life_ms=tracking.segments.half_lives.friction,
    )
    customers = CustomerRules(
        contacts,
        tracking.journeys,
        tracking.segments,
        tuple(rule if rule.tiers else replace(rule, tiers=high) for rule in alerts.wait),
        tuple(rule if rule.tiers else replace(rule, tiers=high) for rule in alerts.sentiment),
    )
    return Rules(tiers, customers, kpis, files.nobody.rules())
