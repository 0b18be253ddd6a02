"""`identify`: whose contact it is. Reads ``contact.normalised`` by contact; writes ``contact.interactions`` by owner,
and ``identity.changes``.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from streams.alerts.episodes import owner_of
from streams.base.records import SEP, AgentState, Command, Event, Normalised, Profile, contact_key, output_key
from streams.base.times import iso
from streams.contacts.rules import ContactRules
from streams.engine import Outputs, Record, Table, TaskInfo
from streams.identity.assignment import OTHER_SOURCE, TOO_LONG, TOO_MANY_CHANGES, IdentityChange, assign
from streams.identity.crowds import Crowds, share
from streams.identity.owners import ContactOwner, after, due_at, found_by
from streams.pipeline.notes import Notes
from streams.pipeline.stage import BEHIND, WATERMARKS, Name, Stage, large_table, struct_table

MAX_QUEUES = 50
"""Queues that are told an agent's state, each in a record of its own that names it alone."""
LIMITED = {TOO_MANY_CHANGES: "owner", OTHER_SOURCE: "source", TOO_LONG: "owner"}
"""Rule by which a change was refused → what the metric of limits calls it."""
encode = msgspec.json.Encoder().encode


def _with_due(row: bytes) -> bytes:
    """A row of version 1, due at once: it is looked at, and then says itself when."""
    state = orjson.loads(row)
    return orjson.dumps({**state, "due": {state.get("line", ""): 0}})


TABLES = (
    WATERMARKS,
    BEHIND,
    large_table("owners", ContactOwner, "contact", attrgetter("due"), _with_due, bytes),
    struct_table("crowds", int, "mark"),  # line, day, mark of an identifier → contacts, see `streams.identity.crowds`
)


class Identify(Stage):
    """Tables ``owners``: contact, "<channel>|<id>" (and line) → its owner, and its events so far while the owner may
    change; ``crowds``: how many contacts an identifier has.
    """

    before = "ingest"

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name, rules: ContactRules, notes: Notes
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Normalised), name("contact.interactions"))
        self.timed = self.owners = tables["owners"]
        self.crowds = Crowds(tables["crowds"], share(rules.per_identifier_and_day, info.peers))
        self.interactions, self.changes, self.measurements = (
            name("contact.interactions"),
            name("identity.changes"),
            name("contact.measurements"),
        )
        self.rules, self.notes = rules, notes

    def fold(self, value: Any, out: Outputs) -> None:
        kind = type(value)
        if kind is Event:
            self._own(value, out)
        elif kind is Profile:
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

    def _own(self, event: Event, out: Outputs) -> None:
        key = contact_key(event.channel, event.contact)
        key = f"{key}{SEP}{event.line}" if event.line else key
        known = self.owners.get(key)
        current, apart = (None, True) if known is None else found_by(known, event, self.rules)
        state, outputs = assign(current, event, self.size, lambda identifier: self._gather(identifier, event), apart)
        if state is not known:
            self.owners[key] = self._scheduled(key, state)
            if state.truncated and not (known and known.truncated):
                self.notes.limited("identify", "history")
        for output in outputs:
            if isinstance(output, dict):
                if (what := LIMITED.get(_counted(output))) is not None:
                    self.notes.limited("identify", what)
                since = output["since"]
                times = {"at": iso(output["at"]), "since": None if since is None else iso(since)}
                out.send(self.changes, output_key(output["line"], output["identifier"]), orjson.dumps(output | times))
            else:
                out.send(self.interactions, output.owner.encode(), encode(output))

    def _gather(self, identifier: str, event: Event) -> int:
        over = self.crowds.gather(identifier, event.line, event.time, self.watermarks.stream_time(event.line))
        if over > 0:
            self.notes.limited("identify", "identifier")
        return over

    def _scheduled(self, key: str, state: ContactOwner) -> ContactOwner:
        return replace(state, due={state.line: due_at(state, _channel(key), self.rules)})

    def fire(self, key: str, line: str, now: int, out: Outputs) -> None:
        state = after(self.owners[key], now, _channel(key), self.rules)
        if state is None:
            del self.owners[key]
        else:  # a stub; or the rules have changed, or the row is of an older version
            self.owners[key] = self._scheduled(key, state)

    def drop(self, key: str, line: str) -> None:
        del self.owners[key]

    def forget(self, line: str) -> None:
        self.crowds.forget(line)


def _counted(change: IdentityChange) -> str:
    """The rule, but for a second number of a person: that alone is no sign of a fault."""
    of_a_customer = change["identifier"].startswith("customer:")
    return "" if change["rule"] == OTHER_SOURCE and not of_a_customer else change["rule"]


def _channel(key: str) -> str:
    return key.partition("|")[0]
