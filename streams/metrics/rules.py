"""What the rules decide about KPIs: thresholds, windows, how late a fact may come."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from zoneinfo import ZoneInfo

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, day_bounds

UTC = ZoneInfo("UTC")
PANE_MS = 10_000
"""Length of a pane; every window is made of whole panes."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rolling window: its length, and how often one ends. Length ``None``: the calendar day, read every so often
    until it is over."""

    length_ms: int | None
    every_ms: int

    def __post_init__(self) -> None:
        if self.every_ms <= 0 or self.every_ms % PANE_MS:
            raise ValueError(f"a window ends every {self.every_ms} ms: it must be a multiple of {PANE_MS} ms")
        if self.length_ms is not None and (self.length_ms <= 0 or self.length_ms % self.every_ms):
            raise ValueError(f"a window of {self.length_ms} ms must be a multiple of its step of {self.every_ms} ms")


WINDOWS = (
    Window(MINUTE_MS, PANE_MS),
    Window(5 * MINUTE_MS, MINUTE_MS),
    Window(15 * MINUTE_MS, 5 * MINUTE_MS),
    Window(60 * MINUTE_MS, 15 * MINUTE_MS),
    Window(None, HOUR_MS),
)


@dataclass(frozen=True)
class KpiPolicy:
    """All of it, built once from the rules. Raises ValueError for what cannot be."""

    threshold_ms: int = 20_000
    """The t of "x % in t", inclusive."""
    thresholds_by_queue: Mapping[str, int] = field(default_factory=dict)
    short_abandon_ms: int = 5_000
    """An abandon within this is a short one, inclusive."""
    windows: tuple[Window, ...] = WINDOWS
    time_zone: ZoneInfo = UTC
    """Where the calendar day begins at midnight."""
    lateness_ms: int = 10 * MINUTE_MS
    """How far behind stream time a fact may be and still amend every window."""
    day_kept_ms: int = 15 * DAY_MS
    """How long after its end a day can still be amended: a contact may go on for 14 days."""
    csat_scale: tuple[int, int] = (1, 5)
    """Lowest and highest score; `ingest` refuses others."""
    csat_satisfied_from: int = 4
    nps_promoter_from: int = 9
    nps_detractor_to: int = 6
    ces_easy_from: int = 5
    queues: frozenset[str] = frozenset()
    """Queues that always count under their names."""
    tiers: frozenset[str] = frozenset()
    """Tiers that always count under their names."""
    max_queues: int = 1000
    """Other queues that do."""
    max_tiers: int = 1000
    """Other tiers that do."""
    max_lanes: int = 4000
    """Channels, queues and tiers together that do, those of the rules apart."""
    share: tuple[int, int] = (0, 1)
    """The task that counts, and how many there are: the three limits are for all of them together."""

    def __post_init__(self) -> None:
        lengths = [window.length_ms for window in self.windows]
        if len(set(lengths)) != len(lengths) or not any(lengths):
            raise ValueError("the windows must have different lengths, at least one of them not the day")
        if self.longest_ms > 12 * HOUR_MS:
            raise ValueError("a window that is not the day must not be longer than 12 hours")
        if self.lateness_ms < 0 or self.day_kept_ms < self.longest_ms + self.lateness_ms:
            raise ValueError("a day must be kept at least as long as the lateness and the longest window together")

    @cached_property
    def rolling(self) -> tuple[tuple[int, int], ...]:
        """(length, every) of the windows that are not the day, shortest first."""
        return tuple(sorted((window.length_ms, window.every_ms) for window in self.windows if window.length_ms))

    @cached_property
    def longest_ms(self) -> int:
        """Length of the longest window that is not the day."""
        return max(length for length, _ in self.rolling)

    @cached_property
    def day_every_ms(self) -> int | None:
        """How often the running day is read; ``None``: there is no window of the day."""
        return next((window.every_ms for window in self.windows if window.length_ms is None), None)

    def shared(self, task: int, tasks: int) -> "KpiPolicy":
        """The policy of one task of several."""
        limits = (max(1, limit // tasks) for limit in (self.max_queues, self.max_tiers, self.max_lanes))
        queues, tiers, lanes = limits
        return replace(self, max_queues=queues, max_tiers=tiers, max_lanes=lanes, share=(task, tasks))

    def threshold(self, queue: str) -> int:
        """The t of this queue, ms."""
        return self.thresholds_by_queue.get(queue, self.threshold_ms)

    def day(self, ms: int) -> tuple[int, int]:
        """Start and end of the calendar day that holds the moment."""
        return day_bounds(ms, self.time_zone)
