"""Which KPIs the demo compares with the simulator's truth, and how each is read from that; and which it does not, and
why.

Every KPI of the catalogue is in one of the two tables. To compare another one: one line in `MEASURES`, and what it is
read from in `Counts`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.base.channels import WITHOUT_ABANDONMENT
from streams.demo.centre import SCORED_BY_CONNECTORS
from streams.demo.counts import Counts, Times

Ratio = tuple[int, int]
"""Above and below the line. Of a count what is below is 1; of a percentile they are its value and of how many it is."""


@dataclass(frozen=True)
class Measure:
    """A KPI of days, per channel and queue."""

    kpi: str
    variant: str
    truth: Callable[[Counts], Ratio]
    on: Callable[[str], bool] = lambda channel: True
    """The channels on which it is compared."""


@dataclass(frozen=True)
class Moment:
    """A KPI of who waits at the end of a window: from how long each has waited by then, ms."""

    kpi: str
    variant: str
    truth: Callable[[Sequence[int]], Ratio]


def _count(kpi: str, of: Callable[[Counts], int], variant: str = "all") -> Measure:
    return Measure(kpi, variant, lambda counts: (of(counts), 1))


def _mean(kpi: str, variant: str, of: Callable[[Counts], Times]) -> Measure:
    return Measure(kpi, variant, lambda counts: (of(counts).ms, of(counts).count))


def _percentile(kpi: str, variant: str, percent: int, of: Callable[[Counts], Times]) -> Measure:
    return Measure(kpi, variant, lambda counts: (of(counts).rank(percent), of(counts).count))


def _percentiles(kpi: str, of: Callable[[Counts], Times], variant: str = "") -> tuple[Measure, ...]:
    before = f"{variant}_" if variant else ""
    return tuple(_percentile(kpi, f"{before}p{percent}", percent, of) for percent in (50, 90, 95))


def _of_patience(channel: str) -> bool:
    return channel not in WITHOUT_ABANDONMENT


def _is_scored(channel: str) -> bool:
    return channel in SCORED_BY_CONNECTORS


MEASURES: tuple[Measure, ...] = (
    _count("contacts_offered", lambda c: c.offered),
    _count("contacts_contained", lambda c: c.contained),
    _count("contacts_left", lambda c: c.left),
    _count("contacts_reopened", lambda c: c.went_on),
    _count("contacts_turned_away", lambda c: c.turned_away),
    _count("legs_entered", lambda c: c.legs),
    Measure("service_level", "reached_threshold", lambda c: (c.legs_within, c.legs_over + c.legs_reached)),
    Measure(
        "service_level", "abandon_in_time_is_hit", lambda c: (c.legs_within + c.legs_abandoned_within, c.legs_over)
    ),
    Measure("service_level", "answered_only", lambda c: (c.legs_within, c.waits.count)),
    Measure("service_level", "all_abandons_count", lambda c: (c.legs_within, c.legs_over)),
    Measure(
        "service_level",
        "in_threshold_abandons_excluded",
        lambda c: (c.legs_within, c.legs_over - c.legs_abandoned_within),
    ),
    Measure("service_level", "short_abandons_positive", lambda c: (c.legs_within + c.legs_short, c.legs_over)),
    Measure("service_level", "short_abandons_excluded", lambda c: (c.legs_within, c.legs_over - c.legs_short)),
    Measure("abandonment", "of_left", lambda c: (c.given_up.count, c.legs_left), _of_patience),
    Measure("abandonment", "short", lambda c: (c.legs_short, c.legs_left), _of_patience),
    Measure("abandonment", "of_offered", lambda c: (c.abandoned, c.offered), _of_patience),
    Measure("time_to_abandon", "mean", lambda c: (c.given_up.ms, c.given_up.count), _of_patience),
    Measure("flow_out", "of_left", lambda c: (c.flows.count, c.legs_left)),
    _mean("speed_of_answer", "answered_legs", lambda c: c.waits),
    _mean("speed_of_answer", "all_contacts", lambda c: c.answers),
    *_percentiles("speed_of_answer", lambda c: c.waits),
    *_percentiles("speed_of_answer", lambda c: c.answers, "all_contacts"),
    Measure("answered_in_time", "of_offered", lambda c: (c.answered_within, c.offered)),
    Measure("answered_in_time", "of_answered", lambda c: (c.answered_within, c.answered)),
    _mean("handle_time", "all", lambda c: c.handles),
    _mean("handle_time", "talk", lambda c: c.talks),
    _mean("handle_time", "hold", lambda c: c.holds),
    _mean("handle_time", "wrap", lambda c: c.wraps),
    *_percentiles("handle_time", lambda c: c.handles, "all"),
    *_percentiles("handle_time", lambda c: c.talks, "talk"),
    *_percentiles("handle_time", lambda c: c.holds, "hold"),
    *_percentiles("handle_time", lambda c: c.wraps, "wrap"),
    Measure("transfer_rate", "of_handled", lambda c: (c.transferred, c.handles.count)),
    Measure("containment", "of_machine", lambda c: (c.machine_alone, c.machine)),
    Measure("callbacks_kept", "of_requested", lambda c: (c.callbacks_kept, c.callbacks)),
    _mean("first_response", "any", lambda c: c.first_any),
    _mean("first_response", "human_from_start", lambda c: c.first_person),
    _mean("first_response", "human_from_handoff", lambda c: c.first_handed),
    _mean("first_response", "after_reopen", lambda c: c.first_again),
    *_percentiles("first_response", lambda c: c.first_any, "any"),
    *_percentiles("first_response", lambda c: c.first_person, "human_from_start"),
    *_percentiles("first_response", lambda c: c.first_handed, "human_from_handoff"),
    *_percentiles("first_response", lambda c: c.first_again, "after_reopen"),
    _mean("next_response", "human", lambda c: c.next_replies),
    *_percentiles("next_response", lambda c: c.next_replies, "human"),
    _mean("resolution_time", "first", lambda c: c.solved),
    *_percentiles("resolution_time", lambda c: c.solved, "first"),
    _mean("resolution_time", "full", lambda c: c.resolved),
    *_percentiles("resolution_time", lambda c: c.resolved, "full"),
    Measure("resolution_rate", "not_reopened", lambda c: (c.stayed_solved, c.solved.count)),
    Measure("fcr", "of_solved", lambda c: (c.solved_once, c.solved.count)),
    _count("journeys_reopened", lambda c: c.reopenings),
    Measure("effort", "contacts", lambda c: (1000 * c.needed_contacts, c.resolved.count)),
    Measure("effort", "transfers", lambda c: (1000 * c.needed_transfers, c.resolved.count)),
    Measure("csat", "satisfied", lambda c: (c.csat_satisfied, c.csat)),
    Measure("csat", "mean_score", lambda c: (1000 * c.csat_sum, c.csat)),
    Measure("nps", "last_answer", lambda c: (100 * c.nps_last_balance, c.nps_last)),
    Measure("nps", "every_answer", lambda c: (100 * c.nps_balance, c.nps)),
    Measure("ces", "easy", lambda c: (c.ces_easy, c.ces)),
    # What our own scorer makes of a text no simulator knows, so where connectors score every message alone.
    Measure("sentiment", "mean", lambda c: (c.scored_milli, c.scored), _is_scored),
    Measure("longest_wait", "left", lambda c: (c.longest_ms, 1)),
    Measure("occupancy", "of_ready_time", lambda c: (c.occupied_ms, c.ready_ms)),
)
MOMENTS: tuple[Moment, ...] = (
    Moment("queue_depth", "now", lambda waits: (len(waits), 1)),
    Moment("longest_wait", "now", lambda waits: (max(waits, default=0), int(bool(waits)))),
)
NOT_COMPARED = {
    "backlog.*": "which journeys are open at a moment hangs on when needs are over, which the simulator does not keep",
    "quality.*": "the weights are this project's; each contact's record is held against what was scripted instead",
    "wait_forecast.*": "what was to be expected follows from the queue; how it comes out is itself the comparison",
    "*_business": "the shipped rules give no queue opening hours, so there are no readings by business time",
}
"""A pattern of ``kpi.variant`` → why the summary says nothing of it."""
