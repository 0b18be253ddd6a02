"""The tasks of a worker: what polling (`source`) and take-over (`takeover`) share, and others may look at."""

import asyncio
import time
from collections.abc import Iterable

from streams.engine.life import State
from streams.engine.task import Task

TaskKey = tuple[str, int]
"""Name of the inlet, and partition."""
IDLE_WAIT_SECONDS = 0.1


class Tasks:
    """Which partitions the group wants here, and the tasks that are held for them."""

    def __init__(self) -> None:
        self.owned: dict[TaskKey, Task] = {}
        """Those that are neither lost nor given away."""
        self.wanted: set[TaskKey] = set()
        self.generation = 0
        """Counts assignments and their ends: what was begun in an older one is outdated."""
        self.joined = False
        """Has the group given this worker an assignment (even an empty one)?"""
        self.settled = False
        """Is the worker a member of the group's present generation, as far as it knows?"""
        self.polling = asyncio.Lock()
        """Held while a poll is in flight: a poll begun before a seek could swallow records fetched after it."""
        self.wake = asyncio.Event()
        """Set when there may be something to do at once: records have come, a batch has ended, a task is ready."""

    @property
    def ready(self) -> set[TaskKey]:
        """Those to which batches are handed."""
        return {key for key, task in self.owned.items() if task.state is State.READY}

    def suspend(self) -> None:
        """No batch begins, and what was begun in this generation is outdated."""
        self.generation += 1
        for key in self.ready:
            self.owned[key].suspend()

    def revoked(self) -> None:
        """The group rebalances; it will say anew what it wants here."""
        self.settled = False
        self.suspend()

    def assigned(self, keys: Iterable[TaskKey]) -> None:
        """The group wants these here."""
        self.suspend()
        self.joined = self.settled = True
        self.wanted = set(keys)

    async def quiesce(self, seconds: float | None = None) -> None:
        """Wait until no task has a batch in flight."""
        if self.owned:
            await asyncio.wait_for(asyncio.gather(*(task.at_rest() for task in self.owned.values())), seconds)

    def due(self) -> tuple[list[Task], float]:
        """Ready tasks with no batch in flight whose interval has passed, and how long until the next one (seconds)."""
        now, due, wait = time.monotonic(), [], IDLE_WAIT_SECONDS
        for task in self.owned.values():
            if not task.free:
                continue
            if task.due <= now:
                due.append(task)
            else:
                wait = min(wait, task.due - now)
        return due, wait
