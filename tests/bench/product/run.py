"""One measured run: a backlog through fresh topics and workers at full speed, or a live load at a rate."""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams.kafka.drain import wait_drained
from streams.local.processes import WorkerProcess
from streams.settings import Settings
from tests.bench.product import exact, publish, rig
from tests.bench.product.causes import watching
from tests.bench.product.exact import NotExact
from tests.bench.product.fill import fill
from tests.bench.product.load import EVENTS_PER_CONTACT, Load, Sent, Truth
from tests.bench.product.tools import tool

DRAIN_SECONDS = 1800.0
SETTLE_SECONDS = 60.0
"""How long stream time may take to pass the end of the load once everything is worked off."""
DENSITY = 5000.0
"""Events a second of event time in a backlog: about what a worker handles, so that windows pass as they do live."""


@dataclass(frozen=True)
class Plan:
    """What to run. ``rate`` None: a backlog at full speed; else events a second, live."""

    events: int
    customers: int = 10_000
    filled: bool = False
    """Every customer has state already when the worker starts."""
    workers: int = 1
    partitions: int = 4
    rate: float | None = None
    store: str | None = None
    causes: bool = False
    settings: dict[str, object] = field(default_factory=dict)


@dataclass
class Scene:
    """A system that runs, for what is done to it while the load goes through."""

    settings: Settings
    workers: list[WorkerProcess]
    logs: Path
    load: Load
    cpu: rig.Cpu
    publishing: asyncio.Future[float] | None = None
    """Of a live load: done when all of it is published."""


During = Callable[[Scene], Awaitable[dict[str, Any]]]
Told = Callable[[Sent], None]


async def nothing(scene: Scene) -> dict[str, Any]:
    return {}


async def once(plan: Plan, during: During = nothing, told: Told = lambda _: None) -> dict[str, Any]:
    """Run it, check every figure, return what was measured. Raises `NotExact`.

    ``during`` runs beside the load, and what it returns is added; ``told`` hears of each live event before it is sent.
    """
    if plan.causes:
        tool("py-spy")  # installed before anything is timed
    settings = rig.settings_for(plan.store, **plan.settings)
    logs = Path(tempfile.mkdtemp(prefix="contact-streams-bench-"))
    found: dict[str, Any] = {"customers": plan.customers, "workers": plan.workers, "partitions": plan.partitions}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(rig.own_topics(settings, plan.partitions))
        if plan.filled:
            found |= await fill(settings, plan.customers, plan.partitions)
        contacts = max(round(plan.events / EVENTS_PER_CONTACT), 1)
        load = _past(contacts, plan.customers)
        if plan.rate is None:
            await publish.backlog(settings, load, plan.partitions)
        broker = rig.broker_process(settings.bootstrap_servers)
        cpu, of_broker = rig.Cpu(), rig.Cpu([broker] if broker else [])
        await stack.enter_async_context(rig.sampled(cpu, of_broker))
        began = time.perf_counter()
        started = await stack.enter_async_context(rig.workers(settings, plan.workers, logs, cpu, marked=plan.causes))
        found |= {"ready_seconds": round(time.perf_counter() - began, 2), "ready_rss_mib": rig.rss_mib(started)}
        found |= _restored(logs)
        if plan.filled and found.get("restore_seconds"):
            found["restored_rows_per_second"] = round(plan.customers / found["restore_seconds"])
        async with watching([worker.process.pid for worker in started] if plan.causes else []) as stacks:
            scene = Scene(settings, started, logs, load, cpu)
            if plan.rate is not None:
                scene.load = load = Load(contacts, plan.customers, round(time.time() * 1000) + 1000, plan.rate)
                scene.publishing = asyncio.create_task(publish.live(settings, load, plan.partitions, told))
            more = await during(scene)
            if scene.publishing is not None:
                found["publisher_late_seconds"] = round(await scene.publishing, 3)
            if not await wait_drained(settings, DRAIN_SECONDS):
                raise NotExact(f"not worked off within {DRAIN_SECONDS:.0f} s; logs in {logs}")
        found |= {"rss_mib": rig.rss_mib(_alive(started)), "hops": _hops(await rig.scrape(_alive(started)), load.truth)}
        if state_dir := getattr(settings, "state_dir", None):
            found["disk_mib"] = rig.disk_mib(state_dir)
        out = await settled(settings, load.truth, logs)
        found |= more | _costs(out, load.truth, cpu, of_broker)
        if plan.causes:
            found["causes"] = stacks.shares(found["cpu_us_per_event"])
    return found


def _past(contacts: int, customers: int) -> Load:
    """A backlog whose last event lies a quarter of a minute back."""
    seconds = contacts * EVENTS_PER_CONTACT / DENSITY
    return Load(contacts, customers, round((time.time() - seconds - 40) * 1000), DENSITY)


def _alive(started: list[WorkerProcess]) -> list[WorkerProcess]:
    return [worker for worker in started if worker.process.returncode is None]


async def settled(settings: Settings, truth: Truth, logs: Path) -> exact.Found:
    """What came out, once stream time has passed the end of the load. Raises `NotExact` that names the figures."""
    until = time.time() + SETTLE_SECONDS
    await asyncio.sleep(max(exact.end_of(truth) / 1000 + 5 - time.time(), 0))
    while True:
        found = await exact.read(settings, truth)
        wrong = exact.differences(truth, found)
        if not wrong:
            return found
        if time.time() > until:
            raise NotExact(f"not exact: {'; '.join(wrong)}; logs in {logs}")
        await asyncio.sleep(2)


def _costs(out: exact.Found, truth: Truth, cpu: rig.Cpu, broker: rig.Cpu) -> dict[str, Any]:
    """Between the first event out of the first hop and the last fact in the last one."""
    begin, end = out.first / 1000, out.last / 1000
    seconds, events = end - begin, truth.published
    return {
        "events": events,
        "seconds": round(seconds, 2),
        "events_per_second": round(events / seconds),
        "cpu_us_per_event": round(cpu.between(begin, end) / events * 1e6, 1),
        "broker_cpu_us_per_event": round(broker.between(begin, end) / events * 1e6, 1) if broker.processes else None,
        "exact": True,
    }


def _hops(metrics: dict[tuple[str, str], float], truth: Truth) -> dict[str, dict[str, float]]:
    def of(name: str, hop: str) -> float:
        return metrics.get((f"contact_streams_{name}", hop), 0.0)

    return {
        hop: {
            "records": int(of("records_total", hop)),
            "batches": int(of("batches_total", hop)),
            "records_per_batch": round(of("records_total", hop) / max(of("batches_total", hop), 1), 1),
            "handle_us_per_event": round(of("handle_cpu_seconds_total", hop) / truth.published * 1e6, 1),
            "transaction_ms": round(
                1000 * of("transaction_seconds_sum", hop) / max(of("transaction_seconds_count", hop), 1), 1
            ),
        }
        for hop in rig.HOPS
    }


def _restored(logs: Path) -> dict[str, float]:
    """How long `track` took to read its state back, from the workers' logs (their slowest task, s)."""
    seconds = []
    for file in logs.glob("*.log"):
        for line in file.read_text(errors="replace").splitlines():
            event = json.loads(line)["event"] if line.startswith("{") else ""
            if event.startswith("track-") and "restored" in event:
                seconds.append(float(event.rpartition(" in ")[2].split(" s")[0]))
    return {"restore_seconds": max(seconds)} if seconds else {}
