"""What a customer is worth, and the tier that follows: a fold over what is known of the value, in the order of event
time.

The value at a time, in cents, is the sum of its parts by their weights: what the CRM says of value, spend and running
contracts, and a sum for each contact the customer began, which counts half as much after every half-life. It is
reckoned at *points*, when a part or a contact comes, and when the contracts end; between them it stays.

A customer rises at once to the highest tier whose ``enter`` the value reaches. One whose value is below the ``leave``
of the tier falls to the highest one below whose ``leave`` it reaches, but not before the tier's minimum stay is over:
then by itself, if nothing has come that holds it.

The latest points are kept one by one, so that a late one finds its place; what lies before them is a ``Base``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, NamedTuple

import msgspec
from msgspec.structs import replace
from pydantic import Field

from streams.base import decay
from streams.base.decay import Decayed
from streams.base.times import DAY_MS
from streams.base.units import FROM_FILES, Duration, Span, Weight
from streams.customers.tiers import Tiers

Cents = Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]


@dataclass(frozen=True, slots=True)
class Bounds:
    """``value`` of a tier in tiers.yaml: entered at or above, left below, at the earliest after the stay (ms)."""

    enter: Cents
    leave: Cents
    min_stay: Duration = 30 * DAY_MS

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if self.leave > self.enter:
            raise ValueError(f"leave ({self.leave}) must not be above enter ({self.enter}), or customers would flap")


@dataclass(frozen=True, slots=True)
class ContactWorth:
    """What a contact of the customer's adds to the value, and after which time (ms) half of it."""

    cents: Cents = 0
    half_life: Span = 90 * DAY_MS

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Parts:
    """``value`` of tiers.yaml: how much of each part of the value counts."""

    value_cents: Weight = 1.0
    spend_cents: Weight = 0.0
    contract_cents: Weight = 0.0
    contacts: ContactWorth = field(default_factory=ContactWorth)

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if not self.value_cents + self.spend_cents + self.contract_cents + self.contacts.cents:
            raise ValueError("at least one part of the value must count")


@dataclass(frozen=True, slots=True)
class WorthRules:
    """How tiers follow from the value; without ladder none does."""

    ladder: tuple[tuple[str, Bounds], ...] = ()
    """The tiers that have bounds, the lowest first."""
    parts: Parts = field(default_factory=Parts)


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that changes the value: a profile that says parts of it (None = it does not), or a contact that the
    customer began: ``visit``: the mark of its key."""

    time: int
    id: str
    value: int | None = None
    spend: int | None = None
    contract: int | None = None
    until: int | None = None
    visit: str = ""
    group: str = ""
    """Of a contact that is over: with which others it goes to another customer; empty = it stays."""


class Base(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where the fold stands at a time."""

    at: int = 0
    value: int = 0
    spend: int = 0
    contract: int = 0
    until: int | None = None
    contacts: Decayed = decay.NOTHING
    tier: str = ""
    since: int = 0
    worth: int = 0
    """Cents, as it was reckoned last."""
    changes: Tiers = ()
    """The latest changes of the tier."""


Points = tuple[Point, ...]
NOTHING = Base()
MAX_POINTS = 24
"""Points kept one by one; of more, the oldest become part of the base."""
MAX_PAST = 8
"""Changes of the tier that a base remembers."""
_order = attrgetter("time", "id", "visit")


class Walk(NamedTuple):
    """The end of a fold; ``due``: the stream time (ms) to pass for the tier or the value to change without a point."""

    base: Base
    due: int | None


def with_points(points: Points, more: Sequence[Point]) -> Points:
    """In order, each once."""
    found = {_order(each): each for each in (*more, *points)}
    return tuple(found[name] for name in sorted(found))


def condensed(base: Base | None, points: Points, most: int, rules: WorthRules) -> tuple[Base | None, Points]:
    """With so many points at most."""
    over = len(points) - most
    if over <= 0:
        return base, points
    known = base or NOTHING
    for point in points[:over]:
        known = _taken(known, point, rules)
    return replace(known, changes=known.changes[-MAX_PAST:]), points[over:]


def walk(base: Base | None, points: Points, up_to: int | None, rules: WorthRules) -> Walk:
    """The fold over the points, and over what happens by itself up to a time (ms), that included."""
    state = base or NOTHING
    for point in points:
        state = _taken(state, point, rules)
    while (at := _by_itself(state, rules)) is not None and up_to is not None and at <= up_to:
        state = _moved(state, at, rules)
    return Walk(state, at)


def _taken(state: Base, point: Point, rules: WorthRules) -> Base:
    """After one more point, and all that happened by itself before it. Of one from before the base a contact counts;
    what a profile said then is over."""
    if point.time < state.at:
        return replace(state, contacts=_met(state.contacts, point, rules))
    while (at := _by_itself(state, rules)) is not None and at < point.time:
        state = _moved(state, at, rules)
    state = replace(
        state,
        value=state.value if point.value is None else point.value,
        spend=state.spend if point.spend is None else point.spend,
        contract=state.contract if point.contract is None else point.contract,
        until=state.until if point.contract is None and point.until is None else point.until,
        contacts=_met(state.contacts, point, rules),
    )
    return _stepped(state, point.time, _reckoned(state, point.time, rules), rules)


def _met(contacts: Decayed, point: Point, rules: WorthRules) -> Decayed:
    if not point.visit:
        return contacts
    return decay.add(contacts, 1.0, point.time, rules.parts.contacts.half_life)


def _by_itself(state: Base, rules: WorthRules) -> int | None:
    """The next time at which something changes without a point; None = nothing will."""
    ends = _ends(state, rules)
    times = [] if ends is None else [ends]
    bounds = dict(rules.ladder).get(state.tier)
    if bounds is not None and state.worth < bounds.leave:
        times.append(state.since + bounds.min_stay)
    return min(times, default=None)


def _ends(state: Base, rules: WorthRules) -> int | None:
    """When contracts that count end; None = there are none, or they have ended."""
    counts = state.contract and rules.parts.contract_cents
    return state.until if counts and state.until is not None and state.until > state.at else None


def _moved(state: Base, at: int, rules: WorthRules) -> Base:
    """At a time at which the contracts end, or a stay: by that alone nothing is reckoned anew."""
    worth = _reckoned(state, at, rules) if at == _ends(state, rules) else state.worth
    return _stepped(state, at, worth, rules)


def _reckoned(state: Base, at: int, rules: WorthRules) -> int:
    """The value in cents."""
    parts = rules.parts
    runs = state.until is None or at < state.until
    met = decay.total_at(state.contacts, at, parts.contacts.half_life) if parts.contacts.cents else 0.0
    return round(
        parts.value_cents * state.value
        + parts.spend_cents * state.spend
        + parts.contract_cents * (state.contract if runs else 0)
        + parts.contacts.cents * met
    )


def _stepped(state: Base, at: int, worth: int, rules: WorthRules) -> Base:
    """With the tier that follows from the value at a time."""
    tier = _tier(state, at, worth, rules)
    if tier == state.tier:
        return replace(state, at=at, worth=worth)
    changes = (*state.changes, (at, "", tier))[-2 * MAX_POINTS :]
    return replace(state, at=at, worth=worth, tier=tier, since=at, changes=changes)


def _tier(state: Base, at: int, worth: int, rules: WorthRules) -> str:
    names = [name for name, _ in rules.ladder]
    place = names.index(state.tier) if state.tier in names else -1
    highest = max((n for n, (_, bounds) in enumerate(rules.ladder) if worth >= bounds.enter), default=-1)
    if highest > place:
        return names[highest]
    if place < 0:
        return ""
    bounds = rules.ladder[place][1]
    if worth >= bounds.leave or at < state.since + bounds.min_stay:
        return state.tier
    below = max((n for n, (_, each) in enumerate(rules.ladder[:place]) if worth >= each.leave), default=-1)
    return names[below] if below >= 0 else ""
