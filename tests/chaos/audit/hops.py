"""Levels (b) and (c): what one process makes of the logs in their order, against what the workers made.

`identify` is repeated record by record: what it sent must be the same bytes in the same order. `track` is folded by the
product's pure functions, deadlines at the progress records; each customer's row in the changelog must tell the same,
its alerts to the last field. Left out of the comparison is what depends on where batches were cut, and nothing else:
revisions, since a batch publishes once what it changed.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from streams.base.claims import CUSTOMER, mark_of
from streams.base.links import Read, row_key
from streams.base.records import (
    SEP,
    AgentState,
    CustomerEvent,
    Event,
    Handed,
    Interaction,
    Left,
    Profile,
    Progress,
    output_key,
)
from streams.base.watermarks import Watermarks
from streams.contacts.rules import ContactRules
from streams.customers import customers, loop
from streams.customers.customers import Customer
from streams.customers.rules import CustomerRules
from streams.customers.step_telling import TAKEN_BACK
from streams.identity import assignment as identity
from streams.identity.crowds import Crowds, share
from streams.identity.owners import ContactOwner, after
from streams.rules import Rules
from tests.chaos.audit.logs import POISON, Difference, Logs, Rec, home
from tests.support.deadlines import next_deadlines

encode = msgspec.json.Encoder().encode
_normalised = msgspec.json.Decoder(Read).decode
_interaction = msgspec.json.Decoder(Interaction).decode
_customer = msgspec.json.Decoder(Customer).decode

Sent = list[tuple[bytes, bytes]]


def check_identify(logs: Logs, rules: Rules, owned: Mapping[str, str]) -> Iterator[Difference]:
    """contact.normalised → contact.interactions, identity.changes and agent states on contact.measurements.

    What a contact becomes whose identifiers are asked whom they stand for depends on when the answers come: of those
    the events must be with one owner in the end, each once. ``owned``: contact → that owner, of the live line.
    """
    count = logs.partitions["contact.normalised"]
    wanted: dict[tuple[str, int, int], Sent] = defaultdict(list)
    contacts: dict[str, list[tuple[Event, str]]] = defaultdict(list)
    asked = {name for rec in logs.of("contact.normalised") if (name := _asks(rec))}
    for partition in range(count):
        owners: dict[str, ContactOwner] = {}
        crowds = Crowds({}, share(rules.customers.contacts.per_identifier_and_day, count))
        for rec in logs.of("contact.normalised"):
            if rec.partition != partition:
                continue
            sent = list(_identified(rec, owners, (crowds, rules.customers.contacts)))
            event = _normalised(rec.value or b"")
            if not isinstance(event, Event) or (rec.key or b"").decode() not in asked:
                for topic, key, value in sent:
                    wanted[topic, home(key, logs.partitions[topic]), partition].append((key, value))
                continue
            state = owners[_key(event)]
            owner = state.owner if state.claim.rank == CUSTOMER else "" if event.line else owned.get(event.contact, "")
            contacts[_key(event)].append((event, owner))
    found: dict[tuple[str, int, int], list[Rec]] = defaultdict(list)
    for topic in ("contact.interactions", "identity.changes", "contact.measurements"):
        for rec in logs.of(topic):
            if (origin := _origin(rec)) is not None and origin not in asked:
                found[topic, rec.partition, home(origin.encode(), count)].append(rec)
    for lane in wanted.keys() | found.keys():
        yield from _same(lane, wanted[lane], found[lane])
    yield from _with_one(logs, contacts)


def _asks(rec: Rec) -> str:
    """The key of a contact that an event names by identifiers alone."""
    value = _normalised(rec.value or b"")
    if not isinstance(value, Event) or value.customer is not None or not value.identifiers:
        return ""
    return _key(value).partition(SEP)[0]


def _with_one(logs: Logs, contacts: dict[str, list[tuple[Event, str]]]) -> Iterator[Difference]:
    """Contacts that are with one owner in the end, whole."""
    held: dict[str, dict[str, Counter[tuple[str, str]]]] = defaultdict(lambda: defaultdict(Counter))
    afterwards: set[tuple[str, str]] = set()
    """Words about contacts that were over, which are sent on where the contact has gone."""
    for rec in logs.of("contact.interactions"):
        value = _interaction(rec.value or b"")
        if isinstance(value, Event | Left) and (key := _key(value)) in contacts:
            if isinstance(value, Event) and value.group:
                afterwards.add((value.id, value.source))
            elif isinstance(value, Event):
                held[key][value.owner][value.id, value.source] += 1
            else:
                held[key][value.owner].clear()
    for key, events in contacts.items():
        owners = {owner: had for owner, had in held[key].items() if had}
        named = {(event.id, event.source) for event, _ in events} - afterwards
        owner = events[-1][1]
        whole = [dict(had) for had in owners.values()] == [dict.fromkeys(named, 1)]
        if not whole or (owner and {*owners} != {owner}):
            yield Difference(
                "identify", f"{key} is with {owners}, and not whole with {owner or 'one'}", (events[0][0].contact,)
            )


def _key(value: Event | Left) -> str:
    return row_key(f"{value.channel}|{value.contact}", value.line)


def _identified(
    rec: Rec, owners: dict[str, ContactOwner], means: tuple[Crowds, ContactRules]
) -> Iterator[tuple[str, bytes, bytes]]:
    """What one record becomes, as (topic, key, value)."""
    value = _normalised(rec.value or b"")
    if isinstance(value, Event):
        key = _key(value)
        line, time, (crowds, tracking) = value.line, value.time, means
        known = owners.get(key)
        if known is not None and time > known.last + tracking.lateness_ms:
            known = after(known, time, value.channel, tracking)

        def gather(name: str, more: bool) -> int:
            return crowds.gather(name, line, time, None) if more else crowds.over(name, line, time)

        owners[key], outputs = identity.assign(known, value, judge=identity.Judge(gather))
        for output in outputs:
            if isinstance(output, dict):
                yield "identity.changes", output_key(output["line"], output["identifier"]), b"change"
            else:
                yield "contact.interactions", output.owner.encode(), encode(output)
    elif isinstance(value, Profile):
        yield "contact.interactions", f"customer:{value.customer}".encode(), encode(replace(value, identifiers=None))
    elif isinstance(value, CustomerEvent):
        yield "contact.interactions", f"customer:{value.customer}".encode(), encode(value)
    elif isinstance(value, AgentState):
        for queue in value.queues or ("none",):
            told = msgspec.structs.replace(value, queues=(queue,)) if value.queues else value
            yield "contact.measurements", queue.encode(), encode(told)


def _origin(rec: Rec) -> str | None:
    """The key on contact.normalised of the record behind an output of `identify`; None for what is not of it."""
    doc = rec.doc
    if rec.topic == "identity.changes":
        if not doc["contact_id"]:
            return None  # of an identifier alone: see `identity`
        return f"{doc['channel']}|{doc['contact_id']}"
    if doc["kind"] in ("event", "left"):
        return f"{doc['channel']}|{doc['contact']}"
    names = {"profile": "customer", "customer_event": "customer", "agent": "agent"}
    return str(doc[names[doc["kind"]]]) if doc["kind"] in names else None


def _same(lane: tuple[str, int, int], wanted: Sent, found: list[Rec]) -> Iterator[Difference]:
    topic, partition, source = lane
    changes = topic == "identity.changes"
    got = [((rec.key or b""), b"change" if changes else (rec.value or b"")) for rec in found]
    if got == wanted:
        return
    number = next(
        (n for n, (one, other) in enumerate(zip(wanted, got, strict=False)) if one != other), min(len(wanted), len(got))
    )
    rec = found[number] if number < len(found) else None
    expected = wanted[number][1].decode() if number < len(wanted) else "nothing"
    what = (
        f"{topic}-{partition} from contact.normalised-{source}: {len(got)} records instead of {len(wanted)}; number {number} is "
        f"{rec.value.decode() if rec and rec.value else 'nothing'} instead of {expected}"
    )
    words = [orjson.loads(text) for text in (expected,) if text not in ("nothing", "change")]
    about = tuple(str(word.get("contact") or word.get("id")) for word in words) or (
        (rec.doc.get("contact", ""),) if rec else ()
    )
    yield Difference("identify", what, about, rec)


class Fold:
    """One partition of contact.interactions, folded one record at a time, deadlines at the progress records."""

    def __init__(self, rules: CustomerRules) -> None:
        self.rules = rules
        self.clock = Watermarks({})
        self.customers: dict[str, Customer] = {}
        self.due: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.planned: dict[tuple[str, str], int] = {}
        self.handed: list[Handed] = []
        """What owners gave to others."""

    def take(self, value: Any) -> None:
        if isinstance(value, Progress):
            self.clock.note(value)
            for line in value.lines:
                self._pass(line)
            return
        owner = customers.owner_of(value)
        assert owner is not None
        try:
            outcome = customers.fold(self.customers.get(owner), value, self.clock, self.rules)
        except customers.Refused:
            return
        self.handed += [each for each in outcome.sent if isinstance(each, Handed)]
        self._put(owner, customers.publish(outcome.customer, self.clock, self.rules).customer)
        self._plan(owner)

    def _pass(self, line: str) -> None:
        now = self.clock.stream_time(line)
        heap = self.due[line]
        while now is not None and heap and heap[0][0] < now:
            due, owner = heapq.heappop(heap)
            if self.planned.get((line, owner)) == due:
                del self.planned[line, owner]
                self._put(owner, customers.advance(self.customers.get(owner), self.clock, self.rules, line).customer)
                self._plan(owner)

    def _plan(self, owner: str) -> None:
        deadlines = next_deadlines(self.customers.get(owner), self.rules)
        for line in {line for line, planned in self.planned if planned == owner} - deadlines.keys():
            del self.planned[line, owner]
        for line, due in deadlines.items():
            if self.planned.get((line, owner)) != due:
                self.planned[line, owner] = due
                heapq.heappush(self.due[line], (due, owner))

    def _put(self, owner: str, customer: Customer | None) -> None:
        if customer is None:
            self.customers.pop(owner, None)
        else:
            self.customers[owner] = customer


def check_customers(logs: Logs, rows: dict[tuple[int, str, str], bytes], rules: Rules) -> Iterator[Difference]:
    """contact.interactions → the table ``customers``; ``rows``: (partition, table, key) → newest value of the
    changelog.
    """
    folds = [Fold(rules.customers) for _ in range(logs.partitions["contact.interactions"])]
    handed: Counter[bytes] = Counter()
    for rec in logs.of("contact.interactions"):
        if not rec.forged:
            value = _interaction(rec.value or b"")
            folds[rec.partition].take(value)
            if isinstance(value, Handed):
                handed[encode(value)] += 1
    wanted_handed = Counter(encode(each) for fold in folds for each in fold.handed)
    for value in (handed - wanted_handed) | (wanted_handed - handed):
        yield Difference("customers", f"handed {handed[value]} times instead of {wanted_handed[value]}: {value!r}", ())
    for partition, fold in enumerate(folds):
        stored = {
            key: value for (number, table, key), value in rows.items() if (number, table) == (partition, "customers")
        }
        for owner in fold.customers.keys() | stored.keys():
            if POISON in owner:
                continue  # what is condensed, and when, depends on when the row was looked at
            wanted = told(fold.customers[owner], rules.customers) if owner in fold.customers else None
            found = told(_customer(stored[owner]), rules.customers) if owner in stored else None
            if wanted != found:
                yield Difference(
                    "customers",
                    f"track-{partition}, {owner}: {unlike(wanted, found)}",
                    (owner, owner.partition(":")[2]),
                )


def told(customer: Customer, rules: CustomerRules) -> dict[str, Any] | None:
    """What a row says, without what depends on where batches were cut: revisions; names that were taken back, which a
    batch that saw them come and go never showed.
    """
    found = {}
    for line, timeline in customer.lines.items():
        whole = msgspec.to_builtins(timeline)
        for capability in ("journeys", "segments", "recommendations", "quality"):
            whole.pop(capability, None)
        shown = {
            name: (each.started, each.closed, each.digest)
            for name, each in timeline.journeys.shown.items()
            if each.gone is None
        }
        over = {name: each.until for name, each in timeline.journeys.kept.items()}
        known = {mark_of(key) for key in (*timeline.histories, *timeline.rested)}
        scored = dict.fromkeys((*timeline.quality.kept, *timeline.quality.told), 0)
        scored |= {mark: each.digest for mark, each in timeline.quality.told.items() if mark in known}
        if shown or over or scored or not loop.is_bare(timeline, customer.owner, rules):
            told = timeline.journeys.told
            shown |= {name: (0, True, each.said) for name, each in told.items() if each.said != TAKEN_BACK}
            journeys = replace(timeline.journeys, shown={}, told={}, floor=0, floor_until=None, kept={})
            if not (timeline.histories or journeys.points or journeys.past):
                journeys = replace(journeys, review=None)  # when names are forgotten that were taken back
            segments = replace(timeline.segments, revision=0)
            advice = replace(timeline.recommendations, wanted=(), told={}, revision=0)
            parts = {"journeys": journeys, "segments": segments, "recommendations": advice}
            kept = {name: msgspec.to_builtins(each) for name, each in parts.items()}
            found[line] = {**whole, "shown": shown, "over": over, "scored": scored, **kept}
    return found or None


def unlike(wanted: Any, found: Any, path: str = "") -> str:
    """The first place at which two values differ."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(wanted.keys() | found.keys()):
            if wanted.get(key) != found.get(key):
                return unlike(wanted.get(key), found.get(key), f"{path}/{key}")
    if isinstance(wanted, list | tuple) and isinstance(found, list | tuple) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            if one != other:
                return unlike(one, other, f"{path}[{number}]")
    return f"{path or 'the row'} is {found!r} instead of {wanted!r}"
