"""``transfers`` and ``ping_pong``: how often a contact was handed on, and came back to where it had been."""

from collections.abc import Iterable

from streams.alerts.signals import Signal
from streams.contacts.contact import Contact
from streams.customers.watched.spans import counted


def transfers(contact: Contact) -> Signal:
    """How often it was handed on, while it goes on."""
    return counted(contact, contact.moves, contact.transfers - len(contact.moves)) if contact.moves else ()


def ping_pong(contact: Contact) -> Signal:
    """How often it came back to a queue or an agent it had been with, with another one in between."""
    if len(contact.legs) < 3 and len(contact.hands) < 3:
        return ()
    queues = _returns((leg.entered, leg.queue) for leg in contact.legs)
    agents = _returns(contact.hands)
    return counted(contact, sorted({*queues, *agents}))


def _returns(stays: Iterable[tuple[int, str]]) -> list[int]:
    """When it came back, of stays in order."""
    known, last, found = set[str](), "", list[int]()
    for at, name in stays:
        if name in known and name != last:
            found.append(at)
        known.add(name)
        last = name
    return found
