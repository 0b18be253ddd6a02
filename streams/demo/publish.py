"""Publishing the simulation: as a replay, at its pace, with the broken records in between."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from schemas import routing
from streams.demo.centre import ARRIVALS
from streams.demo.parts import SECOND_MS
from streams.demo.simulator import Emission, Simulation

STEP_S = 0.05
PROGRESS_EVERY_S = 0.2


def topics() -> tuple[str, ...]:
    """What the simulated centre publishes to."""
    return (
        *(routing.channels()[channel] for channel in ARRIVALS),
        "customers.profile",
        "agents.state",
        "identity.commands",
    )


class Publisher(Protocol):
    """What the pace needs of a publisher."""

    async def publish(self, event: dict[str, object]) -> None: ...
    async def publish_raw(self, topic: str, key: str, value: bytes) -> None: ...
    async def progress(self, time: int) -> None: ...


async def publish(publisher: Publisher, emission: Emission) -> None:
    """One record of the simulation."""
    if emission.event is not None:
        await publisher.publish(emission.event)
    else:
        await publisher.publish_raw(emission.topic, emission.key, emission.raw or b"")


class Pace:
    """Publishes emissions when simulated time, ``speed`` times as fast as the wall clock, reaches them."""

    def __init__(
        self,
        start_ms: int,
        speed: float,
        wall: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._start_ms, self._speed, self._wall, self._sleep = start_ms, speed, wall, sleep
        self._began: float | None = None
        self.published = 0

    @property
    def now(self) -> int:
        """Simulated time, ms since the epoch."""
        passed = self._wall() - self._began if self._began is not None else 0.0
        return self._start_ms + int(passed * 1000 * self._speed)

    async def run(self, emissions: Iterator[Emission], publisher: Publisher, simulation: Simulation) -> None:
        """Publish all of the simulation's emissions, and return when its end is reached."""
        self._began = said = self._wall()
        pending = next(emissions, None)
        while True:
            now = self.now
            while pending is not None and pending.time <= now:
                await publish(publisher, pending)
                self.published += 1
                pending = next(emissions, None)
            if pending is None and now >= (simulation.end_ms or 0):
                return
            if self._wall() - said >= PROGRESS_EVERY_S:
                said = self._wall()
                # Of a channel that stamps whole seconds, what comes next may bear the second that has begun.
                await publisher.progress(now // SECOND_MS * SECOND_MS - 1)
            await self._sleep(STEP_S)
