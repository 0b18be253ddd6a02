"""`/metrics`, `/healthz` and `/readyz` of `contact-streams notify`."""

import errno
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from streams.notify.errors import NotifyError
from streams.notify.metrics import Metrics
from streams.worker.connections import Connections, Sparing, one_request

log = logging.getLogger(__name__)
PORT = 6076
PORTS_TRIED = 50
SHUTDOWN_SECONDS = 2.0


class Watched(Protocol):
    """What delivers to one target."""

    def why_not_ready(self) -> str:
        """Empty when it is."""

    def measure(self) -> None:
        """Bring the gauges up to date."""


class Web:
    """The server. When the port is taken the next free one is used."""

    def __init__(self, watched: Callable[[], Sequence[Watched]], metrics: Metrics, host: str, port: int) -> None:
        self._watched, self._metrics, self._host, self.port = watched, metrics, host, port
        self._exposition = Sparing(self._expose)
        self._runner: web.AppRunner
        self._connections: Connections

    async def start(self) -> None:
        """Listen. Raises `NotifyError`."""
        app = web.Application(middlewares=[one_request])
        app.add_routes(
            [
                web.get("/metrics", self._metrics_of),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        assert self._runner.server is not None
        self._connections = Connections(self._runner.server, lambda why: None)
        first = self.port
        for port in range(first, min(first + PORTS_TRIED, 65_536) if first else 1):
            try:
                self.port = await self._connections.listen(self._host, port)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise NotifyError(f"CONTACT_STREAMS_WEB_HOST = {self._host!r}: {error.strerror}") from error
        else:
            raise NotifyError(f"--port {first}: it and the {PORTS_TRIED} ports after it are taken")
        log.info("metrics and health on http://%s:%s", self._host, self.port)

    async def stop(self) -> None:
        """Close everything."""
        self._connections.close()
        await self._runner.cleanup()

    async def _expose(self) -> bytes:
        for each in self._watched():
            each.measure()
        return generate_latest(self._metrics.registry)

    async def _metrics_of(self, request: web.Request) -> web.Response:
        return web.Response(body=await self._exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, request: web.Request) -> web.Response:
        why = [found for each in self._watched() if (found := each.why_not_ready())]
        return web.json_response({"status": "not ready" if why else "ready", "why": why}, status=503 if why else 200)
