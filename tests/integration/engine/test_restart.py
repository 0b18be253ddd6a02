"""Restarts on a real broker: with the disk, without it, with a wrong one, with state of other versions."""

import asyncio
import gc
import logging
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from streams.engine import NewerState, Outputs, Record, Rest, Table, TableSpec, TaskInfo, UnreadableState
from streams.engine.changelog import Rows as Read
from streams.engine.connection import Connection
from streams.engine.errors import StoreError
from streams.engine.rocks import RocksStores
from streams.engine.store import Due, Mark, MemoryStore, Rows, Store
from streams.engine.tables import Storage
from streams.engine.work import MAX_ASIDE
from tests.support.engine import (
    COUNTS,
    LARGE,
    Count,
    Kept,
    Recorder,
    exactly,
    load,
    publish,
    read_all,
    restore,
    some_rounds,
    until,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def pipeline(bootstrap: str, prefix: str, tmp_path: Path) -> Kept:
    pipeline = Kept(bootstrap, prefix, tmp_path)
    await pipeline.create()
    return pipeline


def read_back(recorder: Recorder) -> int:
    """Changelog offsets read by all restores."""
    return sum({partition: total for partition, done, total in recorder.restored if done == total}.values())


async def test_a_changelog_that_this_program_cannot_read_is_not_emptied(pipeline: Kept) -> None:
    """A row that cannot be decoded is set aside; a program that can decode none of them is another matter."""
    await publish(pipeline.bootstrap, pipeline.changelog, [(0, b"counts\0k%d" % n, b"{") for n in range(MAX_ASIDE + 1)])
    async with replace(pipeline, spec=COUNTS).run() as source:
        await until(lambda: source.crash_reason is not None)
        assert isinstance(source.crash_reason, UnreadableState)
        assert f"{MAX_ASIDE + 1} rows cannot be decoded, of table 'counts': JSONDecodeError" in str(source.crash_reason)
    assert await read_all(pipeline.bootstrap, pipeline.dead) == []


async def test_a_restore_that_is_cut_short_leaves_no_client_open(pipeline: Kept) -> None:
    """At whatever moment: what is left open is told when it is collected, and that fails the test."""
    for moment in range(12):
        reading = asyncio.create_task(
            restore(
                Connection(pipeline.bootstrap),
                TopicPartition(pipeline.changelog, 0),
                Read([LARGE], MemoryStore()),
                print,
            )
        )
        await asyncio.wait([reading], timeout=moment * 0.002)
        reading.cancel()
        await asyncio.wait([reading])
    gc.collect()


async def test_a_restart_with_its_disk_reads_only_the_tail(pipeline: Kept) -> None:
    await some_rounds(pipeline, range(20), pipeline.on_disk(), Recorder())
    whole = len(await read_all(pipeline.bootstrap, pipeline.changelog, "read_uncommitted"))
    recorder = Recorder()
    await some_rounds(pipeline, range(20, 21), pipeline.on_disk(), recorder)
    assert read_back(recorder) < whole / 10, "the last transaction of each partition, for a check"
    await exactly(pipeline, 21)
    without = Recorder()
    shutil.rmtree(pipeline.folder / pipeline.app_id)
    await some_rounds(pipeline, range(21, 22), pipeline.on_disk(), without)
    assert read_back(without) >= whole
    await exactly(pipeline, 22)


async def test_a_killed_worker_finds_its_disk_and_reads_what_was_not_flushed(pipeline: Kept) -> None:
    command = [sys.executable, "-m", "tests.integration.engine.worker", pipeline.bootstrap, pipeline.prefix]
    done = 0
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(*command, "w1", str(pipeline.folder), cwd=ROOT)
        try:
            for _ in range(4):
                done += 1
                await publish(pipeline.bootstrap, pipeline.input, load(200))
                await until(lambda done=done: pipeline.drained(200 * done), 60)
        finally:
            process.kill()
            await process.wait()
    await exactly(pipeline, done)
    whole = len(await read_all(pipeline.bootstrap, pipeline.changelog, "read_uncommitted"))
    recorder = Recorder()
    resident = replace(pipeline, spec=COUNTS)
    await some_rounds(resident, range(done, done + 1), pipeline.on_disk(), recorder)
    assert 0 < read_back(recorder) < whole
    await exactly(pipeline, done + 1)


async def test_the_disk_of_another_changelog_is_given_up(
    pipeline: Kept, bootstrap: str, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The same offsets and names, but not the same state: as after topics were deleted and made anew."""
    other = Kept(bootstrap, prefix + "other.", pipeline.folder)
    await other.create()
    for one in (other, pipeline):
        await some_rounds(one, range(3), one.on_disk(), Recorder())
    folder = pipeline.folder / pipeline.app_id
    shutil.rmtree(folder)
    shutil.copytree(pipeline.folder / other.app_id, folder)
    recorder = Recorder()
    await some_rounds(pipeline, range(3, 4), pipeline.on_disk(), recorder)
    assert caplog.text.count("it is of another changelog of the same name") == 2
    assert recorder.lost == []
    await exactly(pipeline, 4)


async def test_a_changelog_from_before_states_had_names(pipeline: Kept) -> None:
    position = orjson.dumps({"version": 1, "offsets": {pipeline.input: 0}})
    old = [(p, b"counts\0k%d" % n, b"5") for n in range(200) for p in (n % 2,)]
    await publish(
        pipeline.bootstrap, pipeline.changelog, [*old, (0, b"\0position", position), (1, b"\0position", position)]
    )
    for done in range(2):
        await some_rounds(pipeline, range(done, done + 1), pipeline.on_disk(), Recorder())
    assert await pipeline.counts() == {f"k{n}": 7 for n in range(200)}


class Failing:
    """Stores that fail once, at a write after a commit, and hand out what is on the disk otherwise."""

    def __init__(self, stores: RocksStores, error: StoreError) -> None:
        self.stores, self.error, self.writes = stores, error, 0

    def open(self, task: str) -> Store:
        store, write = self.stores.open(task), None

        def fails(rows: Rows, due: Due, mark: Mark | None) -> None:
            if rows and mark:
                self.writes += 1
                if self.writes in (3, 9):
                    raise self.error
            write(rows, due, mark)

        write, store.write = store.write, fails
        return store

    def anew(self, task: str, store: Store, why: str) -> Store:
        return self.stores.anew(task, store, why)


async def test_a_failing_disk_costs_the_task_and_no_record(pipeline: Kept, caplog: pytest.LogCaptureFixture) -> None:
    recorder, disk = Recorder(), pipeline.on_disk()
    failing = Failing(disk.stores, StoreError("the store /disk/t cannot be written: No space left on device"))
    await some_rounds(pipeline, range(15), Storage(failing, disk.cache), recorder)
    assert [error for _, _, error in recorder.lost] == ["StoreError", "StoreError"]
    assert "(StoreError: the store /disk/t cannot be written: No space left on device); taking it over" in caplog.text
    await exactly(pipeline, 15)


async def test_a_folder_in_use_is_waited_for(pipeline: Kept, caplog: pytest.LogCaptureFixture) -> None:
    holder = pipeline.on_disk().stores.open("count-0")
    await publish(pipeline.bootstrap, pipeline.input, load(200))
    async with pipeline.run(storage=pipeline.on_disk()) as source:
        await until(lambda: "count-0 is in use by another worker or another task" in caplog.text)
        await until(lambda: source.tasks.ready == {("count", 1)})
        holder.close()
        await until(lambda: pipeline.drained(200))
    await exactly(pipeline, 1)


V3: TableSpec[Any] = replace(
    LARGE,
    encode=lambda count: orjson.dumps({"n": count}),
    decode=lambda data: orjson.loads(data)["n"],
    version=3,
    upgrades=(lambda old: b"[" + old + b"]", lambda old: b'{"n":' + old[1:-1] + b"}"),
)


async def test_older_state_is_read_and_newer_state_is_refused(pipeline: Kept, caplog: pytest.LogCaptureFixture) -> None:
    await some_rounds(pipeline, range(2), pipeline.on_disk(), Recorder())
    newer = replace(pipeline, spec=V3)
    await publish(pipeline.bootstrap, pipeline.input, load(2, 2))
    async with newer.run(storage=pipeline.on_disk()):
        await until(lambda: newer.drained(402))
    assert "it was written by another version of the program" in caplog.text
    rows = {r.key: r.value for r in await read_all(pipeline.bootstrap, pipeline.changelog)}
    assert (rows[b"counts\0k0"], rows[b"counts\0k2"]) == (b'\x03{"n":3}', b"2")
    async with pipeline.run(worker="old", storage=pipeline.on_disk()) as source:
        await until(lambda: source.crash_reason is not None)
        assert isinstance(source.crash_reason, NewerState)
        assert "a row of table 'counts' has version 3, this program reads up to 1" in str(source.crash_reason)


class Slowly(Count):
    """Has more to do thirty times over."""

    def __init__(self, info: TaskInfo, tables: Mapping[str, Table[Any]], output: str) -> None:
        super().__init__(info, tables, output)
        self.left = 30

    def finish(self, out: Outputs) -> Rest:
        super().finish(out)
        self.left -= 1
        out.send(self.output, b"left", b"%d" % self.left)
        return Rest.AT_ONCE if self.left > 0 else Rest.NOTHING


async def test_what_is_still_due_does_not_wait_for_the_next_second(pipeline: Kept) -> None:
    started = time.monotonic()
    async with pipeline.run(processor=Slowly) as source:
        await until(
            lambda: (
                all(t.processor and t.processor.left <= 0 for t in source.tasks.owned.values()) and source.tasks.ready
            )
        )
    assert time.monotonic() - started < 15, "thirty ticks of a second each would take longer"


class Unreadable(Count):
    """Its store fails while a record is handled: that is no fault of the record."""

    failures = 2

    def handle(self, record: Record, out: Outputs) -> None:
        if Unreadable.failures:
            Unreadable.failures -= 1
            raise StoreError("the store /disk/t cannot be read: Input/output error")
        super().handle(record, out)


async def test_a_store_that_cannot_be_read_makes_no_dead_letters(pipeline: Kept) -> None:
    logging.getLogger("streams.engine").setLevel(logging.INFO)
    await publish(pipeline.bootstrap, pipeline.input, load(200))
    recorder = Recorder()
    async with pipeline.run(processor=Unreadable, observer=recorder):
        await until(lambda: pipeline.drained(200))
    assert {error for _, _, error in recorder.lost} == {"StoreError"}
    assert await read_all(pipeline.bootstrap, pipeline.dead) == []
    await exactly(pipeline, 1)
