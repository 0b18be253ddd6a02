"""The catalogue of KPIs: name, variant, grain, unit, and the accumulators each one is made of.

A reading is ``{kpi, variant, grain, value, numerator, denominator, unit}`` with value = numerator / denominator, and
``null`` where the denominator is 0. A percentile is no ratio: its numerator is ``null``, its denominator says of how
many it is. A record leaves out what has nothing to say: a count of 0, and what has no value. Units: ``count``; ``ratio`` 0..1; ``ms``; ``milli`` (thousandths of the scale); ``points`` (−100..100). To
add a KPI: one line in CATALOGUE.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from streams.metrics.accumulators import HISTOGRAMS
from streams.metrics.formulas import (
    NOBODY,
    NOTHING,
    Formula,
    Reader,
    Waiting,
    count,
    longest,
    per,
    percentile,
    who_waits,
)
from streams.metrics.panes import Pane

MOST = 2**53 - 1
"""The largest number that every reader of JSON keeps exactly: a numerator or denominator beyond it is published as it,
and says "this or more". The value is that of the exact numbers."""


class Snapshot(NamedTuple):
    """What a record is read from: what happened in a window, and who waits at its end."""

    pane: Pane
    waiting: Waiting = NOBODY
    end: int = 0
    can_abandon: bool = True
    """False on channels where nobody waits on the line: they have no abandonment."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One line of the catalogue."""

    name: str
    variant: str
    grain: str
    unit: str
    formula: Formula
    of_patience: bool = False
    """Somebody must be able to give up: nothing on channels without abandonment."""


OFFERED = "contacts_answered + contacts_abandoned + contacts_flowed_out"
LEFT = "answered + abandoned + flowed_out"

# Service levels differ in what an abandoned leg is: a hit, a miss, or not counted at all. Within t is inclusive.
CATALOGUE: tuple[Kpi, ...] = (
    Kpi("contacts_offered", "all", "contact", "count", count(OFFERED)),
    Kpi("contacts_contained", "all", "contact", "count", count("contained")),
    Kpi("contacts_left", "all", "contact", "count", count("left")),
    Kpi("contacts_reopened", "all", "contact", "count", count("reopened")),
    Kpi("contacts_turned_away", "all", "contact", "count", count("turned_away")),
    Kpi("legs_entered", "all", "leg", "count", count("entered")),
    # The default of live boards: a leg that still waits and has waited for t or longer is a miss already.
    Kpi(
        "service_level",
        "reached_threshold",
        "leg",
        "ratio",
        per("answered_in_time", "answered + abandoned + waiting_reached"),
    ),
    Kpi(
        "service_level",
        "abandon_in_time_is_hit",
        "leg",
        "ratio",
        per("answered_in_time + abandoned_in_time", "answered + abandoned"),
    ),
    Kpi("service_level", "answered_only", "leg", "ratio", per("answered_in_time", "answered")),
    Kpi("service_level", "all_abandons_count", "leg", "ratio", per("answered_in_time", "answered + abandoned")),
    Kpi(
        "service_level",
        "in_threshold_abandons_excluded",
        "leg",
        "ratio",
        per("answered_in_time", "answered + abandoned - abandoned_in_time"),
    ),
    Kpi(
        "service_level",
        "short_abandons_positive",
        "leg",
        "ratio",
        per("answered_in_time + short_abandoned", "answered + abandoned"),
    ),
    Kpi(
        "service_level",
        "short_abandons_excluded",
        "leg",
        "ratio",
        per("answered_in_time", "answered + abandoned - short_abandoned"),
    ),
    Kpi("abandonment", "of_left", "leg", "ratio", per("abandoned", LEFT), of_patience=True),
    Kpi("abandonment", "short", "leg", "ratio", per("short_abandoned", LEFT), of_patience=True),
    Kpi("abandonment", "of_offered", "contact", "ratio", per("contacts_abandoned", OFFERED), of_patience=True),
    Kpi("flow_out", "of_left", "leg", "ratio", per("flowed_out", LEFT)),
    Kpi("speed_of_answer", "answered_legs", "leg", "ms", per("answered_wait_ms", "answered")),
    Kpi("speed_of_answer", "all_contacts", "contact", "ms", per("contacts_wait_ms", "contacts_answered")),
    Kpi("speed_of_answer", "p50", "leg", "ms", percentile(50, "answered_waits")),
    Kpi("speed_of_answer", "p90", "leg", "ms", percentile(90, "answered_waits")),
    Kpi("speed_of_answer", "p95", "leg", "ms", percentile(95, "answered_waits")),
    Kpi("answered_in_time", "of_offered", "contact", "ratio", per("contacts_in_time", OFFERED)),
    Kpi("answered_in_time", "of_answered", "contact", "ratio", per("contacts_in_time", "contacts_answered")),
    Kpi("handle_time", "all", "contact", "ms", per("talk_ms + hold_ms + wrap_ms", "handled")),
    Kpi("handle_time", "talk", "contact", "ms", per("talk_ms", "handled")),
    Kpi("handle_time", "hold", "contact", "ms", per("hold_ms", "handled")),
    Kpi("handle_time", "wrap", "contact", "ms", per("wrap_ms", "handled")),
    Kpi("first_response", "any", "contact", "ms", per("first_any_ms", "first_any")),
    Kpi("first_response", "human_from_start", "contact", "ms", per("first_from_start_ms", "first_from_start")),
    Kpi("first_response", "human_from_handoff", "contact", "ms", per("first_from_handoff_ms", "first_from_handoff")),
    Kpi("first_response", "after_reopen", "contact", "ms", per("first_after_reopen_ms", "first_after_reopen")),
    Kpi("next_response", "human", "message", "ms", per("next_response_ms", "next_response")),
    Kpi("csat", "satisfied", "contact", "ratio", per("csat_satisfied", "csat")),
    Kpi("csat", "mean_score", "contact", "milli", per("csat_milli", "csat")),
    # By definition a customer's last answer counts (grain customer); here every answer does, and the grain says so.
    Kpi("nps", "every_answer", "contact", "points", per("nps_promoters - nps_detractors", "nps", times=100)),
    Kpi("ces", "easy", "contact", "ratio", per("ces_easy", "ces")),
    Kpi("sentiment", "mean", "message", "milli", per("sentiment_milli", "sentiment")),
    Kpi("longest_wait", "left", "leg", "ms", longest("longest")),
)

INSTANT: tuple[Kpi, ...] = (
    Kpi("queue_depth", "now", "leg", "count", count("waiting")),
    Kpi("longest_wait", "now", "leg", "ms", per("oldest_waits_ms", "oldest")),
)
"""Who waits at the end of the window: in the records of the shortest window only."""


def counting(name: str) -> Kpi:
    """A KPI of every record whose denominator is this sum, whatever else it is about. Raises LookupError where none
    is."""
    for kpi in CATALOGUE:
        if kpi.formula.counted == name and not kpi.of_patience:
            return kpi
    raise LookupError(f"no KPI of the catalogue is of {name}, so percentiles of it cannot be read from several records")


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


class _Family(NamedTuple):
    """KPIs that follow each other and have one name."""

    names: frozenset[str]
    """What they are made of: where none of it is there, they have nothing to say."""
    kpis: tuple[tuple[Reader, Reader, dict[str, Any]], ...]
    """Of each what is above and below the line, and what it is where there is nothing."""


def _families(catalogue: tuple[Kpi, ...]) -> tuple[_Family, ...]:
    found = []
    for _, each in groupby(catalogue, lambda kpi: kpi.name):
        run = tuple(each)
        names = frozenset[str]().union(*(kpi.formula.names for kpi in run))
        found.append(_Family(names, tuple((kpi.formula.above, kpi.formula.below, _nothing(kpi)) for kpi in run)))
    return tuple(found)


_WITH_PATIENCE = {kpi.name for kpi in CATALOGUE if kpi.of_patience}
_ALWAYS, _AT_THE_END = _families(CATALOGUE), _families(INSTANT)
_PLANS = {
    (instant, can_abandon): tuple(each for each in _ALWAYS if can_abandon or each.kpis[0][2]["kpi"] not in _WITH_PATIENCE)
    + (_AT_THE_END if instant else ())
    for instant in (False, True)
    for can_abandon in (False, True)
}


class Readings(list[dict[str, Any]]):
    """Readings that several records may share, with their JSON once it was needed."""

    __slots__ = ("_json", "histograms", "saturated")

    def __init__(self) -> None:
        super().__init__()
        self.histograms: dict[str, dict[str, int]] = {}
        """Name → step as text → how many: of those that are complete. Percentiles of several windows, queues or tiers
        together are read from their sums."""
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
        """Equal for what says the same."""
        return crc32(self.json)


def readings(snapshot: Snapshot, instant: bool = False) -> Readings:
    """The KPIs of the catalogue that have something to say, with ``instant`` also those that hold at the window's end;
    not to be changed in place. One that is left out is `nothing`.
    """
    found = Readings()
    totals = dict(snapshot.pane)
    if snapshot.waiting is not NOBODY:
        totals |= who_waits(snapshot.waiting, snapshot.end)
    for name, histogram in HISTOGRAMS.items():
        counts = totals.pop(name, None)
        if counts and histogram.is_complete(counts, totals.get(histogram.counted_by, 0)):
            totals[name] = counts = dict(sorted(counts.items()))
            found.histograms[name] = {str(step): n for step, n in counts.items()}
    there = totals.keys()
    everything = {**NOTHING, **totals}
    for names, kpis in _PLANS[instant, snapshot.can_abandon]:
        if there.isdisjoint(names):
            continue
        for above, below, empty in kpis:
            numerator, denominator = above(everything), below(everything)
            if numerator == 0 and denominator == empty["denominator"]:
                continue
            found.append(_filled(empty, numerator, denominator))
            if numerator > MOST or numerator < -MOST:
                found.saturated += 1
    return found


def encode(record: dict[str, Any]) -> bytes:
    """A readings record as JSON; what records share is encoded once for them."""
    return orjson.dumps({**record, "readings": orjson.Fragment(record["readings"].json)})
