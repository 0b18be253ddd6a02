"""Journeys in the backlog: where each is open, and from when to when.

A journey is open from its first contact on until it is solved, until the customer gives up, or until it is closed; it
is open again from the contact that takes it up. It counts in the place of the contact that came last: from the moment
when another one begins, it has left the place of the one before. What our side begins opens nothing, as long as the
customer waits for nothing in it. All of that is a function of the journey's contacts; what was told of it is kept with
the journey's name, so what changes is the difference of two.
"""

from collections.abc import Iterator
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from streams.base.records import NO_QUEUE, NO_TIER, Fact
from streams.contacts.standing import FOR_US, GAVE_UP, SILENT, SOLVED
from streams.customers.journey_parts import Found
from streams.customers.journey_sums import Journey, stands
from streams.customers.touchpoints import Touchpoint

MAX_STAYS = 8
"""Stays of one journey; of more, the last one begins where it would be one of these, and holds what is in between."""
_OVER = (SOLVED, GAVE_UP)
_Place = tuple[str, str, str, str]
"""Channel, queue, tier, and the contact."""


class Stay(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A time in which a journey is open in one place; ``until`` None = it is. In ms."""

    since: int
    until: int | None
    channel: str
    queue: str
    tier: str
    contact: str
    """That with which it came there."""


Stays = tuple[Stay, ...]
_place = attrgetter("channel", "queue", "tier", "contact")


def stays(journey: Found, closed_at: int | None) -> Stays:
    """When and where it was open, and is; ``closed_at``: when it was closed, if it is."""
    parts = [part for part in journey.parts if _counts(part)]
    found: list[Stay] = []
    for at, is_over, place in sorted(turn for part in parts for turn in _turns(part)):
        last = found[-1] if found else None
        if last is None or last.until is not None:
            if not is_over:
                found.append(Stay(at, None, *place))
        elif is_over:
            found[-1] = replace(last, until=at)
        elif place[:3] != _place(last)[:3]:
            found[-1] = replace(last, until=at)
            found.append(Stay(at, None, *place))
    if found:
        heard, _, letter = stands(parts)
        over = heard if letter in _OVER else closed_at
        last = found[-1]
        if letter not in _OVER or last.until is None:  # else what it was over with is the last word
            found[-1] = replace(last, until=None if over is None else max(last.since, over))
    return _bounded([stay for stay in found if stay.until != stay.since])


def _bounded(found: list[Stay]) -> Stays:
    if len(found) > MAX_STAYS:
        since = found[MAX_STAYS - 1].since
        found = [*found[: MAX_STAYS - 1], replace(found[-1], since=since)]
    return tuple(found)


def _counts(part: Touchpoint | Journey) -> bool:
    if isinstance(part, Touchpoint) and part.ours:
        return part.standing in (FOR_US, SOLVED)
    return part.standing != SILENT


def _turns(part: Touchpoint | Journey) -> Iterator[tuple[int, bool, _Place]]:
    """When it opens the journey (False), and when it is over with it (True)."""
    if isinstance(part, Journey):
        yield from _turns_of_sum(part)
        return
    place = _place(part)
    if not part.ours:
        yield part.started, False, place
    elif part.standing == FOR_US:
        yield part.since, False, place
    for at, again in part.solves:
        yield at, True, place
        if again is not None:
            yield again, False, place
    if part.standing in _OVER and not (part.solves and part.solves[-1][1] is None):
        yield part.over, True, place  # at its time-out, though nothing was heard since long before


def _turns_of_sum(part: Journey) -> Iterator[tuple[int, bool, _Place]]:
    """Of contacts that are no longer kept each on its own: their queues are not known."""
    place, solves = (part.channel or next(iter(part.firsts), ""), NO_QUEUE, part.tier or NO_TIER, ""), part.solves
    yield part.started, False, place
    if solves is not None and solves.first is not None and solves.latest is not None:
        yield solves.first.at, True, place
        if solves.reopened is not None:
            yield solves.reopened, False, place
        yield solves.latest.at, True, place
    if part.standing in _OVER:
        yield part.heard, True, place


def difference(started: int, before: Stays, after: Stays, line: str) -> tuple[Fact, ...]:
    """What to tell when the stays of a journey change; ``started``: when it began, ms."""
    if before == after:
        return ()
    old, new = _facts(started, before, line), _facts(started, after, line)
    return (*(replace(fact, sign=-1) for fact in old if fact not in new), *(fact for fact in new if fact not in old))


def given_up(started: int, told: Stays, at: int, line: str) -> tuple[Fact, ...]:
    """Nothing is known of a journey any more from a moment on: where it was open, it is not."""
    if not told or told[-1].until is not None:
        return ()
    last = told[-1]
    return difference(started, told, (*told[:-1], replace(last, until=max(last.since, at))), line)


def _facts(started: int, stays: Stays, line: str) -> list[Fact]:
    found = []
    for stay in stays:
        place = (stay.channel, stay.queue, stay.tier)
        found.append(Fact("journey_opened", stay.contact, stay.since, *place, line, value=started))
        if stay.until is not None:
            found.append(
                Fact("journey_left", stay.contact, stay.until, *place, line, entered=stay.since, value=started)
            )
    return found
