"""How far a task is behind, while it is: records, and the age of the oldest of them."""

import asyncio
import time

import pytest
from aiokafka import TopicPartition

from streams.engine import Batch, Lag, Source
from streams.engine.connection import Connection
from tests.support.engine import Pipeline, publish, until

CLOSE = 0.5
"""Seconds that a measure of age may be off: the test and the broker are other processes on a busy machine."""
AGO = 30.0
"""How old the oldest record is, as it says."""
SILENCE = 2.0
"""Seconds without a record, for real: more than ``1 + CLOSE``."""


class Gate(asyncio.Event):
    """While it is shut, batches with records stay at work."""

    held = 0
    """How many do now."""

    async def work(self, batch: Batch) -> None:
        """What an agent does with a batch."""
        if batch.records:
            self.held += 1
            await self.wait()
            self.held -= 1
        await batch.process()


@pytest.fixture
def gate() -> Gate:
    """It is open."""
    gate = Gate()
    gate.set()
    return gate


async def lag_of(source: Source, pipeline: Pipeline) -> Lag:
    return (await source.lag())[TopicPartition(pipeline.input, 0)]


def records(count: int) -> list[tuple[int, bytes, bytes | None]]:
    return [(0, b"k", b"good")] * count


async def test_lag_is_right_while_a_batch_is_at_work(bootstrap: str, prefix: str, gate: Gate) -> None:
    pipeline = await Pipeline(bootstrap, prefix).create()
    async with pipeline.run(work=gate.work) as source:
        await until(lambda: len(source.tasks.ready) == 2)
        assert await lag_of(source, pipeline) == (0, 0.0)
        gate.clear()
        since = time.time() - AGO
        await publish(bootstrap, pipeline.input, records(10), AGO)
        await until(lambda: gate.held)
        await publish(bootstrap, pipeline.input, records(90))
        lag = await lag_of(source, pipeline)
        assert lag.records == 100, "those that came while the batch was at work count"
        assert lag.seconds == pytest.approx(time.time() - since, abs=CLOSE)
        gate.set()
        await until(lambda: pipeline.drained(100))
        await until(lambda: lag_of_is(source, pipeline, Lag(0, 0.0)))


async def lag_of_is(source: Source, pipeline: Pipeline, wanted: Lag) -> bool:
    return await lag_of(source, pipeline) == wanted


async def test_the_first_record_after_a_silence_is_not_as_old_as_the_silence(
    bootstrap: str, prefix: str, gate: Gate
) -> None:
    pipeline = await Pipeline(bootstrap, prefix).create()
    async with pipeline.run(work=gate.work) as source:
        await until(lambda: len(source.tasks.ready) == 2)
        await publish(bootstrap, pipeline.input, records(1))
        await until(lambda: pipeline.drained(1))
        await asyncio.sleep(SILENCE)
        oldest = 0.0
        sending = asyncio.ensure_future(publish(bootstrap, pipeline.input, records(1)))
        until_then = time.monotonic() + 1
        while time.monotonic() < until_then:
            oldest = max(oldest, (await lag_of(source, pipeline)).seconds)
        await sending
        assert oldest < 1 + CLOSE, "known to be read to the end at each tick, a second apart"


async def test_a_backlog_found_at_the_start_is_as_old_as_its_first_record(
    bootstrap: str, prefix: str, gate: Gate
) -> None:
    pipeline = await Pipeline(bootstrap, prefix).create()
    since = time.time() - AGO
    await publish(bootstrap, pipeline.input, records(50), AGO)
    gate.clear()
    async with pipeline.run(work=gate.work) as source:
        await until(lambda: gate.held)
        lag = await lag_of(source, pipeline)
        assert lag.records == 50
        assert lag.seconds == pytest.approx(time.time() - since, abs=CLOSE)
        gate.set()
        await until(lambda: lag_of_is(source, pipeline, Lag(0, 0.0)))


async def test_markers_of_transactions_are_nothing_unread(bootstrap: str, prefix: str) -> None:
    pipeline = await Pipeline(bootstrap, prefix).create()
    producer = Connection(bootstrap).transactional_producer(f"{prefix}publisher")
    await producer.start()
    try:
        async with pipeline.run() as source:
            await until(lambda: len(source.tasks.ready) == 2)
            async with producer.transaction():
                await producer.send_and_wait(pipeline.input, b"good", b"k", partition=0)
            await until(lambda: pipeline.drained(1))
            await until(lambda: lag_of_is(source, pipeline, Lag(0, 0.0)))
            assert source.tasks.owned["count", 0].position[pipeline.input] == 1, "the marker is behind it"
    finally:
        await producer.stop()
