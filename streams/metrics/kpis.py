"""Readings: what the KPIs of the catalogue say of a window, and how a record of them is written."""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from streams.hours.clock import BusinessClock
from streams.metrics.accumulators import HISTOGRAMS, Counts
from streams.metrics.catalogue import (
    BUSINESS,
    BUSINESS_INSTANT,
    CATALOGUE,
    DETAIL_SUMS,
    DETAILS,
    INSTANT,
    OF_DAYS,
    SPANS,
    Kpi,
)
from streams.metrics.formulas import NOBODY, NOTHING, Reader, Waiting, followed, who_waits
from streams.metrics.panes import Pane
from streams.metrics.rules import Rule

MOST = 2**53 - 1
"""The largest number that every reader of JSON keeps exactly: a numerator or denominator beyond it is published as it,
and says "this or more". The value is that of the exact numbers."""


NONE_OPEN: Counts = {}


class Snapshot(NamedTuple):
    """What a record is read from: what happened in a window, and who waits at its end."""

    pane: Pane
    waiting: Waiting = NOBODY
    end: int = 0
    start: int = 0
    """Of the window, ms."""
    can_abandon: bool = True
    """False on channels where nobody waits on the line: they have no abandonment."""
    clock: BusinessClock | None = None
    """Of a queue that has opening hours."""
    ages: Counts = NONE_OPEN
    """Days only: of the journeys that are open at its end, as a histogram."""


def reading(kpi: Kpi, numerator: int, denominator: int) -> dict[str, Any]:
    """One reading as it is published. Of a percentile the two numbers are its value and of how many it is."""
    return _filled(_nothing(kpi), numerator, denominator)


def nothing(kpi: Kpi) -> tuple[int, int]:
    """Numerator and denominator of what records leave out."""
    return 0, int(kpi.formula.merge == "count")


def _nothing(kpi: Kpi) -> dict[str, Any]:
    """The reading of a window in which there is nothing of it: a count of 0, no value of the others. Records leave it
    out."""
    is_count = kpi.formula.merge == "count"
    return {
        "kpi": kpi.name,
        "variant": kpi.variant,
        "grain": kpi.grain,
        "value": 0 if is_count else None,
        "numerator": None if kpi.formula.percent else 0,
        "denominator": nothing(kpi)[1],
        "unit": kpi.unit,
    }


def _filled(empty: dict[str, Any], numerator: int, denominator: int) -> dict[str, Any]:
    found = empty.copy()
    if empty["numerator"] is None:
        found["value"] = numerator if denominator else None
    else:
        found["value"] = numerator if denominator == 1 else numerator / denominator if denominator else None
        found["numerator"] = numerator
    found["denominator"] = denominator
    if not (-MOST <= numerator <= MOST and -MOST <= denominator <= MOST):
        found |= {name: max(-MOST, min(n, MOST)) for name, n in found.items() if isinstance(n, int)}
    return found


_Plan = tuple[tuple[Reader, Reader, Rule | None, dict[str, Any]], ...]
"""Of each KPI what is above and below the line, what it settles by, and what it is where there is nothing."""


@lru_cache(maxsize=4096)
def _plan(there: frozenset[str], instant: bool, can_abandon: bool, details: bool, in_hours: bool) -> _Plan:
    """The KPIs that a record may tell of, where these names have something to say."""
    some = [*CATALOGUE, *(INSTANT if instant else ())]
    if in_hours:
        some += (*BUSINESS, *(BUSINESS_INSTANT if instant else ()))
    return tuple(
        (kpi.formula.above, kpi.formula.below, kpi.settles, _nothing(kpi))
        for kpi in some
        if (can_abandon or not kpi.of_patience)
        and (details or not (kpi.detail or kpi.of_days))
        and not kpi.formula.names.isdisjoint(there)
    )


_SETTLES = {(kpi.name, kpi.variant): kpi.settles for kpi in SPANS if kpi.settles is not None}


class Readings(list[dict[str, Any]]):
    """Readings that several records may share, with their JSON once it was needed."""

    __slots__ = ("_json", "histograms", "saturated", "sums")

    def __init__(self) -> None:
        super().__init__()
        self.histograms: dict[str, dict[str, int]] = {}
        """Name → step as text → how many: of those that are complete. Percentiles of several windows, queues or tiers
        together are read from their sums."""
        self.sums: dict[str, int] = {}
        """What the details that were left out are made of."""
        self._json = b""
        self.saturated = 0
        """How many of them say "this or more"."""

    @property
    def json(self) -> bytes:
        """Themselves; not to be changed from now on."""
        if not self._json:
            self._json = orjson.dumps(list(self))
        return self._json

    @property
    def digest(self) -> int:
        """Equal for what says the same, but for how old the open journeys are: each reading says that anew."""
        lasting = [each for each in self if each["kpi"] != "backlog" or each["unit"] != "ms"]
        return crc32(self.json if len(lasting) == len(self) else orjson.dumps(lasting))

    def firm(self, settled: Collection[Rule]) -> int:
        """Equal where those say the same that are final when so much is settled."""
        open_ = {name for name, rule in _SETTLES.items() if rule not in settled}
        return crc32(orjson.dumps([each for each in self if (each["kpi"], each["variant"]) not in open_]))


def readings(
    snapshot: Snapshot, instant: bool = False, details: bool = True, settled: Collection[Rule] = ()
) -> Readings:
    """The KPIs of the catalogue that have something to say, with ``instant`` also those that hold at the window's end,
    without ``details`` their sums in place of them; not to be changed in place. One that is left out is `nothing`, one
    that is not ``settled`` says so.
    """
    found = Readings()
    totals = dict(snapshot.pane)
    if snapshot.waiting is not NOBODY:
        totals |= who_waits(snapshot.waiting, snapshot.end, snapshot.clock)
    if snapshot.ages:
        totals |= {"open_journeys": sum(snapshot.ages.values()), "open_ages": snapshot.ages}
    if superseded := totals.get("superseded"):
        totals |= followed(superseded, snapshot.start)
        before = {str(one): n for one, n in sorted(superseded.items()) if one // 4 < snapshot.start and n > 0}
        if before:  # in a span of windows that holds both answers they count once
            found.histograms["superseded"] = before
    found.histograms |= _complete(totals, details)
    if not details:
        pane = snapshot.pane
        found.sums = {name: max(-MOST, min(pane[name], MOST)) for name in DETAIL_SUMS if name in pane}
    plan = _plan(frozenset(totals), instant, snapshot.can_abandon, details, snapshot.clock is not None)
    everything = {**NOTHING, **totals}
    for above, below, rule, empty in plan:
        numerator, denominator = above(everything), below(everything)
        if numerator == 0 and denominator == empty["denominator"]:
            continue
        found.append(_filled(empty, numerator, denominator))
        if rule is not None and rule not in settled:
            found[-1]["status"] = "provisional"
        if numerator > MOST or numerator < -MOST:
            found.saturated += 1
    return found


def _complete(totals: dict[str, Any], details: bool) -> dict[str, dict[str, int]]:
    """The histograms that a record has; ``totals`` gets them in order, and loses those that do not hold all."""
    found = {}
    for name in [name for name in HISTOGRAMS if name in totals]:
        counts, histogram = totals.pop(name), HISTOGRAMS[name]
        if histogram.is_complete(counts, totals.get(histogram.counted_by, 0)):
            totals[name] = counts = dict(sorted(counts.items()))
            if details or name not in OF_DAYS:
                found[name] = {str(step): n for step, n in counts.items()}
    return found


def detailed(sums: Mapping[str, int], *, can_abandon: bool) -> Iterator[tuple[Kpi, int, int]]:
    """The details that a record left out, from the sums it holds: each with its numerator and denominator."""
    everything = {**NOTHING, **sums}
    for kpi in DETAILS:
        if kpi.formula.percent:
            continue
        numerator, denominator = kpi.formula.above(everything), kpi.formula.below(everything)
        if (numerator, denominator) != nothing(kpi) and (can_abandon or not kpi.of_patience):
            yield kpi, numerator, denominator


def encode(record: dict[str, Any]) -> bytes:
    """A readings record as JSON; what records share is encoded once for them."""
    return orjson.dumps({**record, "readings": orjson.Fragment(record["readings"].json)})
