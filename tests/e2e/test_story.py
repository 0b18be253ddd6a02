"""The command that tells the story, on a real broker with real workers: it proves every step and leaves nothing."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from streams.engine.connection import Connection
from streams.kafka import topics
from tests.support.waiting import until


async def start(bootstrap: str, folder: Path) -> asyncio.subprocess.Process:
    """Ctrl-C reaches it whatever the one who started the tests made of that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.cli", "demo", "story", "--json", "--patience", "120",
        cwd=folder, env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": bootstrap},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def nothing_left(bootstrap: str) -> bool:
    """No topic of a story; the broker takes a moment to delete them."""
    return not any(name.startswith("story-") for name in await topics.existing(Connection(bootstrap)))


@pytest.mark.slow
async def test_every_step_is_proved_and_nothing_is_left(bootstrap: str, tmp_path: Path) -> None:
    process = await start(bootstrap, tmp_path)
    stdout, stderr = await process.communicate()
    told = [json.loads(line) for line in stdout.splitlines()]
    wrong = [check for step in told[:-1] for act in step["acts"] for check in act["checks"] if not check["proved"]]
    assert (process.returncode, wrong) == (0, []), stderr.decode()
    assert told[-1] == {"steps": 10, "proved": 10}
    assert [each["step"] for each in told[:-1]] == list(range(1, 11))
    assert b"Traceback" not in stderr
    await until(lambda: nothing_left(bootstrap))


@pytest.mark.slow
async def test_ctrl_c_stops_its_workers_and_removes_its_topics(bootstrap: str, tmp_path: Path) -> None:
    process = await start(bootstrap, tmp_path)
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    assert (first["step"], first["proved"]) == (1, True)
    workers = psutil.Process(process.pid).children()
    assert len(workers) == 2
    process.send_signal(signal.SIGINT)
    _, stderr = await process.communicate()
    assert process.returncode == 130, stderr.decode()
    assert stderr.decode().splitlines()[-1] == "contact-streams: stopped"
    assert not any(worker.is_running() for worker in workers)
    await until(lambda: nothing_left(bootstrap))
