"""What the consumer group is told; the engine itself never reads it."""

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from tests.integration.engine.harness import Pipeline, publish, until


@pytest.fixture
async def pipeline(bootstrap: str, prefix: str) -> Pipeline:
    return await Pipeline(bootstrap, prefix).create()


async def told(pipeline: Pipeline) -> dict[TopicPartition, int]:
    """What the group's committed offsets are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=pipeline.bootstrap)
    await admin.start()
    try:
        return {tp: it.offset for tp, it in (await admin.list_consumer_group_offsets(pipeline.app_id)).items()}
    except GroupCoordinatorNotAvailableError:
        return {}  # the broker's first group: its topic is being made
    finally:
        await admin.close()


async def test_the_group_is_told_where_the_tables_stand(pipeline: Pipeline) -> None:
    records: list[tuple[int, bytes, bytes | None]] = [(p, b"k%d" % p, b"v") for p in (0, 0, 0, 1)]
    await publish(pipeline.bootstrap, pipeline.input, records)
    ends = {TopicPartition(pipeline.input, 0): 3, TopicPartition(pipeline.input, 1): 1}

    async def known() -> bool:
        return await told(pipeline) == ends

    async with pipeline.run():
        await until(known)
        await publish(pipeline.bootstrap, pipeline.input, records)
        await until(lambda: pipeline.drained(8))
    assert await told(pipeline) == {tp: 2 * end for tp, end in ends.items()}, "a graceful stop tells the last of it"
