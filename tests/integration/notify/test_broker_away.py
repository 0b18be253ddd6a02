"""A broker that goes away for longer than a restart: the process says so, goes on, and loses nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from streams.local.broker import Broker
from streams.local.probe import free_port
from tests.support.notify import Hook, Post, alert, change, event
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.chaos]
OUTAGE_SECONDS = 12.0


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Broker]:
    """A broker that this test may stop."""
    broker = Broker("away", home=tmp_path / "kafka")
    await asyncio.to_thread(broker.start)
    yield broker
    await asyncio.to_thread(broker.destroy)


async def why(port: int) -> list[str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as response:
        found: list[str] = (await response.json())["why"]
        assert response.status == (503 if found else 200)
        return found


async def test_it_goes_on_when_the_broker_is_back(
    own: Broker, prefix: str, hook: Hook, file: Path, tmp_path: Path
) -> None:
    async with Hook().run() as other:
        change(
            file,
            ("routes:\n", f"  am:\n    alertmanager: {{url: '{other.url}', repeat: 1h}}\nroutes:\n"),
            ("targets: [desk]", "targets: [desk, am]"),
        )
        post = await Post(await asyncio.to_thread(own.start), prefix).create()
        port = free_port()
        async with post.process(file, tmp_path / "notify.log", port) as process:
            hook.answers.append(500)  # it waits for its next attempt when the broker goes
            await post.publish(event(1), event(2))
            await post.states(alert(1))
            await until(lambda: len(hook.bodies) == 2)
            await until(lambda: len(other.bodies) == 1)
            await asyncio.to_thread(own.kill)
            times = psutil.Process(process.pid).cpu_times()
            await asyncio.sleep(OUTAGE_SECONDS)
            spent = sum(psutil.Process(process.pid).cpu_times()[:2]) - sum(times[:2])
            (said,) = await why(port)
            assert said.startswith("the broker has not answered for ")
            assert spent < OUTAGE_SECONDS / 3
            await asyncio.to_thread(own.start)
            await until(lambda: _is_ready(port), 60)
            await post.publish(event(3), event(1, "resolved", revision=3))
            await post.states(alert(3))
            await until(lambda: len(hook.bodies) == 4, 60)
            await until(lambda: len(other.asked) == 2, 60)
    assert set(hook.taken.values()) == {1}


async def _is_ready(port: int) -> bool:
    return not await why(port)
