"""Digests of a task's tables, so that what a worker holds can be compared with what the changelog says.

A digest is the sum of the hashes of the rows: the same rows give the same digest in any order, and one row changed,
missing or too many gives another. Rows of resident tables are taken as the present program writes them, since a worker
has only the decoded value; the others are taken as they lie in the store.

Hashes are made with a key: names can be guessed, so that a plain hash of one would tell who it is of.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any

from streams.engine.life import State
from streams.engine.spec import TableSpec
from streams.engine.table import Table
from streams.engine.task import Task
from streams.engine.tasks import Tasks

HASH = 16
"""Bytes of a hash."""
HOLD_SECONDS = 30.0
"""How long the batch in flight of a task is waited for."""
SLICE = 1000
"""Rows between two looks of the event loop at everything else."""


class TaskBusy(Exception):
    """A task could not be held: its batch did not end in time, or it is not running here."""


class Digest:
    """Of the rows of one table."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: bytes) -> None:
        """Count in one row, by its hash."""
        self.rows += 1
        self._sum += int.from_bytes(row, "big")

    def told(self) -> dict[str, Any]:
        """{rows, digest}, as JSON."""
        return {"rows": self.rows, "digest": f"{self._sum % (1 << 8 * HASH):032x}"}


class Hashes:
    """Hashes of keys and rows under a secret that the asker shares: they tell nothing to anybody else."""

    def __init__(self, secret: str) -> None:
        self._begin = blake2b(digest_size=HASH, key=blake2b(secret.encode(), digest_size=32).digest())

    def key(self, key: str) -> bytes:
        """Of the key of a row."""
        return self._of(key.encode())

    def row(self, spec: TableSpec[Any], key: str, data: bytes) -> bytes:
        """Of one encoded row. Raises what its decoder raises."""
        value = spec.dump(spec.load(data)) if spec.resident else data
        return self._of(key.encode() + b"\0" + value)

    def _of(self, data: bytes) -> bytes:
        found = self._begin.copy()
        found.update(data)
        return found.digest()


@asynccontextmanager
async def held(tasks: Tasks, agent: str, partition: int) -> AsyncIterator[Task]:
    """A running task between two batches: it gets no record while this lasts, the others do. Raises `TaskBusy`."""
    until = asyncio.get_running_loop().time() + HOLD_SECONDS
    while True:
        async with tasks.polling:  # a poll in flight might hand out a batch
            task = tasks.owned.get((agent, partition))
            if task is None or task.state is not State.READY:
                raise TaskBusy(f"{agent}-{partition} does not run here")
            if task.free:
                task.hold()
                break
        if asyncio.get_running_loop().time() > until:
            raise TaskBusy(f"a batch of {agent}-{partition} has been at work for {HOLD_SECONDS:.0f} s")
        await asyncio.sleep(0.005)
    try:
        yield task
    finally:
        task.release()
        tasks.wake.set()


async def _rows(table: Table[Any]) -> AsyncIterator[tuple[str, bytes]]:
    for number, row in enumerate(table.rows(), 1):
        yield row
        if number % SLICE == 0:
            await asyncio.sleep(0)


async def digests(tasks: Tasks, by: Hashes) -> list[dict[str, Any]]:
    """Of each task that runs here: {agent, partition, changelog_end, tables: {name: {rows, digest}}}."""
    found = []
    for agent, partition in sorted(tasks.ready):
        try:
            async with held(tasks, agent, partition) as task:
                tables = {}
                for name, table in task.tables.items():
                    digest = Digest()
                    async for key, data in _rows(table):
                        digest.add(by.row(table.spec, key, data))
                    tables[name] = digest.told()
                end = task.changelog_end
        except TaskBusy:
            continue  # taken away meanwhile, or stuck: whoever asks sees that it is not there
        found.append({"agent": agent, "partition": partition, "changelog_end": end, "tables": tables})
    return found


async def hashes(tasks: Tasks, by: Hashes, task: tuple[str, int], table: str) -> tuple[int, bytes]:
    """The end of the changelog at which a task stands, and of each row of a table the hash of its key and of the row,
    one after the other. Raises `TaskBusy`, `KeyError` for a table it does not have.
    """
    found = bytearray()
    async with held(tasks, *task) as running:
        rows = running.tables[table]
        async for key, data in _rows(rows):
            found += by.key(key) + by.row(rows.spec, key, data)
        return running.changelog_end, bytes(found)
