"""Where the journey of each customer lies that was heard of last, so that it is found without reading the topic.

A customer costs about 200 bytes here. Of more than there is room for, those heard of longest ago go, and are looked for
in the topic.
"""

from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import orjson
from aiokafka import TopicPartition

from streams.base.records import LIVE
from streams.base.times import to_ms
from streams.desk.board import Held
from streams.desk.errors import NoJourney
from streams.desk.reading import JOURNEYS, is_of, journey
from streams.desk.tail import Tail, Topic
from streams.engine.connection import Connection
from streams.engine.fetching import adapt
from streams.kafka.connection import open_consumer

MOST_CUSTOMERS = 400_000
FETCH_MS = 5_000
_64 = (1 << 64) - 1


class _Head(msgspec.Struct):
    customer: str
    updated: str
    line: str = LIVE


class At(NamedTuple):
    """A record, and what of it decides which is the latest."""

    updated: int
    """ms."""
    partition: int
    offset: int
    name: int
    """Of the journey, as a number."""

    @property
    def packed(self) -> int:
        """In one number, which takes a quarter of the room."""
        return ((self.updated << 16 | self.partition) << 64 | self.offset) << 64 | self.name


def _at(packed: int) -> At:
    place = packed >> 128
    return At(place >> 16, place & 0xFFFF, packed >> 64 & _64, packed & _64)


_head = msgspec.json.Decoder(_Head).decode


class Journeys:
    """It is read by ``tail``."""

    def __init__(self, connection: Connection, prefix: str, most: int = MOST_CUSTOMERS) -> None:
        self._connection, self._prefix, self._most = connection, prefix, most
        self._known: dict[int, int] = {}
        """Line and customer, as a number → `At`, packed."""
        self._complete = True
        self.tail = Tail(connection, {prefix + JOURNEYS: Topic(self.take)})

    def __len__(self) -> int:
        return len(self._known)

    def take(self, record: Any) -> None:
        """Note where a record lies; one without a value: the journey is no more."""
        if record.key is None:
            return
        name = _number(record.key)
        if record.value is None:
            owner, line = _whose(record.key.decode(errors="replace"))
            known = self.at(line, owner)
            if known is not None and known.name == name:
                del self._known[_place(line, owner)]
            return
        try:
            head = _head(record.value)
            updated = to_ms(head.updated)
        except ValueError:
            return
        known, place = self.at(head.line, head.customer), _place(head.line, head.customer)
        if known is None or known.name == name or known.updated <= updated:
            self._known.pop(place, None)
            self._known[place] = At(updated, record.partition, record.offset, name).packed
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]
                self._complete = False

    def at(self, line: str, owner: str) -> At | None:
        """Where the latest of this customer lies."""
        found = self._known.get(_place(line, owner))
        return None if found is None else _at(found)

    async def find(self, alert: Held) -> dict[str, Any]:
        """As `streams.desk.reading.journey` has it. Raises the same."""
        owner = alert.subject.customer
        if owner is not None and alert.subject.journey_id is None and self.tail.caught_up.is_set():
            at = self.at(alert.line, owner)
            if at is None and self._complete:
                raise NoJourney(f"no journey of {owner} is known on the line {alert.line or 'live'}")
            found = None if at is None else await self._fetched(at, alert)
            if found is not None:
                return found
        return await journey(self._connection, self._prefix, alert)

    async def _fetched(self, at: At, alert: Held) -> dict[str, Any] | None:
        """The record there; None where it was replaced meanwhile."""
        tp = TopicPartition(self._prefix + JOURNEYS, at.partition)
        async with open_consumer(self._connection, isolation_level="read_committed") as consumer:
            adapt(consumer)
            consumer.assign([tp])
            consumer.seek(tp, at.offset)
            found = await consumer.getmany(tp, timeout_ms=FETCH_MS, max_records=1)
        for record in found.get(tp, ()):
            if record.offset == at.offset and getattr(record, "value", None):
                doc: dict[str, Any] = orjson.loads(record.value)
                return doc if is_of(doc, alert) else None
        return None


def _number(name: bytes) -> int:
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big")


def _place(line: str, owner: str) -> int:
    return _number(f"{line}/{owner}".encode())


def _whose(name: str) -> tuple[str, str]:
    """Owner and line in a journey's name: ``<owner>@<time>``, with ``~<line>`` in a replay."""
    owner, _, rest = name.rpartition("@")
    return owner, rest.partition("#")[0].partition("~")[2]
