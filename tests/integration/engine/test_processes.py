"""The engine under real process deaths: each worker here is a process that is killed, paused or kills itself."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from tests.support.engine import Pipeline, publish, read_all, until

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def worker(pipeline: Pipeline, name: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.engine.worker", pipeline.bootstrap, pipeline.prefix, name, cwd=ROOT
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()


async def deaths_until(pipeline: Pipeline, records: int) -> int:
    """Start a worker after each that dies, until so many records are worked off; returns how many died."""
    for deaths in range(6):
        async with worker(pipeline, f"w{deaths}") as process:
            died = asyncio.create_task(process.wait())

            async def over(died: asyncio.Task[int] = died) -> bool:
                """One look at a time: cutting it short would leave the client's connection open."""
                return died.done() or await pipeline.drained(records)

            await until(over, 60)
            if not died.done():
                died.cancel()
                return deaths
    raise AssertionError("the sixth worker died too")


async def is_alone(pipeline: Pipeline, name: str) -> bool:
    """Whether the group has thrown out all workers but this one, and given it everything."""
    admin = AIOKafkaAdminClient(bootstrap_servers=pipeline.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([pipeline.app_id])
    except GroupCoordinatorNotAvailableError:  # a busy broker's first groups take a while
        return False
    finally:
        await admin.close()
    ((_, _, state, _, _, members, *_),) = answer.groups
    return state == "Stable" and [client for _, client, *_ in members] == [name]


async def test_a_record_that_kills_the_process_is_set_aside(bootstrap: str, prefix: str) -> None:
    pipeline = await Pipeline(bootstrap, prefix).create()
    fine = [(0, b"k", b"v")]
    await publish(bootstrap, pipeline.input, [*fine * 10, (0, b"k", b"poison"), *fine * 10])
    await publish(bootstrap, pipeline.input, [(1, b"healthy", b"v")] * 100)
    deaths = await deaths_until(pipeline, 121)
    assert deaths == 3, (
        "in a trial, alone with it, and alone again; one that was busy before would have been the fourth"
    )
    assert await pipeline.counts() == {"k": 20, "healthy": 100}, "nothing of the other partition is suspected"
    (letter,) = await read_all(bootstrap, pipeline.dead)
    assert letter.key == b"10"
    assert b"KilledWorker" in letter.value


async def test_a_record_that_was_alone_when_somebody_killed_the_worker_is_not_set_aside(
    bootstrap: str, prefix: str, tmp_path: Path
) -> None:
    """The first kill hits a trial; from then on some record is always alone, so the second one hits one for certain."""
    pipeline = await Pipeline(bootstrap, prefix).create()
    (tmp_path / "deaths").write_text("2")
    fine = [(0, b"k", b"v")]
    await publish(
        bootstrap,
        pipeline.input,
        [*fine * 10, (0, b"k", b"unlucky %s" % str(tmp_path / "deaths").encode()), *fine * 10],
    )
    assert await deaths_until(pipeline, 21) == 2
    assert await read_all(bootstrap, pipeline.dead) == []
    assert await pipeline.counts() == {"k": 21}


async def test_exact_through_kills_and_a_pause_beyond_the_session(bootstrap: str, prefix: str) -> None:
    """Load goes on while workers are killed and one sleeps through its session time-out and wakes up as a zombie."""
    pipeline = await Pipeline(bootstrap, prefix).create()
    dice, keys, rounds = random.Random(11), 10, 8
    async with worker(pipeline, "steady") as steady:
        for turn in range(rounds):
            await publish(bootstrap, pipeline.input, [(i % keys % 2, b"k%d" % (i % keys), b"v") for i in range(500)])
            async with worker(pipeline, f"mortal-{turn}"):
                if turn == rounds // 2:
                    steady.send_signal(signal.SIGSTOP)
                    await until(lambda turn=turn: is_alone(pipeline, f"mortal-{turn}"), 30)
                    steady.send_signal(signal.SIGCONT)
                await asyncio.sleep(dice.uniform(0.5, 2.0))  # it dies at any moment of its work
        await until(lambda: pipeline.drained(500 * rounds), 90)
    sent: dict[str, list[int]] = {}
    for record in await read_all(bootstrap, pipeline.output):
        sent.setdefault(record.key.decode(), []).append(int(record.value))
    assert sent == {f"k{i}": list(range(1, 50 * rounds + 1)) for i in range(keys)}
