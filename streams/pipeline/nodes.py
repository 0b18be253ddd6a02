"""What `identify` does with what is for an identifier, a customer, or contacts that are over: the rows ``nodes``,
``profiles`` and ``groups``.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from streams.base.links import GROUP, Forget, Rests, Told, ToNode, Watched, Word, Worded, row_key
from streams.base.records import SEP, Moved, Profile, output_key
from streams.base.times import iso
from streams.engine import Outputs, Table
from streams.identity import graph, groups, profiled, telling
from streams.identity.graph import Node, Outcome
from streams.identity.groups import Group
from streams.identity.profiled import Profiled
from streams.identity.rules import IdentityRules
from streams.identity.telling import IdentityChange
from streams.pipeline.notes import Notes
from streams.pipeline.stage import NO_DEADLINE

encode = msgspec.json.Encoder().encode


class Nodes:
    """Identifiers as nodes that tell each other what they are (`streams.identity.graph`)."""

    def __init__(
        self, tables: Mapping[str, Table[Any]], trust: IdentityRules, notes: Notes, topics: tuple[str, str]
    ) -> None:
        """``topics``: of links, and of what is told of them."""
        self.nodes, self.profiles = tables["nodes"], tables["profiles"]
        self.trust, self.notes = trust, notes
        self.links, self.changes = topics

    def link(self, told: ToNode, out: Outputs) -> None:
        """A record for an identifier."""
        key = row_key(told.node, told.line)
        known = self.nodes.get(key)
        outcome = graph.fold(known, told, self.trust)
        self.settle(key, outcome, out)
        if isinstance(told, Word):
            out.send(
                self.links,
                row_key(told.other, told.line).encode(),
                encode(Worded(told.other, told.line, told.node, told.ref[0])),
            )
            send_change(self.changes, telling.of_word(told, known, outcome, self.trust), out)
        elif outcome.changed is not None:
            send_change(self.changes, telling.of_node(told.node, told.line, outcome.changed), out)

    def fire(self, key: str, line: str, now: int, out: Outputs) -> None:
        """Stream time has passed the moment when a link runs out."""
        node: Node = self.nodes[key]
        name = key.partition(SEP)[0]
        outcome = graph.expire(node, name, line, now, self.trust)
        self.settle(key, outcome, out)
        if outcome.changed is not None:
            send_change(self.changes, telling.of_node(name, line, outcome.changed), out)

    def profile(self, profile: Profile, out: Outputs) -> None:
        """What a profile says of its customer's identifiers is evidence as what a contact says."""
        key = row_key(profile.customer, profile.line)
        known: Profiled = self.profiles.get(key) or Profiled()
        row, shown, limited = profiled.heard(known, profile, self.trust.ranks)
        if row is not known:
            self.profiles[key] = replace(row, due={profile.line: NO_DEADLINE}) if profile.line else row
        if limited:
            self.notes.limited("identify", limited)
        for told in shown:
            out.send(self.links, told.key, encode(told))

    def settle(self, key: str, outcome: Outcome, out: Outputs) -> None:
        """The node as it is now is kept, and what it has to tell is told."""
        known = self.nodes.get(key)
        if outcome.node is None:
            self.nodes.pop(key, None)
        elif outcome.node is not known:
            line, due = key.partition(SEP)[2], graph.due_at(outcome.node, self.trust)
            dues = {line: NO_DEADLINE if due is None else due} if line or due is not None else {}
            self.nodes[key] = outcome.node if outcome.node.due == dues else replace(outcome.node, due=dues)
        if outcome.limited:
            self.notes.limited("identify", outcome.limited)
        for each in outcome.out:
            out.send(self.links, _key(each), encode(each))


class Groups:
    """Contacts that are over and go together (`streams.identity.groups`): the rows ``groups``."""

    def __init__(self, rows: Table[Any], trust: IdentityRules, notes: Notes, topics: tuple[str, str]) -> None:
        """``topics``: of links, and of what owners are told."""
        self.rows, self.trust, self.notes = rows, trust, notes
        self.links, self.interactions = topics

    def rests(self, told: Rests, out: Outputs) -> None:
        """A contact of the group is over."""
        known: Group | None = self.rows.get(row_key(told.node, told.line))
        self._settle(told.node, told.line, known, groups.rests(known, told, self.trust), out)

    def told(self, told: Told, out: Outputs) -> None:
        """One of a group's identifiers has said whom it stands for."""
        name, _, line = told.contact.partition(SEP)
        known: Group | None = self.rows.get(told.contact)
        if known is not None:
            outcome = groups.heard(known, name, told.identifier, told.label, self.trust)
            self._settle(name, line, known, outcome, out)

    def _settle(self, name: str, line: str, known: Group | None, outcome: groups.Outcome, out: Outputs) -> None:
        key = row_key(name, line)
        if outcome.group is not known:
            self.rows[key] = replace(outcome.group, due={line: NO_DEADLINE}) if line else outcome.group
        for identifier in outcome.watch:
            watched = Watched(identifier, line, key)
            out.send(self.links, watched.key, encode(watched))
        for holder, to in outcome.moves:
            out.send(self.interactions, holder.encode(), encode(Moved(holder, name, to, line)))
        if outcome.limited:
            self.notes.limited("identify", "holders")


def send_change(topic: str, change: IdentityChange, out: Outputs) -> None:
    """Publish it, with its times as subscribers read them."""
    since = change["since"]
    times = {"at": iso(change["at"]), "since": None if since is None else iso(since)}
    out.send(topic, output_key(change["line"], change["identifier"]), orjson.dumps(change | times))


def _key(told: ToNode | Told | Forget) -> bytes:
    """Of the record: of an answer that of the contact's own events, or of the group's row."""
    if not isinstance(told, Told):
        return told.key
    return (told.contact if told.contact.startswith(GROUP) else told.contact.partition(SEP)[0]).encode()
