"""A run of tests that is terminated leaves no broker and no worker behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.integration.hanging import PIDS
from tests.support.engine import until

ROOT = Path(__file__).parents[2]
SERVERS = "KAFKA_BOOTSTRAP_SERVERS"


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def named_in(file: Path) -> list[psutil.Process]:
    return [psutil.Process(int(pid)) for pid in file.read_text().split()]


async def ended_by(how: signal.Signals, written: Path, *options: str, servers: str = "") -> int:
    """A run of tests gets this signal, and nothing but it: all that it started is gone soon. Returns how many that were."""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options,
        f"--basetemp={written.with_suffix('')}", "tests/integration/hanging.py", cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != SERVERS}
        | {PIDS: str(written)} | ({SERVERS: servers} if servers else {}),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await until(lambda: written.exists() or run.returncode is not None, 120)
        assert run.returncode is None, "it ended by itself"
        processes = named_in(written)
        assert alive(processes) == processes
        run.send_signal(how)
        assert await run.wait() == -how
        await until(lambda: not alive(processes), 30)
        return len(processes)
    finally:
        if run.returncode is None:
            run.kill()
            await run.wait()


@pytest.mark.chaos
async def test_a_run_that_is_terminated_leaves_nothing_behind(bootstrap: str, tmp_path: Path) -> None:
    """The controller of xdist gets SIGTERM, while the tests run in a child of it; one without children gets SIGKILL."""
    bystander = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)  # noqa: ASYNC220
    try:
        ended = await asyncio.gather(
            ended_by(signal.SIGTERM, tmp_path / "controller.pids", "-n1"),
            ended_by(signal.SIGKILL, tmp_path / "alone.pids", "-n0", servers=bootstrap),
        )
        assert ended == [3, 2], "the process of the tests, a worker, and the first one's broker"
        assert bystander.poll() is None, "what others started goes on"
    finally:
        bystander.communicate()
