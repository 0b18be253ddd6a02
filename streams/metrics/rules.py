"""What the rules decide about KPIs: thresholds, windows, how late a fact may come; `kpis.yaml` is read into it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, Strict

from streams.base.records import SEP
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UNITS, CalendarUnit, calendar_bounds
from streams.base.units import FROM_FILES, Duration, NotInFiles, Span, SpanOrUnit, Text, Zone, as_written
from streams.hours.calendars import Hours
from streams.hours.clock import BusinessClock
from streams.metrics.groups import Dimension, name_of

UTC = ZoneInfo("UTC")
DIMENSIONS = ("channel", "queue", "tier")
MOST_GROUPS = 15
"""Each dimension alone, and any two of them."""
Group = Annotated[tuple[Dimension, ...], Field(min_length=1, max_length=2)]
PANE_MS = 10_000
"""Length of a pane; every window is made of whole panes."""
AGENT_SLOT_MS = 5 * MINUTE_MS
"""Time of agents is told in slots of it (`streams.metrics.occupancy`): windows that are not made of whole slots say
nothing of it."""


Rule = Literal["repeat", "need", "callback", "scores"]
"""What decides for how long after a window a reading of it may change by what happens next: repeats, the need that a
journey is about, the time that a call-back has, that after which the scores of a contact are final."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rolling window: its length (ms), and how often one ends. Or a calendar window, a day, week or month: read every
    so often until it is over."""

    length: SpanOrUnit
    every_ms: Annotated[Span, Field(alias="every")]
    by: tuple[Text, ...] = DIMENSIONS
    """What its records are about: each channel and queue, and each tier apart or all together."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        step = as_written(self.every_ms)
        if self.every_ms <= 0 or self.every_ms % PANE_MS:
            raise ValueError(f"a window ends every {step}: it must be a multiple of {as_written(PANE_MS)}")
        if isinstance(self.length, int):
            self._rolls(self.length)
        elif "tier" not in self.by:
            raise ValueError(f"by: the {self.length} is by [channel, queue, tier]")
        elif DAY_MS % self.every_ms:
            raise ValueError(f"the {self.length} is read every {step}: it must divide 24h")
        if set(self.by) not in ({"channel", "queue"}, set(DIMENSIONS)) or len(set(self.by)) < len(self.by):
            raise ValueError(
                f"by: [{', '.join(self.by)}]: a window is by [channel, queue] or by [channel, queue, tier]"
            )

    def _rolls(self, length: int) -> None:
        step = as_written(self.every_ms)
        if HOUR_MS % self.every_ms:
            raise ValueError(f"a window ends every {step}: it must divide 60m")
        if length <= 0 or length % self.every_ms:
            raise ValueError(f"a window of {as_written(length)} must be a multiple of its step of {step}")


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
        _cuts("satisfied_from", self.satisfied_from, self.scale)


@dataclass(frozen=True, slots=True)
class Ces:
    scale: tuple[Annotated[int, Strict()], Annotated[int, Strict()]] = (1, 7)
    """Lowest and highest score, which is the least effort; `ingest` refuses others."""
    easy_from: Annotated[int, Strict()] = 5

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        _cuts("easy_from", self.easy_from, self.scale)


def _cuts(name: str, cut: int, scale: tuple[int, int]) -> None:
    low, high = scale
    if not low < cut <= high:
        raise ValueError(f"{name} ({cut}) must be above {low} and at most {high}, the scale's ends")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which names count as themselves: those listed, and the first so many others."""

    queues: frozenset[Text] = frozenset()
    max_queues: Annotated[int, Strict(), Field(ge=1, le=10_000)] = 1000
    max_tiers: Annotated[int, Strict(), Field(ge=1, le=10_000)] = 1000
    max_series: Annotated[int, Strict(), Field(ge=1, le=100_000)] = 4000
    """Of channels, queues and tiers together; and so many of all groups."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True)
class KpiPolicy:
    """All of it. Raises ValueError for what cannot be."""

    windows: Annotated[tuple[Window, ...], Field(min_length=1)]
    groups: Annotated[tuple[Group, ...], Field(max_length=MOST_GROUPS)] = ()
    """Further dimensions to count by, in the windows that are by tier."""
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
    ces: Ces = field(default_factory=Ces)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    hours: Annotated[Hours, NotInFiles] = field(default_factory=Hours)
    """Which queues have opening hours."""
    tiers: Annotated[frozenset[str], NotInFiles] = frozenset()
    """Tiers that always count under their names."""
    day_kept_ms: Annotated[int, NotInFiles] = 15 * DAY_MS
    """How long after its end a calendar window can still be amended: a contact may go on for 14 days."""
    settles_ms: Annotated[Mapping[Rule, int], NotInFiles] = field(
        default_factory=lambda: {"repeat": 7 * DAY_MS, "need": 7 * DAY_MS, "callback": DAY_MS, "scores": 7 * DAY_MS}
    )
    """How long after its window what happens next may still change a reading; see `Kpi.settles`."""
    share: Annotated[tuple[int, int], NotInFiles] = (0, 1)
    """The task that counts, and how many there are: the limits of the vocabulary are for all of them together."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        lengths = [window.length for window in self.windows]
        if len(set(lengths)) != len(lengths) or not self.rolling:
            raise ValueError("the windows must have different lengths, at least one of them not of the calendar")
        if self.longest_ms > 12 * HOUR_MS:
            raise ValueError("a window that is not of the calendar must not be longer than 12 hours")
        names = [name_of(group) for group in self.groups]
        if len(set(names)) < len(names) or any(len(set(group)) < len(group) for group in self.groups):
            raise ValueError(f"groups: {', '.join(names)}: each dimension once in a group, and each group once")
        if self.lateness_ms < 0 or self.day_kept_ms < self.longest_ms + self.lateness_ms:
            raise ValueError("a day must be kept at least as long as the lateness and the longest window together")
        if self.day_kept_ms <= max(self.settles_ms.values()):
            raise ValueError("a day must be kept until its readings settle")

    @cached_property
    def queues(self) -> frozenset[str]:
        """Queues that always count under their names."""
        return self.vocabulary.queues.union(self.service_level.queues, self.hours.queues)

    @cached_property
    def rolling(self) -> tuple[tuple[int, int], ...]:
        """(length, every) of the rolling windows, shortest first."""
        return tuple(sorted((each.length, each.every_ms) for each in self.windows if isinstance(each.length, int)))

    @cached_property
    def calendar(self) -> dict[CalendarUnit, int]:
        """How often each of the calendar windows that there are is read, shortest first."""
        every = {window.length: window.every_ms for window in self.windows}
        return {unit: every[unit] for unit in UNITS if unit in every}

    @cached_property
    def kept_ms(self) -> int:
        """How long it takes until nothing that happened at a moment can be amended any more."""
        longest = {"week": 7 * DAY_MS, "month": 31 * DAY_MS}
        return self.day_kept_ms + max([longest.get(unit, 0) for unit in self.calendar], default=0)

    def rolling_by(self, *, tier: bool) -> tuple[tuple[int, int], ...]:
        """Those of the rolling windows that are by tier, or those that are of all tiers together."""
        lengths = {window.length for window in self.windows if ("tier" in window.by) == tier}
        return tuple(each for each in self.rolling if each[0] in lengths)

    @cached_property
    def longest_ms(self) -> int:
        """Length of the longest rolling window."""
        return max(length for length, _ in self.rolling)

    @cached_property
    def legs_ms(self) -> int:
        """For how long it is known who waited when: for the lateness, and as long as the window before may read so."""
        return max(self.lateness_ms, *(every for _, every in self.rolling))

    @cached_property
    def reach_ms(self) -> int:
        """How far behind a window's end the panes lie that it, or the window before it, is made of."""
        return max(length + every for length, every in self.rolling)

    def settled(self, end: int, now: int) -> tuple[Rule, ...]:
        """Which rules change nothing any more of a window that ended at a moment."""
        return tuple(rule for rule, after in self.settles_ms.items() if end + after <= now)

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
        return self.bounds("day", ms, dims)

    def bounds(self, unit: CalendarUnit, ms: int, dims: str) -> tuple[int, int]:
        """The same of the day, week or month."""
        return calendar_bounds(unit, ms, self.zone_of(dims))


def aligned(at: int, every: int) -> int:
    """The first multiple of ``every`` at or after."""
    return -(-at // every) * every
