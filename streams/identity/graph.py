"""Whom an identifier stands for, as a function of the evidence: the fold of one node, which knows its links, what its
neighbours said of themselves, and the contacts that watch it. Nothing else, so that nodes may lie on any partition.

The rule (docs/identity.md, with its reasons):

1. A customer stands for itself; two are never linked.
2. Else an identifier stands for the closest customer within ``reach`` links. Two that are equally close: it is shared.
3. An identifier with more links to one kind than the kind's limit is shared, too. A shared one stands for nobody, and
   nothing passes through it.
4. Identifiers with no customer in reach that are linked (over others of that sort, within `FAR` links) are one
   anonymous customer, named by the strongest of them.

Links between two nodes are kept by the weaker (its *home*), which tells the stronger one whether they hold. A label
changes when what it follows from changes, and then it is told to all neighbours; so claims settle after at most
``reach`` rounds, names after `FAR`, whatever the order of what arrives.
"""

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.base.links import (
    Forget,
    Joined,
    Label,
    Ref,
    Said,
    Shown,
    Told,
    ToNode,
    Watched,
    Word,
    is_customer,
    kind_of,
    order_of,
)
from streams.identity.rules import SHIPPED, IdentityRules

FAR = 16
"""Links: how far the name of an anonymous customer travels."""
MAX_LINKS = 200
"""Links that a node keeps; further evidence is refused. An identifier with so many is shared long since; a customer may
have more, and is their customer, but does not know of them."""
MAX_WATCHERS = 500
"""Contacts that are told the label of one identifier; to any further one it stands for nobody."""
MAX_CUSTOMERS = 10
"""Customers that a label names, of those that share an identifier."""
MAX_REFS = 3
"""Events that a link names as its evidence, the earliest; and times of the latest."""

UNKNOWN: Ref = (0, "", "")
"""The evidence of a link whose earliest events showed that they were of somebody else."""

SEVERAL = "several-customers"
"""Why an identifier is shared: customers are equally close. Else ``too-many-<kind>``."""
NOBODY = "nobody"
"""Whom a shared identifier stands for."""


class Edge(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A link, as one of its ends keeps it."""

    count: int = 0
    """At its home: contacts and profiles that show it."""
    refs: tuple[Ref, ...] = ()
    """At its home: the earliest events by which they do."""
    word: tuple[Ref, bool] | None = None
    """At its home: the latest word of a person."""
    joined: Ref | None = None
    """At the stronger end: its evidence; None = it does not hold."""
    fresh: tuple[int, ...] = ()
    """At its home: the latest times at which it was shown, ms."""

    @property
    def on(self) -> bool:
        """Does it hold?"""
        if self.word is not None:
            return self.word[1]
        return self.count > 0 or self.joined is not None

    @property
    def ref(self) -> Ref:
        """Its evidence."""
        if self.joined is not None:
            return self.joined
        if self.word is not None:
            return self.word[0]
        return self.refs[0] if self.refs else UNKNOWN

    @property
    def latest(self) -> int | None:
        """Until when it holds depends on this, ms; None = it does not run out."""
        if self.count <= 0 or self.word is not None:
            return None
        return max(self.fresh or (self.refs[-1:] or (UNKNOWN,))[0][:1])

    @property
    def empty(self) -> bool:
        return not self.count and self.word is None and self.joined is None


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """The row of one identifier of one line. JSON by msgspec."""

    edges: dict[str, Edge] = {}
    said: dict[str, Label] = {}
    """Neighbour → its label, as it said last; customers need not."""
    label: Label | None = None
    """As it was told last; None = the node has never been asked."""
    watchers: tuple[str, ...] = ()
    due: dict[str, int] = msgspec.field(default_factory=lambda: {})  # noqa: PIE807 - written even when it is empty

    @property
    def neighbours(self) -> list[str]:
        return [other for other, edge in self.edges.items() if edge.on]


class Changed(NamedTuple):
    """An identifier stands for somebody else than before."""

    before: str
    after: str
    label: Label
    ref: Ref
    """What it follows from."""


class Outcome(NamedTuple):
    """What a record makes of a node."""

    node: Node | None
    """None: nothing is kept of it."""
    out: tuple[ToNode | Told | Forget, ...] = ()
    changed: Changed | None = None
    limited: str = ""
    """Which limit refused the record."""


def stands_for(node: str, label: Label) -> str:
    """The owner's name: "customer:7", "anonymous:email:a@example.com", or `NOBODY`."""
    if label.shared:
        return NOBODY
    if label.customers:
        return label.customers[0]
    return f"anonymous:{label.name or node}"


def fold(node: Node | None, told: ToNode, rules: IdentityRules = SHIPPED) -> Outcome:
    """The node after one record that is for it.

    Evidence of a link to the node itself, or of one between two customers, is refused before it comes here.
    """
    known = node or Node()
    if isinstance(told, Watched):
        return _watched(known, told, rules)
    if isinstance(told, Said):
        if told.other not in known.edges or not known.edges[told.other].on:
            return Outcome(node)  # the link was cut since
        return _settled(known, replace(known, said=known.said | {told.other: told.label}), told, rules)
    edge = known.edges.get(told.other, Edge())
    if edge.empty and len(known.edges) >= MAX_LINKS:
        return Outcome(node, limited="links")
    return linked(known, edge, _after(edge, told), told, rules)


def due_at(node: Node, rules: IdentityRules) -> int | None:
    """Stream time after which a link has run out; None = none will."""
    if rules.expires_after_ms is None:
        return None
    times = [edge.latest for edge in node.edges.values()]
    return min((time + rules.expires_after_ms for time in times if time is not None), default=None)


def expire(node: Node, name: str, line: str, now: int, rules: IdentityRules) -> Outcome:
    """The node at stream time ``now``, ms: without the links that have run out, and what was known of them."""
    out: list[ToNode | Told | Forget] = []
    changes: list[Changed] = []
    left: Node | None = node
    for other, edge in node.edges.items():
        latest, known = edge.latest, left or Node()
        if latest is None or rules.expires_after_ms is None or latest + rules.expires_after_ms >= now:
            continue
        told = Shown(name, line, other, edge.ref, on=False)
        left, sent, changed, _ = linked(known, edge, Edge(), told, rules)
        out += sent
        changes += [changed] if changed else []
    moved = changes[-1]._replace(before=changes[0].before) if changes else None
    return Outcome(left, tuple(out), moved if moved and moved.before != moved.after else None)


def _after(edge: Edge, told: Shown | Word | Joined) -> Edge:
    if isinstance(told, Joined):
        return replace(edge, joined=told.ref if told.on else None)
    if isinstance(told, Word):
        word = told.ref, told.on
        return edge if edge.word is not None and edge.word >= word else replace(edge, word=word)
    refs = list(edge.refs)
    if told.on:
        insort(refs, told.ref)
    elif told.ref in refs:
        refs.remove(told.ref)
    times, time = sorted(edge.fresh), told.ref[0]
    if told.on:
        insort(times, time)
    elif time in times:
        times.remove(time)
    return replace(
        edge,
        count=max(0, edge.count + (1 if told.on else -1)),
        refs=tuple(refs[:MAX_REFS]),
        fresh=tuple(times[-MAX_REFS:]),
    )


def linked(known: Node, before: Edge, edge: Edge, told: Shown | Word | Joined, rules: IdentityRules) -> Outcome:
    """The node with a link that was altered; the other end is told when it begins or ends to hold."""
    edges, said = dict(known.edges), known.said
    if edge.empty:
        edges.pop(told.other, None)
    else:
        edges[told.other] = edge
    if not edge.on and told.other in said:
        said = {other: label for other, label in said.items() if other != told.other}
    out: list[ToNode | Told] = []
    altered = edge.on != before.on or (edge.on and edge.ref != before.ref)
    if altered and not isinstance(told, Joined):
        out.append(Joined(told.other, told.line, told.node, edge.ref if edge.on else told.ref, edge.on))
    greeted = edge.on and not before.on and not is_customer(told.other)
    return _settled(known, replace(known, edges=edges, said=said), told, rules, out, told.other if greeted else "")


def _watched(known: Node, told: Watched, rules: IdentityRules) -> Outcome:
    if not told.on:
        left = tuple(each for each in known.watchers if each != told.contact)
        node = replace(known, watchers=left)
        return Outcome(node if left or node.edges else None)
    label = known.label or label_of(told.node, known, rules)
    if told.contact not in known.watchers and len(known.watchers) >= MAX_WATCHERS:
        answer = Told(told.contact, told.node, Label(shared="too-many-contacts"))
        return Outcome(known, (answer,), limited="watchers")
    watchers = known.watchers if told.contact in known.watchers else (*known.watchers, told.contact)
    return Outcome(replace(known, watchers=watchers, label=label), (Told(told.contact, told.node, label),))


def _settled(
    known: Node,
    node: Node,
    told: Shown | Word | Joined | Said,
    rules: IdentityRules,
    out: Iterable[ToNode | Told] = (),
    greeted: str = "",
) -> Outcome:
    """The node with its label; whoever has to be told of it. ``greeted``: a neighbour that does not know it yet."""
    name, line = told.node, told.line
    label = label_of(name, node, rules)
    sent = list(out)
    if label == known.label:
        if greeted and not is_customer(name):
            sent.append(Said(greeted, line, name, label, told.ref))
        return Outcome(node if node.edges or node.watchers else None, tuple(sent))
    if not is_customer(name):
        sent += [Said(other, line, name, label, told.ref) for other in node.neighbours if not is_customer(other)]
    sent += [Told(contact, name, label, told.ref) for contact in node.watchers]
    before = stands_for(name, known.label or Label(name=name))
    after = stands_for(name, label)
    changed = Changed(before, after, label, told.ref) if before != after and not is_customer(name) else None
    kept = node if node.edges or node.watchers else None
    return Outcome(kept and replace(kept, label=label), tuple(sent), changed)


def label_of(name: str, node: Node, rules: IdentityRules = SHIPPED) -> Label:
    """What follows from the node's links and from what its neighbours said."""
    if is_customer(name):
        return Label(customers=(name,))
    neighbours = node.neighbours
    kinds = Counter(map(kind_of, neighbours))
    over = [kind for kind, count in kinds.items() if count > rules.limits.get(kind, count)]
    if over:
        return Label(customers=_first(filter(is_customer, neighbours)), shared=f"too-many-{min(over)}")
    said = {other: Label(customers=(other,)) if is_customer(other) else node.said.get(other) for other in neighbours}
    heard = {other: label for other, label in said.items() if label is not None and not label.shared}
    claims = {other: label for other, label in heard.items() if label.customers and label.hops < rules.reach}
    if claims:
        hops = min(label.hops for label in claims.values())
        closest = {other: label for other, label in claims.items() if label.hops == hops}
        customers = _first(label.customers[0] for label in closest.values())
        if len(customers) > 1:
            return Label(hops + 1, customers, shared=SEVERAL)
        via = min(closest, key=order_of)
        return Label(hops + 1, customers, ((via, node.edges[via].ref), *closest[via].path))
    best, away = name, 0
    for label in heard.values():
        if label.name and label.away < FAR and (rules.order(label.name), label.away + 1) < (rules.order(best), away):
            best, away = label.name, label.away + 1
    return Label(name=best, away=away)


def _first(customers: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(customers))[:MAX_CUSTOMERS])
