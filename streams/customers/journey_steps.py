"""The steps of a journey, on the topic ``journey.events``: opened, joined, switched, solved, reopened, and so on.

They are a function of the journey's contacts, as the journey is; what was told is kept by name, so that each is told
once. One that a late event proves wrong, or whose journey has another name now, is told again under its own name with
a higher revision. Of whom a contact waits for it knows the latest turns (`streams.contacts.standing`); earlier ones
stay as they were told. Where the customer sits and waits in a queue is no turn: that is what alerts and `queue.state`
are for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from streams.base.records import contact_key
from streams.base.times import iso
from streams.contacts.contact import Contact
from streams.contacts.standing import FOR_CUSTOMER, FOR_US, GAVE_UP, MAX_TURNS
from streams.customers.journey_parts import Found
from streams.customers.journey_sums import Ordered
from streams.customers.touchpoints import Touchpoint

TOPIC = "journey.events"
MAX_STEPS = 200
"""Steps of a customer that are told and remembered, the latest."""
MAX_TAKEN_BACK = 20
"""Of those that were taken back."""
STEP_BYTES = 72
"""JSON bytes of a step that was told, at most."""
STEPS_OF_CONTACT = 7 + MAX_TURNS
"""That one contact makes, but for one that is solved again and again."""
_WORDS = {
    "op": "opened", "jo": "joined", "sw": "switched", "so": "solved", "re": "reopened", "ab": "abandoned",
    "cl": "closed", "wu": "waiting_for_us", "wc": "waiting_for_customer",
}  # fmt: skip
TURNS = {FOR_US: "wu", FOR_CUSTOMER: "wc"}
"""Whom a contact waits for, as a step."""
MAX_PAST_TURNS = 20
"""Turns that their contacts know no more and that are remembered, the latest: a late event may bring them back."""
TAKEN_BACK = 0
"""In place of what a step says."""
_encode = msgspec.json.Encoder().encode


class Told(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """A step as it was last told; ``said`` tells whether it has changed since."""

    said: int
    revision: int
    to: int = 0
    """A number for the contact by which it joined; 0 = by none, or by one that is not known by its name."""


class Known(NamedTuple):
    """What the customer's contacts say of themselves now."""

    contacts: Collection[str]
    """Their marks."""
    turns: Mapping[str, tuple[tuple[int, str], ...]]
    """Mark → its turns, of those that are kept with their state."""
    since: Mapping[str, int]
    """Mark → from when on these are all; 0 = always."""


class Step(NamedTuple):
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
            found += _steps_of(part, turn, why, None if part is first else channel, known)
        channel = part.channel or channel
    if closed_at is not None:
        own = journey.whole.first
        found.append(Step(f"cl/{closed_at}/{mark(*own)}", closed_at, *own))
    return found


def _steps_of(
    part: Touchpoint, turn: Ordered, why: tuple[str, str] | None, before: str | None, known: Known
) -> list[Step]:
    """What a contact went through; ``before``: the channel before it, None = it is the first."""
    tail = mark(part.channel, part.contact)
    found = [*(_changing if part.open else _standing)(part, turn, why, before)]
    for turned, letter in known.turns.get(tail, ()):
        if part.started <= turned <= part.last:
            found.append(Step(f"{TURNS[letter]}/{turned}/{tail}", turned, part.channel, part.contact))
    return found


def _changing(part: Touchpoint, turn: Ordered, why: tuple[str, str] | None, before: str | None) -> tuple[Step, ...]:
    """The same without its turns."""
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
    if part.standing == GAVE_UP:
        found.append(Step(f"ab/{part.since}/{tail}", part.since, on, contact))
    return tuple(found)


_standing = lru_cache(16_384)(_changing)
"""Of a contact that is over: asked again at the words of later ones."""


class Made(NamedTuple):
    """What steps are made of."""

    number: int
    """Another one where they are others: nobody need look at them for every word of a contact. Its upper half is of all
    but the contact that began last."""
    journey: str = ""
    place: int = 0
    """Where that contact is among the parts of its journey."""


def made_of(journeys: Mapping[str, Found], closed: Mapping[str, bool], lives: Iterable[Contact]) -> Made:
    """What the steps of some journeys are made of; ``lives``: the customer's contacts that are kept with their state."""
    newest: Touchpoint | None = None
    own: tuple[object, ...] = ()
    where, others = ("", 0), []
    for name, journey in journeys.items():
        others.append((name, journey.whole.last if closed[name] else 0))
        for place, (part, turn, why) in enumerate(zip(journey.parts, journey.turns, journey.why, strict=True)):
            if not isinstance(part, Touchpoint):
                others.append((place, part.channel))
                continue
            gave_up = part.since if part.standing == GAVE_UP else 0
            said = (name, part.contact, part.started, part.solves, gave_up, turn.switches, turn.reopens, why)
            if newest is None or part.started > newest.started:
                newest, own, said, where = part, said, own, (name, place)
            others.append(said)
    turns = []
    for contact in lives:
        if newest is not None and contact.id == newest.contact and contact.channel == newest.channel:
            turns.append(contact.turns)
        else:
            others.append(contact.turns)
    return Made((crc32(_encode(others)) & _UPPER) << 32 | crc32(_encode((own, turns))), *where)


_UPPER = (1 << 31) - 1
"""So that both halves together are a number of 63 bits."""


_in_order, _by_time = itemgetter(0, 1), attrgetter("at", "name")


class Telling(NamedTuple):
    """What is told, and what was told by then."""

    records: list[dict[str, Any]]
    told: dict[str, Told]
    floor: int
    """The highest revision of a step that is remembered no more; a step that was, or may have been, goes on from it."""


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


def tell(before: Telling, now: Mapping[str, Iterable[Step]], known: Known, owner: str, line: str) -> Telling:
    """``now``: the steps of each journey, by its name."""
    told, floor = before.told, before.floor
    standing = [(step.at, step.name, step, journey) for journey, its in now.items() for step in its]
    standing.sort(key=_in_order)
    standing = standing[-MAX_STEPS:]
    records = []
    kept: dict[str, Told] = {}
    for _, name, step, journey in standing:
        if name in kept:
            continue
        old = told.get(name)
        new = kept[name] = _told(step, journey, old, floor)
        if new is not old:
            records.append(_record(step, journey, owner, line, new.revision))
    others = [name for name in told if name not in kept]
    if not others:
        return Telling(records, kept, floor)
    back: dict[str, Told] = {}
    past: dict[str, Told] = {}
    since = standing[0][:2] if len(standing) == MAX_STEPS else (0, "")
    for name in others:
        each = told[name]
        if (int(name.split("/")[1]), name) < since:
            continue
        if _is_past(name, each, known):
            past[name] = each
            continue
        if each.said != TAKEN_BACK:
            each = Told(TAKEN_BACK, each.revision + 1)
            records.append(_taken_back(name, owner, line, each.revision))
        back[name] = each
    room = min(MAX_PAST_TURNS, MAX_STEPS - len(kept))
    kept |= _latest(past, room) | _latest(back, MAX_TAKEN_BACK)
    kept = dict(sorted(kept.items(), key=_of_told))
    lost = [told[name].revision for name in others if name not in kept]
    return Telling(records, kept, max([floor, *lost]))


def tell_newest(
    before: Telling, journey: Found, made: Made, lives: Iterable[Contact], owner: str, line: str
) -> Telling | None:
    """The same as `tell` where nothing but the contact that began last is another one than when steps were told; None =
    that has to be asked. ``journey``: the one which that contact is in.
    """
    part = journey.parts[made.place]
    if not isinstance(part, Touchpoint) or not before.told:
        return None
    channels = [each.channel for each in journey.parts[: made.place] if each.channel]
    previous = None if not made.place else channels[-1] if channels else ""
    of_it = known([each for each in lives if (each.channel, each.id) == (part.channel, part.contact)], ())
    its = sorted(_steps_of(part, journey.turns[made.place], journey.why[made.place], previous, of_it), key=_by_time)
    names, tail = {step.name for step in its}, "/" + mark(part.channel, part.contact)
    if any(name.endswith(tail) and name not in names for name in before.told):
        return None
    last = next(reversed(before.told))
    reached = (int(last.split("/")[1]), last)
    kept = dict(before.told)
    records = []
    for step in its:
        old = before.told.get(step.name)
        if old is None:
            if (step.at, step.name) <= reached:
                return None
            reached = (step.at, step.name)
        new = _told(step, made.journey, old, before.floor)
        if new is not old:
            kept[step.name] = new
            records.append(_record(step, made.journey, owner, line, new.revision))
    return Telling(records, kept, before.floor) if len(kept) < MAX_STEPS else None


def _told(step: Step, journey: str, old: Told | None, floor: int) -> Told:
    """As it is told now; the old one, when that says the same."""
    said, to = _said(journey, step.reason, step.before), _number(step.to) if step.to else 0
    if old is None or old.said != said or (to and old.to and to != old.to):
        return Told(said, (old.revision if old else floor) + 1, to)
    return old


def _is_past(name: str, told: Told, known: Known) -> bool:
    """Is it a turn of a contact of this customer that knows of it no more?"""
    code, at, whose = name.split("/")
    is_turn = code in TURNS.values() and told.said != TAKEN_BACK
    return is_turn and whose in known.contacts and int(at) < known.since.get(whose, int(at) + 1)


def _of_told(each: tuple[str, Told]) -> tuple[int, str]:
    """The order in which steps are kept: of time, as `_by_time`."""
    return int(each[0].split("/")[1]), each[0]


def _latest(told: dict[str, Told], most: int) -> dict[str, Told]:
    if len(told) <= most:
        return told
    return dict(sorted(told.items(), key=_of_told)[len(told) - most :])


def forgotten(told: Mapping[str, Told], gone: Iterable[tuple[str, str]], before: int | None = None) -> dict[str, Told]:
    """Without the steps of some contacts, and those that were taken back and lie before a time (ms)."""
    marks = {mark(*contact) for contact in gone}
    kept = {}
    for name, each in told.items():
        _, at, whose = name.split("/")
        if whose not in marks and not (each.said == TAKEN_BACK and before is not None and int(at) < before):
            kept[name] = each
    return kept


def taken_back(told: Mapping[str, Told], kept: Collection[str]) -> Iterator[int]:
    """The revisions of steps that were taken back and are not kept."""
    return (each.revision for name, each in told.items() if each.said == TAKEN_BACK and name not in kept)


@lru_cache(8_192)
def _said(journey: str, reason: str | None, before: str | None) -> int:
    """What a step says, but for the contact by which it joined: that may be summed up in the meantime."""
    return crc32(f"{journey} {reason} {before}".encode()) or 1


@lru_cache(8_192)
def _number(contact: str) -> int:
    return crc32(contact.encode())


def _name(name: str, owner: str, line: str) -> str:
    return f"{owner}/{name}" + (f"~{line}" if line else "")


def _record(step: Step, journey: str, owner: str, line: str, revision: int) -> dict[str, Any]:
    return {
        "event_id": _name(step.name, owner, line),
        "journey_id": journey,
        "customer": owner,
        "step": _WORDS[step.name[:2]],
        "at": iso(step.at),
        "contact_id": step.contact or None,
        "channel": step.channel or None,
        "from_channel": step.before,
        "stitched_by": step.reason,
        "stitched_to": step.to or None,
        "holds": True,
        "revision": revision,
        "line": line,
    }


def _taken_back(name: str, owner: str, line: str, revision: int) -> dict[str, Any]:
    code, at, _ = name.split("/")
    return {
        "event_id": _name(name, owner, line),
        "journey_id": None,
        "customer": owner,
        "step": _WORDS[code],
        "at": iso(int(at)),
        "contact_id": None,
        "channel": None,
        "from_channel": None,
        "stitched_by": None,
        "stitched_to": None,
        "holds": False,
        "revision": revision,
        "line": line,
    }
