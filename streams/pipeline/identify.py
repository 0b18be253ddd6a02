"""`identify`: whose contact it is. Reads ``contact.normalised`` by contact and ``identity.links`` by identifier (or
contact), which it writes itself; writes ``contact.interactions`` by owner, and ``identity.changes``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace as replace_spec
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from streams.base.claims import CONTACT, CUSTOMER
from streams.base.links import (
    GROUP,
    Again,
    Erasing,
    ForgetContact,
    Hurried,
    Label,
    Link,
    Read,
    Rests,
    Round,
    Told,
    Watched,
    row_key,
)
from streams.base.records import (
    AgentState,
    CustomerEvent,
    Erase,
    Event,
    Line,
    Profile,
    Ruled,
    contact_key,
)
from streams.engine import Outputs, Record, Table, TaskInfo
from streams.identity.assignment import (
    relabelled,
)
from streams.identity.crowds import Crowds, share
from streams.identity.ending import Ending
from streams.identity.erased import Marks
from streams.identity.evidence import known_of
from streams.identity.graph import Node
from streams.identity.groups import Group
from streams.identity.owners import ContactOwner, begins_anew, found_by
from streams.identity.profiled import Profiled
from streams.identity.waiting import Waiting
from streams.metrics.occupancy import Agent
from streams.pipeline.ends import Ends, line_of
from streams.pipeline.forgetting import Forgets, Hall
from streams.pipeline.nodes import Groups, Nodes
from streams.pipeline.notes import Notes
from streams.pipeline.owned import Owners, Topics, Trust
from streams.pipeline.shifts import Shifts
from streams.pipeline.stage import BEHIND, NO_DEADLINE, WATERMARKS, Name, Stage, large_table, struct_table
from streams.pipeline.waits import MAX_WAITING_BYTES, Waits

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
    large_table("profiles", Profiled, "", attrgetter("due")),
    large_table("groups", Group, "", attrgetter("due")),
    struct_table("waiting", Waiting, "contact"),
    struct_table("hurried", tuple[int, int], "contact"),
    struct_table("ending", Ending),
    replace_spec(struct_table("erased", int), resident=False),  # hash of a name → until when it is erased
    struct_table("worded", tuple[str, ...]),  # node → identifiers that keep a person's word on it
    large_table("agents", Agent, "", attrgetter("due")),
    struct_table("crowds", int, "mark"),  # line, day, mark of an identifier → contacts, see `streams.identity.crowds`
)


class Identify(Stage):
    """Tables ``owners``: contact, "<channel>|<id>" (and line) → its owner, and its events so far while the owner may
    change; ``crowds``: how many contacts an identifier has; ``nodes``: identifier → its links, and whom it stands for;
    ``profiles``: customer → identifiers by source; ``groups``: contacts that are over and came by the same identifiers;
    ``waiting``: contact → events that are not placed yet, because an identifier was asked and has not answered;
    ``hurried``: contact → since when its events come again, which waited too long;
    ``agents``: agent (and line) → the latest states;
    ``ending``: line of a replay → is it over between identifiers?
    """

    before = "ingest"

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name, rules: Trust, notes: Notes
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Read), name("contact.interactions"))
        self.waiting = tables["waiting"]
        self.timed = (tables["owners"], tables["nodes"], tables["profiles"], tables["groups"], tables["agents"])
        self.rules, self.trust = rules.contacts, rules.identity
        self.crowds = Crowds(tables["crowds"], share(self.rules.per_identifier_and_day, info.peers))
        self.measurements, self.links = name("contact.measurements"), name("identity.links")
        self.interactions, changes = name("contact.interactions"), name("identity.changes")
        self.notes = notes
        self.shifts = Shifts(tables["agents"], self.measurements, rules.contacts.lateness_ms, notes, rules.groups)
        self.waits = Waits(tables["waiting"], tables["hurried"], self.links)
        topics, hall = Topics(self.links, self.interactions, changes), (self.watermarks, notes)
        self.owned = Owners(tables["owners"], rules, self.crowds, self.waits, topics, hall)
        self.ends = Ends(info, tables["ending"], self.links)
        self.nodes = Nodes(tables, self.trust, notes, (self.links, changes))
        self.groups = Groups(tables["groups"], self.trust, notes, (self.links, self.interactions))
        self.marks = Marks(tables["erased"], rules.erasure_key)
        forgetting = Hall(self.nodes, self.ends, self.watermarks, notes, self._own)
        self.forgets = Forgets(tables, self.marks, self.trust, forgetting, (self.links, self.interactions))

    def fold(self, value: Any, out: Outputs) -> None:
        kind = type(value)
        if kind is Event:
            self._own(value, self.size, out)
        elif isinstance(value, Link):
            self._between(value, out)
        elif kind is Erase:
            self.forgets.erase(value, out)
        elif kind is Profile:
            value = self.forgets.profile(value, out)
            if value is None:
                return
            self.nodes.profile(value, out)
            known = value if value.identifiers is None else replace(value, identifiers=None)
            out.send(self.interactions, f"customer:{value.customer}".encode(), encode(known))
        elif kind is CustomerEvent and self.forgets.is_of_erased(value):
            self.notes.left_out("identify")
        elif kind is CustomerEvent:
            out.send(self.interactions, f"customer:{value.customer}".encode(), encode(value))
        elif kind is AgentState:
            self.shifts.came(value, self.watermarks.stream_time(value.line), out)

    def ruled(self, value: Ruled, out: Outputs) -> None:
        """One task tells all that are behind."""
        if self.info.partition == 0:
            out.broadcast(self.interactions, None, encode(value))

    def undo(self, record: Record) -> None:
        super().undo(record)
        self.crowds.undo()
        self.marks.undo()

    def _between(self, value: Link, out: Outputs) -> None:
        """What tasks of this agent tell each other."""
        if isinstance(value, Round):
            self.ends.heard(value)
            return
        self.ends.stirred(value)
        if isinstance(value, Told):
            if value.contact.startswith(GROUP):
                self.groups.told(value, out)
            else:
                self._told(value, out)
        elif isinstance(value, Rests):
            self.groups.rests(value, out)
        elif isinstance(value, Again):
            self._again(value, out)
        elif isinstance(value, Hurried):
            self.waits.came(value)
        elif isinstance(value, Erasing):
            self.forgets.told(value, out)
        elif not self.forgets.left_out(value, out):
            self.nodes.link(value, out)

    def _own(self, event: Event, size: int, out: Outputs, labels: Mapping[str, Label] = NO_LABELS) -> None:
        """Place an event, or let it wait until the identifiers that it names have said whom they stand for."""
        key = _key(event)
        known = self._not_erased(key, event, out)
        if known is None:
            return
        event, held = known, self.waiting.get(key)
        if held is None:
            asked = [each for each in self._questions(key, event) if each not in labels]
            if not asked or size > MAX_WAITING_BYTES:
                self.owned.place(key, event, size, labels, out)
                return
            held = Waiting(labels=dict(labels), asked_at=out.now)
        else:
            asked = [each for each in self._questions(key, event) if each not in held.labels and each not in held.asked]
        self._ask(key, asked, event.line, out)
        self.waiting[key] = held = held.with_event(event, size, asked)
        if sum(held.sizes) > MAX_WAITING_BYTES:
            self._hurry(key, out)

    def _not_erased(self, key: str, event: Event, out: Outputs) -> Event | None:
        """The event as far as it names nobody who was erased later; None = it is left out."""
        left, until = self.marks.left(event, contact_key(event.channel, event.contact))
        if left is None:
            self.notes.left_out("identify")
            self.forgets.contact(ForgetContact(key, "", until), out)
            customer = "" if event.customer is None else f"customer:{event.customer}"
            over = self.crowds.over
            named = tuple(p for p in event.identifiers if over(":".join(p), event.line, event.time) <= 0)
            self.forgets.learn(customer, event.line, named, until, out)
        return left

    def _questions(self, key: str, event: Event) -> list[str]:
        """Identifiers that must say whom they stand for before the event is placed."""
        if event.customer is not None:
            return []
        known = self.owned.of(key)
        state = None if known is None else found_by(known, event, self.rules)[0]
        if state is None:
            return list(known_of({}, event, (), self.trust.ranks))
        if state.claim.rank == CUSTOMER or (state.group and not begins_anew(state, event)):
            return []
        named = list(known_of({}, event, state.nobody, self.trust.ranks)) if event.identifiers else []
        if state.claim.rank != CONTACT and state.claim.identifier not in named:
            named.append(state.claim.identifier)
        return [each for each in named if each not in state.labels]

    def _told(self, told: Told, out: Outputs) -> None:
        """An identifier has said whom it stands for."""
        key = told.contact
        state, held = self.owned.of(key), self.waiting.get(key)
        wanted = False
        if state is not None and told.identifier in state.labels:
            wanted = True
            moved, outputs = relabelled(state, told.identifier, told.label, told.ref, self.trust)
            self.owned.keep(key, state, moved)
            self.owned.send(outputs, out)
        if held is not None and (told.identifier in held.asked or told.identifier in held.labels):
            wanted = True
            self.waiting[key] = held = held.with_label(told.identifier, told.label)
            if not held.asked:
                self._answered(key, out)
        if not wanted:
            self.owned.look_away(key, told.identifier, line_of(key), out)

    def close(self, lines: Mapping[str, Line], out: Outputs) -> None:
        """An answer that does not come is not waited for: who gives it may have failed. And replays end."""
        for key in self.waits.overdue(out.now):
            self._hurry(key, out)
        ended = [line for line, state in lines.items() if state.ended and line not in self.behind]
        ended = [line for line in ended if self._shifts_over(line, lines[line].watermark, out)]
        if ended:
            waited = self.waits.oldest()
            for line in ended:
                if line not in waited:
                    self.ends.step(line, out)

    def _shifts_over(self, line: str, now: int, out: Outputs) -> bool:
        """All that agents did on a line that has ended is told; if not, the rest follows in the next batch."""

        def end(table: Table[Any], due: Iterable[str], line: str) -> None:
            self.each(due, lambda key: self.shifts.ended(key, now, out), lambda key: [("agents", key)], certain=True)

        if self.ends.is_over(line) or self._look(self.tables["agents"], line, NO_DEADLINE + 1, end):
            return True
        self.behind[line] = True
        return False

    def _answered(self, key: str, out: Outputs) -> None:
        """What waited is placed, in the order of its arrival."""
        held = self.waiting.pop(key)
        for event, size in zip(held.events, held.sizes, strict=True):
            self._own(event, size, out, held.labels)
        self._let_go(key, held, out)

    def _hurry(self, key: str, out: Outputs) -> None:
        self.notes.limited("identify", "waiting")
        self.waits.hurry(key, out)

    def _again(self, told: Again, out: Outputs) -> None:
        """An event that waited too long is placed by what is known. Its identifiers are asked once more, since what
        they said meanwhile was for nobody: the contact moves when they answer.
        """
        key = _key(told.event)
        event = self._not_erased(key, told.event, out)
        if event is None:
            return
        labels = {each: Label(name=each) for each in self._questions(key, event)} | told.labels
        self.owned.place(key, event, self.size, labels, out)
        self._ask(key, [each for each in labels if each in self.owned.rows[key].labels], event.line, out)

    def _ask(self, key: str, identifiers: Iterable[str], line: str, out: Outputs) -> None:
        for identifier in identifiers:
            told = Watched(identifier, line, key)
            out.send(self.links, told.key, encode(told))

    def _let_go(self, key: str, held: Waiting, out: Outputs) -> None:
        """Of the identifiers that were asked, what is told of those that the contact need not know is not heard."""
        state, again = self.owned.rows.get(key), self.waiting.get(key)
        kept = {*(state.labels if state else ()), *(again.labels if again else ())}
        for identifier in sorted({*held.labels, *held.asked} - kept):
            self.owned.look_away(key, identifier, held.events[0].line, out)

    def fire(self, table: str, key: str, line: str, now: int, out: Outputs) -> None:
        if table == "nodes":
            self.nodes.fire(key, line, now, out)
        elif table == "owners":
            self.owned.fire(key, line, now, out)
        elif table == "agents":
            self.shifts.passed(key, now, out)

    def drop(self, table: str, key: str, line: str, out: Outputs) -> None:
        del self.tables[table][key]

    def reached(self, lines: dict[str, Line], now: int) -> dict[str, Line]:
        """A replay has not ended before it is over between identifiers; and what waits is still to come."""
        lines = {
            line: replace(reached, ended=False) if reached.ended and not self.ends.is_over(line) else reached
            for line, reached in lines.items()
        }
        found = self.waits.reached(lines, now)
        self.pausing = self.waits.pausing
        return found

    def forget(self, line: str) -> None:
        self.crowds.forget(line)
        self.ends.forget(line)
        self.waits.forget(line)


def _key(event: Event) -> str:
    return row_key(contact_key(event.channel, event.contact), event.line)
