"""What is told on ``identity.changes``: of contacts, of identifiers, of persons' words on them."""

from typing import NamedTuple, TypedDict

from streams.base.links import Label, Ref, Word
from streams.base.records import Event
from streams.identity.graph import MAX_LINKS, Changed, Node, Outcome, label_of, stands_for
from streams.identity.placing import Placed, reason_of
from streams.identity.rules import IdentityRules


class Evidence(TypedDict):
    """The event that decided."""

    event_id: str
    source: str


class Step(TypedDict):
    """A link on the way to a customer: to whom, and the event that shows it."""

    identifier: str
    event_id: str
    source: str


IdentityChange = TypedDict(
    "IdentityChange",
    {
        "contact_id": str,
        "channel": str,
        "identifier": str,
        "from": str,
        "to": str,
        "rule": str,
        "evidence": Evidence,
        "path": list[Step],
        "reason": str | None,
        "at": int,
        "since": int | None,
        "line": str,
    },
)
"""A contact changed its owner: ``identifier`` is "<kind>:<value>", ``rule`` "customer-id", "linked" (``path``: how),
"shared" (``reason``: why) or "strongest-identifier", ``at`` the evidence's time in ms; ``since``: the time from which
its events went with it, None = all of them. With any other rule the contact stays where it is: ``from`` and ``to`` are
its owner, ``identifier`` and ``evidence`` what was refused.

Without contact and channel (both ""): an identifier stands for somebody else ("nobody", when it is shared), by the same
rules; or a person's word on it was heard, rule "link" or "cut".
"""

LINK, CUT = "link", "cut"
"""A person's word."""


def of_contact(old: str, new: str, why: Placed, event: Event, proof: Ref, since: int | None = None) -> IdentityChange:
    """The contact of an event goes from one owner to another, or stays."""
    about = _About(event.contact, event.channel, why.identifier, event.line)
    return _told(about, (old, new), why, proof, since)


def of_node(name: str, line: str, changed: Changed) -> IdentityChange:
    """An identifier stands for somebody else."""
    label = changed.label
    rule = "shared" if label.shared else "linked" if label.customers or label.away else "strongest-identifier"
    why = Placed(changed.after, rule, name, label.path, reason_of(name, label))
    return _told(_About("", "", name, line), (changed.before, changed.after), why, changed.ref)


def of_word(told: Word, known: Node | None, outcome: Outcome, rules: IdentityRules) -> IdentityChange:
    """A person's word on an identifier was heard; the reason says also when nothing follows from it."""
    before, node = known or Node(), outcome.node or Node()
    edge = before.edges.get(told.other)
    said = f"{told.by}: {told.reason}" if told.by else told.reason or ""
    if outcome.limited:
        note = f"refused: it has {MAX_LINKS} links already"
    elif edge is not None and edge.word is not None and edge.word > (told.ref, told.on):
        note = "a later word on the two holds"
    elif edge is None or not edge.on:
        note = "" if told.on else "they were not linked, and will not be"
    else:
        note = "they were linked already" if told.on else ""
    owners = (_owner(told.node, before.label, before, rules), _owner(told.node, node.label, node, rules))
    why = Placed(owners[1], LINK if told.on else CUT, told.node, (), "; ".join(each for each in (said, note) if each))
    return _told(_About("", "", told.node, told.line), owners, why, told.ref)


class _About(NamedTuple):
    contact: str
    channel: str
    identifier: str
    line: str


def _owner(name: str, label: Label | None, node: Node, rules: IdentityRules) -> str:
    return stands_for(name, label or label_of(name, node, rules))


def _told(about: _About, owners: tuple[str, str], why: Placed, proof: Ref, since: int | None = None) -> IdentityChange:
    at, event_id, source = proof
    return {
        "contact_id": about.contact,
        "channel": about.channel,
        "identifier": about.identifier,
        "from": owners[0],
        "to": owners[1],
        "rule": why.rule,
        "evidence": {"event_id": event_id, "source": source},
        "path": [{"identifier": node, "event_id": id_, "source": by} for node, (_, id_, by) in why.path],
        "reason": why.reason,
        "at": at,
        "since": since,
        "line": about.line,
    }
