"""What a fact tells the accumulators: the name of each one, and the amount that it gets.

The sign is the accumulators' business. An amount of 0 need not be told, but may.
"""

from collections.abc import Callable, Mapping

from streams.base.records import Fact
from streams.hours.clock import BusinessClock
from streams.metrics.accumulators import LONGEST_MS
from streams.metrics.rules import KpiPolicy

Amounts = Mapping[str, int]
NPS_PROMOTER_FROM, NPS_DETRACTOR_TO = 9, 6
"""Of 0 to 10, inclusive."""
BEST_MILLI = 1000
"""The best score of a side of service, thousandths."""


def amounts(fact: Fact, policy: KpiPolicy) -> Amounts:
    """Accumulator → amount. Raises ValueError for a fact it does not know, or that lacks what it is to tell."""
    told = _TOLD.get(fact.fact)
    if told is None:
        raise ValueError(f"fact {fact.fact!r} is not known; known are {', '.join(_TOLD)}")
    found = told(fact, policy)
    if not policy.hours.calendars or (clock := policy.clock(fact.channel, fact.queue)) is None:
        return found
    return {**found, **_by_business_time(fact, clock, policy)}


def _by_business_time(fact: Fact, clock: BusinessClock, policy: KpiPolicy) -> Amounts:
    """The same durations, as far as the queue was open. Talk, hold and after-contact work are work at any hour."""
    if fact.fact == "leg_closed" and fact.entered is not None:
        wait = _open(clock, fact.time - fact.entered, fact.time)
        in_time = int(wait <= policy.threshold(fact.queue))
        match fact.outcome:
            case "answered":
                return {
                    "business_answered": 1,
                    "business_in_time": in_time,
                    "business_answered_ms": wait,
                    "business_waits": wait,
                    "business_longest": wait,
                }
            case "abandoned":
                return {"business_abandoned": 1, "business_abandoned_ms": wait, "business_longest": wait}
        return {"business_longest": wait}
    if (name := _JOURNEYS.get(fact.fact)) is not None:
        return {name: 1, f"{name}_ms": _open(clock, fact.time - _entered(fact), fact.time)}
    name = _RESPONSES.get((fact.fact, fact.variant))
    return {} if name is None else {name: 1, f"{name}_ms": _open(clock, _value(fact), fact.time)}


def _open(clock: BusinessClock, took: int, until: int) -> int:
    """Of a duration that ended at a moment, what was open; one that counts as a year is the year since it began."""
    since = until - took
    return clock.between(since, since + _duration(took))


_JOURNEYS = {"journey_solved": "business_solved", "journey_resolved": "business_resolved"}
_RESPONSES = {
    ("first_response", "any"): "business_first_any",
    ("first_response", "human_from_start"): "business_first_from_start",
    ("first_response", "human_from_handoff"): "business_first_from_handoff",
    ("first_response", "after_reopen"): "business_first_after_reopen",
    ("next_response", None): "business_next_response",
}
"""Fact and variant → the accumulator that counts them by business time."""


def _leg_opened(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"entered": 1}


def _leg_closed(fact: Fact, policy: KpiPolicy) -> Amounts:
    wait = _duration(fact.time - _entered(fact))
    in_time = int(wait <= policy.threshold(fact.queue))
    match fact.outcome:
        case "answered":
            return {
                "answered": 1,
                "answered_in_time": in_time,
                "answered_wait_ms": wait,
                "answered_waits": wait,
                "longest": wait,
            }
        case "abandoned":
            return {
                "abandoned": 1,
                "abandoned_in_time": in_time,
                "short_abandoned": int(wait <= policy.short_abandon_ms),
                "abandoned_wait_ms": wait,
                "longest": wait,
            }
        case "flow_out":
            return {"flowed_out": 1, "longest": wait}
    raise _unknown("outcome", fact)


def _contact_offered(fact: Fact, policy: KpiPolicy) -> Amounts:
    match fact.outcome:
        case "answered":
            # The waits of all its legs together; 0 for one that did not queue.
            wait = _duration(fact.value or 0)
            in_time = int(wait <= policy.threshold(fact.queue))
            return {
                "contacts_answered": 1,
                "contacts_in_time": in_time,
                "contacts_wait_ms": wait,
                "contacts_waits": wait,
            }
        case "abandoned":
            return {"contacts_abandoned": 1}
        case "flow_out":
            return {"contacts_flowed_out": 1}
    raise _unknown("outcome", fact)


def _contact_handled(fact: Fact, policy: KpiPolicy) -> Amounts:
    talk, hold, wrap = _duration(fact.talk_ms), _duration(fact.hold_ms), _duration(fact.wrap_ms)
    return {
        "handled": 1,
        "talk_ms": talk,
        "hold_ms": hold,
        "wrap_ms": wrap,
        "talks": talk,
        "holds": hold,
        "wraps": wrap,
        "handle_times": talk + hold + wrap,
        "transferred": int((fact.value or 0) > 0),
    }


def _first_response(fact: Fact, policy: KpiPolicy) -> Amounts:
    names = _FIRST.get(fact.variant or "")
    if names is None:
        raise _unknown("variant", fact)
    return _took(names, _value(fact))


_FIRST = {
    "any": ("first_any", "first_any_ms", "first_any_times"),
    "human_from_start": ("first_from_start", "first_from_start_ms", "first_from_start_times"),
    "human_from_handoff": ("first_from_handoff", "first_from_handoff_ms", "first_from_handoff_times"),
    "after_reopen": ("first_after_reopen", "first_after_reopen_ms", "first_after_reopen_times"),
}
_NEXT = ("next_response", "next_response_ms", "next_response_times")


def _next_response(fact: Fact, policy: KpiPolicy) -> Amounts:
    return _took(_NEXT, _value(fact))


def _took(names: tuple[str, str, str], ms: int) -> Amounts:
    """One duration: counted, added up, and in its histogram."""
    took = _duration(ms)
    return {names[0]: 1, names[1]: took, names[2]: took}


def _callback(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"callbacks": 1, "callbacks_kept": int(fact.outcome == "kept")}


def _by_machine(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"by_machine": 1, "by_machine_alone": int(fact.outcome == "contained")}


def _contact_unasked(fact: Fact, policy: KpiPolicy) -> Amounts:
    match fact.outcome:
        case "contained":
            return {"contained": 1}
        case "left":
            return {"left": 1}
    raise _unknown("outcome", fact)


def _contact_reopened(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"reopened": 1}


def _turned_away(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"turned_away": 1}


def _journey_solved(fact: Fact, policy: KpiPolicy) -> Amounts:
    once, stays = int(fact.variant == "once"), int(fact.outcome == "stays")
    return {**_took(_SOLVED, fact.time - _entered(fact)), "solved_once": once, "stayed_solved": stays}


def _journey_resolved(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {
        **_took(_RESOLVED, fact.time - _entered(fact)),
        "resolved_reopens": fact.value or 0,
        "resolved_contacts": fact.contacts,
        "resolved_transfers": fact.transfers,
    }


_SOLVED, _RESOLVED = ("solved", "solved_ms", "solved_times"), ("resolved", "resolved_ms", "resolved_times")


def _agent_time(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"occupied_ms": _duration(fact.talk_ms + fact.wrap_ms), "idle_ms": _duration(_value(fact))}


def _nps_superseded(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"nps_superseded": 1, "superseded": superseded(_entered(fact), _value(fact))}


def superseded(at: int, score: int) -> int:
    """An answer to the NPS survey in one number: when (ms), and whether it is one of a promoter or a detractor."""
    return at * 4 + (1 if score >= NPS_PROMOTER_FROM * 1000 else 2 if score <= NPS_DETRACTOR_TO * 1000 else 0)


def _feedback(fact: Fact, policy: KpiPolicy) -> Amounts:
    score = _value(fact)
    match fact.variant:
        case "csat":
            satisfied = int(score >= policy.csat.satisfied_from * 1000)
            return {"csat": 1, "csat_satisfied": satisfied, "csat_milli": score}
        case "nps":
            return {
                "nps": 1,
                "nps_promoters": int(score >= NPS_PROMOTER_FROM * 1000),
                "nps_detractors": int(score <= NPS_DETRACTOR_TO * 1000),
            }
        case "ces":
            return {"ces": 1, "ces_easy": int(score >= policy.ces.easy_from * 1000)}
    raise _unknown("variant", fact)


def _sentiment(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"sentiment": 1, "sentiment_milli": _value(fact)}


def _quality(fact: Fact, policy: KpiPolicy) -> Amounts:
    """A side that cannot be told, or that says what no score is, counts for nothing."""
    sides = {"quality_business": fact.business, "quality_human": fact.human, "quality_hidden": fact.hidden}
    scored = {name: milli for name, milli in sides.items() if milli is not None and 0 <= milli <= BEST_MILLI}
    return {**dict.fromkeys(scored, 1), **{f"{name}_milli": milli for name, milli in scored.items()}}


def _duration(ms: int) -> int:
    return max(0, min(ms, LONGEST_MS))


def _entered(fact: Fact) -> int:
    if fact.entered is None:
        raise ValueError(f"{fact.fact} {fact.id!r} does not say when it began: it has no entered")
    return fact.entered


def _value(fact: Fact) -> int:
    if fact.value is None:
        raise ValueError(f"{fact.fact} {fact.id!r} has no value")
    return fact.value


def _unknown(field: str, fact: Fact) -> ValueError:
    return ValueError(f"{fact.fact} {fact.id!r} has the {field} {getattr(fact, field)!r}, which is not known")


_TOLD: dict[str, Callable[[Fact, KpiPolicy], Amounts]] = {
    "leg_opened": _leg_opened,
    "leg_closed": _leg_closed,
    "contact_offered": _contact_offered,
    "contact_handled": _contact_handled,
    "contact_unasked": _contact_unasked,
    "contact_reopened": _contact_reopened,
    "contact_by_machine": _by_machine,
    "callback_requested": _callback,
    "turned_away": _turned_away,
    "first_response": _first_response,
    "next_response": _next_response,
    "journey_solved": _journey_solved,
    "journey_resolved": _journey_resolved,
    "agent_time": _agent_time,
    "nps_superseded": _nps_superseded,
    "feedback": _feedback,
    "sentiment": _sentiment,
    "quality": _quality,
}
