"""Prometheus and Alertmanager as they are deployed, started for a test: the shipped files, on loopback."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from streams.local.probe import free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PACKAGES = {"prometheus": "prometheus", "promtool": "prometheus", "prometheus-alertmanager": "prometheus-alertmanager"}


def needs(*programs: str) -> None:
    """Skip where a program is not there."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian package {PACKAGES[program]})")


def tail(log: Path) -> str:
    """The end of a program's log."""
    return log.read_text(errors="replace")[-2000:]


@dataclass
class Api:
    """A started program's HTTP API."""

    web: aiohttp.ClientSession
    log: Path

    async def get(self, path: str, **params: str) -> Any:
        async with self.web.get(path, params=params) as response:
            assert response.status == 200, f"{path} {params}: {await response.text()}"
            return await response.json()


class Prometheus(Api):
    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector of an expression."""
        answer = await self.get("/api/v1/query", query=expression)
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    async def becomes(self, expression: str, value: float, seconds: float = 30) -> None:
        """Wait until an expression is one series with this value."""
        until = time.monotonic() + seconds
        while True:
            found = await self.query(expression)
            if [float(each["value"][1]) for each in found] == [value]:
                return
            assert time.monotonic() < until, f"{expression} is {found}, not {value}\n{tail(self.log)}"
            await asyncio.sleep(0.2)

    async def series(self) -> list[dict[str, str]]:
        """The labels of all that a worker ever exposed."""
        answer = await self.get("/api/v1/series", **{"match[]": '{job="contact-streams"}'})
        found: list[dict[str, str]] = answer["data"]
        return found


@asynccontextmanager
async def prometheus(folder: Path, workers: list[int], alertmanager_port: int) -> AsyncIterator[Prometheus]:
    """Prometheus with the shipped configuration and rules; only addresses and intervals are the test's."""
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(DEPLOY / "prometheus" / name) for name in config["rule_files"]]
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]
    job = next(each for each in config["scrape_configs"] if each["job_name"] == "contact-streams")
    config["scrape_configs"] = [job]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in workers]}]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    command = [
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        "--log.level=warn",
    ]
    async with _running(command, "--web.listen-address", folder / "prometheus.log") as (web, _):
        yield Prometheus(web, folder / "prometheus.log")


@asynccontextmanager
async def alertmanager(folder: Path) -> AsyncIterator[tuple[Api, int]]:
    """Alertmanager with the shipped configuration, and its port."""
    command = [
        "prometheus-alertmanager", f"--config.file={DEPLOY / 'alertmanager/alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address=", "--log.level=warn",
    ]  # fmt: skip
    async with _running(command, "--web.listen-address", folder / "alertmanager.log") as (web, port):
        yield Api(web, folder / "alertmanager.log"), port


@asynccontextmanager
async def _running(command: list[str], listen: str, log: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, int]]:
    port = free_port()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, f"{listen}=127.0.0.1:{port}", stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as web:
            await _answers(web, process, log)
            yield web, port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(web: aiohttp.ClientSession, process: asyncio.subprocess.Process, log: Path) -> None:
    until = time.monotonic() + 20
    while True:
        assert process.returncode is None, tail(log)
        try:
            async with web.get("/-/ready") as response:
                if response.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        assert time.monotonic() < until, tail(log)
        await asyncio.sleep(0.1)
