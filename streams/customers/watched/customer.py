"""Kinds of a customer that are made of several contacts: ``waiting``, ``unanswered``, ``open_contacts``, ``quiet``,
``silence``, ``repeats``.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from streams.alerts.signals import Piece, Signal
from streams.contacts.contact import Contact
from streams.customers.journey_parts import Found
from streams.customers.journey_sums import Journey
from streams.customers.silences import WITHDRAWN, Told
from streams.customers.touchpoints import Touchpoint
from streams.customers.watched.spans import spans

HEARD = "heard"
"""Why a silence is over."""


def open_contacts(contacts: Iterable[Contact]) -> Signal:
    """How many of the customer's contacts go on; a piece is named by the contact that made it so many."""
    steps: dict[int, int] = {}
    names: dict[int, str] = {}
    for contact in contacts:
        if contact.only_told:
            continue
        for span in spans(contact):
            steps[span.start] = steps.get(span.start, 0) + 1
            names[span.start] = max(names.get(span.start, ""), f"{contact.channel}|{contact.id}/{span.start}")
            if span.end is not None:
                steps[span.end] = steps.get(span.end, 0) - 1
    found, number, name = list[Piece](), 0, ""
    moments = sorted(steps)
    for place, at in enumerate(moments):
        number += steps[at]
        name = names.get(at, name)
        end = moments[place + 1] if place + 1 < len(moments) else None
        if number and steps[at]:
            found.append(Piece(at, end, float(number), anchor=name))
        elif number:
            found[-1] = found[-1]._replace(end=end)
    return tuple(found)


def quiet(acts: Iterable[int]) -> Signal:
    """How long nothing has come from the customer. ``acts``: when something did."""
    times = sorted({*acts})
    closed = [Piece(at, following, 0.0, True, f"since-{at}", (), HEARD, True) for at, following in pairwise(times)]
    return (*closed, *[Piece(at, None, 0.0, True, f"since-{at}", at_bound=True) for at in times[-1:]])


def acts_of(contacts: Iterable[Contact]) -> list[int]:
    """When the customer was heard of first and last in each contact."""
    return [at for contact in contacts if contact.acts is not None for at in contact.acts if at is not None]


def silence(told: Iterable[Told]) -> Signal:
    """While the customer is quiet by tracking.yaml, how the last contact had left them: good, bad or unknown."""
    found = [
        Piece(
            each.silence.at, each.silence.ended, each.silence.verdict, False, f"since-{each.silence.since}", (), HEARD
        )
        for each in told
        if each.status != WITHDRAWN and (each.silence.ended is None or each.silence.ended > each.silence.at)
    ]
    return tuple(sorted(found, key=lambda each: each.start))


def repeats(journeys: Iterable[Found], within_ms: int) -> Signal:
    """How often the customer came again about a need within a span after an earlier contact about it was over; of
    several needs the one with most. A piece is named by the contact that came again.
    """
    return highest([_repeats(each.parts, within_ms) for each in journeys])


def _repeats(parts: Sequence[Touchpoint | Journey], within_ms: int) -> Signal:
    points = [part for part in parts if isinstance(part, Touchpoint)]
    again = list[Touchpoint]()
    for place, point in enumerate(points):
        overs = (before.over for before in points[:place] if not before.open)
        if not point.ours and any(0 <= point.started - over <= within_ms for over in overs):
            again.append(point)
    found = list[Piece]()
    number = 0
    for place, point in enumerate(again):
        last = max(each.over for each in points if each.started <= point.started)
        ends = None if any(each.open for each in points) else max(last, point.over) + within_ms + 1
        following = again[place + 1].started if place + 1 < len(again) else None
        number += 1
        end = following if ends is None else ends if following is None else min(following, ends)
        if end is None or end > point.started:
            name = f"{point.channel}|{point.contact}/{point.started}"
            found.append(Piece(point.started, end, float(number), anchor=name))
        if following is not None and ends is not None and following > ends:
            number = 0
    return tuple(found)


def highest(signals: Sequence[Signal]) -> Signal:
    """Of several that stay as they are between moments: at each moment the highest, of equal ones the first."""
    some = [signal for signal in signals if signal]
    if len(some) <= 1:
        return some[0] if some else ()
    pieces = [piece for signal in some for piece in signal]
    bounds = sorted({piece.start for piece in pieces} | {piece.end for piece in pieces if piece.end is not None})
    found = list[Piece]()
    for place, start in enumerate(bounds):
        end = bounds[place + 1] if place + 1 < len(bounds) else None
        here = [piece for piece in pieces if piece.start <= start and (piece.end is None or start < piece.end)]
        if not here:
            continue
        best = max(here, key=_value)
        if found and found[-1].end == start and found[-1].anchor == best.anchor and found[-1].value == best.value:
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(best._replace(start=start, end=end))
    return tuple(found)


_value: Callable[[Piece], float] = lambda piece: float(piece.value)  # noqa: E731
