"""The HTTP API while the broker is away: it says so, shows what it knows, and goes on by itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from streams import settings as settings_module
from streams.local.broker import Broker
from tests.support import alerts as made
from tests.support.api import Api, serving
from tests.support.waiting import until

SHORT = made.ANN.partition("@")[0]


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Broker]:
    """A broker that this test may stop."""
    broker = Broker("alerts-away", home=tmp_path / "kafka")
    await asyncio.to_thread(broker.start)
    yield broker
    await asyncio.to_thread(broker.destroy)


async def ready(api: Api) -> Any:
    async with api.web.get(api.base + "/readyz") as found:
        return found.status == 200, (await found.json())["why"]


@pytest.mark.slow
async def test_a_broker_that_goes_and_comes_back(own: Broker, prefix: str, tmp_path: Path) -> None:
    servers = await asyncio.to_thread(own.start)
    settings = settings_module.load(bootstrap_servers=servers, topic_prefix=prefix)
    await made.create(settings)
    await made.tell(settings, "alerts", made.alert())
    async with serving(settings, tmp_path) as api:
        await asyncio.to_thread(own.stop)
        why = await until(lambda: unready(api), 60)
        assert "the broker" in why[0] or "Kafka" in why[0] or servers in why[0]
        assert len((await api.get("/alerts"))["alerts"]) == 1  # as it was
        begun = time.monotonic()
        assert (await api.get(f"/alerts/{SHORT}/history", status=503))["type"] == "urn:contact-streams:not-now"
        problem = await api.ask("POST", f"/alerts/{SHORT}/commands", "operator", 503, {"action": "close"})
        assert problem["type"] == "urn:contact-streams:not-now"
        assert time.monotonic() - begun < 30
        assert (await asyncio.to_thread(own.start)) == servers
        await until(lambda: is_ready(api), 90)
        await api.ask("POST", f"/alerts/{SHORT}/commands", "operator", 202, {"action": "close"})
        await made.tell(settings, "alerts", made.alert(state="resolved", because="closed", revision=2))
        await until(lambda: none(api), 30)


async def unready(api: Api) -> Any:
    good, why = await ready(api)
    return None if good else why


async def is_ready(api: Api) -> bool:
    return bool((await ready(api))[0])


async def none(api: Api) -> bool:
    return not (await api.get("/alerts"))["alerts"]
