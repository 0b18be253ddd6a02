"""What the consumer group is told; the engine itself never reads it."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from tests.support.engine import Pipeline, publish, until


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


async def test_telling_the_group_does_not_disturb_a_rebalance(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is committed between leaving one generation and joining the next is refused, and on that refusal the client
    forgets who it is and joins anew: with a commit every moment it would never come to an end.
    """
    await publish(pipeline.bootstrap, pipeline.input, [(p, b"k", b"v") for p in (0, 1)])
    async with pipeline.run("w1") as first:
        await until(lambda: len(first.tasks.ready) == 2)
        revoked, telling = first.on_partitions_revoked, set[asyncio.Task[None]]()

        async def tell_all_the_time() -> None:
            while not first.tasks.ready:
                first.telling.told.clear()
                await first.telling.tell()
                await asyncio.sleep(0.001)

        async def on_partitions_revoked(partitions: set[TopicPartition]) -> None:
            await revoked(partitions)
            telling.add(asyncio.ensure_future(tell_all_the_time()))

        monkeypatch.setattr(first, "on_partitions_revoked", on_partitions_revoked)
        async with pipeline.run("w2") as second:
            await until(lambda: len(first.tasks.ready) == len(second.tasks.ready) == 1, 15)
            assert telling
        await asyncio.gather(*telling)
    assert "OffsetCommit failed" not in caplog.text
