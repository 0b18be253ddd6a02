"""Tasks without a broker: producers that remember, and changelogs that say what a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from streams.engine import Connection, Inlet, Storage, TaskInfo
from streams.engine.changelog import Restored
from streams.engine.task import Common, Task

INPUT = TopicPartition("in", 0)
COUNT = Inlet("count", ("in",), lambda info, tables: SimpleNamespace(), lambda failure, out: None)


class Producer:
    """Of a task: tells when it is started and stopped."""

    def __init__(self, told: list[str], name: str) -> None:
        self.told, self.name = told, name
        self.client = SimpleNamespace(close=self._closed)

    async def stop(self) -> None:
        self.told.append(f"stop {self.name}")

    async def _closed(self) -> None:
        pass


@dataclass
class Changelogs:
    """What all changelogs of a test hold, and what was done to them and the producers, in order."""

    end: int = 7
    position: int = 5
    told: list[str] = field(default_factory=list)
    let_read: asyncio.Event = field(default_factory=asyncio.Event)
    """Nobody comes to the end before it is set."""
    reading: int = 0
    most_reading: int = 0
    failures: list[Exception] = field(default_factory=list)
    """What the next reads raise."""

    def __post_init__(self) -> None:
        self.let_read.set()

    async def start(self, producer: Producer) -> None:
        self.told.append(f"fence {producer.name}")

    @asynccontextmanager
    async def opened(self, bootstrap: str, partition: TopicPartition) -> AsyncIterator[Any]:
        async def read(rows: Any, progress: Any, since: int = 0) -> Restored:
            self.told.append(f"read {partition.topic}-{partition.partition}")
            self.reading += 1
            self.most_reading = max(self.most_reading, self.reading)
            try:
                await self.let_read.wait()
            finally:
                self.reading -= 1
            if self.failures:
                raise self.failures.pop(0)
            return Restored({"in": self.position}, id="s", end=self.end, records=2)

        async def look() -> None:
            pass

        yield SimpleNamespace(stable=self.end, end=self.end, read=read, look=look)


def a_task(partition: int = 0) -> Task:
    """One that was just made, of partition 0 of the topic ``in``."""
    info = TaskInfo("count", partition, 1, ("in",))
    return Task(COUNT, info, [INPUT], {"in": "now"}, Common(Connection("broker:1"), "app", Storage()))


async def a_ready_task() -> Task:
    """One to which batches may be handed."""
    task = a_task()
    await task.restore(lambda done, total: None, 1000)
    task.restored()
    task.begin({INPUT: 0})
    return task
