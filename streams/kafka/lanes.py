"""Publishing to single partitions, in the order of the calls, in batches that are sent off when told or when full."""

import asyncio
import logging
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from streams.base.errors import BrokerError
from streams.engine.connection import Connection, Producer
from streams.local.probe import unreachable

BATCH_BYTES = 256 * 1024
_partitioner = DefaultPartitioner()
_log = logging.getLogger(__name__)


@lru_cache(maxsize=100_000)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner (murmur2) gives a key."""
    return int(_partitioner(key, range(partitions), range(partitions)))


class _Lane:
    """One partition and its batch in the making."""

    __slots__ = ("batch", "partition", "topic")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.batch: Any = None


class Lanes:
    """The partitions of the topics that are opened, by their names on the broker. Raises ``failed`` whenever the broker
    does not answer or does not take a batch, and when nothing is open.
    """

    def __init__(self, connection: Connection, failed: type[Exception] = BrokerError) -> None:
        self._connection, self._failed = connection, failed
        self._producer: Producer | None = None
        self._lanes: dict[str, list[_Lane]] = {}
        self._in_flight: set[asyncio.Future[Any]] = set()
        self._failure: BaseException | None = None

    async def open(self, topics: Collection[str]) -> list[str]:
        """Connect; those of the topics that are missing, and nothing can be appended when there are any. Whatever comes
        of it, `close` afterwards.
        """
        producer = self._producer = self._connection.producer(
            enable_idempotence=True, max_batch_size=BATCH_BYTES, linger_ms=0
        )
        try:
            await producer.start()
            # All topics are asked for, not the wanted ones: a broker may create a topic that is asked for by name.
            cluster = await producer.client.fetch_all_metadata()
        except KafkaError as error:
            raise self._failed(await asyncio.to_thread(unreachable, self._connection.servers, error)) from error
        if missing := sorted(set(topics) - cluster.topics()):
            return missing
        for topic in topics:
            self._lanes[topic] = [_Lane(topic, number) for number in range(len(cluster.partitions_for_topic(topic)))]
        return []

    async def append(self, topic: str, key: bytes, value: bytes) -> None:
        """To the partition that the key belongs to; waits only for room."""
        lanes = self._lanes.get(topic)
        if lanes is None:
            raise self._failed(f"{topic} is not among the topics that are open to publish to")
        await self._append(lanes[partition_of(key, len(lanes))], key, value)

    async def append_everywhere(self, key: bytes, value: bytes) -> None:
        """To every partition of every topic."""
        for lanes in self._lanes.values():
            for lane in lanes:
                await self._append(lane, key, value)

    async def dispatch(self) -> None:
        """Send all batches off without waiting for their acknowledgements."""
        for lanes in self._lanes.values():
            for lane in lanes:
                await self._send(lane)

    async def flush(self) -> None:
        """Send everything and wait until the broker has it."""
        await self.dispatch()
        if self._in_flight:
            await asyncio.wait(self._in_flight)
        await asyncio.sleep(0)  # lets the callbacks of the futures run
        self._raise_failure()

    async def close(self) -> None:
        """What is not flushed yet may be lost."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await producer.stop()
        except KafkaError as error:
            _log.warning("the producer did not stop cleanly: %r", error)

    async def _append(self, lane: _Lane, key: bytes, value: bytes) -> None:
        if lane.batch is not None:
            if lane.batch.append(key=key, value=value, timestamp=None) is not None:
                return
            await self._send(lane)
        lane.batch = self._ready.create_batch()
        lane.batch.append(key=key, value=value, timestamp=None)  # a batch takes its first record whatever its size

    async def _send(self, lane: _Lane) -> None:
        self._raise_failure()
        batch, lane.batch = lane.batch, None
        if batch is None:
            return
        batch.close()
        try:
            future = await self._ready.send_batch(batch, lane.topic, partition=lane.partition)
        except KafkaError as error:
            raise self._failed(f"{lane.topic}: the broker did not take a batch: {error!r}") from error
        self._in_flight.add(future)
        future.add_done_callback(self._acknowledged)

    def _acknowledged(self, future: "asyncio.Future[Any]") -> None:
        self._in_flight.discard(future)
        if not future.cancelled() and future.exception() is not None:
            self._failure = self._failure or future.exception()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failed(f"the broker did not take a batch: {self._failure!r}") from self._failure

    @property
    def _ready(self) -> Producer:
        if self._producer is None:
            raise self._failed("nothing is open any more to publish to")
        return self._producer
