"""What this machine needs to run the system: one check each, and what to do when it fails."""

import asyncio
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aiokafka import TopicPartition

from streams.base.errors import BrokerError, UserError
from streams.engine.connection import Connection
from streams.engine.demands import Effect
from streams.engine.topology import HELP
from streams.inspect.lost_state import StateGone, settle
from streams.kafka.connection import connection_of, open_consumer
from streams.kafka.topics import Report, TopicsError, create, existing, wanted
from streams.local.bootstrap import VARIABLE, has_compose, has_java, how_to_start, resolve_bootstrap
from streams.local.broker import Broker
from streams.local.probe import demand
from streams.settings import Settings

MIN_PYTHON = (3, 11)
MIN_JAVA = 17
MIN_FREE_GB = 2.0
FUTURE_TOLERANCE_S = 60


class Status(StrEnum):
    """How a check ended; only ``FAILED`` makes the command fail."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, what was found, and what to do about it (empty when there is nothing to do)."""

    check: str
    status: Status
    found: str
    advice: str = ""


Look = Callable[[str], Iterable[Finding]]
"""Looks at the broker at ``host:port``."""


def diagnosis(settings: Settings) -> list[Finding]:
    """Every check of this machine, and of the broker that the settings name or that runs here."""

    def look_at_topics(bootstrap: str) -> list[Finding]:
        here = settings.model_copy(update={"bootstrap_servers": bootstrap})
        try:
            report = asyncio.run(create(connection_of(here), wanted(here), dry_run=True))
        except TopicsError as error:
            return [Finding("topics", Status.FAILED, str(error))]
        found = topics(report)
        try:
            if report.present:
                asyncio.run(settle(here, None))
        except StateGone as error:
            gone, _, choices = str(error).partition(" Choose:\n")
            found.append(Finding("state", Status.FAILED, gone, choices.strip()))
        return found

    def look_at_clock(bootstrap: str) -> list[Finding]:
        here = settings.model_copy(update={"bootstrap_servers": bootstrap})
        names = [topic.name for topic in wanted(here)]
        return [clock(asyncio.run(records_from_the_future(connection_of(here), names, here.future_tolerance_s)))]

    return examine(Broker(), servers=settings.bootstrap_servers, topics=look_at_topics, clock=look_at_clock)


def examine(broker: Broker, *, servers: str, topics: Look, clock: Look) -> list[Finding]:
    """Run every check. ``servers`` is the broker that was named (``host:port,…``), empty without one."""
    findings = [python(), java(servers), maven(servers), docker(servers), disk(broker.folder)]
    bootstrap, finding = reachable(broker, servers)
    findings.append(finding)
    if bootstrap:
        findings += [*topics(bootstrap), *clock(bootstrap)]
    return findings


def python(version: Sequence[int] = tuple(sys.version_info[:3])) -> Finding:
    """Python is new enough."""
    found = ".".join(str(part) for part in version[:3])
    if tuple(version[:2]) >= MIN_PYTHON:
        return Finding("Python", Status.OK, found)
    return Finding("Python", Status.FAILED, found, "apt-get install python3.11 python3.11-venv, then `make venv`")


def java(servers: str) -> Finding:
    """Java is there and new enough for the embedded broker; it is not needed where Docker or another broker serves."""
    missing = Status.NOTE if servers or has_compose() else Status.FAILED
    advice = f"apt-get install default-jdk-headless ({MIN_JAVA} or newer), or set {VARIABLE}"
    said = _output("java", "-version")
    match = re.search(r'version "(\d+)(?:\.(\d+))?', said or "")
    if match is None:
        return Finding("Java", missing, "not found", advice)
    # Up to 8 the version was called 1.8.
    major = int(match[2] or 0) if match[1] == "1" else int(match[1])
    found = (said or "").splitlines()[0]
    return Finding("Java", Status.OK, found) if major >= MIN_JAVA else Finding("Java", missing, found, advice)


def maven(servers: str) -> Finding:
    """Maven is there to fetch the embedded broker."""
    said = _output("mvn", "-version", "-B")
    match = re.search(r"Apache Maven [\d.]+", said or "")
    if match:
        return Finding("Maven", Status.OK, match[0])
    missing = Status.NOTE if servers or has_compose() else Status.FAILED
    return Finding("Maven", missing, "not found", f"apt-get install maven, or set {VARIABLE}")


def docker(servers: str) -> Finding:
    """Docker with compose answers; needed only where Java is missing."""
    if has_compose():
        return Finding("Docker", Status.OK, "engine and compose answer")
    missing = Status.NOTE if servers or has_java() else Status.FAILED
    found = "engine or compose does not answer" if shutil.which("docker") else "not found"
    advice = "" if missing is Status.NOTE else "apt-get install docker.io and its compose plug-in"
    return Finding("Docker", missing, found, advice)


def disk(folder: Path, least_gb: float = MIN_FREE_GB) -> Finding:
    """The file system of the broker's data has room; Kafka ends when it is full."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = shutil.disk_usage(there).free / 1e9
    found = f"{free_gb:.1f} GB free at {there}"
    if free_gb >= least_gb:
        return Finding("disk", Status.OK, found)
    return Finding("disk", Status.FAILED, found, f"free {least_gb:.0f} GB, or `contact-streams broker stop --delete`")


def reachable(broker: Broker, servers: str) -> tuple[str | None, Finding]:
    """A broker answers; which one, by the order of choice. None is started."""
    try:
        found = resolve_bootstrap(broker=broker, environment={VARIABLE: servers}, start=False)
    except BrokerError as error:
        if servers:
            advice = demand(servers) or f"start it, or put {VARIABLE} right: host:port, several with commas between"
            return None, Finding("broker", Status.FAILED, f"none answers at {servers}", advice)
        if not (way := how_to_start()):
            return None, Finding("broker", Status.FAILED, "none answers", str(error))
        return None, Finding("broker", Status.NOTE, "none runs", way.strip("`"))
    return found.servers, Finding("broker", Status.OK, f"{found.servers} ({found.how})")


def topics(report: Report) -> list[Finding]:
    """What was found of the topics: for each thing that can be done, a row."""
    no_worker, told = ([str(each) for each in report.of(effect)] for effect in (Effect.REFUSED, Effect.WARNED))
    missing = [f"missing: {', '.join(report.created)}"] if report.created else []
    unknown = [f"how they are kept is not told: {', '.join(report.untold)}"] if report.untold else []
    rows = (
        (Status.FAILED, missing, "contact-streams topics create"),
        (Status.FAILED, no_worker, "contact-streams topics alter"),
        (Status.FAILED, report.counts, HELP),
        (Status.NOTE, told, "contact-streams topics alter --all"),
        (Status.NOTE, report.shortened, HELP),
        (Status.NOTE, unknown, "give this principal DESCRIBE_CONFIGS on them"),
    )
    found = [Finding("topics", status, "\n".join(lines), advice) for status, lines, advice in rows if lines]
    return found or [Finding("topics", Status.OK, "as wanted")]


def clock(problems: Sequence[str]) -> Finding:
    """What was found of the clocks, by the records."""
    if not problems:
        return Finding("clock", Status.OK, "as wanted")
    advice = "set the clocks of this machine and of the producers by NTP"
    return Finding("clock", Status.FAILED, "\n".join(problems), advice)


async def records_from_the_future(
    connection: Connection, topics: Iterable[str], tolerance_s: float = FUTURE_TOLERANCE_S
) -> list[str]:
    """Topics with a record stamped over ``tolerance_s`` seconds ahead of now: its producer's clock or ours is wrong."""
    found: dict[str, float] = {}
    try:
        have = await existing(connection)
        async with open_consumer(connection) as consumer:
            now = time.time()
            limit = int((now + tolerance_s) * 1000)
            for topic in sorted(have.keys() & set(topics)):
                partitions = [TopicPartition(topic, number) for number in range(have[topic])]
                hits = await consumer.offsets_for_times(dict.fromkeys(partitions, limit))
                ahead = [hit.timestamp / 1000 - now for hit in hits.values() if hit is not None]
                if ahead:
                    found[topic] = max(ahead)
    except UserError as error:
        return [f"the broker at {connection.servers} did not say: {error}"]
    return [f"{topic} holds a record stamped {seconds:.0f} s from now" for topic, seconds in found.items()]


def _output(*command: str) -> str | None:
    """What a program prints, on either stream; ``None`` when it is missing or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stderr + done.stdout
