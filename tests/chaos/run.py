"""One run: a broker and workers of its own, load with faults, healing, and the audit."""

import asyncio
import contextlib
import pickle
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from streams import rules as rule_files
from streams import settings as settings_module
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.kafka.drain import wait_drained
from streams.local.broker import Broker
from streams.local.probe import is_port_free
from streams.settings import Settings
from tests.chaos.audit import Audit, examine
from tests.chaos.audit.logs import newest_progress, read
from tests.chaos.audit.state import HELD_UNDER
from tests.chaos.disk import Disk
from tests.chaos.faults import BASE, BROKER_SECONDS, FAULTS, RAISE, SESSION_MS, World, inject
from tests.chaos.fleet import SCORER, Fleet
from tests.chaos.load import Load
from tests.chaos.publisher import Publisher
from tests.chaos.stories import RULES, SIGNALS, TIERS, WAIT_LIMIT

DRAIN_SECONDS = 180.0
LOGS = "logs.pickle"
PORTS = range(20_000, 30_000)
"""Below those that clients' connections get, so that nobody takes the port while the broker is down."""

Say = Callable[[str], None]


class NotDrained(Exception):
    """The pipeline did not work everything off after all faults were healed; the message says how far it came."""


@dataclass
class State:
    """What a display shows while a run goes on."""

    seed: int
    phase: str = ""
    phases: dict[str, float] = field(default_factory=dict)
    """Phase → seconds it has taken."""
    faults: Counter[str] = field(default_factory=Counter)
    publisher: Publisher | None = None
    fleet: Fleet | None = None
    lag: int | None = None
    _since: float = 0.0

    def enter(self, phase: str) -> None:
        """The next phase begins."""
        now = time.monotonic()
        if self.phase:
            self.phases[self.phase] = round(now - self._since, 1)
        self.phase, self._since = phase, now


@dataclass
class Options:
    """What to do in a run; ``duration`` in seconds of load."""

    seed: int
    duration: float
    faults: list[str]
    rate: float = 150
    keep: bool = False

    @property
    def on_disk(self) -> bool:
        """Do the workers of this run keep their state on a disk?"""
        return self.seed % 3 == 0


def _port(dice: random.Random) -> int:
    return next(port for port in iter(lambda: dice.choice(PORTS), None) if is_port_free(port))


async def run(options: Options, state: State, say: Say) -> tuple[Audit, Path]:
    """The audit of one run and the folder with its logs, which stays when something differed. Raises `NotDrained`."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{options.seed}-"))
    disk = Disk(folder)
    broker = Broker("chaos", home=folder / "kafka", say=lambda _: None, port=_port(random.Random()))
    interrupted = False
    state.enter("broker")
    try:
        await asyncio.to_thread(broker.start, timeout=BROKER_SECONDS)
        if options.on_disk:
            disk.mount()
        found = await _with_broker(options, state, say, (folder, disk), broker)
    except asyncio.CancelledError:
        interrupted = True
        raise
    finally:
        disk.unmount()
        with contextlib.suppress(Exception):
            broker.resume()
        await asyncio.to_thread(broker.destroy)
        if interrupted:
            shutil.rmtree(folder, ignore_errors=True)
    state.enter("over")
    if found.exact and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return found, folder


def _settings(options: Options, folder: Path, bootstrap: str, disk: Disk) -> Settings:
    rules = folder / "rules"
    rules.mkdir()
    (rules / "alerts.yaml").write_text(RULES)
    (rules / "tiers.yaml").write_text(TIERS)
    (rules / "signals.yaml").write_text("".join(f"{name}: {value}\n" for name, value in SIGNALS.items()))
    return settings_module.load(
        bootstrap_servers=bootstrap,
        topic_prefix=f"chaos{options.seed}.",
        session_timeout_ms=SESSION_MS,
        static_membership=options.seed % 2 == 0,
        store="rocksdb" if options.on_disk else "memory",
        state_dir=disk.path if options.on_disk else None,
        sentiment_scorer=SCORER,
        rules_dir=rules,
        log_format="json",
        state_key=SecretStr(HELD_UNDER),
        erasure_key=SecretStr(HELD_UNDER),
    )


async def _with_broker(options: Options, state: State, say: Say, where: tuple[Path, Disk], broker: Broker) -> Audit:
    folder, disk = where
    settings = _settings(options, folder, broker.start(), disk)
    state.enter("workers")
    await topics.create(connection_of(settings), topics.wanted(settings))
    fleet = Fleet(settings, folder)
    fleet.prepare()
    publisher = Publisher(settings.bootstrap_servers, settings.topic_prefix)
    state.fleet, state.publisher = fleet, publisher
    load = Load(publisher, options.seed, options.duration, options.rate, raising=RAISE in options.faults)
    dice = random.Random(options.seed)
    world = World(fleet, broker, load, dice, max(4.0, options.duration / 3), say, disk if options.on_disk else None)
    try:
        for number in range(1, BASE + 1):
            await fleet.ready(fleet.add(f"w{number}"), 60)
        state.enter("load")
        loading = asyncio.create_task(load.run())
        names = [name for name in options.faults if name in FAULTS]
        await inject(world, names, options.duration, state.faults)
        state.enter("heal")
        await fleet.heal()
        await loading
        state.enter("drain")
        await _drain(settings, load.newest + WAIT_LIMIT)
        state.enter("stop")
        held = await fleet.held()
        await fleet.stop()
        exits = dict(fleet.exits)
    finally:
        await publisher.stop()
        await fleet.abandon()
    state.enter("audit")
    logs = await read(settings.bootstrap_servers, settings.topic_prefix, settings.group)
    logs.held = held
    (folder / LOGS).write_bytes(pickle.dumps((logs, settings.topic_prefix)))
    found = again(folder)
    found.facts["exits"] = exits
    return found


def again(folder: Path) -> Audit:
    """The audit of the logs that a run left in its folder."""
    logs, prefix = pickle.loads((folder / LOGS).read_bytes())
    return examine(logs, prefix, rule_files.load(folder / "rules"))


async def _drain(settings: Settings, reached: int) -> None:
    """Wait until everything is worked off and stream time has passed ``reached`` everywhere. Raises `NotDrained`."""
    until = time.monotonic() + DRAIN_SECONDS
    waiting: dict[str, int] = {}
    while time.monotonic() < until:
        if not await wait_drained(settings, until - time.monotonic(), lambda hop, left: waiting.update({hop: left})):
            break
        times = await newest_progress(settings.bootstrap_servers, settings.topic_prefix + "contact.measurements")
        if times and min(times) > reached + 1000:
            await wait_drained(settings, max(1.0, until - time.monotonic()))
            return
        waiting["stream time, ms to go"] = reached - min(times, default=0)
        await asyncio.sleep(0.5)
    raise NotDrained(f"not everything was worked off within {DRAIN_SECONDS:.0f} s after healing: {waiting}")
