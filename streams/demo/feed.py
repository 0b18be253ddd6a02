"""Reads the pipeline's output topics and feeds them to a `BoardState`."""

import asyncio
from collections.abc import Iterable

import msgspec
from aiokafka import TopicPartition

from streams.demo.state import TOPICS, BoardState
from streams.engine.connection import Connection
from streams.engine.fetching import adapt
from streams.engine.kafka import written_ends
from streams.kafka.connection import open_consumer
from streams.kafka.reading import partitions_of

POLL_MS = 100


class Feed:
    """A consumer of its own, without a group: every partition, committed records only, from now on.

    Open it before the first event is published; raises TopicMissing when a topic is missing::

        async with Feed(connection, prefix, state) as feed:
            ...
            await feed.catch_up(timeout_s=10)
    """

    def __init__(self, connection: Connection, prefix: str, state: BoardState) -> None:
        self._connection, self._prefix, self._state = connection, prefix, state
        self._consumer = connection.consumer(
            isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=POLL_MS
        )
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Feed":
        consumer = self._consumer
        try:
            await consumer.start()
            adapt(consumer)
            partitions = await partitions_of(consumer, [self._prefix + topic for topic in TOPICS])
            consumer.assign(partitions)
            await consumer.seek_to_end(*partitions)
        except BaseException:
            await consumer.stop()
            raise
        self._reader = asyncio.create_task(self._read(), name="board feed")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._consumer.stop()

    async def catch_up(self, timeout_s: float) -> bool:
        """Wait until everything committed up to now has been applied; False when the time is over first.

        Raises what the reader raised.
        """
        consumer, reader = self._consumer, self._reader
        if reader is None:
            raise RuntimeError("the feed is not open: use it as an async context manager")
        ends = await self._ends(consumer.assignment())
        for _ in range(max(int(timeout_s * 20), 1)):
            if reader.done():
                reader.result()
            positions = [await consumer.position(partition) >= end for partition, end in ends.items()]
            if all(positions):
                await asyncio.sleep(POLL_MS / 1000)  # what was handed over last is being applied
                return True
            await asyncio.sleep(0.05)
        return False

    async def _ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Asked by a consumer that reads nothing; what is committed may have no marker yet, so it is no stable end."""
        async with open_consumer(self._connection) as asking:
            return await written_ends(asking, partitions)

    async def _read(self) -> None:
        decode = msgspec.json.decode
        while True:
            batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=2000)
            for partition, records in batches.items():
                topic = partition.topic.removeprefix(self._prefix)
                for record in records:
                    if record.value is not None:
                        self._state.apply(topic, decode(record.value))
                    elif record.key is not None:
                        self._state.remove(topic, record.key.decode())
            await asyncio.sleep(0)
