"""What the rules decide about KPIs: thresholds, windows, how late a fact may come; `kpis.yaml` is read into it."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, Strict

from streams.base.records import SEP
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, day_bounds
from streams.base.units import FROM_FILES, Duration, NotInFiles, Span, SpanOrDay, Text, Zone
from streams.hours.calendars import Hours
from streams.hours.clock import BusinessClock

UTC = ZoneInfo("UTC")
DIMENSIONS = ("channel", "queue", "tier")
PANE_MS = 10_000
"""Length of a pane; every window is made of whole panes."""
AGENT_SLOT_MS = 5 * MINUTE_MS
"""Time of agents is told in slots of it (`streams.metrics.occupancy`): windows that are not made of whole slots say
nothing of it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rolling window: its length, and how often one ends. Length ``None``: the calendar day, read every so often
    until it is over."""

    length_ms: Annotated[SpanOrDay, Field(alias="length")]
    every_ms: Annotated[Span, Field(alias="every")]
    by: tuple[Text, ...] = DIMENSIONS
    """What its records are about: each channel and queue, and each tier apart or all together."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if self.every_ms <= 0 or self.every_ms % PANE_MS:
            raise ValueError(f"a window ends every {self.every_ms} ms: it must be a multiple of {PANE_MS} ms")
        if self.length_ms is not None and (self.length_ms <= 0 or self.length_ms % self.every_ms):
            raise ValueError(f"a window of {self.length_ms} ms must be a multiple of its step of {self.every_ms} ms")
        if set(self.by) not in ({"channel", "queue"}, set(DIMENSIONS)) or len(set(self.by)) < len(self.by):
            raise ValueError(
                f"by: [{', '.join(self.by)}]: a window is by [channel, queue] or by [channel, queue, tier]"
            )
        if self.length_ms is None and "tier" not in self.by:
            raise ValueError("by: the day is by [channel, queue, tier]")
        if self.length_ms is None and DAY_MS % self.every_ms:
            raise ValueError(f"the day is read every {self.every_ms} ms: it must divide 24 h")


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The t of "x % in t", inclusive."""

    threshold_ms: Annotated[Duration, Field(alias="threshold")] = 20 * SECOND_MS
    queues: dict[str, Duration] = field(default_factory=dict)
    """Queues that have another, ms."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Csat:
    scale: tuple[Annotated[int, Strict()], Annotated[int, Strict()]] = (1, 5)
    """Lowest and highest score; `ingest` refuses others."""
    satisfied_from: Annotated[int, Strict()] = 4

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        low, high = self.scale
        if not low < self.satisfied_from <= high:
            raise ValueError(
                f"satisfied_from ({self.satisfied_from}) must be above {low} and at most {high}, the scale's ends"
            )


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which names count as themselves: those listed, and the first so many others."""

    queues: frozenset[Text] = frozenset()
    max_queues: Annotated[int, Strict(), Field(ge=1, le=10_000)] = 1000
    max_tiers: Annotated[int, Strict(), Field(ge=1, le=10_000)] = 1000
    max_series: Annotated[int, Strict(), Field(ge=1, le=100_000)] = 4000
    """Of channels, queues and tiers together."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True)
class KpiPolicy:
    """All of it. Raises ValueError for what cannot be."""

    windows: Annotated[tuple[Window, ...], Field(min_length=1)]
    details: Literal["days", "everywhere"] = "days"
    """Of which windows the details of the catalogue are told; the records of the others hold the sums they are made
    of."""
    time_zone: Zone = UTC
    """Where the calendar day begins at midnight, but for queues that have opening hours."""
    lateness_ms: Annotated[Duration, Field(alias="lateness")] = HOUR_MS
    """How far behind stream time a fact may be and still amend every window."""
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    short_abandon_ms: Annotated[Duration, Field(alias="short_abandon")] = 5 * SECOND_MS
    """An abandon within this is a short one, inclusive."""
    csat: Csat = field(default_factory=Csat)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    hours: Annotated[Hours, NotInFiles] = field(default_factory=Hours)
    """Which queues have opening hours."""
    tiers: Annotated[frozenset[str], NotInFiles] = frozenset()
    """Tiers that always count under their names."""
    day_kept_ms: Annotated[int, NotInFiles] = 15 * DAY_MS
    """How long after its end a day can still be amended: a contact may go on for 14 days."""
    share: Annotated[tuple[int, int], NotInFiles] = (0, 1)
    """The task that counts, and how many there are: the limits of the vocabulary are for all of them together."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        lengths = [window.length_ms for window in self.windows]
        if len(set(lengths)) != len(lengths) or not any(lengths):
            raise ValueError("the windows must have different lengths, at least one of them not the day")
        if self.longest_ms > 12 * HOUR_MS:
            raise ValueError("a window that is not the day must not be longer than 12 hours")
        if self.lateness_ms < 0 or self.day_kept_ms < self.longest_ms + self.lateness_ms:
            raise ValueError("a day must be kept at least as long as the lateness and the longest window together")

    @cached_property
    def queues(self) -> frozenset[str]:
        """Queues that always count under their names."""
        return self.vocabulary.queues.union(self.service_level.queues, self.hours.queues)

    @cached_property
    def rolling(self) -> tuple[tuple[int, int], ...]:
        """(length, every) of the windows that are not the day, shortest first."""
        return tuple(sorted((window.length_ms, window.every_ms) for window in self.windows if window.length_ms))

    def rolling_by(self, *, tier: bool) -> tuple[tuple[int, int], ...]:
        """Those of the rolling windows that are by tier, or those that are of all tiers together."""
        lengths = {window.length_ms for window in self.windows if ("tier" in window.by) == tier}
        return tuple(each for each in self.rolling if each[0] in lengths)

    @cached_property
    def longest_ms(self) -> int:
        """Length of the longest window that is not the day."""
        return max(length for length, _ in self.rolling)

    @cached_property
    def legs_ms(self) -> int:
        """For how long it is known who waited when: for the lateness, and as long as the window before may read so."""
        return max(self.lateness_ms, *(every for _, every in self.rolling))

    @cached_property
    def reach_ms(self) -> int:
        """How far behind a window's end the panes lie that it, or the window before it, is made of."""
        return max(length + every for length, every in self.rolling)

    @cached_property
    def day_every_ms(self) -> int | None:
        """How often the running day is read; ``None``: there is no window of the day."""
        return next((window.every_ms for window in self.windows if window.length_ms is None), None)

    def of_agents(self, window: tuple[int, int]) -> bool:
        """Whether a window (length, every) is made of whole slots of agents' time."""
        return not (window[0] % AGENT_SLOT_MS or window[1] % AGENT_SLOT_MS)

    def shared(self, task: int, tasks: int) -> "KpiPolicy":
        """The policy of one task of several."""
        all_of_it = self.vocabulary
        limits = {name: max(1, getattr(all_of_it, name) // tasks) for name in ("max_queues", "max_tiers", "max_series")}
        return replace(self, vocabulary=replace(all_of_it, **limits), share=(task, tasks))

    def threshold(self, queue: str) -> int:
        """The t of this queue, ms."""
        return self.service_level.queues.get(queue, self.service_level.threshold_ms)

    def clock(self, channel: str, queue: str) -> BusinessClock | None:
        """The business time of a queue; ``None`` where it has no opening hours."""
        return self.hours.clock(channel, queue)

    def zone(self, channel: str, queue: str) -> ZoneInfo:
        """Where a queue's day begins at midnight: in the zone of its opening hours, where it has some."""
        return self.hours.zone(channel, queue) or self.time_zone

    @cached_property
    def zones(self) -> frozenset[ZoneInfo]:
        """All of them."""
        return frozenset({self.time_zone, *(each.time_zone for each in self.hours.calendars.values())})

    def zone_of(self, dims: str) -> ZoneInfo:
        """The same, of a key that begins with line, channel and queue."""
        if not self.hours.calendars:
            return self.time_zone
        _, channel, queue, _ = dims.split(SEP, 3)
        return self.zone(channel, queue)

    def day(self, ms: int, dims: str) -> tuple[int, int]:
        """Start and end of the calendar day of these dimensions that holds the moment."""
        return day_bounds(ms, self.zone_of(dims))


def aligned(at: int, every: int) -> int:
    """The first multiple of ``every`` at or after."""
    return -(-at // every) * every
