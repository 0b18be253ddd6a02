"""A customer's journeys: contacts that follow each other with gaps no longer than the rules say.

A journey is a sum over its contacts, so joining two is adding them, in any order. It is named by its owner and the
start of its earliest contact. When an earlier contact turns up late, or one that bridges the gap between two journeys,
the name that no longer holds is taken back by a closed record without contacts, and the journey goes on under the right
name.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any
from zlib import crc32

import msgspec
from msgspec.structs import replace
from pydantic import Field

from streams.base.records import NO_QUEUE, NO_TIER
from streams.base.times import HOUR_MS, iso
from streams.base.units import FROM_FILES, Span
from streams.contacts.contact import ABANDONED, ANSWERED, NOTHING, Contact, Counted
from streams.contacts.histories import Lives
from streams.contacts.lifecycle import END
from streams.customers.facts import tier_of
from streams.customers.follow import After, Change, Follower, Limits, Seen, Spans, own_out
from streams.customers.tiers import Tiers

MAX_WAIT_MS = 2**53 - 1
"""What a journey says at most: the largest number that every reader of JSON keeps exactly."""
MAX_CONTACTS = 20
"""Contacts listed in a journey, the latest; the sums count all."""


@dataclass(frozen=True, slots=True)
class JourneyRules:
    """``journeys`` of tracking.yaml: contacts that follow each other within the gap are of one journey."""

    gap_ms: Annotated[Span, Field(alias="gap")] = 72 * HOUR_MS

    __pydantic_config__ = FROM_FILES


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


class Shown(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A journey as it was last published; ``digest`` tells whether it has changed since."""

    started: int
    revision: int
    closed: bool
    digest: int
    gone: int | None = None
    """When the name was taken back, ms of stream time; its revisions go on when it holds again."""


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a customer's journeys."""

    past: tuple[Journey, ...] = ()
    """Of contacts that are over."""
    shown: dict[str, Shown] = {}
    """By their ids."""
    review: int | None = None
    """Stream time after which they look different without any event."""


MAX_GONE_NAMES = 20
"""Names of journeys that were taken back and may hold again; of more, the latest are known."""
_SUMS = ("contacts", "answered", "abandoned", "messages", "transfers", "wait_ms", "scored", "scored_milli")
_in_order = attrgetter("started", "contact", "channel")


class Journeys(Follower[Known]):
    """State: journeys of contacts that are over, and what was published."""

    name = "journeys"
    empty = Known()

    def __init__(self, rules: JourneyRules, lateness_ms: int) -> None:
        self.gap_ms, self.lateness_ms = rules.gap_ms, lateness_ms

    def changed(self, state: Known, change: Change, seen: Seen) -> After[Known] | None:
        left = change.left
        if left is None or left.since or not state.past:
            return None
        parts = (without(each, left.channel, left.contact, change.resting) for each in state.past)
        return After(replace(state, past=tuple(part for part in parts if part is not None)))

    def settled(self, state: Known, finished: Lives, seen: Seen) -> Known:
        parts = (of(contact, seen.tiers) for contact in finished)
        return replace(state, past=group((*state.past, *parts), self.gap_ms))

    def passed(self, state: Known, seen: Seen) -> After[Known]:
        return After(state, look=True)

    def due(self, state: Known, seen: Seen) -> int | None:
        return state.review

    def publish(self, state: Known, seen: Seen) -> After[Known]:
        """A record for each journey that looks different, the current one last."""
        found = self._found(state, seen)
        state, records = self._told(state, found, seen)
        state = self._dropped(state, found, seen)
        review = self._review(state, found, seen)
        return After(Known(state.past, state.shown, review), own_out("journeys", records, seen))

    def eased(self, state: Known, limits: Limits | None, seen: Seen) -> Known:
        if limits is None:
            return state
        return replace(state, past=tuple(replace(part, listed=part.listed[-limits.listed :]) for part in state.past))

    def gives_up(self, state: Known, limits: Limits, seen: Seen) -> Spans:
        """The latest past journeys, and those that contacts which are kept belong to. The others are over, since later
        ones follow.
        """
        old = state.past[: -limits.journeys]
        if not old:
            return ()
        found = self._found(state, seen)
        starts = sorted(contact.started for history in seen.histories.values() for contact in history.lives)
        going = {each.started for each in found if bisect_left(starts, each.started) == bisect_right(starts, each.last)}
        going &= {part.started for part in old}
        return tuple((each.started, each.last) for each in found if each.started in going)

    def gave_up(self, state: Known, spans: Spans) -> Known:
        going = {started for started, _ in spans}
        past = tuple(part for part in state.past if part.started not in going)
        shown = {name: each for name, each in state.shown.items() if each.started not in going}
        return replace(state, past=past, shown=shown)

    def unpublished(self, state: Known) -> Known:
        return Known(state.past)

    def stands(self, state: Known, owner: str) -> bool:
        return bool(state.past)

    def names(self, state: Known) -> int:
        return len(state.shown)

    def _found(self, state: Known, seen: Seen) -> tuple[Journey, ...]:
        tiers = seen.tiers
        parts = [of(contact, tiers) for history in seen.histories.values() for contact in history.lives]
        return group((*state.past, *parts), self.gap_ms)

    def _told(self, state: Known, found: tuple[Journey, ...], seen: Seen) -> tuple[Known, list[dict[str, Any]]]:
        owner, line, now = seen.owner, seen.line, seen.now
        names = {journey_id(owner, line, journey.started) for journey in found}
        records, shown = [], {}
        for name, old in state.shown.items():
            if name in names:
                continue
            if old.gone is None:
                records.append(withdrawn(old.started, owner, line, old.revision + 1))
                at = max(old.started, old.started if now is None else now)
                old = Shown(old.started, old.revision + 1, True, 0, at)  # noqa: PLW2901
            shown[name] = old
        shown = _latest_gone(shown)
        for journey in found:
            latest = journey is found[-1]
            closed = is_closed(journey, latest, now, self.gap_ms)
            name, digest = journey_id(owner, line, journey.started), _digest(journey, closed)
            known = state.shown.get(name)
            if known is not None and known.gone is None and known.digest == digest and not (latest and records):
                shown[name] = known
                continue
            revision = known.revision + 1 if known else 1
            records.append(record(journey, owner, line, closed, revision))
            shown[name] = Shown(journey.started, revision, closed, digest)
        return Known(state.past, shown, state.review), records

    def _dropped(self, state: Known, found: tuple[Journey, ...], seen: Seen) -> Known:
        """Without the journeys that are over for good."""
        now = seen.now
        if now is None:
            return state
        old = {n for n, each in state.shown.items() if each.gone is not None and now > self._gone_until(each.gone)}
        if old:
            state = replace(state, shown={n: each for n, each in state.shown.items() if n not in old})
        settled = now - self.gap_ms - self.lateness_ms
        over = [each for each in found if each.last < settled and now > self._dropped_at(each, seen)]
        if not over:
            return state
        past = tuple(part for part in state.past if not any(each.started <= part.started <= each.last for each in over))
        starts = {each.started for each in over}
        shown = {name: each for name, each in state.shown.items() if each.started not in starts}
        return replace(state, past=past, shown=shown)

    def _gone_until(self, gone: int) -> int:
        """A name that was taken back is forgotten when stream time passes this."""
        return gone + 2 * self.lateness_ms

    def _dropped_at(self, journey: Journey, seen: Seen) -> float:
        """When a journey need not be kept any more: closed, and every contact of it condensed."""
        kept = any(
            journey.started <= contact.started <= journey.last
            for contacts in (*(history.lives for history in seen.histories.values()), seen.rested.values())
            for contact in contacts
        )
        return float("inf") if kept or journey.open else journey.last + self.gap_ms + self.lateness_ms

    def _review(self, state: Known, found: tuple[Journey, ...], seen: Seen) -> int | None:
        """The stream time after which they look different without any event."""
        times: list[float] = []
        if not seen.histories and not state.past:  # else they are forgotten when it is looked at for those
            times += [self._gone_until(each.gone) for each in state.shown.values() if each.gone is not None]
        for journey in found:
            shown = state.shown.get(journey_id(seen.owner, seen.line, journey.started))
            if shown is None:
                continue
            if not journey.open and not shown.closed:
                times.append(journey.last + self.gap_ms)
            elif shown.closed:
                times.append(self._dropped_at(journey, seen))
        return int(min(times)) if times and min(times) != float("inf") else None


def _latest_gone(shown: dict[str, Shown]) -> dict[str, Shown]:
    if len(shown) <= MAX_GONE_NAMES:
        return shown
    return dict(sorted(shown.items(), key=lambda each: each[1].gone or 0)[-MAX_GONE_NAMES:])


def _digest(journey: Journey, closed: bool) -> int:
    return crc32(msgspec.json.encode((journey, closed), order="sorted"))


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
