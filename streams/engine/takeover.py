"""How tasks come to life, are kept, given away and lost.

The order that makes it exact, per task: start the producer (fences the previous owner and completes its transaction) →
read the changelog, unless the tables already stand at its end → seek the input to *the changelog's* position → ready.
Take-overs run one at a time and stop early when a newer assignment has come.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from mode import Service
from mode.utils.logging import get_logger

from streams.engine.doubt import Doubt
from streams.engine.errors import ChangelogError, Refused, TopologyError
from streams.engine.inlet import Record, TaskInfo
from streams.engine.kafka import start_client
from streams.engine.task import Task
from streams.engine.trial import Turns

if TYPE_CHECKING:
    from streams.engine.source import Source

log = logging.getLogger(__name__)

TaskKey = tuple[str, int]
SAY_SECONDS = 5.0
"""How often a restore that takes long says how far it has come."""
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class TakeOver(Service):
    """Keeps ``tasks`` in step with the assignment of the group."""

    logger = get_logger(__name__)

    def __init__(self, source: "Source") -> None:
        super().__init__()
        self.source = source
        self.tasks: dict[TaskKey, Task] = {}
        self.ready: set[TaskKey] = set()
        self.generation = 0
        self.wanted: set[TaskKey] = set()
        self.joined = False
        """Has the group given this worker an assignment (even an empty one)?"""
        self.settled = False
        """Is the worker a member of the group's present generation, as far as it knows?"""
        self.failures: dict[TaskKey, int] = {}
        self.doubts: dict[TaskKey, Doubt] = {}
        """What the broker refused of tasks that were lost for it."""
        self.polling = asyncio.Lock()
        """Held while a poll is in flight: a poll begun before a seek could swallow records fetched after it."""
        self._taking = asyncio.Lock()
        self.turns = Turns()
        self._running: set[asyncio.Future[None]] = set()
        self._stopping = False
        self._open: set[Task] = set()
        """Tasks whose producer has not been closed yet, lost ones included."""
        self._restores = asyncio.Semaphore(4)

    @property
    def consumer(self) -> AIOKafkaConsumer:
        return self.source.consumer

    async def quiesce(self, seconds: float | None = None) -> None:
        """Wait until no task has a batch in flight."""
        waiting = [task.idle.wait() for task in self.tasks.values()]
        if waiting:
            await asyncio.wait_for(asyncio.gather(*waiting), seconds)

    async def revoke(self) -> None:
        """A rebalance begins: hand out no more batches and let those in flight commit."""
        self.settled = False
        self.generation += 1
        self.ready.clear()
        await self.quiesce()

    def assign(self, assigned: Iterable[TopicPartition]) -> None:
        """A rebalance ended; the take-over runs beside partitions that are already live."""
        self.generation += 1
        self.ready.clear()
        self.joined = self.settled = True
        self.wanted = {(self.source.inlet_of[tp.topic].name, tp.partition) for tp in assigned}
        self.source.observer.rebalanced(len(self.wanted))
        self._run(self._follow(self.generation))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if self._stopping:
            work.close()
            return
        running = asyncio.ensure_future(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _follow(self, generation: int) -> None:
        try:
            # Those that need no restore go first, and wait for no restore of an older assignment: back in milliseconds.
            kept = [key for key in self.wanted if key in self.tasks and self.tasks[key].restored]
            await self._take(kept, generation)
            async with self._taking:
                if generation != self.generation:
                    return
                for key in [key for key in self.tasks if key not in self.wanted]:
                    await self._drop(key)
                await asyncio.gather(*(self._take([key], generation) for key in self.wanted - self.ready))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("take-over failed; the worker stops so that its supervisor starts it anew")
            await self.source.crash(error)

    async def _take(self, keys: list[TaskKey], generation: int) -> None:
        """Make these tasks current and start them; what fails is tried again by `lose`."""
        starts: dict[Task, dict[TopicPartition, int]] = {}
        for key in keys:
            task = self.tasks.get(key) or self._make(key)
            try:
                if task.restored and not await self._current(task):
                    # Somebody else wrote since our last commit: our producer is fenced and our tables are old.
                    await self._drop(key)
                    task = self._make(key)
                if not task.restored:
                    async with self._restores:
                        if generation != self.generation:
                            return
                        await self._start(task)
                starts[task] = await self._starts(task)
            except (asyncio.CancelledError, ChangelogError, TopologyError):
                raise  # what cannot be read back will not become readable by trying again
            except Exception as error:  # noqa: BLE001 - retried with a back-off; the other tasks go on
                self.lose(task, error)
        async with self.polling:
            if generation != self.generation:
                return
            for task, offsets in starts.items():
                if task.lost:
                    continue
                for tp, offset in offsets.items():
                    self.consumer.seek(tp, offset)
                    task.position.setdefault(tp.topic, offset)
                key = (task.info.inlet, task.info.partition)
                self.ready.add(key)
                self.source.observer.task_ready(*key)
        self.source.wake.set()

    def _make(self, key: TaskKey) -> Task:
        source, (name, partition) = self.source, key
        inlet = source.inlets[name]
        inputs = [TopicPartition(t, partition) for t in inlet.topics if partition < source.partitions[t]]
        stages = source.stages()
        info = TaskInfo(name, partition, stages[name], tuple(tp.topic for tp in inputs), stages)
        task = self.tasks[key] = Task(inlet, info, inputs, source.connection, source.app_id, source.options.storage)
        task.turns = self.turns
        task.written = [TopicPartition(t, n) for t in source.outputs for n in range(source.partitions[t])]
        task.topics = source.topology.ids([*info.topics, task.changelog.topic])
        self._open.add(task)
        return task

    async def _start(self, task: Task) -> None:
        info, observer = task.info, self.source.observer
        await start_client(task.producer)
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

        task.largest = self.source.largest
        found = await task.restore(progress)
        # After reading, not before: it is of the topic that was there all the while.
        await self.source.topology.confirm(task, found)
        task.doubt = self.doubts.get((info.inlet, info.partition), task.doubt)
        if task.doubt.limit is not None:
            task.trial.limit = min(task.doubt.limit, task.trial.limit or task.doubt.limit)
        seconds = time.monotonic() - started
        log.info(
            "%s restored: %s changelog records in %.1f s, %.0f a second",
            *(info.name, found.records, seconds, found.records / seconds),
        )

    async def _current(self, task: Task) -> bool:
        await task.idle.wait()
        end = await self.consumer.end_offsets([task.changelog])
        return int(end[task.changelog]) <= task.changelog_end

    async def _starts(self, task: Task) -> dict[TopicPartition, int]:
        """Where each input is read from: the changelog's position, or the beginning of what was never read."""
        begin = await self.consumer.beginning_offsets(list(task.inputs))
        ends = await self.consumer.end_offsets(list(task.inputs))
        starts = {tp: self.source.topology.begin(task, tp, begin[tp], ends[tp]) for tp in task.inputs}
        # Those of inputs that are not there at the moment stay beside their positions: they may be made anew, too.
        task.topics = task.known = {**task.known, **task.topics}
        return starts

    def passed(self, task: Task) -> None:
        """Records of a task were committed."""
        key = (task.info.inlet, task.info.partition)
        self.failures.pop(key, None)
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
        if task.lost:
            return
        task.lost = True
        for tp in task.inputs:  # it is fetched again from where the next one begins; until then it holds no memory
            self.source.ration.waiting.pop(tp, None)
        self.ready.discard(key)
        if self.tasks.get(key) is task:
            del self.tasks[key]
        failures = self.failures[key] = self.failures.get(key, 0) + 1
        log.warning("%s lost (%s: %s); taking it over again", task.info.name, type(error).__name__, error)
        self.source.observer.task_lost(*key, error)
        self._run(self._retake(task, isinstance(error, Refused), RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1]))

    async def _retake(self, task: Task, refused: bool, delay: float) -> None:
        key = (task.info.inlet, task.info.partition)
        await self._close(task)
        await asyncio.sleep(delay)
        try:
            if refused:
                await self.source.read_limits()
            async with self._taking:
                if key in self.wanted and key not in self.tasks:
                    await self._take([key], self.generation)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("%s could not be taken over again; the worker stops", task.info.name)
            await self.source.crash(error)

    async def _drop(self, key: TaskKey) -> None:
        task = self.tasks.pop(key)
        self.ready.discard(key)
        task.lost = True
        await self._close(task)

    async def _close(self, task: Task) -> None:
        if task not in self._open:
            return
        self._open.discard(task)
        self.source.observer.task_closed(task.info.inlet, task.info.partition)
        try:
            await asyncio.wait_for(task.close(), 5)
        except Exception as error:  # noqa: BLE001 - the next owner fences whatever is left open
            log.info("%s: producer did not close cleanly: %s", task.info.name, error)

    async def close_all(self) -> None:
        """The worker stops: end take-overs and let every producer go."""
        self._stopping = True
        self.generation += 1
        for running in list(self._running):
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self.tasks.clear()
        await asyncio.gather(*(self._close(task) for task in list(self._open)))
