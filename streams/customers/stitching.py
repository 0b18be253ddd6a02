"""Which contacts of a customer are about one need: a function of the set of contacts, in whatever order they came.

Contacts are nodes, and a stitch joins two of them; a journey is a connected component. In the order in which they
began, a contact is joined

1. *case*: with the one before it that names the same case, however long ago;
2. *topic*: with the one heard of last before it that has the same topic, within the need of its channel; *intent*: so
   with the same intent, unless their topics differ;
3. *session*, *need*: with its neighbour in time, within the session or the need of its channel, unless the two say that
   they are about different things. A contact that names nothing is about what its neighbour is about.

The *neighbour in time* is the contact that began last before it, when that was still going on; else the one that was
heard of last. Sums of contacts that are no longer kept one by one are nodes, too.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from streams.customers.journey_rules import JourneyRules

CASE, TOPIC, INTENT, SESSION, NEED, FOLDED = "case", "topic", "intent", "session", "need", "folded"
"""Reasons of a stitch, the strongest first; folded: both were of one journey when they were summed up."""
_RANK = {FOLDED: 0, CASE: 1, TOPIC: 2, INTENT: 3, SESSION: 4, NEED: 5}


class Node(msgspec.Struct, frozen=True, gc=False):
    """A contact, or a sum of several; times in ms."""

    started: int
    """Of a sum: of its latest contact."""
    last: int
    channel: str
    name: str
    cases: tuple[str, ...]
    topic: str | None
    intent: str | None
    together: int | None = None
    """Of sums: those with the same one belong together."""


class Stitch(msgspec.Struct, frozen=True, gc=False):
    """Why a node is in its journey, and by which other one; both by their places."""

    reason: str
    to: int


class Journeying(msgspec.Struct, frozen=True, gc=False):
    """The nodes of one journey, in order, and why each is there; None = nothing joins it with another one."""

    members: tuple[int, ...]
    stitches: tuple[Stitch | None, ...]


_ALONE = (Journeying((0,), (None,)),)


def stitched(nodes: Sequence[Node], rules: JourneyRules) -> tuple[Journeying, ...]:
    """The journeys of nodes that are in the order in which they began; a journey is where its first node is."""
    if len(nodes) == 1:
        return _ALONE
    if not any(map(_says, nodes)):
        return _by_time(nodes, rules)
    edges = [*_named(nodes, rules), *_in_time(nodes, rules)]
    members: dict[int, list[int]] = {}
    for place, first in enumerate(_components(len(nodes), edges)):
        members.setdefault(first, []).append(place)
    best = _best(len(nodes), edges)
    return tuple([Journeying(tuple(some), (None, *[best[place] for place in some[1:]])) for some in members.values()])


def _by_time(nodes: Sequence[Node], rules: JourneyRules) -> tuple[Journeying, ...]:
    """The same where none of them says what it is about, which is quicker: time joins each with one before it."""
    firsts: list[int] = []
    members: dict[int, list[int]] = {}
    stitches: dict[int, list[Stitch | None]] = {}
    latest = 0
    for place, node in enumerate(nodes):
        first, stitch = place, None
        if place:
            neighbour = place - 1 if nodes[place - 1].last >= node.started else latest
            gap = node.started - nodes[neighbour].last
            if gap <= rules.need(node.channel):
                first = firsts[neighbour]
                stitch = Stitch(SESSION if gap <= rules.session(node.channel) else NEED, neighbour)
            if node.last >= nodes[latest].last:
                latest = place
        firsts.append(first)
        members.setdefault(first, []).append(place)
        stitches.setdefault(first, []).append(stitch)
    return tuple([Journeying(tuple(some), tuple(stitches[first])) for first, some in members.items()])


def _says(node: Node) -> bool:
    return bool(node.cases) or node.topic is not None or node.intent is not None or node.together is not None


Edge = tuple[int, int, str]


def _named(nodes: Sequence[Node], rules: JourneyRules) -> Iterable[Edge]:
    """By what contacts say that they are about, and by what was summed up together."""
    cases: dict[str, int] = {}
    words: dict[tuple[str, str], int] = {}
    sums: dict[int, int] = {}
    for place, node in enumerate(nodes):
        if node.together is not None:
            if node.together in sums:
                yield sums[node.together], place, FOLDED
            sums[node.together] = place
        for case in node.cases:
            if case in cases:
                yield cases[case], place, CASE
            cases[case] = place
        if node.topic is None and node.intent is None:
            continue
        for reason, word in ((TOPIC, node.topic), (INTENT, node.intent)):
            if word is None:
                continue
            known = words.get((reason, word))
            if known is None or nodes[known].last <= node.last:
                words[reason, word] = place
            if known is None or node.started - nodes[known].last > rules.need(node.channel):
                continue
            if reason == TOPIC or not _other_topic(node.topic, nodes[known].topic):
                yield known, place, reason


class _About(NamedTuple):
    topic: str | None
    intent: str | None
    cases: tuple[str, ...]


_NOTHING = _About(None, None, ())


def _in_time(nodes: Sequence[Node], rules: JourneyRules) -> Iterable[Edge]:
    """By time; only between neighbours that do not say that they are about different things."""
    about: list[_About] = []
    latest = 0
    for place, node in enumerate(nodes):
        names = node.topic is not None or node.intent is not None or node.cases
        own = _About(node.topic, node.intent, node.cases) if names else _NOTHING
        if place:
            neighbour = place - 1 if nodes[place - 1].last >= node.started else latest
            gap, theirs = node.started - nodes[neighbour].last, about[neighbour]
            if gap <= rules.need(node.channel) and not _differ(own, theirs):
                yield neighbour, place, SESSION if gap <= rules.session(node.channel) else NEED
                if own is _NOTHING:
                    own = theirs
                else:
                    own = _About(own.topic or theirs.topic, own.intent or theirs.intent, own.cases or theirs.cases)
            if node.last >= nodes[latest].last:
                latest = place
        about.append(own)


def _differ(one: _About, other: _About) -> bool:
    """Do they say that they are about different things? What both say decides: a case that they share, else their
    topics, else their intents, else their cases.
    """
    if one is _NOTHING or other is _NOTHING:
        return False
    cases = bool(one.cases and other.cases)
    if cases and not {*one.cases}.isdisjoint(other.cases):
        return False
    if one.topic is not None and other.topic is not None:
        return one.topic != other.topic
    if one.intent is not None and other.intent is not None:
        return one.intent != other.intent
    return cases


def _other_topic(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _components(count: int, edges: Sequence[Edge]) -> list[int]:
    """The first node of each one's journey."""
    parent = list(range(count))

    def first(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other, _ in edges:
        low, high = first(one), first(other)
        if low != high:
            parent[max(low, high)] = min(low, high)
    return [first(place) for place in range(count)]


def _best(count: int, edges: Iterable[Edge]) -> list[Stitch | None]:
    """Why each node is where it is. A stitch with what came before says more than one with what came later; then the
    stronger one; then the later.
    """
    order: list[tuple[bool, int, int] | None] = [None] * count
    best: list[Stitch | None] = [None] * count
    for one, other, reason in edges:  # one < other
        for place, to in ((other, one), (one, other)):
            known, new = order[place], (to > place, _RANK[reason], -to)
            if known is None or new < known:
                order[place], best[place] = new, Stitch(reason, to)
    return best
