"""A batch: the records of one task, what they write and send, and the transactions that make it all true.

As a rule it is one transaction. Where something in it fails, its parts are committed one by one (`work`).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from streams.engine.errors import UnreadableRecord
from streams.engine.inlet import Record
from streams.engine.outputs import Outputs
from streams.engine.task import Task
from streams.engine.work import Part, work


class Batch:
    """The unit of work handed to an agent; ``records`` is empty on a tick."""

    def __init__(
        self,
        task: Task,
        records: Sequence[Record],
        out: Outputs,
        done: Callable[["Batch", BaseException | None], Awaitable[None] | None],
    ) -> None:
        self.task, self.records, self.out = task, records, out
        self._done = done
        self.started = time.perf_counter()
        self.failed = 0
        self.unreadable: Counter[type[UnreadableRecord]] = Counter()
        """Places of records that could not be taken apart, by why."""
        self.aside: Counter[str] = Counter()
        """Table → rows set aside."""
        self.transaction_seconds = 0.0
        self.handle_cpu_seconds = 0.0

    async def process(self) -> None:
        """Handle every record, finish, commit. Never raises: a batch that cannot be committed costs its task, which is
        taken over anew.
        """
        error: BaseException | None = None
        try:
            if not self.task.state.gone:
                trial, turns = self.task.trial, self.task.turns
                if self.records and trial.announced:
                    async with turns.alone(decides=trial.decisive) if trial.careful else turns.together():
                        await self.task.announce(self.records)
                        await self._work()
                else:
                    async with turns.beside():
                        await self._work()
        except Exception as raised:  # noqa: BLE001 - whatever it was, the task must be dropped and the agent must live
            error = raised
        except BaseException as raised:  # cancelled: the worker stops, or the agent is restarted
            self._done(self, raised)
            raise
        self._done(self, error)

    async def _work(self) -> None:
        if self.records and self.task.processor is not None:
            await self.task.processor.look_ahead(self.records)
        parts = work(self.task, self.records, self.out)
        while True:
            cpu = time.thread_time()
            part = next(parts, self)
            self.handle_cpu_seconds += time.thread_time() - cpu
            if isinstance(part, Part):
                await self._commit(part)
            elif part is None:
                await asyncio.sleep(0)
            else:
                break
        if self.records:
            self.task.passed(self.records[-1])

    async def _commit(self, part: Part) -> None:
        """Commit what was read, written and sent; nothing at all for a tick that changed nothing."""
        task, records = self.task, part.records
        sends = part.out.grouped()
        position = dict(task.position)
        if len(task.inputs) == 1 and records:
            position[records[-1].topic] = records[-1].offset + 1
        else:
            for record in records:
                position[record.topic] = record.offset + 1
        if records or sends or part.rows:
            self.transaction_seconds += await task.commit(sends, position, part.rows, part.due)
        elif part.due.drop or part.due.add:
            task.skip(part.due)
        task.left(part.rest, part.unfinished)
        self.failed += part.failed
        self.unreadable += part.unreadable
        self.aside += part.aside
