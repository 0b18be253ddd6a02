"""What fails in a batch costs one record on a real broker too: at its end, at the broker, and half-way."""

import os

import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.engine import Outputs, Record, Rest
from streams.engine.errors import TaskLost
from streams.engine.kafka import FRAMING_BYTES
from streams.engine.limits import largest_record
from streams.engine.task import Task
from tests.support.engine import Count, Pipeline, Recorder, publish, read_all, until


class Picky(Count):
    """Raises at the end of a batch that holds ``poison``."""

    poisoned = False

    def handle(self, record: Record, out: Outputs) -> None:
        super().handle(record, out)
        self.poisoned = self.poisoned or record.value == b"poison"
        if (record.value or b"").startswith(b"wide"):
            self.counts["wide"] = self.counts.get("wide", 0) + 1
            out.send(self.output, b"wide", record.value)

    def finish(self, out: Outputs) -> Rest:
        if self.poisoned:
            raise ZeroDivisionError("the end of the batch")
        return Rest.NOTHING


LOAD = [(n % 2, b"k%d" % (n % 10), b"poison" if n in (7, 40, 41) else b"v") for n in range(60)]


async def letters(pipeline: Pipeline) -> list[bytes]:
    return sorted(record.value for record in await read_all(pipeline.bootstrap, pipeline.dead))


async def test_the_end_of_a_batch_that_raises_costs_the_record_that_made_it_raise(pipeline: Pipeline) -> None:
    await publish(pipeline.bootstrap, pipeline.input, LOAD)
    recorder = Recorder()
    async with pipeline.run(processor=Picky, observer=recorder):
        await until(lambda: pipeline.drained(len(LOAD)))
    assert sum((await pipeline.counts()).values()) == len(LOAD) - 3
    sent = [(r.key.decode(), int(r.value)) for r in await read_all(pipeline.bootstrap, pipeline.output)]
    assert sorted(sent) == sorted((k, n) for k, total in (await pipeline.counts()).items() for n in range(1, total + 1))
    assert [b"ZeroDivisionError" in letter for letter in await letters(pipeline)] == [True] * 3
    assert recorder.lost == []


async def test_a_task_that_is_lost_between_the_parts_of_a_batch_repeats_none_of_them(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, commits = Task.commit, 0

    async def failing(task: Task, *rest: object) -> float:
        nonlocal commits
        commits += 1
        if commits in (2, 5):  # before or after: the next owner cannot know
            if commits == 5:
                await commit(task, *rest)  # type: ignore[arg-type]
            raise TaskLost("half-way")
        return await commit(task, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Task, "commit", failing)
    await publish(pipeline.bootstrap, pipeline.input, LOAD)
    recorder = Recorder()
    async with pipeline.run(processor=Picky, observer=recorder):
        await until(lambda: pipeline.drained(len(LOAD)))
    sent = [(r.key.decode(), int(r.value)) for r in await read_all(pipeline.bootstrap, pipeline.output)]
    counts = await pipeline.counts()
    assert sorted(sent) == sorted((k, n) for k, total in counts.items() for n in range(1, total + 1))
    assert (sum(counts.values()), len(await letters(pipeline)), len(recorder.lost)) == (len(LOAD) - 3, 3, 2)


async def set_limit(bootstrap: str, topic: str, size: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(size)})])
    finally:
        await admin.close()

    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()

    async def is_set() -> bool:
        return await largest_record(consumer, [topic]) == size - FRAMING_BYTES

    try:
        await until(is_set)
    finally:
        await consumer.stop()


async def test_a_record_the_broker_finds_too_large_becomes_a_dead_letter(pipeline: Pipeline) -> None:
    """The topic takes less than is usual; while the worker runs it takes still less."""

    def noise(size: int) -> bytes:  # what does not compress
        return b"wide" + orjson.dumps(os.urandom(size).hex())

    await set_limit(pipeline.bootstrap, pipeline.output, 60_000)
    records = [(0, b"a", b"v"), (0, b"a", noise(40_000)), (0, b"a", noise(10_000)), (0, b"b", b"v")]
    await publish(pipeline.bootstrap, pipeline.input, records)
    recorder = Recorder()
    async with pipeline.run(processor=Picky, observer=recorder) as source:
        await until(lambda: pipeline.drained(4))
        assert source.topology.largest == 60_000 - FRAMING_BYTES
        assert await pipeline.counts() == {"a": 2, "b": 1, "wide": 1}
        assert recorder.lost == []
        await set_limit(pipeline.bootstrap, pipeline.output, 15_000)
        await publish(
            pipeline.bootstrap,
            pipeline.input,
            [(0, b"a", b"v"), (0, b"a", noise(10_000)), (0, b"c", b"v"), (1, b"d", b"v")],
        )
        await until(lambda: pipeline.drained(8))
        assert source.topology.largest == 15_000 - FRAMING_BYTES
    assert await pipeline.counts() == {"a": 3, "b": 1, "wide": 1, "c": 1, "d": 1}
    assert {partition for _, partition, _ in recorder.lost} == {0}
    assert len(recorder.lost) <= 2
    assert [b"OutputTooLarge" in letter for letter in await letters(pipeline)] == [True, True]
