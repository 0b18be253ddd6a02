"""`identify`: whose contact it is. Reads ``contact.normalised`` by contact id, writes ``contact.interactions`` by
owner.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson

from streams.agents.hop import WATERMARKS, Hop, Name, struct_table
from streams.domain.alerts import owner_of
from streams.domain.identity import ContactOwner, assign, expired
from streams.domain.policy import TrackingRules
from streams.domain.records import AgentState, Command, Event, Line, Normalised, Profile
from streams.domain.times import iso
from streams.engine import Outputs, Table, TaskInfo

TABLES = (WATERMARKS, struct_table("owners", ContactOwner))
encode = msgspec.json.Encoder().encode

SWEEP_MS = 60_000
"""How often, in stream time, contacts that have ended are forgotten."""


class Identify(Hop):
    """Table ``owners``: contact id (and line) → its owner, and its events so far while the owner may change."""

    def __init__(self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name, rules: TrackingRules) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Normalised), name("contact.interactions"))
        self.owners = tables["owners"]
        self.interactions, self.changes, self.measurements = (
            name("contact.interactions"),
            name("identity.changes"),
            name("contact.measurements"),
        )
        self.rules = rules
        self.swept: dict[str, int] = {}

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
            for queue in value.queues or ("none",):
                out.send(self.measurements, queue.encode(), encode(value))

    def _own(self, event: Event, out: Outputs) -> None:
        key = f"{event.contact}\x1f{event.line}" if event.line else event.contact
        state, outputs = assign(self.owners.get(key), event)
        self.owners[key] = state
        for output in outputs:
            if isinstance(output, dict):
                out.send(self.changes, output["identifier"].encode(), orjson.dumps({**output, "at": iso(output["at"])}))
            else:
                out.send(self.interactions, output.owner.encode(), encode(output))

    def _timeout_ms(self, state: ContactOwner) -> int:
        """How long a contact that never ended may be silent, as `track` has it."""
        return self.rules.timeout_ms(state.history[0].channel) + self.rules.lateness_ms

    def pass_time(self, lines: Mapping[str, Line], out: Outputs) -> None:
        due = [line for line, state in lines.items() if state.watermark - self.swept.get(line, 0) >= SWEEP_MS]
        if not due:
            return
        for line in due:
            self.swept[line] = lines[line].watermark
        gone = [
            contact
            for contact, state in self.owners.items()
            if state.line in due
            and expired(state, lines[state.line].watermark, self.rules.lateness_ms, self._timeout_ms(state))
        ]
        for contact in gone:
            del self.owners[contact]


def factory(name: Name, rules: TrackingRules) -> Callable[[TaskInfo, Mapping[str, Table[Any]]], Identify]:
    return lambda info, tables: Identify(info, tables, name, rules)
