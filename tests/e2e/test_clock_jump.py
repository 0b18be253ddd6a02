"""A worker whose wall clock is set while it runs: stream time must not follow it. One whose clock is wrong at its start
is refused.
"""

import asyncio
import time
from datetime import datetime
from pathlib import Path

import pytest

from streams.local.processes import start_worker
from streams.settings import Settings
from tests.chaos.fleet import TRAPS
from tests.support.system import System, event
from tests.support.waiting import until

RULES = """
rules:
  - {name: wait, subject: contact, tiers: [gold], when: {waiting: {above: 10s}}, severity: critical}
  - {name: long-wait, subject: contact, tiers: [platinum], when: {waiting: {above: 60s}}, severity: critical}
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "alerts.yaml").write_text(RULES)
    return settings.model_copy(update={"rules_dir": tmp_path})


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file per worker in this folder holds the seconds its clock is off."""
    folder = tmp_path / "clocks"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(TRAPS))
    monkeypatch.setenv("CHAOS_CLOCKS", str(folder))
    return folder


async def test_a_clock_that_jumps_ahead_raises_no_alert_that_is_not_due(system: System, clocks: Path) -> None:
    async with system.run() as running:
        (log,) = running.logs.glob("worker-*.log")
        clock = clocks / log.stem
        entered = time.time()
        vip = {"customer_id": "c1", "tier": "platinum", "queue": "loans"}
        await system.events(event("contact.queued", "v1", entered, **vip))
        await system.drained()
        clock.write_text("300")
        await system.ticks()
        clock.write_text("0")
        assert time.time() - entered < 60, "too slow a machine for this test"
        await system.events(event("contact.connected", "v1", time.time(), **vip))
        await system.drained()
    assert await system.read("alerts") == []


async def test_a_clock_that_is_set_back_delays_no_alert(system: System, clocks: Path) -> None:
    async with system.run() as running:
        (log,) = running.logs.glob("worker-*.log")
        (clocks / log.stem).write_text("-300")
        await system.ticks()
        entered = time.time()
        await system.events(event("contact.queued", "v1", entered, customer_id="c1", tier="gold", queue="loans"))
        fired = await until(lambda: system.read("alerts"), 40)
    assert [alert["status"] for alert in fired] == ["firing"]


async def test_a_worker_whose_clock_is_wrong_refuses_to_start_and_the_others_go_on(
    system: System, clocks: Path, tmp_path: Path
) -> None:
    """Three hours ahead it would raise alerts for everybody who waits."""
    (clocks / "late-comer").write_text("10800")
    async with system.run():
        wrong = system.settings.model_copy(update={"worker_name": "late-comer"})
        worker = await start_worker(wrong, "late-comer", tmp_path / "late-comer.log")
        assert await asyncio.wait_for(worker.process.wait(), 60) == 1
        said = (tmp_path / "late-comer.log").read_text()
        assert "it is 10800.0 s ahead, and at most 5 s are allowed" in said
        assert "Traceback" not in said
        entered = time.time()
        await system.events(event("contact.queued", "v1", entered, customer_id="c1", tier="gold", queue="loans"))
        fired = await until(lambda: system.read("alerts"), 40)
        (alert,) = fired
        assert abs(datetime.fromisoformat(alert["fired_at"]).timestamp() - entered - 10) < 20
    ends = [datetime.fromisoformat(record["window"]["end"]).timestamp() for record in await system.read("kpis")]
    assert max(ends, default=0) <= time.time()
