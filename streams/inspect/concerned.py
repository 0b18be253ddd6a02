"""Whom rules can be about, found before anything is judged.

Contacts, customers and identifiers that an event names together are one *party*: whatever identities make of it,
nothing that belongs to one party meets what belongs to another. So parties are judged apart from each other, and one
that no rule can be about is not judged at all: none of its events has a tier, a channel or a type without which no rule
holds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from streams.alerts.conditions import All, Any, Comparison, Condition, Equality
from streams.alerts.rules import AlertRule
from streams.identity.identifiers import read
from streams.inspect.raw_events import Data, Head, Raw, head
from streams.rules import Rules

TYPES = {
    "waiting": ("contact.queued",),
    "sentiment": ("message.sent", "post.made"),
    "sentiment_streak": ("message.sent", "post.made"),
    "sentiment_drop": ("message.sent", "post.made"),
    "transfers": ("contact.transferred",),
}
"""Field of a contact or customer → the events without one of which it has no value."""
JUDGED = ("contact", "customer", "journey")
"""What rules may be about that is of one party."""


class Seen(NamedTuple):
    """Of how many subjects something was recorded in the span."""

    contacts: int = 0
    customers: int = 0
    queues: int = 0
    connectors: int = 0
    events: int = 0
    """In all, those before the span included."""

    def of(self, subject: str) -> int | None:
        """Of one kind; a journey is held against the customers. None: it is not counted."""
        found = self._asdict()
        return found.get({"journey": "customers"}.get(subject, f"{subject}s"))


class Parties:
    """Events by who they are of; a union of sets."""

    def __init__(self, rules: Rules, region: str | None) -> None:
        self.region, self.nobody = region, rules.nobody
        self.numbers: dict[str, int] = {}
        self.parents: list[int] = []
        self.marks: list[int] = []
        """By party: of which of the words that matter one was said."""
        judged = [rule for rule in rules.customers.alerts.file.enabled if rule.subject in JUDGED]
        self.bits = _Bits(judged, derived=bool(rules.customers.worth.ladder))
        self.known: dict[tuple[str, str], str | None] = {}
        self.joined = False

    def number(self, name: str) -> int:
        """Of a contact, a customer, an identifier."""
        found = self.numbers.get(name)
        if found is None:
            found = self.numbers[name] = len(self.parents)
            self.parents.append(found)
            self.marks.append(0)
        return found

    def root(self, number: int) -> int:
        parents = self.parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    def add(self, event: Head) -> int | None:
        """A number of the event's party; None: it is nobody's. Where it says more of something known, it `joined`."""
        known = len(self.parents)
        found = [self.number(name) for name in self._names(event)]
        self.joined = False
        if not found:
            return None
        first = self.root(found[0])
        new_contact = event.data.contact_id is not None and found[0] >= known
        others = {self.root(each) for each in (found[1:] if new_contact else found)}
        self.joined = len(others) > 1 and min(others) < known
        for each in found[1:]:
            other = self.root(each)
            if other != first:
                self.parents[other] = first
                self.marks[first] |= self.marks[other]
        self.marks[first] |= self.bits.of(event)
        return first

    def _names(self, event: Head) -> Iterable[str]:
        data = event.data
        names = list[str]()
        if data.contact_id is not None:
            names.append(f"contact:{data.channel}|{data.contact_id}")
        if data.customer_id is not None and (customer := self._node("customer", data.customer_id)):
            names.append(customer)
        for each in data.identifiers or ():
            if node := self._node(each.kind, each.value):
                names.append(node)
        for name in (data.identifier, data.other):
            kind, _, value = (name or "").partition(":")
            if kind and (node := self._node(kind, value)):
                names.append(node)
        return names

    def _node(self, kind: str, value: str) -> str | None:
        """As identities have it: nobody is none."""
        key = (kind, value)
        if key not in self.known:
            plain, _ = read(kind, value, self.region, self.nobody)
            self.known[key] = None if plain is None else f"{kind}:{plain}"
        return self.known[key]


class _Bits:
    """Words of events that matter, as bits; and which of them each rule needs."""

    def __init__(self, rules: Sequence[AlertRule], derived: bool) -> None:
        """``derived``: tiers follow from the value, too."""
        self.words: dict[tuple[str, str], int] = {}
        self.needs: list[tuple[int, ...]] = []
        for rule in rules:
            wanted = list[tuple[str, Iterable[str]]]()
            if rule.tiers and not derived:
                wanted.append(("tier", rule.tiers))
            if rule.channels and rule.subject == "contact":
                wanted.append(("channel", rule.channels))
            if rule.subject != "journey" and (types := _types(rule.when)) is not None:
                wanted.append(("type", types))
            self.needs.append(tuple(self._set(kind, words) for kind, words in wanted))

    def _set(self, kind: str, words: Iterable[str]) -> int:
        found = 0
        for word in words:
            found |= self.words.setdefault((kind, word), 1 << len(self.words))
        return found

    def of(self, event: Head) -> int:
        """What an event says of it."""
        data, words = event.data, self.words
        found = words.get(("type", event.type), 0) | words.get(("channel", data.channel or ""), 0)
        return found | words.get(("tier", data.tier), 0) if data.tier is not None else found

    def matter(self, marks: int) -> bool:
        """May a rule be about somebody of whom this was said?"""
        return any(all(marks & need for need in needs) for needs in self.needs)


def _types(condition: Condition) -> frozenset[str] | None:
    """The types of events without one of which a condition never holds; None: it may without any."""
    if isinstance(condition, Comparison | Equality):
        known = TYPES.get(condition.field)
        return None if known is None else frozenset(known)
    if isinstance(condition, All):
        found = [types for part in condition.parts if (types := _types(part)) is not None]
        return min(found, key=len, default=None)
    if isinstance(condition, Any):
        parts = [_types(part) for part in condition.parts]
        return None if None in parts else frozenset[str]().union(*(part for part in parts if part))
    return None


class Found(NamedTuple):
    """What is to be judged: for each share of the work the places of its events in the recording, in order."""

    shares: tuple[list[int], ...]
    seen: Seen
    joined: frozenset[int]
    """When (ms of arrival) more was said of a party that was known: contacts may have gone to others."""
    unread: int
    """Events that could not be looked at; each share has them not: they are refused anyway."""


class Ask(NamedTuple):
    """What is wanted."""

    span: tuple[int, int]
    """In which subjects are counted, ms; end exclusive."""
    rules: Rules
    region: str | None
    """Of phone numbers without a country code."""
    shares: int = 1


def concerned(events: Sequence[Raw], ask: Ask, tell: Callable[[int], None] = lambda done: None) -> Found:
    """The events of the parties that rules can be about, in so many shares of about the same size."""
    parties = Parties(ask.rules, ask.region)
    of, unread, counts, joined = list[int](), 0, _Counts(*ask.span), set[int]()
    for place, raw in enumerate(events):
        if not place % 10_000:
            tell(place)
        try:
            known = head(raw.value)
        except msgspec.DecodeError:
            unread += 1
            of.append(-1)
            continue
        number = parties.add(known)
        of.append(-1 if number is None else number)
        if parties.joined:
            joined.add(raw.at)
        counts.add(raw, known.data, known.source)
    whose = [-1 if number < 0 else parties.root(number) for number in of]
    matters = {root: parties.bits.matter(parties.marks[root]) for root in {*whose} if root >= 0}
    sizes = Counter(root for root in whose if root >= 0 and matters[root])
    loads, shared = [0] * ask.shares, dict[int, int]()
    for root, size in sizes.most_common():  # the largest first, each to who has least
        least = loads.index(min(loads))
        shared[root], loads[least] = least, loads[least] + size
    found = tuple(list[int]() for _ in range(ask.shares))
    for place, root in enumerate(whose):
        if (share := shared.get(root)) is not None:
            found[share].append(place)
    return Found(found, counts.seen(parties, len(events)), frozenset(joined), unread)


class _Counts:
    """Subjects of which something was recorded in a span."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.contacts: set[tuple[str, str]] = set()
        self.queues: set[tuple[str, str]] = set()
        self.connectors: set[tuple[str, str]] = set()

    def add(self, raw: Raw, data: Data, source: str) -> None:
        if not self.start <= raw.time < self.end or data.channel is None:
            return
        if data.contact_id is not None:
            self.contacts.add((data.channel, data.contact_id))
        if data.queue is not None:
            self.queues.add((data.channel, data.queue))
        self.connectors.add((source, data.channel))

    def seen(self, parties: Parties, events: int) -> Seen:
        """A party without a customer counts as one."""
        roots = {parties.root(parties.numbers[f"contact:{channel}|{contact}"]) for channel, contact in self.contacts}
        named = Counter(
            parties.root(number) for name, number in parties.numbers.items() if name.startswith("customer:")
        )
        customers = sum(max(named[root], 1) for root in roots)
        return Seen(len(self.contacts), customers, len(self.queues), len(self.connectors), events)
