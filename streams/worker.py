"""A worker process: the application on an event loop of its own, until a signal ends it."""

import asyncio
import gc
import logging
import os
import signal

import uvloop
from aiokafka.errors import KafkaError

from streams import rules as rule_files
from streams.app import Application, build
from streams.engine import Differs, EngineError, NameTaken, TopologyError
from streams.ops import logs
from streams.ops.errors import OpsError
from streams.ops.private import UMASK
from streams.ops.probe import demand
from streams.ops.text import echo
from streams.ops.web import WebError
from streams.settings import Settings

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0


CODES: tuple[tuple[type[BaseException], int], ...] = ((TopologyError, 3), (Differs, 4), (NameTaken, 5))
"""Exit codes of ends that a supervisor and a person should be able to tell from others; all else is 1."""


def code_of(error: BaseException) -> int:
    """The exit code of a worker that ends for this reason."""
    return next((code for kind, code in CODES if isinstance(error, kind)), 1)


def run(settings: Settings) -> int:
    """Run a worker until SIGTERM or SIGINT; the exit code: 0 after a graceful stop, one of `CODES`, or 1 when it could
    not start or crashed.
    """
    logs.configure(settings)
    os.umask(UMASK)  # the state is personal data
    # Batches make many short-lived objects and few cycles: collecting less often saves a fifth of the CPU.
    gc.set_threshold(500_000, 20, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings))


async def _run(settings: Settings) -> int:
    zone = {"kpis.time_zone": settings.time_zone} if settings.time_zone else {}
    try:
        application = build(settings, rule_files.load(settings.rules_dir, zone))
    except (rule_files.RulesError, OpsError) as error:
        echo(f"contact-streams worker: {error}", err=True)
        return 1
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await application.app.start()
    except (EngineError, WebError, KafkaError) as error:
        where = ""
        if isinstance(error, KafkaError):
            asked = await asyncio.to_thread(demand, settings.bootstrap_servers)
            where = f" (KAFKA_BOOTSTRAP_SERVERS = {settings.bootstrap_servers}){asked and f': {asked}'}"
        echo(f"contact-streams worker: {error}{where}", err=True)
        await application.app.stop()
        return code_of(error)
    log.info("worker %s started", settings.worker_name)
    crashed = await _until(stop, application)
    try:
        await asyncio.wait_for(application.app.stop(), STOP_SECONDS)
    except TimeoutError:
        log.warning(
            "the worker did not stop within %s s; what was in flight is repeated by the next owner", STOP_SECONDS
        )
    if crashed is not None:
        echo(f"contact-streams worker: {crashed}", err=True)
        return code_of(crashed)
    log.info("worker %s stopped", settings.worker_name)
    return 0


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
