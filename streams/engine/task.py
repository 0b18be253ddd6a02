"""A task: one partition of an inlet, with its transactional producer, its tables and the batch in flight."""

import asyncio
import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.engine import changelog
from streams.engine.broker_time import APPEND_TIME
from streams.engine.changelog import Restored
from streams.engine.clock import clock
from streams.engine.connection import Connection
from streams.engine.doubt import Doubt
from streams.engine.errors import Refused, TaskLost, UnreadableState
from streams.engine.inlet import Inlet, Processor, Record, Rest, TaskInfo
from streams.engine.kafka import FRAMING_BYTES, LARGEST_RECORD, asked
from streams.engine.lag import Backlog
from streams.engine.outputs import Items, Sends
from streams.engine.store import Due, Mark, MemoryStore, Rows, Store
from streams.engine.table import Table
from streams.engine.tables import Storage, open_tables, settle
from streams.engine.trial import KEY, Trial, Turns
from streams.engine.work import MAX_ASIDE

REFUSALS = (
    CorruptRecordException,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)
"""Errors of the broker that say something of the records and nothing of the broker."""

log = logging.getLogger(__name__)


class Task:
    """Everything held for one owned partition.

    ``position`` is where the tables stand, {topic: next offset}; ``changelog_end`` is where the changelog ended after
    our own last commit, so a later, larger end means that somebody else wrote.
    """

    def __init__(
        self,
        inlet: Inlet,
        info: TaskInfo,
        inputs: Iterable[TopicPartition],
        connection: Connection,
        app_id: str,
        storage: Storage,
    ) -> None:
        self.inlet, self.info = inlet, info
        self.inputs = tuple(inputs)
        self.changelog = TopicPartition(inlet.changelog(app_id), info.partition)
        self.producer = connection.transactional_producer(f"{app_id}-{info.name}")
        self.storage = storage
        self.store: Store = MemoryStore()
        self.tables: dict[str, Table[Any]] = {}
        self.processor: Processor | None = None
        self.position: dict[str, int] = {}
        self.topics: dict[str, str] = {}
        """Topic → first digits of its id, of the inputs and of the changelog, as the broker has them now."""
        self.known: dict[str, str] = {}
        """The same as the restored state was written by; a topic that was made anew since has another id."""
        self.changelog_end = -1
        self.state = ""
        """Names the state of this task; a changelog that was made anew has another."""
        self.announced: bytes | None = None
        """The last trial, while no position came after it."""
        self.trial = Trial()
        self.backlog = Backlog()
        self.doubt = Doubt()
        self.aside = 0
        self.largest = LARGEST_RECORD
        """Most bytes of the key and value of what it writes."""
        self.unfinished: Exception | None = None
        """Why time stands: the end of the last batch raised whatever the batch was (`work`)."""
        self.rest = Rest.NEXT_TICK
        """What was left to be done after the last commit; before the first one, what nobody knows."""
        self.restored = False
        self.lost = False
        self.turns = Turns()
        self.due = 0.0
        self.next_tick = 0.0
        self.idle = asyncio.Event()
        self.idle.set()
        self._connection = connection
        self.written: Sequence[TopicPartition] = ()
        """All partitions that it may write to, the changelog's aside."""

    async def restore(self, progress: changelog.Progress) -> Restored:
        """Bring the store to the changelog's end, make fresh tables over it and a fresh processor. Raises
        `ChangelogError` (`UnreadableState` for more than 1,000 rows that cannot be decoded), `StoreError`.
        """
        async with changelog.opened(self._connection, self.changelog) as opened:
            if opened.stable < opened.end:
                await self._end_what_hangs()
            found = await self._catch_up(opened, progress)
        self.tables = open_tables(self.inlet.tables, self.store, self.storage.cache)
        for table in self.tables.values():
            table.largest = self.largest
        for (name, key), why in found.unreadable.items():
            self.tables[name].spoil(key, why)
        spoilt = [(table.spec.name, why) for table in self.tables.values() for _, why in table.spoilt.values()]
        if len(spoilt) > MAX_ASIDE:
            name, why = spoilt[0]
            what = f"{len(spoilt)} rows cannot be decoded, of table {name!r}: {type(why).__name__}"
            raise UnreadableState(self.changelog.topic, self.changelog.partition, found.end, what)
        self.changelog_end, self.position = found.end, found.offsets or {}
        self.known = found.topics
        self.state = found.id or uuid.uuid4().hex
        self.announced = found.trial
        self.trial = Trial.after(found.trial, self.position)
        if found.offsets is not None:
            self.store.write({}, Due(), self._mark(found.position_at, found.id or ""))
        self.renew()
        self.restored = True
        return found

    async def _end_what_hangs(self) -> None:
        """Abort a transaction that the broker takes for ended and has not marked: killed at the wrong moment, it leaves
        one behind. The next commit of this producer would end it as committed, long after it was done once more.

        A transaction that is aborted in the same partitions ends it; the broker begins none before all that it knows of
        has its marks, so what is only on its way is not touched. Raises `TaskLost`.
        """
        log.warning("%s: a transaction of an owner before has no mark; aborting what may be left of it", self.info.name)
        try:
            await self.producer.begin_transaction()
            sent = []
            for tp in (self.changelog, *self.written):
                (batch,) = self._packed([(b"aborted", b"")])
                sent.append(await self.producer.send_batch(batch, tp.topic, partition=tp.partition))
            await asyncio.gather(*sent)
            await self.producer.abort_transaction()
        except KafkaError as error:
            raise TaskLost(f"{self.info.name}: {type(error).__name__} {error}") from error

    def renew(self) -> None:
        """A fresh processor over the tables as they are."""
        self.processor = self.inlet.processor(self.info, self.tables)

    def hurry(self) -> None:
        """A tick is to follow at once."""
        self.next_tick = 0.0

    async def _catch_up(self, log: changelog.Changelog, progress: changelog.Progress) -> Restored:
        """Read what the store does not have yet; all of the changelog, when the store is not of this changelog."""
        stores, name = self.storage.stores, self.info.name
        self.store = stores.open(name)
        mark = self.store.mark
        if mark is not None:
            why = changelog.outdated(mark, log, self._versions, int(time.time() * 1000))
            if why is None:
                found = await log.read(changelog.Rows(self.inlet.tables, self.store), progress, mark.check)
                if found.id == mark.id:
                    if found.trial is None and found.offsets == mark.offsets and mark.trial is not None:
                        found.trial = mark.trial.encode()
                    return found
                why = "it is of another changelog of the same name"
            self.store = stores.anew(name, self.store, why)
        return await log.read(changelog.Rows(self.inlet.tables, self.store), progress)

    @property
    def _versions(self) -> dict[str, int]:
        return {spec.name: spec.version for spec in self.inlet.tables}

    def _mark(self, check: int, state: str) -> Mark:
        announced = self.announced.decode() if self.announced else None
        now = int(time.time() * 1000)
        return Mark(self.changelog_end, check, self.position, state, now, self._versions, announced)

    async def announce(self, records: Sequence[Record]) -> None:
        """Say in the changelog what is about to be handled. Raises `TaskLost`."""
        announcement = self.trial.announcement(self.position, list(records))
        await self._transaction({}, [(KEY, announcement)])
        self.announced = announcement

    async def commit(self, sends: Sends, position: dict[str, int], rows: Rows, due: Due) -> float:
        """One transaction: outputs, changelog records of touched keys, position.

        Returns its seconds, with those of the store, which is written when Kafka has it. Raises `TaskLost` when Kafka
        refuses or fences it, `StoreError` when the disk fails: nothing is lost then, the changelog has the batch.
        """
        log: Items = [(changelog.POSITION, changelog.encode_position(position, self.state, self.topics))]
        for name, changes in rows.items():
            log += [(changelog.encode_key(name, key), value) for key, value in changes]
        moved = position != self.position
        before, started = self.changelog_end, time.perf_counter()
        await self._transaction(sends, log)
        if moved and not self.trial.until:
            self.announced = None
        self.position = dict(position)
        settle(self.tables, self.store, rows, due, self._mark(before, self.state))
        return time.perf_counter() - started

    def skip(self, due: Due) -> None:
        """A batch wrote and sent nothing: what it took for due is put back in order. Raises `StoreError`."""
        settle(self.tables, self.store, {}, due, None)

    async def _transaction(self, sends: Sends, log: Items) -> None:
        producer, futures = self.producer, list[asyncio.Future[Any]]()
        try:
            await producer.begin_transaction()
            for (topic, partition), items in sends.items():
                for batch in self._pack(items):
                    futures.append(await producer.send_batch(batch, topic, partition=partition))
            own, sent = list(self._pack(log)), clock.steady()
            for batch in own:
                futures.append(
                    await producer.send_batch(batch, self.changelog.topic, partition=self.changelog.partition)
                )
            # The client commits a transaction even when one of its batches was refused: ask each of them before.
            written = [await future for future in futures][-1]
            if written.timestamp_type == APPEND_TIME:
                clock.heard(sent, written.timestamp, clock.steady())
            await producer.commit_transaction()
            self.changelog_end = written.offset + own[-1].record_count() + 1  # and the commit marker behind it
        except BaseException as error:
            for future in futures:  # they failed for the same reason; nobody asks them any more
                future.add_done_callback(asked)
            if not isinstance(error, KafkaError):
                raise
            kind = Refused if isinstance(error, REFUSALS) else TaskLost
            raise kind(f"{self.info.name}: {type(error).__name__} {error}") from error

    def _pack(self, items: Items) -> Iterable[BatchBuilder]:
        """Record batches for one partition: about 1 µs a record, against 12 µs for one send each."""
        if self.largest < LARGEST_RECORD:
            for some in _small(items, self.largest):
                yield from self._packed(some)
        else:
            yield from self._packed(items)

    def _packed(self, items: Items) -> Iterable[BatchBuilder]:
        """Past the client's own `BatchBuilder.append`, which does the same at twice the cost."""
        at, headers = int(time.time() * 1000), list[Any]()
        builder, count = self.producer.create_batch(), 0
        append = builder._builder.append  # noqa: SLF001
        for key, value in items:
            if append(count, at, key, value, headers) is None:  # it is full
                yield _filled(builder, count)
                builder, count = self.producer.create_batch(), 0
                append = builder._builder.append  # noqa: SLF001
                append(count, at, key, value, headers)
            count += 1
        yield _filled(builder, count)

    async def close(self) -> None:
        """Let the store and the producer go; an open transaction is left to the next owner's fencing."""
        try:
            self.store.close()
        finally:
            try:
                await self.producer.stop()
            finally:
                await self.producer.client.close()  # a fenced producer's stop raises before it comes to this


def _filled(builder: BatchBuilder, count: int) -> BatchBuilder:
    builder._relative_offset = count  # noqa: SLF001
    builder.close()
    return builder


def _small(items: Items, largest: int) -> Iterable[Items]:
    """Items cut so that no batch of them is larger than the largest record may be."""
    some, size = Items(), 0
    for key, value in items:
        more = len(key or b"") + len(value or b"") + FRAMING_BYTES // 8
        if some and size + more > largest:
            yield some
            some, size = Items(), 0
        some.append((key, value))
        size += more
    yield some
