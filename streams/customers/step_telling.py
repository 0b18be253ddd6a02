"""What is told of steps (`journey_steps`): each once, and again where it says something else.

A step that a late event proves wrong, or whose journey has another name now, is told again under its own name with a
higher revision.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from streams.base.times import iso
from streams.contacts.contact import Contact
from streams.customers.journey_parts import Found
from streams.customers.journey_steps import TURNS, Known, Made, Step, known, mark, steps_of
from streams.customers.touchpoints import Touchpoint

TOPIC = "journey.events"
MAX_STEPS = 200
"""Steps of a customer that are told and remembered, the latest."""
STEP_BYTES = 72
"""JSON bytes of a step that was told, at most."""
MAX_PAST_TURNS = 20
"""Turns that their contacts know no more and that are remembered, the latest: a late event may bring them back."""
MAX_TAKEN_BACK = 20
"""Of those that were taken back."""
TAKEN_BACK = 0
"""In place of what a step says."""
_WORDS = {
    "op": "opened", "jo": "joined", "sw": "switched", "so": "solved", "re": "reopened", "ab": "abandoned",
    "cl": "closed", "wu": "waiting_for_us", "wc": "waiting_for_customer",
}  # fmt: skip


class Told(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """A step as it was last told; ``said`` tells whether it has changed since."""

    said: int
    revision: int
    to: int = 0
    """A number for the contact by which it joined; 0 = by none, or by one that is not known by its name."""


class Telling(NamedTuple):
    """What is told, and what was told by then."""

    records: list[dict[str, Any]]
    told: dict[str, Told]
    floor: int
    """The highest revision of a step that is remembered no more; a step that was, or may have been, goes on from it."""


_in_order, _by_time = itemgetter(0, 1), attrgetter("at", "name")


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
        if _place(name) < since:
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
    kept = dict(sorted(kept.items(), key=_in_time))
    lost = [told[name].revision for name in others if name not in kept]
    return Telling(records, kept, max([floor, *lost]))


def tell_newest(
    before: Telling, journey: Found, made: Made, lives: Iterable[Contact], owner: str, line: str
) -> Telling | None:
    """The same as `tell` where nothing but the contact that began last is another one than when steps were told; None =
    that has to be asked. ``journey``: the one which that contact is in.
    """
    part = journey.parts[made.place]
    if not isinstance(part, Touchpoint):
        return None
    channels = [each.channel for each in journey.parts[: made.place] if each.channel]
    previous = None if not made.place else channels[-1] if channels else ""
    of_it = known([each for each in lives if (each.channel, each.id) == (part.channel, part.contact)], ())
    its = sorted(steps_of(part, journey.turns[made.place], journey.why[made.place], previous, of_it), key=_by_time)
    names, tail = {step.name for step in its}, "/" + mark(part.channel, part.contact)
    if any(name.endswith(tail) and name not in names for name in before.told):
        return None
    last = next(reversed(before.told), None)
    reached = _place(last) if last else (-1, "")
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
    said = _said(journey[journey.rindex("@") :], step.reason, step.before)  # a row is of one owner
    to = crc32(step.to.encode()) if step.to else 0
    if old is None or old.said != said or (to and old.to and to != old.to):
        return Told(said, (old.revision if old else floor) + 1, to)
    return old


def _is_past(name: str, told: Told, known: Known) -> bool:
    """Is it a turn of a contact of this customer that knows of it no more?"""
    code, at, whose = name.split("/")
    is_turn = code in TURNS.values() and told.said != TAKEN_BACK
    return is_turn and whose in known.contacts and int(at) < known.since.get(whose, int(at) + 1)


def _place(name: str) -> tuple[int, str]:
    """Where a step is among those that are kept: in the order of time, as `_by_time`."""
    return int(name.split("/")[1]), name


def _in_time(each: tuple[str, Told]) -> tuple[int, str]:
    return _place(each[0])


def _latest(told: dict[str, Told], most: int) -> dict[str, Told]:
    if len(told) <= most:
        return told
    return dict(sorted(told.items(), key=_in_time)[len(told) - most :])


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
