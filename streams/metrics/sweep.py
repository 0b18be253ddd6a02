"""One move of a line's stream time, and what it looks at: the panes, the legs and the late facts of each channel, queue
and tier.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

from streams.base.records import SEP
from streams.base.times import UNITS, CalendarUnit, calendar_bounds, day_bounds, iso
from streams.metrics.backlog import Open, open_after
from streams.metrics.catalogue import DAYS_ALONE, OF_AGENTS
from streams.metrics.formulas import Waiting
from streams.metrics.grid import grid
from streams.metrics.groups import ALL, can_abandon, named
from streams.metrics.kpis import Readings
from streams.metrics.panes import Series
from streams.metrics.queues import Stay, all_waiting, stays, until_of, waiting_at
from streams.metrics.rules import PANE_MS, KpiPolicy
from streams.metrics.tables import FOREVER, NEVER, Tables, of_line, split_start

Span = tuple[int, int]
"""Start (inclusive) and end (exclusive)."""
Ordered = tuple[int, int, str, dict[str, Any]]
"""(end, length, dimensions, record): the order of publishing."""


@dataclass
class Changes:
    """What late facts changed in one dimension since the last move."""

    panes: list[int] = field(default_factory=list)
    calendar: set[tuple[CalendarUnit, int]] = field(default_factory=set)
    """Starts of days, weeks and months."""
    legs: list[tuple[int, int]] = field(default_factory=list)
    """Stretches of time [from, to) in which the leg's waiting is not what was published."""

    @classmethod
    def together(cls, some: "list[Changes]") -> "Changes":
        """All of them as one."""
        found = cls()
        for each in some:
            found.panes += each.panes
            found.calendar |= each.calendar
            found.legs += each.legs
        return found


@dataclass
class Sweep:
    """The move of one line from ``before`` to ``sealed``; ``reached``: stream time, which a line that ends leaves
    behind when what comes of it takes several moves.
    """

    tables: Tables
    line: str
    before: int
    sealed: int
    reached: int
    policy: KpiPolicy
    watermark: str
    ended: bool
    whole: int = NEVER
    """See `LineState.whole`."""
    since: dict[CalendarUnit, int] = field(default_factory=dict)
    """See `LineState.since`."""

    @property
    def data_until(self) -> int:
        """Windows that hold data are read when they end at or before it."""
        return FOREVER if self.ended else self.sealed

    @cached_property
    def now(self) -> int:
        """Until when what happens next is known: for ever, where nothing comes any more."""
        return FOREVER if self.ended else self.sealed

    @cached_property
    def reads_days(self) -> bool:
        """Whether a day is read, of any zone."""
        every, before = self.policy.calendar.get("day"), self.before
        if every is None or self.ended or before == NEVER:
            return every is not None
        days = [day_bounds(before, zone) for zone in self.policy.zones]
        return any(
            end <= self.sealed or before - (before - start) % every + every <= self.reached for start, end in days
        )

    @cached_property
    def open(self) -> dict[str, list[Open]]:
        """Journeys that are open at a moment of this move, by dimensions, where one is looked at."""
        return open_after(self.tables, self.line, self.before) if self.reads_days else {}

    @cached_property
    def going_on(self) -> dict[CalendarUnit, dict[str, set[Span]]]:
        """By unit and dimensions, of what is kept: the windows that end after the last move. A week or a month goes on
        where one of its days does."""
        found: dict[CalendarUnit, dict[str, set[Span]]] = {}
        for unit in UNITS:
            found[unit] = {
                dims: {span for span in spans if span[1] > self.before} for dims, spans in self.kept[unit].items()
            }
        for unit in self.policy.calendar:
            for dims, days in found["day"].items() if unit != "day" else ():
                found[unit].setdefault(dims, set()).update(self.bounds(unit, start, dims) for start, _ in days)
        return found

    @cached_property
    def kept(self) -> dict[CalendarUnit, dict[str, list[Span]]]:
        """The rows that are there, by unit and dimensions: every dimension that has panes has a day."""
        found: dict[CalendarUnit, dict[str, list[Span]]] = {}
        for unit in UNITS:
            spans = found[unit] = {}
            for key in of_line(self.tables.calendar(unit), self.line):
                dims, start = split_start(key)
                spans.setdefault(dims, []).append(self.bounds(unit, start, dims))
        return found

    @cached_property
    def dims(self) -> set[str]:
        """All dimensions that hold something, or did."""
        return set[str]().union(*(spans.keys() for spans in self.kept.values()))

    @cached_property
    def _bounds(self) -> Callable[[CalendarUnit, int, ZoneInfo], Span]:
        return cache(calendar_bounds)

    def bounds(self, unit: CalendarUnit, ms: int, dims: str) -> Span:
        """As `KpiPolicy.bounds`, for moments that come again and again."""
        return self._bounds(unit, ms, self.policy.zone_of(dims))

    def settles(self, end: int) -> bool:
        """Whether something settles in this move of a window that had ended before it."""
        return any(self.before < end + after <= self.now for after in self.policy.settles_ms.values())

    def pane_keys(self, start: int, end: int) -> dict[str, list[tuple[int, str]]]:
        """By dimensions, in order of time: (start, key) of the panes that begin in [start, end); ``start`` is a pane's
        own."""
        found: dict[str, list[tuple[int, str]]] = {}
        panes = self.tables.panes
        days = self.kept["day"]
        if len(days) * (end - start) // PANE_MS < len(panes):
            # A short stretch of many panes, as live: look each one up.
            for dims in days:
                keys = ((at, f"{dims}{SEP}{at}") for at in range(start, end, PANE_MS))
                if present := [pair for pair in keys if pair[1] in panes]:
                    found[dims] = present
            return found
        for key in of_line(panes, self.line):
            dims, at = split_start(key)
            if start <= at < end:
                found.setdefault(dims, []).append((at, key))
        for pairs in found.values():
            pairs.sort()
        return found

    def series(self, late_from: int) -> dict[str, Series]:
        """The panes that the windows of this move hold; ``late_from``: the earliest moment that late facts may have
        changed."""
        start = self.before
        for length, every in self.policy.rolling:
            zones = self.policy.zones if self.before > NEVER else ()
            end = min([grid(every, zone).first(self.before + 1) for zone in zones], default=self.before)
            if end <= self.data_until:
                start = min(start, end - length - every)
        if late_from < self.before:
            start = min(start, late_from - self.policy.reach_ms)
        panes = self.tables.panes
        found = self.pane_keys(start - start % PANE_MS, self.data_until)
        return {dims: Series([(at, panes[key]) for at, key in pairs], self.without) for dims, pairs in found.items()}

    @property
    def without(self) -> frozenset[str]:
        """Accumulators that rolling windows do not tell of."""
        return DAYS_ALONE if self.policy.details == "days" else frozenset()

    def stays(self, late_from: int) -> dict[str, list[Stay]]:
        """The legs that wait at a moment of this move, or at one later than ``late_from``."""
        found = stays(self.tables.legs, self.line, late_from)
        if late_from < self.before:
            for dims, left in stays(self.tables.left, self.line, late_from).items():
                found[dims] = sorted(found.get(dims, []) + left)
        return found

    def changes(self, late: list[str]) -> dict[str, Changes]:
        """What the marks of late facts say, by dimensions."""
        found: dict[str, Changes] = {}
        for mark in late:
            line, channel, queue, tier, kind, rest = mark.split(SEP, 5)
            dims = SEP.join((line, channel, queue, tier))
            changes = found.setdefault(dims, Changes())
            if kind == "pane":
                changes.panes.append(int(rest))
            elif kind in UNITS:
                changes.calendar.add((kind, int(rest)))
            else:
                was, now = self.tables.late[mark].until, until_of(self.tables, f"{dims}{SEP}{rest}")
                # Who waited before that is told by the days alone, see `windows.fold_all`.
                since = max(min(was, now), self.before - self.policy.legs_ms)
                if since < max(was, now):
                    changes.legs.append((since, max(was, now)))
        return found


@dataclass
class Lane:
    """One channel, queue and tier of a line during a sweep, or all tiers together."""

    sweep: Sweep
    dims: str
    series: Series
    stays: list[Stay]
    changes: Changes
    rolling: tuple[tuple[int, int], ...]
    """(length, every) of the rolling windows that are told of it."""

    def __post_init__(self) -> None:
        self.named, self.by = named(self.dims)
        self.line, self.queue, channel = self.dims.partition(SEP)[0], self.named["queue"], self.named["channel"]
        self.can_abandon = can_abandon(channel, self.by)
        policy = self.sweep.policy
        self.clock, self.zone = policy.clock(channel, self.queue), policy.zone(channel, self.queue)
        if self.by:
            self.clock = None
        self.open = self.sweep.open.get(self.dims, [])

    @property
    def together(self) -> bool:
        """Whether it is of all tiers of a queue."""
        return not self.by and self.named["tier"] == ALL

    def parts(self) -> tuple["Lane", ...]:
        """Itself; where it tells of agents, the windows that are made of whole slots, and the others without that."""
        less = self.series.less(OF_AGENTS)
        if less is self.series:
            return (self,)
        whole = tuple(each for each in self.rolling if self.sweep.policy.of_agents(each))
        found = replace(self, rolling=whole)
        if not (less.starts or self.stays or (self.by and self.changes.panes)):
            return (found,)
        others = tuple(each for each in self.rolling if each not in whole)
        return found, replace(self, series=less, rolling=others)

    def waiting(self, moments: set[int]) -> dict[int, Waiting]:
        """Who waits at each of the moments; those at which nobody does are left out."""
        if not self.stays:
            return {}
        ordered, threshold = sorted(moments), self.sweep.policy.threshold
        if not self.by:
            return waiting_at(self.stays, ordered, threshold(self.queue))
        by_threshold: dict[int, list[Stay]] = {}
        for stay in self.stays:
            by_threshold.setdefault(threshold(stay[2]), []).append(stay)
        return all_waiting([waiting_at(some, ordered, ms) for ms, some in by_threshold.items()])

    def record(
        self, window: tuple[int, int], every: int, status: str, revision: int, readings: Readings
    ) -> dict[str, Any]:
        """What is published of a window; ``every``: how often one of its kind ends or is read, ms."""
        start, end = window
        return {
            "dimensions": self.named,
            **({"by": list(self.by)} if self.by else {}),
            "window": {"start": iso(start), "end": iso(end), "length_ms": end - start, "every_ms": every},
            "watermark": self.sweep.watermark,
            "status": status,
            "revision": revision,
            "lateness_ms": self.sweep.policy.lateness_ms,
            "line": self.line,
            "readings": readings,
            "sums": readings.sums,
            "histograms": readings.histograms,
        }
