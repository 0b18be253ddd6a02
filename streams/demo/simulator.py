"""The simulated centre as a source of events: what is published, in time order, from a seed.

Everything follows from the settings: one random source, and an event list whose order is fixed. No clock, no I/O.
"""

from collections.abc import Iterator

from streams.demo import before, given_on, malformed, stories
from streams.demo.parts import Emission, Settings
from streams.demo.truth import Truth
from streams.demo.world import Steps, World

__all__ = ["Emission", "Settings", "Simulation"]


class Simulation:
    """A centre that is open for as long as :meth:`emissions` is read, and what came in on the days before."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._world = World(settings)
        self._length_ms = 0
        self.end_ms: int | None = None
        """When the simulation ended; None while it has not."""

    def stop(self) -> None:
        """Let :meth:`emissions` end soon: at the next whole ten seconds."""
        self._length_ms = min(self._length_ms, _whole(max(int(self._world.env.now), 0)))

    @property
    def truth(self) -> Truth:
        """What really happened up to the last emission read."""
        return self._world.truth

    def emissions(self, length_ms: int) -> Iterator[Emission]:
        """What is published up to ``length_ms`` after the doors opened, in time order; the truth is closed at its end.

        The length is rounded up to whole ten seconds.

        The customers' profiles come first, all at the line's beginning, and what came in on the days before until the
        doors open; then nothing comes at the start itself but states of agents: contacts come later.
        """
        world, self._length_ms = self._world, _whole(length_ms)
        for process in (world.introduce(), given_on.number(world), *before.conversations(world), _opening(world)):
            world.env.process(process)
        while world.env.peek() <= self._length_ms:
            world.env.step()
            yield from world.take_published()
        self.end_ms = self.settings.start_ms + self._length_ms
        world.close(self.end_ms)


def _opening(world: World) -> Steps:
    """The doors open: staff, customers and mishaps of the day."""
    if world.env.now < 0:
        yield world.env.timeout(-world.env.now)
    staff = [world.work(agent) for agent in world.agents]
    for process in (*staff, *stories.arrivals(world), malformed.mishaps(world)):
        world.env.process(process)


def _whole(length_ms: int) -> int:
    return -(-length_ms // 10_000) * 10_000
