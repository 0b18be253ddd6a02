"""The catalogue of KPIs: name, variant, grain, unit, and the accumulators each one is made of.

A reading is ``{kpi, variant, grain, value, numerator, denominator, unit}`` with value = numerator / denominator, and
``null`` where the denominator is 0. A percentile is no ratio: its numerator is ``null``, its denominator says of how
many it is. A record leaves out what has nothing to say: a count of 0, and what has no value. Units: ``count``;
``ratio`` 0..1; ``ms``; ``milli`` (thousandths of the scale); ``points`` (−100..100). To add a KPI: one line in
CATALOGUE, and its words in `streams.metrics.definitions`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from streams.metrics.accumulators import HISTOGRAMS
from streams.metrics.formulas import Formula, count, longest, per, percentile
from streams.metrics.rules import Rule


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
    detail: bool = False
    """Told of days; of rolling windows only where `KpiPolicy.details` asks for it. Else their records hold the sums it
    is made of."""
    of_days: bool = False
    """Told of days alone: `KpiPolicy.details` may ask for it, and no other record holds what it is made of."""
    settles: Rule | None = None
    """Which rule says for how long after its window what happens next may still change a reading, which is provisional
    until then: `KpiPolicy.settles_ms`. None = only what comes late changes it."""


OFFERED = "contacts_answered + contacts_abandoned + contacts_flowed_out"
NPS_LAST = "nps_promoters - followed_promoters - nps_detractors + followed_detractors"
LEFT = "answered + abandoned + flowed_out"


OF_AGENTS = frozenset({"occupied_ms", "idle_ms"})
"""Accumulators of which windows hold whole slots (`AGENT_SLOT_MS`) or nothing."""


def percentiles(name: str, grain: str, histogram: str, of: str = "", settles: Rule | None = None) -> tuple[Kpi, ...]:
    """p50, p90 and p95 of a duration, within 1 %; ``of``: the variant they are of, where the KPI has several."""
    before = f"{of}_" if of else ""
    return tuple(
        Kpi(name, f"{before}p{n}", grain, "ms", percentile(n, histogram), settles=settles) for n in (50, 90, 95)
    )


def details(kpis: Iterable[Kpi]) -> tuple[Kpi, ...]:
    """The same as details."""
    return tuple(replace(kpi, detail=True) for kpi in kpis)


def of_days(*kpis: Kpi) -> tuple[Kpi, ...]:
    """The same, told of days alone."""
    return tuple(replace(kpi, of_days=True) for kpi in kpis)


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
        detail=True,
    ),
    Kpi("service_level", "answered_only", "leg", "ratio", per("answered_in_time", "answered"), detail=True),
    Kpi(
        "service_level",
        "all_abandons_count",
        "leg",
        "ratio",
        per("answered_in_time", "answered + abandoned"),
        detail=True,
    ),
    Kpi(
        "service_level",
        "in_threshold_abandons_excluded",
        "leg",
        "ratio",
        per("answered_in_time", "answered + abandoned - abandoned_in_time"),
        detail=True,
    ),
    Kpi(
        "service_level",
        "short_abandons_positive",
        "leg",
        "ratio",
        per("answered_in_time + short_abandoned", "answered + abandoned"),
        detail=True,
    ),
    Kpi(
        "service_level",
        "short_abandons_excluded",
        "leg",
        "ratio",
        per("answered_in_time", "answered + abandoned - short_abandoned"),
        detail=True,
    ),
    Kpi("abandonment", "of_left", "leg", "ratio", per("abandoned", LEFT), of_patience=True),
    Kpi("abandonment", "short", "leg", "ratio", per("short_abandoned", LEFT), of_patience=True, detail=True),
    Kpi("abandonment", "of_offered", "contact", "ratio", per("contacts_abandoned", OFFERED), of_patience=True),
    Kpi("time_to_abandon", "mean", "leg", "ms", per("abandoned_wait_ms", "abandoned"), of_patience=True),
    Kpi("flow_out", "of_left", "leg", "ratio", per("flowed_out", LEFT), detail=True),
    Kpi("speed_of_answer", "answered_legs", "leg", "ms", per("answered_wait_ms", "answered")),
    Kpi("speed_of_answer", "all_contacts", "contact", "ms", per("contacts_wait_ms", "contacts_answered"), detail=True),
    *percentiles("speed_of_answer", "leg", "answered_waits"),
    *of_days(*percentiles("speed_of_answer", "contact", "contacts_waits", "all_contacts")),
    *of_days(
        Kpi("wait_forecast", "error", "leg", "ms", per("forecast_error_ms", "forecast_judged")),
        Kpi("wait_forecast", "absolute_error", "leg", "ms", per("forecast_absolute_ms", "forecast_judged")),
        Kpi("wait_forecast", "unknown", "leg", "ratio", per("forecast_unknown", "forecast_judged + forecast_unknown")),
    ),
    Kpi("answered_in_time", "of_offered", "contact", "ratio", per("contacts_in_time", OFFERED)),
    Kpi(
        "answered_in_time", "of_answered", "contact", "ratio", per("contacts_in_time", "contacts_answered"), detail=True
    ),
    Kpi("handle_time", "all", "contact", "ms", per("talk_ms + hold_ms + wrap_ms", "handled")),
    Kpi("handle_time", "talk", "contact", "ms", per("talk_ms", "handled"), detail=True),
    Kpi("handle_time", "hold", "contact", "ms", per("hold_ms", "handled"), detail=True),
    Kpi("handle_time", "wrap", "contact", "ms", per("wrap_ms", "handled"), detail=True),
    *details(percentiles("handle_time", "contact", "handle_times", "all")),
    *of_days(*percentiles("handle_time", "contact", "talks", "talk")),
    *of_days(*percentiles("handle_time", "contact", "holds", "hold")),
    *of_days(*percentiles("handle_time", "contact", "wraps", "wrap")),
    Kpi("transfer_rate", "of_handled", "contact", "ratio", per("transferred", "handled"), detail=True),
    Kpi("containment", "of_machine", "contact", "ratio", per("by_machine_alone", "by_machine")),
    Kpi("callbacks_kept", "of_requested", "contact", "ratio", per("callbacks_kept", "callbacks"), settles="callback"),
    Kpi("first_response", "any", "contact", "ms", per("first_any_ms", "first_any")),
    Kpi("first_response", "human_from_start", "contact", "ms", per("first_from_start_ms", "first_from_start")),
    Kpi("first_response", "human_from_handoff", "contact", "ms", per("first_from_handoff_ms", "first_from_handoff")),
    Kpi("first_response", "after_reopen", "contact", "ms", per("first_after_reopen_ms", "first_after_reopen")),
    *details(percentiles("first_response", "contact", "first_any_times", "any")),
    *percentiles("first_response", "contact", "first_from_start_times", "human_from_start"),
    *percentiles("first_response", "contact", "first_from_handoff_times", "human_from_handoff"),
    *details(percentiles("first_response", "contact", "first_after_reopen_times", "after_reopen")),
    Kpi("next_response", "human", "message", "ms", per("next_response_ms", "next_response")),
    *percentiles("next_response", "message", "next_response_times", "human"),
    # Journeys, as of now: each counts once, in the window of its first solution, or of its last.
    *of_days(
        Kpi("resolution_time", "first", "journey", "ms", per("solved_ms", "solved")),
        *percentiles("resolution_time", "journey", "solved_times", "first"),
        Kpi("resolution_time", "full", "journey", "ms", per("resolved_ms", "resolved"), settles="need"),
        *percentiles("resolution_time", "journey", "resolved_times", "full", settles="need"),
        Kpi("resolution_rate", "not_reopened", "journey", "ratio", per("stayed_solved", "solved"), settles="repeat"),
        Kpi("fcr", "of_solved", "journey", "ratio", per("solved_once", "solved"), settles="repeat"),
        Kpi("journeys_reopened", "all", "journey", "count", count("resolved_reopens"), settles="need"),
        Kpi("effort", "contacts", "journey", "milli", per("resolved_contacts", "resolved", 1000), settles="need"),
        Kpi("effort", "transfers", "journey", "milli", per("resolved_transfers", "resolved", 1000), settles="need"),
        # Open at the moment of the reading, of which there is one of each day in a span of several.
        Kpi("backlog", "open", "journey", "count", count("open_journeys")),
        Kpi("backlog", "age_p50", "journey", "ms", percentile(50, "open_ages")),
        Kpi("backlog", "age_p90", "journey", "ms", percentile(90, "open_ages")),
    ),
    Kpi("occupancy", "of_ready_time", "agent", "ratio", per("occupied_ms", "occupied_ms + idle_ms")),
    Kpi("csat", "satisfied", "contact", "ratio", per("csat_satisfied", "csat")),
    Kpi("csat", "mean_score", "contact", "milli", per("csat_milli", "csat"), detail=True),
    # A customer's last answer in the window counts, where it was given; or every answer does.
    Kpi("nps", "last_answer", "customer", "points", per(NPS_LAST, "nps - followed", times=100)),
    Kpi("nps", "every_answer", "contact", "points", per("nps_promoters - nps_detractors", "nps", times=100)),
    Kpi("ces", "easy", "contact", "ratio", per("ces_easy", "ces")),
    Kpi("sentiment", "mean", "message", "milli", per("sentiment_milli", "sentiment")),
    *of_days(
        *(
            Kpi(
                "quality",
                side,
                "contact",
                "milli",
                per(f"quality_{side}_milli", f"quality_{side}"),
                settles="scores",
            )
            for side in ("business", "human", "hidden")
        )
    ),
    Kpi("longest_wait", "left", "leg", "ms", longest("longest")),
)

INSTANT: tuple[Kpi, ...] = (
    Kpi("queue_depth", "now", "leg", "count", count("waiting")),
    Kpi("longest_wait", "now", "leg", "ms", per("oldest_waits_ms", "oldest")),
)
"""Who waits at the end of the window: in the records of the shortest window only."""

# By business time: in the records of queues that have opening hours, behind the others.
BUSINESS: tuple[Kpi, ...] = (
    Kpi("service_level", "answered_only_business", "leg", "ratio", per("business_in_time", "business_answered")),
    Kpi(
        "service_level",
        "all_abandons_count_business",
        "leg",
        "ratio",
        per("business_in_time", "business_answered + business_abandoned"),
    ),
    Kpi("speed_of_answer", "answered_legs_business", "leg", "ms", per("business_answered_ms", "business_answered")),
    Kpi("speed_of_answer", "p50_business", "leg", "ms", percentile(50, "business_waits")),
    Kpi("speed_of_answer", "p90_business", "leg", "ms", percentile(90, "business_waits")),
    Kpi("speed_of_answer", "p95_business", "leg", "ms", percentile(95, "business_waits")),
    Kpi("first_response", "any_business", "contact", "ms", per("business_first_any_ms", "business_first_any")),
    Kpi(
        "first_response",
        "human_from_start_business",
        "contact",
        "ms",
        per("business_first_from_start_ms", "business_first_from_start"),
    ),
    Kpi(
        "first_response",
        "human_from_handoff_business",
        "contact",
        "ms",
        per("business_first_from_handoff_ms", "business_first_from_handoff"),
    ),
    Kpi(
        "first_response",
        "after_reopen_business",
        "contact",
        "ms",
        per("business_first_after_reopen_ms", "business_first_after_reopen"),
    ),
    Kpi("next_response", "human_business", "message", "ms", per("business_next_response_ms", "business_next_response")),
    Kpi(
        "time_to_abandon",
        "mean_business",
        "leg",
        "ms",
        per("business_abandoned_ms", "business_abandoned"),
        of_patience=True,
    ),
    *of_days(
        Kpi("resolution_time", "first_business", "journey", "ms", per("business_solved_ms", "business_solved")),
        Kpi(
            "resolution_time",
            "full_business",
            "journey",
            "ms",
            per("business_resolved_ms", "business_resolved"),
            settles="need",
        ),
    ),
    Kpi("longest_wait", "left_business", "leg", "ms", longest("business_longest")),
)
BUSINESS_INSTANT: tuple[Kpi, ...] = (
    Kpi("longest_wait", "now_business", "leg", "ms", per("oldest_business_ms", "oldest")),
)
SPANS = CATALOGUE + BUSINESS
"""All that windows tell of what happened in them, and so do several windows together."""
SETTLING = frozenset[str]().union(*(kpi.formula.names for kpi in SPANS if kpi.settles is not None))
"""Accumulators of which there are readings that settle."""
DETAILS = tuple(kpi for kpi in CATALOGUE if kpi.detail)
_OF_DETAILS = frozenset[str]().union(
    *({HISTOGRAMS[kpi.formula.histogram].counted_by} if kpi.formula.percent else kpi.formula.names for kpi in DETAILS)
)
DETAIL_SUMS = tuple(sorted(_OF_DETAILS))
"""What records hold in place of the details; of percentiles the histograms are there anyway."""
_ELSE = frozenset[str]().union(*(kpi.formula.names | {kpi.formula.histogram} for kpi in SPANS if not kpi.of_days))
DAYS_ALONE = frozenset[str]().union(*(kpi.formula.names for kpi in SPANS if kpi.of_days)) - _ELSE - _OF_DETAILS
"""Accumulators that nothing but what is told of days alone is made of."""
OF_DAYS = frozenset(kpi.formula.histogram for kpi in CATALOGUE if kpi.of_days and kpi.formula.percent)
"""Histograms that no other records have."""


def counting(name: str) -> Kpi:
    """A KPI of every record whose denominator is this sum, whatever else it is about. Raises LookupError where none
    is."""
    for kpi in SPANS:
        if kpi.formula.counted == name and not kpi.of_patience:
            return kpi
    raise LookupError(f"no KPI of the catalogue is of {name}, so percentiles of it cannot be read from several records")
