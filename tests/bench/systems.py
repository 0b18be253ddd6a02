"""The systems that run W: how each is built, started and looked at."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from streams.local.broker import ROOT
from tests.bench.audit import Decode

PEERS = Path(__file__).resolve().parent / "peers"
BUILT = ROOT / ".bench"
BUILD_SECONDS = 900.0
SHARED = {"PYTHONPATH": str(PEERS / "common")}
COMPACTED = {"cleanup.policy": "compact"}


class NotInstallable(Exception):
    """A peer could not be built; the message says why."""


@dataclass(frozen=True)
class Run:
    """Names of one run. ``prefix`` begins or is part of the name of every topic of the run; ``folder`` is its own."""

    bootstrap: str
    prefix: str
    folder: Path

    @property
    def app(self) -> str:
        """Application id, consumer group."""
        return f"{self.prefix}-app"

    def options(self, threads: int) -> list[str]:
        """What every system is told."""
        where = ["--bootstrap", self.bootstrap, "--prefix", self.prefix]
        return [*where, "--app", self.app, "--threads", str(threads)]


@dataclass(frozen=True)
class System:
    """One entry of the benchmark. ``threads`` are processes where the system is in Python.

    ``most_events`` keeps a slow one from taking hours; ``topics`` are those the harness has to make, with their
    configuration; ``changelog`` holds the customers' states, read by ``decode``.
    """

    base: str
    threads: int
    exactly_once: bool
    prepare: Callable[[], None]
    command: Callable[[Run], list[str]]
    most_events: int | None = None
    topics: Callable[[Run], dict[str, dict[str, str]]] = lambda run: {}
    changelog: Callable[[Run], str | None] = lambda run: None
    decode: Decode = lambda key, value: None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Base and threads."""
        return f"{self.base}-{self.threads}"

    def command_line(self, run: Run) -> list[str]:
        """What starts it; SIGTERM ends it."""
        return [*self.command(run), *run.options(self.threads)]


def plain_state(key: bytes, value: bytes) -> tuple[str, dict[str, Any]] | None:
    """Key is the customer, value the state's JSON."""
    return key.decode(), orjson.loads(value)


# Ours


def _our_state(key: bytes, value: bytes) -> tuple[str, dict[str, Any]] | None:
    table, _, customer = key.partition(b"\0")
    return (customer.decode(), orjson.loads(value)) if table == b"customers" else None


def _our_topics(run: Run) -> dict[str, dict[str, str]]:
    between: dict[str, dict[str, str]] = {f"{run.prefix}.{name}": {} for name in ("interactions", "measurements")}
    changelogs = {f"{run.app}-{agent}-changelog": COMPACTED for agent in ("ingest", "track", "measure")}
    return between | changelogs


def ours(processes: int) -> System:
    """The engine of this project."""
    return System(
        base="ours",
        threads=processes,
        exactly_once=True,
        prepare=lambda: None,
        command=lambda run: [sys.executable, "-m", "tests.bench.ours"],
        topics=_our_topics,
        changelog=lambda run: f"{run.app}-track-changelog",
        decode=_our_state,
    )


# Kafka Streams


def _build_streams() -> None:
    """The classes and the jars they need, by Maven, below `BUILT`; once, until a source changes."""
    source, target = PEERS / "kafka-streams", BUILT / "kafka-streams"
    if shutil.which("mvn") is None:
        raise NotInstallable("Maven is not on the PATH; Debian/Ubuntu: apt-get install maven default-jdk-headless")
    files = [source / "pom.xml", *sorted((source / "src").rglob("*.java"))]
    command = ["mvn", "-q", "-B", "-f", str(source / "pom.xml"), "package", f"-Dbuild.folder={target}"]
    _once(target, b"".join(file.read_bytes() for file in files), [command])


def kafka_streams(store: str, threads: int) -> System:
    """Kafka Streams, exactly once, with its stores in RocksDB (its default) or in memory."""
    folder = BUILT / "kafka-streams"
    return System(
        base="kafka-streams" if store == "rocksdb" else f"kafka-streams-{store}",
        threads=threads,
        exactly_once=True,
        prepare=_build_streams,
        command=lambda run: [
            "java",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            f"{folder}/workload.jar:{folder}/lib/*",
            "bench.Main",
            "--store",
            store,
            "--state",
            str(run.folder),
        ],
        changelog=lambda run: f"{run.app}-customers-changelog",
        decode=plain_state,
    )


# Peers in Python


def _venv(peer: str) -> Callable[[], None]:
    def prepare() -> None:
        target, wanted = BUILT / f"venv-{peer}", PEERS / peer / "requirements.txt"
        make = [sys.executable, "-m", "venv", "--clear", str(target)]
        install = [f"{target}/bin/python", "-m", "pip", "install", "--quiet", "-r", str(wanted)]
        _once(target, wanted.read_bytes(), [make, install])

    return prepare


def _python(peer: str) -> Callable[[Run], list[str]]:
    return lambda run: [
        f"{BUILT}/venv-{peer}/bin/python",
        str(PEERS / peer / "pipeline.py"),
        "--state",
        str(run.folder),
    ]


def _quix_state(key: bytes, value: bytes) -> tuple[str, dict[str, Any]] | None:
    # Its keys are the record's key, a bar, and the name of the value within the record's state; both are JSON.
    customer, _, name = key.partition(b"|")
    return (orjson.loads(customer), orjson.loads(value)) if name == b'"state"' else None


def quix() -> System:
    """Quix Streams, exactly once."""
    return System(
        base="quix",
        threads=1,
        exactly_once=True,
        prepare=_venv("quix"),
        command=_python("quix"),
        environment=SHARED,
        most_events=200_000,
        changelog=lambda run: f"changelog__{run.app}--repartition.{run.prefix}.in.customer_id--default",
        decode=_quix_state,
    )


def faust_stock() -> System:
    """Faust as shipped: its agents, tables and changelogs; at least once."""

    def decode(key: bytes, value: bytes) -> tuple[str, dict[str, Any]] | None:
        state = orjson.loads(value)
        return orjson.loads(key), {name: found for name, found in state.items() if not name.startswith("__")}

    return System(
        base="faust-stock",
        threads=1,
        exactly_once=False,
        prepare=_venv("faust_stock"),
        command=_python("faust_stock"),
        environment=SHARED,
        most_events=50_000,
        topics=lambda run: {f"{run.prefix}.interactions": {}, f"{run.prefix}.measurements": {}},
        changelog=lambda run: f"{run.app}-customers-changelog",
        decode=decode,
    )


def bytewax() -> System:
    """Bytewax without recovery: its state is in memory and has no changelog."""
    return System(
        base="bytewax",
        threads=1,
        exactly_once=False,
        prepare=_venv("bytewax"),
        command=_python("bytewax"),
        environment=SHARED,
        most_events=200_000,
        topics=lambda run: {f"{run.prefix}.interactions": {}, f"{run.prefix}.measurements": {}},
    )


def systems() -> list[System]:
    """Every entry, in the order of their turns."""
    streams = [kafka_streams(store, threads) for store in ("rocksdb", "memory") for threads in (1, 2)]
    return [ours(1), ours(2), *streams, quix(), faust_stock(), bytewax()]


def chosen(only: str) -> list[System]:
    """Those named in a list with commas, by base or by base and threads; all when it is empty.

    Raises:
        LookupError: a name is of no system.
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    known = systems()
    for name in names:
        if all(name not in (system.base, system.name) for system in known):
            raise LookupError(f"--only {name}: there is no such system; there are {', '.join(s.name for s in known)}")
    return [system for system in known if not names or system.base in names or system.name in names]


def _once(target: Path, content: bytes, commands: list[list[str]]) -> None:
    """Run ``commands`` unless ``target`` was made from the same ``content``. Raises `NotInstallable`."""
    stamp, wanted = target / "stamp", hashlib.sha256(content).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    target.mkdir(parents=True, exist_ok=True)
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstallable(f"{command[0]}: {error}") from error
        if done.returncode != 0:
            raise NotInstallable(f"`{' '.join(command)}` failed: {(done.stdout + done.stderr).strip()[-800:]}")
    stamp.write_text(wanted)
