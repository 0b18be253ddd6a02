"""When a customer asks, and when nobody waits for a reply any more."""

from msgspec.structs import replace

from streams.contacts.contact import Contact

FROM_START = "human_from_start"
"""The first response of a human, since the customer's first message."""
MAX_NOTED = 8
"""Transfers, hands, pauses, askings and promises noted of one contact, the latest of each."""


def waits_for_first(contact: Contact) -> bool:
    """Has no human replied since the customer began to ask?"""
    return contact.asked is not None and (contact.asks_again or FROM_START not in contact.responses)


def asks_anew(contact: Contact, since: int, why: str) -> Contact:
    """The customer's next message begins another asking; nobody waits for a reply to the last one since a moment."""
    asked, lapsed = contact.asked if waits_for_first(contact) else None, contact.lapsed
    if asked is not None or contact.unanswered is not None:
        lapsed = (*lapsed, (asked, contact.unanswered, since, why))[-MAX_NOTED:]
    return replace(
        contact,
        lapsed=lapsed,
        asked=None,
        unanswered=None,
        solved=False,
        asks_again=contact.asks_again or contact.asked is not None,
        handed_off=None,
        wants_human=contact.wants_human or contact.handed_off is not None,
    )
