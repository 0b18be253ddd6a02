"""A small two-hop pipeline on the engine, run inside the test's event loop, and the means to look at what it wrote."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import faust
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.base.errors import BrokerError
from streams.engine import (
    Batch,
    BatchDone,
    Failure,
    Inlet,
    Observer,
    Options,
    Outputs,
    Processor,
    Record,
    Rest,
    Source,
    Table,
    TableSpec,
    TaskInfo,
    metadata,
)
from streams.engine.app import engine_app
from streams.engine.changelog import Progress, Restored, Rows, opened
from streams.engine.connection import Connection
from streams.engine.kafka import partition_counts
from streams.engine.rocks import RocksStores
from streams.engine.tables import Cache, Storage
from streams.kafka.reading import settled_ends
from tests.support.waiting import until

PARTITIONS = 2


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create_topics(bootstrap: str, topics: Mapping[str, int], compacted: Mapping[str, int] | None = None) -> None:
    async with admin(bootstrap) as client:
        await client.create_topics(
            [NewTopic(name, count, 1) for name, count in topics.items()]
            + [
                NewTopic(name, count, 1, topic_configs={"cleanup.policy": "compact"})
                for name, count in (compacted or {}).items()
            ]
        )

        async def are_there() -> bool:
            return {*topics, *(compacted or {})} <= set(await client.list_topics())

        await until(are_there)  # the broker answers before its metadata has them


async def keep(bootstrap: str, topic: str, **values: str) -> None:
    """Alter a topic's settings as a tool of somebody else does: what is not named goes back to the broker's default.
    Returns when it holds.
    """
    config = {name.replace("_", "."): value for name, value in values.items()}
    async with admin(bootstrap) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])

    async def holds() -> bool:
        return config.items() <= (await kept(bootstrap, topic, *config)).items()

    await until(holds)


async def kept(bootstrap: str, topic: str, *names: str) -> dict[str, str]:
    """Some of the settings of a topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        return (await metadata.settings(consumer, [topic], names))[topic]
    finally:
        await consumer.stop()


async def publish(bootstrap: str, topic: str, records: list[tuple[int, bytes, bytes | None]], ago: float = 0.0) -> None:
    """Records as (partition, key, value); appended ``ago`` seconds before now, as their times say."""
    at = int((time.time() - ago) * 1000)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
    await producer.start()
    try:
        await asyncio.gather(
            *[await producer.send(topic, key=k, value=v, partition=p, timestamp_ms=at) for p, k, v in records]
        )
    finally:
        await producer.stop()


async def read_all(bootstrap: str, topic: str, isolation: str = "read_committed") -> list[Any]:
    """Every record of a topic up to its end now, in partition order."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, auto_offset_reset="earliest", fetch_max_wait_ms=20
    )
    try:
        await consumer.start()
        tps = [TopicPartition(topic, p) for p in range((await partition_counts(consumer))[topic])]
        ends = await _ends(consumer, tps, isolation)
        consumer.assign(tps)
        out: list[Any] = []
        todo = {tp for tp in tps if ends[tp]}
        while todo:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                out += records
            todo = {tp for tp in todo if await consumer.position(tp) < ends[tp]}
        return sorted(out, key=lambda r: (r.partition, r.offset))
    finally:
        await consumer.stop()


async def _ends(consumer: AIOKafkaConsumer, tps: list[TopicPartition], isolation: str) -> dict[TopicPartition, int]:
    """What is committed included; behind a transaction that hangs nothing can be read."""
    if isolation == "read_committed":
        with suppress(BrokerError):
            return await settled_ends(consumer, tps, seconds=1)
    return dict(await consumer.end_offsets(tps))


class Count(Processor):
    """Counts records per key in a table, passes each on, refuses those whose value is ``bad``."""

    def __init__(self, info: TaskInfo, tables: Mapping[str, Table[Any]], output: str) -> None:
        self.info, self.counts, self.output = info, tables["counts"], output
        self.undone: list[int] = []
        self.ticks = 0

    def handle(self, record: Record, out: Outputs) -> None:
        key = (record.key or b"").decode()
        self.counts[key] = self.counts.get(key, 0) + 1
        out.send(self.output, record.key or b"", b"%d" % self.counts[key])
        if record.value == b"bad":
            raise ValueError("bad record")
        if record.value == b"huge":
            out.send(self.output, b"huge", b"x" * 2_000_000)

    def undo(self, record: Record) -> None:
        self.undone.append(record.offset)

    def finish(self, out: Outputs) -> Rest:
        self.ticks += 1
        return Rest.NOTHING


COUNTS: TableSpec[int] = TableSpec("counts", orjson.dumps, orjson.loads)


@dataclass
class Recorder(Observer):
    """Keeps what the engine reports."""

    lost: list[tuple[str, int, str]] = field(default_factory=list)
    restored: list[tuple[int, int, int]] = field(default_factory=list)
    ready: list[int] = field(default_factory=list)
    batches: list[tuple[int, int]] = field(default_factory=list)

    def task_lost(self, inlet: str, partition: int, error: BaseException) -> None:
        self.lost.append((inlet, partition, type(error).__name__))

    def restoring(self, inlet: str, partition: int, done: int, total: int) -> None:
        self.restored.append((partition, done, total))

    def task_ready(self, inlet: str, partition: int) -> None:
        self.ready.append(partition)

    def batch_committed(self, inlet: str, partition: int, done: BatchDone) -> None:
        self.batches.append((partition, done.records))


@dataclass
class Pipeline:
    """Names and topics of one test's pipeline; `run` starts a worker of it."""

    bootstrap: str
    prefix: str

    @property
    def app_id(self) -> str:
        return self.prefix + "app"

    @property
    def input(self) -> str:
        return self.prefix + "in"

    @property
    def output(self) -> str:
        return self.prefix + "out"

    @property
    def dead(self) -> str:
        return self.prefix + "dead"

    @property
    def changelog(self) -> str:
        return f"{self.app_id}-count-changelog"

    async def create(self) -> "Pipeline":
        await create_topics(
            self.bootstrap,
            {self.input: PARTITIONS, self.output: PARTITIONS, self.dead: 1},
            {self.changelog: PARTITIONS},
        )
        return self

    def inlet(self, processor: Callable[..., Any] = Count) -> Inlet:
        def dead_letter(failure: Failure, out: Outputs) -> None:
            out.send(self.dead, b"%d" % failure.record.offset, repr(failure.error).encode())

        return Inlet("count", (self.input,), lambda i, t: processor(i, t, self.output), dead_letter, (COUNTS,))

    @asynccontextmanager
    async def run(
        self,
        worker: str = "w1",
        processor: Callable[..., Any] = Count,
        observer: Observer | None = None,
        work: Callable[[Batch], Awaitable[None]] = Batch.process,
        **options: Any,
    ) -> AsyncIterator[Source]:
        """A worker inside this event loop; stopped gracefully at the end. ``work``: what its agent does with a batch."""
        app, source = engine_app(
            self.app_id,
            Connection(self.bootstrap),
            [self.inlet(processor)],
            Options(worker, **{"session_timeout_ms": 6000, **options}),
            observer=observer,
            outputs=[self.output, self.dead],
        )

        @app.agent(source.channel("count"), name=f"{self.app_id}.count", concurrency=2)
        async def count(batches: faust.StreamT) -> None:  # type: ignore[type-arg]
            async for batch in batches:
                await work(batch)

        try:
            await app.start()
            yield source
        finally:
            await app.stop()

    async def counts(self) -> dict[str, int]:
        """The table as the changelog tells it."""
        state: dict[str, int] = {}
        for record in await read_all(self.bootstrap, self.changelog):
            name, _, key = record.key.partition(b"\0")
            if name and record.value is None:
                state.pop(key.decode(), None)
            elif name:
                state[key.decode()] = orjson.loads(record.value)
        return state

    async def drained(self, total: int) -> bool:
        """Are all ``total`` input records accounted for in the committed position?"""
        position = {}
        for record in await read_all(self.bootstrap, self.changelog):
            if record.key == b"\0position":
                position[record.partition] = orjson.loads(record.value)["offsets"].get(self.input, 0)
        return sum(position.values()) >= total


LARGE = replace(COUNTS, resident=False)


@dataclass
class Kept(Pipeline):
    """The pipeline with another table, and on disk when ``folder`` is given."""

    folder: Path | None = None
    spec: TableSpec[Any] = LARGE

    def inlet(self, processor: Any = Count) -> Inlet:
        return replace(super().inlet(processor), tables=(self.spec,))

    def on_disk(self) -> Storage:
        assert self.folder is not None
        return Storage(RocksStores(self.folder, self.app_id, 8), Cache(rows=20))


def load(total: int, keys: int = 200) -> list[tuple[int, bytes, bytes | None]]:
    return [(i % keys % 2, b"k%d" % (i % keys), b"v") for i in range(total)]


async def exactly(pipeline: Pipeline, times: int, keys: int = 200) -> None:
    """Each key was counted 1, 2, … ``times``, without gap or repeat."""
    sent: dict[bytes, list[int]] = {}
    for record in await read_all(pipeline.bootstrap, pipeline.output):
        sent.setdefault(record.key, []).append(int(record.value))
    assert sent == {b"k%d" % n: list(range(1, times + 1)) for n in range(keys)}


async def some_rounds(pipeline: Kept, rounds: range, storage: Storage, recorder: Recorder) -> None:
    async with pipeline.run(f"w{rounds.start}", observer=recorder, storage=storage, max_records=50):
        for done in rounds:
            await publish(pipeline.bootstrap, pipeline.input, load(200))
            await until(lambda done=done: pipeline.drained(200 * (done + 1)))


async def restore(
    connection: Connection, partition: TopicPartition, rows: Rows, progress: Progress, since: int = 0
) -> Restored:
    """Read a changelog from an offset to its end."""
    async with opened(connection, partition) as log:
        return await log.read(rows, progress, since)
