"""``promise_overdue``: how long a call-back that the customer asked for is past its time, and not kept.

Its time: an hour after the moment that was asked for, or a day after it was asked for as soon as possible, as for the
KPI (`streams.customers.callbacks`). It is kept when a human spoke with the customer, in the contact or in a call of
ours, and is owed no more when the customer asks for another one.
"""

from collections.abc import Iterable

from streams.alerts.signals import Piece, Signal
from streams.base.channels import SPOKEN
from streams.contacts.contact import ANSWERED, Contact
from streams.customers.callbacks import LATE_MS, WITHIN_MS

KEPT, AGAIN = "kept", "asked-again"


def promise_overdue(contact: Contact, calls: Iterable[int] = ()) -> Signal:
    """Of one contact, at rest or not. ``calls``: when calls of ours began in which a human had the customer, in
    order."""
    calls = tuple(calls)
    found = [_piece(at, due, (end, KEPT if kept else AGAIN), calls) for at, due, end, kept in contact.promised]
    if contact.callback is not None:
        at, due, _ = contact.callback
        found.append(_piece(at, due, (contact.called_back, KEPT), calls))
    return tuple(sorted((piece for piece in found if piece is not None), key=lambda piece: piece.start))


def is_call(contact: Contact) -> bool:
    """Is it one of ours in which a human had the customer?"""
    return contact.ours and contact.channel in SPOKEN and (contact.connected or contact.outcome == ANSWERED)


def deadline(at: int, due: int | None) -> int:
    """Until when a promise is kept in time (ms)."""
    return at + WITHIN_MS if due is None else due + LATE_MS


def _piece(at: int, due: int | None, over: tuple[int | None, str], calls: Iterable[int]) -> Piece | None:
    start, (end, why) = deadline(at, due), over
    called = next((call for call in calls if call >= at), None)
    if called is not None and (end is None or called < end):
        end, why = called, KEPT
    return Piece(start, end, 0.0, True, f"promised-{at}", (), why, True) if end is None or end > start else None
