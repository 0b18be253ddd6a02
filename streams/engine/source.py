"""The source: polls partitions whose task is idle and due, and hands batches to agents over channels.

A busy partition's records wait in the fetcher and come as one larger batch, so the transaction's cost is shared by more
records the more there is to do.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service
from mode.utils.logging import get_logger

from streams.engine.assignor import RendezvousAssignor
from streams.engine.batch import Batch
from streams.engine.broker_time import compare
from streams.engine.clock import clock
from streams.engine.connection import Connection
from streams.engine.demands import Demand
from streams.engine.errors import Refused
from streams.engine.fetching import adapt
from streams.engine.group import Door, Features, explained, keep_identity, own_failures
from streams.engine.heart import Heart
from streams.engine.inlet import Inlet, Record, Unfetchable
from streams.engine.kafka import patient
from streams.engine.lag import Lag
from streams.engine.layout import Layout
from streams.engine.observer import BatchDone, Observer
from streams.engine.outputs import Outputs
from streams.engine.pace import Pace
from streams.engine.reach import Reach
from streams.engine.tables import Storage
from streams.engine.takeover import TakeOver
from streams.engine.task import Task
from streams.engine.tasks import IDLE_WAIT_SECONDS, Tasks
from streams.engine.telling import Telling
from streams.engine.topology import Topology
from streams.engine.unpacking import Ration

log = logging.getLogger(__name__)

STOP_SECONDS = 8.0
ANSWER_SECONDS = 2.0
"""How long the broker is waited for with the lag, which only monitoring needs."""
AT_WORK_BYTES = 64 << 20
"""Bytes of record batches at work at once; beyond them no more are opened."""
NOTHING = TopicPartition("", 0)
"""A partition that does not exist: polling it returns at once."""


@dataclass(frozen=True)
class Options:
    """How a worker polls. ``worker`` is its stable name, by which partitions are placed; with ``static`` it is also the
    group instance id, so that a quick restart causes no rebalance.
    """

    worker: str
    static: bool = False
    commit_interval: float = 0.1
    """Seconds between two batches of a task when the worker is busy; with time to spare it waits less, see `Pace`."""
    shortest_interval: float = 0.025
    """Seconds between them when it has time. Less is quicker, and takes more CPU of worker and broker."""
    max_records: int = 4000
    """Most records of one poll."""
    max_partition_fetch_bytes: int = 1 << 20
    """Most bytes fetched of a partition at a time: what a poll brings, and what a backlog takes of memory, for each."""
    fetch_max_wait_ms: int = 25
    session_timeout_ms: int = 10_000
    storage: Storage = field(default_factory=Storage)
    """Where the state of the tasks is kept."""

    features: Features = field(default_factory=dict)
    """What all workers of the group must have alike, {name: short value}: one that differs does not take part."""
    demands: Mapping[str, Sequence[Demand]] = field(default_factory=dict)
    """Topic → what its settings have to be."""

    @property
    def heartbeat_interval(self) -> float:
        """Seconds between two heartbeats."""
        return max(self.session_timeout_ms / 10_000, 0.2)


class Source(Service, ConsumerRebalanceListener):
    """Started by the app in place of Faust's own consumer."""

    logger = get_logger(__name__)

    def __init__(
        self,
        app: faust.App,
        connection: Connection,
        inlets: Iterable[Inlet],
        options: Options,
        *,
        observer: Observer | None = None,
        outputs: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.app, self.connection = app, connection
        self.layout = Layout.of(app.conf.id, inlets, outputs)
        self.channels: dict[str, Any] = {name: app.channel(maxsize=64) for name in self.layout.inlets}
        self.options = options
        self.observer = observer or Observer()
        self.pace = Pace(options.shortest_interval, options.commit_interval)
        self.ration = Ration()
        self._lent: dict[Task, int] = {}
        """Bytes of the record batches of a poll, while the task is at work on them."""
        self._ends: dict[TopicPartition, int] = {}
        self.door = Door(options.worker, options.features, static=options.static)
        self.tasks = Tasks()
        self.topology = Topology(self.layout, connection, options.demands)
        self.reach = Reach()
        self.consumer: AIOKafkaConsumer
        self.takeover: TakeOver
        self.telling: Telling
        self.heart: Heart | None = None

    def channel(self, inlet: str) -> Any:
        """The Faust channel over which the batches of one inlet come."""
        return self.channels[inlet]

    async def on_start(self) -> None:
        options, app_id, outputs = self.options, self.layout.app_id, self.layout.outputs
        topics = {name: inlet.topics for name, inlet in self.layout.inlets.items()}
        self.consumer = self.connection.consumer(
            group_id=app_id,
            group_instance_id=options.worker if options.static else None,
            client_id=options.worker,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=options.max_partition_fetch_bytes,
            fetch_max_wait_ms=options.fetch_max_wait_ms,
            session_timeout_ms=options.session_timeout_ms,
            heartbeat_interval_ms=int(options.heartbeat_interval * 1000),
            rebalance_timeout_ms=max(options.session_timeout_ms, 10_000),
            max_poll_interval_ms=3_600_000,
            partition_assignment_strategy=[RendezvousAssignor.bind(self.door, topics)],
        )
        patient(self.consumer._client)  # noqa: SLF001 - a consumer has no public way to its client
        try:
            await self.consumer.start()
            own_failures(self.consumer)
            if options.static:
                keep_identity(self.consumer)
            self.ration = adapt(self.consumer, self.tasks.wake.set, AT_WORK_BYTES)
            await self.topology.read(self.consumer)
            await self.door.knock(self.consumer, app_id)
            await self.topology.read_limits()
            if outputs:
                await compare(self.connection, outputs[-1], f"{app_id}-clock-{options.worker}", clock)
        except BaseException:
            await self.consumer.stop()
            raise
        self.takeover = TakeOver(self.consumer, self.tasks, self.topology, options.storage, self.observer, self.ration)
        self.telling = Telling(self.consumer, self.tasks)
        self.app.flow_control.resume()  # a Faust channel's queue is shut until somebody says so
        await self.add_runtime_dependency(self.takeover)
        await self.add_runtime_dependency(self.topology)
        await self.add_runtime_dependency(self.telling)
        self.consumer.subscribe(sorted(self.layout.inlet_of), listener=self)
        self.heart = Heart(self.connection, self.consumer, options.heartbeat_interval)
        self.heart.start()
        self.add_future(self._show_life(self.heart))
        self.add_future(self._poll())

    async def on_stop(self) -> None:
        if not hasattr(self, "takeover"):
            return  # it, or another service, could not start: there is nothing to stop yet
        self.tasks.suspend()
        await self.topology.stop()  # it asks over the consumer's connections
        try:
            await self.tasks.quiesce(STOP_SECONDS)
        except TimeoutError:
            log.warning("some batches were still in flight after %s s; the next owner repeats them", STOP_SECONDS)
        await self.telling.stop()
        await self.telling.tell()
        if self.heart is not None:
            await asyncio.to_thread(self.heart.stop)
        async with self.tasks.polling:
            await self.consumer.stop()
        await self.takeover.close_all()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self.takeover.revoke()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        if self.door.refusal is not None:
            await self.crash(self.door.refusal)
        elif self.door.again:
            self.consumer._coordinator.request_rejoin()  # noqa: SLF001
        else:
            self.takeover.assign(assigned)

    async def _show_life(self, heart: Heart) -> None:
        """While the event loop has its turns the heartbeats come from here."""
        while not self.should_stop:
            heart.alive()
            await asyncio.sleep(heart.interval / 2)

    async def _poll(self) -> None:
        while not self.should_stop:
            self.tasks.wake.clear()  # before looking: what happens from here on is seen in the next round
            due, wait = self._due()
            if not await self._hand_out(due):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.tasks.wake.wait(), wait)

    async def _hand_out(self, due: list[Task]) -> bool:
        """Make batches of what has come for these tasks; was there any?"""
        async with self.tasks.polling:
            generation = self.tasks.generation
            tasks = {tp: task for task in due if task.free for tp in task.inputs}
            fetched = await self._fetch(tasks)
        if generation != self.tasks.generation:
            return False  # what was fetched belongs to an older assignment; positions are sought again
        # No await until the batches are marked busy: a rebalance in between would not wait for them.
        batches = self._mark(fetched, dict.fromkeys(tasks.values()))
        for task, _ in batches:
            self._lent[task] = sum([self.ration.opened.get(tp, 0) for tp in task.inputs])
            self.ration.lent += self._lent[task]
        topology = self.topology
        for task, records in batches:
            caught_up = await self.reach.of(task, self.consumer)
            out = Outputs(topology.partitions, clock.now(), caught_up, topology.largest)
            await self.channels[task.info.inlet].put(Batch(task, records, out, self._done))
        return bool(batches)

    async def _fetch(self, tasks: Mapping[TopicPartition, Task]) -> dict[TopicPartition, list[Any]]:
        """What has come for the partitions; what cannot be taken apart comes as `Unfetchable`. Raises `NameTaken`."""
        try:
            # Asked even when nothing is due: only a poll raises what the group refused, and without one for an hour the
            # client leaves the group.
            found: dict[TopicPartition, list[Any]] = await self.consumer.getmany(
                *(tasks or (NOTHING,)), timeout_ms=0, max_records=self.options.max_records
            )
        except KafkaError as error:
            raise explained(error, self.options.worker) from error
        return found

    def _due(self) -> tuple[list[Task], float]:
        """Tasks that may be handed a batch, and how long until the next one may (seconds)."""
        return ([], IDLE_WAIT_SECONDS) if self.topology.why else self.tasks.due()

    def _mark(
        self, fetched: Mapping[TopicPartition, list[Any]], tasks: Iterable[Task]
    ) -> list[tuple[Task, list[Record]]]:
        """Batches to hand out, their tasks marked busy; ticks for tasks that got nothing for a second."""
        wall, again = time.time(), time.monotonic() + self.pace.interval()
        batches = []
        for task in tasks:
            if not task.free:
                continue  # lost while the poll was in flight
            records: list[Record] = []
            for tp in task.inputs:
                found, position = fetched.get(tp, []), task.position.get(tp.topic, 0)
                if found and found[0].offset < position:
                    # A fetch begun before a seek may bring records from before it: they are in the tables already.
                    found = [r for r in found if r.offset >= position]
                records += found
            records = task.trial.first(records)
            if task.trial.limit is not None and len(records) > task.trial.limit:
                records = self._cut(records, task.trial.limit)
            if records or task.ticks(wall):
                task.hand(records, wall, again)
                batches.append((task, records))
        return batches

    def _cut(self, records: list[Record], limit: int) -> list[Record]:
        """The first records only; the others are fetched again."""
        for record in reversed(records[limit:]):
            first = record.first if type(record) is Unfetchable and record.first >= 0 else record.offset
            self.consumer.seek(TopicPartition(record.topic, record.partition), first)
        return records[:limit]

    def _done(self, batch: Batch, error: BaseException | None) -> None:
        task, info = batch.task, batch.task.info
        self.ration.lent -= self._lent.pop(task, 0)
        if error is not None:
            if isinstance(error, Refused):
                self.takeover.doubt(task, batch.records, error)
            self.takeover.lose(task, error)
        if error is None and batch.records and not task.state.gone:
            self.takeover.passed(task)
            seconds = time.perf_counter() - batch.started
            size = sum([len(record.value) for record in batch.records if record.value])
            done = BatchDone(len(batch.records), size, seconds, batch.transaction_seconds, batch.handle_cpu_seconds)
            self.observer.batch_committed(info.inlet, info.partition, done)
        elif error is None and batch.transaction_seconds and task.unfinished is None:
            self.takeover.ended(task)
        for _ in range(batch.failed):
            self.observer.record_failed(info.inlet)
        for kind, places in batch.unreadable.items():
            self.observer.unreadable(info.inlet, kind, places)
        for table, rows in batch.aside.items():
            self.observer.row_set_aside(info.inlet, table, rows)
        if task.unfinished is not None:
            self.observer.finish_failed(info.inlet, info.partition, task.unfinished)
        batch.records = ()  # the agent holds its last batch until the next one comes
        task.done()
        self.tasks.wake.set()

    async def lag(self) -> dict[TopicPartition, Lag]:
        """How far each owned input partition that is ready is behind its end on the broker.

        The broker is asked: what is fetched and waits for a batch at work keeps the client's own mark old. When it does
        not answer within 2 s, the ends of the last time hold; while it is silent nothing is known of any partition.
        """
        if self.topology.silent:
            self._ends.clear()
            return {}
        tasks = {tp: self.tasks.owned[key] for key in self.tasks.ready for tp in self.tasks.owned[key].inputs}
        try:
            ends = await asyncio.wait_for(self.consumer.end_offsets(list(tasks)), ANSWER_SECONDS) if tasks else {}
            self._ends = {tp: int(end) for tp, end in ends.items()}
        except (KafkaError, TimeoutError) as error:
            log.warning("how far behind is not known anew: %s %s", type(error).__name__, error)
        now = clock.now()
        return {
            tp: task.backlog.lag(tp.topic, task.position.get(tp.topic, 0), self._ends[tp], now)
            for tp, task in tasks.items()
            if tp in self._ends
        }
