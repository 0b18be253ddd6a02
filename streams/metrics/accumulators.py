"""What panes and days are made of: accumulators, each with a name, how an amount is added to its state, and how states
merge.

An amount is a whole number that a fact tells: 1 of what is counted, a duration in ms, thousandths of a score. It is
added with the fact's sign, so −1 takes back what +1 added, exactly and in any order; merging is associative and
commutative. A state is never changed in place, and the empty one is false.

There are three kinds that forget nothing, `Sum`, `Histogram` and `Exact`, and `Longest`, which keeps the largest
amounts.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from streams.base.times import DAY_MS

LONGEST_MS = 366 * DAY_MS
"""The longest duration that one fact adds."""
LONGEST_KEPT = 32
MAX_SUM = 2**63 - 1

Waits = tuple[tuple[int, int], ...]
"""(wait in ms, how many legs), longest first, at most LONGEST_KEPT of them."""
Counts = Mapping[int, int]
"""Step of a histogram → how many amounts are in it; see `step_of`."""


S = TypeVar("S")


@dataclass(frozen=True)
class Accumulator(ABC, Generic[S]):
    """One kind of state under a name; the name is a field of the rows of panes and days."""

    name: str
    kind: ClassVar[Any]
    """Type of the state, as it is read from a row."""
    empty: ClassVar[Any]

    @abstractmethod
    def merge(self, states: Sequence[S]) -> S:
        """All of them together; there is at least one."""

    def glance(self, states: Sequence[S]) -> S:
        """As `merge`, for what is read and not kept: it may leave out what no KPI looks at."""
        return self.merge(states)


class Sum(Accumulator[int]):
    """Amounts added up: by `panes.gathered` itself, as nearly all are sums and a call for each costs a tenth of it."""

    kind, empty = int, 0

    def merge(self, states: Sequence[int]) -> int:
        return sum(states)


@dataclass(frozen=True)
class Shape(Accumulator[S]):
    """An accumulator that keeps more of its amounts than what they add up to."""

    @abstractmethod
    def add(self, state: S, amount: int, sign: int) -> S:
        """The state with an amount counted, or taken back where the sign is −1."""


class Longest(Shape[Waits]):
    """The largest amounts: enough of them that the largest is still known after some are taken back."""

    kind, empty = Waits, ()

    def add(self, state: Waits, amount: int, sign: int) -> Waits:
        for place, (wait, n) in enumerate(state):
            if wait == amount:
                kept = ((wait, n + sign),) if n + sign else ()
                return (*state[:place], *kept, *state[place + 1 :])
            if wait < amount:
                return (*state[:place], (amount, sign), *state[place:])[:LONGEST_KEPT]
        return (*state, (amount, sign)) if len(state) < LONGEST_KEPT else state

    def glance(self, states: Sequence[Waits]) -> Waits:
        """The largest alone."""
        found = [wait for wait in map(longest_wait, states) if wait is not None]
        return ((max(found), 1),) if found else ()

    def merge(self, states: Sequence[Waits]) -> Waits:
        """Counts of equal amounts added, the largest kept; what adds up to none is gone."""
        filled = [state for state in states if state]
        if len(filled) < 2:
            return filled[0] if filled else ()
        counts: dict[int, int] = {}
        for state in filled:
            for wait, n in state:
                counts[wait] = counts.get(wait, 0) + n
        return tuple(sorted(((wait, n) for wait, n in counts.items() if n), reverse=True)[:LONGEST_KEPT])


def longest_wait(waits: Waits) -> int | None:
    """The longest wait, ms; ``None`` when no leg left."""
    if waits and waits[0][1] > 0:
        return waits[0][0]
    return next((wait for wait, n in waits if n > 0), None)


@dataclass(frozen=True)
class Exact(Shape[Counts]):
    """How many of each amount there are: of what is few."""

    kind, empty = dict[int, int], {}

    def add(self, state: Counts, amount: int, sign: int) -> Counts:
        found = dict(state)
        if n := found.get(amount, 0) + sign:
            found[amount] = n
        else:
            del found[amount]
        return found

    def merge(self, states: Sequence[Counts]) -> Counts:
        return _added(states)


def _added(states: Sequence[Counts]) -> Counts:
    found = dict(states[0])
    for state in states[1:]:
        for amount, n in state.items():
            found[amount] = found.get(amount, 0) + n
    return found if all(found.values()) else {amount: n for amount, n in found.items() if n}


@dataclass(frozen=True)
class Histogram(Shape[Counts]):
    """How many amounts are in each step: every percentile of them, within 1 %."""

    counted_by: str
    """The sum that counts the same amounts."""

    kind, empty = dict[int, int], {}

    def add(self, state: Counts, amount: int, sign: int) -> Counts:
        found, step = dict(state), step_of(amount)
        if n := found.get(step, 0) + sign:
            found[step] = n
        else:
            del found[step]
        return found

    def is_complete(self, state: Counts, amounts: int) -> bool:
        """Whether all ``amounts`` are in it: those of a row that an earlier version wrote are not."""
        return 0 < amounts == sum(state.values()) and min(state.values()) > 0

    def merge(self, states: Sequence[Counts]) -> Counts:
        return _added(states)


def _steps() -> tuple[list[int], list[int]]:
    """Where each step begins, and the amount that stands for all of it: not further than 1 % from any of them.

    Each step is as wide as that allows, so their widths grow with the amounts. Whole numbers only: a logarithm may be
    rounded otherwise on another machine, and what was counted there could not be taken back here.
    """
    starts, stand_for = [0], [0]
    start = 1
    while start <= LONGEST_MS:
        starts.append(start)
        stand_for.append(start * 101 // 100)
        start = stand_for[-1] * 100 // 99 + 1
    return starts, stand_for


_STARTS, STEPS = _steps()
"""`STEPS`: 0, every whole number below 100, then in steps of 2 % to a year: some 1,100."""


def step_of(amount: int) -> int:
    """The amount that stands for this one in a histogram, within 1 %; 0 for what is negative, the last one for what is
    longer than `LONGEST_MS`."""
    return STEPS[bisect_right(_STARTS, max(amount, 0)) - 1]


def percentile(counts: Counts, percent: int) -> int | None:
    """The smallest step such that ``percent`` % of the amounts are in it or below (nearest rank), ``None`` where there
    are none; ``counts`` in rising order."""
    rank = -(-sum(counts.values()) * percent // 100)
    if rank <= 0:
        return None
    seen = 0
    for step, n in counts.items():
        seen += n
        if seen >= rank:
            return step
    return None


ACCUMULATORS: dict[str, Accumulator[Any]] = {
    each.name: each
    for each in (
        # Legs: one stay in one queue.
        Sum("entered"),
        Sum("answered"),
        Sum("abandoned"),
        Sum("flowed_out"),
        Sum("answered_in_time"),
        Sum("abandoned_in_time"),
        Sum("short_abandoned"),
        Sum("answered_wait_ms"),
        Sum("abandoned_wait_ms"),
        Histogram("answered_waits", counted_by="answered"),
        Longest("longest"),
        # What was said of their waits, told by no fact: see `streams.metrics.waits`.
        Sum("forecast_judged"),
        Sum("forecast_error_ms"),
        Sum("forecast_absolute_ms"),
        Sum("forecast_unknown"),
        # Contacts: another grain, which never meets legs in one ratio.
        Sum("contacts_answered"),
        Sum("contacts_abandoned"),
        Sum("contacts_flowed_out"),
        Sum("contacts_in_time"),
        Sum("contacts_wait_ms"),
        Histogram("contacts_waits", counted_by="contacts_answered"),
        Sum("contained"),
        Sum("left"),
        Sum("reopened"),
        Sum("turned_away"),
        Sum("handled"),
        Sum("talk_ms"),
        Sum("hold_ms"),
        Sum("wrap_ms"),
        Histogram("handle_times", counted_by="handled"),
        Histogram("talks", counted_by="handled"),
        Histogram("holds", counted_by="handled"),
        Histogram("wraps", counted_by="handled"),
        Sum("transferred"),
        Sum("callbacks"),
        Sum("callbacks_kept"),
        Sum("by_machine"),
        Sum("by_machine_alone"),
        Sum("first_any"),
        Sum("first_any_ms"),
        Histogram("first_any_times", counted_by="first_any"),
        Sum("first_from_start"),
        Sum("first_from_start_ms"),
        Histogram("first_from_start_times", counted_by="first_from_start"),
        Sum("first_from_handoff"),
        Sum("first_from_handoff_ms"),
        Histogram("first_from_handoff_times", counted_by="first_from_handoff"),
        Sum("first_after_reopen"),
        Sum("first_after_reopen_ms"),
        Histogram("first_after_reopen_times", counted_by="first_after_reopen"),
        Sum("next_response"),
        Sum("next_response_ms"),
        Histogram("next_response_times", counted_by="next_response"),
        # Journeys: by the place of the contact that was solved.
        Sum("solved"),
        Sum("solved_ms"),
        Histogram("solved_times", counted_by="solved"),
        Sum("solved_once"),
        Sum("stayed_solved"),
        Sum("resolved"),
        Sum("resolved_ms"),
        Histogram("resolved_times", counted_by="resolved"),
        Sum("resolved_reopens"),
        Sum("resolved_contacts"),
        Sum("resolved_transfers"),
        Sum("open_journeys"),  # at the end of a day: no pane has them
        Histogram("open_ages", counted_by="open_journeys"),
        # Agents: ms of their time, by queue.
        Sum("occupied_ms"),
        Sum("idle_ms"),
        # Answers and messages of contacts.
        Sum("csat"),
        Sum("csat_satisfied"),
        Sum("csat_milli"),
        Sum("nps"),
        Sum("nps_promoters"),
        Sum("nps_detractors"),
        Sum("nps_superseded"),
        Exact("superseded"),
        Sum("ces"),
        Sum("ces_easy"),
        Sum("sentiment"),
        Sum("sentiment_milli"),
        # Scores of contacts that are over.
        Sum("quality_business"),
        Sum("quality_business_milli"),
        Sum("quality_human"),
        Sum("quality_human_milli"),
        Sum("quality_hidden"),
        Sum("quality_hidden_milli"),
        # The same durations by business time, of queues that have opening hours; each with how many there are.
        Sum("business_answered"),
        Sum("business_abandoned"),
        Sum("business_abandoned_ms"),
        Sum("business_in_time"),
        Sum("business_answered_ms"),
        Histogram("business_waits", counted_by="business_answered"),
        Longest("business_longest"),
        Sum("business_first_any"),
        Sum("business_first_any_ms"),
        Sum("business_first_from_start"),
        Sum("business_first_from_start_ms"),
        Sum("business_first_from_handoff"),
        Sum("business_first_from_handoff_ms"),
        Sum("business_first_after_reopen"),
        Sum("business_first_after_reopen_ms"),
        Sum("business_next_response"),
        Sum("business_next_response_ms"),
        Sum("business_solved"),
        Sum("business_solved_ms"),
        Sum("business_resolved"),
        Sum("business_resolved_ms"),
    )
}
SUMS = frozenset(name for name, each in ACCUMULATORS.items() if isinstance(each, Sum))
SHAPES: dict[str, Shape[Any]] = {name: each for name, each in ACCUMULATORS.items() if isinstance(each, Shape)}
HISTOGRAMS = {name: each for name, each in ACCUMULATORS.items() if isinstance(each, Histogram)}
