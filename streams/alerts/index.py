"""The rules of one kind of subject, so that a look costs what the rules cost that concern it.

Rules have places, and sets of rules are the bits of a number: 1,000 rules are 125 bytes, and ``&`` takes them all at
once. Scopes are such sets: for each attribute, of which rules a word is one. Of the rules that are left, those whose
condition needs a field to be beyond a bound lie side by side, by field, the lowest bound first (the highest, where
values below it count). So how far the field has got says which of them have to be looked at, and of the others the
first says when.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from streams.alerts.conditions import UPWARD, All, Any, Clock, Comparison, Condition, Equality, Sign, beyond
from streams.alerts.fields import SCOPES
from streams.alerts.intervals import BEGINNING, first_of
from streams.alerts.rules import AlertRule
from streams.alerts.signals import Attributes, Param, Signal
from streams.alerts.switching import Switched

Found = TypeVar("Found")
NOT_SWITCHED = Switched()
Key = tuple[str, tuple[tuple[str, Param], ...]]
"""A field, and its parameters."""
Business = Callable[[str, str], Clock | None]
"""(channel, queue) → its business time; None = it is always open."""
Calendars = Mapping[str, Clock]
"""By name."""


class Needed(NamedTuple):
    """A comparison without which a rule cannot hold."""

    key: Key
    upward: bool | None
    """None: an equality."""
    rank: tuple[float, bool]
    """The least bound, and whether it must be beyond it; the negative where values below it count."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that need a value of one field, in the order of their bounds."""

    first: int
    """The place of the first of them."""
    rules: int
    """As a set."""
    needed: Needed
    ranks: tuple[tuple[float, bool], ...]


class Index:
    """The enabled rules of one kind of subject."""

    def __init__(
        self,
        rules: Iterable[AlertRule],
        business: Business | None = None,
        calendars: Calendars | None = None,
        version: str = "",
        switched: Switched = NOT_SWITCHED,
    ) -> None:
        """``version``: of all the rules; goes with what is found. ``switched``: how they differ from those before."""
        known = {rule.name: rule for rule in rules}
        found = [(each, rule) for rule in known.values() for each in _needed(rule.when) or (None,)]
        found.sort(key=_order)
        self.rules: Sequence[AlertRule] = [rule for _, rule in found]
        """By place; one that needs one of several fields is there several times."""
        self.same = _several(self.rules)
        self.scoped = [tuple(rule.scope.items()) for rule in self.rules]
        """Their scopes, by place."""
        self.places = {rule.name: place for place, rule in enumerate(self.rules)}
        self.version, self.switched = version, switched
        self.business, self.calendars = business, calendars or {}
        self.everything = (1 << len(found)) - 1
        self.groups: list[Group | None] = [None] * len(found)
        for group in _groups([needed for needed, _ in found]):
            self.groups[group.first : group.first + len(group.ranks)] = [group] * len(group.ranks)
        attributes = SCOPES[self.rules[0].subject] if self.rules else ()
        self.scopes = {name: scope for name in attributes if (scope := self._scope(name)) is not None}

    def _scope(self, attribute: str) -> tuple[int, Mapping[str, int]] | None:
        """The rules that take any word, and for each word those that take it, too; None where all take any."""
        free, words = 0, dict[str, int]()
        for place, rule in enumerate(self.rules):
            wanted = _wanted(rule, attribute)
            if wanted is None:
                free |= 1 << place
            for word in wanted or ():
                words[word] = words.get(word, 0) | 1 << place
        return None if free == self.everything else (free, words)

    def going_on(self, begun: Mapping[str, Found], version: str, number: int) -> Mapping[str, Found]:
        """Of what went on by the rules of a version and number, that of which the rule still holds at the same
        moments."""
        if self.goes_by(version, number):
            return begun
        switched = self.switched
        if number == switched.number or (not number and version != switched.first):
            return {}  # rules of another file
        others = switched.after(number)
        return {rule: each for rule, each in begun.items() if rule not in others.anew and rule not in others.removed}

    def goes_by(self, version: str, number: int) -> bool:
        """Are these the rules of that version and number?"""
        return version == self.version and number == self.switched.number

    @property
    def number(self) -> int:
        """Of the rules; 0 = none were applied."""
        return self.switched.number

    def named(self, names: Iterable[str]) -> int:
        """The rules of these names, as a set."""
        return sum(1 << self.places[name] for name in names if name in self.places)

    def concerned(self, attributes: Attributes) -> int:
        """The rules whose scope fits at some time, as a set."""
        left = self.everything
        for name, (free, words) in self.scopes.items():
            has = attributes.get(name, "")
            fits = free
            if isinstance(has, str):
                fits |= words.get(has, 0)
            else:
                for piece in has:
                    fits |= words.get(piece.value, 0)  # type: ignore[arg-type]
            left &= fits
            if not left:
                break
        return left

    def each(self, left: int) -> Iterator[int]:
        """The places of a set; of a rule that has several the first."""
        while left:
            lowest = left & -left
            left ^= lowest
            place = lowest.bit_length() - 1
            if self.same:
                left &= ~self.same.get(place, 0)
            yield place


def _several(rules: Sequence[AlertRule]) -> dict[int, int]:
    """Place → all places of the same rule, where there are more."""
    sets: dict[str, int] = {}
    for place, rule in enumerate(rules):
        sets[rule.name] = sets.get(rule.name, 0) | 1 << place
    return {place: sets[rule.name] for place, rule in enumerate(rules) if sets[rule.name].bit_count() > 1}


def _wanted(rule: AlertRule, attribute: str) -> frozenset[str] | None:
    """The words of which an attribute must be one, by the scope or by the condition; None = any."""
    wanted = rule.scope.get(attribute)
    for words in _words(rule.when, attribute):
        wanted = words if wanted is None else wanted & words
    return wanted


def _words(condition: Condition, attribute: str) -> Iterator[frozenset[str]]:
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _words(part, attribute)
    elif isinstance(condition, Equality) and condition.field == attribute:
        words = frozenset(each for each in condition.one_of if isinstance(each, str))
        if words:  # a field of another type may have the attribute's name
            yield words


def reached(group: Group, signal: Signal, now: int | None) -> int:
    """How many rules of the group have their bound in reach of what was by ``now``: they have to be looked at."""
    if group.needed.upward is None:
        return len(group.ranks)
    most = _most(signal, group.needed.upward, now)
    return 0 if most is None else bisect_right(group.ranks, (most, True))


def _most(signal: Signal, upward: bool, now: int | None) -> float | None:
    """The highest value by now, or the lowest, as a rank."""
    most = None
    for start, end, value, grows, *_ in signal:
        if now is None or start > now:
            break
        if isinstance(value, str):
            continue
        if not upward:
            value = -value  # noqa: PLW2901
        elif grows:
            value += (now if end is None or end > now else end - 1) - start  # noqa: PLW2901
        if most is None or value > most:
            most = value
    return most


def crossing(signal: Signal, upward: bool, rank: tuple[float, bool], now: int | None) -> int | None:
    """The first moment after ``now`` at which the values are beyond a bound that they were not beyond before."""
    bound, strict = (rank[0] if upward else -rank[0]), rank[1]
    sign: Sign = ("above" if strict else "at_or_above") if upward else ("below" if strict else "at_or_below")
    later = [each for each in signal if now is None or each.end is None or each.end > now]
    found = beyond(later, sign, bound, _always_open)
    return first_of(found, BEGINNING if now is None else now + 1)


def _always_open(at: int) -> None:
    """Business time is no longer than time."""


def _needed(condition: Condition) -> tuple[Needed, ...]:
    """The comparisons of which a rule needs one at least; empty: it may hold whatever the fields are."""
    if isinstance(condition, Comparison):
        upward = condition.sign in UPWARD
        bounds, strict = condition.bound.values, condition.sign in ("above", "below")
        lowest = min(bounds) if upward else -max(bounds)
        return (Needed((condition.field, condition.parameters), upward, (lowest, strict)),)
    if isinstance(condition, Equality):
        return (Needed((condition.field, condition.parameters), None, (0.0, False)),)
    if isinstance(condition, All):
        return min(filter(None, map(_needed, condition.parts)), key=_best, default=())
    if isinstance(condition, Any):
        parts = [_needed(part) for part in condition.parts]
        return tuple({each: None for part in parts for each in part}) if all(parts) else ()
    return ()


def _best(needed: tuple[Needed, ...]) -> tuple[int, int]:
    """Those with a bound rather than equalities, and few rather than many."""
    return sum(each.upward is None for each in needed), len(needed)


def _order(of: tuple[Needed | None, AlertRule]) -> tuple[object, ...]:
    needed, rule = of
    if needed is None:
        return (1, "", "", "", (0.0, False), rule.name)
    return (0, needed.key[0], repr(needed.key[1]), str(needed.upward), needed.rank, rule.name)


def _groups(needed: Sequence[Needed | None]) -> Iterator[Group]:
    first = 0
    for place in range(1, len(needed) + 1):
        begun = needed[first]
        other = needed[place] if place < len(needed) else None
        if begun is not None and other is not None and other[:2] == begun[:2]:
            continue
        if begun is not None:
            ranks = tuple(each.rank for each in needed[first:place] if each is not None)
            yield Group(first, ((1 << len(ranks)) - 1) << first, begun, ranks)
        first = place
