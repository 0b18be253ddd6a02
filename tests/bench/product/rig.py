"""Topics, workers and their measurement: what every mode stands on."""

import asyncio
import os
import shutil
import sys
import tempfile
import time
import uuid
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client.parser import text_string_to_metric_families

from schemas import flow
from streams import settings as settings_module
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.local.bootstrap import resolve_bootstrap
from streams.local.probe import free_port
from streams.local.processes import WorkerProcess
from streams.settings import Settings, variable

HOPS = tuple(stage for stage in flow.stages() if stage != "alert")
"""The agents that have a task for each partition."""
READY_SECONDS = 900.0
SAMPLE_SECONDS = 0.1


def settings_for(store: str | None, **given: object) -> Settings:
    """Settings with topics of their own, on the broker that is there or is started."""
    if store is not None:
        given |= {"store": store}
        if store != "memory":
            given |= {"state_dir": tempfile.mkdtemp(prefix="contact-streams-bench-state-")}
    settings = settings_module.load(
        topic_prefix=f"bench-{uuid.uuid4().hex[:6]}.", log_format="json", ready_lag_records=10**9, **given
    )
    if settings.bootstrap_servers:
        return settings
    return settings.model_copy(update={"bootstrap_servers": resolve_bootstrap().servers})


@asynccontextmanager
async def own_topics(settings: Settings, partitions: int) -> AsyncIterator[None]:
    """The topics of these settings' prefix and their state folder; gone when the block is left."""
    wanted = topics.wanted(settings, partitions)
    await topics.create(connection_of(settings), wanted)
    try:
        yield
    finally:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
        await admin.start()
        await admin.delete_topics([topic.name for topic in wanted])
        await admin.close()
        if state_dir := getattr(settings, "state_dir", None):
            shutil.rmtree(state_dir, ignore_errors=True)


async def start(settings: Settings, name: str, logs: Path, *, marked: bool = False) -> WorkerProcess:
    """A worker as the command starts it; ``marked``: with the names of the hops in its stacks."""
    port = free_port()
    given = {
        **{variable(key): str(value) for key, value in settings.model_dump().items() if value is not None},
        variable("worker_name"): name,
        variable("web_host"): "127.0.0.1",
        variable("web_port"): str(port),
    }
    module = "tests.bench.product.marked" if marked else "streams.cli"
    log = logs / f"{name}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, "worker", env={**os.environ, **given},
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    return WorkerProcess(process, port, log)


@asynccontextmanager
async def workers(
    settings: Settings, count: int, logs: Path, cpu: "Cpu", *, marked: bool = False
) -> AsyncIterator[list[WorkerProcess]]:
    """``count`` ready workers for the time of the block, their CPU counted; more may be put into the list."""
    started: list[WorkerProcess] = []
    try:
        for number in range(1, count + 1):
            started.append(await start(settings, f"worker-{number}", logs, marked=marked))
            cpu.processes.append(psutil.Process(started[-1].process.pid))
        await asyncio.gather(*(worker.wait_ready(READY_SECONDS) for worker in started))
        yield started
    finally:
        await asyncio.gather(*(worker.stop() for worker in started))


async def scrape(started: Iterable[WorkerProcess]) -> dict[tuple[str, str], float]:
    """(metric, hop) → value, summed over the workers."""
    found: dict[tuple[str, str], float] = {}
    async with aiohttp.ClientSession() as web:
        for worker in started:
            async with web.get(f"http://127.0.0.1:{worker.port}/metrics") as response:
                text = await response.text()
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if set(sample.labels) == {"hop"}:
                        key = (sample.name, sample.labels["hop"])
                        found[key] = found.get(key, 0.0) + sample.value
    return found


def broker_process(bootstrap: str) -> psutil.Process | None:
    """The process that listens at the broker's address, when it is one of this machine that may be looked at."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    if host not in ("127.0.0.1", "localhost"):
        return None
    with suppress(psutil.AccessDenied):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == int(port) and connection.pid:
                return psutil.Process(connection.pid)
    return None


@dataclass
class Cpu:
    """CPU seconds of some processes, sampled; ``between`` any two moments. More processes may be added."""

    processes: list[psutil.Process] = field(default_factory=list)
    spent: dict[int, float] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def sample(self) -> None:
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):  # it has ended: what it used stays
                used = process.cpu_times()
                self.spent[process.pid] = used.user + used.system
        self.times.append(time.time())
        self.seconds.append(sum(self.spent.values()))

    def between(self, begin: float, end: float) -> float:
        """CPU seconds from ``begin`` to ``end`` (s since the epoch). Raises ValueError outside of what was sampled."""
        if not self.times or begin < self.times[0] or end > self.times[-1]:
            raise ValueError("the CPU was not sampled over the whole run")
        return self._at(end) - self._at(begin)

    def _at(self, moment: float) -> float:
        right = min(max(bisect_left(self.times, moment), 1), len(self.times) - 1)
        left, span = right - 1, self.times[right] - self.times[right - 1]
        share = min(max((moment - self.times[left]) / span, 0.0), 1.0) if span else 0.0
        return self.seconds[left] + share * (self.seconds[right] - self.seconds[left])


@asynccontextmanager
async def sampled(*groups: Cpu) -> AsyncIterator[None]:
    """Sample these processes while the block runs."""

    async def run() -> None:
        while True:
            for group in groups:
                group.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    sampling = asyncio.create_task(run())
    try:
        yield
    finally:
        sampling.cancel()
        for group in groups:
            group.sample()


def rss_mib(started: Iterable[WorkerProcess]) -> float:
    """Resident memory of the largest worker, MiB."""
    return round(max(psutil.Process(worker.process.pid).memory_info().rss for worker in started) / 2**20, 1)


def disk_mib(folder: Path) -> float:
    """What lies in a folder, MiB."""
    return round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20, 1)
