"""A look at a contact, a customer or a journey by the rules: what stands of them, and when to look again."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from operator import is_
from typing import NamedTuple

from streams.alerts.conditions import Comparison, Condition, Equality, Not
from streams.alerts.episodes import CONTACT, CUSTOMER, JOURNEY
from streams.alerts.index import Index
from streams.alerts.rules import AlertRule
from streams.alerts.watching import Found, Look, watch
from streams.contacts.contact import Contact
from streams.customers.tiers import Tiers
from streams.customers.watched import words
from streams.customers.watched.scenes import ContactScene, CustomerScene, JourneyScene
from streams.customers.watched.standings import NEVER_HELD, NOTHING, Looked, Standing

MAX_REMEMBERED = 20_000
WAITING = "waiting"


AnyScene = ContactScene | CustomerScene | JourneyScene


class Case(NamedTuple):
    """What a look at a contact hangs on beside it. ``touched``: stream time when its history last got an event;
    ``calls``: when calls of ours began in which a human had the customer."""

    tiers: Tiers
    policy: str
    touched: int | None = None
    calls: Sequence[int] = ()


def at_contact(key: str, contact: Contact, case: Case, index: Index, now: int | None) -> Looked:
    """What stands of rules about contacts in one. An episode is somebody's: it begins when it is known whose contact it
    is, and not at all if the episode is over by then.
    """
    scene = ContactScene(key, contact, case.tiers, case.policy, case.calls)
    look = watch(index, scene.attributes, scene.fields, now)
    if not look.found:
        return NOTHING if look.due is None else Looked((), look.due)
    standings = list[Standing]()
    for found in look.found:
        since = found.since if contact.known is None else max(found.since, contact.known)
        if found.until is not None and found.until <= since:
            continue
        held = max(words.certain(contact, case.tiers, since) - 1, since - 1, NEVER_HELD)
        held = held if case.touched is None else max(held, case.touched)
        each = _standing(scene, found, CONTACT, since, held)
        standings.append(each._replace(value=each.limit) if found.what == WAITING else each)
    return Looked(tuple(standings), look.due)


def at_customer(scene: CustomerScene, index: Index, now: int | None, going: Mapping[str, Found], since: int) -> Looked:
    """What stands of rules about customers in one. ``going``: what went on of rules at a moment ``since``, from which
    on more is known."""
    look = watch(index, scene.attributes, scene.fields, now, going, since)
    return _looked(scene, look, CUSTOMER)


def at_journey(scene: JourneyScene, index: Index, now: int | None) -> Looked:
    """What stands of rules about journeys in one."""
    return _looked(scene, watch(index, scene.attributes, scene.fields, now), JOURNEY)


def _looked(scene: CustomerScene | JourneyScene, look: Look, about: str) -> Looked:
    standings = tuple([_standing(scene, found, about, found.since, NEVER_HELD) for found in look.found])
    return Looked(standings, look.due)


def _standing(
    scene: ContactScene | CustomerScene | JourneyScene, found: Found, about: str, since: int, held: int
) -> Standing:
    until, reason = scene.over(found)
    return Standing(
        found.rule,
        found.severity,
        found.what,
        about,
        scene.subject(found, since),
        found.anchor,
        since,
        None if until is None else max(until, since),
        reason,
        _number(found.value, found.unit),
        _number(found.limit, found.unit),
        _number(found.clear, found.unit),
        found.unit,
        found.evidence,
        held,
    )


def _number(value: float | str | None, unit: str) -> int | float | None:
    """As it is told: whole where it counts something."""
    if value is None or isinstance(value, str):
        return None
    return int(value) if unit in ("ms", "count") and value == int(value) else round(value, 3)


# The looks that were taken


class _Taken(NamedTuple):
    """A look: what it hangs on, at which stream time it was taken, what it gave."""

    made_of: Sequence[object]
    at: int | None
    looked: Looked


class Remembered:
    """The latest looks. One counts until its time has passed, as long as all that it hangs on is the same, so that a
    customer with hundreds of contacts costs a look at the one that changed.
    """

    def __init__(self) -> None:
        self.taken: dict[Hashable, _Taken] = {}

    def look(self, name: Hashable, made_of: Sequence[object], at: int | None, take: Callable[[], Looked]) -> Looked:
        """At stream time ``at``."""
        known = self.taken.get(name)
        if known is not None and _counts(known, made_of, at):
            return known.looked
        looked = take()
        if len(self.taken) >= MAX_REMEMBERED:
            self.taken.clear()
        self.taken[name] = _Taken(made_of, at, looked)
        return looked


def _counts(known: _Taken, made_of: Sequence[object], at: int | None) -> bool:
    if len(known.made_of) != len(made_of) or not all(map(is_, known.made_of, made_of)):
        return False
    if known.at == at:
        return True
    if at is None or (known.at is not None and at < known.at):
        return False
    due = known.looked.due
    return due is None or at <= due


# Which rules read what


def fields_of(index: Index) -> frozenset[str]:
    """That rules read."""
    return frozenset(leaf.field for _, leaf in leaves_of(index))


def rules_of(index: Index) -> Iterable[AlertRule]:
    """Each once, wherever it has a place."""
    return {rule.name: rule for rule in index.rules}.values()


def leaves_of(index: Index) -> Iterable[tuple[AlertRule, Comparison | Equality]]:
    """All comparisons of rules."""
    return ((rule, leaf) for rule in rules_of(index) for leaf in _leaves(rule.when))


def _leaves(condition: Condition) -> Iterable[Comparison | Equality]:
    if isinstance(condition, Comparison | Equality):
        yield condition
    else:
        for part in (condition.part,) if isinstance(condition, Not) else condition.parts:
            yield from _leaves(part)


def part_of(index: Index, wanted: Callable[[frozenset[str]], bool]) -> Index:
    """The rules that read such fields."""
    rules = [rule for rule in rules_of(index) if wanted(frozenset(leaf.field for leaf in _leaves(rule.when)))]
    return Index(rules, index.business, index.calendars, index.version)
