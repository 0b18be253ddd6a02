"""A batch: the records of one task, what they write and send, and the one transaction that makes it all true."""

import logging
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from aiokafka import TopicPartition

from streams.engine.errors import EngineError, OutputTooLarge, StoreError
from streams.engine.inlet import Failure, Record, Unfetchable
from streams.engine.kafka import MAX_BATCH_BYTES

if TYPE_CHECKING:
    from streams.engine.task import Sends, Task

log = logging.getLogger(__name__)

_LARGEST = MAX_BATCH_BYTES - 512
"""Most bytes of a key and its value: a record batch's own header and a record's framing need the rest."""


class Outputs:
    """What a handler may send, and what it may know of the moment.

    ``now`` is the wall clock in ms at hand-over; ``caught_up`` maps an input partition to the wall-clock ms at which
    the broker was last known to have nothing more for it (absent: there is more).
    """

    __slots__ = ("_items", "caught_up", "now", "partitions")

    def __init__(self, partitions: Mapping[str, int], now: int, caught_up: Mapping[TopicPartition, int]) -> None:
        self.partitions, self.now, self.caught_up = partitions, now, caught_up
        self._items: list[tuple[str, int, bytes | None, bytes | None]] = []

    def send(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Send to the partition of the key (crc32, so that any language can tell where a key lives). Raises
        `OutputTooLarge`.
        """
        size = len(key) + len(value) if value else len(key)
        if size > _LARGEST:
            raise OutputTooLarge(topic, size, _LARGEST)
        self._items.append((topic, zlib.crc32(key) % self.partitions[topic], key, value))

    def send_to(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Send to a partition by number. Raises `OutputTooLarge`."""
        size = len(value or b"") + len(key or b"")
        if size > _LARGEST:
            raise OutputTooLarge(topic, size, _LARGEST)
        self._items.append((topic, partition, key, value))

    def broadcast(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Send to every partition of a topic."""
        for partition in range(self.partitions[topic]):
            self.send_to(topic, partition, key, value)

    def mark(self) -> int:
        return len(self._items)

    def undo(self, mark: int) -> None:
        del self._items[mark:]

    def grouped(self) -> "Sends":
        grouped: Sends = {}
        for topic, partition, key, value in self._items:
            grouped.setdefault((topic, partition), []).append((key, value))
        return grouped


class Batch:
    """The unit of work handed to an agent; ``records`` is empty on a tick."""

    def __init__(
        self,
        task: "Task",
        records: Sequence[Record],
        out: Outputs,
        done: Callable[["Batch", BaseException | None], Awaitable[None] | None],
    ) -> None:
        self.task, self.records, self.out = task, records, out
        self._done = done
        self.started = time.perf_counter()
        self.failed = 0
        self.transaction_seconds = 0.0
        self.handle_cpu_seconds = 0.0

    async def process(self) -> None:
        """Handle every record, finish, commit. Never raises: a batch that cannot be committed costs its task, which is
        taken over anew.
        """
        error: BaseException | None = None
        try:
            if not self.task.lost:
                if self.records and self.task.trial.announced:
                    turns = self.task.turns
                    async with turns.alone() if self.task.trial.careful else turns.together():
                        await self.task.announce(self.records)
                        await self._work()
                else:
                    await self._work()
        except Exception as raised:  # noqa: BLE001 - whatever it was, the task must be dropped and the agent must live
            error = raised
        except BaseException as raised:  # cancelled: the worker stops, or the agent is restarted
            self._done(self, raised)
            raise
        self._done(self, error)

    async def _work(self) -> None:
        cpu = time.thread_time()
        self.run()
        self.handle_cpu_seconds = time.thread_time() - cpu
        await self.commit()

    def run(self) -> None:
        """Fold the records in, one by one; a record that raises is taken back and handed to the inlet's
        ``on_failure``.
        """
        task, out = self.task, self.out
        processor, tables = task.processor, list(task.tables.values())
        if processor is None:
            raise EngineError(f"{task.info.name} has no processor: it was not restored")
        handle, suspect = processor.handle, task.trial.suspect
        for record in self.records:
            mark = out.mark()
            for table in tables:
                table.mark()
            try:
                if suspect is not None:
                    task.trial.refuse(record)
                if type(record) is Unfetchable:
                    record.refuse()
                handle(record, out)
            except StoreError:
                raise  # no fault of the record: the task is lost
            except Exception as error:  # noqa: BLE001 - any failure of a record becomes its dead letter
                out.undo(mark)
                for table in tables:
                    table.undo()
                processor.undo(record)
                self.failed += 1
                self._bury(Failure(record, error))
        for table in tables:
            table.mark()
        if processor.finish(out):
            task.next_tick = 0.0

    def _bury(self, failure: Failure) -> None:
        """Hand a failed record to the inlet; when that fails too, it is logged and passed by: it must block nothing."""
        mark = self.out.mark()
        try:
            self.task.inlet.on_failure(failure, self.out)
        except Exception:
            self.out.undo(mark)
            record = failure.record
            log.exception("no dead letter for %s-%s at offset %s", record.topic, record.partition, record.offset)

    async def commit(self) -> None:
        """Commit what was read, written and sent; nothing at all for a tick that changed nothing."""
        task = self.task
        sends = self.out.grouped()
        position = dict(task.position)
        if len(task.inputs) == 1 and self.records:
            position[self.records[-1].topic] = self.records[-1].offset + 1
        else:
            for record in self.records:
                position[record.topic] = record.offset + 1
        if self.records or sends or any(table.dirty for table in task.tables.values()):
            self.transaction_seconds = await task.commit(sends, position)
        elif any(table.unsettled for table in task.tables.values()):
            task.skip()
        if self.records:
            task.trial.passed(list(self.records[-1:]))
