"""When has everything come out? Ends that are asked for right after a commit, and work that is left behind a position."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas import flow
from streams import settings as settings_module
from streams.base.errors import BrokerError
from streams.engine import Outputs, Rest
from streams.engine.connection import Connection
from streams.engine.kafka import let_go
from streams.engine.losses import lost_changelogs
from streams.engine.telling import UNFINISHED
from streams.inspect.changelogs import inputs
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.kafka.drain import wait_drained
from streams.kafka.reading import read_to_end, settled_ends
from streams.settings import Settings
from tests.support.engine import Count, Pipeline, admin, create_topics, publish, until

PARTITIONS = 12


@pytest.fixture
async def topic(bootstrap: str, prefix: str) -> str:
    await create_topics(bootstrap, {f"{prefix}ends": PARTITIONS})
    return f"{prefix}ends"


@asynccontextmanager
async def reader(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def transaction(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaProducer]:
    """Open, with a record in every partition; whoever asked for it ends it."""
    producer = Connection(bootstrap).transactional_producer(f"{topic}-writer")
    await producer.start()
    try:
        await producer.begin_transaction()
        await fill(producer, topic)
        yield producer
    finally:
        await producer.stop()


async def fill(producer: AIOKafkaProducer, topic: str) -> None:
    await asyncio.gather(*[await producer.send(topic, b"x", partition=number) for number in range(PARTITIONS)])


async def test_an_end_waits_for_the_transaction_below_it(bootstrap: str, topic: str) -> None:
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    async with reader(bootstrap) as consumer, transaction(bootstrap, topic) as producer:
        assert set((await consumer.end_offsets(partitions)).values()) == {0}, "the broker's answer before the marker"
        asked = asyncio.create_task(settled_ends(consumer, partitions))
        read = asyncio.create_task(everything(bootstrap, topic))
        await asyncio.sleep(0.5)  # time is the subject: nothing happens in that
        assert not asked.done()
        assert not read.done()
        await producer.commit_transaction()
        assert await asked == dict.fromkeys(partitions, 1)
        assert await read == PARTITIONS


async def test_a_transaction_that_nobody_ends_is_named(bootstrap: str, topic: str) -> None:
    async with reader(bootstrap) as consumer, transaction(bootstrap, topic):
        with pytest.raises(BrokerError, match=rf"a transaction has been open for 0 s in {topic}-7 at offset 0"):
            await settled_ends(consumer, [TopicPartition(topic, 7)], seconds=0.3)


async def test_what_was_committed_a_moment_ago_is_found(bootstrap: str, topic: str) -> None:
    """A hundred commits, each read at once: the markers of some are not there when the commit is answered."""
    async with reader(bootstrap) as consumer, transaction(bootstrap, topic) as producer:
        partitions, missed = [TopicPartition(topic, number) for number in range(PARTITIONS)], 0
        for number in range(100):
            await producer.commit_transaction()
            behind = 2 * number + 1  # each transaction is a record and a marker
            missed += any(end < behind for end in (await consumer.end_offsets(partitions)).values())
            assert all(end >= behind for end in (await settled_ends(consumer, partitions)).values())
            await producer.begin_transaction()
            await fill(producer, topic)
    assert missed, "no race: the test shows nothing"


async def test_state_that_was_committed_a_moment_ago_is_not_lost(bootstrap: str, topic: str) -> None:
    """The group's offset may be known before the changelog's first records are marked."""
    read, log = TopicPartition(topic, 0), TopicPartition(f"{topic}-log", 0)
    await create_topics(bootstrap, {log.topic: 1})
    group = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=f"{topic}-group", enable_auto_commit=False,
        isolation_level="read_committed",
    )  # fmt: skip
    await group.start()
    try:
        async with transaction(bootstrap, topic) as producer:
            await producer.commit_transaction()
            await settled_ends(group, [read])
            group.assign([read])
            await group.commit({read: 1})
            group.unsubscribe()
            assert await lost_changelogs(Connection(bootstrap), group, {log: [topic]}) == [log]
            await producer.begin_transaction()
            await producer.send_and_wait(log.topic, b"row", partition=0)
            asked = asyncio.create_task(lost_changelogs(Connection(bootstrap), group, {log: [topic]}))
            await asyncio.sleep(0.3)  # it has asked by now, and been told the end before the marker
            await producer.commit_transaction()
            assert await asked == []
    finally:
        await group.stop()


async def test_what_is_unread_counts_what_was_committed_a_moment_ago(settings: Settings) -> None:
    topic = settings.topic_prefix + flow.inputs("track")[0]
    producer = connection_of(settings).transactional_producer(f"{topic}-writer")
    await producer.start()
    try:
        async with inputs(settings) as behind:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"x", partition=1)
            asked = asyncio.create_task(behind.unread("track", 1, {topic: 0}))
            await asyncio.sleep(0.3)  # it has asked by now, and been told the end before the marker
            await producer.commit_transaction()
            assert await asked == 2, "the record and its mark"
            assert await behind.unread("track", 1, {topic: 1}) == 0, "only the mark"
            assert await behind.unread("track", 0, {}) == 0
    finally:
        await producer.stop()


async def test_a_consumer_that_was_let_go_can_be_stopped(bootstrap: str, topic: str) -> None:
    """At once, while its last fetch is on its way; without waiting for that, some of these never stop."""
    for _ in range(20):
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=20)
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.getmany(timeout_ms=5)
        await let_go(consumer)
        await asyncio.wait_for(consumer.stop(), 10)


async def everything(bootstrap: str, topic: str) -> int:
    return len([record async for record in read_to_end(Connection(bootstrap), [topic])])


@pytest.fixture
async def settings(bootstrap: str, prefix: str) -> Settings:
    settings = settings_module.load(bootstrap_servers=bootstrap, topic_prefix=prefix)
    await topics.create(Connection(bootstrap), topics.wanted(settings))
    return settings


async def test_drained_is_when_nothing_is_left_behind_a_position(settings: Settings) -> None:
    """The group's offsets are at every end; one agent has yet to publish what they led to."""
    read = settings.topic_prefix + flow.inputs("measure")[0]
    await publish(settings.bootstrap_servers, read, [(0, b"k", b"v")])
    group = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, group_id=settings.group, enable_auto_commit=False
    )
    await group.start()
    try:
        group.assign([TopicPartition(read, 0)])
        assert not await wait_drained(settings, 0.3)
        await group.commit({TopicPartition(read, 0): (1, UNFINISHED)})
        waiting = asyncio.create_task(wait_drained(settings, 30))
        await asyncio.sleep(0.5)  # time is the subject: nothing happens in that
        assert not waiting.done()
        await group.commit({TopicPartition(read, 0): (1, "")})
        assert await waiting
    finally:
        await group.stop()


class Stepwise(Count):
    """Has more to do until it is let go."""

    go = asyncio.Event()

    def finish(self, out: Outputs) -> Rest:
        super().finish(out)
        out.send(self.output, b"step", b"1")
        return Rest.NOTHING if self.go.is_set() else Rest.AT_ONCE


async def test_the_group_is_told_what_is_left(bootstrap: str, prefix: str) -> None:
    Stepwise.go = asyncio.Event()
    pipeline = await Pipeline(bootstrap, prefix).create()
    await publish(bootstrap, pipeline.input, [(0, b"a", b"1"), (1, b"b", b"1")])
    async with pipeline.run(processor=Stepwise):
        await until(told(pipeline, UNFINISHED))
        Stepwise.go.set()
        await until(told(pipeline, ""))


def told(pipeline: Pipeline, what: str) -> Callable[[], Awaitable[bool]]:
    """Are all positions behind the one record, and is this said of each?"""

    async def check() -> bool:
        async with admin(pipeline.bootstrap) as client:
            offsets = await client.list_consumer_group_offsets(pipeline.app_id)
        return sorted(offsets.values()) == [(1, what), (1, what)]

    return check
