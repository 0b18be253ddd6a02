"""Which broker to use when nobody named one, and starting it when there is none."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streams.base.errors import BrokerError
from streams.local.broker import HOST, PREFERRED_PORT, ROOT, Broker, Say, to_log
from streams.local.probe import answers, demand, silent

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
COMPOSE_TIMEOUT = 300.0
"""Seconds for `docker compose up --wait`, a first download of the image included."""

MISSING = f"No Kafka broker: {VARIABLE} is not set, and no local broker runs"
INSTALL = (
    f"{MISSING} or can be started. One of these helps:\n"
    "  apt-get install default-jdk-headless maven    (the embedded broker)\n"
    "  apt-get install docker.io docker-compose-v2   (a container; the package is docker-compose on Debian)\n"
    f"  export {VARIABLE}=host:port       (a broker you already have)"
)


@dataclass(frozen=True)
class Found:
    """The chosen broker; ``started`` is set when this call started an embedded one, which the caller may stop."""

    servers: str
    how: Literal["environment", "running", "java", "docker"]
    started: Broker | None = None


def resolve_bootstrap(
    *,
    broker: Broker | None = None,
    environment: Mapping[str, str] = os.environ,
    start: bool = True,
    say: Say = to_log,
) -> Found:
    """Choose a broker: ``KAFKA_BOOTSTRAP_SERVERS``, else a running local one, else start one: Java, then compose.

    Args:
        broker: the embedded broker to use or to start; by default the one of this checkout.
        start: whether one may be started; without, only what is there counts.

    Raises:
        BrokerError: nothing answers and nothing can or may be started; the message says what to start or to install.
    """
    servers = environment.get(VARIABLE, "").strip()
    if servers:
        if not answers(servers):
            raise BrokerError(demand(servers) or silent(servers))
        return Found(servers, "environment")
    local = broker or Broker(say=say)
    running = local.running()
    if running is not None:
        return Found(local.start(), "running")
    ways: tuple[Callable[[], Found | None], ...] = (lambda: _java(local), lambda: _docker(say))
    found = next((found for way in ways if (found := way())), None) if start else None
    if found is None:
        way = how_to_start()
        raise BrokerError(f"{MISSING}; start one with {way}, or set {VARIABLE}=host:port" if way else INSTALL)
    return found


def how_to_start() -> str:
    """The command by which a broker can be started on this machine; empty when it has none."""
    if has_java():
        return "`contact-streams broker start`"
    if has_compose():
        file = ROOT / "docker-compose.yml"
        up = f"GRAFANA_ADMIN_PASSWORD=- docker compose -f {file} up --detach --wait kafka"
        return f"`{up}` and {VARIABLE}={HOST}:{PREFERRED_PORT}"
    return ""


def has_java() -> bool:
    """Whether the embedded broker can be started: Java and Maven are there."""
    return shutil.which("java") is not None and shutil.which("mvn") is not None


def has_compose() -> bool:
    """Whether Docker's engine answers and has the compose plug-in."""
    docker = shutil.which("docker")
    return docker is not None and all(_succeeds([docker, *words]) for words in (["compose", "version"], ["info"]))


def _java(broker: Broker) -> Found | None:
    return Found(broker.start(), "java", broker) if has_java() else None


def _docker(say: Say) -> Found | None:
    if not has_compose():
        return None
    say("starting Kafka with Docker compose")
    command = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "up", "--detach", "--wait", "kafka"]
    if not _succeeds(command, COMPOSE_TIMEOUT):
        raise BrokerError(f"`{' '.join(command)}` failed; run it by hand to see why")
    return Found(f"{HOST}:{PREFERRED_PORT}", "docker")


def _succeeds(command: list[str], timeout: float = 20.0, cwd: Path = ROOT) -> bool:
    # Compose wants all variables of its file for every command; nobody starts the service with this password.
    env = {"GRAFANA_ADMIN_PASSWORD": "not-asked-for", **os.environ}
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, cwd=cwd, env=env, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
