"""Publishing: whole record batches for a backlog, single sends on time for a live load."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.settings import Settings
from tests.bench.product.load import Load, Sent, partition_of

Item = tuple[bytes, bytes]
CHUNK = 20_000
"""Records put together between two waits for the broker."""
STEP_S = 0.005


class Publisher:
    """A producer for the time of a ``with`` block."""

    def __init__(self, bootstrap: str, linger_ms: int = 2) -> None:
        self.producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, compression_type="snappy", max_batch_size=900_000, linger_ms=linger_ms
        )

    async def __aenter__(self) -> "Publisher":
        await self.producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.producer.stop()

    async def batches(self, parts: dict[tuple[str, int], list[Item]]) -> None:
        """(topic, partition) → records, in whole batches: a send for each record costs ten times as much."""
        await asyncio.gather(*(self._partition(*at, items) for at, items in parts.items()))

    async def _partition(self, topic: str, partition: int, items: list[Item]) -> None:
        accepted: list[Any] = []
        builder = self.producer.create_batch()
        for key, value in items:
            if builder.append(key=key, value=value, timestamp=None) is None:
                accepted.append(await self.producer.send_batch(builder, topic, partition=partition))
                builder = self.producer.create_batch()
                builder.append(key=key, value=value, timestamp=None)
        accepted.append(await self.producer.send_batch(builder, topic, partition=partition))
        await asyncio.gather(*accepted)


async def backlog(settings: Settings, load: Iterable[Sent], partitions: int) -> None:
    """Publish a whole load as fast as it goes."""
    async with Publisher(settings.bootstrap_servers) as publisher:
        parts: dict[tuple[str, int], list[Item]] = defaultdict(list)
        for number, sent in enumerate(load, 1):
            at = settings.topic_prefix + sent.topic, partition_of(sent.key, partitions)
            parts[at].append((sent.key, sent.value))
            if number % CHUNK == 0:
                await publisher.batches(parts)
                parts = defaultdict(list)
        await publisher.batches(parts)


async def live(settings: Settings, load: Load, partitions: int, told: Callable[[Sent], None] = lambda _: None) -> float:
    """Publish each event when its time comes; ``told`` of each before it is sent. Returns how late the latest was, s.

    A latency counted from the event's own time holds the publisher's delay too: it never flatters the system.
    """
    worst = 0.0
    async with Publisher(settings.bootstrap_servers) as publisher:
        send, accepted = publisher.producer.send, []
        now = time.time() * 1000
        for sent in load:
            while sent.time > now:
                await asyncio.sleep(STEP_S)
                now = time.time() * 1000
            worst = max(worst, now - sent.time)
            told(sent)
            partition = partition_of(sent.key, partitions)
            topic = settings.topic_prefix + sent.topic
            accepted.append(await send(topic, sent.value, key=sent.key, partition=partition))
            if len(accepted) % 100 == 0:
                await asyncio.sleep(0)
                now = time.time() * 1000
        await asyncio.gather(*accepted)
    return worst / 1000
