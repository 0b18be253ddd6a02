"""A worker process: the application on an event loop of its own, until a signal ends it."""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Collection

import uvloop
from aiokafka.errors import KafkaError

from streams import rules
from streams.base.errors import BrokerError, UserError
from streams.engine import Differs, NameTaken, TopologyError
from streams.local.private import UMASK
from streams.local.probe import unreachable
from streams.rules import Rules
from streams.rules.applied import Applied
from streams.settings import Settings
from streams.worker import logs
from streams.worker.applying import at_start, said_at_start
from streams.worker.build import Application, build
from streams.worker.reloading import Reloading

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0
AGAIN_SECONDS = 1.0
"""After which a broker is asked once more which rules are in force."""


CODES: tuple[tuple[type[BaseException], int], ...] = ((TopologyError, 3), (Differs, 4), (NameTaken, 5))
"""Exit codes of ends that a supervisor and a person should be able to tell from others; all else is 1."""


def code_of(error: BaseException) -> int:
    """The exit code of a worker that ends for this reason."""
    return next((code for kind, code in CODES if isinstance(error, kind)), 1)


def run(settings: Settings) -> tuple[int, str]:
    """Run a worker until SIGTERM or SIGINT; at SIGHUP it reads its rules again. The exit code, and why when it is not
    0, that of a graceful stop: one of `CODES`, or 1 when it could not start or crashed.
    """
    asked: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: asked.append(number))  # it ends no worker that is about to start
    logs.configure(settings)
    os.umask(UMASK)  # the state is personal data
    # Batches make many short-lived objects and few cycles: collecting less often saves a fifth of the CPU.
    gc.set_threshold(500_000, 20, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, asked))


async def _run(settings: Settings, asked: Collection[int]) -> tuple[int, str]:
    """The exit code, and the reason when it is none of the good ones; ``asked``: SIGHUP came before there was anything
    to be read again."""
    try:
        decided = rules.of(settings)
        for warning in rules.warnings(settings, decided):
            log.warning("%s", warning)
        applied, unasked = await _applied(settings, decided)
        application = build(settings, decided, applied=applied is not None)
    except UserError as error:
        return 1, str(error)
    for said in said_at_start(applied, decided):
        log.warning("%s", said)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reloading = Reloading(settings, decided, application.metrics)
    loop.add_signal_handler(signal.SIGHUP, reloading.ask)
    if asked:
        reloading.ask()
    try:
        await application.app.start()
    except (UserError, KafkaError) as error:
        why = str(error)
        if isinstance(error, KafkaError):
            why = await asyncio.to_thread(unreachable, settings.bootstrap_servers, error)
        await _stop(application)
        return code_of(error), why
    if unasked is not None:
        await _stop(application)
        return 1, str(unasked)
    log.info("worker %s started", settings.worker_name)
    crashed = await _until(stop, application)
    await reloading.stop()
    await _stop(application)
    if crashed is not None:
        return code_of(crashed), str(crashed) or type(crashed).__name__
    log.info("worker %s stopped", settings.worker_name)
    return 0, ""


async def _applied(settings: Settings, decided: Rules) -> tuple[Applied | None, BrokerError | None]:
    """Rules that hold in place of the file's, or why nobody could be asked: what else is wrong is said before that."""
    try:
        return await at_start(settings, decided), None
    except BrokerError:
        await asyncio.sleep(AGAIN_SECONDS)
    try:
        return await at_start(settings, decided), None
    except BrokerError as error:
        return None, error


async def _stop(application: Application) -> None:
    try:
        await asyncio.wait_for(application.app.stop(), STOP_SECONDS)
    except TimeoutError:
        log.warning(
            "the worker did not stop within %s s; what was in flight is repeated by the next owner", STOP_SECONDS
        )


async def _until(stop: asyncio.Event, application: Application) -> BaseException | None:
    """Wait for a signal, or for a crash of the source or an agent."""
    stopping = asyncio.ensure_future(stop.wait())
    crashing = asyncio.ensure_future(application.source.wait_until_stopped())
    await asyncio.wait([stopping, crashing], return_when=asyncio.FIRST_COMPLETED)
    for waiting in (stopping, crashing):
        waiting.cancel()
    reason: BaseException | None = application.source.crash_reason or application.app.crash_reason
    if reason is None and not stop.is_set():
        reason = RuntimeError("the source stopped by itself")
    return reason
