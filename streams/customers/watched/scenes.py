"""Contacts, a customer and journeys as alert rules look at them: their attributes, and what they ask for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from streams.alerts.episodes import Subject
from streams.alerts.signals import Params, Signal
from streams.alerts.watching import Found
from streams.base.records import contact_key
from streams.contacts.contact import Contact
from streams.customers import journey_parts
from streams.customers.silences import Run, Told
from streams.customers.tiers import Tiers
from streams.customers.watched import customer, journey, moods, ping_pong, promises, responses, waiting, words
from streams.customers.watched.messages import Messages
from streams.customers.watched.moods import MOODS, Mood
from streams.customers.watched.spans import is_past
from streams.customers.watched.words import Words

RECOVERED = "recovered"
"""Why a condition is over where nothing says it better."""


class Scene:
    """One subject in one look; it notes what was asked for."""

    def __init__(self) -> None:
        self.given: dict[str, list[Signal]] = {}
        self.attributes: dict[str, str | Signal] = {}

    def fields(self, name: str, params: Params) -> Signal:
        signal = self.signal(name, params)
        self.given.setdefault(name, []).append(signal)
        return signal

    def signal(self, name: str, params: Params) -> Signal:
        raise NotImplementedError

    def with_words(self, **attributes: Words) -> None:
        self.attributes |= {name: each for name, each in attributes.items() if each}

    def word(self, attribute: str, at: int) -> str | None:
        return words.word_at(self.attributes.get(attribute), at)

    def over(self, found: Found) -> tuple[int | None, str | None]:
        """When an episode that was found is over, and why. What ends behind a moment is over at it."""
        until = found.until
        if until is None:
            return None, None
        reason = self._reason(found.what, until)
        return (until - 1 if reason == moods.QUIET else until), reason

    def _reason(self, what: str, until: int) -> str:
        signals = [
            *self.given.get(what, ()),
            *(each for name, some in self.given.items() if name != what for each in some),
        ]
        ends = (piece.reason for signal in signals for piece in signal if piece.end == until and piece.reason)
        return next(ends, RECOVERED)


_OF_CONTACT: Mapping[str, Callable[[Contact], Signal]] = {
    "waiting": waiting.waiting,
    "first_response": responses.first_response,
    "next_response": responses.next_response,
    "transfers": ping_pong.transfers,
    "ping_pong": ping_pong.ping_pong,
}
PROMISE = "promise_overdue"


class ContactScene(Scene):
    """One contact. ``calls``: when calls of ours began in which a human had the customer."""

    def __init__(self, key: str, contact: Contact, tiers: Tiers, policy: str, calls: Sequence[int]) -> None:
        super().__init__()
        self.key, self.contact, self.calls = key, contact, calls
        self.with_words(
            tier=words.tier_of_contact(contact, tiers),
            service_type=contact.kind,
            policy=policy,
            channel=contact.channel,
            queue=words.queue_of_contact(contact),
        )

    def signal(self, name: str, params: Params) -> Signal:
        if name == PROMISE:
            return promises.promise_overdue(self.contact, self.calls)
        make = _OF_CONTACT.get(name)
        return () if make is None or is_past(self.contact) else make(self.contact)

    def subject(self, found: Found, since: int) -> Subject:
        contact, tier = self.contact, self.word("tier", since)
        leg = next((each for each in contact.legs if each.id == found.anchor.partition("#")[0]), None)
        queue = self.word("queue", since) if leg is None else leg.queue
        return Subject(self.key, contact.id, contact.channel, queue, tier or "", kind=contact.kind)


class Known(NamedTuple):
    """What is known of a customer beside contacts' own state."""

    contacts: Sequence[Contact]
    """That are told of."""
    messages: Messages
    sums: Callable[[moods.Way], Mood]
    """What lies before the messages."""
    tiers: Tiers
    told: Sequence[Told] = ()
    """Silences."""
    acts: Sequence[int] = ()
    journeys: Callable[[], Sequence[journey_parts.Found]] = tuple
    service_type: str | None = None
    policy: str = ""
    past: Sequence[Contact] = ()
    """Those at rest, of which the latest word on the tier is known."""
    earlier: Run | None = None
    """When the customer was heard of last in contacts that are no longer kept, and what tier that said."""

    @property
    def tier(self) -> Words:
        """Of the customer, by all that is known."""
        last = self.earlier
        said = ((last.last, last.tier),) if last is not None and last.tier else ()
        return words.tier_of_customer((*self.contacts, *self.past), self.tiers, said)


class CustomerScene(Scene):
    """One customer. ``by_message``: the tier is that of each message, as long as nothing more was written."""

    def __init__(self, known: Known, by_message: bool) -> None:
        super().__init__()
        self.known = known
        tier = words.tier_of_messages(known.messages, known.tiers) if by_message else known.tier
        self.with_words(tier=tier, service_type=known.service_type, policy=known.policy)
        self.latest = max(known.contacts, key=lambda each: (each.last, each.channel, each.id), default=None)

    def signal(self, name: str, params: Params) -> Signal:
        known = self.known
        if name in MOODS:
            return moods.signal(name, params, known.sums(moods.way_of(name, params)), known.messages)
        if name == "waiting":
            return waiting.longest(map(waiting.waiting, known.contacts))
        if name == "unanswered":
            return waiting.longest(_named(each, responses.next_response(each)) for each in known.contacts)
        if name == "open_contacts":
            return customer.open_contacts(known.contacts)
        if name == "quiet":
            return customer.quiet(known.acts)
        if name == "silence":
            return customer.silence(known.told)
        if name == "repeats":
            return customer.repeats(known.journeys(), _number(params["within"]))
        return ()

    def subject(self, found: Found, since: int) -> Subject:
        tier, anchor = self.word("tier", since) or "", found.anchor.partition("#")[0]
        message = (
            next((each for each in self.known.messages if each.id == anchor), None) if found.what in MOODS else None
        )
        if message is not None:
            return Subject(message.key, message.contact, message.channel, message.queue, tier, message.id)
        contact = next((each for each in self.known.contacts if _is_of(each, anchor)), self.latest)
        kind = self.known.service_type
        if contact is None:
            return Subject("", "", "", None, tier, kind=kind)
        key, queue = contact_key(contact.channel, contact.id), contact.queue or contact.first_queue
        return Subject(key, contact.id, contact.channel, queue, tier, kind=kind)


def _is_of(contact: Contact, anchor: str) -> bool:
    """Does the anchor name it, or a stay of it in a queue?"""
    key = contact_key(contact.channel, contact.id)
    return anchor == key or anchor.startswith(f"{key}/") or any(leg.id == anchor for leg in contact.legs)


def _named(contact: Contact, signal: Signal) -> Signal:
    """With pieces that name the contact, too."""
    key = contact_key(contact.channel, contact.id)
    return tuple(piece._replace(anchor=f"{key}/{piece.anchor}") for piece in signal)


def _number(value: Any) -> int:
    return int(value)


_OF_JOURNEY: Mapping[str, Callable[[journey_parts.Found, int], Signal]] = {
    "age": journey.age,
    "contacts": journey.contacts,
    "channels": journey.channels,
    "transfers": journey.transfers,
    "repeats": journey.repeats,
    "reopens": journey.reopens,
    "state": journey.state,
}


class JourneyScene(Scene):
    """One journey by its name."""

    def __init__(self, name: str, found: journey_parts.Found, known: Known, gap_ms: int) -> None:
        super().__init__()
        self.name, self.found, self.known, self.gap_ms = name, found, known, gap_ms
        tier = known.tier or found.whole.tier
        self.with_words(tier=tier, service_type=known.service_type, policy=known.policy)

    def signal(self, name: str, params: Params) -> Signal:
        if name == moods.SENTIMENT:
            return journey.sentiment(self.found, self.known.messages, self.gap_ms)
        make = _OF_JOURNEY.get(name)
        return () if make is None else make(self.found, self.gap_ms)

    def subject(self, found: Found, since: int) -> Subject:
        points, tier = self.found.whole.points, self.word("tier", since) or ""
        point = points[-1] if points else None
        contact, channel = (point.contact, point.channel) if point else ("", "")
        return Subject(self.name, contact, channel, point.queue if point else None, tier, kind=self.known.service_type)
