"""`/metrics`, `/healthz`, `/readyz` and `/state` of a worker."""

import errno
import logging
from collections.abc import Mapping

from aiohttp import web
from mode import Service
from mode.utils.logging import get_logger
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from streams.engine import Lag, Source
from streams.ops import digest
from streams.ops.metrics import Metrics

log = logging.getLogger(__name__)

PORTS_TRIED = 50


class WebError(Exception):
    """No port for the web endpoints; the message names the setting."""


class Web(Service):
    """Serves a source's health and metrics. When the port is taken the next free one is used, so that several workers
    share a machine.
    """

    logger = get_logger(__name__)

    def __init__(self, source: Source, metrics: Metrics, host: str, port: int, ready_lag: int) -> None:
        super().__init__()
        self.source, self.metrics = source, metrics
        self.host, self.port, self.ready_lag = host, port, ready_lag
        self.runner: web.AppRunner

    async def on_start(self) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/state", self._state),
            ]
        )
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        first = self.port
        for port in range(first, first + PORTS_TRIED if first else 1):
            try:
                await web.TCPSite(self.runner, self.host, port).start()
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise WebError(f"CONTACT_STREAMS_WEB_HOST = {self.host!r}: {error.strerror}") from error
        else:
            raise WebError(f"CONTACT_STREAMS_WEB_PORT = {first}: it and the {PORTS_TRIED} ports after it are taken")
        self.port = self.runner.addresses[0][1]
        log.info("metrics and health on http://%s:%s", self.host, self.port)

    async def on_stop(self) -> None:
        await self.runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        await self.metrics.measure(self.source)
        return web.Response(body=generate_latest(self.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "alive", "worker": self.source.options.worker})

    async def _readyz(self, request: web.Request) -> web.Response:
        why = self.not_ready(await self.metrics.measure(self.source))
        return web.json_response({"status": "not ready" if why else "ready", "why": why}, status=503 if why else 200)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        """What `contact-streams state verify` compares with the changelog: digests of all tables, or the hashes of the
        rows of one (``?task=track-2&table=customers``). Neither names anybody.
        """
        if "task" not in request.query:
            tasks = await digest.digests(self.source) if request.query.get("digest") == "1" else []
            about = {"group": self.source.app_id, "worker": self.source.options.worker}
            return web.json_response({**about, "tasks": tasks})
        agent, _, partition = request.query["task"].rpartition("-")
        try:
            end, rows = await digest.hashes(self.source, agent, int(partition), request.query.get("table", ""))
        except digest.TaskBusy as error:
            return web.json_response({"error": str(error)}, status=409)
        except (KeyError, ValueError):
            return web.json_response({"error": f"no such task or table: {request.query_string}"}, status=404)
        return web.Response(body=rows, headers={"X-Changelog-End": str(end)})

    def not_ready(self, lag: Mapping[str, Lag]) -> list[str]:
        """What keeps this worker from being ready, in words; empty when it is."""
        takeover = self.source.takeover
        why = []
        if not takeover.joined:
            why.append("no partitions assigned yet")
        if missing := len(takeover.wanted - takeover.ready):
            why.append(f"{missing} of {len(takeover.wanted)} partitions are not restored yet")
        if sum(each.records for each in lag.values()) > self.ready_lag:
            hops = ", ".join(f"{hop} {n} ({seconds:.0f} s)" for hop, (n, seconds) in lag.items() if n)
            why.append(f"more than {self.ready_lag} records unread: {hops}")
        return why
