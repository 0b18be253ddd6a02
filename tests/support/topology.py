"""What the tests of topics do to them under a worker, and what it made of that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from streams.engine import Source
from tests.support.engine import PARTITIONS, Pipeline, publish, read_all, until


@asynccontextmanager
async def admin(pipeline: Pipeline) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=pipeline.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def delete(pipeline: Pipeline, topic: str) -> None:
    async with admin(pipeline) as client:
        await client.delete_topics([topic])
        while topic in await client.list_topics():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


async def extend(pipeline: Pipeline, topic: str, count: int) -> None:
    async with admin(pipeline) as client:
        await client.create_partitions({topic: NewPartitions(count)})
        while len((await client.describe_topics([topic]))[0]["partitions"]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def outputs(pipeline: Pipeline) -> int:
    return len(await read_all(pipeline.bootstrap, pipeline.output))


async def ended(source: Source) -> BaseException | None:
    await until(lambda: source.crash_reason)
    return source.crash_reason


async def handle(pipeline: Pipeline, key: bytes, total: int) -> None:
    """One more record in each partition, until all ``total`` are counted in the position."""
    await publish(pipeline.bootstrap, pipeline.input, [(p, key, b"v") for p in range(PARTITIONS)])
    await until(lambda: pipeline.drained(total))
