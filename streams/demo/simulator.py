"""The simulated centre as a source of events: what is published, in time order, from a seed.

Everything follows from the settings: one random source, and an event list whose order is fixed. No clock, no I/O.
"""

from collections.abc import Iterator

from streams.demo import malformed, stories
from streams.demo.truth import Truth
from streams.demo.world import Emission, Settings, World

__all__ = ["Emission", "Settings", "Simulation"]


class Simulation:
    """A centre that is open for as long as :meth:`emissions` is read."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._world = World(settings)
        self._length_ms = 0
        self.end_ms: int | None = None
        """When the simulation ended; None while it has not."""

    def stop(self) -> None:
        """Let :meth:`emissions` end soon: at the next whole ten seconds."""
        self._length_ms = min(self._length_ms, _whole(int(self._world.env.now)))

    @property
    def truth(self) -> Truth:
        """What really happened up to the last emission read."""
        return self._world.truth

    def emissions(self, length_ms: int) -> Iterator[Emission]:
        """What is published in the first ``length_ms``, in time order; the truth is closed at its end.

        The length is rounded up to whole ten seconds.

        The customers' profiles come first, all at the start itself; contacts start later.
        """
        world, self._length_ms = self._world, _whole(length_ms)
        staff = [world.work(agent) for agent in world.agents]
        for process in (world.introduce(), *staff, *stories.arrivals(world), malformed.mishaps(world)):
            world.env.process(process)
        while world.env.peek() <= self._length_ms:
            world.env.step()
            yield from world.take_published()
        self.end_ms = self.settings.start_ms + self._length_ms
        world.truth.close(self.end_ms)


def _whole(length_ms: int) -> int:
    return -(-length_ms // 10_000) * 10_000
