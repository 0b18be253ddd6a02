"""A customer's journeys: contacts that follow each other with gaps no longer than the rules say.

A journey is a sum over its contacts, so joining two is adding them, in any order. It is named by its owner and the
start of its earliest contact. When an earlier contact turns up late, or one that bridges the gap between two journeys,
the name that no longer holds is taken back by a closed record without contacts, and the journey goes on under the right
name.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from streams.base.records import NO_QUEUE, NO_TIER
from streams.base.times import iso
from streams.contacts.contact import ABANDONED, ANSWERED, NOTHING, Contact, Counted
from streams.contacts.lifecycle import END
from streams.customers.facts import tier_of
from streams.customers.tiers import Tiers

MAX_WAIT_MS = 2**53 - 1
"""What a journey says at most: the largest number that every reader of JSON keeps exactly."""
MAX_CONTACTS = 20
"""Contacts listed in a journey, the latest; the sums count all."""
_SUMS = ("contacts", "answered", "abandoned", "messages", "transfers", "wait_ms", "scored", "scored_milli")
_in_order = attrgetter("started", "contact", "channel")


class Touchpoint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One contact, condensed."""

    contact: str
    channel: str
    queue: str
    started: int
    last: int
    ended: int | None
    outcome: str
    wait_ms: int
    talk_ms: int
    scored: int
    scored_milli: int
    messages: int
    transfers: int
    tier: str


class Journey(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sum of its contacts; ``firsts``: channel → when it was first used; ``listed``: the latest ones, oldest
    first."""

    started: int
    last: int
    listed: tuple[Touchpoint, ...]
    firsts: dict[str, int]
    contacts: int = 1
    answered: int = 0
    abandoned: int = 0
    messages: int = 0
    transfers: int = 0
    wait_ms: int = 0
    scored: int = 0
    scored_milli: int = 0
    open: bool = False
    """A contact of it has not ended."""


def touchpoint(contact: Contact, tiers: Tiers) -> Touchpoint:
    """The contact in a journey's list."""
    return Touchpoint(
        contact.id,
        contact.channel,
        contact.queue or contact.first_queue or NO_QUEUE,
        contact.started,
        contact.last,
        contact.ended,
        contact.outcome,
        contact.wait_ms,
        contact.talk_ms,
        contact.scored,
        contact.scored_milli,
        contact.messages,
        contact.transfers,
        tier_of(contact, tiers),
    )


def of(contact: Contact, tiers: Tiers) -> Journey:
    """The journey of one contact."""
    point, counted = touchpoint(contact, tiers), contact.counted
    journey = Journey(
        point.started,
        point.last,
        (point,),
        {point.channel: point.started},
        counted.contacts,
        counted.answered,
        counted.abandoned,
        counted.messages,
        counted.transfers,
        counted.wait_ms,
        counted.scored,
        counted.scored_milli,
        contact.state != END and contact.parted is None,
    )
    return journey if contact.before is None else _minus(journey, contact.before)


def join(one: Journey, other: Journey) -> Journey:
    """Both as one: commutative and associative."""
    firsts = dict(one.firsts)
    for channel, first in other.firsts.items():
        firsts[channel] = min(first, firsts.get(channel, first))
    return Journey(
        min(one.started, other.started),
        max(one.last, other.last),
        _listed_once(one.listed + other.listed),
        firsts,
        one.contacts + other.contacts,
        one.answered + other.answered,
        one.abandoned + other.abandoned,
        one.messages + other.messages,
        one.transfers + other.transfers,
        one.wait_ms + other.wait_ms,
        one.scored + other.scored,
        one.scored_milli + other.scored_milli,
        one.open or other.open,
    )


def _listed_once(points: tuple[Touchpoint, ...]) -> tuple[Touchpoint, ...]:
    """Each contact as it was heard of last, oldest first."""
    if len({_in_order(point) for point in points}) < len(points):
        found: dict[Any, Touchpoint] = {}
        for point in points:
            known = found.setdefault(_in_order(point), point)
            if _progress(point) > _progress(known):
                found[_in_order(point)] = point
        points = tuple(found.values())
    return tuple(sorted(points, key=_in_order)[-MAX_CONTACTS:])


def _progress(point: Touchpoint) -> tuple[int, int, int, int, str]:
    return point.last, point.messages, point.talk_ms, point.wait_ms, point.outcome


def group(parts: Iterable[Journey], gap_ms: int) -> tuple[Journey, ...]:
    """Journeys of the parts, oldest first: two are the same one when no more than the gap lies between them."""
    found: list[Journey] = []
    for part in sorted(parts, key=attrgetter("started", "last")):
        if found and part.started - found[-1].last <= gap_ms:
            found[-1] = join(found[-1], part)
        else:
            found.append(part)
    return tuple(found)


def without(journey: Journey, channel: str, contact: str, resting: Contact | None = None) -> Journey | None:
    """The journey less a contact that is listed, or ``resting``; None = nothing is left of it. Any other one that left
    the list stays counted."""
    gone = [point for point in journey.listed if (point.channel, point.contact) == (channel, contact)]
    kept = tuple(point for point in journey.listed if (point.channel, point.contact) != (channel, contact))
    if not gone:
        inside = resting is not None and journey.started <= resting.started <= journey.last
        return _less(journey, resting.before or NOTHING) if inside and resting else journey
    if journey.contacts == len(gone):
        return None
    whole = len(kept) == journey.contacts - len(gone)
    firsts: dict[str, int] = {}
    for point in kept:
        firsts.setdefault(point.channel, point.started)
    return replace(
        journey,
        started=kept[0].started if whole else journey.started,
        last=max(point.last for point in kept) if kept else journey.last,
        listed=kept,
        firsts=firsts if whole else journey.firsts,
        contacts=journey.contacts - len(gone),
        answered=journey.answered - sum(point.outcome == ANSWERED for point in gone),
        abandoned=journey.abandoned - sum(point.outcome == ABANDONED for point in gone),
        **{
            name: getattr(journey, name) - sum(getattr(point, name) for point in gone)
            for name in ("messages", "transfers", "wait_ms", "scored", "scored_milli")
        },
    )


def _less(journey: Journey, counted: Counted) -> Journey | None:
    if journey.contacts <= counted.contacts:
        return None
    return _minus(journey, counted)


def _minus(journey: Journey, counted: Counted) -> Journey:
    return replace(journey, **{name: getattr(journey, name) - getattr(counted, name) for name in _SUMS})


def journey_id(owner: str, line: str, started: int) -> str:
    """``<owner>@<start of the earliest contact>``, with ``~<line>`` in a replay."""
    return f"{owner}@{iso(started)}" + (f"~{line}" if line else "")


def is_closed(journey: Journey, latest: bool, now: int | None, gap_ms: int) -> bool:
    """Over: every contact has ended, and a later journey exists or the gap has passed."""
    return not journey.open and (not latest or (now is not None and now > journey.last + gap_ms))


def tier(journey: Journey) -> str:
    """Tier of the latest listed contact that has one."""
    return next((point.tier for point in reversed(journey.listed) if point.tier != NO_TIER), NO_TIER)


def record(journey: Journey, owner: str, line: str, closed: bool, revision: int) -> dict[str, Any]:
    """The record on the topic ``journeys``."""
    return {
        "journey_id": journey_id(owner, line, journey.started),
        "customer": owner,
        "started": iso(journey.started),
        "updated": iso(journey.last),
        "status": "closed" if closed else "open",
        "line": line,
        "tier": tier(journey),
        "revision": revision,
        "contacts": [_listed(point) for point in journey.listed],
        "counts": {
            name: getattr(journey, name) for name in ("contacts", "answered", "abandoned", "messages", "transfers")
        },
        "channels": sorted(journey.firsts, key=lambda channel: (journey.firsts[channel], channel)),
        "wait_ms": min(journey.wait_ms, MAX_WAIT_MS),
        "sentiment": _mean(journey.scored_milli, journey.scored),
    }


def withdrawn(started: int, owner: str, line: str, revision: int) -> dict[str, Any]:
    """The record that takes a name back: closed, without contacts."""
    return record(Journey(started, started, (), {}, contacts=0), owner, line, closed=True, revision=revision)


def _listed(point: Touchpoint) -> dict[str, Any]:
    return {
        "contact_id": point.contact,
        "channel": point.channel,
        "queue": point.queue,
        "started": iso(point.started),
        "ended": None if point.ended is None else iso(point.ended),
        "outcome": point.outcome,
        "wait_ms": point.wait_ms,
        "talk_ms": point.talk_ms,
        "sentiment": _mean(point.scored_milli, point.scored),
        "messages": point.messages,
        "transfers": point.transfers,
    }


def _mean(total_milli: int, count: int) -> float | None:
    return round(total_milli / count / 1000, 3) if count else None
