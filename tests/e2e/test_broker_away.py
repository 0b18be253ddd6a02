"""A broker that is away for longer than a restart takes: what the workers say, what it costs, and that they go on."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from streams import settings as settings_module
from streams.local.broker import Broker
from streams.local.processes import WorkerProcess
from tests.support.system import System, event

REASON = "the broker has not answered for "
OUTAGE_SECONDS = 12.0
CPU_SECONDS = 3.0
"""Of a worker in an outage; 0.5 were measured on an idle machine and 1.7 on one three times as slow, 4 and 12 when nobody
paused between two tries."""


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Broker]:
    """A broker that this test may stop."""
    broker = Broker("away", home=tmp_path / "kafka")
    await asyncio.to_thread(broker.start)
    yield broker
    await asyncio.to_thread(broker.destroy)


async def ready(worker: WorkerProcess) -> tuple[int, list[str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{worker.port}/readyz") as response,
    ):
        return response.status, (await response.json())["why"]


async def series(worker: WorkerProcess, name: str) -> dict[str, float]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{worker.port}/metrics") as response,
    ):
        lines = (await response.text()).splitlines()
    found = (line.rpartition(" ") for line in lines if line.startswith(name + "{"))
    return {labels: float(value) for labels, _, value in found}


async def stays_ready(worker: WorkerProcess, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert await ready(worker) == (200, [])
        await asyncio.sleep(0.2)


def cpu(worker: WorkerProcess) -> float:
    times = psutil.Process(worker.process.pid).cpu_times()
    return times.user + times.system


async def test_a_worker_is_not_ready_while_its_broker_is_away(own: Broker, prefix: str, tmp_path: Path) -> None:
    bootstrap = await asyncio.to_thread(own.start)
    settings = settings_module.load(
        bootstrap_servers=bootstrap, topic_prefix=prefix, log_format="json", log_level="info"
    )
    system = await System(settings, tmp_path).create()
    async with system.run():
        (worker,) = system.workers
        await system.events(event("contact.initiated", "a", customer_id="a"))
        await system.drained()

        await asyncio.to_thread(own.pause)
        await stays_ready(worker, 5)
        await asyncio.to_thread(own.resume)
        await stays_ready(worker, 6)

        await asyncio.to_thread(own.stop)
        stopped, before = time.monotonic(), cpu(worker)
        status, why = await ready(worker)
        while not any(each.startswith(REASON) for each in why):  # a task whose commit fails may be named before that
            assert time.monotonic() - stopped < 16, why
            await asyncio.sleep(0.2)
            status, why = await ready(worker)
        assert status == 503
        await asyncio.sleep(max(stopped + OUTAGE_SECONDS - time.monotonic(), 0))
        assert cpu(worker) - before < CPU_SECONDS * (time.monotonic() - stopped) / OUTAGE_SECONDS
        until = time.monotonic() + 15  # an answer of before is given for a while
        while known := await series(worker, "contact_streams_lag_records"):
            assert time.monotonic() < until, known
            await asyncio.sleep(0.5)
        assert not await series(worker, "contact_streams_unread_seconds")
        behind = await series(worker, "contact_streams_lag_seconds")
        assert max(behind.values()) > 10, "which is what the alert TimeBehind looks at"

        await asyncio.to_thread(own.start)
        await worker.wait_ready(10)
        await system.events(event("contact.initiated", "b", customer_id="b"))
        await system.drained()
        customers = {each["customer"] for each in await system.read("journeys")}
        assert customers == {"customer:a", "customer:b"}
        until = time.monotonic() + 15
        while len(await series(worker, "contact_streams_lag_records")) < 4:
            assert time.monotonic() < until
            await asyncio.sleep(0.5)
        assert "the broker answers again, after " in worker.log.read_text()
