"""What the rule files may say (tracking.yaml: `tracking`), and the plain values it becomes."""

import re
from functools import partial
from typing import Annotated, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.data import Channel
from streams.base.channels import LIVE_CHANNELS
from streams.base.policy import SentimentRule, Tier, WaitRule
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.identity.nobody import Nobody, shipped, values_of
from streams.metrics.rules import KpiPolicy, Window

_UNITS = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")


def _milliseconds(value: object) -> int:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a duration: a whole number and ms, s, m, h or d, such as 120s")
    return int(found[1]) * _UNITS[found[2]]


def _positive(value: int) -> int:
    if value <= 0:
        raise ValueError("the duration must be longer than 0")
    return value


def _zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(cast(str, value))
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError("expected a time zone of the tz database, such as Europe/Berlin") from None


Duration = Annotated[int, BeforeValidator(_milliseconds)]
"""``120s`` → milliseconds."""
Span = Annotated[int, BeforeValidator(_milliseconds), AfterValidator(_positive)]
"""A duration longer than 0."""
RuleName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
TierName = Annotated[str, Field(min_length=1, max_length=200)]
Percent = Annotated[float, Field(ge=0, le=100)]
Sentiment = Annotated[float, Field(ge=-1, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class File(BaseModel):
    """Base of all: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def names(self) -> list[str]:
        """Names that other files may use."""
        return []


class TierEntry(File):
    order: int
    high: bool = False


class TiersFile(File):
    tiers: Annotated[dict[TierName, TierEntry], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct_orders(self) -> "TiersFile":
        orders = [entry.order for entry in self.tiers.values()]
        if len(set(orders)) < len(orders):
            raise ValueError("two tiers have the same order")
        return self

    def names(self) -> list[str]:
        return list(self.tiers)

    def rules(self) -> tuple[Tier, ...]:
        """Highest first."""
        tiers = (Tier(name, entry.order, entry.high) for name, entry in self.tiers.items())
        return tuple(sorted(tiers, key=lambda tier: -tier.order))


class WaitEntry(File):
    name: RuleName
    tiers: Annotated[list[TierName], Field(min_length=1)] | None = None
    channels: Annotated[list[Channel], Field(min_length=1)] = sorted(LIVE_CHANNELS)
    limit: Duration = 120 * SECOND_MS
    severity: Literal["info", "warning", "critical"] = "critical"

    def rule(self, high: frozenset[str]) -> WaitRule:
        """``high``: the tiers it watches unless it names its own."""
        tiers = high if self.tiers is None else frozenset(self.tiers)
        return WaitRule(self.name, tiers, self.limit, self.severity, frozenset(self.channels))


class SentimentEntry(File):
    name: RuleName
    tiers: Annotated[list[TierName], Field(min_length=1)] | None = None
    half_life: Span = 30 * MINUTE_MS
    min_messages: Annotated[int, Field(ge=1, le=50)] = 3
    fire_at_or_below: Sentiment = -0.4
    resolve_at_or_above: Sentiment = -0.1
    quiet_after: Span = 2 * HOUR_MS
    severity: Literal["info", "warning", "critical"] = "warning"

    @model_validator(mode="after")
    def _hysteresis(self) -> "SentimentEntry":
        if self.resolve_at_or_above <= self.fire_at_or_below:
            limits = f"resolve_at_or_above ({self.resolve_at_or_above}), fire_at_or_below ({self.fire_at_or_below})"
            raise ValueError(f"{limits}: the first must be above the second")
        return self

    def rule(self, high: frozenset[str]) -> SentimentRule:
        """``high``: the tiers it watches unless it names its own."""
        return SentimentRule(
            self.name,
            high if self.tiers is None else frozenset(self.tiers),
            self.half_life,
            self.min_messages,
            round(self.fire_at_or_below * 1000),
            round(self.resolve_at_or_above * 1000),
            self.quiet_after,
            self.severity,
        )


class AlertsFile(File):
    wait: list[WaitEntry] = []
    sentiment: list[SentimentEntry] = []

    @model_validator(mode="after")
    def _distinct_names(self) -> "AlertsFile":
        names = [rule.name for rule in self.wait] + [rule.name for rule in self.sentiment]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules have the same name: {', '.join(twice)}")
        return self


class ServiceLevelEntry(File):
    threshold: Duration = 20 * SECOND_MS
    queues: dict[str, Duration] = {}


class WindowEntry(File):
    length: Span | Literal["day"]
    every: Span

    @model_validator(mode="after")
    def _possible(self) -> "WindowEntry":
        self.rule()
        return self

    def rule(self) -> Window:
        return Window(None if self.length == "day" else self.length, self.every)


class CsatEntry(File):
    scale: Annotated[list[int], Field(min_length=2, max_length=2)] = [1, 5]
    satisfied_from: int = 4

    @model_validator(mode="after")
    def _inside(self) -> "CsatEntry":
        low, high = self.scale
        if not low < self.satisfied_from <= high:
            raise ValueError(
                f"satisfied_from ({self.satisfied_from}) must be above {low} and at most {high}, the scale's ends"
            )
        return self


class VocabularyEntry(File):
    queues: list[Annotated[str, Field(min_length=1, max_length=200)]] = []
    max_queues: Annotated[int, Field(ge=1, le=10_000)] = 1000
    max_tiers: Annotated[int, Field(ge=1, le=10_000)] = 1000
    max_series: Annotated[int, Field(ge=1, le=100_000)] = 4000


class KpisFile(File):
    time_zone: Annotated[ZoneInfo, BeforeValidator(_zone)] = ZoneInfo("UTC")
    lateness: Duration = HOUR_MS
    service_level: ServiceLevelEntry = ServiceLevelEntry()
    short_abandon: Duration = 5 * SECOND_MS
    windows: Annotated[list[WindowEntry], Field(min_length=1)]
    csat: CsatEntry = CsatEntry()
    vocabulary: VocabularyEntry = VocabularyEntry()

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @model_validator(mode="after")
    def _possible(self) -> "KpisFile":
        self.rules()
        return self

    def rules(self) -> KpiPolicy:
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
            max_queues=self.vocabulary.max_queues,
            max_tiers=self.vocabulary.max_tiers,
            max_lanes=self.vocabulary.max_series,
        )


def _counts(name: str, value: str) -> str:
    """Raises ``ValueError`` for a value that would stand for everybody."""
    values_of({name: [value]})
    return value


Filled = Annotated[str, Field(min_length=1, max_length=200)]
Word = Annotated[Filled, AfterValidator(partial(_counts, "ids"))]


class NobodyFile(File):
    shipped: bool = True
    words: dict[str, list[Word]] = {}
    ids: list[Word] = []
    parts: list[Word] = []
    numbers: list[Annotated[Filled, AfterValidator(partial(_counts, "numbers"))]] = []
    mailboxes: list[Annotated[Filled, AfterValidator(partial(_counts, "mailboxes"))]] = []
    domains: list[Annotated[Filled, AfterValidator(partial(_counts, "domains"))]] = []

    def rules(self) -> Nobody:
        own = values_of(self.model_dump())
        return own | shipped() if self.shipped else own
