"""How tasks come to life, are kept, given away and lost.

The order that makes it exact, per task: start the producer (fences the previous owner and completes its transaction) →
read the changelog, unless the tables already stand at its end → seek the input to *the changelog's* position → ready.
The states that a task has meanwhile are those of `life`. Take-overs run one at a time and stop early when a newer
assignment has come.

Whether something is stale is three questions, each asked in one place: of tables that were kept (`Task.stands_at`), of
a store that was left behind (`changelog.outdated`), of a topic that was made anew (`topology`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from mode import Service
from mode.utils.logging import get_logger

from streams.engine.doubt import Doubt
from streams.engine.errors import ChangelogError, Refused, TopologyError
from streams.engine.inlet import Record, TaskInfo
from streams.engine.life import State
from streams.engine.observer import Observer
from streams.engine.tables import Storage
from streams.engine.task import Common, Task
from streams.engine.tasks import TaskKey, Tasks
from streams.engine.topology import Topology
from streams.engine.unpacking import Ration

log = logging.getLogger(__name__)

SAY_SECONDS = 5.0
"""How often a restore that takes long says how far it has come."""
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class TakeOver(Service):
    """Keeps ``tasks`` in step with the assignment of the group."""

    logger = get_logger(__name__)

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        tasks: Tasks,
        topology: Topology,
        storage: Storage,
        observer: Observer,
        ration: Ration,
    ) -> None:
        """``consumer`` is started; ``ration``: what it has fetched of a partition is let go when its task is lost."""
        super().__init__()
        self.consumer, self.tasks, self.topology = consumer, tasks, topology
        self.layout, self.observer, self.ration = topology.layout, observer, ration
        self.doubts: dict[TaskKey, Doubt] = {}
        """What the broker refused of tasks that were lost for it."""
        self._failures: dict[TaskKey, int] = {}
        self._taking = asyncio.Lock()
        written = tuple(TopicPartition(t, n) for t in self.layout.outputs for n in range(topology.partitions[t]))
        self._common = Common(topology.connection, self.layout.app_id, storage, written)
        self._running: set[asyncio.Future[None]] = set()
        self._stopping = False
        self._open: set[Task] = set()
        """Tasks that are not closed yet, lost ones included."""
        self._restores = asyncio.Semaphore(4)

    async def revoke(self) -> None:
        """A rebalance begins: hand out no more batches and let those in flight commit."""
        self.tasks.revoked()
        await self.tasks.quiesce()

    def assign(self, assigned: Iterable[TopicPartition]) -> None:
        """A rebalance ended; the take-over runs beside partitions that are already live."""
        tasks = self.tasks
        tasks.assigned((self.layout.inlet_of[tp.topic].name, tp.partition) for tp in assigned)
        self.observer.rebalanced(len(tasks.wanted))
        self._run(self._follow(tasks.generation))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if self._stopping:
            work.close()
            return
        running = asyncio.ensure_future(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _follow(self, generation: int) -> None:
        tasks = self.tasks
        try:
            # Those that need no restore go first, and wait for no restore of an older assignment: back in milliseconds.
            await self._take(list(tasks.wanted), generation, self._kept)
            async with self._taking:
                if generation != tasks.generation:
                    return
                for key in [key for key in tasks.owned if key not in tasks.wanted]:
                    await self._drop(key)
                await asyncio.gather(
                    *(self._take([key], generation, self._restored) for key in tasks.wanted - tasks.ready)
                )
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("take-over failed; the worker stops so that its supervisor starts it anew")
            await self.crash(error)

    async def _take(
        self, keys: Iterable[TaskKey], generation: int, whole: Callable[[TaskKey, int], Awaitable[Task | None]]
    ) -> None:
        """Start the tasks of these keys that ``whole`` says are as their changelogs; what fails is tried again by
        `lose`.
        """
        starts: dict[Task, dict[TopicPartition, int]] = {}
        for key in keys:
            try:
                if (task := await whole(key, generation)) is not None:
                    starts[task] = await self._starts(task)
            except (asyncio.CancelledError, ChangelogError, TopologyError):
                raise  # what cannot be read back will not become readable by trying again
            except Exception as error:  # noqa: BLE001 - retried with a back-off; the other tasks go on
                if (failed := self.tasks.owned.get(key)) is not None:
                    self.lose(failed, error)
        async with self.tasks.polling:
            if generation != self.tasks.generation:
                return
            for task, offsets in starts.items():
                if task.state is not State.SUSPENDED:
                    continue  # it is lost meanwhile, or began: one that is taken over again may be found twice
                for tp, offset in offsets.items():
                    self.consumer.seek(tp, offset)
                task.begin(offsets)
                self.observer.task_ready(task.info.inlet, task.info.partition)
        self.tasks.wake.set()

    async def _kept(self, key: TaskKey, generation: int) -> Task | None:
        """A task that needs no restore: its tables are at hand, and nobody wrote since our last commit."""
        task = self.tasks.owned.get(key)
        if generation != self.tasks.generation or task is None or task.state is not State.SUSPENDED:
            return None
        await task.at_rest()
        end = await self.consumer.end_offsets([task.changelog])
        return task if task.stands_at(end[task.changelog]) else None

    async def _restored(self, key: TaskKey, generation: int) -> Task | None:
        """The task that is kept, or one that is restored; ``None``: a newer assignment has come. For one take-over at a
        time.
        """
        if (kept := await self._kept(key, generation)) is not None:
            return kept
        if generation != self.tasks.generation:
            return None
        if (task := self.tasks.owned.get(key)) is not None and task.state is not State.CREATED:
            # Somebody else wrote since our last commit: our producer is fenced and our tables are old.
            await self._drop(key)
        task = self.tasks.owned.get(key) or self._make(key)
        async with self._restores:
            if generation != self.tasks.generation:
                return None
            await self._start(task)
        return task

    def _make(self, key: TaskKey) -> Task:
        layout, topology, (name, partition) = self.layout, self.topology, key
        inlet, stages = layout.inlets[name], topology.stages()
        inputs = [TopicPartition(t, partition) for t in inlet.topics if partition < topology.partitions[t]]
        info = TaskInfo(name, partition, stages[name], tuple(tp.topic for tp in inputs), stages)
        topics = topology.ids([*info.topics, inlet.changelog(layout.app_id)])
        task = self.tasks.owned[key] = Task(inlet, info, inputs, topics, self._common)
        self._open.add(task)
        return task

    async def _start(self, task: Task) -> None:
        info, observer = task.info, self.observer
        started = said = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal said
            observer.restoring(info.inlet, info.partition, done, total)
            if time.monotonic() - said > SAY_SECONDS:
                said = time.monotonic()
                speed = max(done, 1) / (said - started)
                log.info(
                    "%s: %s of %s offsets of its changelog read, %.0f a second, %.0f s to go",
                    *(info.name, done, total, speed, (total - done) / speed),
                )

        found = await task.restore(progress, self.topology.largest)
        # After reading, not before: it is of the topic that was there all the while.
        await self.topology.confirm(task, found)
        task.restored(self.doubts.get((info.inlet, info.partition)))
        seconds = time.monotonic() - started
        log.info(
            "%s restored: %s changelog records in %.1f s, %.0f a second",
            *(info.name, found.records, seconds, found.records / seconds),
        )

    async def _starts(self, task: Task) -> dict[TopicPartition, int]:
        """Where each input is read from: the changelog's position, or the beginning of what was never read."""
        begin = await self.consumer.beginning_offsets(list(task.inputs))
        ends = await self.consumer.end_offsets(list(task.inputs))
        starts = {tp: self.topology.begin(task, tp, begin[tp], ends[tp]) for tp in task.inputs}
        task.adopt({tp.topic: start.offset for tp, start in starts.items() if start.anew})
        return {tp: start.offset for tp, start in starts.items()}

    def passed(self, task: Task) -> None:
        """Records of a task were committed."""
        key = (task.info.inlet, task.info.partition)
        self._failures.pop(key, None)
        doubt = self.doubts.get(key)
        if doubt is not None and doubt.past(task.position):
            del self.doubts[key]

    def ended(self, task: Task) -> None:
        """The broker took what the end of a batch without records sent."""
        key = (task.info.inlet, task.info.partition)
        if (doubt := self.doubts.get(key)) is not None:
            doubt.passed()
            if doubt.past(task.position):
                del self.doubts[key]

    def doubt(self, task: Task, records: Sequence[Record], error: Exception) -> None:
        """The broker refused what a batch of these records wrote: the next one is smaller, or does without them."""
        self.doubts.setdefault((task.info.inlet, task.info.partition), Doubt()).learn(records, error)

    def lose(self, task: Task, error: BaseException) -> None:
        """Drop everything held for a task whose batch or start failed, and take it over again while it is still
        ours.
        """
        key = (task.info.inlet, task.info.partition)
        if task.state.gone:
            return
        task.lose()
        self.ration.forget(task.inputs)  # it is fetched again from where the next one begins
        if self.tasks.owned.get(key) is task:
            del self.tasks.owned[key]
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        log.warning("%s lost (%s: %s); taking it over again", task.info.name, type(error).__name__, error)
        self.observer.task_lost(*key, error)
        self._run(self._retake(task, isinstance(error, Refused), RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1]))

    async def _retake(self, task: Task, refused: bool, delay: float) -> None:
        key = (task.info.inlet, task.info.partition)
        await self._close(task)
        await asyncio.sleep(delay)
        try:
            if refused:
                await self.topology.read_limits()
            async with self._taking:
                if key in self.tasks.wanted and key not in self.tasks.owned:
                    await self._take([key], self.tasks.generation, self._restored)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("%s could not be taken over again; the worker stops", task.info.name)
            await self.crash(error)

    async def _drop(self, key: TaskKey) -> None:
        await self._close(self.tasks.owned.pop(key))

    async def _close(self, task: Task) -> None:
        if task not in self._open:
            return
        self._open.discard(task)
        if not task.state.gone:
            task.lose()
        self.observer.task_closed(task.info.inlet, task.info.partition)
        try:
            await asyncio.wait_for(task.close(), 5)
        except Exception as error:  # noqa: BLE001 - the next owner fences whatever is left open
            log.info("%s: producer did not close cleanly: %s", task.info.name, error)

    async def close_all(self) -> None:
        """The worker stops: end take-overs and let every producer go."""
        self._stopping = True
        self.tasks.suspend()
        for running in list(self._running):
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self.tasks.owned.clear()
        await asyncio.gather(*(self._close(task) for task in list(self._open)))
