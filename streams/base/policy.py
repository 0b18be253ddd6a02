"""The rules the domain works by, as plain values: durations in ms, sentiment in thousandths.

They are read from YAML and checked by ``streams.rules``; the folds see only these.
"""

from dataclasses import dataclass, field

from streams.base.channels import LIVE_CHANNELS
from streams.identity.nobody import Nobody, shipped
from streams.metrics.rules import KpiPolicy

NO_TIER = "none"


@dataclass(frozen=True, slots=True)
class Tier:
    """A class of customers; ``order`` grows with its standing."""

    name: str
    order: int
    high: bool = False


@dataclass(frozen=True, slots=True)
class WaitRule:
    """Fires when a queue leg of a tier and channel waits strictly longer than the limit."""

    name: str
    tiers: frozenset[str]
    limit_ms: int
    severity: str
    channels: frozenset[str] = LIVE_CHANNELS


@dataclass(frozen=True, slots=True)
class SentimentRule:
    """Fires on the decayed mean of a customer's messages; the gap between the two limits is the hysteresis."""

    name: str
    tiers: frozenset[str]
    half_life_ms: int
    min_messages: int
    fire_at_or_below: int
    resolve_at_or_above: int
    quiet_after_ms: int
    severity: str


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """How long things are kept together and open."""

    lateness_ms: int = 3_600_000
    contact_timeout_ms: int = 24 * 3_600_000
    channel_timeouts_ms: tuple[tuple[str, int], ...] = ()
    journey_gap_ms: int = 72 * 3_600_000
    contact_horizon_ms: int = 14 * 86_400_000
    channel_horizons_ms: tuple[tuple[str, int], ...] = ()
    identifier_contacts: int = 200
    """Contacts of a day that an identifier may have; one with more names nobody."""
    soon_ms: int = field(init=False, default=0)
    """What comes within this of the last sign of life goes on with a contact of any channel: the least of the times
    above."""

    def __post_init__(self) -> None:
        of_channels = (ms for _, ms in (*self.channel_timeouts_ms, *self.channel_horizons_ms))
        soon = min(self.lateness_ms, self.contact_timeout_ms, self.contact_horizon_ms, *of_channels)
        object.__setattr__(self, "soon_ms", soon)

    def timeout_ms(self, channel: str) -> int:
        """A contact of the channel that was idle for longer is over."""
        return _of_channel(channel, self.channel_timeouts_ms, self.contact_timeout_ms)

    def horizon_ms(self, channel: str) -> int:
        """How long after it was last heard of a contact of the channel goes on when something more comes of it."""
        return _of_channel(channel, self.channel_horizons_ms, self.contact_horizon_ms)


def _of_channel(channel: str, times: tuple[tuple[str, int], ...], otherwise: int) -> int:
    for name, ms in times:
        if name == channel:
            return ms
    return otherwise


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """Half-lives, scales, weights and limits of the segment score; see ``streams.customers.segments``."""

    recency_half_life_ms: int = 30 * 86_400_000
    frequency_half_life_ms: int = 30 * 86_400_000
    sentiment_half_life_ms: int = 14 * 86_400_000
    friction_half_life_ms: int = 14 * 86_400_000
    frequency_half_at: float = 3.0
    """Contacts (decayed) that give 50 points of frequency."""
    friction_half_at: float = 2.0
    """Friction points (decayed) that leave 50 points of friction."""
    recency_weight: float = 0.20
    frequency_weight: float = 0.25
    sentiment_weight: float = 0.30
    friction_weight: float = 0.25
    new_contacts: int = 3
    new_for_ms: int = 14 * 86_400_000
    dormant_after_ms: int = 30 * 86_400_000
    at_risk_below: float = 35.0
    loyal_from: float = 65.0


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a worker decides by."""

    tiers: tuple[Tier, ...]
    wait: tuple[WaitRule, ...]
    sentiment: tuple[SentimentRule, ...]
    tracking: TrackingRules
    segments: SegmentRules
    kpis: KpiPolicy
    nobody: Nobody = field(default_factory=shipped)
