"""A test that starts a worker, writes the pids of all that runs into a file and never ends. ``test_leftovers`` runs it in
a run of its own, which it terminates; its name keeps it out of every other run.
"""

import asyncio
import os
from pathlib import Path

import pytest

from streams import settings as settings_module
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.local.broker import Broker
from streams.local.processes import start_worker

PIDS = "HANGING_PIDS"
"""The variable that names the file."""


async def test_that_never_ends(bootstrap: str, prefix: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    settings = settings_module.load(bootstrap_servers=bootstrap, topic_prefix=prefix)
    await topics.create(connection_of(settings), topics.wanted(settings))
    worker = await start_worker(settings, "worker", tmp_path / "worker.log")
    pids = [os.getpid(), worker.process.pid]
    if "KAFKA_BOOTSTRAP_SERVERS" not in os.environ:  # the broker is this run's own
        broker: Broker = request.getfixturevalue("broker")
        running = broker.running()
        assert running is not None
        pids.append(running.pid)
    written = Path(os.environ[PIDS])
    part = written.with_suffix(".part")
    part.write_text(" ".join(map(str, pids)))
    part.rename(written)
    await asyncio.Event().wait()
