"""What the routes stand on: what is followed, looked up, said and streamed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from streams.api.audit import TOPICS, Voice
from streams.api.gate import Keys
from streams.api.live import Streams
from streams.api.metrics import ApiMetrics
from streams.api.problems import Refused
from streams.desk import reading
from streams.desk.board import Held
from streams.desk.following import Follower
from streams.desk.journeys import Journeys
from streams.desk.sending import Sender
from streams.desk.tail import told_to_end
from streams.engine.connection import Connection

T = TypeVar("T")

MOST_LOOKS = 4
"""Looks at whole topics at the same time; more wait their turn, for so long."""
LOOK_SECONDS = 30.0
MOST_STREAMS, MOST_STREAMS_EACH = 200, 10


@dataclass
class Desk:
    """One for a process."""

    connection: Connection
    prefix: str
    rules_dir: Path | None
    keys: Keys
    metrics: ApiMetrics = field(default_factory=ApiMetrics)

    def __post_init__(self) -> None:
        self.follower = Follower(self.connection, self.prefix)
        self.journeys = Journeys(self.connection, self.prefix)
        self.streams = Streams(self.follower, MOST_STREAMS, MOST_STREAMS_EACH)
        self.sender = Sender(self.connection, self.prefix, TOPICS)
        self.voice = Voice(self.sender, self.metrics)
        self._looks = asyncio.Semaphore(MOST_LOOKS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The topics are followed for as long as the block lasts."""
        following = [asyncio.create_task(tail.run()) for tail in (self.follower.tail, self.journeys.tail)]
        try:
            yield
        finally:
            self.streams.stopping.set()
            for each in following:
                each.cancel()
            await asyncio.wait(following)
            await self.sender.close()

    def known(self) -> Follower:
        """What is followed, once it was read to its end. Raises `Refused`."""
        if not self.follower.tail.caught_up.is_set():
            raise Refused(503, "not-now", self.follower.tail.why or "the topics are being read", {"Retry-After": "2"})
        return self.follower

    async def steps(self, alert: Held, *, every: bool) -> list[dict[str, Any]]:
        """Of an alert."""
        return await self._look(lambda: reading.steps(self.connection, self.prefix, alert, all_episodes=every))

    async def journey(self, alert: Held) -> dict[str, Any]:
        """Of its customer."""
        return await self._look(lambda: self.journeys.find(alert))

    async def _look(self, look: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._looks:
                return await look()
        except TimeoutError:
            raise _not_now(f"the topic could not be read in {LOOK_SECONDS:g} s") from None
        except asyncio.CancelledError:
            if told_to_end():
                raise
            raise _not_now("the broker has not answered") from None


def _not_now(why: str) -> Refused:
    return Refused(503, "not-now", why, {"Retry-After": "30"})
