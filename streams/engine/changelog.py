"""The changelog: one compacted topic per inlet that holds all tables of a task and its input position.

Keys are ``<table>\\0<key>``; the position record's key is ``\\0position`` and its value a JSON object: ``offsets``
{topic: next offset}; ``id``, which names the state; ``topics`` {topic: first digits of its id}, of the inputs and of
the changelog itself, so that one made anew under the same name is known. Tables and position are written in the
transaction of the batch, so together they are always the state at exactly that input.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine import metadata
from streams.engine.connection import Connection
from streams.engine.errors import ChangelogError, NewerState
from streams.engine.fetching import adapt
from streams.engine.inlet import Unfetchable
from streams.engine.kafka import patient, start_client, written_ends
from streams.engine.spec import TableSpec, version_of
from streams.engine.store import Due, Entry, Mark, Store

POSITION = b"\0position"
TRIAL = b"\0trial"
"""Of what is about to be handled (`trial`)."""
VERSION = 1
"""Version of the changelog's own format, kept in the position record."""
TOMBSTONES_MS = 24 * 3_600_000
"""How long a changelog keeps the record of a removal, as it is created (``delete.retention.ms``): an older store would
miss removals."""
LAG_MS = 24 * 3_600_000
"""How long a changelog keeps what was replaced or removed, as it is created (``max.compaction.lag.ms``)."""
CHUNK = 10_000
"""Records read at a time: live partitions go on in between."""

STAMPED = "message.timestamp.type"
LATE_OFFSETS = 1000
"""How far back is looked for the last record that has its mark."""
FEW = 10_000
"""Offsets of a changelog that may all be marks of transactions: each time a worker begins leaves one a partition."""

Progress = Callable[[int, int], None]
"""Is told offsets read and offsets in all."""


def encode_key(table: str, key: str) -> bytes:
    return f"{table}\0{key}".encode()


def split_key(raw: bytes) -> tuple[str, str]:
    """Table and key of a changelog record that is a row."""
    table, _, key = raw.partition(b"\0")
    return table.decode(), key.decode()


def encode_position(offsets: Mapping[str, int], state: str = "", topics: Mapping[str, str] | None = None) -> bytes:
    return orjson.dumps({"version": VERSION, "id": state, "offsets": offsets, "topics": topics or {}})


@dataclass
class Restored:
    """What a changelog told beside the tables: input offsets (``None``: nothing was ever written, or it is gone), the
    last trial, the state's id, the ids of the topics it is about, where the last position record lies, where it begins
    (compaction leaves that at 0) and ends, how many records were read, and the rows (table, key) that do not tell their
    deadlines.
    """

    offsets: dict[str, int] | None = None
    trial: bytes | None = None
    id: str | None = None
    topics: dict[str, str] = field(default_factory=dict)
    position_at: int = 0
    begin: int = 0
    end: int = 0
    records: int = 0
    unreadable: dict[tuple[str, str], Exception] = field(default_factory=dict)


class Rows:
    """Takes changelog records as they are and brings them into a store, undecoded but for their deadlines."""

    def __init__(self, specs: Iterable[TableSpec[Any]], store: Store) -> None:
        self.store = store
        self.restored = Restored()
        self._tables = {spec.name.encode(): (spec, list[tuple[str, bytes | None]]()) for spec in specs}
        self._due = Due()

    def apply(self, record: Any) -> None:
        """Take one record. Raises `NewerState` for what a newer program wrote, `ChangelogError` for what the client
        cannot take apart.
        """
        if type(record) is Unfetchable:
            raise ChangelogError(*_place(record), str(record.error)) from record.error
        key, value = record.key, record.value
        self.restored.records += 1
        name, _, row = key.partition(b"\0")
        if not name:
            self._beside(record)
            return
        found = self._tables.get(name)
        if found is None:
            raise NewerState(*_place(record), f"holds a table {name.decode()!r} that this program does not know")
        spec, changes = found
        text = row.decode()
        changes.append((text, value))
        if self.restored.unreadable:
            self.restored.unreadable.pop((spec.name, text), None)
        if value is None:
            return
        if (version := version_of(value)) > spec.version:
            raise NewerState(
                *_place(record),
                f"a row of table {spec.name!r} has version {version}, this program reads up to {spec.version}; "
                "run the version that wrote it, or a newer one",
            )
        if spec.due is not None:
            try:
                for line, at in spec.due_in(value).items():
                    self._due.add.append(Entry(spec.name, line, at, text))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the other rows are needed
                self.restored.unreadable[spec.name, text] = error

    def _beside(self, record: Any) -> None:
        found = self.restored
        if record.key == TRIAL:
            found.trial = record.value
        elif record.key == POSITION:
            position = position_of(record)
            found.offsets, found.id = dict(position["offsets"]), position.get("id", "")
            found.topics = dict(position.get("topics", {}))  # the version before wrote none
            found.position_at = record.offset
        else:
            raise NewerState(*_place(record), f"holds a record {record.key!r} that this program does not know")

    def flush(self) -> None:
        """Hand what was taken to the store. Raises `StoreError`."""
        self.store.write({spec.name: changes for spec, changes in self._tables.values() if changes}, self._due, None)
        for _, changes in self._tables.values():
            changes.clear()
        self._due = Due()


def position_of(record: Any) -> dict[str, Any]:
    """What a position record says. Raises `NewerState` for one of a later format."""
    position: dict[str, Any] = orjson.loads(record.value)
    if position["version"] > VERSION:
        why = f"written in format {position['version']}, this program reads up to {VERSION}"
        raise NewerState(*_place(record), why)
    return position


def _place(record: Any) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


@dataclass
class Changelog:
    """A changelog partition that is being read, between ``begin`` and ``end``."""

    consumer: AIOKafkaConsumer
    partition: TopicPartition
    begin: int
    end: int
    stable: int
    """The last stable offset: behind it lies a transaction that has no mark here."""

    async def look(self) -> None:
        """Where it ends now."""
        self.end = (await written_ends(self.consumer, [self.partition]))[self.partition]
        self.stable = int((await self.consumer.end_offsets([self.partition]))[self.partition])

    async def last_marked(self) -> int | None:
        """When the last record before ``stable`` was appended, ms; −1: there is none of late. ``None``: the broker does
        not stamp them (or does not say), and a client's time says nothing of when.
        """
        topic = self.partition.topic
        said = await metadata.settings(self.consumer, [topic], [STAMPED])
        if said.get(topic, {}).get(STAMPED) != "LogAppendTime":
            return None
        at, time = max(self.begin, self.stable - LATE_OFFSETS), -1
        self.consumer.seek(self.partition, at)
        while at < self.stable:
            found = await self.consumer.getmany(self.partition, timeout_ms=200)
            time = max([time, *(record.timestamp for record in found.get(self.partition, ()))])
            at = await self.consumer.position(self.partition)
        return time

    async def read(self, rows: Rows, progress: Progress, since: int = 0) -> Restored:
        """Everything from an offset to the end, into the store of ``rows``."""
        partition, start = self.partition, max(since, self.begin)
        self.consumer.seek(partition, start)
        at = start
        while at < self.end:
            found = await self.consumer.getmany(partition, timeout_ms=200, max_records=CHUNK)
            for record in found.get(partition, ()):
                rows.apply(record)
            rows.flush()
            at = await self.consumer.position(partition)
            progress(at - start, self.end - start)
            await asyncio.sleep(0)  # live partitions go on while this one is read
        rows.restored.begin, rows.restored.end = self.begin, self.end
        return rows.restored


@asynccontextmanager
async def opened(connection: Connection, partition: TopicPartition) -> AsyncIterator[Changelog]:
    """A changelog to read, up to where it ends now. The end is that of all that was written: a transaction may be
    committed, and its owner fenced, before the broker has marked it here, and the last stable offset hides it until
    then. So whoever reads to this end waits for the marks; nobody but its owner, who is fenced, writes to it.
    """
    async with _reader(connection) as consumer:
        begin = int((await consumer.beginning_offsets([partition]))[partition])
        log = Changelog(consumer, partition, begin, begin, begin)
        await log.look()
        consumer.assign([partition])
        yield log


@asynccontextmanager
async def _reader(connection: Connection) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = connection.consumer(
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=25,
    )
    patient(consumer._client)  # noqa: SLF001 - a consumer has no public way to its client
    try:
        await start_client(consumer)
        adapt(consumer)
        yield consumer
    finally:
        await consumer.stop()


async def hollow(connection: Connection, spans: Mapping[TopicPartition, int]) -> set[str]:
    """Changelogs that hold no record, in none of their partitions. ``spans``: how many offsets each partition holds.

    Marks of transactions take offsets, too: one that was open while its changelog was deleted is marked in the new one.
    """
    offsets: Counter[str] = Counter()
    for tp, span in spans.items():
        offsets[tp.topic] += span
    doubtful = {topic for topic, span in offsets.items() if 0 < span <= FEW}
    found = {topic for topic, span in offsets.items() if not span} | doubtful
    if not doubtful:
        return found
    async with _reader(connection) as consumer:
        partitions = [tp for tp in spans if tp.topic in doubtful]
        stable = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        while partitions:
            for tp in await consumer.getmany(*partitions, timeout_ms=200, max_records=CHUNK):
                found.discard(tp.topic)
            partitions = [tp for tp in partitions if tp.topic in found and await consumer.position(tp) < stable[tp]]
    return found


def outdated(mark: Mark, log: Changelog, versions: Mapping[str, int], now: int) -> str | None:
    """Why a store with this mark cannot be caught up from the changelog; ``None`` = it can. ``now``: wall clock, ms."""
    age = now - mark.written
    if dict(mark.versions) != dict(versions):
        return "it was written by another version of the program"
    if mark.offset > log.end:
        return f"it stands at offset {mark.offset} and the changelog ends at {log.end}: that was made anew"
    if mark.check < log.begin:
        return f"it stands at offset {mark.offset} and the changelog begins at {log.begin}"
    if not -3_600_000 < age < TOMBSTONES_MS:
        return f"it was written {age / 3_600_000:.1f} h ago, and removals are kept for {TOMBSTONES_MS // 3_600_000} h"
    return None
