"""What was recorded of a span of event time: contacts folded anew from ``contact.interactions``, so that corrections
that came later are in it; needs from ``journeys``; service types from ``segments``.

Memory holds a row for each contact of the span and a 64th of the events; those are on the disk meanwhile, without texts
and identifiers.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from streams.base.records import LIVE, NO_TIER, Erase, Event, Grouped, Left, Line, Moved, Profile, contact_key
from streams.base.times import iso
from streams.contacts import histories
from streams.contacts.contact import Contact
from streams.contacts.histories import NEVER, History, Lives
from streams.contacts.rules import ContactRules
from streams.contacts.steps import Step, step
from streams.customers.tiers import Tiers, changed, tier_at
from streams.inspect.readings import LINES_NAMED, QueryError
from streams.inspect.spill import Spill, spill
from streams.policies.record import NO_TYPE, Need, Record, Recorded, recorded

INTERACTIONS, SEGMENTS, JOURNEYS = "contact.interactions", "segments", "journeys"
MAX_CONTACTS = 2_000_000
"""Of a span, about 500 bytes each."""
EVERY = 5_000
"""Records between two words about how far it is."""


class Fetched(Protocol):
    """A record of a topic."""

    key: bytes | None
    value: bytes | None
    timestamp: int


Read = Callable[[str], AsyncIterator[Any]]
"""A topic's name → its records (`Fetched`)."""
Tell = Callable[[str, int], None]
"""Told the topic and how many records of it were read."""


@dataclass(frozen=True, slots=True)
class Query:
    """A span of event time in ms (end exclusive) and one line."""

    start: int
    end: int
    line: str = LIVE

    @property
    def name(self) -> str:
        """Of the line."""
        return self.line or "live"


class _Head(msgspec.Struct):
    kind: str
    line: str = LIVE
    lines: dict[str, Line] = {}


class _Kept(msgspec.Struct, array_like=True, omit_defaults=True):
    """What is put away of a record about a contact."""

    owner: str
    channel: str
    contact: str
    step: Step | None = None
    group: str = ""
    since: int | None = None
    """Of one that left its owner."""


class _Word(msgspec.Struct, array_like=True):
    """What is put away of a profile."""

    customer: str
    time: int
    id: str
    tier: str


_head = msgspec.json.Decoder(_Head).decode
_told = msgspec.json.Decoder(Event | Profile | Left | Grouped | Moved | Erase).decode
_kept = msgspec.json.Decoder(_Kept).decode
_word = msgspec.json.Decoder(_Word).decode
_encode = msgspec.json.Encoder().encode
READ = frozenset({"event", "profile", "left", "grouped", "moved", "erase"})
"""Kinds of records of which something is kept."""


@dataclass(slots=True)
class _Log:
    """What is known of a line once its records are put away."""

    contacts: Spill
    profiles: Spill
    now: int = NEVER
    first: int = -NEVER
    lines: set[str] = field(default_factory=set)
    groups: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Group → when it went to somebody last, and to whom."""
    erased: dict[str, int] = field(default_factory=dict)

    def holder(self, owner: str, group: str) -> str:
        """Who has a contact of this owner and group in the end."""
        return self.groups[group][1] if group in self.groups else owner


async def collect(read: Read, query: Query, rules: ContactRules, tell: Tell) -> Record:
    """What was recorded of the span. Raises QueryError where that is nothing, or too much."""
    with spill() as contacts, spill() as profiles:
        log = _Log(contacts, profiles)
        async for record in _counted(read, INTERACTIONS, tell):
            if record.value is not None:
                _put(log, record, query, rules)
        found = list(_contacts(log, query, rules))
        if not found:
            raise QueryError(_nothing(log, query))
        owners = {each.owner for each, _ in found}
        tiers = _tiers(profiles, owners)
    types = await _types(read, query, owners, tell)
    labelled = tuple(_labelled(each, moment, tiers, types) for each, moment in found)
    return Record(labelled, await _needs(read, query, types, owners, tell))


async def _counted(read: Read, topic: str, tell: Tell) -> AsyncIterator[Fetched]:
    count = 0
    async for record in read(topic):
        count += 1
        if count % EVERY == 0:
            tell(topic, count)
        yield record


def _put(log: _Log, record: Fetched, query: Query, rules: ContactRules) -> None:
    """Put away what belongs to the line and may be of a contact that began in the span."""
    assert record.value is not None
    head = _head(record.value)
    if head.kind == "progress":
        log.lines.update(head.lines)
        return
    told = _told(record.value) if head.kind in READ else None
    if isinstance(told, Erase) and (told.every or told.line == query.line):
        log.erased[told.owner] = max(told.time, log.erased.get(told.owner, NEVER))
    if told is None or told.line != query.line:
        return
    if isinstance(told, Event):
        log.now, log.first = max(log.now, told.time), min(log.first, told.time)
        horizon = rules.horizon_ms(told.channel)
        if query.start - horizon <= told.time < query.end + horizon:
            _keep(log, _Kept(told.owner, told.channel, told.contact, step(told), told.group))
    elif isinstance(told, Left):
        _keep(log, _Kept(told.owner, told.channel, told.contact, since=told.since))
    elif isinstance(told, Grouped):
        _keep(log, _Kept(told.owner, told.channel, told.contact, group=told.group))
    elif isinstance(told, Moved):
        if record.timestamp >= log.groups.get(told.group, (NEVER, ""))[0]:
            log.groups[told.group] = record.timestamp, told.to
    elif isinstance(told, Profile) and told.tier is not None:
        log.profiles.put(told.customer, _encode(_Word(told.customer, told.time, told.id, told.tier)))


def _keep(log: _Log, kept: _Kept) -> None:
    log.contacts.put(contact_key(kept.channel, kept.contact), _encode(kept))


@dataclass(slots=True)
class _Held:
    """A contact as one owner has it."""

    history: History
    finished: Lives = ()
    group: str = ""


def _contacts(log: _Log, query: Query, rules: ContactRules) -> Iterator[tuple[Recorded, int | None]]:
    """Those that began in the span, with the moment as of which their customer's tier is theirs."""
    count = 0
    for lines in log.contacts.buckets():
        for owner, lives in _folded(map(_kept, lines), log, rules):
            for contact, last in recorded(lives, owner):
                if not query.start <= contact.started < query.end:
                    continue
                if log.erased.get(owner, NEVER) >= contact.started:
                    continue
                count += 1
                if count > MAX_CONTACTS:
                    raise QueryError(f"more than {MAX_CONTACTS:,} contacts began in the span; take a shorter one")
                yield contact, _moment(last)


def _folded(records: Iterable[_Kept], log: _Log, rules: ContactRules) -> Iterator[tuple[str, Lives]]:
    """The lives of each contact of a bucket, by who has them in the end."""
    contacts: dict[str, dict[str, _Held]] = {}
    for told in records:
        owners = contacts.setdefault(contact_key(told.channel, told.contact), {})
        if told.step is not None:
            held = _found(owners, told)
            arrival = histories.arrive(held.history, told.step, None, rules)
            held.history, finished = histories.relieve(arrival.history, rules)
            held.finished += finished
        elif told.since is not None:
            _leave(owners, told, rules)
        elif told.owner in owners:
            owners[told.owner].group = told.group
    for owners in contacts.values():
        for owner, held in owners.items():
            if held.history.lives:
                history = histories.expire(held.history, log.now, rules)
                yield log.holder(owner, held.group), held.finished + history.lives


def _found(owners: dict[str, _Held], told: _Kept) -> _Held:
    """Where an event belongs; a word about one that went with its group belongs to it, whoever has it."""
    if told.group and told.owner not in owners:
        for held in owners.values():
            if held.group == told.group:
                return held
    return owners.setdefault(told.owner, _Held(History(told.contact, told.channel)))


def _leave(owners: dict[str, _Held], told: _Kept, rules: ContactRules) -> None:
    held = owners.get(told.owner)
    if held is None:
        return
    kept = histories.before(held.history, told.since, rules) if told.since else None
    if kept is None:
        del owners[told.owner]
    else:
        held.history = kept


def _moment(contact: Contact) -> int | None:
    """As of when the customer's tier is the contact's, see `streams.customers.facts.tier_of`."""
    return contact.ended if contact.parted is None else contact.parted


def _nothing(log: _Log, query: Query) -> str:
    span = f"from {iso(query.start)} to {iso(query.end)}"
    if log.now == NEVER:
        names = sorted(log.lines - {LIVE, query.line})
        more = f" and {len(names) - LINES_NAMED} more" if len(names) > LINES_NAMED else ""
        there = f"; there are the replays {', '.join(names[:LINES_NAMED])}{more}" if names else ""
        return f"no contact is recorded on the line {query.name}{there}"
    return (
        f"no contact began {span} on the line {query.name}; what is recorded of it lies from {iso(log.first)} to "
        f"{iso(log.now)}"
    )


def _tiers(profiles: Spill, owners: set[str]) -> dict[str, Tiers]:
    """What profiles say of these owners, by owner."""
    found: dict[str, Tiers] = {}
    for lines in profiles.buckets():
        for said in map(_word, lines):
            owner = f"customer:{said.customer}"
            if owner in owners:
                profile = Profile(said.id, "", said.customer, said.time, tier=said.tier)
                found[owner] = changed(found.get(owner, ()), profile)
    return found


Types = dict[str, tuple[str, str]]
"""Owner → service type and tier of its segment."""


async def _types(read: Read, query: Query, owners: set[str], tell: Tell) -> Types:
    """As the newest segment of each owner has it; records of before say no type."""
    found: Types = {}
    async for record in _counted(read, SEGMENTS, tell):
        said = msgspec.json.decode(record.value or b"{}")
        if said.get("line") == query.line and said.get("customer") in owners:
            found[said["customer"]] = said.get("type") or NO_TYPE, said.get("tier") or NO_TIER
    return found


def _labelled(contact: Recorded, moment: int | None, tiers: dict[str, Tiers], types: Types) -> Recorded:
    """The tier is what its events say, else the profile as of then, else the segment."""
    kind, tier = types.get(contact.owner, (NO_TYPE, NO_TIER))
    if contact.tier == NO_TIER:
        tier = tier_at(tiers.get(contact.owner, ()), moment) or tier
        return replace(contact, tier=tier, type=kind)
    return replace(contact, type=kind)


async def _needs(read: Read, query: Query, types: Types, owners: set[str], tell: Tell) -> tuple[Need, ...]:
    """The journeys that began in the span, as far as the topic still has them and they are closed: of others it is
    known early that the first contact did not do, and late that it did.
    """
    first, last = iso(query.start), iso(query.end)
    found: dict[str, tuple[int, Need | None]] = {}
    async for record in _counted(read, JOURNEYS, tell):
        if record.value is None:
            found.pop((record.key or b"").decode(), None)
            continue
        said = msgspec.json.decode(record.value)
        if said.get("line") != query.line or said["customer"] not in owners or not first <= said["started"] < last:
            continue
        known = found.get(said["journey_id"], (0, None))[0]
        resolved = said.get("first_contact_resolution") if said["status"] == "closed" else None
        if said["revision"] > known:
            kind, tier = types.get(said["customer"], (NO_TYPE, NO_TIER))
            tier = said["tier"] if said["tier"] != NO_TIER else tier
            need = None if resolved is None else Need(said["customer"], resolved, tier, kind)
            found[said["journey_id"]] = said["revision"], need
    return tuple(need for _, need in found.values() if need is not None)
