"""The steps of a journey, on the topic ``journey.events``: opened, joined, switched, solved, reopened, and so on.

They are a function of the journey's contacts, as the journey is; what was told of them is kept (`step_telling`). Of
whom a contact waits for it knows the latest turns (`streams.contacts.standing`); earlier ones stay as they were told.
Where the customer sits and waits in a queue is no turn: that is what alerts and `queue.state` are for.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import msgspec

from streams.base.records import contact_key
from streams.contacts.contact import Contact
from streams.contacts.standing import FOR_CUSTOMER, FOR_US, GAVE_UP, MAX_TURNS
from streams.customers.journey_parts import Found
from streams.customers.journey_sums import Ordered
from streams.customers.touchpoints import Touchpoint

STEPS_OF_CONTACT = 7 + MAX_TURNS
"""That one contact makes, but for one that is solved again and again."""
TURNS = {FOR_US: "wu", FOR_CUSTOMER: "wc"}
"""Whom a contact waits for, as a step."""
_encode = msgspec.json.Encoder().encode


class Known(NamedTuple):
    """What the customer's contacts say of themselves now."""

    contacts: Collection[str]
    """Their marks."""
    turns: Mapping[str, tuple[tuple[int, str], ...]]
    """Mark → its turns, of those that are kept with their state."""
    since: Mapping[str, int]
    """Mark → from when on these are all; 0 = always."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """Something that a journey went through; ``name``: among those of its customer, ``<code>/<ms>/<contact>``."""

    name: str
    at: int
    channel: str
    contact: str
    reason: str | None = None
    """For which a contact joined, and by which other one."""
    to: str | None = None
    before: str | None = None
    """The channel before this one."""


@lru_cache(8_192)
def mark(channel: str, contact: str) -> str:
    """A contact in the name of a step."""
    return f"{crc32(contact_key(channel, contact).encode()):08x}"


def steps(journey: Found, closed_at: int | None, known: Known) -> list[Step]:
    """What its contacts went through; ``closed_at``: when it was closed, if it is."""
    found: list[Step] = []
    channel, first = "", journey.parts[0]
    for part, turn, why in zip(journey.parts, journey.turns, journey.why, strict=True):
        if isinstance(part, Touchpoint):
            found += steps_of(part, turn, why, None if part is first else channel, known)
        channel = part.channel or channel
    if closed_at is not None:
        own = journey.whole.first
        found.append(Step(f"cl/{closed_at}/{mark(*own)}", closed_at, *own))
    return found


def steps_of(
    part: Touchpoint, turn: Ordered, why: tuple[str, str] | None, before: str | None, known: Known
) -> list[Step]:
    """What a contact went through; ``before``: the channel before it, None = it is the first."""
    on, contact, at = part.channel, part.contact, part.started
    tail = mark(on, contact)
    reason, to = why or (None, None)
    found = [Step(f"{'op' if before is None else 'jo'}/{at}/{tail}", at, on, contact, reason, to)]
    if turn.switches:
        found.append(Step(f"sw/{at}/{tail}", at, on, contact, before=before))
    if turn.reopens > part.taken_ups:
        found.append(Step(f"re/{at}/{tail}", at, on, contact))
    for solved, again in part.solves:
        found.append(Step(f"so/{solved}/{tail}", solved, on, contact))
        if again is not None:
            found.append(Step(f"re/{again}/{tail}", again, on, contact))
    for turned, letter in known.turns.get(tail, ()):
        if at <= turned <= part.last:
            found.append(Step(f"{TURNS[letter]}/{turned}/{tail}", turned, on, contact))
    if part.standing == GAVE_UP:
        found.append(Step(f"ab/{part.since}/{tail}", part.since, on, contact))
    return found


class Made(NamedTuple):
    """What steps are made of."""

    number: int
    """Another one where they are others: nobody need look at them for every word of a contact. Sums: in the lower half
    of the contact that began last; in the upper of all others, and of which one that is."""
    journey: str = ""
    place: int = 0
    """Where that contact is among the parts of its journey."""
    whose: int = 0
    """The number for which one it is."""
    before: int = 0
    """The same of the one that began last before it."""


def made_of(journeys: Mapping[str, Found], closed: Mapping[str, bool], lives: Iterable[Contact]) -> Made:
    """What their steps are made of; ``lives``: the customer's contacts that are kept with their state."""
    newest: Touchpoint | None = None
    second: Touchpoint | None = None
    total, own, where = 0, 0, ("", 0)
    for name, journey in journeys.items():
        began = name[name.rindex("@") :]
        total += _number(began, journey.whole.last) if closed[name] else 0
        for place, (part, turn, why) in enumerate(zip(journey.parts, journey.turns, journey.why, strict=True)):
            if not isinstance(part, Touchpoint):
                total += _number(place, part.channel)
                continue
            gave_up = part.since if part.standing == GAVE_UP else 0
            number = _number(began, part.contact, part.started, part.solves, gave_up, turn.switches, turn.reopens, why)
            total += number
            if newest is None or part.started > newest.started:
                newest, second, own, where = part, newest, number, (name, place)
            elif second is None or part.started > second.started:
                second = part
    if newest is None:
        return Made((total & _UPPER) << 32)
    for contact in lives:
        if contact.turns:
            number = _number(contact.channel, contact.id, contact.turns)
            total += number
            if contact.id == newest.contact and contact.channel == newest.channel:
                own += number
    whose, before = _number(*newest.key), 0 if second is None else _number(*second.key)
    return Made((total - own + whose & _UPPER) << 32 | own & _LOWER, *where, whose, before)


def only_newest(made: Made, then: int) -> bool:
    """Is nothing different but the contact that began last, or did it alone come? ``then``: the number when steps were
    told last."""
    others, before = made.number >> 32, then >> 32
    return others == before or others - made.whose & _UPPER == before - made.before + then & _UPPER


def _number(*said: object) -> int:
    return crc32(_encode(said))


_UPPER, _LOWER = (1 << 31) - 1, (1 << 32) - 1
"""Both halves together are a number of 63 bits."""


def known(lives: Iterable[Contact], points: Iterable[Touchpoint]) -> Known:
    """``lives``: the customer's contacts that are kept with their state; ``points``: all."""
    turns: dict[str, tuple[tuple[int, str], ...]] = {}
    since: dict[str, int] = {}
    for contact in lives:
        own = mark(contact.channel, contact.id)
        turns[own] = turns.get(own, ()) + contact.turns
        if len(contact.turns) >= MAX_TURNS:
            since[own] = contact.turns[0][0]
        elif own not in since:  # of another part of one that was at rest the earlier turns are not known
            since[own] = 0 if contact.before is None else min((at for at, _ in contact.turns), default=contact.last + 1)
    return Known({mark(point.channel, point.contact) for point in points}, turns, since)
