"""How long who waits will wait, and in which place, from what the queue did in its last window.

While somebody waits, answers come at a rate mu, and each of those who wait leaves unanswered at a rate theta:

    mu = (answers of legs that waited + 1) / time in which somebody waited
    theta = legs that left unanswered / time that all of them waited

Answers are held against the time with a queue, not against the whole window: agents who are free answer nobody who
waits. One more than were counted makes 1 / mu right on average, where answers / time would say waits that are too long:
for a Poisson number N of mean m, E[1 / (N + 1)] = (1 - exp(-m)) / m.

Who is in place n is answered after n departures, the own one last. With n, n - 1, ... 1 waiting they come at the rates
mu + n theta, ..., mu + theta, so that

    expected wait = sum over i = 1 ... n of 1 / (mu + i theta)

That is the mean wait of those in place n of an M/M/c+M queue who are answered: not giving up for so long tilts the rate
mu + (i - 1) theta of each step by theta (the queue: Garnett, Mandelbaum and Reiman, "Designing a Call Center with
Impatient Customers", 2002; predicting from its state: W. Whitt, "Predicting Queueing Delays", 1999). So it can be held
against the waits of the answered, which `Past.judged` does. Places are in order of entering: who is preferred is
answered sooner, and others later, than is said.

Everything is a function of the legs, and of the moment asked for: what happens later changes nothing.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Literal, NamedTuple

UNKNOWN: Literal["unknown"] = "unknown"
"""The answer where nobody who had waited was answered in the window: no number follows from that."""


class Stay(NamedTuple):
    """A queue leg; times in ms."""

    entered: int
    id: str
    left: int | None = None
    """``None``: it waits."""
    answered: bool = False
    """When it left: by an answer; else it was abandoned, or flowed out."""


def _order(stay: Stay) -> tuple[int, str]:
    return stay.entered, stay.id


class Rates(NamedTuple):
    """What a queue did in a window, as whole numbers."""

    answered: int
    """Legs that had waited."""
    gone: int
    """Legs that left unanswered."""
    occupied_ms: int
    """Time in which somebody waited."""
    waited_ms: int
    """By all of them."""

    def expected(self, places: int) -> list[int] | Literal["unknown"]:
        """Expected wait from the moment on, whole ms, of places 1 to ``places``; rising, each with its place."""
        if self.answered == 0:
            return UNKNOWN
        mu, theta = (self.answered + 1) / self.occupied_ms, self.gone / self.waited_ms
        return [round(wait) for wait in accumulate(1 / (mu + place * theta) for place in range(1, places + 1))]


class Expected(NamedTuple):
    """Somebody who waits."""

    id: str
    place: int
    """From 1."""
    waited_ms: int
    remaining_ms: int | Literal["unknown"]
    """Expected wait from now on."""


class Judged(NamedTuple):
    """Somebody who was answered."""

    id: str
    waited_ms: int
    expected_ms: int | Literal["unknown"]
    """When it entered."""


class Calibration(NamedTuple):
    """How forecasts came out, as sums: those of several spans are added."""

    judged: int = 0
    """Answered legs of which a wait was expected when they entered."""
    unknown: int = 0
    """Answered legs of which none was known."""
    error_ms: int = 0
    """Sum of wait − expected wait: above 0 where people waited longer than was said."""
    absolute_ms: int = 0
    """Sum of the differences whatever their sign."""
    waited_ms: int = 0
    """Sum of the waits of those who were judged."""


class Past:
    """The legs of one queue, in any order, so that any moment can be asked. Legs that were answered at once are no part
    of it: nobody had to wait.

    Raises ValueError for a leg that left before it entered.
    """

    def __init__(self, stays: Iterable[Stay]) -> None:
        self._stays = sorted((stay for stay in stays if stay.left != stay.entered), key=_order)
        ended = [(stay.left, stay) for stay in self._stays if stay.left is not None]
        if wrong := next((stay for left, stay in ended if left < stay.entered), None):
            raise ValueError(f"leg {wrong.id!r} left at {wrong.left}, before it entered at {wrong.entered}")
        self._entered = [stay.entered for stay in self._stays]
        self._left = sorted(left for left, _ in ended)
        self._answered = sorted(left for left, stay in ended if stay.answered)
        self._sum_entered = [0, *accumulate(self._entered)]
        self._sum_left = [0, *accumulate(self._left)]
        self._busy_from, self._busy_to = self._busy()
        self._busy_sum = [0, *accumulate(b - a for a, b in zip(self._busy_from, self._busy_to, strict=True))]

    def _busy(self) -> tuple[list[int], list[int]]:
        """Spans in which somebody waits; the end of who still waits is far away."""
        starts: list[int] = []
        ends: list[int] = []
        for stay in self._stays:
            until = _FOREVER if stay.left is None else stay.left
            if ends and stay.entered <= ends[-1]:
                ends[-1] = max(ends[-1], until)
            else:
                starts.append(stay.entered)
                ends.append(until)
        return starts, ends

    def _occupied(self, at: int) -> int:
        """Time with somebody waiting, up to the moment."""
        spans = bisect_right(self._busy_from, at)
        return self._busy_sum[spans] - max(0, self._busy_to[spans - 1] - at) if spans else 0

    def _waited(self, at: int) -> int:
        """Time that all have waited up to the moment."""
        came, went = bisect_right(self._entered, at), bisect_right(self._left, at)
        return (came - went) * at - self._sum_entered[came] + self._sum_left[went]

    def rates(self, at: int, window_ms: int) -> Rates:
        """Of the window that ends at the moment, its end included."""
        start = at - window_ms
        left = bisect_right(self._left, at) - bisect_right(self._left, start)
        answered = bisect_right(self._answered, at) - bisect_right(self._answered, start)
        occupied = self._occupied(at) - self._occupied(start)
        return Rates(answered, left - answered, occupied, self._waited(at) - self._waited(start))

    def waiting(self, at: int, window_ms: int) -> list[Expected]:
        """Who waits at the moment, in order of entering."""
        found = [stay for stay in self._stays[: bisect_right(self._entered, at)] if stay.left is None or stay.left > at]
        waits = self.rates(at, window_ms).expected(len(found))
        return [
            Expected(stay.id, place, at - stay.entered, UNKNOWN if waits == UNKNOWN else waits[place - 1])
            for place, stay in enumerate(found, start=1)
        ]

    def judged(self, start: int, end: int, window_ms: int) -> Iterator[Judged]:
        """Who was answered at or after ``start`` and before ``end``, with what was expected at the entering."""
        for before, stay in enumerate(self._stays):
            if stay.answered and stay.left is not None and start <= stay.left < end:
                place = before + 1 - bisect_right(self._left, stay.entered)
                waits = self.rates(stay.entered, window_ms).expected(place)
                yield Judged(stay.id, stay.left - stay.entered, UNKNOWN if waits == UNKNOWN else waits[-1])


def calibration(judged: Iterable[Judged]) -> Calibration:
    """How the forecasts of some came out."""
    known = unknown = error = absolute = waited = 0
    for each in judged:
        if each.expected_ms == UNKNOWN:
            unknown += 1
            continue
        known += 1
        waited += each.waited_ms
        error += each.waited_ms - each.expected_ms
        absolute += abs(each.waited_ms - each.expected_ms)
    return Calibration(known, unknown, error, absolute, waited)


_FOREVER = 1 << 62
