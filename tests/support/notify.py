"""Alerts to deliver, a webhook that is told how to behave, and `contact-streams notify` around them."""

import asyncio
import os
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from schemas.alerts import Alert, AlertEvent
from schemas.notify import NotifyDeadLetter
from streams import settings as settings_module
from streams.base.times import iso
from streams.local.probe import free_port
from streams.local.processes import READY_SECONDS
from streams.notify.config import load
from streams.notify.redelivering import letters
from streams.notify.run import Notify
from streams.notify.waking import Clock
from streams.settings import Settings
from tests.support.engine import admin
from tests.support.monitoring import tail
from tests.support.waiting import until

T0 = 1_772_442_960_000
"""2026-03-02 09:16 UTC, a Monday."""
TOPICS = ("alert.events", "alerts", "notify.dead-letters")
PARTITIONS = 3


def alert(number: int = 1, state: str = "firing", **more: Any) -> dict[str, Any]:
    """The record of an alert; ``more`` replaces fields, of the subject those with a ``subject_`` before them."""
    subject = {
        "type": "contact", "customer": f"customer:{number}", "contact_id": f"call-{number}", "journey_id": None,
        "channel": "voice", "queue": "cards", "tier": "gold", "service_type": None, "kpi": None, "source": None,
    }  # fmt: skip
    subject |= {name.removeprefix("subject_"): more.pop(name) for name in list(more) if name.startswith("subject_")}
    found = {
        "fingerprint": f"wait.{number}", "episode_id": f"wait.{number}@1", "rule": "wait", "rule_version": "v1",
        "kind": "waiting", "state": state, "severity": "critical", "subject": subject, "value": 120_000.0,
        "limit": 120_000.0, "clear_limit": None, "unit": "ms", "since": iso(T0), "fired_at": iso(T0 + 2000),
        "resolved_at": iso(T0 + 60_000) if state == "resolved" else None, "because": "fired", "acknowledged_by": None,
        "acknowledged_at": None, "assigned_to": None, "level": 0, "silenced_by": None, "inhibited_by": None,
        "owner": "service-desk", "runbook": "https://wiki.example.com/wait", "labels": {"team": "floor"},
        "event_ids": ["ev-1"], "line": "", "revision": 2,
    }  # fmt: skip
    assert more.keys() <= found.keys(), more.keys() - found.keys()
    return found | more


def event(
    number: int = 1, state: str = "firing", *, notify: bool = True, at: int = T0 + 2000, **more: Any
) -> AlertEvent:
    """One step of one alert."""
    about = alert(number, state, **more)
    known = {
        "event_id": f"{about['episode_id']}#{about['revision']}", "at": iso(at), "before": "pending",
        "because": about["because"], "by": None, "note": None, "notify": notify,
        "line": about["line"], "alert": about,
    }  # fmt: skip
    return AlertEvent.model_validate(known)


def steps(numbers: Iterable[int]) -> list[AlertEvent]:
    """Of each alert that it fires, and that it is over."""
    numbers = list(numbers)
    fired = [event(number) for number in numbers]
    return fired + [event(number, "resolved", revision=3, because="answered") for number in numbers]


class HastyClock(Clock):
    """Time passes when it is waited for."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(0.005)
        self.ahead += ms

    async def wait(self, event: asyncio.Event, ms: int | None) -> None:
        if ms is None:
            await event.wait()
            return
        await super().wait(event, min(ms, 10))
        if not event.is_set():
            self.ahead += max(ms - 10, 0)


class Hook:
    """A webhook server. ``answers``: what the next requests get, a status, (status, headers), ``"hang"`` or
    ``"break"``; then 200."""

    def __init__(self) -> None:
        self.answers: deque[Any] = deque()
        self.always: Any = 200
        self.asked: list[tuple[str, int]] = []
        """Idempotency key and status of each request, in order."""
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.taken: Counter[str] = Counter()
        """Idempotency key → how often it was answered with 200."""
        self.bodies: list[dict[str, Any]] = []
        """Of the first delivery of each key."""
        self.at: dict[str, float] = {}
        """Key → when it first came, seconds since the epoch."""
        self.port = 0
        self.clock: Clock = Clock()
        self.broken: set[str] = set()
        """Keys that get 500."""
        self.slow = 0.0
        """Seconds that each answer takes."""
        self.until = 0
        """All requests before it (ms) get 500."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Hook"]:
        app = web.Application()
        app.router.add_post("/hook", self._answer)
        app.router.add_post("/hook/api/v2/alerts", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self.port = free_port()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body, key = await request.read(), request.headers.get("Idempotency-Key", "")
        self.at.setdefault(key, time.time())
        answer = self.answers.popleft() if self.answers else self.always
        if self.clock.now() < self.until or key in self.broken:
            answer = 500
        self.requests.append((dict(request.headers), body))
        await asyncio.sleep(self.slow)
        if answer == "hang":
            self.asked.append((key, 0))
            await asyncio.sleep(60)
        if answer == "break":
            self.asked.append((key, 0))
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        self.asked.append((key, status))
        if status == 200:
            if not self.taken[key]:
                self.bodies.append(orjson.loads(body))
            self.taken[key] += 1
        return web.Response(status=status, headers=headers)


class Post:
    """Topics of one test, and what is published to them."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.settings: Settings = settings_module.load(
            bootstrap_servers=bootstrap, topic_prefix=prefix, session_timeout_ms=6000, log_format="json"
        )

    async def create(self) -> "Post":
        async with admin(self.settings.bootstrap_servers) as client:
            names = [self.settings.topic_prefix + each for each in TOPICS]
            stamped = {"message.timestamp.type": "LogAppendTime"}
            await client.create_topics(
                [
                    NewTopic(names[0], PARTITIONS, 1, topic_configs=stamped),
                    NewTopic(names[1], PARTITIONS, 1, topic_configs={"cleanup.policy": "compact", **stamped}),
                    NewTopic(names[2], 4, 1, topic_configs=stamped),
                ]
            )

            async def are_there() -> bool:
                return {*names} <= set(await client.list_topics())

            await until(are_there)
        return self

    async def publish(self, *events: AlertEvent, raw: Iterable[bytes] = ()) -> None:
        """To `alert.events`, as the agent does."""
        records = [(each.alert.fingerprint, each.model_dump_json().encode()) for each in events]
        await self.send("alert.events", *records, *(("raw", each) for each in raw))

    async def states(self, *alerts: dict[str, Any]) -> None:
        """To `alerts`."""
        await self.send(
            "alerts", *((each["fingerprint"], Alert.model_validate(each).model_dump_json().encode()) for each in alerts)
        )

    async def send(self, topic: str, *records: tuple[str, bytes | None]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers)
        await producer.start()
        try:
            for key, value in records:
                await producer.send(self.settings.topic_prefix + topic, value, key.encode())
        finally:
            await producer.stop()

    async def letters(self) -> dict[str, NotifyDeadLetter]:
        return await letters(self.settings)

    async def positions(self, target: str) -> dict[int, tuple[int, str]]:
        """Of the topic `alert.events`: partition → offset and text."""
        async with admin(self.settings.bootstrap_servers) as client:
            found = await client.list_consumer_group_offsets(f"{self.settings.group}-notify-{target}")
        return {tp.partition: (at.offset, at.metadata) for tp, at in found.items() if tp.topic.endswith("alert.events")}

    @asynccontextmanager
    async def notify(self, file: Path, clock: Clock | None = None) -> AsyncIterator[Notify]:
        """In this process."""
        stop, found = asyncio.Event(), Notify(load(file), self.settings, 0, clock)
        running = asyncio.create_task(found.run(stop))
        try:
            await until(lambda: running.done() or not [why for each in found.streams if (why := each.why_not_ready())])
            if running.done():
                running.result()
            yield found
        finally:
            stop.set()
            await running

    @asynccontextmanager
    async def process(self, file: Path, log: Path, port: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
        """As a process of its own; killed at the end."""
        port = port or free_port()
        command = [sys.executable, "-m", "streams.cli", "notify", "--config", str(file), "--port", f"{port}"]
        known = {**os.environ, **settings_module.environment(self.settings)}
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(*command, env=known, stdout=output, stderr=output)
        try:
            await until(lambda: _ready(process, port, log), READY_SECONDS)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def change(file: Path, *pairs: tuple[str, str]) -> None:
    """Put other words into a file."""
    text = file.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)


async def _ready(process: asyncio.subprocess.Process, port: int, log: Path) -> bool:
    assert process.returncode is None, tail(log)
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
