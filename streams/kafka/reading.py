"""Reading topics to the end they have now, what was committed a moment ago included."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Any
from zlib import crc32

from aiokafka import TopicPartition

from streams.base.errors import BrokerError, TopicMissing
from streams.engine import Unfetchable
from streams.engine.connection import Connection, Consumer
from streams.engine.fetching import adapt
from streams.engine.kafka import partition_counts, written_ends
from streams.kafka.connection import open_consumer

log = logging.getLogger(__name__)

OPEN_SECONDS = 90.0
"""How long a transaction may stay open that somebody waits for: those of workers end after a minute at most."""
SETTLING_SECONDS = 0.01
"""Between two questions whether the markers are there, which takes some ms."""


class OpenTransaction(BrokerError):
    """Records behind it cannot be read, and it did not end."""


async def partitions_of(consumer: Consumer, topics: Iterable[str]) -> list[TopicPartition]:
    """The partitions of topics that exist; raises `TopicMissing` naming those that do not."""
    counts = await partition_counts(consumer)
    found = []
    for topic in topics:
        if topic not in counts:
            raise TopicMissing(f"topic {topic} is not on the broker; run `contact-streams topics create`")
        found += [TopicPartition(topic, partition) for partition in range(counts[topic])]
    return found


async def settled_ends(
    consumer: Consumer, partitions: Iterable[TopicPartition], seconds: float = OPEN_SECONDS
) -> dict[TopicPartition, int]:
    """Where partitions end, when no transaction is open below that end: all that was committed before the call can be
    read up to there. The consumer reads committed records, and nothing at the moment.

    The broker answers the end of a transaction before each partition has its marker; until then the last stable offset
    lies before records that are committed. Raises `OpenTransaction` after ``seconds``.
    """
    ends = await written_ends(consumer, partitions)
    until = time.monotonic() + seconds
    waiting = list(ends)
    while True:
        stable = await consumer.end_offsets(waiting) if waiting else {}
        waiting = [tp for tp, end in stable.items() if end < ends[tp]]
        if not waiting:
            return ends
        if time.monotonic() > until:
            where = ", ".join(f"{tp.topic}-{tp.partition} at offset {stable[tp]}" for tp in waiting[:3])
            raise OpenTransaction(
                f"a transaction has been open for {seconds:.0f} s in {where}: nothing behind it can be read"
            )
        await asyncio.sleep(SETTLING_SECONDS)


async def read_to_end(connection: Connection, topics: Iterable[str], key: bytes | None = None) -> AsyncIterator[Any]:
    """Committed records of topics, from their beginning to the end they have when this starts (`settled_ends`); order
    holds within a partition. What cannot be taken apart is passed by, with a line in the log. With a ``key`` only the
    partitions where the outputs of that key lie are read. Raises `BrokerError`, `TopicMissing`.
    """
    committed = open_consumer(
        connection,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=50,
    )
    async with committed as consumer:
        adapt(consumer)
        partitions = await partitions_of(consumer, topics)
        if key is not None:
            counts = Counter(tp.topic for tp in partitions)
            partitions = [tp for tp in partitions if tp.partition == crc32(key) % counts[tp.topic]]
        ends = await settled_ends(consumer, partitions)
        consumer.assign(partitions)
        begins = await consumer.beginning_offsets(partitions)
        left = {tp for tp in partitions if ends[tp] > begins[tp]}
        while left:
            for tp, records in (await consumer.getmany(*left, timeout_ms=100)).items():
                for record in records:
                    if type(record) is Unfetchable:
                        log.warning("%s-%s is read without %s", *tp, record.error)
                    elif record.offset < ends[tp]:
                        yield record
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}


async def values_of(connection: Connection, topic: str) -> AsyncIterator[bytes]:
    """What `read_to_end` finds in a topic, without what says that a key is gone. Raises the same."""
    async for record in read_to_end(connection, [topic]):
        if record.value is not None:
            yield record.value
