"""How a KPI is read: from the accumulators it names, and from who waits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from streams.hours.clock import BusinessClock
from streams.metrics.accumulators import ACCUMULATORS, HISTOGRAMS, LONGEST_MS, Counts, longest_wait
from streams.metrics.accumulators import percentile as percentile_of

Ratio = tuple[int, int]
"""Numerator and denominator."""


class Waiting(NamedTuple):
    """The legs that wait at one moment."""

    depth: int = 0
    oldest: int | None = None
    """When the one that waits longest entered."""
    reached: int = 0
    """How many of them have waited for the threshold or longer."""


NOBODY = Waiting()


Totals = Mapping[str, Any]
"""What a KPI may name: the state of each accumulator; who waits at the window's end: how many, how many of them for
the threshold or longer, how long the oldest has, and whether there is one; and the answers of a window that another one
of the same customer follows in it."""
NOTHING: Totals = {
    **{name: each.empty for name, each in ACCUMULATORS.items()},
    **dict.fromkeys(("waiting", "waiting_reached", "oldest_waits_ms", "oldest", "oldest_business_ms"), 0),
    **dict.fromkeys(("followed", "followed_promoters", "followed_detractors"), 0),
}


def who_waits(waiting: Waiting, end: int, clock: BusinessClock | None = None) -> dict[str, int]:
    """By the names that `Totals` has for it; ``end``: the moment; ``clock``: of a queue that has opening hours."""
    found = {"waiting": waiting.depth, "waiting_reached": waiting.reached}
    if waiting.oldest is None:
        return found
    found |= {"oldest_waits_ms": end - waiting.oldest, "oldest": 1}
    if clock is not None:  # who has waited longest has done so by either clock
        since = waiting.oldest
        found["oldest_business_ms"] = clock.between(since, min(end, since + LONGEST_MS))
    return found


def followed(superseded: Counts, since: int) -> dict[str, int]:
    """How many answers since a moment (ms) another one of the customer follows, and of whom, by the names that `Totals`
    has for it; see `streams.metrics.amounts.superseded`."""
    some = [(amount % 4, n) for amount, n in superseded.items() if amount // 4 >= since]
    of = [sum([n for kind, n in some if kind == one]) for one in (1, 2)]
    return {"followed": sum([n for _, n in some]), "followed_promoters": of[0], "followed_detractors": of[1]}


Merge = Literal["ratio", "count", "max", "percentile"]
"""How two windows of the same dimensions become one: ``ratio`` adds both numbers; ``count`` adds the numerators;
``max`` takes the larger; a ``percentile`` is read from the histograms of both together."""


Reader = Callable[[Totals], int]


@dataclass(frozen=True, slots=True)
class Formula:
    """How a KPI is read from what it names: what is above the line, and what is below."""

    names: frozenset[str]
    text: str
    """What people read: the names, and what is done with them."""
    above: Reader
    below: Reader
    merge: Merge = "ratio"
    percent: int = 0
    """Percentiles only: which one, and of what."""
    histogram: str = ""
    counted: str = ""
    """The one sum that is below the line, where it is one alone."""


def per(above: str, below: str, times: int = 1) -> Formula:
    """One sum of accumulators by another: ``per("answered_in_time", "answered + abandoned")``."""
    (names, numerator), (more, denominator) = _terms(above), _terms(below)
    top = numerator if times == 1 else lambda totals: times * numerator(totals)
    text = " / ".join(each if " " not in each else f"({each})" for each in (above, below))
    text = text if times == 1 else f"{times} × {text}"
    return Formula(names | more, text, top, denominator, counted=below if below in more else "")


def count(of: str) -> Formula:
    """A number of things: its denominator is 1."""
    names, number = _terms(of)
    return Formula(names, of, number, lambda totals: 1, "count")


def longest(name: str) -> Formula:
    """The longest wait that a `Longest` holds."""

    def is_there(totals: Totals) -> int:
        return 0 if longest_wait(totals[name]) is None else 1

    return Formula(
        frozenset({name}), f"largest of {name}", lambda totals: longest_wait(totals[name]) or 0, is_there, "max"
    )


def percentile(percent: int, name: str) -> Formula:
    """Its value, and of how many it is; of a `Histogram` that is complete, and in rising order."""
    counted_by = HISTOGRAMS[name].counted_by

    def value(totals: Totals) -> int:
        return percentile_of(totals[name], percent) or 0

    def of(totals: Totals) -> int:
        found: int = totals[counted_by] if totals[name] else 0
        return found

    text = f"percentile {percent} of {name}"
    return Formula(frozenset({name}), text, value, of, "percentile", percent, name)


def _terms(text: str) -> tuple[frozenset[str], Reader]:
    """``"a + b - c"``: the names, and what adds them up. Raises ValueError for a name that is not there."""
    words = f"+ {text}".split()
    signs, names = [1 if sign == "+" else -1 for sign in words[::2]], words[1::2]
    if unknown := set(names) - NOTHING.keys():
        raise ValueError(f"{', '.join(sorted(unknown))} in {text!r} is no accumulator")
    if len(names) == 1:
        return frozenset(names), itemgetter(names[0])
    of = itemgetter(*names)
    if -1 not in signs:
        return frozenset(names), lambda totals: sum(of(totals))
    return frozenset(names), lambda totals: sum([sign * n for sign, n in zip(signs, of(totals), strict=True)])
