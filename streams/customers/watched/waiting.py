"""``waiting``: how long the customer has been in a queue.

A stay in a queue (leg) begins when the contact enters it and is over when it leaves, whatever comes of it, or when the
contact is taken for over while it waits: nobody is alarmed any more. The end of the leg is the reason why a condition
is over: ``answered``, ``abandoned``, ``flow_out``.
"""

from collections.abc import Iterable

from streams.alerts.signals import Piece, Signal
from streams.contacts.contact import FLOW_OUT, Contact, Leg


def end_of(leg: Leg) -> tuple[int | None, str]:
    """When the leg is over, and how."""
    return (leg.left, leg.outcome or "") if leg.idle is None else (leg.idle, FLOW_OUT)


def event_of(contact: Contact, leg: Leg) -> str:
    """The id of the event by which it began."""
    return leg.id[len(contact.id) + 1 :].partition("-")[2]


def waiting(contact: Contact) -> Signal:
    """Of one contact; a piece is a leg, and named by it."""
    found = list[Piece]()
    for leg in contact.legs:
        if leg.told:
            continue
        left, outcome = end_of(leg)
        if left is None or left > leg.entered:
            evidence = (event_of(contact, leg),)
            found.append(Piece(leg.entered, left, 0.0, True, leg.id, evidence, outcome, True))
    return tuple(found)


def longest(signals: Iterable[Signal]) -> Signal:
    """Of several that grow: at each moment the piece that began first, as long as it goes on."""
    pieces = sorted((piece for signal in signals for piece in signal), key=lambda piece: (piece.start, piece.anchor))
    found = list[Piece]()
    reached: int | None = None
    for piece in pieces:
        if found and reached is None:
            break  # the one that began first goes on for ever
        start = piece.start if reached is None else max(piece.start, reached)
        if piece.end is not None and piece.end <= start:
            continue
        grown = piece.value if isinstance(piece.value, str) else piece.value + start - piece.start
        found.append(piece._replace(start=start, value=grown))
        reached = piece.end
    return tuple(found)
