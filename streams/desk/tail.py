"""Some topics read as they grow, for as long as it is wanted: when the broker is away it is tried again."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from streams.base.errors import UserError
from streams.engine import Unfetchable
from streams.engine.connection import Connection, Consumer
from streams.engine.fetching import adapt
from streams.kafka.connection import open_consumer
from streams.kafka.reading import partitions_of, settled_ends

log = logging.getLogger(__name__)

AGAIN_SECONDS = (0.5, 15.0)
"""Between two tries to read, when the broker is away: at first, at most."""
ASK_SECONDS, STALE_SECONDS = 5.0, 15.0
"""Between two questions whether the broker is there; without an answer for so long it is not."""

AT_ONCE = 100
"""Records between two turns of others on the event loop."""


@dataclass(frozen=True)
class Topic:
    """One that is read: ``take`` is handed each record (topic, partition, offset, key, value)."""

    take: Callable[[Any], None]
    from_now: bool = False
    """Not from its beginning."""
    begins: Callable[[int, int], None] = lambda partition, offset: None
    """Told where reading of a partition begins, or goes on."""


class Tail:
    """Topics by their names on the broker. A reader that lost the broker goes on where it stood."""

    def __init__(self, connection: Connection, topics: Mapping[str, Topic]) -> None:
        self._connection, self._topics = connection, topics
        self.caught_up = asyncio.Event()
        """All that there was when it began has been read."""
        self._why: str | None = "the topics are being read"
        self._answered = time.monotonic()
        self._next: dict[TopicPartition, int] = {}

    @property
    def why(self) -> str | None:
        """What keeps it from knowing what the topics say now."""
        quiet = time.monotonic() - self._answered
        if self._why is None and quiet > ASK_SECONDS + STALE_SECONDS:
            return f"the broker has not answered for {quiet:.0f} s"
        return self._why

    async def run(self) -> None:
        """Until it is cancelled."""
        pause, most = AGAIN_SECONDS
        while True:
            try:
                await self._read()
            except asyncio.CancelledError:
                if told_to_end():
                    raise
                self._failed("the broker has not answered")  # the client is stopped while it waits for one
            except UserError as error:
                self._failed(str(error))
            except Exception as error:
                log.exception("the topics could not be read; trying again")
                self._why = f"the topics could not be read: {type(error).__name__}"
            pause = AGAIN_SECONDS[0] if time.monotonic() - self._answered < most else min(2 * pause, most)
            await asyncio.sleep(pause)

    def _failed(self, why: str) -> None:
        if self._why != why:
            log.warning("%s; trying again", why)
        self._why = why

    async def _read(self) -> None:
        committed = open_consumer(
            self._connection, isolation_level="read_committed", auto_offset_reset="earliest", fetch_max_wait_ms=100
        )
        async with committed as consumer:
            adapt(consumer)
            tps = await partitions_of(consumer, self._topics)
            ends = await settled_ends(consumer, tps)
            consumer.assign(tps)
            await self._seek(consumer, tps, ends)
            self._answered = time.monotonic()
            behind = {tp for tp in tps if ends[tp]}
            while True:
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    take = self._topics[tp.topic].take
                    for number, record in enumerate(records, 1):
                        if type(record) is not Unfetchable:
                            take(record)
                        if not number % AT_ONCE:
                            await asyncio.sleep(0)
                    self._next[tp] = await consumer.position(tp)
                await self._ask(consumer, tps)
                if behind:
                    behind = {tp for tp in behind if await consumer.position(tp) < ends[tp]}
                if not behind:
                    self._why = None
                    self.caught_up.set()

    async def _ask(self, consumer: Consumer, tps: list[TopicPartition]) -> None:
        """Does the broker still answer? A poll does not tell: it finds nothing new, and nothing more. Raises what the
        client does.
        """
        if time.monotonic() - self._answered >= ASK_SECONDS:
            await asyncio.wait_for(consumer.end_offsets(tps), STALE_SECONDS)
            self._answered = time.monotonic()

    async def _seek(self, consumer: Consumer, tps: list[TopicPartition], ends: Mapping[TopicPartition, int]) -> None:
        begins = await consumer.beginning_offsets(tps)
        for tp in tps:
            topic = self._topics[tp.topic]
            first = ends[tp] if topic.from_now else begins[tp]
            known = self._next.get(tp, first)
            at = known if begins[tp] <= known <= ends[tp] else first
            consumer.seek(tp, at)
            topic.begins(tp.partition, at)


def told_to_end() -> bool:
    """Was this task cancelled? A client that is stopped while it waits for a broker raises that by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
