"""What facts add up to, and what a record of readings must say of it: by docs/metrics.md, told anew."""

from collections import Counter
from collections.abc import Callable

from tests.chaos.audit.contacts import Fact

THRESHOLD, SHORT = 20_000, 5_000
WITHOUT_ABANDONMENT = ("email", "messaging", "ticket", "task")
Sums = Counter[str]
Said = dict[tuple[str, str], tuple[int, int]]
"""(kpi, variant) → (numerator, denominator)."""
NOW = {("queue_depth", "now"), ("longest_wait", "now")}
"""Of the shortest window alone."""
DETAILS = {
    ("service_level", "abandon_in_time_is_hit"), ("service_level", "answered_only"),
    ("service_level", "all_abandons_count"), ("service_level", "in_threshold_abandons_excluded"),
    ("service_level", "short_abandons_positive"), ("service_level", "short_abandons_excluded"),
    ("abandonment", "short"), ("speed_of_answer", "all_contacts"), ("answered_in_time", "of_answered"),
    ("handle_time", "talk"), ("handle_time", "hold"), ("handle_time", "wrap"), ("csat", "mean_score"),
    ("flow_out", "of_left"), ("transfer_rate", "of_handled"),
}  # fmt: skip
"""Told of days; the records of other windows hold their sums."""
OF_DAYS = {
    ("resolution_time", "first"), ("resolution_time", "full"), ("resolution_rate", "not_reopened"),
    ("fcr", "of_solved"), ("journeys_reopened", "all"), ("effort", "contacts"), ("effort", "transfers"),
    ("quality", "business"), ("quality", "human"), ("quality", "hidden"),
}  # fmt: skip
"""Told of days alone."""
OF_DETAILS = {
    "answered", "answered_in_time", "abandoned", "abandoned_in_time", "short_abandoned", "flowed_out",
    "contacts_answered", "contacts_in_time", "contacts_wait_ms", "handled", "talk_ms", "hold_ms", "wrap_ms", "csat",
    "csat_milli", "first_any", "first_after_reopen", "transferred",
}  # fmt: skip
COUNTS = {
    ("contacts_offered", "all"), ("contacts_contained", "all"), ("contacts_left", "all"), ("contacts_reopened", "all"),
    ("contacts_turned_away", "all"), ("legs_entered", "all"), ("queue_depth", "now"), ("journeys_reopened", "all"),
    ("backlog", "open"),
}  # fmt: skip


def sums(facts: list[Fact]) -> Sums:
    """Facts added up; the names are those of the product's panes."""
    total: Sums = Counter()
    for fact in facts:
        total.update(_COUNTED[fact.fact](fact))
    return Counter({name: value for name, value in total.items() if value})


def _leg_closed(fact: Fact) -> dict[str, int]:
    wait = fact.time - (fact.entered or 0)
    if fact.outcome == "flow_out":
        return {"flowed_out": 1}
    found = {f"{fact.outcome}": 1, f"{fact.outcome}_in_time": int(wait <= THRESHOLD), f"{fact.outcome}_wait_ms": wait}
    return found | ({"short_abandoned": int(wait <= SHORT)} if fact.outcome == "abandoned" else {})


def _offered(fact: Fact) -> dict[str, int]:
    if fact.outcome != "answered":
        return {"contacts_flowed_out" if fact.outcome == "flow_out" else "contacts_abandoned": 1}
    wait = fact.value or 0
    return {"contacts_answered": 1, "contacts_in_time": int(wait <= THRESHOLD), "contacts_wait_ms": wait}


def feedback(fact: Fact) -> dict[str, int]:
    score = fact.value or 0
    if fact.variant == "csat":
        return {"csat": 1, "csat_satisfied": int(score >= 4000), "csat_milli": score}
    if fact.variant == "nps":
        return {"nps": 1, "nps_promoters": int(score >= 9000), "nps_detractors": int(score <= 6000)}
    return {"ces": 1, "ces_easy": int(score >= 5000)}


def _quality(fact: Fact) -> dict[str, int]:
    sides = {"business": fact.business, "human": fact.human, "hidden": fact.hidden}
    known = {f"quality_{side}": score for side, score in sides.items() if score is not None}
    return dict.fromkeys(known, 1) | {f"{name}_milli": score for name, score in known.items()}


def _first_response(fact: Fact) -> dict[str, int]:
    name = {"any": "first_any", "human_from_start": "first_from_start"}[fact.variant or ""]
    return {name: 1, f"{name}_ms": fact.value or 0}


_COUNTED: dict[str, Callable[[Fact], dict[str, int]]] = {
    "leg_opened": lambda fact: {"entered": 1},
    "leg_closed": _leg_closed,
    "contact_offered": _offered,
    "contact_handled": lambda fact: {
        "handled": 1, "talk_ms": fact.talk_ms, "hold_ms": fact.hold_ms, "wrap_ms": fact.wrap_ms,
        "transferred": int((fact.value or 0) > 0),
    },
    "first_response": _first_response,
    "contact_unasked": lambda fact: {str(fact.outcome): 1},
    "callback_requested": lambda fact: {"callbacks": 1, "callbacks_kept": int(fact.outcome == "kept")},
    "contact_by_machine": lambda fact: {"by_machine": 1, "by_machine_alone": int(fact.outcome == "contained")},
    "contact_reopened": lambda fact: {"reopened": 1},
    "turned_away": lambda fact: {"turned_away": 1},
    "next_response": lambda fact: {"next_response": 1, "next_response_ms": fact.value or 0},
    "journey_solved": lambda fact: {
        "solved": 1, "solved_ms": fact.time - (fact.entered or 0), "solved_once": int(fact.variant == "once"),
        "stayed_solved": int(fact.outcome == "stays"),
    },
    "journey_resolved": lambda fact: {
        "resolved": 1, "resolved_ms": fact.time - (fact.entered or 0), "resolved_reopens": fact.value or 0,
        "resolved_contacts": fact.contacts, "resolved_transfers": fact.transfers,
    },
    "agent_time": lambda fact: {"occupied_ms": fact.talk_ms + fact.wrap_ms, "idle_ms": fact.value or 0},
    "nps_superseded": lambda fact: {"nps_superseded": 1},
    "feedback": feedback,
    "sentiment": lambda fact: {"sentiment": 1, "sentiment_milli": fact.value or 0},
    "quality": _quality,
}  # fmt: skip


def readings(
    s: Sums, channel: str, waiting: list[int], end: int, longest: int | None
) -> dict[tuple[str, str], tuple[int, int]]:
    """(kpi, variant) → (numerator, denominator) by docs/metrics.md; ``waiting``: when those entered who wait at the
    end.
    """
    left = s["answered"] + s["abandoned"] + s["flowed_out"]
    offered = s["contacts_answered"] + s["contacts_abandoned"] + s["contacts_flowed_out"]
    hits, all_legs = s["answered_in_time"], s["answered"] + s["abandoned"]
    reached = sum(entered <= end - THRESHOLD for entered in waiting)
    abandons = channel not in WITHOUT_ABANDONMENT
    none = (0, 0)
    talk, hold, wrap = s["talk_ms"], s["hold_ms"], s["wrap_ms"]
    return {
        ("contacts_offered", "all"): (offered, 1),
        ("contacts_contained", "all"): (s["contained"], 1),
        ("contacts_left", "all"): (s["left"], 1),
        ("contacts_reopened", "all"): (s["reopened"], 1),
        ("contacts_turned_away", "all"): (s["turned_away"], 1),
        ("legs_entered", "all"): (s["entered"], 1),
        ("service_level", "reached_threshold"): (hits, all_legs + reached),
        ("service_level", "abandon_in_time_is_hit"): (hits + s["abandoned_in_time"], all_legs),
        ("service_level", "answered_only"): (hits, s["answered"]),
        ("service_level", "all_abandons_count"): (hits, all_legs),
        ("service_level", "in_threshold_abandons_excluded"): (hits, all_legs - s["abandoned_in_time"]),
        ("service_level", "short_abandons_positive"): (hits + s["short_abandoned"], all_legs),
        ("service_level", "short_abandons_excluded"): (hits, all_legs - s["short_abandoned"]),
        ("abandonment", "of_left"): (s["abandoned"], left) if abandons else none,
        ("abandonment", "short"): (s["short_abandoned"], left) if abandons else none,
        ("abandonment", "of_offered"): (s["contacts_abandoned"], offered) if abandons else none,
        ("time_to_abandon", "mean"): (s["abandoned_wait_ms"], s["abandoned"]) if abandons else none,
        ("flow_out", "of_left"): (s["flowed_out"], left),
        ("speed_of_answer", "answered_legs"): (s["answered_wait_ms"], s["answered"]),
        ("speed_of_answer", "all_contacts"): (s["contacts_wait_ms"], s["contacts_answered"]),
        ("answered_in_time", "of_offered"): (s["contacts_in_time"], offered),
        ("answered_in_time", "of_answered"): (s["contacts_in_time"], s["contacts_answered"]),
        ("handle_time", "all"): (talk + hold + wrap, s["handled"]),
        ("handle_time", "talk"): (talk, s["handled"]),
        ("handle_time", "hold"): (hold, s["handled"]),
        ("handle_time", "wrap"): (wrap, s["handled"]),
        ("transfer_rate", "of_handled"): (s["transferred"], s["handled"]),
        ("callbacks_kept", "of_requested"): (s["callbacks_kept"], s["callbacks"]),
        ("containment", "of_machine"): (s["by_machine_alone"], s["by_machine"]),
        ("first_response", "any"): (s["first_any_ms"], s["first_any"]),
        ("first_response", "human_from_start"): (s["first_from_start_ms"], s["first_from_start"]),
        ("first_response", "human_from_handoff"): none,
        ("first_response", "after_reopen"): none,
        ("next_response", "human"): (s["next_response_ms"], s["next_response"]),
        ("resolution_time", "first"): (s["solved_ms"], s["solved"]),
        ("resolution_time", "full"): (s["resolved_ms"], s["resolved"]),
        ("resolution_rate", "not_reopened"): (s["stayed_solved"], s["solved"]),
        ("fcr", "of_solved"): (s["solved_once"], s["solved"]),
        ("journeys_reopened", "all"): (s["resolved_reopens"], 1),
        ("effort", "contacts"): (1000 * s["resolved_contacts"], s["resolved"]),
        ("effort", "transfers"): (1000 * s["resolved_transfers"], s["resolved"]),
        ("occupancy", "of_ready_time"): (s["occupied_ms"], s["occupied_ms"] + s["idle_ms"]),
        ("csat", "satisfied"): (s["csat_satisfied"], s["csat"]),
        ("csat", "mean_score"): (s["csat_milli"], s["csat"]),
        ("nps", "last_answer"): (
            100 * (s["nps_promoters"] - s["nps_detractors"] - s["less"]),
            s["nps"] - s["followed"],
        ),
        ("nps", "every_answer"): (100 * (s["nps_promoters"] - s["nps_detractors"]), s["nps"]),
        ("ces", "easy"): (s["ces_easy"], s["ces"]),
        ("sentiment", "mean"): (s["sentiment_milli"], s["sentiment"]),
        **{
            ("quality", side): (s[f"quality_{side}_milli"], s[f"quality_{side}"])
            for side in ("business", "human", "hidden")
        },
        ("longest_wait", "left"): none if longest is None else (longest, 1),
        ("queue_depth", "now"): (len(waiting), 1),
        ("longest_wait", "now"): (end - min(waiting), 1) if waiting else none,
    }
