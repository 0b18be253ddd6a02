"""What the commands that look at one customer read, without a broker: rows of `identify`, and records of topics."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from streams.inspect import changelogs, customer, erasures, exporting, nodes
from streams.inspect.changelogs import Contents, spec_of
from streams.settings import Settings

WHEN = 1_772_445_600_000
"""When each record came, ms: 2026-03-02T10:00:00Z."""


@dataclass(frozen=True)
class Told:
    """A record of a topic."""

    topic: str
    key: bytes
    value: bytes | None
    timestamp: int


def key_of(number: int, doc: dict[str, Any]) -> bytes:
    """Of a record: its customer, journey and line, else its place."""
    return f"{doc.get('customer', number)}{doc.get('journey_id', '')}{doc['line']}".encode()


@dataclass
class Held:
    """``rows``: (table, key) → value of `identify`; ``records``: (topic, document) in their order."""

    rows: dict[tuple[str, str], Any] = field(default_factory=dict)
    records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def partitions(self, _: Settings) -> dict[str, int]:
        return {"identify": 1, "track": 1, "measure": 1}

    async def read(
        self, _: Settings, agent: str, partition: int, *, keep: Callable[[str, str], bool], **_more: Any
    ) -> Contents:
        found = Contents(agent, partition)
        for (table, key), value in self.rows.items():
            if agent == "identify" and keep(table, key):
                found.rows[table, key] = (0, spec_of(agent, table).dump(value))
        return found

    async def to_end(self, _: Any, topics: Iterable[str]) -> AsyncIterator[Told]:
        for number, (topic, doc) in enumerate(self.records):
            if topic in topics:
                yield Told(topic, key_of(number, doc), orjson.dumps(doc), WHEN)

    def instead(self, patch: pytest.MonkeyPatch) -> None:
        """Let the commands read this."""
        patch.setattr(nodes, "partitions", self.partitions)
        patch.setattr(nodes, "read", self.read)
        patch.setattr(changelogs, "partitions", self.partitions)
        patch.setattr(changelogs, "read", self.read)
        patch.setattr(customer, "read_to_end", self.to_end)
        patch.setattr(exporting, "read_to_end", self.to_end)
        patch.setattr(erasures, "read_to_end", self.to_end)
