"""Conditions: comparisons of fields, and ``all``, ``any`` and ``not`` of conditions.

A condition is looked at over all of time. Of each one two sets of moments follow: those at which it is *raised*, by the
bounds to raise, and those at which it is *kept*, which is all that is not over by the bounds to clear. What is raised
is kept. ``not`` turns the two round: what is not kept raises it, and it is kept where the other is not raised.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Literal, NamedTuple, Protocol

from streams.alerts.intervals import (
    ALWAYS,
    NEVER,
    Interval,
    Intervals,
    around,
    complement,
    earlier,
    intersection,
    joined,
    union,
)
from streams.alerts.signals import Param, Piece, Signal

Sign = Literal["above", "at_or_above", "below", "at_or_below"]
OPPOSITE: Mapping[Sign, Sign] = {
    "above": "at_or_below", "at_or_above": "below", "below": "at_or_above", "at_or_below": "above",
}  # fmt: skip
UPWARD: frozenset[Sign] = frozenset({"above", "at_or_above"})
MOST_EVIDENCE = 10


class Clock(Protocol):
    """Business time, as `streams.hours.clock.BusinessClock`."""

    def between(self, start: int, end: int) -> int: ...
    def after(self, start: int, ms: int) -> int | None: ...
    def next_opening(self, at: int) -> int | None: ...


class Scene(Protocol):
    """One subject, as a condition sees it."""

    def signal(self, field: str, parameters: tuple[tuple[str, Param], ...]) -> Signal: ...
    def words(self, attribute: str) -> str | Signal: ...
    def clock(self, at: int) -> Clock | None:
        """That durations which grow go by; None = they grow all the time."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a value is held against; None = nothing, and no comparison holds."""

    value: float | None = None
    by: str = ""
    """An attribute that decides; ``value`` is for all others."""
    each: tuple[tuple[str, float | None], ...] = ()

    def of(self, word: str) -> float | None:
        for name, value in self.each:
            if name == word:
                return value
        return self.value

    @property
    def values(self) -> list[float]:
        """All that it may be."""
        return [each for each in (self.value, *(value for _, value in self.each)) if each is not None]


class Held(NamedTuple):
    """What follows of a condition."""

    raised: Intervals
    kept: Intervals
    parts: tuple["Held", ...] = ()

    def side(self, negated: bool) -> Intervals:
        return complement(self.kept) if negated else self.raised


class Completed(NamedTuple):
    """The comparison that completed a condition, at that moment."""

    what: str
    unit: str
    value: float | str | None
    limit: float | None
    clear: float | None
    anchor: str | None
    """None: no piece lies there."""
    evidence: tuple[str, ...]
    behind: bool = False
    """It holds behind that moment only: a value that grows is at the bound, and has to be above it."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field, worked out by its parameters."""

    field: str
    parameters: tuple[tuple[str, Param], ...]
    """All of them, in the order of their names."""
    unit: str

    def values(self, scene: Scene) -> Signal:
        return scene.signal(self.field, self.parameters)

    def completed(self, scene: Scene, at: int) -> Completed:
        piece = next((each for each in self.values(scene) if each.start <= at and _goes_on(each, at)), None)
        limit, clear = self.bounds(scene, at)
        if piece is None:
            return Completed(self.field, self.unit, None, limit, clear, None, ())
        value = _value(piece, at, scene.clock(piece.start))
        evidence, behind = piece.evidence[:MOST_EVIDENCE], piece.at_bound and self.strict and value == limit
        return Completed(self.field, self.unit, value, limit, clear, piece.anchor, evidence, behind)

    @property
    def strict(self) -> bool:
        """Does it have to be above its bound?"""
        return False

    def bounds(self, scene: Scene, at: int) -> tuple[float | None, float | None]:
        """To raise and to clear, at a moment."""
        return None, None


@dataclass(frozen=True, slots=True)
class Comparison(Leaf):
    """A field against a bound."""

    sign: Sign
    bound: Bound
    clear_sign: Sign
    """The other way: ``at_or_below`` clears ``above``."""
    clear: Bound

    @property
    def strict(self) -> bool:
        return self.sign == "above"

    def held(self, scene: Scene) -> Held:
        signal = self.values(scene)
        if not signal:
            return Held(NEVER, NEVER)
        attribute = self.bound.by or self.clear.by
        if not attribute:
            return self._beyond(signal, self.bound.value, self.clear.value, scene)
        raised, kept = [], []
        for word, when in _by_word(scene, attribute):
            found = self._beyond(signal, self.bound.of(word), self.clear.of(word), scene)
            raised.append(intersection(when, found.raised))
            kept.append(intersection(when, found.kept))
        return Held(union(*raised), union(*kept))

    def _beyond(self, signal: Signal, bound: float | None, clear: float | None, scene: Scene) -> Held:
        """By these bounds."""
        if bound is None or clear is None:
            return Held(NEVER, NEVER)
        raised, keeps = beyond(signal, self.sign, bound, scene.clock), OPPOSITE[self.clear_sign]
        if clear == bound and keeps == self.sign:
            return Held(raised, raised)
        return Held(raised, beyond(signal, keeps, clear, scene.clock))

    def bounds(self, scene: Scene, at: int) -> tuple[float | None, float | None]:
        word = word_at(scene.words(self.bound.by or self.clear.by), at)
        limit, clear = self.bound.of(word), self.clear.of(word)
        return limit, None if clear == limit else clear


@dataclass(frozen=True, slots=True)
class Equality(Leaf):
    """A field is one of these: words, 1 or 0 of a flag, counts."""

    one_of: frozenset[float | str]

    def held(self, scene: Scene) -> Held:
        fits = self.one_of
        found = joined((each.start, each.end) for each in self.values(scene) if each.value in fits)
        return Held(found, found)


@dataclass(frozen=True, slots=True)
class All:
    """All of them at once."""

    parts: tuple["Condition", ...]

    def held(self, scene: Scene) -> Held:
        parts: list[Held] = []
        raised = kept = ALWAYS
        for part in self.parts:
            parts.append(found := part.held(scene))
            raised, kept = intersection(raised, found.raised), intersection(kept, found.kept)
        return Held(raised, kept, tuple(parts))


@dataclass(frozen=True, slots=True)
class Any:
    """One of them at least."""

    parts: tuple["Condition", ...]

    def held(self, scene: Scene) -> Held:
        parts = tuple([part.held(scene) for part in self.parts])
        return Held(union(*(each.raised for each in parts)), union(*(each.kept for each in parts)), parts)


@dataclass(frozen=True, slots=True)
class Not:
    """Where the other one is over."""

    part: "Condition"

    def held(self, scene: Scene) -> Held:
        found = self.part.held(scene)
        return Held(complement(found.kept), complement(found.raised), (found,))


Condition = Comparison | Equality | All | Any | Not


def completing(condition: Condition, held: Held, at: int, negated: bool = False) -> Comparison | Equality:
    """The comparison that made the condition true, given a moment at which it is: of several that are needed the one
    that got true last, of several that would do the first."""
    while not isinstance(condition, Leaf):
        if isinstance(condition, Not):
            condition, held, negated = condition.part, held.parts[0], not negated
            continue
        since = [
            (lies[0], part, each)
            for part, each in zip(condition.parts, held.parts, strict=True)
            if (lies := around(each.side(negated), at)) is not None
        ]
        pick = max if isinstance(condition, All) != negated else min
        _, condition, held = pick(since, key=_first)
    return condition


def leaves(condition: Condition) -> Iterator[Comparison | Equality]:
    """The comparisons in it."""
    if isinstance(condition, Leaf):
        yield condition
    elif isinstance(condition, Not):
        yield from leaves(condition.part)
    else:
        for part in condition.parts:
            yield from leaves(part)


def beyond(signal: Iterable[Piece], sign: Sign, bound: float, clock: Callable[[int], Clock | None]) -> Intervals:
    """When the values are above (at or above, …) the bound."""
    upward, strict = sign in UPWARD, sign in ("above", "at_or_below")
    found: list[Interval] = []
    for start, end, value, grows, *_, at_bound in signal:
        if isinstance(value, str):
            continue
        needed = bound - value
        if needed < 0 or (needed == 0 and not strict):  # it is beyond the bound, upwards
            if upward:
                found.append((start, end))
        elif not grows:
            if not upward:
                found.append((start, end))
        else:
            behind = strict and not (upward and at_bound)
            wait, goes_by = floor(needed) + 1 if behind else ceil(needed), clock(start)
            crossed = start + wait if goes_by is None else goes_by.after(start, wait)
            if not upward:
                found.append((start, earlier(crossed, end)))
            elif crossed is not None and (end is None or crossed < end):
                found.append((crossed, end))
    return tuple(found) if len(found) < 2 else joined(found)


def _value(piece: Piece, at: int, clock: Clock | None) -> float | str:
    if not piece.grows or isinstance(piece.value, str):
        return piece.value
    return piece.value + (at - piece.start if clock is None else clock.between(piece.start, at))


def _goes_on(piece: Piece, at: int) -> bool:
    return piece.end is None or at < piece.end


def word_at(words: str | Signal, at: int) -> str:
    """Of an attribute; empty where it has none."""
    if isinstance(words, str):
        return words
    return next((str(each.value) for each in words if each.start <= at and _goes_on(each, at)), "")


def when_one_of(words: str | Signal, wanted: frozenset[str]) -> Intervals:
    """The moments at which an attribute is one of these."""
    if isinstance(words, str):
        return ALWAYS if words in wanted else NEVER
    return joined((each.start, each.end) for each in words if each.value in wanted)


def _by_word(scene: Scene, attribute: str) -> Sequence[tuple[str, Intervals]]:
    """When an attribute is which word; empty: it has none."""
    words = scene.words(attribute) if attribute else ""
    if isinstance(words, str):
        return [(words, ALWAYS)]
    found = [(each, when_one_of(words, frozenset((each,)))) for each in {str(piece.value) for piece in words}]
    none = complement(joined((each.start, each.end) for each in words))
    return [*found, ("", none)]


def _first(of: tuple[int, "Condition", Held]) -> int:
    return of[0]
