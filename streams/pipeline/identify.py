"""`identify`: whose contact it is. Reads ``contact.normalised`` by contact and ``identity.links`` by identifier (or
contact), which it writes itself; writes ``contact.interactions`` by owner, and ``identity.changes``.
"""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from streams.alerts.episodes import owner_of
from streams.base.claims import CONTACT, CUSTOMER
from streams.base.links import Again, Label, Link, Round, Told, ToNode, Watched, row_key
from streams.base.progress import Implausible, Origins
from streams.base.records import (
    SEP,
    AgentState,
    Command,
    CustomerEvent,
    Event,
    Line,
    Normalised,
    Profile,
    contact_key,
    output_key,
)
from streams.base.times import SECOND_MS, iso
from streams.contacts.rules import ContactRules
from streams.engine import Outputs, Record, Table, TaskInfo
from streams.identity import ending, graph
from streams.identity.assignment import (
    OTHER_SOURCE,
    TOO_LONG,
    TOO_MANY_CHANGES,
    IdentityChange,
    Output,
    assign,
    relabelled,
)
from streams.identity.crowds import Crowds, share
from streams.identity.ending import Ending
from streams.identity.evidence import known_of, links_of, shown
from streams.identity.graph import Node
from streams.identity.owners import ContactOwner, after, due_at, found_by
from streams.identity.waiting import Waiting
from streams.pipeline.notes import Notes
from streams.pipeline.stage import BEHIND, NO_DEADLINE, WATERMARKS, Name, Stage, large_table, struct_table

MAX_QUEUES = 50
"""Queues that are told an agent's state, each in a record of its own that names it alone."""
LIMITED = {TOO_MANY_CHANGES: "owner", OTHER_SOURCE: "source", TOO_LONG: "owner"}
"""Rule by which a change was refused → what the metric of limits calls it."""
MAX_WAITING_BYTES = 400_000
"""JSON bytes of a contact's events that wait; with more, they are placed by what is known."""
MAX_WAITING_MS = 5_000
"""How long an answer is waited for."""
HOLD_MS = 1000
"""So long stream time stands at most because something waits; then it goes as far as what waits lets it."""
NO_LABELS: Mapping[str, Label] = MappingProxyType({})
encode = msgspec.json.Encoder().encode


def _with_due(row: bytes) -> bytes:
    """A row of version 1, due at once: it is looked at, and then says itself when."""
    state = orjson.loads(row)
    return orjson.dumps({**state, "due": {state.get("line", ""): 0}})


TABLES = (
    WATERMARKS,
    BEHIND,
    large_table("owners", ContactOwner, "contact", attrgetter("due"), _with_due, bytes),
    large_table("nodes", Node, "", attrgetter("due")),
    struct_table("waiting", Waiting, "contact"),
    struct_table("ending", Ending),
    struct_table("crowds", int, "mark"),  # line, day, mark of an identifier → contacts, see `streams.identity.crowds`
)


class Identify(Stage):
    """Tables ``owners``: contact, "<channel>|<id>" (and line) → its owner, and its events so far while the owner may
    change; ``crowds``: how many contacts an identifier has; ``nodes``: identifier → its links, and whom it stands for;
    ``waiting``: contact → events that are not placed yet, because an identifier was asked and has not answered;
    ``ending``: line of a replay → is it over between identifiers?
    """

    before = "ingest"

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name, rules: ContactRules, notes: Notes
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Normalised | Link), name("contact.interactions"))
        self.owners, self.nodes, self.waiting = tables["owners"], tables["nodes"], tables["waiting"]
        self.ending = tables["ending"]
        self.timed = (self.owners, self.nodes)
        self.crowds = Crowds(tables["crowds"], share(rules.per_identifier_and_day, info.peers))
        self.interactions, self.changes, self.measurements, self.links = (
            name("contact.interactions"),
            name("identity.changes"),
            name("contact.measurements"),
            name("identity.links"),
        )
        self.rules, self.notes = rules, notes

    def fold(self, value: Any, out: Outputs) -> None:
        kind = type(value)
        if kind is Event:
            self._own(value, self.size, out)
        elif isinstance(value, Link):
            self._between(value, out)
        elif kind is Profile or kind is CustomerEvent:
            out.send(self.interactions, f"customer:{value.customer}".encode(), encode(value))
        elif kind is Command:
            owner = owner_of(value.alert)
            if owner is None:
                raise ValueError(
                    "the alert's id does not name its customer; take it from the alert as it was published"
                )
            out.send(self.interactions, owner.encode(), encode(value))
        elif kind is AgentState:
            if len(value.queues) > MAX_QUEUES:
                self.notes.limited("identify", "queues")
            for queue in value.queues[:MAX_QUEUES] or ("none",):
                told = replace(value, queues=(queue,)) if value.queues else value
                out.send(self.measurements, queue.encode(), encode(told))

    def undo(self, record: Record) -> None:
        super().undo(record)
        self.crowds.undo()

    def _between(self, value: Link, out: Outputs) -> None:
        """What tasks of this agent tell each other."""
        if isinstance(value, Round):
            self._heard(value)
            return
        if self.ending and (over := self.ending.get(line := _line_of(value))) is not None:
            self.ending[line] = ending.stirred(over)
        if isinstance(value, Told):
            self._told(value, out)
        elif isinstance(value, Again):
            unknown = {each: Label(name=each) for each in self._questions(_key(value.event), value.event)}
            self._place(_key(value.event), value.event, self.size, unknown | value.labels, out)
        else:
            self._link(value, out)

    def _heard(self, told: Round) -> None:
        if told.of != self.info.peers or told.origin not in Origins("identify", told.of).names or not told.line:
            raise Implausible(f"the end of a replay as told by {told.origin[:100]!r}, one of {told.of}")
        self.ending[told.line] = ending.heard(self.ending.get(told.line, Ending()), told)

    def _own(self, event: Event, size: int, out: Outputs, labels: Mapping[str, Label] = NO_LABELS) -> None:
        """Place an event, or let it wait until the identifiers that it names have said whom they stand for."""
        key = _key(event)
        held = self.waiting.get(key)
        if held is None:
            asked = [each for each in self._questions(key, event) if each not in labels]
            if not asked or size > MAX_WAITING_BYTES:
                self._place(key, event, size, labels, out)
                return
            held = Waiting(labels=dict(labels), asked_at=out.now)
        else:
            asked = [each for each in self._questions(key, event) if each not in held.labels and each not in held.asked]
        for identifier in asked:
            out.send(self.links, row_key(identifier, event.line).encode(), encode(Watched(identifier, event.line, key)))
        self.waiting[key] = held = held.with_event(event, size, asked)
        if sum(held.sizes) > MAX_WAITING_BYTES:
            self._hurry(key, out)

    def _questions(self, key: str, event: Event) -> list[str]:
        """Identifiers that must say whom they stand for before the event is placed."""
        if event.customer is not None:
            return []
        known = self.owners.get(key)
        state = None if known is None else found_by(known, event, self.rules)[0]
        if state is None:
            return list(known_of({}, event))
        if state.claim.rank == CUSTOMER:
            return []
        named = list(known_of({}, event, state.nobody)) if event.identifiers else []
        if state.claim.rank != CONTACT and state.claim.identifier not in named:
            named.append(state.claim.identifier)
        return [each for each in named if each not in state.labels]

    def _told(self, told: Told, out: Outputs) -> None:
        """An identifier has said whom it stands for."""
        key = told.contact
        state, held = self.owners.get(key), self.waiting.get(key)
        wanted = False
        if state is not None and told.identifier in state.labels:
            wanted = True
            moved, outputs = relabelled(state, told.identifier, told.label, told.ref)
            self._keep(key, state, moved)
            self._send(outputs, out)
        if held is not None and (told.identifier in held.asked or told.identifier in held.labels):
            wanted = True
            self.waiting[key] = held = held.with_label(told.identifier, told.label)
            if not held.asked:
                self._answered(key, out)
        if not wanted:
            self._look_away(key, told.identifier, _line(key), out)

    def close(self, lines: Mapping[str, Line], out: Outputs) -> None:
        """An answer that does not come is not waited for: who gives it may have failed. And replays end."""
        for key in [key for key, held in self.waiting.items() if out.now - held.asked_at >= MAX_WAITING_MS]:
            self._hurry(key, out)
        ended = [line for line, state in lines.items() if state.ended and line not in self.behind]
        if ended:
            waited = {_line(key) for key in self.waiting}
            for line in ended:
                if line not in waited:
                    self._end(line, out)

    def _end(self, line: str, out: Outputs) -> None:
        """All events of a replay are placed. It is over when no identifier has anything more to tell of it."""
        known = self.ending.get(line, Ending())
        left, told = ending.step(known, self.info.name, self.info.peers, line)
        if left is not known:
            self.ending[line] = left
        if told is not None:
            out.broadcast(self.links, None, encode(told))

    def _answered(self, key: str, out: Outputs) -> None:
        """What waited is placed, in the order of its arrival."""
        held = self.waiting.pop(key)
        for event, size in zip(held.events, held.sizes, strict=True):
            self._own(event, size, out, held.labels)
        self._let_go(key, held, out)

    def _hurry(self, key: str, out: Outputs) -> None:
        """What waits comes again, each event in a record of its own, so that one that cannot be placed is a dead letter
        and holds up nobody's time.
        """
        self.notes.limited("identify", "waiting")
        held = self.waiting.pop(key)
        for event in held.events:
            out.send(self.links, _contact(key), encode(Again(event, held.labels)))
        self._let_go(key, held, out)

    def _let_go(self, key: str, held: Waiting, out: Outputs) -> None:
        """Of the identifiers that were asked, what is told of those that the contact need not know is not heard."""
        state, again = self.owners.get(key), self.waiting.get(key)
        kept = {*(state.labels if state else ()), *(again.labels if again else ())}
        for identifier in sorted({*held.labels, *held.asked} - kept):
            self._look_away(key, identifier, held.events[0].line, out)

    def _look_away(self, key: str, identifier: str, line: str, out: Outputs) -> None:
        told = Watched(identifier, line, key, on=False)
        out.send(self.links, told.key, encode(told))

    def _place(self, key: str, event: Event, size: int, labels: Mapping[str, Label], out: Outputs) -> None:
        known = self.owners.get(key)
        current, apart = (None, True) if known is None else found_by(known, event, self.rules)
        state, outputs = assign(current, event, size, lambda each, more: self._gather(each, more, event), apart, labels)
        if state is not known:
            self._keep(key, known, state)
            if state.truncated and not (known and known.truncated):
                self.notes.limited("identify", "history")
            if current is None or state.known is not current.known or state.claim is not current.claim:
                self._show(current, state, event.line, out)
        if known is not None:
            for identifier in known.labels.keys() - state.labels.keys():
                self._look_away(key, identifier, event.line, out)
        self._send(outputs, out)

    def _show(self, before: ContactOwner | None, after: ContactOwner, line: str, out: Outputs) -> None:
        """What the contact shows of its identifiers, where that has changed. One that begins anew under its id takes
        nothing back.
        """
        goes_on = before is not None and before.part == after.part
        links = links_of(before.known, before.claim) if before is not None and goes_on else {}
        for told in shown(links, links_of(after.known, after.claim), line):
            out.send(self.links, told.key, encode(told))

    def _keep(self, key: str, known: ContactOwner | None, state: ContactOwner) -> None:
        if state is not known:
            self.owners[key] = self._scheduled(key, state)

    def _send(self, outputs: Iterable[Output], out: Outputs) -> None:
        for output in outputs:
            if isinstance(output, dict):
                if (what := LIMITED.get(_counted(output))) is not None:
                    self.notes.limited("identify", what)
                since = output["since"]
                times = {"at": iso(output["at"]), "since": None if since is None else iso(since)}
                out.send(self.changes, output_key(output["line"], output["identifier"]), orjson.dumps(output | times))
            else:
                out.send(self.interactions, output.owner.encode(), encode(output))

    def _link(self, told: ToNode, out: Outputs) -> None:
        """A record for an identifier, which is a node among others (`streams.identity.graph`)."""
        key = row_key(told.node, told.line)
        known = self.nodes.get(key)
        outcome = graph.fold(known, told)
        if outcome.node is None:
            self.nodes.pop(key, None)
        elif outcome.node is not known:
            due = {told.line: NO_DEADLINE} if told.line else {}
            self.nodes[key] = outcome.node if outcome.node.due == due else replace(outcome.node, due=due)
        if outcome.limited:
            self.notes.limited("identify", outcome.limited)
        for each in outcome.out:
            out.send(self.links, _contact(each.contact) if isinstance(each, Told) else each.key, encode(each))

    def _gather(self, identifier: str, more: bool, event: Event) -> int:
        if not more:
            return self.crowds.over(identifier, event.line, event.time)
        over = self.crowds.gather(identifier, event.line, event.time, self.watermarks.stream_time(event.line))
        if over > 0:
            self.notes.limited("identify", "identifier")
        return over

    def _scheduled(self, key: str, state: ContactOwner) -> ContactOwner:
        return replace(state, due={state.line: due_at(state, _channel(key), self.rules)})

    def fire(self, table: str, key: str, line: str, now: int, out: Outputs) -> None:
        if table != "owners":
            return
        known = self.owners[key]
        if key in self.waiting:  # it is to find the contact as it was
            self.owners[key] = replace(known, due={line: now + SECOND_MS})
            return
        state = after(known, now, _channel(key), self.rules)
        if known.labels and (state is None or not state.history):
            for identifier in known.labels:
                self._look_away(key, identifier, line, out)
            state = state and replace(state, labels={})
        if state is None:
            del self.owners[key]
        else:  # a stub; or the rules have changed, or the row is of an older version
            self.owners[key] = self._scheduled(key, state)

    def drop(self, table: str, key: str, line: str) -> None:
        del self.tables[table][key]

    def reached(self, lines: dict[str, Line], now: int) -> dict[str, Line]:
        """A replay has not ended before it is over between identifiers.

        What waits is still to come. A line on which something waits is told again when nothing does, as a rule in a
        moment; or, where there always is something, how far that lets it come.
        """
        lines = {
            line: replace(reached, ended=False) if reached.ended and not self._is_over(line) else reached
            for line, reached in lines.items()
        }
        oldest: dict[str, int] = {}
        for key, held in self.waiting.items():
            line = _line(key)
            oldest[line] = min(oldest.get(line, held.since), held.since)
        self.pausing = {line: min(self.pausing.get(line, now), now) for line in oldest}
        found = {line: reached for line, reached in lines.items() if line not in oldest}
        for line, since in oldest.items():
            if line in lines and now - self.pausing[line] >= HOLD_MS:
                found[line] = Line(min(lines[line].watermark, since - 1))
        return found

    def forget(self, line: str) -> None:
        self.crowds.forget(line)
        self.ending.pop(line, None)
        for key in [key for key in self.waiting if _line(key) == line]:
            del self.waiting[key]

    def _is_over(self, line: str) -> bool:
        known = self.ending.get(line)
        return known is not None and known.over


def _key(event: Event) -> str:
    return row_key(contact_key(event.channel, event.contact), event.line)


def _line(key: str) -> str:
    """Of the key of a contact's row."""
    return key.partition(SEP)[2]


def _line_of(value: ToNode | Told | Again) -> str:
    if isinstance(value, Told):
        return _line(value.contact)
    return value.event.line if isinstance(value, Again) else value.line


def _contact(key: str) -> bytes:
    """The key of a record for the contact of a row, as its events have it."""
    return key.partition(SEP)[0].encode()


def _counted(change: IdentityChange) -> str:
    """The rule, but for a second number of a person: that alone is no sign of a fault."""
    of_a_customer = change["identifier"].startswith("customer:")
    return "" if change["rule"] == OTHER_SOURCE and not of_a_customer else change["rule"]


def _channel(key: str) -> str:
    return key.partition("|")[0]
