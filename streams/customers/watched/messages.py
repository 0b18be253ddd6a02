"""A customer's scored messages, over all contacts and in order of time: the latest are kept."""

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from streams.contacts.contact import Contact, Mark
from streams.contacts.histories import NEVER, History
from streams.contacts.steps import CUSTOMER, Step

MAX_MESSAGES = 50
"""So many are kept at least, and twice as many at most."""
NO_MESSAGE = (NEVER, "")
WRITTEN = frozenset({"message.sent", "post.made"})


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A scored message of the customer; ``key``: of the history it is in; ``tier``: what the contact's events had said
    by then."""

    time: int
    id: str
    milli: int
    key: str
    contact: str
    channel: str
    queue: str | None = None
    tier: str | None = None


Messages = tuple[Message, ...]
_order = attrgetter("time", "id", "key")


def message(key: str, contact: Contact, mark: Mark) -> Message:
    """The message a sentiment mark stands for."""
    queue = mark.queue or contact.first_queue
    return Message(mark.time, mark.id, mark.value or 0, key, contact.id, contact.channel, queue, mark.tier)


def messages_of(key: str, contacts: Iterable[Contact], behind: tuple[int, str]) -> Messages:
    """The scored messages of contacts that lie behind the settled ones."""
    return tuple(
        message(key, contact, mark)
        for contact in contacts
        for mark in contact.marks
        if mark.fact == "sentiment" and (mark.time, mark.id) > behind
    )


def replaced(messages: Messages, key: str, fresh: Messages) -> Messages:
    """The customer's messages with those of one history in place of its earlier ones."""
    kept = tuple(each for each in messages if each.key != key)
    return tuple(sorted(kept + fresh, key=_order))


def written(known: Messages, settled: tuple[int, str], key: str, new: Step, change: tuple[History | None, History]):
    """The messages when a history got an event: as it was before, and as it is. ``settled``: the last message that is
    no longer kept."""
    before, history = change
    contact = history.lives[-1]
    first_queue = before.lives[-1].first_queue if before and before.lives else contact.first_queue
    if (not history.tail or history.tail[-1] is new) and contact.first_queue == first_queue:
        if new.type not in WRITTEN or new.actor != CUSTOMER or new.value is None:
            return known
        if not known or (new.time, new.id) > (known[-1].time, known[-1].id):
            return (*known, message(key, contact, contact.marks[-1]))
    fresh = messages_of(key, history.lives, settled)
    return replaced(known, key, fresh)


def decided(messages: Messages, now: int) -> Messages:
    """The messages that can be judged: those up to stream time; more than 50 never wait."""
    waiting = next((index for index, message in enumerate(messages) if message.time > now), len(messages))
    return messages[: max(waiting, len(messages) - MAX_MESSAGES)]
