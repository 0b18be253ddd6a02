"""The catalogue of KPIs: name, variant, grain, unit, and the accumulators each one is made of.

A reading is ``{kpi, variant, grain, value, numerator, denominator, unit}`` with value = numerator / denominator, and
``null`` where the denominator is 0. A percentile is no ratio: its numerator is ``null``, its denominator says of how
many it is. Units: ``count``; ``ratio`` 0..1; ``ms``; ``milli`` (thousandths of the scale); ``points`` (−100..100). To
add a KPI: one line in CATALOGUE.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from streams.base.times import DAY_MS
from streams.metrics.accumulators import HISTOGRAMS
from streams.metrics.formulas import (
    NOBODY,
    NOTHING,
    Formula,
    Reader,
    Waiting,
    count,
    followed,
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
    start: int = 0
    """Of the window, ms."""
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
    settles_ms: int = 0
    """So long after its window what happens next may still change a reading, with the shipped rules: its day is amended
    then. 0 = only what comes late does."""


OFFERED = "contacts_answered + contacts_abandoned + contacts_flowed_out"
NPS_LAST = "nps_promoters - followed_promoters - nps_detractors + followed_detractors"
LEFT = "answered + abandoned + flowed_out"


REPEAT_MS = 7 * DAY_MS
"""``journeys.repeat`` of the shipped tracking.yaml."""


def percentiles(name: str, grain: str, histogram: str, of: str = "", settles_ms: int = 0) -> tuple[Kpi, ...]:
    """p50, p90 and p95 of a duration, within 1 %; ``of``: the variant they are of, where the KPI has several."""
    before = f"{of}_" if of else ""
    return tuple(
        Kpi(name, f"{before}p{n}", grain, "ms", percentile(n, histogram), settles_ms=settles_ms) for n in (50, 90, 95)
    )


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
    *percentiles("speed_of_answer", "leg", "answered_waits"),
    *percentiles("speed_of_answer", "contact", "contacts_waits", "all_contacts"),
    Kpi("answered_in_time", "of_offered", "contact", "ratio", per("contacts_in_time", OFFERED)),
    Kpi("answered_in_time", "of_answered", "contact", "ratio", per("contacts_in_time", "contacts_answered")),
    Kpi("handle_time", "all", "contact", "ms", per("talk_ms + hold_ms + wrap_ms", "handled")),
    Kpi("handle_time", "talk", "contact", "ms", per("talk_ms", "handled")),
    Kpi("handle_time", "hold", "contact", "ms", per("hold_ms", "handled")),
    Kpi("handle_time", "wrap", "contact", "ms", per("wrap_ms", "handled")),
    *percentiles("handle_time", "contact", "handle_times", "all"),
    *percentiles("handle_time", "contact", "talks", "talk"),
    *percentiles("handle_time", "contact", "holds", "hold"),
    *percentiles("handle_time", "contact", "wraps", "wrap"),
    Kpi("transfer_rate", "of_handled", "contact", "ratio", per("transferred", "handled")),
    Kpi("containment", "of_machine", "contact", "ratio", per("by_machine_alone", "by_machine")),
    Kpi("callbacks_kept", "of_requested", "contact", "ratio", per("callbacks_kept", "callbacks"), settles_ms=DAY_MS),
    Kpi("first_response", "any", "contact", "ms", per("first_any_ms", "first_any")),
    Kpi("first_response", "human_from_start", "contact", "ms", per("first_from_start_ms", "first_from_start")),
    Kpi("first_response", "human_from_handoff", "contact", "ms", per("first_from_handoff_ms", "first_from_handoff")),
    Kpi("first_response", "after_reopen", "contact", "ms", per("first_after_reopen_ms", "first_after_reopen")),
    *percentiles("first_response", "contact", "first_any_times", "any"),
    *percentiles("first_response", "contact", "first_from_start_times", "human_from_start"),
    *percentiles("first_response", "contact", "first_from_handoff_times", "human_from_handoff"),
    *percentiles("first_response", "contact", "first_after_reopen_times", "after_reopen"),
    Kpi("next_response", "human", "message", "ms", per("next_response_ms", "next_response")),
    *percentiles("next_response", "message", "next_response_times", "human"),
    # Journeys, as of now: each counts once, in the window of its first solution, or of its last.
    Kpi("resolution_time", "first", "journey", "ms", per("solved_ms", "solved")),
    *percentiles("resolution_time", "journey", "solved_times", "first"),
    Kpi("resolution_time", "full", "journey", "ms", per("resolved_ms", "resolved"), settles_ms=REPEAT_MS),
    *percentiles("resolution_time", "journey", "resolved_times", "full", settles_ms=REPEAT_MS),
    Kpi("resolution_rate", "not_reopened", "journey", "ratio", per("stayed_solved", "solved"), settles_ms=REPEAT_MS),
    Kpi("fcr", "of_solved", "journey", "ratio", per("solved_once", "solved"), settles_ms=REPEAT_MS),
    Kpi("journeys_reopened", "all", "journey", "count", count("resolved_reopens"), settles_ms=REPEAT_MS),
    Kpi("effort", "contacts", "journey", "milli", per("resolved_contacts", "resolved", 1000), settles_ms=REPEAT_MS),
    Kpi("effort", "transfers", "journey", "milli", per("resolved_transfers", "resolved", 1000), settles_ms=REPEAT_MS),
    Kpi("csat", "satisfied", "contact", "ratio", per("csat_satisfied", "csat")),
    Kpi("csat", "mean_score", "contact", "milli", per("csat_milli", "csat")),
    # A customer's last answer in the window counts, where it was given; or every answer does.
    Kpi("nps", "last_answer", "customer", "points", per(NPS_LAST, "nps - followed", times=100)),
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


def _nothing(kpi: Kpi) -> dict[str, Any]:
    """The reading of a window in which there is nothing of it."""
    is_count = kpi.formula.merge == "count"
    return {
        "kpi": kpi.name,
        "variant": kpi.variant,
        "grain": kpi.grain,
        "value": 0 if is_count else None,
        "numerator": None if kpi.formula.percent else 0,
        "denominator": 1 if is_count else 0,
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
    """What they are made of: where none of it is there, they are ``nothing``."""
    nothing: tuple[dict[str, Any], ...]
    json: orjson.Fragment
    """All of ``nothing``, with commas between."""
    kpis: tuple[tuple[Reader, Reader, dict[str, Any], int, orjson.Fragment], ...]
    """Of each what is above and below the line, and what it is where there is nothing: with its denominator and as
    JSON."""


def _families(catalogue: tuple[Kpi, ...]) -> tuple[_Family, ...]:
    found = []
    for _, each in groupby(catalogue, lambda kpi: kpi.name):
        run = tuple(each)
        nothing = tuple(_nothing(kpi) for kpi in run)
        texts = [orjson.dumps(empty) for empty in nothing]
        kpis = tuple(
            (kpi.formula.above, kpi.formula.below, empty, empty["denominator"], orjson.Fragment(text))
            for kpi, empty, text in zip(run, nothing, texts, strict=True)
        )
        names = frozenset[str]().union(*(kpi.formula.names for kpi in run))
        found.append(_Family(names, nothing, orjson.Fragment(b",".join(texts)), kpis))
    return tuple(found)


def _without_patience(families: tuple[_Family, ...]) -> tuple[_Family, ...]:
    names = {kpi.name for kpi in CATALOGUE if kpi.of_patience}
    return tuple(each._replace(names=frozenset()) if each.nothing[0]["kpi"] in names else each for each in families)


# Most readings of most windows are 0, or 0 of 0: those are one dict that all records share.
_ALWAYS, _AT_THE_END = _families(CATALOGUE), _families(INSTANT)
_PLANS = {
    (instant, can_abandon): (_ALWAYS if can_abandon else _without_patience(_ALWAYS)) + (_AT_THE_END if instant else ())
    for instant in (False, True)
    for can_abandon in (False, True)
}


class Readings(list[dict[str, Any]]):
    """Readings that several records may share, with their JSON once it was needed."""

    __slots__ = ("histograms", "json", "parts", "saturated")

    def __init__(self) -> None:
        super().__init__()
        self.histograms: dict[str, dict[str, int]] = {}
        """Name → step as text → how many: of those that are complete. Percentiles of several windows, queues or tiers
        together are read from their sums."""
        self.parts: list[Any] = []
        """The same as they are encoded: what has no data was encoded once for all."""
        self.json: orjson.Fragment | None = None
        self.saturated = 0
        """How many of them say "this or more"."""


def readings(snapshot: Snapshot, instant: bool = False) -> Readings:
    """Every KPI of the catalogue, with ``instant`` also those that hold at the window's end; not to be changed in
    place.
    """
    found = Readings()
    totals = dict(snapshot.pane)
    if snapshot.waiting is not NOBODY:
        totals |= who_waits(snapshot.waiting, snapshot.end)
    if superseded := totals.get("superseded"):
        totals |= followed(superseded, snapshot.start)
        before = {str(one): n for one, n in superseded.items() if one // 4 < snapshot.start and n > 0}
        if before:  # in a span of windows that holds both answers they count once
            found.histograms["superseded"] = before
    for name, histogram in HISTOGRAMS.items():
        counts = totals.pop(name, None)
        if counts and histogram.is_complete(counts, totals.get(histogram.counted_by, 0)):
            totals[name] = counts = dict(sorted(counts.items()))
            found.histograms[name] = {str(step): n for step, n in counts.items()}
    there = totals.keys()
    everything, parts = {**NOTHING, **totals}, found.parts
    for names, nothing, json, kpis in _PLANS[instant, snapshot.can_abandon]:
        if there.isdisjoint(names):
            found += nothing
            parts.append(json)
            continue
        for above, below, empty, least, text in kpis:
            numerator, denominator = above(everything), below(everything)
            if numerator == 0 and denominator == least:
                found.append(empty)
                parts.append(text)
                continue
            each = _filled(empty, numerator, denominator)
            found.append(each)
            parts.append(each)
            if numerator > MOST or numerator < -MOST:
                found.saturated += 1
    return found


def encode(record: dict[str, Any]) -> bytes:
    """A readings record as JSON; what records share is encoded once for them."""
    found: Readings = record["readings"]
    if found.json is None:
        found.json = orjson.Fragment(orjson.dumps(found.parts))
    return orjson.dumps({**record, "readings": found.json})
