"""Publishing events of one replay in time order, with the control events that drive the line's watermark.

    async with ReplayPublisher(connection, prefix, "demo-1", ["contacts.voice"], started_at=first_ms - 1) as publisher:
        for event in events:                    # CloudEvents as dicts, by time
            await publisher.publish(event)
        await publisher.end(last_ms, {})

Each partition of each topic gets ``replay.started``, then the events and, between them, ``replay.progressed``, and at
last ``replay.ended``; the order within a partition is the order of the calls. The records' Kafka timestamps are the
time of publishing, not the events' time, since the broker deletes records by their timestamp.
"""

import uuid
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Literal, Self

import orjson

from schemas.routing import route
from streams.base.errors import TopicMissing
from streams.base.times import iso
from streams.engine.connection import Connection
from streams.kafka.lanes import Lanes
from streams.replay.errors import PublishError

SOURCE = "urn:contact-streams:replay"
"""CloudEvents source of the control events."""
Control = Literal["replay.started", "replay.progressed", "replay.ended"]


class ReplayPublisher:
    """Publishes one replay; an async context manager.

    ``topics`` are the contract's names of all topics the replay will write to, ``started_at`` is a time in ms before
    its first event. Leaving the block waits until everything is acknowledged; only `end` says that the replay is
    complete, so one that broke off leaves its line open and can be published again (the same events: duplicates change
    nothing).

    Raises TopicMissing, PublishError.
    """

    def __init__(
        self, connection: Connection, topic_prefix: str, replay_id: str, topics: Collection[str], *, started_at: int
    ) -> None:
        self.replay_id = replay_id
        self.published = 0
        self._connection = connection
        self._prefix = topic_prefix
        self._topics = sorted(topics)
        self._reached = started_at
        self._lanes = Lanes(connection, PublishError)
        # Not a function of the replay: the control events of a second run are new events, not repeated ones.
        self._run = uuid.uuid4().hex[:12]
        self._controls = 0

    async def __aenter__(self) -> Self:
        try:
            await self._open()
            await self._control("replay.started", self._reached)
        except BaseException:
            await self._lanes.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.flush()
        finally:
            await self._lanes.close()

    async def publish(self, event: dict[str, Any]) -> None:
        """Publish one CloudEvent (a dict with ``time`` as text and ``data``), not earlier than the one before it.

        ``replayid`` is set to the publisher's own. Returns as soon as the event is in a batch; waits only for room.
        """
        topic, key = route(event)
        if topic not in self._topics:
            raise PublishError(
                f"{event['type']} belongs to {topic}, which is not among the replay's topics {self._topics}"
            )
        if event.get("replayid") != self.replay_id:
            event = {**event, "replayid": self.replay_id}
        await self.publish_raw(topic, key, orjson.dumps(event))
        self.published += 1

    async def publish_raw(self, topic: str, key: str, value: bytes) -> None:
        """Publish bytes as they are, in their place among the events."""
        await self._lanes.append(self._prefix + topic, key.encode(), value)

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
        await self._lanes.dispatch()

    async def flush(self) -> None:
        """Send everything and wait until the broker has it. Raises PublishError."""
        await self._lanes.flush()

    async def _open(self) -> None:
        missing = await self._lanes.open([self._prefix + topic for topic in self._topics])
        if missing:
            where = f"topic missing at {self._connection.servers}: {', '.join(missing)}"
            raise TopicMissing(f"{where}: run contact-streams topics create")

    async def _control(self, kind: Control, time: int, counts: Mapping[str, Any] | None = None) -> None:
        self._reached = time
        self._controls += 1
        event = {
            "specversion": "1.0",
            "id": f"{self.replay_id}:{self._run}:{self._controls}",
            "source": SOURCE,
            "type": kind,
            "time": iso(time),
            "datacontenttype": "application/json",
            "replayid": self.replay_id,
            "data": {
                "replay_id": self.replay_id,
                "topics": self._topics,
                "counts": {**(counts or {}), "published": self.published},
            },
        }
        key, value = f"replay:{self.replay_id}".encode(), orjson.dumps(event)
        await self._lanes.append_everywhere(key, value)
        await self.dispatch()
