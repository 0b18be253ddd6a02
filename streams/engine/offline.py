"""Tasks without a broker: the same batches, tables and changelog records, kept in memory.

For tests, for fuzzing, for trying rules on what a log holds. What a batch does is the engine's own code (`work`,
`Table`, `changelog.Rows`); only producer and consumer are not there. As on a broker, nothing of a batch that fails is
kept, and a record that is too large is refused.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from streams.engine import changelog
from streams.engine.doubt import Doubt
from streams.engine.errors import OutputTooLarge
from streams.engine.inlet import Inlet, Processor, Record, TaskInfo
from streams.engine.kafka import LARGEST_RECORD
from streams.engine.outputs import Outputs, Sends
from streams.engine.store import MemoryStore, Store
from streams.engine.table import Table
from streams.engine.tables import Cache, open_tables, settle
from streams.engine.trial import Trial
from streams.engine.work import Part, work

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it lies in a partition; ``timestamp`` in ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()


class OfflineTask:
    """One task of an inlet. ``changelog`` is what a compacted changelog would hold: raw key → newest value."""

    def __init__(
        self,
        inlet: Inlet,
        partitions: Mapping[str, int],
        partition: int = 0,
        stages: Mapping[str, int] | None = None,
        cache: int = 50_000,
    ) -> None:
        """``partitions``: of every topic it may send to; ``stages``: tasks of every inlet; ``cache``: decoded rows of
        its large tables.
        """
        self.inlet, stages = inlet, stages or {}
        self.info = TaskInfo(inlet.name, partition, stages.get(inlet.name, 1), inlet.topics, stages)
        self.inputs = tuple(TopicPartition(topic, partition) for topic in inlet.topics)
        self.changelog: dict[bytes, bytes] = {}
        self.changelog_end = 0
        self.trial = Trial(None)
        self.doubt = Doubt()
        self.aside = 0
        """Rows that were set aside."""
        self.failed = 0
        """Records that became dead letters because their handling raised."""
        self.unfinished: Exception | None = None
        """Why the end of the last batch was left out."""
        self._partitions, self._cache = partitions, cache
        self.store: Store = MemoryStore()
        self.tables: dict[str, Table[Any]] = {}
        self.position: dict[str, int] = {}
        self.processor: Processor | None = None
        self.restart()

    def restart(self) -> None:
        """Begin anew from what the changelog holds, as the next owner of the partition would."""
        rows = changelog.Rows(self.inlet.tables, MemoryStore())
        for offset, (key, value) in enumerate(self.changelog.items()):
            rows.apply(Stored("changelog", self.info.partition, offset, 0, key, value))
        rows.flush()
        self.store, self.position = rows.store, dict(rows.restored.offsets or {})
        self.state_id = rows.restored.id or uuid.uuid4().hex
        self.tables = open_tables(self.inlet.tables, self.store, Cache(self._cache))
        for (name, row), why in rows.restored.unreadable.items():
            self.tables[name].spoil(row, why)
        self.renew()

    def renew(self) -> None:
        """A fresh processor over the tables as they are."""
        self.processor = self.inlet.processor(self.info, self.tables)

    def hurry(self) -> None:
        """Whoever drives it ticks when he wants to."""

    def put_aside(self, faults: int) -> None:
        """Rows were set aside for so many faults."""
        self.aside += faults

    def batch(self, records: Sequence[Record], now: int, caught_up: Mapping[TopicPartition, int]) -> Sends:
        """Handle records (none: a tick) and commit; what is sent, by topic and partition. ``now``: ms.

        What fails is narrowed down to a record or row, as on a broker (`work`).
        """
        sends: Sends = {}
        for part in work(self, records, Outputs(self._partitions, now, caught_up)):
            if part is not None:
                for where, items in self._commit(part).items():
                    sends.setdefault(where, []).extend(items)
        return sends

    def _commit(self, part: Part) -> Sends:
        sends = part.out.grouped()
        position = self.position | {record.topic: record.offset + 1 for record in part.records}
        changes = [(changelog.encode_key(name, key), value) for name, some in part.rows.items() for key, value in some]
        for key, value in changes:
            check_size(self.inlet.name, key, value)
        for (topic, _), items in sends.items():
            for sent, value in items:
                check_size(topic, sent, value)
        for key, value in changes:
            if value is None:
                self.changelog.pop(key, None)
            else:
                self.changelog[key] = value
        if part.records or sends or changes:
            self.changelog[changelog.POSITION] = changelog.encode_position(position, self.state_id)
        self.changelog_end += len(changes)
        self.position = position
        settle(self.tables, self.store, part.rows, part.due, None)
        self.failed += part.failed
        self.unfinished = part.unfinished
        return sends


def check_size(topic: str, key: bytes | None, value: bytes | None) -> None:
    """Raises `OutputTooLarge` for a record that a broker would refuse."""
    size = len(key or b"") + len(value or b"")
    if size > LARGEST_RECORD:
        raise OutputTooLarge(topic, size, LARGEST_RECORD)


@dataclass
class Offline:
    """Inlets that read what the others send: a whole deployment in one process, one task a partition.

    ``topics``: (topic, partition) → its records; `release` alone deletes some.
    """

    inlets: Sequence[Inlet]
    partitions: Mapping[str, int]
    size: int = 4000
    """Most records of a batch."""
    cache: int = 50_000
    topics: defaultdict[tuple[str, int], list[Stored]] = field(default_factory=lambda: defaultdict(list))
    tasks: list[OfflineTask] = field(default_factory=list)
    begins: defaultdict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    """The offset of the first record that is there."""

    def __post_init__(self) -> None:
        stages = {inlet.name: max(self.partitions[topic] for topic in inlet.topics) for inlet in self.inlets}
        for inlet in self.inlets:
            numbers = range(stages[inlet.name])
            self.tasks += [OfflineTask(inlet, self.partitions, number, stages, self.cache) for number in numbers]

    def publish(
        self, topic: str, key: bytes | None, value: bytes | None, at: int, partition: int = 0, *, headers: Headers = ()
    ) -> Stored:
        """Append a record to a partition; ``at``: when it arrives, ms."""
        log, first = self.topics[topic, partition], self.begins[topic, partition]
        log.append(Stored(topic, partition, first + len(log), at, key, value, headers))
        return log[-1]

    def run(self, now: int) -> int:
        """A tick of every task, then batches until nothing is unread; how many records were read. ``now``: ms.

        A task that reads what it writes itself has read all of it before the next one begins.
        """
        read = 0
        for task in self.tasks:
            self._batch(task, (), now)
        while turns := [(task, records) for task in self.tasks if (records := self._unread(task))]:
            for task, unread in turns:
                records = unread
                while records:
                    read += len(records)
                    records = self._unread(task, self._batch(task, records, now))
        return read

    def restart(self, name: str | None = None) -> None:
        """Every task, or those of one inlet, begin anew from their changelogs."""
        for task in self.tasks:
            if name in (None, task.inlet.name):
                task.restart()

    def task(self, inlet: str, partition: int = 0) -> OfflineTask:
        """One of them by its name."""
        return next(task for task in self.tasks if (task.inlet.name, task.info.partition) == (inlet, partition))

    def release(self) -> None:
        """Delete what every task has read that reads it, and what no task reads."""
        reached: dict[tuple[str, int], int] = {}
        for task in self.tasks:
            for topic, partition in task.inputs:
                at = task.position.get(topic, 0)
                reached[topic, partition] = min(at, reached.get((topic, partition), at))
        for place, log in self.topics.items():
            first = self.begins[place]
            upto = reached.get(place, first + len(log))
            self.begins[place] = upto
            del log[: upto - first]

    def on(self, topic: str) -> list[Stored]:
        """Every record of a topic that is there, by partition."""
        return [record for (name, _), log in sorted(self.topics.items()) if name == topic for record in log]

    def _unread(self, task: OfflineTask, topics: Collection[str] | None = None) -> list[Stored]:
        found: list[Stored] = []
        for topic, partition in task.inputs:
            if topics is not None and topic not in topics:
                continue
            log = self.topics[topic, partition]
            start = task.position.get(topic, 0) - self.begins[topic, partition]
            found += log[start : start + self.size - len(found)]
        return found

    def _batch(self, task: OfflineTask, records: Sequence[Stored], now: int) -> set[str]:
        """The topics on which something was sent."""
        ends = {tp.topic: self.begins[tp] + len(self.topics[tp.topic, tp.partition]) for tp in task.inputs}
        reached = task.position | {record.topic: record.offset + 1 for record in records}
        caught_up = {tp: now for tp in task.inputs if reached.get(tp.topic, 0) >= ends[tp.topic]}
        sends = task.batch(records, now, caught_up)
        self._append(sends, now)
        return {topic for topic, _ in sends}

    def _append(self, sends: Sends, now: int) -> None:
        for (topic, partition), items in sends.items():
            for key, value in items:
                self.publish(topic, key, value, now, partition)
