"""What rules are scoped by: the tier of a contact and of a customer over time, the queue, the service type."""

from collections.abc import Iterable, Sequence

from streams.alerts.signals import Piece, Signal
from streams.contacts.contact import Contact
from streams.customers.tiers import Tiers, tier_at
from streams.customers.watched.messages import Messages
from streams.customers.watched.waiting import end_of

BEGINNING = -(2**62)
Words = str | Signal | None
"""One that never changes; None = there is none."""


def tier_then(contact: Contact, tiers: Tiers, at: int) -> str | None:
    """What the contact's events had said by a moment, else what was known of the customer."""
    if len(contact.said) == 1 and contact.said[0][0] <= at:
        return contact.tier
    said = next((tier for time, tier in reversed(contact.said) if time <= at), None)
    return tier_at(tiers, at) if said is None else said


def certain(contact: Contact, tiers: Tiers, at: int) -> int:
    """The stream time at which the tier at a moment is certain: what events say first, later than that moment, an event
    still to come may have said otherwise before.
    """
    later = contact.said and contact.said[0][0] > at and tier_then(contact, tiers, at) is None
    return max(at, contact.said[0][0]) if later else at


def tier_of_contact(contact: Contact, tiers: Tiers) -> Words:
    """What the events had said by then, else the profile, else what the events say first later; of a stay in a queue,
    up to the end of it.
    """
    said = contact.said
    if not tiers:
        if not said:
            return contact.tier
        if len(said) == 1 and not any(_over_by(contact, said[0][0])):
            return contact.tier or said[0][1]
    ends = [bound for bounds in _over_by(contact, said[0][0]) for bound in bounds] if said else []
    moments = sorted({*(time for time, _ in said), *(time for time, _, _ in tiers), *ends})
    found = list[Piece]()
    for place, start in enumerate((BEGINNING, *moments)):
        tier = tier_then(contact, tiers, start)
        if tier is None and said and start < said[0][0]:
            over = any(entered <= start < left for entered, left in _over_by(contact, said[0][0]))
            tier = None if over else said[0][1]
        end = moments[place] if place < len(moments) else None
        if tier:
            found.append(Piece(start, end, tier))
    return _whole(found)


def _over_by(contact: Contact, at: int) -> Sequence[tuple[int, int]]:
    """The stays in queues that were over before a moment."""
    ends = ((leg.entered, end_of(leg)[0]) for leg in contact.legs)
    return [(entered, left) for entered, left in ends if left is not None and left < at]


def queue_of_contact(contact: Contact) -> Words:
    """The last that it was in; before it was in one, the first that it names."""
    first = contact.first_queue
    if not contact.legs:
        return contact.rested_queue or first
    if len(contact.legs) == 1 and contact.legs[0].queue == first:
        return first
    found = [Piece(BEGINNING, contact.legs[0].entered, first)] if first else []
    for place, leg in enumerate(contact.legs):
        end = contact.legs[place + 1].entered if place + 1 < len(contact.legs) else None
        if end is None or leg.entered < end:
            found.append(Piece(leg.entered, end, leg.queue))
    return _whole(found)


def tier_of_customer(contacts: Sequence[Contact], tiers: Tiers, earlier: Iterable[tuple[int, str]] = ()) -> Words:
    """What is known of the customer, else what the contacts' events said last. ``earlier``: what those said, and when,
    that are no longer kept.
    """
    said = sorted((time, contact.id, tier) for contact in contacts for time, tier in contact.said)
    said = sorted([*said, *((time, "", tier) for time, tier in earlier)])
    moments = sorted({time for time, _, _ in said} | {time for time, _, _ in tiers})
    found = list[Piece]()
    for place, start in enumerate(moments):
        tier = tier_at(tiers, start) or next((tier for time, _, tier in reversed(said) if time <= start), None)
        end = moments[place + 1] if place + 1 < len(moments) else None
        if tier:
            found.append(Piece(start, end, tier))
    return _whole(found)


def tier_of_messages(messages: Messages, tiers: Tiers) -> Words:
    """At each message what its contact's events had said by then, else what was known of the customer; up to the next
    message."""
    found = list[Piece]()
    for place, each in enumerate(messages):
        tier = each.tier or tier_at(tiers, each.time)
        end = messages[place + 1].time if place + 1 < len(messages) else None
        if tier and (end is None or each.time < end):
            found.append(Piece(each.time, end, tier))
    return _whole(found)


def word_at(words: Words, at: int) -> str | None:
    """At a moment; None = there is none."""
    if words is None or isinstance(words, str):
        return words
    return next((str(each.value) for each in words if each.start <= at and (each.end is None or at < each.end)), None)


def _whole(pieces: Sequence[Piece]) -> Words:
    """Pieces that say the same one after the other as one; a word where it never changes."""
    found = list[Piece]()
    for piece in pieces:
        if found and found[-1].end == piece.start and found[-1].value == piece.value:
            found[-1] = found[-1]._replace(end=piece.end)
        else:
            found.append(piece)
    if len(found) == 1 and found[0].start == BEGINNING and found[0].end is None:
        return str(found[0].value)
    return tuple(found) or None
