"""`/metrics`, `/healthz`, `/readyz` and `/state` of a worker."""

import errno
import hmac
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from mode import Service
from mode.utils.logging import get_logger
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from streams.base.errors import UserError
from streams.engine import Lag, Source, digest
from streams.worker.connections import REST, Connections, Sparing, one_request
from streams.worker.metrics import Metrics

log = logging.getLogger(__name__)

PORTS_TRIED = 50
SHUTDOWN_SECONDS = 2.0
"""For requests that are being answered when the worker ends."""
STATE_SECONDS = 1.0
"""Between two answers of `/state`, at least."""
STATE_KEY = "X-State-Key"
"""Header of the secret that opens `/state`."""


@dataclass(frozen=True)
class WebOptions:
    """How a worker's web is reached; ``state_key``: what opens `/state`, empty = nothing does."""

    host: str
    port: int
    ready_lag: int
    """Records unread above which a worker is not ready."""
    state_key: str = ""


class WebError(UserError):
    """No port for the web endpoints; the message names the setting."""


class Web(Service):
    """Serves a source's health and metrics. When the port is taken the next free one is used, so that several workers
    share a machine.
    """

    logger = get_logger(__name__)

    def __init__(self, source: Source, metrics: Metrics, options: WebOptions) -> None:
        super().__init__()
        self.source, self.metrics, self.options = source, metrics, options
        self.port = options.port
        self.runner: web.AppRunner
        self.connections: Connections
        self._lag = Sparing(lambda: metrics.measure(source))
        self._exposition = Sparing(self._expose)
        self._state_busy = False
        self._state_again = 0.0

    async def on_start(self) -> None:
        app = web.Application(middlewares=[one_request])
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/state", self._state),
            ]
        )
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self.runner.setup()
        assert self.runner.server is not None
        self.connections = Connections(self.runner.server, self.metrics.connection_closed)
        host, first = self.options.host, self.port
        for port in range(first, min(first + PORTS_TRIED, 65_536) if first else 1):
            try:
                self.port = await self.connections.listen(host, port)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise WebError(f"CONTACT_STREAMS_WEB_HOST = {host!r}: {error.strerror}") from error
        else:
            raise WebError(f"CONTACT_STREAMS_WEB_PORT = {first}: it and the {PORTS_TRIED} ports after it are taken")
        log.info("metrics and health on http://%s:%s", host, self.port)

    async def on_stop(self) -> None:
        if hasattr(self, "connections"):
            self.connections.close()
        await self.runner.cleanup()

    async def _expose(self) -> bytes:
        await self._lag()
        return generate_latest(self.metrics.registry)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=await self._exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, request: web.Request) -> web.Response:
        about = {"worker": self.source.options.worker, "group": self.source.layout.app_id}
        return web.json_response({"status": "alive", **about})

    async def _readyz(self, request: web.Request) -> web.Response:
        why = self.not_ready(await self._lag())
        return web.json_response({"status": "not ready" if why else "ready", "why": why}, status=503 if why else 200)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        """What `contact-streams state verify` compares with the changelog: digests of all tables, or the hashes of the
        rows of one (``?task=track-2&table=customers``), made with the secret that the asker has to give.

        One answer at a time, then none for a second and four times as long as it took: tasks halt while they are read.
        """
        if not self.options.state_key:
            return web.json_response({"error": "/state is off: CONTACT_STREAMS_STATE_KEY is not set"}, status=404)
        given = request.headers.get(STATE_KEY, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.options.state_key.encode()):
            return web.json_response({"error": f"{STATE_KEY} is not this worker's state_key"}, status=403)
        begun = time.monotonic()
        if self._state_busy or begun < self._state_again:
            wait = max(1, math.ceil(self._state_again - begun))
            busy = {"error": f"asked too often, ask again in {wait} s"}
            return web.json_response(busy, status=429, headers={"Retry-After": f"{wait}"})
        self._state_busy = True
        try:
            return await self._hashed(request, digest.Hashes(self.options.state_key))
        finally:
            self._state_busy = False
            now = time.monotonic()
            self._state_again = now + max(STATE_SECONDS, REST * (now - begun))

    async def _hashed(self, request: web.Request, by: digest.Hashes) -> web.StreamResponse:
        if "task" not in request.query:
            return web.json_response({"tasks": await digest.digests(self.source.tasks, by)})
        agent, _, partition = request.query["task"].rpartition("-")
        try:
            task = (agent, int(partition))
            end, rows = await digest.hashes(self.source.tasks, by, task, request.query.get("table", ""))
        except digest.TaskBusy as error:
            return web.json_response({"error": str(error)}, status=409)
        except (KeyError, ValueError):
            return web.json_response({"error": f"no such task or table: {request.query_string}"}, status=404)
        return web.Response(body=rows, headers={"X-Changelog-End": str(end)})

    def not_ready(self, lag: Mapping[str, Lag]) -> list[str]:
        """What keeps this worker from being ready, in words; empty when it is."""
        tasks = self.source.tasks
        why = [*self.source.topology.why]
        why += [str(each) for each in self.source.topology.refused]
        if silent := self.source.topology.silent:
            why.append(f"the broker has not answered for {silent:.0f} s")
        if not tasks.joined:
            why.append("no partitions assigned yet")
        if missing := len(tasks.wanted - tasks.ready):
            why.append(f"{missing} of {len(tasks.wanted)} partitions are not restored yet")
        why += [
            f"time stands for {task.info.name}: {type(task.unfinished).__name__} at the end of its batches"
            for task in tasks.owned.values()
            if task.unfinished is not None
        ]
        if sum(each.records for each in lag.values()) > self.options.ready_lag:
            hops = ", ".join(f"{hop} {n} ({seconds:.0f} s)" for hop, (n, seconds) in lag.items() if n)
            why.append(f"more than {self.options.ready_lag} records unread: {hops}")
        return why
