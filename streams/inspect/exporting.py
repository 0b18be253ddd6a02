"""Everything that is held of one person, for that person: rows of the state, published records, and raw events as
long as their topics keep them. What is another person's, too (a shared tablet), is left out.

Rows are read from the changelogs, and identifiers by their links from there: so it works while no worker runs. It
takes as long as reading the changelog of `identify` once for each link on the way to the farthest identifier.
"""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas import flow, registry
from streams.base.links import is_customer
from streams.base.records import LIVE, SEP, contact_key
from streams.base.times import iso
from streams.identity.graph import Node
from streams.identity.identifiers import read as read_identifier
from streams.inspect import changelogs
from streams.inspect.changelogs import Contents, StateError, Tell
from streams.inspect.customer import owner_in, topics_of_customers
from streams.inspect.erasures import Proof, holds, of_customer
from streams.inspect.names import node_of
from streams.inspect.rows import plain
from streams.kafka.connection import connection_of
from streams.kafka.reading import read_to_end
from streams.local.text import shown
from streams.rules import Rules
from streams.settings import Settings
from streams.signals.tables import TABLE_TYPES as SIGNAL_TABLES
from streams.signals.tables import Example, examples_of

ROUNDS = 4
"""Links from the customer at most, and one more."""
DEAD, SIGNALS = "contacts.dead-letters", "defect.signals"
Wanted = Mapping[str, set[str]]
"""Table → names in the keys of its rows, without their lines."""


@dataclass
class Held:
    """What is held."""

    customer: str
    identifiers: list[str] = field(default_factory=list)
    """Those that stand for the customer alone, on any line."""
    contacts: list[str] = field(default_factory=list)
    """``<channel>|<id>``."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    published: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Topic → its records, the older ones too as long as they are kept."""
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Topic → events as they were published; dead letters with the bytes in text."""
    erased: list[Proof] = field(default_factory=list)
    """The proofs of the customer's erasures."""
    older: int = 0
    """Published records that came before the erasure, and go with their topics' files."""

    @property
    def owners(self) -> set[str]:
        """Under which names something may be kept."""
        itself = {f"contact:{channel}:{contact}" for channel, _, contact in (c.partition("|") for c in self.contacts)}
        return {self.customer, *(f"anonymous:{each}" for each in self.identifiers), *itself}


async def collect(settings: Settings, rules: Rules, name: str, tell: Tell) -> Held:
    """All of it. Raises `StateError`, `BrokerError`."""
    customer = node_of(name, settings, rules)
    if not is_customer(customer):
        raise StateError(f"{shown(name)}: what is held is told of a customer; `customer show` says whose this is")
    held, counts = Held(customer, erased=await of_customer(settings, customer)), await changelogs.partitions(settings)
    await _identifiers(settings, counts["identify"], held, tell)
    found = await _rows(settings, counts, "track", {"customers": held.owners}, tell)
    held.contacts = sorted({*_contacts(found)})
    found += await _examples(settings, counts["measure"], held, tell)
    wanted = {
        "nodes": {customer, *held.identifiers},
        "profiles": {customer.removeprefix("customer:")},
        "owners": {*held.contacts},
        "waiting": {*held.contacts},
    }
    held.rows = found + [
        row
        for row in await _rows(settings, counts, "identify", wanted, tell)
        if row["table"] != "owners" or row["decoded"].owner in held.owners
    ]
    for row in held.rows:
        row.pop("decoded")
    await _topics(settings, rules, held)
    return held


async def _identifiers(settings: Settings, partitions: int, held: Held, tell: Tell) -> None:
    """Over the links, as far as they lead to nobody else."""
    known, ask = {held.customer}, {held.customer}
    for _ in range(ROUNDS):
        rows = await _rows(settings, {"identify": partitions}, "identify", {"nodes": ask}, tell)
        nodes: list[tuple[str, Node]] = [(row["key"].partition(SEP)[0], row["decoded"]) for row in rows]
        ours = [(name, node) for name, node in nodes if _is_ours(name, node, held.customer)]
        held.identifiers = sorted({*held.identifiers, *(name for name, _ in ours if not is_customer(name))})
        ask = {other for _, node in ours for other in node.neighbours} - known
        known |= ask
        if not ask:
            return


def _is_ours(name: str, node: Node, customer: str) -> bool:
    label = node.label
    return name == customer or (label is not None and not label.shared and label.customers == (customer,))


async def _rows(
    settings: Settings, counts: Mapping[str, int], agent: str, wanted: Wanted, tell: Tell
) -> list[dict[str, Any]]:
    def keep(table: str, row: str) -> bool:
        return row.partition(SEP)[0] in wanted.get(table, ())

    found: list[dict[str, Any]] = []
    for partition in range(counts[agent]):
        found += _decoded(await changelogs.read(settings, agent, partition, keep=keep, tell=tell))
    return found


def _decoded(contents: Contents) -> Iterable[dict[str, Any]]:
    for (table, key), (_, data) in sorted(contents.rows.items()):
        value = changelogs.spec_of(contents.agent, table).load(data)
        yield {
            "agent": contents.agent,
            "table": table,
            "partition": contents.partition,
            "key": key,
            "value": plain(value, times=True),
            "decoded": value,
        }


async def _examples(settings: Settings, partitions: int, held: Held, tell: Tell) -> list[dict[str, Any]]:
    """Contacts of the person that rows of `measure` name as examples of signals, the row's others left out. Those that
    are no longer known elsewhere are contacts of the person from then on.
    """
    owners, contacts, found = held.owners, {*held.contacts}, list[dict[str, Any]]()
    for partition in range(partitions):
        contents = await changelogs.read(
            settings, "measure", partition, keep=lambda table, _: table in SIGNAL_TABLES, tell=tell
        )
        for row in _decoded(contents):
            hers = {each for each in examples_of(row["decoded"]) if each.owner in owners or _name(each) in contacts}
            held.contacts += sorted({_name(each) for each in hers} - {*held.contacts})
            if hers:
                found.append({**row, "value": {"examples": plain(sorted(hers), times=True)}})
    held.contacts.sort()
    return found


def _name(example: Example) -> str:
    return contact_key(example.channel, example.contact)


def _of_signal(doc: dict[str, Any], contacts: set[str]) -> dict[str, Any] | None:
    """A signal with the person's contacts alone; None = it names none."""
    examples = [each for each in doc["examples"] if contact_key(each["channel"], each["contact_id"]) in contacts]
    return {**doc, "examples": examples} if examples else None


def _contacts(rows: Iterable[dict[str, Any]]) -> Iterable[str]:
    for row in rows:
        for timeline in row["decoded"].lines.values():
            yield from (*timeline.histories, *timeline.rested)


async def _topics(settings: Settings, rules: Rules, held: Held) -> None:
    inputs = [name for name, spec in registry.topics().items() if spec.direction == "input"]
    names = {
        settings.topic_prefix + topic: topic
        for topic in (*inputs, DEAD, SIGNALS, "identity.changes", *topics_of_customers())
    }
    owners, contacts = held.owners, {*held.contacts}
    hers = _Hers(settings, rules, held, contacts)
    async for record in read_to_end(connection_of(settings), names):
        topic, value = names[record.topic], record.value
        if value is None:
            continue
        if topic in flow.published() and topic != DEAD:
            doc = orjson.loads(value)
            if topic == SIGNALS:
                doc = _of_signal(doc, contacts)
            elif not owners & {
                owner_in(doc),
                doc.get("from"),
                doc.get("to"),
                f"anonymous:{doc.get('identifier')}",
            }:
                continue
            if doc is not None:
                held.published.setdefault(topic, []).append(doc)
                held.older += _is_older(held, doc, record.timestamp)
        elif hers.named_in(topic, value):
            key = None if record.key is None else record.key.decode("utf-8", "replace")
            text = (b64decode(orjson.loads(value)["payload"]) if topic == DEAD else value).decode("utf-8", "replace")
            held.events.setdefault(topic, []).append({"key": key, "arrived": iso(record.timestamp), "event": text})


def _is_older(held: Held, doc: dict[str, Any], timestamp: int) -> bool:
    line = doc.get("line", LIVE)
    return any(holds(proof, line) and iso(timestamp) <= proof["erased_at"] for proof in held.erased)


class _Hers:
    """Which raw events name the person, one of the person's identifiers, or a contact of the person."""

    def __init__(self, settings: Settings, rules: Rules, held: Held, contacts: set[str]) -> None:
        self.region, self.nobody = settings.phone_region, rules.nobody
        self.customer = held.customer.removeprefix("customer:")
        self.names, self.contacts = {*held.identifiers, held.customer}, contacts

    def named_in(self, topic: str, value: bytes) -> bool:
        """Of a dead letter: in the record that it is of."""
        try:
            doc = orjson.loads(value)
            doc = orjson.loads(b64decode(doc["payload"])) if topic == DEAD else doc
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return False
        data = doc.get("data", doc) if isinstance(doc, dict) else None
        if not isinstance(data, dict):
            return False
        if str(data.get("customer_id", "")).strip() == self.customer:
            return True
        if contact_key(str(data.get("channel")), str(data.get("contact_id"))) in self.contacts:
            return True
        given = data.get("identifiers")
        pairs = (
            [(e.get("kind"), e.get("value")) for e in given if isinstance(e, dict)] if isinstance(given, list) else []
        )
        pairs += [str(data[each]).partition(":")[::2] for each in ("identifier", "other") if each in data]
        return any(self._plain(str(kind), str(text)) in self.names for kind, text in pairs)

    def _plain(self, kind: str, value: str) -> str:
        found, _ = read_identifier(kind, value, self.region, self.nobody)
        return f"{kind}:{found}"


def as_json(held: Held) -> str:
    """``{customer, identifiers, contacts, rows, published, events, erased, older}``."""
    return json.dumps(vars(held), indent=1)
