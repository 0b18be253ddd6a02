"""One customer: whom an identifier stands for, by which links, and all that is published of that customer.

Links are read from the changelog of `identify`, the rest from the output topics: so it works while workers run and
while none does.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from schemas import flow, registry
from streams.base.links import Ref, is_customer, order_of
from streams.base.records import LIVE
from streams.identity.graph import NOBODY, Node, label_of, stands_for
from streams.identity.placing import reason_of
from streams.identity.telling import CUT, LINK
from streams.inspect.changelogs import Tell
from streams.inspect.erasures import Proof, holds, of_customer
from streams.inspect.names import node_of
from streams.inspect.nodes import Nodes, Word, look
from streams.inspect.readings import LINES_NAMED
from streams.kafka.connection import connection_of
from streams.kafka.reading import read_to_end
from streams.local.text import shown
from streams.rules import Rules
from streams.settings import Settings

FIRST = ("segments", "journeys", "alerts", "recommendations")
"""What is shown first."""
CHANGES = "identity.changes"
ABOUT_ALERTS = ("alerts", "alert.events")
"""Their customer stands in what they are about."""


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
    words: list[Word] = field(default_factory=list)
    """What persons said of the links of both, as it holds now."""
    elsewhere: list[str] = field(default_factory=list)
    """Other lines on which it is known."""
    replays: list[str] = field(default_factory=list)
    """All that there are."""
    erased: list[Proof] = field(default_factory=list)
    """The proofs of erasures that hold on the line."""

    @property
    def known(self) -> bool:
        """Is there anything of it on the line?"""
        return bool(self.links or self.words or any(self.published.values()))


async def collect(settings: Settings, rules: Rules, name: str, line: str, tell: Tell) -> Customer:
    """All of it. Raises `StateError`, `BrokerError`."""
    node, nodes = node_of(name, settings, rules), Nodes()
    await look(settings, {node}, nodes, tell)
    known = nodes.known.get((node, line))
    label = (known and known.label) or label_of(node, known or Node(), rules.identity)
    owner = stands_for(node, label)
    strongest = node if owner == NOBODY else owner.removeprefix("anonymous:")
    if farther := {strongest, *nodes.keepers.get((node, line), ())} - {node}:
        await look(settings, farther, nodes, tell)
    if farther := {*nodes.keepers.get((strongest, line), ())} - {each for each, _ in nodes.known}:
        await look(settings, farther, nodes, tell)
    found = Customer(node, owner, _why(node, known, owner, reason_of(node, label)), line)
    at = node
    for step, ref in label.path:
        found.path.append(_link(at, step, ref))
        at = step
    for each in dict.fromkeys((node, strongest)):
        found.links += _links(each, nodes.known.get((each, line)))
        found.words += [word for word in nodes.words(each, line) if word not in found.words]
    lines = Lines(line, known=nodes.lines(node))
    found.published = await _published(settings, found, lines)
    found.elsewhere, found.replays = sorted(lines.known - {line}), sorted(lines.there - {LIVE})
    if is_customer(owner):
        found.erased = [each for each in await of_customer(settings, owner) if holds(each, line)]
    return found


@dataclass
class Lines:
    """The line that is asked for, those on which the customer is known, and all on which somebody is."""

    asked: str
    known: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.there |= self.known


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
    named = [name for name in flow.published() if name in ABOUT_ALERTS or "customer" in _fields(name)]
    return sorted(named, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def _fields(topic: str) -> Iterable[str]:
    return next(iter(registry.topics()[topic].models.values())).model_fields


def owner_in(doc: dict[str, Any]) -> str | None:
    """Whose a record of these topics is."""
    about = doc.get("alert") or doc
    subject = about.get("subject")
    return subject.get("customer") if isinstance(subject, dict) else doc.get("customer")


class _OfLine(msgspec.Struct):
    line: str = LIVE


_line_of = msgspec.json.Decoder(_OfLine).decode


async def _published(settings: Settings, found: Customer, lines: Lines) -> dict[str, list[dict[str, Any]]]:
    """Of the owner; on the way, who said the words, and the lines that there are."""
    names = {settings.topic_prefix + topic: topic for topic in (*topics_of_customers(), CHANGES)}
    newest: dict[str, dict[tuple[bytes | None, str], dict[str, Any]]] = {topic: {} for topic in topics_of_customers()}
    mark = orjson.dumps(found.owner)
    async for record in read_to_end(connection_of(settings), names):
        topic, value = names[record.topic], record.value
        if topic == CHANGES:
            _hear(found.words, value)
        elif value is None:
            newest[topic] = {place: doc for place, doc in newest[topic].items() if place[0] != record.key}
        elif mark in value and owner_in(doc := orjson.loads(value)) == found.owner:
            lines.there.add(its := doc.get("line", LIVE))
            newest[topic][record.key, its] = doc
        elif topic == "journeys":
            lines.there.add(_line_of(value).line)
    lines.known |= {line for docs in newest.values() for _, line in docs}
    here = {topic: [doc for (_, line), doc in docs.items() if line == lines.asked] for topic, docs in newest.items()}
    return here | {"alerts": [doc for doc in here["alerts"] if doc["state"] not in ("resolved", "expired")]}


def _hear(words: Iterable[Word], value: bytes | None) -> None:
    """Take from a record who said a word, and why."""
    for word in words:
        if value is not None and word.event_id.encode() in value:
            doc = orjson.loads(value)
            if doc["rule"] in (LINK, CUT) and doc["evidence"] == {"event_id": word.event_id, "source": word.source}:
                word.said = doc["reason"]


def nothing(found: Customer) -> str:
    """That nothing is known on the line, and where it is."""
    said = f"nothing is known of {shown(found.identifier)} on the line {shown(found.line) or 'live'}"
    if found.elsewhere:
        others = [f"--line {shown(each) or 'live'}" for each in found.elsewhere]
        return f"{said}; it is known with {_some(others)}"
    names = [shown(each) for each in found.replays if each != found.line]
    return f"{said}; there are the replays {_some(names)}" if names else said


def _some(names: list[str]) -> str:
    more = f" and {len(names) - LINES_NAMED} more" if len(names) > LINES_NAMED else ""
    return ", ".join(names[:LINES_NAMED]) + more


def as_json(found: Customer) -> str:
    """``{identifier, owner, reason, line, path, links, published, words, …}``; times of links and words are ms."""
    lists = {name: [vars(each) for each in getattr(found, name)] for name in ("path", "links", "words")}
    return json.dumps({**vars(found), **lists}, indent=1)
