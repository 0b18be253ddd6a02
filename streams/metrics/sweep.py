"""One move of a line's stream time: which rolling windows end or change, and their records.

Only windows that hold data are visited: their ends are found from the panes and from the legs that wait, so a jump of
days costs what the data in them costs.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from streams.base.channels import WITHOUT_ABANDONMENT
from streams.base.times import iso
from streams.metrics.kpis import NOBODY, Readings, Snapshot, Waiting, readings
from streams.metrics.panes import NO_SUMS, Series, pane_of
from streams.metrics.queues import Stay, stays, until_of, waiting_at
from streams.metrics.rules import PANE_MS, KpiPolicy
from streams.metrics.tables import FOREVER, SEP, Published, Tables, of_line, split_start

Ordered = tuple[int, int, str, dict[str, Any]]
"""(end, length, dimensions, record): the order of publishing."""


@dataclass
class Changes:
    """What late facts changed in one dimension since the last move."""

    panes: list[int] = field(default_factory=list)
    days: set[int] = field(default_factory=set)
    legs: list[tuple[int, int]] = field(default_factory=list)
    """Stretches of time [from, to) in which the leg's waiting is not what was published."""


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

    @property
    def data_until(self) -> int:
        """Windows that hold data are read when they end at or before it."""
        return FOREVER if self.ended else self.sealed

    @cached_property
    def going_on(self) -> dict[str, list[tuple[int, int]]]:
        """Start and end of the kept days that end after the last move, by dimensions."""
        day = cache(self.policy.day)
        return {
            dims: [bounds for bounds in map(day, starts) if bounds[1] > self.before]
            for dims, starts in self.days.items()
        }

    @cached_property
    def days(self) -> dict[str, list[int]]:
        """Starts of the days that are kept, by dimensions: every dimension that has panes is in it."""
        found: dict[str, list[int]] = {}
        for key in of_line(self.tables.days, self.line):
            dims, start = split_start(key)
            found.setdefault(dims, []).append(start)
        return found

    def pane_keys(self, start: int, end: int) -> dict[str, list[tuple[int, str]]]:
        """By dimensions, in order of time: (start, key) of the panes that begin in [start, end); ``start`` is a pane's
        own."""
        found: dict[str, list[tuple[int, str]]] = {}
        panes = self.tables.panes
        if len(self.days) * (end - start) // PANE_MS < len(panes):
            # A short stretch of many panes, as live: look each one up.
            for dims in self.days:
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
            end = aligned(self.before + 1, every)
            if end <= self.data_until:
                start = min(start, end - length)
        if late_from < self.before:
            start = min(start, late_from - self.policy.longest_ms)
        panes = self.tables.panes
        found = self.pane_keys(start - start % PANE_MS, self.data_until)
        return {dims: Series([(at, panes[key]) for at, key in pairs]) for dims, pairs in found.items()}

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
            elif kind == "day":
                changes.days.add(int(rest))
            else:
                was, now = self.tables.late[mark].until, until_of(self.tables, f"{dims}{SEP}{rest}")
                # Who waited before that is told by the days alone, see `fold`.
                since = max(min(was, now), self.before - self.policy.lateness_ms)
                if since < max(was, now):
                    changes.legs.append((since, max(was, now)))
        return found


def aligned(at: int, every: int) -> int:
    """The first multiple of ``every`` at or after."""
    return -(-at // every) * every


@dataclass
class Lane:
    """One channel, queue and tier of a line during a sweep."""

    sweep: Sweep
    dims: str
    series: Series
    stays: list[Stay]
    changes: Changes

    def __post_init__(self) -> None:
        self.line, channel, self.queue, tier = self.dims.split(SEP)
        self.can_abandon = channel not in WITHOUT_ABANDONMENT
        self.named = {"channel": channel, "queue": self.queue, "tier": tier}

    def waiting(self, moments: set[int]) -> dict[int, Waiting]:
        """Who waits at each of the moments; those at which nobody does are left out."""
        return waiting_at(self.stays, sorted(moments), self.sweep.policy.threshold(self.queue)) if self.stays else {}

    def rolling(self) -> Iterator[Ordered]:
        """Records of the windows of fixed length."""
        rolling = self.sweep.policy.rolling
        ends = {length: (self._fresh(length, every), *self._amended(length, every)) for length, every in rolling}
        moments: set[int] = set().union(*(part for parts in ends.values() for part in parts))
        if not moments:
            return
        waiting, published = self.waiting(moments), self.sweep.tables.published
        for length, (fresh, amended, waited) in ends.items():
            last: tuple[object, Readings] | None = None
            for end in sorted(fresh | amended | waited):
                found, longest = self.series.between(end - length, end)
                who = waiting.get(end, NOBODY)
                is_fresh, key = end in fresh, f"{self.dims}{SEP}{length}{SEP}{end}"
                if found == NO_SUMS and (is_fresh or (end not in amended and key not in published)):
                    continue  # who waits is state, and makes no window of its own
                revision = 1 if is_fresh else self._revise(key)
                status = "final" if is_fresh else "amended"
                record = self.record((end - length, end), status, revision)
                # While nobody waits and no pane comes or goes, one window reads like the one before.
                same = (found, longest) if who is NOBODY else None
                if last is None or same is None or last[0] != same:
                    snapshot = Snapshot(pane_of(found), longest, who, end, self.can_abandon)
                    last = same, readings(snapshot, instant=length == rolling[0][0])
                record["readings"] = last[1]
                yield end, length, self.dims, record

    def record(self, window: tuple[int, int], status: str, revision: int) -> dict[str, Any]:
        """A record that still lacks its readings."""
        start, end = window
        return {
            "dimensions": self.named,
            "window": {"start": iso(start), "end": iso(end), "length_ms": end - start},
            "watermark": self.sweep.watermark,
            "status": status,
            "revision": revision,
            "line": self.line,
        }

    def _fresh(self, length: int, every: int) -> set[int]:
        sweep = self.sweep
        first = aligned(sweep.before + 1, every)
        ends: set[int] = set()
        if first > sweep.data_until:
            return ends
        end = first
        starts = self.series.starts
        for start in starts[bisect_left(starts, first - length) :]:
            last = min(start + length, sweep.data_until)
            end = max(end, aligned(start + 1, every))
            if end <= last:
                found = range(end, last + 1, every)
                ends.update(found)
                end = found[-1] + every
            elif end > sweep.data_until:
                break
        return ends

    def _amended(self, length: int, every: int) -> tuple[set[int], set[int]]:
        """Ends of the windows whose panes changed, and of those in which others waited at the end than was known."""
        before = self.sweep.before
        panes: set[int] = set()
        for start in self.changes.panes:
            panes.update(range(aligned(start + 1, every), min(start + length, before) + 1, every))
        legs: set[int] = set()
        for changed, until in self.changes.legs:
            legs.update(range(aligned(changed, every), min(until - 1, before) + 1, every))
        return panes, legs

    def _revise(self, key: str) -> int:
        published = self.sweep.tables.published
        revision = (published.get(key) or Published()).revision + 1
        published[key] = Published(revision)
        return revision
