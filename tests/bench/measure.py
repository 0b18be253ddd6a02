"""One run of one system: topics, load, process, samples of time and CPU, audit."""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from streams.engine.kafka import partition_counts
from streams.local.broker import ROOT
from tests.bench import load
from tests.bench.audit import audit
from tests.bench.systems import Run, System
from tests.bench.workload import PARTITIONS, Expected, Message

SAMPLE_SECONDS = 0.1
FIRST_OUTPUT_SECONDS = 120.0
QUIET_SECONDS = 3.0
"""Without a new record for so long, a run is looked at; while it is not exact, it gets `PATIENCE_SECONDS`."""
PATIENCE_SECONDS = 20.0
STOP_SECONDS = 30.0

Say = Callable[[str], None]


class RunFailed(Exception):
    """A system did not run; the message has the end of its log."""


@dataclass(frozen=True)
class Sample:
    """What was seen at ``at`` (monotonic seconds): CPU seconds so far, records in all topics of the run but its input."""

    at: float
    cpu: float
    broker_cpu: float | None
    records: int


@dataclass(frozen=True)
class Figures:
    """What one run came to. CPU in seconds per million events; the broker's is None when it runs elsewhere."""

    events_per_second: float
    cpu: float
    broker_cpu: float | None


@dataclass(frozen=True)
class Throughput:
    """A run at full speed; ``difference`` is the first one the audit found."""

    figures: Figures
    difference: str | None


def figures(samples: list[Sample], events: int) -> Figures:
    """From the first sample that has an output record to the first that has the last one."""
    first = next(sample for sample in samples if sample.records)
    last = next(sample for sample in samples if sample.records == samples[-1].records)
    seconds = max(last.at - first.at, SAMPLE_SECONDS)
    millions = events / 1e6
    broker = None
    if first.broker_cpu is not None and last.broker_cpu is not None:
        broker = (last.broker_cpu - first.broker_cpu) / millions
    return Figures(events / seconds, (last.cpu - first.cpu) / millions, broker)


@dataclass
class Cpu:
    """CPU seconds of a process and its children; those of children that ended stay counted."""

    root: psutil.Process
    seconds: dict[int, float] = field(default_factory=dict)
    looked: float = 0.0
    tree: list[psutil.Process] = field(default_factory=list)

    def read(self) -> float:
        """The sum so far."""
        try:
            if time.monotonic() - self.looked > 1:
                self.looked = time.monotonic()
                self.tree = [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            pass
        for process in self.tree:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            self.seconds[process.pid] = times.user + times.system
        return sum(self.seconds.values())


def broker_process(bootstrap: str) -> psutil.Process | None:
    """The process that listens on the port of ``bootstrap``; None when it is not on this machine."""
    host, _, port = bootstrap.rpartition(":")
    if host not in ("127.0.0.1", "localhost"):
        return None
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == int(port) and connection.pid:
            return psutil.Process(connection.pid)
    return None


@asynccontextmanager
async def fresh_topics(bootstrap: str, system: System) -> AsyncIterator[Run]:
    """Topics of a prefix of its own; everything that has it in its name is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="contact-streams-bench-", ignore_cleanup_errors=True) as folder:
        run = Run(bootstrap, f"w{uuid.uuid4().hex[:8]}", Path(folder))
        wanted = {f"{run.prefix}.{name}": {} for name in ("in", "dead", "alerts", "kpis")} | system.topics(run)
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        await admin.start()
        await consumer.start()
        try:
            made = await admin.create_topics([NewTopic(n, PARTITIONS, 1, topic_configs=c) for n, c in wanted.items()])
            for name, code, *_ in made.topic_errors:
                if code:
                    raise RunFailed(f"topic {name} could not be made: {for_code(code).__name__}")
            await asyncio.sleep(0.2)  # until the broker tells clients of them
            yield run
        finally:
            await admin.delete_topics([name for name in await partition_counts(consumer) if run.prefix in name])
            await consumer.stop()
            await admin.close()


@asynccontextmanager
async def started(system: System, run: Run) -> AsyncIterator[subprocess.Popen[bytes]]:
    """The system's process, ended by SIGTERM."""
    environment = {**os.environ, **system.environment, "PYTHONDONTWRITEBYTECODE": "1"}
    with (run.folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting takes no time, ending is awaited
            system.command_line(run),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            await asyncio.to_thread(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # a session of its own: only what it started
        process.wait()


class Watch:
    """Samples of a running system."""

    def __init__(self, run: Run, consumer: AIOKafkaConsumer, process: subprocess.Popen[bytes]) -> None:
        self.run, self.consumer, self.process = run, consumer, process
        self.cpu = Cpu(psutil.Process(process.pid))
        broker = broker_process(run.bootstrap)
        self.broker = Cpu(broker) if broker else None
        self.samples: list[Sample] = []
        self.partitions: list[TopicPartition] = []
        self.looked = 0.0

    async def until_quiet(self, seconds: float) -> None:
        """Sample until no record has come for ``seconds``, at least until the first. Raises `RunFailed`."""
        began = changed = time.monotonic()
        while True:
            sample = await self._sample()
            if not self.samples or sample.records != self.samples[-1].records:
                changed = sample.at
            self.samples.append(sample)
            if self.process.poll() is not None:
                raise RunFailed(f"it ended with exit code {self.process.returncode}: {last_words(self.run)}")
            if sample.records and sample.at - changed >= seconds:
                return
            if not sample.records and sample.at - began > FIRST_OUTPUT_SECONDS:
                raise RunFailed(f"no output within {FIRST_OUTPUT_SECONDS:.0f} s: {last_words(self.run)}")
            await asyncio.sleep(max(0.0, sample.at + SAMPLE_SECONDS - time.monotonic()))

    async def _sample(self) -> Sample:
        # Systems make topics of their own when they start.
        if time.monotonic() - self.looked > (2.0 if self.samples and self.samples[-1].records else SAMPLE_SECONDS):
            await self._find_topics()
        ends = await self.consumer.end_offsets(self.partitions)
        broker = self.broker.read() if self.broker else None
        return Sample(time.monotonic(), self.cpu.read(), broker, sum(ends.values()))

    async def _find_topics(self) -> None:
        self.looked = time.monotonic()
        names = {n: c for n, c in (await partition_counts(self.consumer)).items() if self.run.prefix in n}
        del names[f"{self.run.prefix}.in"]
        found = [TopicPartition(name, number) for name, count in sorted(names.items()) for number in range(count)]
        if found != self.partitions:
            self.consumer.assign(found)
            self.consumer.pause(*found)  # their records are not wanted, only their ends
            self.partitions = found


def last_words(run: Run) -> str:
    """The end of the system's log."""
    text = (run.folder / "log").read_text(errors="replace").strip()
    return text[-800:] or "its log is empty"


async def throughput(bootstrap: str, system: System, messages: list[Message], want: Expected, say: Say) -> Throughput:
    """Preload, run at full speed until everything is out, compare. Raises `RunFailed`."""
    async with fresh_topics(bootstrap, system) as run:
        say("loading")
        await load.publish(bootstrap, f"{run.prefix}.in", messages)
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        await consumer.start()
        try:
            async with started(system, run) as process:
                say("running")
                watch = Watch(run, consumer, process)
                await watch.until_quiet(QUIET_SECONDS)
                say("comparing")
                difference = await audit(bootstrap, run.prefix, want, system.changelog(run), system.decode)
                if difference is not None:
                    await watch.until_quiet(PATIENCE_SECONDS)
                    difference = await audit(bootstrap, run.prefix, want, system.changelog(run), system.decode)
            return Throughput(figures(watch.samples, len(messages)), difference)
        finally:
            await consumer.stop()


async def latency(bootstrap: str, system: System, rate: int, seconds: float, discard: float) -> load.Answers:
    """The answers to a steady load. Raises `RunFailed`."""
    async with fresh_topics(bootstrap, system) as run, started(system, run) as process:
        try:
            answers = await load.paced(bootstrap, run.prefix, rate, seconds, discard)
        except load.NoAnswer as error:
            raise RunFailed(f"{error}: {last_words(run)}") from error
        if process.poll() is not None:
            raise RunFailed(f"it ended with exit code {process.returncode}: {last_words(run)}")
        return answers
