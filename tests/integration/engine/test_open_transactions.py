"""Take-overs while a transaction of before is open: its mark is waited for, and what hangs is ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zlib import crc32

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.engine.changelog import POSITION, encode_position
from streams.engine.changelog import Rows as Read
from streams.engine.connection import Connection
from streams.engine.kafka import written_ends
from streams.engine.store import MemoryStore
from tests.support.engine import (
    LARGE,
    PARTITIONS,
    Kept,
    Recorder,
    exactly,
    keep,
    load,
    publish,
    restore,
    some_rounds,
    until,
)


@pytest.fixture
async def pipeline(bootstrap: str, prefix: str, tmp_path: Path) -> Kept:
    pipeline = Kept(bootstrap, prefix, tmp_path)
    await pipeline.create()
    return pipeline


async def test_a_transaction_that_the_broker_has_not_marked_yet_is_waited_for(pipeline: Kept) -> None:
    """The broker says that it is committed before the changelog's partition says so: the last stable offset is no end."""
    log = TopicPartition(pipeline.changelog, 0)
    producer = Connection(pipeline.bootstrap).transactional_producer(f"{pipeline.app_id}-owner")
    await producer.start()
    try:
        await producer.begin_transaction()
        position = encode_position({pipeline.input: 7}, "state", {})
        await producer.send_and_wait(log.topic, key=POSITION, value=position, partition=log.partition)
        reading = asyncio.create_task(
            restore(Connection(pipeline.bootstrap), log, Read([LARGE], MemoryStore()), lambda done, total: None)
        )
        assert await asyncio.wait([reading], timeout=1) == (set(), {reading})
        await producer.commit_transaction()
        found = await asyncio.wait_for(reading, 30)
    finally:
        await producer.stop()
    assert (found.offsets, found.records) == ({pipeline.input: 7}, 1)


async def test_what_no_mark_ends_is_aborted_and_waited_for(pipeline: Kept, caplog: pytest.LogCaptureFixture) -> None:
    """Here it is another producer's: it is not ended by that, and until it is the task is not ready."""
    stranger = Connection(pipeline.bootstrap).transactional_producer(f"{pipeline.app_id}-stranger")
    await stranger.start()
    try:
        await stranger.begin_transaction()
        await stranger.send_and_wait(pipeline.changelog, key=b"counts\0k0", value=b"rubbish", partition=0)
        await publish(pipeline.bootstrap, pipeline.input, load(20, 20))
        async with pipeline.run("w1") as source:
            await until(lambda: "a transaction of an owner before has no mark" in caplog.text)
            await until(lambda: len(source.tasks.ready) == 1)
            await stranger.abort_transaction()
            await until(lambda: pipeline.drained(20))
    finally:
        await stranger.stop()
    await exactly(pipeline, 1, 20)


VERIFICATION = "transaction.partition.verification.enable"


@asynccontextmanager
async def unverified(bootstrap: str) -> AsyncIterator[None]:
    """The brokers take records of a transaction that their coordinator knows nothing of."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        nodes, name = [str(node.nodeId) for node in admin._client.cluster.brokers()], VERIFICATION

        async def verify(node: str, value: str, given: dict[str, str]) -> None:
            await admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, node, given)])
            await until(lambda: says(node, value))

        async def says(node: str, value: str) -> bool:
            asked = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, node, {name: None})])
            ((_, _, _, _, found),) = asked[-1].resources
            return [entry[1] for entry in found] == [value]

        for node in nodes:
            await verify(node, "false", {name: "false"})
        try:
            yield
        finally:
            for node in nodes:
                await verify(node, "true", {})
    finally:
        await admin.close()


Sent = tuple[str, bytes, bytes]
"""Topic, key, value."""


async def left_hanging(pipeline: Kept, task: str, sent: list[Sent], marked: str, before: list[Sent]) -> None:
    """What an owner of the task leaves behind whose broker died at the wrong moment: records of an open transaction,
    and a coordinator that knows of none; or it knows of one topic only, which is ``marked`` as committed. ``before``:
    what it committed before that.
    """
    async with unverified(pipeline.bootstrap):
        owner = Connection(pipeline.bootstrap).transactional_producer(f"{pipeline.app_id}-{task}")
        await owner.start()
        try:
            if before:
                async with owner.transaction():
                    for topic, key, value in before:
                        await owner.send_and_wait(topic, key=key, value=value, partition=0)
            await owner.begin_transaction()
            for topic in {topic for topic, _, _ in sent if topic != marked}:
                known = {TopicPartition(topic, number) for number in range(PARTITIONS)}
                owner._txn_manager._txn_partitions.update(known)  # as if the coordinator had been told
            for topic, key, value in sent:
                partition = 0 if topic == pipeline.changelog else crc32(key) % PARTITIONS
                await owner.send_and_wait(topic, key=key, value=value, partition=partition)
            if marked:
                await owner.commit_transaction()
            owner._txn_manager._txn_partitions.clear()
        finally:
            await owner.stop()  # which ends no transaction


async def test_a_transaction_that_hangs_is_ended_at_the_take_over(
    pipeline: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody would end it: neither the coordinator, which has forgotten it, nor the next owner's start. Its records are
    of a batch that is made once more; a later commit of the same producer would have them count.
    """
    await hanging_is_ended(pipeline)
    assert caplog.text.count("a transaction of an owner before has no mark; it was not committed") == 1


async def test_a_committed_transaction_that_hangs_in_the_changelog_alone_is_committed(
    pipeline: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """Its outputs have their mark: to abort the rest would send them once more."""
    await hanging_is_ended(pipeline, marked=pipeline.output)
    assert caplog.text.count("a transaction of an owner before has no mark; it was committed") == 1


@pytest.mark.parametrize("stamps", ["LogAppendTime", "CreateTime"])
async def test_that_the_transaction_before_was_committed_says_nothing_of_one_that_hangs(
    pipeline: Kept, stamps: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A coordinator that has forgotten the last one speaks of the one before, which has its mark; when that was made, a
    client's stamp does not say.
    """
    position = encode_position({pipeline.input: 100}, "state", {})
    await hanging_is_ended(pipeline, before=[(pipeline.changelog, POSITION, position)], stamps=stamps)
    assert caplog.text.count("a transaction of an owner before has no mark; it was not committed") == 1


async def hanging_is_ended(
    pipeline: Kept, marked: str = "", before: list[Sent] | None = None, stamps: str = "LogAppendTime"
) -> None:
    await keep(pipeline.bootstrap, pipeline.changelog, cleanup_policy="compact", message_timestamp_type=stamps)
    await some_rounds(pipeline, range(1), pipeline.on_disk(), Recorder())
    await publish(pipeline.bootstrap, pipeline.input, load(200))
    position = encode_position({pipeline.input: 200}, "state", {})
    rows = [(pipeline.changelog, b"counts\0k%d" % n, b"2") for n in range(0, 200, 2)]
    outputs = [(pipeline.output, b"k%d" % n, b"2") for n in range(0, 200, 2)]
    sent = [*outputs, *rows, (pipeline.changelog, POSITION, position)]
    await left_hanging(pipeline, "count-0", sent, marked, before or [])
    hanging = TopicPartition(pipeline.changelog, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=pipeline.bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        stable, written = await consumer.end_offsets([hanging]), await written_ends(consumer, [hanging])
    finally:
        await consumer.stop()
    assert written[hanging] == stable[hanging] + len(rows) + 1
    async with pipeline.run("w2", storage=pipeline.on_disk(), max_records=50):
        await until(lambda: pipeline.drained(400), 60)
    await exactly(pipeline, 2)
    await some_rounds(pipeline, range(2, 3), pipeline.on_disk(), Recorder())
    await exactly(pipeline, 3)
