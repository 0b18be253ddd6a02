"""The workers of a run, each kept running as its supervisor would: one that ends is started again."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from streams.local.processes import WorkerFailed, WorkerProcess, start_worker
from streams.settings import Settings
from streams.worker.web import STATE_KEY
from tests.chaos.audit.logs import HOPS

log = logging.getLogger(__name__)
RESTART_SECONDS = 0.5
STOP_SECONDS = 20.0
TRAPS = Path(__file__).parent / "traps"
SCORER = "chaos"


@dataclass
class Slot:
    """One worker by name, through all its lives."""

    name: str
    process: WorkerProcess | None = None
    keeper: "asyncio.Task[None] | None" = None
    wanted: bool = True
    busy: bool = False
    """A fault is at work on it."""

    def signal(self, what: signal.Signals) -> bool:
        """Whether there was a process to signal."""
        if self.process is None or self.process.process.returncode is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            self.process.process.send_signal(what)
        return True


@dataclass
class Fleet:
    """Workers ``w1``, ``w2``, …; their logs and moved clocks lie below ``folder``."""

    settings: Settings
    folder: Path
    slots: dict[str, Slot] = field(default_factory=dict)
    exits: Counter[int] = field(default_factory=Counter)
    """How the processes ended: exit code, or minus the number of the signal."""

    def prepare(self) -> None:
        """Install the traps and the clock into the workers to come."""
        info = self.folder / "plug-ins" / "chaos_scorer-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos-scorer\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[contact_streams.sentiment]\n{SCORER} = chaos_scorer:TrapScorer\n")
        clocks = self.folder / "clocks"
        clocks.mkdir()
        os.environ["PYTHONPATH"] = os.pathsep.join([str(info.parent), str(TRAPS)])
        os.environ["CHAOS_CLOCKS"] = str(clocks)

    def shift_clock(self, name: str, seconds: float) -> None:
        """Move the wall clock of one worker; 0 puts it right again."""
        (self.folder / "clocks" / name).write_text(str(seconds))

    def running(self) -> list[Slot]:
        """Slots that are wanted, by name."""
        return [slot for _, slot in sorted(self.slots.items()) if slot.wanted]

    def add(self, name: str) -> Slot:
        """Keep a worker of that name running."""
        slot = self.slots.setdefault(name, Slot(name))
        slot.wanted = True
        if slot.keeper is None or slot.keeper.done():
            slot.keeper = asyncio.create_task(self._keep(slot))
        return slot

    async def remove(self, slot: Slot) -> None:
        """Stop a worker in order and keep it stopped."""
        slot.wanted = False
        await self._end(slot)
        if slot.keeper is not None:
            await slot.keeper

    async def _end(self, slot: Slot) -> None:
        slot.signal(signal.SIGCONT)
        slot.signal(signal.SIGTERM)
        process = slot.process
        if process is not None:
            try:
                await asyncio.wait_for(process.process.wait(), STOP_SECONDS)
            except TimeoutError:
                log.warning("%s did not stop within %.0f s and is killed", slot.name, STOP_SECONDS)
                slot.signal(signal.SIGKILL)

    async def restart(self, slot: Slot) -> None:
        """Stop a worker in order; its keeper starts it again."""
        await self._end(slot)

    async def _keep(self, slot: Slot) -> None:
        settings = self.settings.model_copy(update={"worker_name": slot.name})
        while slot.wanted:
            slot.process = await start_worker(settings, slot.name, self.folder / f"{slot.name}.log")
            if not slot.wanted:  # while it was being started
                slot.signal(signal.SIGTERM)
            code = await slot.process.process.wait()
            self.exits[code] += 1
            if slot.wanted:
                await asyncio.sleep(RESTART_SECONDS)

    async def ready(self, slot: Slot, seconds: float) -> bool:
        """Whether the worker says in time that it has everything it owns."""
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0:
            if slot.process is not None and slot.process.process.returncode is None:
                try:
                    await slot.process.wait_ready(left)
                except WorkerFailed:
                    continue
                return True
            await asyncio.sleep(0.1)
        return False

    async def lag(self) -> int | None:
        """Records the workers have not read yet, as they say; None when none of them knows."""
        said = None
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as web:
            for slot in self.running():
                if slot.process is None:
                    continue
                try:
                    async with web.get(f"http://127.0.0.1:{slot.process.port}/metrics") as response:
                        text = await response.text()
                except (aiohttp.ClientError, TimeoutError):
                    continue
                lines = [line for line in text.splitlines() if line.startswith("contact_streams_lag_records{")]
                if not lines:
                    continue  # its broker is away
                said = (said or 0) + sum(int(float(line.rpartition(" ")[2])) for line in lines)
        return said

    async def held(self, seconds: float = 30) -> list[dict[str, Any]]:
        """What the workers say their tables hold, hashed with their state_key: of each task {agent, partition, changelog_end, tables}.
        While tasks go from one to another they are asked again.
        """
        until = time.monotonic() + seconds
        while True:
            found = await self._held()
            if _whole(found) or time.monotonic() >= until:
                return found
            await asyncio.sleep(0.5)

    async def _held(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        assert self.settings.state_key is not None
        headers = {STATE_KEY: self.settings.state_key.get_secret_value()}
        async with aiohttp.ClientSession(headers=headers) as web:
            for slot in self.running():
                assert slot.process is not None
                async with web.get(f"http://127.0.0.1:{slot.process.port}/state?digest=1") as response:
                    found += (await response.json())["tasks"]
        return found

    async def heal(self) -> None:
        """Wake what is frozen and put every clock right."""
        for name, slot in self.slots.items():
            self.shift_clock(name, 0)
            slot.signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Stop all workers in order."""
        await asyncio.gather(*(self.remove(slot) for slot in list(self.slots.values())))

    async def abandon(self) -> None:
        """Kill whatever is left, at once."""
        for slot in self.slots.values():
            slot.wanted = False
            slot.signal(signal.SIGKILL)
            if slot.keeper is not None:
                await asyncio.wait([slot.keeper], timeout=5)


def _whole(tasks: list[dict[str, Any]]) -> bool:
    """Is every task there, once?"""
    told = sorted((task["agent"], task["partition"]) for task in tasks)
    most = 1 + max((partition for _, partition in told), default=0)
    return told == sorted((hop, number) for hop in HOPS for number in range(1 if hop == "alert" else most))
