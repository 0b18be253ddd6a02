"""The process: a socket, clients that may not be slow, and the application behind it."""

import asyncio
import errno
import logging
import socket
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn
import uvloop
from uvicorn.protocols.http.h11_impl import H11Protocol

from streams.api.app import build
from streams.api.desk import Desk
from streams.api.gate import Keys
from streams.api.oidc import KeySet, Oidc
from streams.api.tokens import Tokens
from streams.base.errors import UserError
from streams.kafka.connection import connection_of
from streams.settings import Settings, variable
from streams.worker import logs

log = logging.getLogger(__name__)

HEAD_SECONDS, IDLE_SECONDS, STUCK_SECONDS, STOP_SECONDS = 10.0, 30, 30.0, 3
"""For the head of a request to come; for the next one on a connection; for a client to take what it is sent; for
requests that are being answered when the process ends."""
MOST_CONNECTIONS = 500
MOST_HEAD_BYTES = 16 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ApiError(UserError):
    """The API cannot be served with these settings; the message says which and why."""


class Client(H11Protocol):
    """A connection whose client may be neither slow to ask nor slow to listen."""

    _head: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """One more, if there is room."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """More of a request: a head that is complete is waited for no longer, a new one has its time."""
        super().data_received(data)
        if self._asking:
            self._forget_head()
        elif self._head is None:
            self._wait_for_head()

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        self.flow.pause_writing()
        self._stuck = self._stuck or self.loop.call_later(STUCK_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        self.flow.resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._forget_head()
        if self._stuck is not None:
            self._stuck.cancel()
        super().connection_lost(exc)

    @property
    def _asking(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _wait_for_head(self) -> None:
        self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class Server(uvicorn.Server):
    """Ends live streams when it is told to end, or it would wait for them."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self.desk = desk

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal."""
        self.desk.streams.stopping.set()
        super().handle_exit(sig, frame)


async def keys_of(settings: Settings) -> Keys:
    """Who is let in. Raises `ApiError` where that is nobody, and what the files say."""
    tokens = None if settings.api_tokens is None else Tokens(settings.api_tokens)
    given = {name: getattr(settings, name) for name in ("api_oidc_issuer", "api_oidc_audience", "api_oidc_keys")}
    if missing := [variable(name) for name, value in given.items() if not value] if any(given.values()) else []:
        raise ApiError(f"{', '.join(missing)}: missing, an identity provider takes issuer, audience and keys")
    if tokens is None and not any(given.values()):
        raise ApiError(
            f"nobody could ask anything: set {variable('api_tokens')} to a file and make a token with "
            f"`contact-streams serve token`, or name an identity provider with {variable('api_oidc_issuer')}"
        )
    oidc = None
    if settings.api_oidc_keys:
        keys = KeySet(settings.api_oidc_keys)
        await keys.open()
        oidc = Oidc(
            settings.api_oidc_issuer or "", settings.api_oidc_audience or "", keys,
            settings.api_oidc_roles_claim, settings.api_oidc_name_claim,
        )  # fmt: skip
    return Keys(tokens, oidc)


def origins_of(settings: Settings) -> list[str]:
    """Whose pages may ask. Raises `ApiError`."""
    found = [each.strip().rstrip("/") for each in settings.api_cors_origins.split(",") if each.strip()]
    for each in found:
        parts = urlsplit(each)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
            raise ApiError(f"{variable('api_cors_origins')}: {each!r} is no origin such as https://desk.example.com")
    return found


def listening(host: str, port: int) -> socket.socket:
    """A socket. Raises `ApiError`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except OSError as error:
        what = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be listened at: {error.strerror}"
        raise ApiError(f"{variable('api_host')}, {variable('api_port')}: {host}:{port} {what}") from error
    found.listen(128)
    found.setblocking(False)
    return found


async def server_of(settings: Settings) -> Server:
    """The server; ``serve(sockets=[…])`` runs it. Raises `UserError`."""
    origins, keys = origins_of(settings), await keys_of(settings)
    desk = Desk(connection_of(settings), settings.topic_prefix, settings.rules_dir, keys)
    config = uvicorn.Config(
        build(desk, settings.api_requests_per_minute, origins), http=Client, ws="none", lifespan="on",
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS, timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
    )  # fmt: skip
    return Server(config, desk)


async def serve(settings: Settings) -> None:
    """Until a signal ends it. Raises `UserError`."""
    with listening(settings.api_host, settings.api_port) as listens:
        server = await server_of(settings)
        host, port = listens.getsockname()[:2]
        log.info("alerts on http://%s:%s, described at /docs", host, port)
        if settings.api_host not in LOOPBACK:
            log.warning("%s can be reached from elsewhere, and tokens travel in clear: put TLS in front", host)
        await server.serve(sockets=[listens])


def run(settings: Settings) -> None:
    """A process of its own. Raises `UserError`."""
    logs.configure(settings)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))
