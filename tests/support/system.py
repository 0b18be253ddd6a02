"""The whole product in a test: topics with a prefix of their own, worker processes, and what came out."""

import asyncio
import base64
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from schemas import registry, routing
from streams.base.times import iso
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.kafka.drain import wait_drained
from streams.kafka.reading import read_to_end
from streams.local.processes import WorkerProcess, start_worker
from streams.settings import Settings
from tests.support.alerting import told
from tests.support.journeys import current
from tests.support.records import each_of
from tests.support.waiting import until

Headers = list[tuple[str, bytes]]


@dataclass
class System:
    """One deployment; ``workers`` are the processes that `run` started, in order."""

    settings: Settings
    logs: Path
    workers: list[WorkerProcess] = field(default_factory=list)

    async def create(self) -> "System":
        await topics.create(connection_of(self.settings), topics.wanted(self.settings))
        return self

    @asynccontextmanager
    async def run(self, count: int = 1) -> AsyncIterator["System"]:
        """``count`` ready workers; whatever is left of them ends with the block."""
        try:
            for _ in range(count):
                await self.add_worker()
            for worker in self.workers:
                await worker.wait_ready()
            yield self
        finally:
            await asyncio.gather(*(worker.stop() for worker in self.workers))
            self.workers.clear()

    async def add_worker(self) -> WorkerProcess:
        name = f"worker-{len(self.workers) + 1}-{time.monotonic_ns() % 10**6}"
        worker = await start_worker(self.settings, name, self.logs / f"{name}.log")
        self.workers.append(worker)
        return worker

    def topic(self, name: str) -> str:
        return self.settings.topic_prefix + name

    async def publish(
        self, records: list[tuple[str, bytes | None, bytes | None]], headers: Headers | None = None
    ) -> None:
        """Raw records as (topic, key, value), in order per partition."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers, max_request_size=2 << 20)
        await producer.start()
        try:
            sent = [await producer.send(self.topic(t), key=k, value=v, headers=headers) for t, k, v in records]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def events(self, *events: dict[str, Any]) -> None:
        """Contract events, each to its topic with its key."""
        await self.publish([(*home(event), orjson.dumps(event)) for event in events])

    async def drained(self, seconds: float = 60) -> None:
        assert await wait_drained(self.settings, seconds), "the pipeline did not work everything off"

    async def ticks(self, times: int = 2) -> None:
        """Wait until stream time has moved on so often in all agents: whatever it makes due by then has happened.

        Each agent tells the next one of it with every tick, in every partition, whether there are events or not.
        """
        before = await self._told()
        await until(lambda: self._have_told(before, times), 60)

    async def _told(self) -> Counter[int]:
        """How often the last of the agents was told where stream time is, by partition."""
        records = read_to_end(connection_of(self.settings), [self.topic("contact.measurements")])
        return Counter([record.partition async for record in records if record.key is None])

    async def _have_told(self, before: Counter[int], times: int) -> bool:
        now = await self._told()
        return all(
            now[partition] >= before[partition] + times
            for partition in range(registry.topics()["contact.measurements"].partitions)
        )

    async def read(self, name: str) -> list[dict[str, Any]]:
        """Decoded values of a topic, in the order of their partitions; of ``alerts`` each step, in one form."""
        if name == "alerts":
            return [told(step) for step in await self.values("alert.events")]
        return await self.values(name)

    async def values(self, name: str) -> list[dict[str, Any]]:
        """The same as it lies there."""
        records = read_to_end(connection_of(self.settings), [self.topic(name)])
        found = [orjson.loads(record.value) async for record in records if record.value is not None]
        return [each for doc in found for each in each_of(doc)]

    async def newest(self, name: str) -> dict[str, dict[str, Any]]:
        """Key → newest value of a topic."""
        found: dict[str, dict[str, Any]] = {}
        async for record in read_to_end(connection_of(self.settings), [self.topic(name)]):
            if record.value is not None:
                found[record.key.decode()] = orjson.loads(record.value)
        return found

    async def journeys(self) -> dict[str, dict[str, Any]]:
        """Customer → the one of its journeys that was heard of last, of those that stand."""
        found: dict[bytes, bytes | None] = {}
        async for record in read_to_end(connection_of(self.settings), [self.topic("journeys")]):
            found[record.key] = record.value
        return current(orjson.loads(value) for value in found.values() if value is not None)

    async def dead_letters(self) -> dict[bytes, tuple[str, str | None]]:
        """Original value → (reason, path)."""
        letters = await self.read("contacts.dead-letters")
        return {base64.b64decode(letter["payload"]): (letter["reason"], letter["path"]) for letter in letters}

    async def check_contract(self) -> dict[str, int]:
        """Every record of every output and internal topic validates; returns how many there were."""
        counts = {}
        for spec in registry.topics().values():
            if spec.direction == "input":
                continue
            values = await self.values(spec.topic)
            problems = [(value, problem) for value in values if (problem := spec.check(value))]
            assert not problems, f"{spec.topic}: {problems[0]}"
            counts[spec.topic] = len(values)
        return counts


def home(event: dict[str, Any]) -> tuple[str, bytes]:
    """Topic and key of an event."""
    topic, key = routing.route(event)
    return topic, key.encode()


def event(kind: str, contact: str, at: float | None = None, **data: Any) -> dict[str, Any]:
    """A contact event; ``at`` in seconds since the epoch, now by default; ``channel`` voice unless given."""
    moment = time.time() if at is None else at
    return {
        "specversion": "1.0",
        "id": f"{contact}:{kind}:{moment:.3f}:{data.get('text', '')}",
        "source": "/tests",
        "type": kind,
        "time": iso(int(moment * 1000)),
        "data": {"contact_id": contact, "channel": "voice", **data},
    }
