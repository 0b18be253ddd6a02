"""How long a contact goes on, and what its events count by."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from streams.base.times import DAY_MS, HOUR_MS
from streams.base.units import FROM_FILES, ChannelName, Flag, Milli, NotInFiles, Span

Csat = Annotated[int, Field(strict=True, ge=1, le=5)]
Nps = Annotated[int, Field(strict=True, ge=0, le=10)]
Ces = Annotated[int, Field(strict=True, ge=1, le=7)]


@dataclass(frozen=True, slots=True)
class Negative:
    """``negative`` of signals.yaml: when a contact turned out badly. One reason is enough; null = not for this one.

    What a bad answer is, and an angry customer, silences and outreach go by, too (`streams.contacts.verdicts`).
    """

    sentiment_at_or_below: Milli | None = -300
    """The mean of the customer's messages, thousandths."""
    csat_at_or_below: Csat | None = 2
    """Of 1 to 5; where kpis.yaml has another scale, what lies at the same place of that one. So of 1 to 7 for CES."""
    nps_at_or_below: Nps | None = 6
    ces_at_or_below: Ces | None = 3
    """The last answer of each survey."""
    abandoned: Flag = True
    reopened: Flag = True
    """It went on after it was over."""

    __pydantic_config__ = FROM_FILES

    def is_sad(self, total_milli: int, messages: int) -> bool:
        """Is the mean of so many scored messages?"""
        limit = self.sentiment_at_or_below
        return limit is not None and messages > 0 and total_milli <= limit * messages


@dataclass(frozen=True, slots=True)
class ContactRules:
    """``contacts`` of tracking.yaml, and what other files say that a contact counts by; all times in ms."""

    timeout: Span = DAY_MS
    channel_timeouts: dict[ChannelName, Span] = field(default_factory=dict)
    horizon: Span = 14 * DAY_MS
    channel_horizons: dict[ChannelName, Span] = field(default_factory=dict)
    per_identifier_and_day: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 200
    """Contacts of a day that an identifier may have; one with more names nobody."""
    lateness_ms: Annotated[int, NotInFiles] = HOUR_MS
    csat_scale: Annotated[tuple[int, int], NotInFiles] = (1, 5)
    ces_scale: Annotated[tuple[int, int], NotInFiles] = (1, 7)
    sentiment_half_life_ms: Annotated[int, NotInFiles] = 14 * DAY_MS
    """Of the segment, as the next one: a contact adds up itself what it counts for there."""
    friction_half_life_ms: Annotated[int, NotInFiles] = 14 * DAY_MS
    intents: Annotated[frozenset[str], NotInFiles] = frozenset()
    """Those that a contact notes, since a service type counts them."""
    kinds: Annotated[dict[str, dict[str, float]], NotInFiles] = field(default_factory=dict)
    """Service type → how much an intent speaks for it."""
    labels: Annotated[frozenset[str], NotInFiles] = frozenset()
    """``service_type`` and ``agent_group``, where KPIs are by them."""
    negative: Annotated[Negative, NotInFiles] = field(default_factory=Negative)
    promises: Annotated[frozenset[str], NotInFiles] = frozenset()
    """Behaviours of agents that are promises."""
    checked: Annotated[frozenset[str], NotInFiles] = frozenset()
    """Event types that are steps of the procedure of some queue."""
    soon_ms: int = field(init=False, default=0)
    """What comes within this of the last sign of life goes on with a contact of any channel: the least of the times
    above."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        of_channels = (*self.channel_timeouts.values(), *self.channel_horizons.values())
        object.__setattr__(self, "soon_ms", min(self.lateness_ms, self.timeout, self.horizon, *of_channels))

    def kind_of(self, intents: Collection[str]) -> str | None:
        """The service type that these intents speak for most, the first of equal ones; None = for none."""
        points = {kind: sum([weights.get(each, 0.0) for each in intents]) for kind, weights in self.kinds.items()}
        best = max(points, key=lambda kind: points[kind], default=None)
        return best if best is not None and points[best] > 0 else None

    @property
    def half_known_ms(self) -> int:
        """Half of the time for which a contact of any channel is known: then its scores are final."""
        return min((self.horizon, *self.channel_horizons.values())) // 2

    def timeout_ms(self, channel: str) -> int:
        """A contact of the channel that was idle for longer is over."""
        return self.channel_timeouts.get(channel, self.timeout)

    def horizon_ms(self, channel: str) -> int:
        """How long after it was last heard of a contact of the channel goes on when something more comes of it."""
        return self.channel_horizons.get(channel, self.horizon)
