"""Panes: what happened in ten seconds of event time in one channel, queue and tier, as sums that merge.

Every number is an int (counts, milliseconds, thousandths), so merging is associative and commutative, and a fact with
sign −1 undoes its opposite exactly. A day's accumulator is a pane too.

A duration counts as at most `LONGEST_MS`, so a sum leaves 64 bits after 290 million facts of a year each in one day of
one channel, queue and tier, at the earliest. A row that does all the same is written as the largest number there is
(`bounded`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from operator import add as plus
from operator import sub as minus
from typing import Any

import msgspec
from msgspec.structs import astuple, replace

from streams.base.records import Fact
from streams.base.times import DAY_MS
from streams.metrics.rules import PANE_MS, KpiPolicy

LONGEST_KEPT = 32
LONGEST_MS = 366 * DAY_MS
"""The longest duration that one fact adds to a sum."""
MAX_SUM = 2**63 - 1

Waits = tuple[tuple[int, int], ...]
"""(wait in ms, how many legs), longest first, at most LONGEST_KEPT of them."""


class Pane(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sums over facts. Legs and contacts are different grains and never meet in one ratio."""

    entered: int = 0
    answered: int = 0
    abandoned: int = 0
    flowed_out: int = 0
    answered_in_time: int = 0
    abandoned_in_time: int = 0
    short_abandoned: int = 0
    answered_wait_ms: int = 0
    abandoned_wait_ms: int = 0

    contacts_answered: int = 0
    contacts_abandoned: int = 0
    contacts_flowed_out: int = 0
    contacts_in_time: int = 0
    """Contacts answered within t, waits of all their queue legs together."""
    contacts_wait_ms: int = 0
    """Waits of the answered contacts; 0 for one that did not queue."""

    contained: int = 0
    left: int = 0
    reopened: int = 0
    turned_away: int = 0

    handled: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0

    first_any: int = 0
    first_any_ms: int = 0
    first_from_start: int = 0
    first_from_start_ms: int = 0
    first_from_handoff: int = 0
    first_from_handoff_ms: int = 0
    first_after_reopen: int = 0
    first_after_reopen_ms: int = 0
    next_response: int = 0
    next_response_ms: int = 0

    csat: int = 0
    csat_satisfied: int = 0
    csat_milli: int = 0
    nps: int = 0
    nps_promoters: int = 0
    nps_detractors: int = 0
    ces: int = 0
    ces_easy: int = 0

    sentiment: int = 0
    sentiment_milli: int = 0

    longest: Waits = ()
    """The longest waits of legs that left: enough of them that the longest is still known after some are taken back."""


EMPTY = Pane()
NO_SUMS: tuple[int, ...] = (0,) * (len(Pane.__struct_fields__) - 1)


def pane_start(ms: int) -> int:
    """Start of the pane that holds the moment."""
    return ms - ms % PANE_MS


def sums(pane: Pane) -> tuple[int, ...]:
    """All that adds up, in the order of the fields."""
    return astuple(pane)[:-1]


def pane_of(values: Iterable[int], longest: Waits = ()) -> Pane:
    """The pane with these sums, the inverse of `sums`."""
    in_order: Any = (*values, longest)
    return Pane(*in_order)


def bounded(pane: Pane) -> Pane:
    """The pane with every sum inside 64 bits: what JSON and other languages can hold."""
    values = sums(pane)
    if max(values) <= MAX_SUM and min(values) >= -MAX_SUM:
        return pane
    return pane_of((max(-MAX_SUM, min(value, MAX_SUM)) for value in values), pane.longest)


def merge_waits(parts: Iterable[Waits]) -> Waits:
    """Counts of equal waits added, the longest kept; what adds up to none is gone."""
    filled = [part for part in parts if part]
    if len(filled) < 2:
        return filled[0] if filled else ()
    counts: dict[int, int] = {}
    for part in filled:
        for wait, n in part:
            counts[wait] = counts.get(wait, 0) + n
    return tuple(sorted(((wait, n) for wait, n in counts.items() if n), reverse=True)[:LONGEST_KEPT])


def merge(a: Pane, b: Pane) -> Pane:
    """Both together."""
    return pane_of(map(plus, sums(a), sums(b)), merge_waits((a.longest, b.longest)))


def longest_wait(waits: Waits) -> int | None:
    """The longest wait, ms; ``None`` when no leg left."""
    return next((wait for wait, n in waits if n > 0), None)


class Series:
    """The panes of one channel, queue and tier in order of time, summed up so that any stretch of them is one
    subtraction."""

    __slots__ = ("_longest", "_panes", "_totals", "starts")

    def __init__(self, panes: Sequence[tuple[int, Pane]]) -> None:
        """``panes``: (start, pane) in rising order."""
        self.starts = [start for start, _ in panes]
        self._panes = [pane for _, pane in panes]
        self._totals = list(accumulate(map(sums, self._panes), add_sums, initial=NO_SUMS))
        self._longest = [next((wait for wait, n in pane.longest if n > 0), -1) for pane in self._panes]

    def between(self, start: int, end: int) -> tuple[tuple[int, ...], int | None]:
        """The sums of the panes that begin in [start, end), and the longest wait among them."""
        first, last = bisect_left(self.starts, start), bisect_left(self.starts, end)
        if first >= last:
            return NO_SUMS, None
        longest = max(self._longest[first:last])
        return tuple(map(minus, self._totals[last], self._totals[first])), None if longest < 0 else longest

    def merged(self, start: int, end: int) -> Pane:
        """The panes that begin in [start, end) as one."""
        first, last = bisect_left(self.starts, start), bisect_left(self.starts, end)
        if first >= last:
            return EMPTY
        waits = merge_waits(pane.longest for pane in self._panes[first:last])
        return pane_of(map(minus, self._totals[last], self._totals[first]), waits)


def add_sums(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Field by field."""
    return tuple(map(plus, a, b))


NO_PANES = Series([])


def add(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    """The pane with one fact counted, or taken back where its sign is −1. Raises ValueError for a fact it does not
    know."""
    fold = _FOLDS.get(fact.fact)
    if fold is None:
        raise ValueError(f"fact {fact.fact!r} is not known; known are {', '.join(_FOLDS)}")
    return fold(pane, fact, policy)


def _leg_opened(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    return replace(pane, entered=pane.entered + fact.sign)


def _leg_closed(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    if fact.entered is None:
        raise ValueError(f"leg_closed {fact.id!r} does not say when the leg was entered")
    n = fact.sign
    wait = _duration(fact.time - fact.entered)
    waits = merge_waits((pane.longest, ((wait, n),)))
    in_time = n if wait <= policy.threshold(fact.queue) else 0
    match fact.outcome:
        case "answered":
            return replace(
                pane,
                answered=pane.answered + n,
                answered_in_time=pane.answered_in_time + in_time,
                answered_wait_ms=pane.answered_wait_ms + n * wait,
                longest=waits,
            )
        case "abandoned":
            return replace(
                pane,
                abandoned=pane.abandoned + n,
                abandoned_in_time=pane.abandoned_in_time + in_time,
                short_abandoned=pane.short_abandoned + (n if wait <= policy.short_abandon_ms else 0),
                abandoned_wait_ms=pane.abandoned_wait_ms + n * wait,
                longest=waits,
            )
        case "flow_out":
            return replace(pane, flowed_out=pane.flowed_out + n, longest=waits)
    raise _unknown("outcome", fact)


def _contact_offered(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    n = fact.sign
    match fact.outcome:
        case "answered":
            wait = _duration(fact.value or 0)
            return replace(
                pane,
                contacts_answered=pane.contacts_answered + n,
                contacts_in_time=pane.contacts_in_time + (n if wait <= policy.threshold(fact.queue) else 0),
                contacts_wait_ms=pane.contacts_wait_ms + n * wait,
            )
        case "abandoned":
            return replace(pane, contacts_abandoned=pane.contacts_abandoned + n)
        case "flow_out":
            return replace(pane, contacts_flowed_out=pane.contacts_flowed_out + n)
    raise _unknown("outcome", fact)


def _contact_handled(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    n = fact.sign
    return replace(
        pane,
        handled=pane.handled + n,
        talk_ms=pane.talk_ms + n * _duration(fact.talk_ms),
        hold_ms=pane.hold_ms + n * _duration(fact.hold_ms),
        wrap_ms=pane.wrap_ms + n * _duration(fact.wrap_ms),
    )


def _first_response(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    n, value = fact.sign, fact.sign * _duration(_value(fact))
    match fact.variant:
        case "any":
            return replace(pane, first_any=pane.first_any + n, first_any_ms=pane.first_any_ms + value)
        case "human_from_start":
            return replace(
                pane, first_from_start=pane.first_from_start + n, first_from_start_ms=pane.first_from_start_ms + value
            )
        case "human_from_handoff":
            return replace(
                pane,
                first_from_handoff=pane.first_from_handoff + n,
                first_from_handoff_ms=pane.first_from_handoff_ms + value,
            )
        case "after_reopen":
            return replace(
                pane,
                first_after_reopen=pane.first_after_reopen + n,
                first_after_reopen_ms=pane.first_after_reopen_ms + value,
            )
    raise _unknown("variant", fact)


def _next_response(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    n, value = fact.sign, fact.sign * _duration(_value(fact))
    return replace(pane, next_response=pane.next_response + n, next_response_ms=pane.next_response_ms + value)


def _contact_unasked(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    match fact.outcome:
        case "contained":
            return replace(pane, contained=pane.contained + fact.sign)
        case "left":
            return replace(pane, left=pane.left + fact.sign)
    raise _unknown("outcome", fact)


def _contact_reopened(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    return replace(pane, reopened=pane.reopened + fact.sign)


def _turned_away(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    return replace(pane, turned_away=pane.turned_away + fact.sign)


def _feedback(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    n, score = fact.sign, _value(fact)
    match fact.variant:
        case "csat":
            return replace(
                pane,
                csat=pane.csat + n,
                csat_satisfied=pane.csat_satisfied + (n if score >= policy.csat_satisfied_from * 1000 else 0),
                csat_milli=pane.csat_milli + n * score,
            )
        case "nps":
            return replace(
                pane,
                nps=pane.nps + n,
                nps_promoters=pane.nps_promoters + (n if score >= policy.nps_promoter_from * 1000 else 0),
                nps_detractors=pane.nps_detractors + (n if score <= policy.nps_detractor_to * 1000 else 0),
            )
        case "ces":
            return replace(
                pane, ces=pane.ces + n, ces_easy=pane.ces_easy + (n if score >= policy.ces_easy_from * 1000 else 0)
            )
    raise _unknown("variant", fact)


def _sentiment(pane: Pane, fact: Fact, policy: KpiPolicy) -> Pane:
    n = fact.sign
    return replace(pane, sentiment=pane.sentiment + n, sentiment_milli=pane.sentiment_milli + n * _value(fact))


def _duration(ms: int) -> int:
    return max(0, min(ms, LONGEST_MS))


def _value(fact: Fact) -> int:
    if fact.value is None:
        raise ValueError(f"{fact.fact} {fact.id!r} has no value")
    return fact.value


def _unknown(field: str, fact: Fact) -> ValueError:
    return ValueError(f"{fact.fact} {fact.id!r} has the {field} {getattr(fact, field)!r}, which is not known")


_FOLDS: dict[str, Callable[[Pane, Fact, KpiPolicy], Pane]] = {
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
