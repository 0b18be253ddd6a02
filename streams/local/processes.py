"""Workers as processes of this machine, for the demo, `calls` and tests."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from streams.base.errors import UserError
from streams.local.private import private_file
from streams.local.probe import free_port
from streams.settings import Settings, environment, variable

READY_SECONDS = 60.0


class WorkerFailed(UserError):
    """A worker process ended or did not become ready; the message holds the end of its log."""


@dataclass
class WorkerProcess:
    """A started worker; ``port`` serves its metrics and health."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    async def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until all its partitions are restored. Raises `WorkerFailed`."""
        until = asyncio.get_running_loop().time() + seconds
        async with aiohttp.ClientSession() as session:
            while True:
                if self.process.returncode is not None:
                    raise WorkerFailed(f"the worker ended with {self.process.returncode}:\n{self.last_words()}")
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                if asyncio.get_running_loop().time() > until:
                    raise WorkerFailed(f"the worker was not ready within {seconds:.0f} s:\n{self.last_words()}")
                await asyncio.sleep(0.1)

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    async def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 15.0) -> int:
        """End it; SIGKILL when it does not end in time. Returns its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(how)
            try:
                await asyncio.wait_for(self.process.wait(), seconds)
            except TimeoutError:
                self.process.kill()
        return await self.process.wait()


async def start_worker(settings: Settings, name: str, log: Path) -> WorkerProcess:
    """A worker with these settings and this name; its output goes to ``log``."""
    port = free_port()
    given = {
        **environment(settings),
        variable("worker_name"): name,
        variable("web_host"): "127.0.0.1",
        variable("web_port"): str(port),
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with private_file(log, "ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams.cli", "worker",
            env={**os.environ, **given}, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,  # Ctrl-C is for the command that started it, which then stops it in order
        )  # fmt: skip
    return WorkerProcess(process, port, log)


@asynccontextmanager
async def workers(settings: Settings, count: int, logs: Path) -> AsyncIterator[list[WorkerProcess]]:
    """``count`` workers that are ready when the block is entered and stopped when it is left."""
    started: list[WorkerProcess] = []
    try:
        for name in (f"worker-{number}" for number in range(1, count + 1)):
            worker = await start_worker(settings, name, logs / f"{name}.log")
            started.append(worker)
        await asyncio.gather(*(worker.wait_ready() for worker in started))
        yield started
    finally:
        await asyncio.gather(*(worker.stop() for worker in started))
