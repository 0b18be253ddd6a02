"""The process of `contact-streams notify`: a reader and a sender for each target, until a signal ends it."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

import uvloop
from aiokafka.errors import KafkaError

from streams.base.errors import UserError
from streams.kafka.connection import connection_of
from streams.local.private import UMASK
from streams.local.probe import unreachable
from streams.notify import letters
from streams.notify.config import NotifyFile
from streams.notify.delivering import Delivering
from streams.notify.digesting import Digesting
from streams.notify.letterbox import LetterBox
from streams.notify.metrics import Metrics
from streams.notify.pulse import Pulse
from streams.notify.reading import Reader, there
from streams.notify.repeating import Repeating
from streams.notify.routing import Told
from streams.notify.sending import smtp_client
from streams.notify.waking import Clock
from streams.notify.web import Web
from streams.settings import Settings
from streams.worker import logs

STOP_SECONDS = 45.0
EVENTS, ALERTS = "alert.events", "alerts"
log = logging.getLogger(__name__)
Stream = Delivering | Digesting | Repeating | Pulse


class Notify:
    """All targets of one file, on one event loop."""

    def __init__(self, file: NotifyFile, settings: Settings, port: int, clock: Clock | None = None) -> None:
        self._file, self._settings, self._clock = file, settings, clock or Clock()
        self._connection = connection_of(settings)
        self.metrics = Metrics(file.targets)
        self._box = LetterBox(self._connection, settings.topic_prefix + letters.TOPIC)
        self.streams: Sequence[Stream] = tuple(self._streams())
        self.web = Web(lambda: self.streams, self.metrics, settings.web_host, port)

    def _streams(self) -> Iterator[Stream]:
        yield Pulse(self._connection)
        paths, prefix = self._file.paths(), self._settings.topic_prefix
        for name, target in self._file.targets.items():
            if target.kind == "alertmanager":
                yield Repeating(name, target, paths, self._connection, prefix + ALERTS, self.metrics, self._clock)
                continue
            reader = self._reader(name, prefix + EVENTS, prefix + letters.TOPIC)
            yield Delivering(name, target, Told(name, paths), reader, self._box, self.metrics, self._clock)
        for name, route in self._file.digests():
            assert route.name is not None
            assert route.digest is not None
            reader = self._reader(f"{name}-digest-{route.name}", prefix + EVENTS)
            told = Told(name, paths, digest=route.name)
            target = self._file.targets[name]
            yield Digesting(name, target, told, reader, self._box, self.metrics, self._clock, route.name, route.digest)

    def _reader(self, name: str, *topics: str) -> Reader:
        group = f"{self._settings.group}-notify-{name}"
        return Reader(self._connection, group, topics, self._settings.session_timeout_ms)

    async def run(self, stop: asyncio.Event) -> None:
        """Until it is told to stop. Raises `UserError`, `KafkaError`."""
        if any(each.kind == "email" for each in self._file.targets.values()):
            smtp_client()
        prefix = self._settings.topic_prefix
        await there(self._connection, [prefix + topic for topic in (EVENTS, ALERTS, letters.TOPIC)])
        async with AsyncExitStack() as stack:
            await self._box.start()
            stack.push_async_callback(self._box.stop)
            await self.web.start()
            stack.push_async_callback(self.web.stop)
            running = [asyncio.create_task(each.run()) for each in self.streams]
            stack.push_async_callback(self._end, running)
            log.info("delivering to %s", ", ".join(self._file.targets))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            for each in running:
                if each.done():
                    each.result()

    async def _end(self, running: Sequence["asyncio.Task[None]"]) -> None:
        """Attempts that are under way come to their end, positions are kept."""
        stopping = asyncio.gather(*(each.stop() for each in self.streams), return_exceptions=True)
        try:
            await asyncio.wait_for(stopping, STOP_SECONDS)
        except TimeoutError:
            log.warning("not everything stopped within %.0f s; what was on its way may come twice", STOP_SECONDS)
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def run(file: NotifyFile, settings: Settings, port: int) -> tuple[int, str]:
    """Run until SIGTERM or SIGINT. The exit code, and why when it is not 0."""
    logs.configure(settings)
    os.umask(UMASK)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(file, settings, port))


async def _run(file: NotifyFile, settings: Settings, port: int) -> tuple[int, str]:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    why = ""
    try:
        await Notify(file, settings, port).run(stop)
    except* UserError as group:
        why = str(_first(group))
    except* KafkaError as group:
        why = await asyncio.to_thread(unreachable, settings.bootstrap_servers, _first(group))
    return (1, why) if why else (0, "")


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
