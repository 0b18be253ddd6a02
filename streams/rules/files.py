"""The rule files: what each may say, and the rules that they make together.

A rule is a dataclass of the room that goes by it (such as `streams.customers.waits.WaitRule`); here are the files that
hold them, and those that say a rule in other words.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from streams.base.units import FROM_FILES, Flag, Text, TierName
from streams.contacts.rules import ContactRules
from streams.customers.journeys import JourneyRules
from streams.customers.rules import AlertRules, CustomerRules
from streams.customers.segments import SegmentRules
from streams.identity.nobody import Nobody, values_of
from streams.metrics.rules import KpiPolicy
from streams.signals.rules import SignalRules


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
    nobody: Nobody
    signals: SignalRules = field(default_factory=SignalRules)


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

    def rules(self, shipped: Nobody) -> Nobody:
        """Its own values, with those that are shipped unless it says otherwise."""
        said = ("words", "ids", "parts", "numbers", "mailboxes", "domains")
        own = values_of({name: getattr(self, name) for name in said})
        return own | shipped if self.shipped else own


@dataclass(frozen=True, slots=True)
class Files:
    """All of them, by their names without ``.yaml``."""

    tiers: TiersFile
    alerts: AlertRules
    kpis: KpiPolicy
    tracking: TrackingFile
    nobody: NobodyFile
    signals: SignalRules


def build(files: Files, shipped: Nobody) -> Rules:
    """The rules of checked files: what one file decides for the rules of another is put in. ``shipped``: the values for
    nobody to which a deployment's own are added."""
    tiers, tracking = files.tiers.ordered(), files.tracking
    kpis = replace(files.kpis, tiers=frozenset(tiers))
    high = frozenset(name for name, tier in tiers.items() if tier.high)
    contacts = replace(
        tracking.contacts,
        lateness_ms=kpis.lateness_ms,
        csat_scale=kpis.csat.scale,
        sentiment_half_life_ms=tracking.segments.half_lives.sentiment,
        friction_half_life_ms=tracking.segments.half_lives.friction,
        negative=files.signals.negative,
    )
    customers = CustomerRules(contacts, tracking.journeys, tracking.segments, files.alerts.watching(high))
    signals = replace(files.signals, lateness_ms=kpis.lateness_ms)
    return Rules(tiers, customers, kpis, files.nobody.rules(shipped), signals)
