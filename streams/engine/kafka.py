"""Kafka clients as the engine needs them: what is changed inside them, and what they do not answer by themselves."""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any

import aiokafka.producer.sender as _sender
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.cluster import ClusterMetadata
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)

# A transaction that follows closely on another has to wait for the previous one's markers; the client's constant of 20
# ms is the whole cost of a small transaction. 3 ms was measured as enough on one machine and is polled again when it is
# not.
_sender.BACKOFF_OVERRIDE = 0.003

# Debug records are formatted per request inside the client: 7 % of the CPU when the level lets them through.
for _name in ("aiokafka", "aiokafka.consumer.group_coordinator"):
    logging.getLogger(_name).setLevel(logging.WARNING)
# Every transaction that follows closely on another is answered with a retriable error, and each of those is a warning.
logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)

PAUSES = (0.02, 0.1)
"""Least and most seconds between two tries to reach a node that is away; in between a tenth of the time it has been."""
_LEADERS = "leaders"
CANCEL_SECONDS = 1.0
"""How long a client whose start is cancelled may take to come to its end."""
MAX_REQUEST_BYTES = 2 << 20
MAX_BATCH_BYTES = 1_000_000
"""One record batch as produced; below the broker's default ``message.max.bytes`` of 1,048,588."""
MARKS_SECONDS = 2.0
"""How long the marks of a transaction are waited for that was committed: they take some ms."""
FRAMING_BYTES = 512
"""What a record batch's own header and a record's framing need at most."""
LARGEST_RECORD = MAX_BATCH_BYTES - FRAMING_BYTES
"""Most bytes of a record's key and value."""
REFUSALS = (
    CorruptRecordException,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)
"""Errors of the broker that say something of the records and nothing of the broker."""


def patient(client: AIOKafkaClient) -> None:
    """Let a client pause after each try to reach a node that is away, and after each answer that names no leader.

    It has no back-off of its own for either: whoever failed tries again after its ``retry_backoff_ms``, or at once
    where it waits for metadata; and who wants to fetch or send where there is no leader asks for metadata as quickly as
    a broker answers.
    """
    ready, update = client.ready, client._metadata_update  # noqa: SLF001 - the client has no public way for it
    since: dict[Any, float] = {}
    """Node, ``None`` for all of them, or `_LEADERS` → when it was first found away."""

    async def pause(node: Any) -> None:
        now = time.monotonic()
        least, most = PAUSES
        await asyncio.sleep(min(max((now - since.setdefault(node, now)) / 10, least), most))

    async def is_ready(node_id: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> bool:
        if await ready(node_id, group=group):
            since.pop(node_id, None)
            return True
        await pause(node_id)
        return False

    async def updated(cluster: Any, topics: Any) -> bool:
        if not await update(cluster, topics):
            await pause(None)
            return False
        since.pop(None, None)
        if _leaderless(cluster, topics or ()):
            await pause(_LEADERS)
        else:
            since.pop(_LEADERS, None)
        return True

    client.ready, client._metadata_update = is_ready, updated  # noqa: SLF001


def _leaderless(cluster: ClusterMetadata, topics: Iterable[str]) -> bool:
    """Does one of these topics have a partition that nobody leads, or is one not known at all?"""
    return any(
        (partitions := cluster.partitions_for_topic(topic)) is None
        or partitions != cluster.available_partitions_for_topic(topic)
        for topic in topics
    )


def asked(future: asyncio.Future[Any]) -> None:
    """Keep asyncio from reporting that nobody asked this future, which is done, for the error in it."""
    if not future.cancelled():
        future.exception()


async def start_client(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Start a client; when that is cancelled, wait a moment for its end all the same: the client loses the connection
    that it is just opening, and whoever stops it then cannot close that.
    """
    starting = asyncio.ensure_future(client.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting], timeout=CANCEL_SECONDS)
        if not starting.cancel():
            asked(starting)
        raise


async def partition_counts(consumer: AIOKafkaConsumer) -> dict[str, int]:
    """Topic → partitions of everything on the broker; asks for no topic by name, so that none is created by asking."""
    cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - a consumer has no public way to ask
    return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}


async def meet(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
    """Let the client learn at once who leads these partitions: asked for their offsets it would learn it of one topic
    after the other, and pause 100 ms after each.
    """
    client = consumer._client  # noqa: SLF001 - a consumer has no public way to ask
    topics = {tp.topic for tp in partitions}
    for _ in range(2):  # an answer that is on its way may be one to an earlier question
        unknown = [topic for topic in topics if client.cluster.partitions_for_topic(topic) is None]
        if not unknown:
            return
        for topic in unknown:
            client.add_topic(topic)
        await client.force_metadata_update()


async def stable_ends(
    consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition], seconds: float = MARKS_SECONDS
) -> dict[TopicPartition, int]:
    """Up to where committed records can be read, all that was committed before the call included. The consumer reads
    committed records, and nothing at the moment.

    The broker answers the end of a transaction before each partition has its mark, so what is not marked yet is waited
    for; behind what is still open after ``seconds`` nothing counts.
    """
    written = await written_ends(consumer, partitions)
    until = time.monotonic() + seconds
    while True:
        stable = {tp: int(end) for tp, end in (await consumer.end_offsets(list(written))).items()}
        if all(stable[tp] >= end for tp, end in written.items()) or time.monotonic() > until:
            return stable
        await asyncio.sleep(0.01)


async def let_go(consumer: AIOKafkaConsumer) -> None:
    """Nothing is assigned to the consumer any more, and nothing is fetched.

    aiokafka ends its fetches in the background, and takes a `stop` that comes meanwhile for the end of one of them: the
    stop then waits for ever.
    """
    consumer.unsubscribe()
    fetcher = consumer._fetcher  # noqa: SLF001 - nobody tells
    while fetcher._pending_tasks and not fetcher._fetch_task.done():  # noqa: ASYNC110, SLF001
        await asyncio.sleep(0.001)


async def written_ends(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Where partitions end, transactions that are not committed or not marked yet included. The consumer must not be
    reading.
    """
    partitions = list(partitions)
    await meet(consumer, partitions)
    fetcher = consumer._fetcher  # noqa: SLF001 - it asks for ends as it reads, and cannot be told otherwise
    isolation, fetcher._isolation_level = fetcher._isolation_level, READ_UNCOMMITTED  # noqa: SLF001
    try:
        return {tp: int(end) for tp, end in (await consumer.end_offsets(partitions)).items()}
    finally:
        fetcher._isolation_level = isolation  # noqa: SLF001
