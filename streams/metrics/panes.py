"""Panes: what happened in ten seconds of event time in one channel, queue and tier, as accumulators that merge.

A pane is a mapping of names to states, with those that are not empty; a day's row is one, too. Every number is whole
(counts, milliseconds, thousandths), so merging is associative and commutative, and a fact with sign −1 undoes its
opposite exactly.

A duration counts as at most `LONGEST_MS`, so a sum leaves 64 bits after 290 million facts of a year each in one day of
one channel, queue and tier, at the earliest. A row that does all the same is written as the largest number there is.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from operator import itemgetter
from typing import Any, TypedDict

import msgspec

from streams.base.records import Fact
from streams.metrics.accumulators import ACCUMULATORS, MAX_SUM, SHAPES, SUMS
from streams.metrics.amounts import amounts
from streams.metrics.rules import PANE_MS, KpiPolicy

Pane = Mapping[str, Any]
"""Accumulator → its state, never an empty one. Not to be changed in place."""

EMPTY: Pane = {}
_HUGE = re.compile(rb"\d{19}")
"""A number that may have more than 64 bits."""

_Row: Any = TypedDict("_Row", {each.name: each.kind for each in ACCUMULATORS.values()}, total=False)  # type: ignore[misc]
_decode_row = msgspec.json.Decoder(_Row).decode
_encode_row = msgspec.json.Encoder().encode


def pane_start(ms: int) -> int:
    """Start of the pane that holds the moment."""
    return ms - ms % PANE_MS


def happened(pane: Pane) -> bool:
    """Whether anything happened: a sum is there. The other accumulators may hold what is left of facts that were taken
    back, see `Longest`."""
    return not SUMS.isdisjoint(pane)


def gathered(facts: Iterable[Fact], policy: KpiPolicy) -> Pane:
    """What facts add up to; one whose sign is −1 is taken back. Raises ValueError for one that it does not know."""
    found: dict[str, Any] = {}
    get = found.get
    for fact in facts:
        sign = fact.sign
        for name, amount in amounts(fact, policy).items():
            if name in SUMS:
                found[name] = get(name, 0) + sign * amount
            else:
                shape = SHAPES[name]
                found[name] = shape.add(get(name, shape.empty), amount, sign)
    return found


def plus(pane: Pane, more: Pane) -> Pane:
    """Both together; what adds up to nothing is gone."""
    found = dict(pane)
    for name, state in more.items():
        together = state
        if name in found:
            together = found[name] + state if name in SUMS else SHAPES[name].merge((found[name], state))
        if together:
            found[name] = together
        else:
            found.pop(name, None)
    return found


def merge(panes: Iterable[Pane], glance: bool = False) -> Pane:
    """All of them together; ``glance``: to be read, not kept."""
    parts: defaultdict[str, list[Any]] = defaultdict(list)
    for pane in panes:
        for name, state in pane.items():
            parts[name].append(state)
    found: dict[str, Any] = {}
    for name, states in parts.items():
        accumulator = ACCUMULATORS[name]
        if together := accumulator.glance(states) if glance else accumulator.merge(states):
            found[name] = together
    return found


def encode(pane: Pane) -> bytes:
    """As a row: JSON by name, each sum inside 64 bits, which is what JSON and other languages can hold."""
    with suppress(OverflowError):
        row = _encode_row(pane)
        if not _HUGE.search(row):
            return row
    return _encode_row(
        {name: max(-MAX_SUM, min(state, MAX_SUM)) if name in SUMS else state for name, state in pane.items()}
    )


def decode(row: bytes) -> Pane:
    """The pane of a row; what it has of names that are no accumulators is left out. Raises `msgspec.ValidationError`
    for a row that is none.
    """
    pane: Pane = _decode_row(row)
    return pane


_Column = tuple[str, Callable[[int, int], Any]]


def _columns(panes: Sequence[Pane]) -> list[_Column]:
    """By accumulator: its state over the panes from one place to another. Sums are added up once for all stretches, as
    windows of several lengths end at every few panes.
    """
    states: defaultdict[str, tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
    for place, pane in enumerate(panes):
        for name, state in pane.items():
            places, of_name = states[name]
            places.append(place)
            of_name.append(state)
    return [
        (name, _sums(places, of_name) if name in SUMS else _others(name, places, of_name))
        for name, (places, of_name) in states.items()
    ]


def _sums(places: list[int], states: list[int]) -> Callable[[int, int], int]:
    up_to = [0, *accumulate(states)]
    return lambda first, last: up_to[bisect_left(places, last)] - up_to[bisect_left(places, first)]


def _others(name: str, places: list[int], states: list[Any]) -> Callable[[int, int], Any]:
    accumulator = ACCUMULATORS[name]

    def stretch(first: int, last: int) -> Any:
        some = states[bisect_left(places, first) : bisect_left(places, last)]
        return accumulator.glance(some) if some else accumulator.empty

    return stretch


def _without(pane: Pane, names: frozenset[str]) -> Pane:
    if names.isdisjoint(pane):
        return pane
    return {name: state for name, state in pane.items() if name not in names}


class Series:
    """The panes of one channel, queue and tier in order of time: any stretch of them is one pane."""

    __slots__ = ("_all", "_columns", "_found", "_panes", "_without", "read", "starts")

    def __init__(self, panes: Sequence[tuple[int, Pane]], without: frozenset[str] = frozenset()) -> None:
        """``panes``: (start, pane) in rising order; ``without``: accumulators that `between` alone has. What is left of
        a pane without them, and holds nothing then, is no pane to the others."""
        self._all, self._without = panes, without
        some = [(start, left) for start, pane in panes if happened(left := _without(pane, without))]
        self.starts = [start for start, _ in some]
        self._panes = [pane for _, pane in some]
        self._found: tuple[tuple[int, int], Pane] = (0, 0), EMPTY
        self._columns: list[_Column] | None = None
        self.read: dict[tuple[int, int], Any] = {}
        """What stretches say (`span`), for whoever reads them more than once."""

    @classmethod
    def together(cls, some: "Sequence[Series]", without: frozenset[str]) -> "Series":
        """All of them as one."""
        if len(some) == 1:
            return some[0]
        at: defaultdict[int, list[Pane]] = defaultdict(list)
        for series in some:
            for start, pane in series:
                at[start].append(pane)
        merged = [(start, merge(panes) if len(panes) > 1 else panes[0]) for start, panes in sorted(at.items())]
        return cls(merged, without)

    def less(self, names: frozenset[str]) -> "Series":
        """Without some accumulators, but for `between`; itself where there are none of them."""
        if all(names.isdisjoint(pane) for pane in self._panes):
            return self
        return Series(self._all, self._without | names)

    def __iter__(self) -> Iterator[tuple[int, Pane]]:
        return iter(self._all)

    def has(self, start: int, end: int) -> bool:
        """Whether a pane begins in [start, end)."""
        return bisect_left(self.starts, start) < bisect_left(self.starts, end)

    def between(self, start: int, end: int) -> Pane:
        """The panes that begin in [start, end) as one, whole."""
        first, last = (bisect_left(self._all, at, key=itemgetter(0)) for at in (start, end))
        some = [pane for _, pane in self._all[first:last]]
        return merge(some) if len(some) > 1 else some[0] if some else EMPTY

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Which panes begin in [start, end), by their places."""
        return bisect_left(self.starts, start), bisect_left(self.starts, end)

    def glance(self, start: int, end: int) -> Pane:
        """The same without what rolling windows do not tell, to be read, not kept."""
        first, last = self.span(start, end)
        if last - first < 2:
            return self._panes[first] if first < last else EMPTY
        if self._found[0] != (first, last):
            if self._columns is None:
                self._columns = _columns(self._panes)
            found = {name: state for name, column in self._columns if (state := column(first, last))}
            self._found = (first, last), found
        return self._found[1]


NO_PANES = Series([])
