"""When a contact goes on, and counts over that time."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.alerts.signals import Piece, Signal
from streams.contacts.contact import OPEN, Contact

TIMEOUT = "timeout"


class Span(NamedTuple):
    """A stretch of time (ms) in which a contact goes on; ``reason``: how it had come out when that was over."""

    start: int
    end: int | None
    reason: str = ""


def begun(contact: Contact) -> int:
    """When it began; of another part of one that was over, when that did (ms)."""
    if contact.origin is None:
        return contact.started
    return next((mark.time for mark in contact.marks if mark.fact == "contact_reopened"), contact.last)


def is_past(contact: Contact) -> bool:
    """Had it come to rest, and been told of, before what is kept of it goes on? Nothing of it is told again."""
    return contact.before is not None and contact.origin is None


def spans(contact: Contact) -> tuple[Span, ...]:
    """All of them, in order."""
    found, start = list[Span](), begun(contact)
    for ended, again, outcome in contact.pauses:
        if start < ended:
            found.append(Span(start, ended, outcome))
        start = max(start, again)
    end = contact.ended if contact.parted is None else contact.parted
    if end is None or start < end:
        found.append(Span(start, end, _outcome(contact) if end is not None else ""))
    return tuple(found)


def _outcome(contact: Contact) -> str:
    """How it came out; of one that was taken for over because nothing was heard of it, that it was."""
    return TIMEOUT if contact.timed_out or contact.outcome == OPEN else contact.outcome


def until(contact: Contact, since: int) -> tuple[int | None, str]:
    """When something that began at a moment is over because the contact is, and how that came out; None = it goes
    on."""
    for span in spans(contact):
        if span.end is None or since < span.end:
            return span.end, span.reason
    return since, _outcome(contact)


def counted(contact: Contact, times: Sequence[int], before: int = 0) -> Signal:
    """How often something has happened in the contact, since it happened first and while the contact goes on. A piece
    is named by its number. ``times``: in order, ms; ``before``: how often it happened before the first of them.
    """
    found = list[Piece]()
    for span in spans(contact):
        happened = [at for at in times if span.end is None or at < span.end]
        number = before + len(happened)
        inside = [at for at in happened if at > span.start]
        number -= len(inside)
        for start, end, last in _between(span, inside):
            if number and (end is None or start < end):
                reason = span.reason if last else ""
                found.append(Piece(start, end, float(number), anchor=str(number), reason=reason))
            number += 1
    return tuple(found)


def _between(span: Span, times: Sequence[int]) -> Iterable[tuple[int, int | None, bool]]:
    """The stretches of a span between moments, and whether each is the last."""
    starts = (span.start, *times)
    for place, start in enumerate(starts):
        last = place + 1 == len(starts)
        yield start, span.end if last else starts[place + 1], last
