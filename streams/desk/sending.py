"""Publishing what people say: one connection that is kept, and opened anew when it has failed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from schemas import routing
from streams.base.errors import BrokerError, TopicMissing
from streams.engine.connection import Connection
from streams.kafka.lanes import Lanes

SECONDS = 10.0
"""For the broker to take a record."""
Record = tuple[str, bytes, bytes]
"""Topic without the prefix, key, value."""


def record_of(event: Mapping[str, Any]) -> Record:
    """An event of the contract, where it belongs."""
    topic, key = routing.route(event)
    return topic, key.encode(), orjson.dumps(event)


class Sender:
    """Publishes to some topics, in the order of the calls; close it in the end."""

    def __init__(self, connection: Connection, prefix: str, topics: Sequence[str]) -> None:
        self._connection, self._prefix, self._topics = connection, prefix, topics
        self._lanes: Lanes | None = None
        self._one = asyncio.Lock()

    async def send(self, record: Record) -> None:
        """Wait until the broker has it. Raises `BrokerError`, `TopicMissing`."""
        topic, key, value = record
        async with self._one:
            try:
                async with asyncio.timeout(SECONDS):
                    lanes = self._lanes = self._lanes or await self._opened()
                    await lanes.append(self._prefix + topic, key, value)
                    await lanes.flush()
            except TimeoutError:
                await self._close()
                raise BrokerError(f"{self._connection.servers} did not take the record in {SECONDS:g} s") from None
            except BaseException:
                await self._close()
                raise

    async def close(self) -> None:
        """Nothing is sent any more."""
        async with self._one:
            await self._close()

    async def _opened(self) -> Lanes:
        lanes = Lanes(self._connection, BrokerError)
        try:
            missing = await lanes.open([self._prefix + topic for topic in self._topics])
        except BaseException:
            await lanes.close()
            raise
        if missing:
            await lanes.close()
            raise TopicMissing(f"topic {missing[0]} is not on the broker; run `contact-streams topics create`")
        return lanes

    async def _close(self) -> None:
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            await lanes.close()
