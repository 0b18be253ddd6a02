"""A customer's scored messages, over all contacts and in order of time: the latest are kept."""

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from streams.contacts.contact import Contact, Mark
from streams.contacts.histories import NEVER

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


def forced(messages: Messages) -> int:
    """Up to this messages are judged whatever the stream time: more than 50 never wait."""
    over = len(messages) - MAX_MESSAGES
    return messages[over - 1].time if over > 0 else NEVER
