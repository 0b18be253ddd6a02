"""The catalogue of KPIs: name, variant, grain, unit, and the two numbers each one is made of.

A reading is ``{kpi, variant, grain, value, numerator, denominator, unit}`` with value = numerator / denominator, and
``null`` where the denominator is 0. Units: ``count``; ``ratio`` 0..1; ``ms``; ``milli`` (thousandths of the scale);
``points`` (−100..100). To add a KPI: its sums in `panes`, one line in CATALOGUE.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, NamedTuple

import orjson

from streams.metrics.panes import Pane
from streams.metrics.service_level import VARIANTS, Legs, Ratio

MOST = 2**53 - 1
"""The largest number that every reader of JSON keeps exactly: a numerator or denominator beyond it is published as it,
and says "this or more". The value is that of the exact numbers."""


class Waiting(NamedTuple):
    """The legs that wait at one moment."""

    depth: int = 0
    oldest: int | None = None
    """When the one that waits longest entered."""
    reached: int = 0
    """How many of them have waited for the threshold or longer."""


NOBODY = Waiting()


class Snapshot(NamedTuple):
    """What a record is read from: the sums of a window, and who waits at its end."""

    sums: Pane
    longest: int | None = None
    waiting: Waiting = NOBODY
    end: int = 0
    can_abandon: bool = True
    """False on channels where nobody waits on the line: they have no abandonment."""


Merge = Literal["ratio", "waiting", "count", "max", "instant"]
"""How two windows of the same dimensions become one: ``ratio`` adds both numbers; ``waiting`` too, but counts who waits
at the last end only; ``count`` adds the numerators; ``max`` takes the larger; ``instant`` holds at one moment and does
not merge."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One line of the catalogue."""

    name: str
    variant: str
    grain: str
    unit: str
    of: Callable[[Snapshot], Ratio]
    merge: Merge = "ratio"


def _most(number: int) -> int:
    return max(-MOST, min(number, MOST))


def value(numerator: int, denominator: int) -> float | None:
    """The quotient; whole where the denominator is 1, ``None`` where it is 0."""
    if denominator == 1:
        return numerator if -MOST <= numerator <= MOST else _most(numerator)
    return numerator / denominator if denominator else None


def csat(satisfied: int, answers: int) -> float | None:
    """Share of satisfied answers, 0..1."""
    return satisfied / answers if answers else None


def nps(promoters: int, detractors: int, answers: int) -> float | None:
    """Net promoter score in points, −100..100; the passive ones stay among the answers."""
    return 100 * (promoters - detractors) / answers if answers else None


def _offered(p: Pane) -> int:
    return p.contacts_answered + p.contacts_abandoned + p.contacts_flowed_out


def _left(p: Pane) -> int:
    return p.answered + p.abandoned + p.flowed_out


def _abandoned(s: Snapshot, abandoned: int, of: int) -> Ratio:
    return (abandoned, of) if s.can_abandon else (0, 0)


def _handle_ms(p: Pane) -> int:
    return p.talk_ms + p.hold_ms + p.wrap_ms


def _service_level(name: str, of: Callable[[Legs, int], Ratio]) -> Kpi:
    merge: Merge = "waiting" if name == "reached_threshold" else "ratio"
    return Kpi("service_level", name, "leg", "ratio", lambda s: of(s.sums, s.waiting.reached), merge)


CATALOGUE: tuple[Kpi, ...] = (
    Kpi("contacts_offered", "all", "contact", "count", lambda s: (_offered(s.sums), 1), "count"),
    Kpi("contacts_contained", "all", "contact", "count", lambda s: (s.sums.contained, 1), "count"),
    Kpi("contacts_left", "all", "contact", "count", lambda s: (s.sums.left, 1), "count"),
    Kpi("contacts_reopened", "all", "contact", "count", lambda s: (s.sums.reopened, 1), "count"),
    Kpi("contacts_turned_away", "all", "contact", "count", lambda s: (s.sums.turned_away, 1), "count"),
    Kpi("legs_entered", "all", "leg", "count", lambda s: (s.sums.entered, 1), "count"),
    *(_service_level(name, of) for name, of in VARIANTS.items()),
    Kpi("abandonment", "of_left", "leg", "ratio", lambda s: _abandoned(s, s.sums.abandoned, _left(s.sums))),
    Kpi("abandonment", "short", "leg", "ratio", lambda s: _abandoned(s, s.sums.short_abandoned, _left(s.sums))),
    Kpi(
        "abandonment",
        "of_offered",
        "contact",
        "ratio",
        lambda s: _abandoned(s, s.sums.contacts_abandoned, _offered(s.sums)),
    ),
    Kpi("flow_out", "of_left", "leg", "ratio", lambda s: (s.sums.flowed_out, _left(s.sums))),
    Kpi("speed_of_answer", "answered_legs", "leg", "ms", lambda s: (s.sums.answered_wait_ms, s.sums.answered)),
    Kpi(
        "speed_of_answer",
        "all_contacts",
        "contact",
        "ms",
        lambda s: (s.sums.contacts_wait_ms, s.sums.contacts_answered),
    ),
    Kpi("answered_in_time", "of_offered", "contact", "ratio", lambda s: (s.sums.contacts_in_time, _offered(s.sums))),
    Kpi(
        "answered_in_time",
        "of_answered",
        "contact",
        "ratio",
        lambda s: (s.sums.contacts_in_time, s.sums.contacts_answered),
    ),
    Kpi("handle_time", "all", "contact", "ms", lambda s: (_handle_ms(s.sums), s.sums.handled)),
    Kpi("handle_time", "talk", "contact", "ms", lambda s: (s.sums.talk_ms, s.sums.handled)),
    Kpi("handle_time", "hold", "contact", "ms", lambda s: (s.sums.hold_ms, s.sums.handled)),
    Kpi("handle_time", "wrap", "contact", "ms", lambda s: (s.sums.wrap_ms, s.sums.handled)),
    Kpi("first_response", "any", "contact", "ms", lambda s: (s.sums.first_any_ms, s.sums.first_any)),
    Kpi(
        "first_response",
        "human_from_start",
        "contact",
        "ms",
        lambda s: (s.sums.first_from_start_ms, s.sums.first_from_start),
    ),
    Kpi(
        "first_response",
        "human_from_handoff",
        "contact",
        "ms",
        lambda s: (s.sums.first_from_handoff_ms, s.sums.first_from_handoff),
    ),
    Kpi(
        "first_response",
        "after_reopen",
        "contact",
        "ms",
        lambda s: (s.sums.first_after_reopen_ms, s.sums.first_after_reopen),
    ),
    Kpi("next_response", "human", "message", "ms", lambda s: (s.sums.next_response_ms, s.sums.next_response)),
    Kpi("csat", "satisfied", "contact", "ratio", lambda s: (s.sums.csat_satisfied, s.sums.csat)),
    Kpi("csat", "mean_score", "contact", "milli", lambda s: (s.sums.csat_milli, s.sums.csat)),
    # By definition a customer's last answer counts (grain customer); here every answer does, and the grain says so.
    Kpi(
        "nps",
        "every_answer",
        "contact",
        "points",
        lambda s: (100 * (s.sums.nps_promoters - s.sums.nps_detractors), s.sums.nps),
    ),
    Kpi("ces", "easy", "contact", "ratio", lambda s: (s.sums.ces_easy, s.sums.ces)),
    Kpi("sentiment", "mean", "message", "milli", lambda s: (s.sums.sentiment_milli, s.sums.sentiment)),
    Kpi("longest_wait", "left", "leg", "ms", lambda s: (s.longest or 0, 0 if s.longest is None else 1), "max"),
)

INSTANT: tuple[Kpi, ...] = (
    Kpi("queue_depth", "now", "leg", "count", lambda s: (s.waiting.depth, 1), "instant"),
    Kpi(
        "longest_wait",
        "now",
        "leg",
        "ms",
        lambda s: (0, 0) if s.waiting.oldest is None else (s.end - s.waiting.oldest, 1),
        "instant",
    ),
)
"""Who waits at the end of the window: in the records of the shortest window only."""


def reading(kpi: Kpi, numerator: int, denominator: int) -> dict[str, Any]:
    """One reading as it is published."""
    exact = value(numerator, denominator)
    if not (-MOST <= numerator <= MOST and -MOST <= denominator <= MOST):
        numerator, denominator = _most(numerator), _most(denominator)
    return {
        "kpi": kpi.name,
        "variant": kpi.variant,
        "grain": kpi.grain,
        "value": exact,
        "numerator": numerator,
        "denominator": denominator,
        "unit": kpi.unit,
    }


_HAS_DATA: dict[str, Callable[[Pane], int]] = {
    "handle_time": lambda p: p.handled,
    "first_response": lambda p: p.first_any or p.first_from_start or p.first_from_handoff or p.first_after_reopen,
    "next_response": lambda p: p.next_response,
    "csat": lambda p: p.csat,
    "nps": lambda p: p.nps,
    "ces": lambda p: p.ces,
    "sentiment": lambda p: p.sentiment,
}
"""By name, the KPIs of which most windows have nothing: one look tells."""

_Family = tuple[Callable[[Pane], int] | None, tuple[Kpi, ...], tuple[dict[str, Any], ...]]


def _families(catalogue: tuple[Kpi, ...]) -> tuple[_Family, ...]:
    """The catalogue in its order, in runs of one name, with what each run reads where there is no data."""
    runs = [(name, tuple(run)) for name, run in groupby(catalogue, lambda kpi: kpi.name)]
    return tuple((_HAS_DATA.get(name), run, tuple(_nothing(kpi) for kpi in run)) for name, run in runs)


def _nothing(kpi: Kpi) -> dict[str, Any]:
    return reading(kpi, 0, 1 if kpi.unit == "count" else 0)


# Most readings of most windows are 0, or 0 of 0: those are one dict that all records share.
_ALWAYS = _families(CATALOGUE)
_WITH_INSTANT = _ALWAYS + _families(INSTANT)
_FRAGMENTS = {id(each): orjson.Fragment(orjson.dumps(each)) for _, _, shared in _ALWAYS for each in shared}


class Readings(list[dict[str, Any]]):
    """Readings that several records may share, with their JSON once it was needed."""

    __slots__ = ("json", "saturated")

    def __init__(self) -> None:
        super().__init__()
        self.json: orjson.Fragment | None = None
        self.saturated = 0
        """How many of them say "this or more"."""


def readings(snapshot: Snapshot, instant: bool = False) -> Readings:
    """Every KPI of the catalogue, with ``instant`` also those that hold at the window's end; not to be changed in
    place.
    """
    found = Readings()
    sums = snapshot.sums
    for has_data, kpis, nothing in _WITH_INSTANT if instant else _ALWAYS:
        if has_data is not None and not has_data(sums):
            found += nothing
            continue
        for kpi, empty in zip(kpis, nothing, strict=True):
            numerator, denominator = kpi.of(snapshot)
            same = numerator == 0 and denominator == empty["denominator"]
            found.append(empty if same else reading(kpi, numerator, denominator))
            if numerator > MOST or numerator < -MOST:
                found.saturated += 1
    return found


def encode(record: dict[str, Any]) -> bytes:
    """A readings record as JSON; what has no data was encoded once for all, what records share once for them."""
    found: Readings = record["readings"]
    if found.json is None:
        found.json = orjson.Fragment(orjson.dumps([_FRAGMENTS.get(id(reading), reading) for reading in found]))
    return orjson.dumps({**record, "readings": found.json})
