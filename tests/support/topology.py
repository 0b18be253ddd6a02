"""What the tests of topics do to them under a worker, and what it made of that."""

from aiokafka.admin import NewPartitions

from streams.engine import Source
from tests.support.engine import PARTITIONS, Pipeline, admin, publish, read_all, until


async def delete(pipeline: Pipeline, topic: str) -> None:
    async with admin(pipeline.bootstrap) as client:
        await client.delete_topics([topic])

        async def is_gone() -> bool:
            return topic not in await client.list_topics()

        await until(is_gone)


async def extend(pipeline: Pipeline, topic: str, count: int) -> None:
    async with admin(pipeline.bootstrap) as client:
        await client.create_partitions({topic: NewPartitions(count)})

        async def has_them() -> bool:
            return len((await client.describe_topics([topic]))[0]["partitions"]) >= count

        await until(has_them)


async def outputs(pipeline: Pipeline) -> int:
    return len(await read_all(pipeline.bootstrap, pipeline.output))


async def ended(source: Source) -> BaseException | None:
    await until(lambda: source.crash_reason)
    return source.crash_reason


async def handle(pipeline: Pipeline, key: bytes, total: int) -> None:
    """One more record in each partition, until all ``total`` are counted in the position."""
    await publish(pipeline.bootstrap, pipeline.input, [(p, key, b"v") for p in range(PARTITIONS)])
    await until(lambda: pipeline.drained(total))
