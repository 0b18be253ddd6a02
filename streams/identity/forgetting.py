"""What a node makes of an erasure: the customer is gone, and with it whatever stood for that customer alone.

The customer's node tells all it is linked with. One that stands for that customer alone is erased as well, and tells
all *it* is linked with; any other only loses the link, and stands for whom the others make it. What was shown later
than the erasure is of somebody else and stays: its home tells the stronger end of it anew.
"""

from typing import NamedTuple

from msgspec.structs import replace

from streams.base.links import Forget, Joined, Said, Shown, Told, ToNode, is_customer
from streams.identity.graph import Changed, Edge, Node, label_of, linked
from streams.identity.rules import IdentityRules


class Forgotten(NamedTuple):
    """What is left of a node, and what to tell."""

    node: Node | None
    out: tuple[ToNode | Told | Forget, ...] = ()
    contacts: tuple[str, ...] = ()
    """Rows of contacts and groups that watched it: they were the customer's."""
    erased: bool = False
    """The node itself is; what names it is left out from now on."""
    changed: Changed | None = None


def forget(known: Node | None, told: Forget, rules: IdentityRules) -> Forgotten | None:
    """None: that changes nothing."""
    if _is_alone(known, told, rules):
        return _erased(known, told, rules)
    other = told.other or told.of
    edge = known.edges.get(other) if known is not None else None
    after = later(edge, told.time) if edge is not None else None
    if known is None or edge is None or after is None or after == edge:
        return None
    gone = Shown(told.node, told.line, other, edge.ref, on=False)
    node, out, changed, _ = linked(known, edge, after, gone, rules)
    # Who is gone need not be told that the link is.
    return Forgotten(node, tuple(e for e in out if not (isinstance(e, Joined) and not e.on)), changed=changed)


def _is_alone(known: Node | None, told: Forget, rules: IdentityRules) -> bool:
    """Does the node stand for the customer and nobody else? So does one without a customer that is linked closely."""
    if is_customer(told.node):
        return told.node == told.of and not told.other
    if known is None:
        return not told.other
    if told.other and told.other not in known.edges:
        return False
    label = known.label or label_of(told.node, known, rules)
    near = told.hops <= rules.reach
    return not label.shared and (label.customers == (told.of,) or (near and not label.customers))


def _erased(known: Node | None, told: Forget, rules: IdentityRules) -> Forgotten:
    if known is None:
        return Forgotten(None, erased=True)
    name, line = told.node, told.line
    out: list[ToNode | Told | Forget] = [
        Forget(other, line, told.of, told.time, name, told.hops + 1) for other in known.edges if other != told.other
    ]
    edges = {other: left for other, edge in known.edges.items() if not (left := later(edge, told.time)).empty}
    if not edges:
        return Forgotten(None, tuple(out), known.watchers, erased=True)
    node = Node(edges, due=known.due)
    label = label_of(name, node, rules)
    out += [
        Joined(other, line, name, edge.ref, True) for other, edge in edges.items() if edge.on and edge.joined is None
    ]
    if not is_customer(name):
        out += [Said(other, line, name, label, edges[other].ref) for other in node.neighbours if not is_customer(other)]
    return Forgotten(replace(node, label=label), tuple(out), known.watchers, erased=True)


def later(edge: Edge, time: int) -> Edge:
    """The link without what showed it until a time, ms. Of one that many show only the latest times are known."""
    fresh = tuple(each for each in edge.fresh if each > time)
    refs = tuple(ref for ref in edge.refs if ref[0] > time)
    if len(refs) < len(edge.refs) or edge.count <= 0:
        count = min(max(edge.count, 0), max(len(fresh), len(refs)))
    else:
        count = edge.count
    if count and not refs:
        refs = ((fresh[0], "", ""),)
    word = edge.word if edge.word is not None and edge.word[0][0] > time else None
    joined = edge.joined if edge.joined is not None and edge.joined[0] > time else None
    return Edge(count, refs if count else (), word, joined, fresh if count else ())
