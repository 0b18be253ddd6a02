"""Publishing events of one replay in time order, with the control events that drive the line's watermark.

    async with ReplayPublisher(servers, prefix, "demo-1", ["contacts.voice"], started_at=first_ms - 1) as publisher:
        for event in events:                    # CloudEvents as dicts, by time
            await publisher.publish(event)
        await publisher.end(last_ms, {})

Each partition of each topic gets ``replay.started``, then the events and, between them, ``replay.progressed``, and at
last ``replay.ended``; the order within a partition is the order of the calls. The records' Kafka timestamps are the
time of publishing, not the events' time, since the broker deletes records by their timestamp.
"""

import asyncio
import logging
import uuid
from collections.abc import Collection, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, Self

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from streams.base.errors import TopicMissing
from streams.local.probe import unreachable
from streams.replay.errors import PublishError
from streams.replay.times import to_rfc3339

SOURCE = "urn:contact-streams:replay"
"""CloudEvents source of the control events."""
BATCH_BYTES = 256 * 1024
Control = Literal["replay.started", "replay.progressed", "replay.ended"]

_KEYS = {"customer.profile_changed": "customer_id", "agent.state_changed": "agent_id", "alert.commanded": "alert_id"}
_TOPICS = {
    "customer.profile_changed": "customers.profile",
    "agent.state_changed": "agents.state",
    "alert.commanded": "alert.commands",
}
_partitioner = DefaultPartitioner()
_log = logging.getLogger(__name__)


def route(event: Mapping[str, Any]) -> tuple[str, str]:
    """(topic without prefix, key) of an event of the contract."""
    kind, data = event["type"], event["data"]
    if kind in _TOPICS:
        return _TOPICS[kind], data[_KEYS[kind]]
    return f"contacts.{data['channel']}", data["contact_id"]


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


class ReplayPublisher:
    """Publishes one replay; an async context manager.

    ``topics`` are the contract's names of all topics the replay will write to, ``started_at`` is a time in ms before
    its first event. Leaving the block waits until everything is acknowledged; only `end` says that the replay is
    complete, so one that broke off leaves its line open and can be published again (the same events: duplicates change
    nothing).

    Raises TopicMissing, PublishError.
    """

    def __init__(
        self, bootstrap_servers: str, topic_prefix: str, replay_id: str, topics: Collection[str], *, started_at: int
    ) -> None:
        self.replay_id = replay_id
        self.published = 0
        self._servers = bootstrap_servers
        self._prefix = topic_prefix
        self._topics = sorted(topics)
        self._reached = started_at
        self._lanes: dict[str, list[_Lane]] = {}
        self._producer: AIOKafkaProducer | None = None
        self._in_flight: set[asyncio.Future[Any]] = set()
        self._failure: BaseException | None = None
        # Not a function of the replay: the control events of a second run are new events, not repeated ones.
        self._run = uuid.uuid4().hex[:12]
        self._controls = 0

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._servers, enable_idempotence=True, max_batch_size=BATCH_BYTES, linger_ms=0
        )
        try:
            await self._producer.start()
            await self._find_lanes()
            await self._control("replay.started", self._reached)
        except KafkaError as error:
            await self._stop()
            raise PublishError(await asyncio.to_thread(unreachable, self._servers, error)) from error
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.flush()
        finally:
            await self._stop()

    async def publish(self, event: dict[str, Any]) -> None:
        """Publish one CloudEvent (a dict with ``time`` as text and ``data``), not earlier than the one before it.

        ``replayid`` is set to the publisher's own. Returns as soon as the event is in a batch; waits only for room.
        """
        topic, key = route(event)
        lanes = self._lanes.get(topic)
        if lanes is None:
            raise PublishError(
                f"{event['type']} belongs to {topic}, which is not among the replay's topics {self._topics}"
            )
        if event.get("replayid") != self.replay_id:
            event = {**event, "replayid": self.replay_id}
        encoded = key.encode()
        await self._append(lanes[partition_of(encoded, len(lanes))], encoded, orjson.dumps(event))
        self.published += 1

    async def progress(self, time: int) -> None:
        """Say on every partition that every event at or before ``time`` (ms) is published; sends all batches off.

        A time that is not later than the one before it only sends the batches off.
        """
        if time > self._reached:
            await self._control("replay.progressed", time)
        else:
            await self.dispatch()

    async def end(self, time: int, counts: Mapping[str, Any]) -> None:
        """Say on every partition that the replay is complete at ``time`` (ms), and wait for the acknowledgements.

        ``counts`` is published with it; ``published`` is added.
        """
        await self._control("replay.ended", max(time, self._reached), counts)
        await self.flush()

    async def dispatch(self) -> None:
        """Send all batches off without waiting for their acknowledgements."""
        for lanes in self._lanes.values():
            for lane in lanes:
                await self._send(lane)

    async def flush(self) -> None:
        """Send everything and wait until the broker has it. Raises PublishError."""
        await self.dispatch()
        if self._in_flight:
            await asyncio.wait(self._in_flight)
        await asyncio.sleep(0)  # lets the callbacks of the futures run
        self._raise_failure()

    async def _find_lanes(self) -> None:
        # All topics are asked for, not the wanted ones: a broker may create a topic that is asked for by name.
        cluster = await self._ready.client.fetch_all_metadata()
        names = {topic: self._prefix + topic for topic in self._topics}
        missing = sorted(name for name in names.values() if name not in cluster.topics())
        if missing:
            raise TopicMissing(
                f"topic missing at {self._servers}: {', '.join(missing)}: run contact-streams topics create"
            )
        for topic, name in names.items():
            count = len(cluster.partitions_for_topic(name))
            self._lanes[topic] = [_Lane(name, partition) for partition in range(count)]

    async def _control(self, kind: Control, time: int, counts: Mapping[str, Any] | None = None) -> None:
        self._reached = time
        self._controls += 1
        event = {
            "specversion": "1.0",
            "id": f"{self.replay_id}:{self._run}:{self._controls}",
            "source": SOURCE,
            "type": kind,
            "time": to_rfc3339(time),
            "datacontenttype": "application/json",
            "replayid": self.replay_id,
            "data": {
                "replay_id": self.replay_id,
                "topics": self._topics,
                "counts": {**(counts or {}), "published": self.published},
            },
        }
        key, value = f"replay:{self.replay_id}".encode(), orjson.dumps(event)
        for lanes in self._lanes.values():
            for lane in lanes:
                await self._append(lane, key, value)
        await self.dispatch()

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
            raise PublishError(f"{lane.topic}: the broker did not take a batch: {error!r}") from error
        self._in_flight.add(future)
        future.add_done_callback(self._acknowledged)

    def _acknowledged(self, future: "asyncio.Future[Any]") -> None:
        self._in_flight.discard(future)
        if not future.cancelled() and future.exception() is not None:
            self._failure = self._failure or future.exception()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise PublishError(f"the broker did not take a batch: {self._failure!r}") from self._failure

    @property
    def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise PublishError("the publisher is used outside its async with block")
        return self._producer

    async def _stop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await producer.stop()
        except KafkaError as error:
            _log.warning("the producer did not stop cleanly: %r", error)
