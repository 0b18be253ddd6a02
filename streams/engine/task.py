"""A task: one partition of an inlet, with its transactional producer, its tables and the batch in flight.

Its life is in `life`. Whoever moves it calls a method here (`restore`, `restored`, `begin`, `suspend`, `lose`, `close`;
`hand` and `done` for a batch); nobody sets what it holds.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.engine import changelog
from streams.engine.broker_time import APPEND_TIME
from streams.engine.changelog import Restored
from streams.engine.clock import clock
from streams.engine.connection import Connection
from streams.engine.doubt import Doubt
from streams.engine.errors import Refused, TaskLost, UnreadableState
from streams.engine.hanging import end_hanging, was_committed
from streams.engine.inlet import Inlet, Processor, Record, Rest, TaskInfo
from streams.engine.kafka import LARGEST_RECORD, REFUSALS, asked, start_client
from streams.engine.lag import Backlog
from streams.engine.life import Life, State
from streams.engine.outputs import Items, Sends
from streams.engine.packing import packed
from streams.engine.store import Due, Mark, MemoryStore, Rows, Store
from streams.engine.table import Table
from streams.engine.tables import Storage, open_tables, settle
from streams.engine.trial import Trial, Turns
from streams.engine.work import MAX_ASIDE

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Common:
    """What the tasks of a worker share; ``written``: all partitions that they may write to, changelogs aside."""

    connection: Connection
    app_id: str
    storage: Storage
    written: Sequence[TopicPartition] = ()
    turns: Turns = field(default_factory=Turns)


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
        topics: Mapping[str, str],
        common: Common,
    ) -> None:
        """``topics``: first digits of the ids of the inputs and of the changelog, as the broker has them now."""
        self.inlet, self.info = inlet, info
        self.inputs = tuple(inputs)
        self.changelog = TopicPartition(inlet.changelog(common.app_id), info.partition)
        self._transactional_id = f"{common.app_id}-{info.name}"
        self.producer = common.connection.transactional_producer(self._transactional_id)
        self.storage, self.turns = common.storage, common.turns
        self.store: Store = MemoryStore()
        self.tables: dict[str, Table[Any]] = {}
        self.processor: Processor | None = None
        self.position: dict[str, int] = {}
        self.topics = dict(topics)
        self.known: dict[str, str] = {}
        """Topic → the same as the restored state was written by; a topic that was made anew since has another id."""
        self.changelog_end = -1
        self.state_id = ""
        """Names what the changelog holds; one that was made anew has another."""
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
        self.due = 0.0
        """When its next batch may begin, monotonic; a fact beside the state."""
        self._life = Life(info.name)
        self._next_tick = 0.0
        self._common = common

    @property
    def state(self) -> State:
        return self._life.state

    @property
    def at_work(self) -> bool:
        """Is a batch in flight, or does somebody else hold it (`hold`)?"""
        return self._life.at_work

    @property
    def free(self) -> bool:
        """Is it ready, and no batch in flight?"""
        return self._life.free

    async def at_rest(self) -> None:
        """Wait until no batch is in flight."""
        await self._life.at_rest()

    async def restore(self, progress: changelog.Progress, largest: int) -> Restored:
        """Fence every owner before it, then bring the store to the changelog's end, make fresh tables over it and a
        fresh processor. It may begin when whoever looks at what was found calls `restored`.

        ``largest``: most bytes of the key and value of what it writes. Raises `ChangelogError` (`UnreadableState` for
        more than 1,000 rows that cannot be decoded), `StoreError`.
        """
        self._life.become(State.RESTORING)
        self.largest = largest
        async with changelog.opened(self._common.connection, self.changelog) as opened:
            committed = opened.stable < opened.end and await was_committed(
                self._common.connection, self._transactional_id, opened
            )
            await start_client(self.producer)
            await opened.look()
            if opened.stable < opened.end:
                await end_hanging(self.producer, (self.changelog, *self._common.written), committed, self.info.name)
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
        self.state_id = found.id or uuid.uuid4().hex
        self.announced = found.trial
        self.trial = Trial.after(found.trial, self.position)
        if found.offsets is not None:
            self.store.write({}, Due(), self._mark(found.position_at, found.id or ""))
        self.renew()
        return found

    def restored(self, doubt: Doubt | None = None) -> None:
        """What was read is the state; ``doubt``: what the broker refused of the task that was here before."""
        if doubt is not None:
            self.doubt = doubt
            if doubt.limit is not None:
                self.trial.limit = min(doubt.limit, self.trial.limit or doubt.limit)
        self._life.become(State.SUSPENDED)

    def stands_at(self, changelog_end: int) -> bool:
        """Are the tables those of the changelog, which ends here now? It is longer when somebody else wrote."""
        return changelog_end <= self.changelog_end

    def adopt(self, anew: Mapping[str, int]) -> None:
        """Its inputs are the topics of the broker; ``anew``: those that are others than before, read from here on."""
        if anew:
            self.position, self.trial = {**self.position, **anew}, Trial()
        # Those of inputs that are not there at the moment stay beside their positions: they may be made anew, too.
        self.topics = self.known = {**self.known, **self.topics}

    def begin(self, starts: Mapping[TopicPartition, int]) -> None:
        """Its inputs are sought there: batches may begin."""
        self._life.become(State.READY)
        for tp, offset in starts.items():
            self.position.setdefault(tp.topic, offset)

    def suspend(self) -> None:
        """No batch begins any more; one that is in flight commits."""
        self._life.become(State.SUSPENDED)

    def lose(self) -> None:
        """What it holds is given up; a batch in flight commits as a whole or leaves no trace."""
        self._life.become(State.LOST)

    def ticks(self, wall: float) -> bool:
        """Is a tick due? A clock that was set back must not silence them."""
        return not wall < self._next_tick <= wall + TICK_SECONDS

    def hand(self, records: Sequence[Record], wall: float, again: float) -> None:
        """A batch of these begins, of none a tick; ``again``: when the next one with records may, monotonic."""
        self._life.work()
        # Ticks fall on full seconds of the wall clock everywhere, so that what they send downstream arrives together.
        self._next_tick = wall // TICK_SECONDS * TICK_SECONDS + TICK_SECONDS
        if records:
            self.due = again
        self.backlog.handed(records)

    def done(self) -> None:
        """The batch in flight has ended, committed or not."""
        self.backlog.committed()
        self._life.rest()

    def hold(self) -> None:
        """No batch begins until `release`: the tables are looked at."""
        self._life.work()

    def release(self) -> None:
        """Batches begin again."""
        self._life.rest()

    def renew(self) -> None:
        """A fresh processor over the tables as they are."""
        self.processor = self.inlet.processor(self.info, self.tables)

    def hurry(self) -> None:
        """A tick is to follow at once."""
        self._next_tick = 0.0

    def put_aside(self, faults: int) -> None:
        """Rows were set aside for so many faults."""
        self.aside += faults

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
        await self._transaction({}, [(changelog.TRIAL, announcement)])
        self.announced = announcement

    async def commit(self, sends: Sends, position: dict[str, int], rows: Rows, due: Due) -> float:
        """One transaction: outputs, changelog records of touched keys, position.

        Returns its seconds, with those of the store, which is written when Kafka has it. Raises `TaskLost` when Kafka
        refuses or fences it, `StoreError` when the disk fails: nothing is lost then, the changelog has the batch.
        """
        log: Items = [(changelog.POSITION, changelog.encode_position(position, self.state_id, self.topics))]
        for name, changes in rows.items():
            log += [(changelog.encode_key(name, key), value) for key, value in changes]
        moved = position != self.position
        before, started = self.changelog_end, time.perf_counter()
        await self._transaction(sends, log)
        if moved and not self.trial.until:
            self.announced = None
        self.position = dict(position)
        settle(self.tables, self.store, rows, due, self._mark(before, self.state_id))
        return time.perf_counter() - started

    def passed(self, last: Record) -> None:
        """All of a batch is committed; ``last``: its last record."""
        self.trial.passed([last])

    def left(self, rest: Rest, unfinished: Exception | None) -> None:
        """What the last commit left to be done, and why time stands, if it does."""
        self.rest, self.unfinished = rest, unfinished

    def skip(self, due: Due) -> None:
        """A batch wrote and sent nothing: what it took for due is put back in order. Raises `StoreError`."""
        settle(self.tables, self.store, {}, due, None)

    async def _transaction(self, sends: Sends, log: Items) -> None:
        producer, futures = self.producer, list[asyncio.Future[Any]]()
        try:
            await producer.begin_transaction()
            for (topic, partition), items in sends.items():
                for batch in packed(producer, items, self.largest):
                    futures.append(await producer.send_batch(batch, topic, partition=partition))
            own, sent = list(packed(producer, log, self.largest)), clock.steady()
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

    async def close(self) -> None:
        """Let the store and the producer go; an open transaction is left to the next owner's fencing."""
        self._life.become(State.CLOSED)
        try:
            self.store.close()
        finally:
            try:
                await self.producer.stop()
            finally:
                await self.producer.client.close()  # a fenced producer's stop raises before it comes to this
