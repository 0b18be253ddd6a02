"""One customer: whom an identifier stands for, by which links, and all that is published of that customer.

Links are read from the changelog of `identify`, the rest from the output topics: so it works while workers run and
while none does.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from rich.text import Text

from schemas import flow, registry
from streams.base.links import Ref, is_customer, order_of, row_key
from streams.base.records import LIVE
from streams.base.times import iso
from streams.identity.graph import NOBODY, Node, label_of, stands_for
from streams.identity.identifiers import read
from streams.identity.placing import reason_of
from streams.inspect import rows
from streams.inspect.changelogs import StateError, Tell
from streams.kafka.connection import connection_of
from streams.kafka.reading import read_to_end
from streams.local.text import Terminal, shown
from streams.rules import Rules
from streams.settings import Settings

FIRST = ("segments", "journeys", "alerts", "recommendations")
"""What is shown first."""


@dataclass
class Link:
    """Two identifiers are of one person, by an event."""

    identifier: str
    to: str
    event_id: str
    source: str
    time: int


@dataclass
class Customer:
    """What is known."""

    identifier: str
    owner: str
    reason: str
    """Why it stands for the owner, in words."""
    line: str = LIVE
    path: list[Link] = field(default_factory=list)
    """From the identifier to the customer."""
    links: list[Link] = field(default_factory=list)
    """Of the owner, and of the identifier, as they hold now."""
    published: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Topic → the newest record of each key; of alerts those that fire."""


def node_of(name: str, settings: Settings, rules: Rules) -> str:
    """ "phone:0044 20 …" → "phone:+4420…"; a name without a kind is a customer's id. Raises `StateError`."""
    kind, colon, value = name.partition(":")
    if not colon:
        kind, value = "customer", name
    if kind != "customer" and kind not in rules.identity.ranks:
        raise StateError(
            f"{shown(name)}: an identifier begins with customer, {', '.join(rules.identity.ranks)} and a colon"
        )
    plain, why = read(kind, value, settings.phone_region, rules.nobody)
    if plain is None:
        what = "names nobody" if why == "nobody" else "has not the form of its kind"
        raise StateError(f"{shown(name)} {what}")
    return f"{kind}:{plain}"


async def collect(settings: Settings, rules: Rules, name: str, line: str, tell: Tell) -> Customer:
    """All of it. Raises `StateError`, `BrokerError`."""
    node = node_of(name, settings, rules)
    known = await _node(settings, node, line, tell)
    label = (known and known.label) or label_of(node, known or Node(), rules.identity)
    owner = stands_for(node, label)
    found = Customer(node, owner, _why(node, known, owner, reason_of(node, label)), line)
    at = node
    for step, ref in label.path:
        found.path.append(_link(at, step, ref))
        at = step
    found.links += _links(node, known)
    strongest = owner.removeprefix("anonymous:")
    if owner != NOBODY and strongest != node:
        found.links += _links(strongest, await _node(settings, strongest, line, tell))
    found.published = await _published(settings, owner, line)
    return found


async def _node(settings: Settings, node: str, line: str, tell: Tell) -> Node | None:
    search = await rows.find(settings, row_key(node, line), "nodes", line, tell)
    return search.rows[0].value if search.rows else None


def _why(node: str, known: Node | None, owner: str, reason: str | None) -> str:
    if is_customer(node):
        return "a customer stands for itself"
    if known is None:
        return "nothing is known of it"
    if owner == NOBODY:
        return reason or "it is shared"
    if owner.startswith("customer:"):
        return "the closest customer by its links"
    return "no customer is in reach of its links; the strongest identifier gives the name"


def _links(node: str, known: Node | None) -> Iterator[Link]:
    for other in sorted(known.neighbours if known else (), key=order_of):
        yield _link(node, other, known.edges[other].ref) if known else _link(node, other, (0, "", ""))


def _link(node: str, other: str, ref: Ref) -> Link:
    time, event_id, source = ref
    return Link(node, other, event_id, source, time)


def topics_of_customers() -> list[str]:
    """What is published of customers, the most asked for first."""
    named = [name for name in flow.published() if "customer" in _fields(name)]
    return sorted(named, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def _fields(topic: str) -> Iterable[str]:
    return next(iter(registry.topics()[topic].models.values())).model_fields


async def _published(settings: Settings, owner: str, line: str) -> dict[str, list[dict[str, Any]]]:
    names = {settings.topic_prefix + topic: topic for topic in topics_of_customers()}
    newest: dict[str, dict[bytes | None, dict[str, Any]]] = {topic: {} for topic in names.values()}
    mark = orjson.dumps(owner)
    async for record in read_to_end(connection_of(settings), names):
        found = newest[names[record.topic]]
        if record.value is None:
            found.pop(record.key, None)
        elif mark in record.value:
            doc = orjson.loads(record.value)
            if doc.get("customer") == owner and doc.get("line", LIVE) == line:
                found[record.key] = doc
    newest["alerts"] = {key: doc for key, doc in newest["alerts"].items() if doc["status"] == "firing"}
    return {topic: list(docs.values()) for topic, docs in newest.items()}


def as_json(found: Customer) -> str:
    """``{identifier, owner, reason, line, path, links, published}``; times of links are ms."""
    return json.dumps(
        {**vars(found), "path": [vars(each) for each in found.path], "links": [vars(each) for each in found.links]},
        indent=1,
    )


def show(found: Customer, console: Terminal) -> None:
    """For a person to read."""
    console.print(
        Text.assemble((shown(found.identifier), "bold"), " → ", (shown(found.owner), "bold"), f": {found.reason}")
    )
    for title, links in (("path", found.path), ("links", found.links)):
        for each in links:
            said = f"{iso(each.time)} {each.source} {each.event_id}" if each.event_id else "events that are forgotten"
            console.print(Text(f"  {title}: {shown(each.identifier)} – {shown(each.to)} ({shown(said)})"))
    for topic, docs in found.published.items():
        for doc in docs:
            console.print(Text(topic, style="bold"))
            console.json({name: value for name, value in doc.items() if name not in ("customer", "line")})
        if not docs:
            console.print(Text.assemble((topic, "bold"), ": none fires" if topic == "alerts" else ": none"))
