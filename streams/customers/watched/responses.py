"""``first_response`` and ``next_response``: how long the customer has waited for a word of a human.

Where replies are written, the first response runs from the first message of an asking (what the customer writes after
an end, or after the matter was solved, is another one) to the first message of a human; the next ones from the oldest
message that no human has replied to. Bots are no humans. Where one speaks, the first response is that a human takes the
contact, since it first came into a queue. A contact that is over waits for nobody.
"""

from streams.alerts.signals import Piece, Signal
from streams.base.channels import SPOKEN
from streams.contacts.contact import ANSWERED, Contact
from streams.contacts.conversation import FROM_START, waits_for_first
from streams.customers.watched.spans import begun, until
from streams.customers.watched.waiting import event_of

SOLVED = "solved"
_FIRST = frozenset({FROM_START, "after_reopen"})


def first_response(contact: Contact) -> Signal:
    """Until the first human answer, while there is none."""
    if contact.channel in SPOKEN:
        return _taken(contact)
    found = [
        _answered(contact, mark.time - mark.value, mark.time)
        for mark in contact.marks
        if mark.fact == "first_response" and mark.variant in _FIRST and mark.value is not None
    ]
    found += [_piece(contact, asked, at, why) for asked, _, at, why in contact.lapsed if asked is not None]
    if contact.asked is not None and waits_for_first(contact):
        found.append(_open(contact, contact.asked))
    return _in_order(found)


def next_response(contact: Contact) -> Signal:
    """The age of the oldest message that no human has replied to."""
    if contact.channel in SPOKEN:
        return ()
    since: dict[int, int] = {}
    for mark in contact.marks:
        first = mark.fact == "first_response" and mark.variant in _FIRST
        if (first or mark.fact == "next_response") and mark.value is not None:
            begins = mark.time - mark.value
            since[mark.time] = begins if mark.fact == "next_response" else since.get(mark.time, begins)
    found = [_answered(contact, begins, at) for at, begins in since.items()]
    found += [_piece(contact, begins, at, why) for _, begins, at, why in contact.lapsed if begins is not None]
    if contact.unanswered is not None:
        found.append(_open(contact, contact.unanswered))
    return _in_order(found)


def _taken(contact: Contact) -> Signal:
    """Of a contact in which one speaks."""
    if not contact.legs or contact.legs[0].told:
        return ()
    leg = contact.legs[0]
    end, why = until(contact, leg.entered)
    if contact.answered is not None and (end is None or contact.answered <= end):
        end, why = contact.answered, ANSWERED
    piece = Piece(leg.entered, end, 0.0, True, "first", (event_of(contact, leg),), why, True)
    return (piece,) if end is None or end > leg.entered else ()


def _answered(contact: Contact, since: int, at: int) -> Piece:
    """By a message of a human; the contact may have been over before it."""
    end, why = until(contact, _start(contact, since))
    return _piece(contact, since, at, ANSWERED) if end is None or at <= end else _piece(contact, since, end, why)


def _open(contact: Contact, since: int) -> Piece:
    """One that waits."""
    start = _start(contact, since)
    end, why = until(contact, start)
    if contact.solved and contact.solved_at is not None and (end is None or contact.solved_at < end):
        end, why = max(start, contact.solved_at), SOLVED
    return _piece(contact, since, end, why)


def _start(contact: Contact, since: int) -> int:
    """What has rested so long that it was taken for over waits again when it goes on."""
    return since if contact.origin is None else max(since, begun(contact))


def _piece(contact: Contact, since: int, end: int | None, why: str) -> Piece:
    start = _start(contact, since)
    name = f"asked-{since}" if start == since else f"asked-{since}-{start}"
    return Piece(start, end, float(start - since), True, name, (), why, True)


def _in_order(pieces: list[Piece]) -> Signal:
    """Without overlap: the one that began first goes on."""
    found = list[Piece]()
    for piece in sorted(pieces, key=lambda each: each.start):
        if piece.end is not None and piece.end <= piece.start:
            continue
        last = found[-1] if found else None
        if last is not None and (last.end is None or last.end > piece.start):
            continue
        found.append(piece)
    return tuple(found)
