"""From an event's time to its customer's journey, as a subscriber reads it."""

import statistics
import time
from collections import defaultdict, deque
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

from streams.kafka.reading import partitions_of
from tests.bench.product.load import TAIL_S, Sent
from tests.bench.product.run import Plan, Scene, once

WARM_UP_S = TAIL_S + 8
"""Events of the first seconds do not count: the rate has not been reached, and the first batches are small."""
PATIENCE_S = 20.0
CUSTOMERS = 1_000_000
"""So many that two contacts of one customer hardly ever overlap: the answer to one could pass for that to the other."""


class Answers:
    """Events wait here until a journey of their customer says that it holds them."""

    def __init__(self) -> None:
        self.waiting: dict[int, deque[int]] = defaultdict(deque)
        self.open = 0
        self.begin = 0
        self.taken: list[float] = []

    def told(self, sent: Sent) -> None:
        """An event is about to be published."""
        self.begin = self.begin or sent.time
        if sent.measurable:
            self.waiting[sent.customer].append(sent.time)
            self.open += 1

    def journey(self, customer: int, updated: int, now: float) -> None:
        """A journey that holds everything up to ``updated`` (ms) was read at ``now`` (ms)."""
        waiting = self.waiting.get(customer)
        while waiting and waiting[0] <= updated:
            at = waiting.popleft()
            self.open -= 1
            if at - self.begin >= WARM_UP_S * 1000:
                self.taken.append(now - at)

    async def read(self, scene: Scene) -> dict[str, Any]:
        """Read journeys until every event has its answer."""
        settings = scene.settings
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers, isolation_level="read_committed", fetch_max_wait_ms=100
        )
        await consumer.start()
        try:
            partitions = await partitions_of(consumer, [settings.topic_prefix + "journeys"])
            consumer.assign(partitions)
            await consumer.seek_to_end(*partitions)
            await self._until_all(scene, consumer)
        finally:
            await consumer.stop()
        return self.result()

    async def _until_all(self, scene: Scene, consumer: AIOKafkaConsumer) -> None:
        ended: float | None = None
        while ended is None or (self.open and time.monotonic() < ended + PATIENCE_S):
            polled = await consumer.getmany(timeout_ms=200)
            now = time.time() * 1000
            for records in polled.values():
                for record in records:
                    if record.value is None:
                        continue
                    customer = record.key.partition(b"@")[0].removeprefix(b"customer:c")
                    updated = datetime.fromisoformat(orjson.loads(record.value)["updated"])
                    self.journey(int(customer), round(updated.timestamp() * 1000), now)
            if ended is None and scene.publishing is not None and scene.publishing.done():
                ended = time.monotonic()

    def result(self) -> dict[str, Any]:
        """Latencies in ms."""
        if len(self.taken) < 100:
            raise ValueError(f"only {len(self.taken)} events after the first {WARM_UP_S:.0f} s: let it run longer")
        cuts = statistics.quantiles(self.taken, n=1000)
        return {
            "measured": len(self.taken),
            "unanswered": self.open,
            "p50_ms": round(cuts[499], 1),
            "p90_ms": round(cuts[899], 1),
            "p99_ms": round(cuts[989], 1),
            "max_ms": round(max(self.taken), 1),
        }


async def at_rate(rate: float, seconds: float, store: str | None) -> dict[str, Any]:
    """One run at a fixed rate for so many seconds beside the warm-up."""
    answers = Answers()
    events = round(rate * (seconds + WARM_UP_S))
    return await once(Plan(events, CUSTOMERS, rate=rate, store=store), answers.read, answers.told)
