"""Reading topics to the end they have now."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.engine.fetching import adapt
from streams.engine.inlet import Unfetchable
from streams.engine.kafka import partition_counts
from streams.ops.errors import BrokerError
from streams.ops.probe import unreachable

log = logging.getLogger(__name__)


async def partitions_of(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """The partitions of topics that exist; raises LookupError naming those that do not."""
    counts = await partition_counts(consumer)
    found = []
    for topic in topics:
        if topic not in counts:
            raise LookupError(f"topic {topic} is not on the broker; run `contact-streams topics create`")
        found += [TopicPartition(topic, partition) for partition in range(counts[topic])]
    return found


async def read_to_end(bootstrap: str, topics: Iterable[str]) -> AsyncIterator[Any]:
    """Committed records of topics, from their beginning to the end they have when this starts; order holds within a
    partition. What cannot be taken apart is passed by, with a line in the log. Raises `BrokerError`.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=50,
    )
    try:
        await consumer.start()
        adapt(consumer)
        partitions = await partitions_of(consumer, topics)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
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
    except KafkaError as error:
        raise BrokerError(await asyncio.to_thread(unreachable, bootstrap, error)) from error
    finally:
        await consumer.stop()
