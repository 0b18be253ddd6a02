"""`identify`: whose contact it is. Reads ``contact.normalised`` by contact id, writes ``contact.interactions`` by
owner.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from streams.agents.hop import BEHIND, WATERMARKS, Hop, Name, large_table
from streams.domain.alerts import owner_of
from streams.domain.identity import TOO_MANY_CHANGES, ContactOwner, assign, expired
from streams.domain.policy import TrackingRules
from streams.domain.records import AgentState, Command, Event, Normalised, Profile, output_key
from streams.domain.times import iso
from streams.engine import Outputs, Table, TaskInfo
from streams.ops.metrics import Metrics

MAX_QUEUES = 50
"""Queues that are told an agent's state, each in a record of its own that names it alone."""
encode = msgspec.json.Encoder().encode


def _with_due(row: bytes) -> bytes:
    """A row of version 1, due at once: it is looked at, and then says itself when."""
    state = orjson.loads(row)
    return orjson.dumps({**state, "due": {state.get("line", ""): 0}})


TABLES = (WATERMARKS, BEHIND, large_table("owners", ContactOwner, _with_due))


class Identify(Hop):
    """Table ``owners``: contact id (and line) → its owner, and its events so far while the owner may change."""

    before = "ingest"

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name, rules: TrackingRules, metrics: Metrics
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Normalised), name("contact.interactions"))
        self.timed = self.owners = tables["owners"]
        self.interactions, self.changes, self.measurements = (
            name("contact.interactions"),
            name("identity.changes"),
            name("contact.measurements"),
        )
        self.rules, self.metrics = rules, metrics

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
                self.metrics.limited("identify", "queues")
            for queue in value.queues[:MAX_QUEUES] or ("none",):
                told = replace(value, queues=(queue,)) if value.queues else value
                out.send(self.measurements, queue.encode(), encode(told))

    def _own(self, event: Event, out: Outputs) -> None:
        key = f"{event.contact}\x1f{event.line}" if event.line else event.contact
        known = self.owners.get(key)
        state, outputs = assign(known, event, self.size)
        if state is not known:
            self.owners[key] = self._scheduled(state)
            if state.truncated and not (known and known.truncated):
                self.metrics.limited("identify", "history")
        for output in outputs:
            if isinstance(output, dict):
                if output["rule"] == TOO_MANY_CHANGES:
                    self.metrics.limited("identify", "owner")
                change = orjson.dumps({**output, "at": iso(output["at"])})
                out.send(self.changes, output_key(output["line"], output["identifier"]), change)
            else:
                out.send(self.interactions, output.owner.encode(), encode(output))

    def _scheduled(self, state: ContactOwner) -> ContactOwner:
        limit = self.rules.lateness_ms if state.ended else self._timeout_ms(state)
        return replace(state, due={state.line: state.last + limit})

    def _timeout_ms(self, state: ContactOwner) -> int:
        """How long a contact that never ended may be silent, as `track` has it."""
        return self.rules.timeout_ms(state.history[0].channel) + self.rules.lateness_ms

    def fire(self, key: str, now: int, out: Outputs) -> None:
        state = self.owners[key]
        if expired(state, now, self.rules.lateness_ms, self._timeout_ms(state)):
            del self.owners[key]
        else:  # the rules have changed, or the row is of an older version
            self.owners[key] = self._scheduled(state)

    def drop(self, key: str, line: str) -> None:
        del self.owners[key]


def factory(
    name: Name, rules: TrackingRules, metrics: Metrics | None = None
) -> Callable[[TaskInfo, Mapping[str, Table[Any]]], Identify]:
    counted = metrics or Metrics()
    return lambda info, tables: Identify(info, tables, name, rules, counted)
