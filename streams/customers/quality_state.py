"""What is kept of the quality of a customer's contacts."""

from collections.abc import Collection, Iterable, Mapping

import msgspec
from msgspec.structs import replace

from streams.base.claims import mark_of
from streams.base.records import Fact
from streams.contacts.contact import Contact
from streams.customers.follow import View
from streams.customers.journey_names import KEPT_MS
from streams.customers.quality_facts import NOTHING, Counted, Was, difference
from streams.customers.services import NONE

MAX_TOLD = 50
"""Contacts of which a record stands; of more, those that ended first have none."""
TOLD_BYTES, KEPT_BYTES = 200, 34
"""JSON bytes of a contact that is known, at most, its place in ``look`` included, but for the names of where it counts;
and of one that is not."""


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of a contact; times in ms."""

    digest: int
    started: int
    ended: int
    due: int
    """When stream time passes this, it is scored again; once it is final, its record is removed."""
    final: bool = False
    usual: int | None = None
    """The customer's usual wait before, of a final one."""
    kind: str = NONE
    """The customer's type of service."""
    counted: Counted | None = None
    """What it counts for."""
    called: tuple[int, ...] = ()
    """Of a final one: when contacts began that our side opened, as far as promises hang on them."""


class KnownQuality(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a customer's contacts, by `mark_of` their keys."""

    told: dict[str, Told] = {}
    look: tuple[str, ...] = ()
    """Those that are to be scored."""
    revision: int = 0
    kept: dict[str, int] = {}
    """Contacts that are over for good, and until when their records stand (ms), whether they are known or not."""
    owed: tuple[Fact, ...] = ()
    """What is to be told with what is published next."""
    earlier: dict[str, int] = {}
    """Where another contact has the name of one that was over: when the latest one began that is counted for good."""


def provisional(state: KnownQuality) -> list[str]:
    return [mark for mark, told in state.told.items() if not told.final]


def surplus(state: KnownQuality, view: View) -> bool:
    """Is more told than there is, or than may be?"""
    return len(state.told) > len(view.histories) + len(view.rested) or len(state.told.keys() | state.kept) > MAX_TOLD


def forgotten(state: KnownQuality, view: View) -> KnownQuality:
    """Of contacts that are known no more it is known until when their records stand."""
    known = {mark_of(key) for key in (*view.histories, *view.rested)}
    told = {mark: each for mark, each in state.told.items() if mark in known}
    gone = {mark: each.ended + KEPT_MS for mark, each in state.told.items() if mark not in known}
    return replace(state, told=told, kept=gone | state.kept)


def ends(state: KnownQuality) -> dict[str, int]:
    """When each contact ended, as far as it is told or was over for good."""
    ended = {mark: until - KEPT_MS for mark, until in state.kept.items()}
    return ended | {mark: each.ended for mark, each in state.told.items()}


def first(state: KnownQuality) -> list[str]:
    """By when they ended."""
    ended = ends(state)
    return sorted(ended, key=lambda mark: (ended[mark], mark))


def without(state: KnownQuality, marks: Collection[str]) -> KnownQuality:
    told = {mark: each for mark, each in state.told.items() if mark not in marks}
    return replace(state, told=told, kept={mark: until for mark, until in state.kept.items() if mark not in marks})


def waits_for(state: KnownQuality, now: int) -> list[str]:
    """Those that are to be scored because time has passed."""
    return [mark for mark, told in state.told.items() if not told.final and now > told.due]


def unnamed(state: KnownQuality, view: View) -> KnownQuality:
    """Without names that no contact has any more."""
    known = {mark_of(key) for key in (*view.histories, *view.rested)}
    return replace(state, earlier={mark: at for mark, at in state.earlier.items() if mark in known})


def taken_back(state: KnownQuality, marks: Collection[str], line: str) -> KnownQuality:
    """Without contacts, and with what takes back what they count for."""
    owed = state.owed
    for mark in marks:
        if (told := state.told.get(mark)) is not None:
            owed += difference(was(told), NOTHING, line)
    return replace(without(state, marks), owed=owed)


def was(told: Told) -> Was:
    return told.ended, told.counted


def counts(told: Told | None, contact: Contact | None) -> Was:
    """What a contact was told to count for; another one of the same name, that was over before, stays counted."""
    if told is None or (contact is not None and contact.started > told.ended):
        return NOTHING
    return was(told)


def latest(look: Iterable[str], ended: Mapping[str, int]) -> tuple[str, ...]:
    """Those to look at: of more than may be told, the ones that ended last, as they are the ones that stay."""
    some = sorted(dict.fromkeys(look), key=lambda mark: (ended.get(mark, 0), mark))
    return tuple(some[-MAX_TOLD:])
