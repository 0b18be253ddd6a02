"""The story on Kafka: events go to the input topics as connectors publish them, and every output topic is read."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

import orjson

from schemas import flow, registry, routing
from streams.base.errors import TopicMissing
from streams.demo.story_parts import Act, Line
from streams.demo.story_records import Record
from streams.engine.connection import Connection, Consumer
from streams.engine.fetching import adapt
from streams.kafka.connection import open_consumer
from streams.kafka.lanes import Lanes
from streams.kafka.reading import OpenTransaction, partitions_of, settled_ends
from streams.replay.errors import PublishError
from streams.replay.publish import ReplayPublisher

OUTPUTS = tuple(flow.published())
INPUTS = tuple(spec.topic for spec in registry.topics().values() if spec.direction == "input")
POLL_MS = 100


class KafkaWire:
    """Publishes and reads by one prefix, from the beginning of its topics; an async context manager.

    ``wait_drained``: waits up to so many seconds until the pipeline has worked off all that was published.
    Raises BrokerError, PublishError, TopicMissing.
    """

    def __init__(
        self,
        connection: Connection,
        prefix: str,
        lines: Mapping[str, Line],
        wait_drained: Callable[[float], Awaitable[bool]],
    ) -> None:
        self._connection, self._prefix, self._lines, self._wait_drained = connection, prefix, lines, wait_drained
        self._stack, self._replays = AsyncExitStack(), dict[str, ReplayPublisher]()
        self._lanes = Lanes(connection, PublishError)
        self._reader: Consumer
        self._asking: Consumer
        """Reads nothing: of where partitions end."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            committed = open_consumer(
                self._connection,
                isolation_level="read_committed",
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                fetch_max_wait_ms=POLL_MS,
            )
            self._reader = await opened.enter_async_context(committed)
            adapt(self._reader)
            self._reader.assign(await partitions_of(self._reader, [self._prefix + topic for topic in OUTPUTS]))
            asking = open_consumer(self._connection, isolation_level="read_committed", fetch_max_wait_ms=POLL_MS)
            self._asking = await opened.enter_async_context(asking)
            opened.push_async_callback(self._lanes.close)
            if missing := await self._lanes.open([self._prefix + topic for topic in INPUTS]):
                raise TopicMissing(f"topic missing at {self._connection.servers}: {', '.join(missing)}")
            self._stack = opened.pop_all()
        return self

    async def __aexit__(self, *about: Any) -> None:
        await self._stack.__aexit__(*about)

    async def tell(self, act: Act) -> None:
        """Publish the act's events, and say how far time has come."""
        if not act.line:
            for event in act.events:
                topic, key = routing.route(event)
                await self._lanes.append(self._prefix + topic, key.encode(), orjson.dumps(event))
            await self._lanes.flush()
            return
        replay = self._replays.get(act.line) or await self._begin(act.line)
        for event in act.events:
            await replay.publish(event)
        if act.until is not None:
            await (replay.end(act.until, {}) if act.ends else replay.progress(act.until))
        await replay.flush()

    async def more(self, seconds: float) -> list[Record]:
        """What has come since; waits so long for something to come."""
        batches = await self._reader.getmany(timeout_ms=int(seconds * 1000))
        return [self._record(record) for records in batches.values() for record in records if told(record)]

    async def settle(self, seconds: float) -> list[Record] | None:
        """Wait until all that was told has come out, and read it; None when it takes longer."""
        if not await self._wait_drained(seconds):
            return None
        try:
            ends = await settled_ends(self._asking, self._reader.assignment())
        except OpenTransaction:
            return None
        found: list[Record] = []
        while [tp for tp, end in ends.items() if await self._reader.position(tp) < end]:
            found += await self.more(POLL_MS / 1000)
        return found

    async def _begin(self, line: str) -> ReplayPublisher:
        about = self._lines[line]
        publisher = ReplayPublisher(self._connection, self._prefix, line, about.topics, started_at=about.started_at)
        self._replays[line] = await self._stack.enter_async_context(publisher)
        return self._replays[line]

    def _record(self, record: Any) -> Record:
        topic, key, value = record.topic.removeprefix(self._prefix), record.key.decode(), record.value
        return Record(topic, record.partition, record.offset, key, None if value is None else orjson.loads(value))


def told(record: Any) -> bool:
    """Is it a record of ours, and not one that cannot be taken apart?"""
    return getattr(record, "key", None) is not None
