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
CES_EASY_FROM = 5
"""Of 1 to 7, inclusive."""


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
                return {"business_abandoned": 1, "business_longest": wait}
        return {"business_longest": wait}
    name = _RESPONSES.get((fact.fact, fact.variant))
    return {} if name is None else {name: 1, f"{name}_ms": _open(clock, _value(fact), fact.time)}


def _open(clock: BusinessClock, took: int, until: int) -> int:
    """Of a duration that ended at a moment, what was open; one that counts as a year is the year since it began."""
    since = until - took
    return clock.between(since, since + _duration(took))


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
    if fact.entered is None:
        raise ValueError(f"leg_closed {fact.id!r} does not say when the leg was entered")
    wait = _duration(fact.time - fact.entered)
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
            return {"contacts_answered": 1, "contacts_in_time": in_time, "contacts_wait_ms": wait}
        case "abandoned":
            return {"contacts_abandoned": 1}
        case "flow_out":
            return {"contacts_flowed_out": 1}
    raise _unknown("outcome", fact)


def _contact_handled(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {
        "handled": 1,
        "talk_ms": _duration(fact.talk_ms),
        "hold_ms": _duration(fact.hold_ms),
        "wrap_ms": _duration(fact.wrap_ms),
    }


def _first_response(fact: Fact, policy: KpiPolicy) -> Amounts:
    took = _duration(_value(fact))
    match fact.variant:
        case "any":
            return {"first_any": 1, "first_any_ms": took}
        case "human_from_start":
            return {"first_from_start": 1, "first_from_start_ms": took}
        case "human_from_handoff":
            return {"first_from_handoff": 1, "first_from_handoff_ms": took}
        case "after_reopen":
            return {"first_after_reopen": 1, "first_after_reopen_ms": took}
    raise _unknown("variant", fact)


def _next_response(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"next_response": 1, "next_response_ms": _duration(_value(fact))}


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
            return {"ces": 1, "ces_easy": int(score >= CES_EASY_FROM * 1000)}
    raise _unknown("variant", fact)


def _sentiment(fact: Fact, policy: KpiPolicy) -> Amounts:
    return {"sentiment": 1, "sentiment_milli": _value(fact)}


def _duration(ms: int) -> int:
    return max(0, min(ms, LONGEST_MS))


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
    "turned_away": _turned_away,
    "first_response": _first_response,
    "next_response": _next_response,
    "feedback": _feedback,
    "sentiment": _sentiment,
}
