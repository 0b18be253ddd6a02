"""The door: who asks, how often, how much they send and how slowly; before anything of a body is read."""

import asyncio
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.api.limits import Rates
from streams.api.metrics import ApiMetrics
from streams.api.oidc import Oidc
from streams.api.problems import Refused
from streams.api.tokens import MARK, Tokens
from streams.api.who import Denied, Who

MOST_BYTES = 64 * 1024
"""Of a body."""
BODY_SECONDS = 10.0
"""For a body to come."""
OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"})
"""What anybody may ask who reaches the port."""
STREAM = "/stream"
REFUSED = {401: "who", 408: "too-slow", 413: "too-large", 429: "too-often"}
"""Statuses at the door → as they are counted."""
CLOSE = {"Connection": "close"}
"""What a client still sends is not read."""
DENIED_PER_MINUTE = 120
"""Requests of nobody known, from one address."""


@dataclass(frozen=True)
class Keys:
    """How people say who they are."""

    tokens: Tokens | None = None
    oidc: Oidc | None = None

    async def who(self, header: str, now: int) -> Who:
        """Whose token it is. Raises `Denied`."""
        scheme, _, token = header.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Denied("missing", "a token is needed: Authorization: Bearer …")
        if self.oidc is not None and token.count(".") == 2 and not token.startswith(MARK):
            return await self.oidc.who(token)
        if self.tokens is None:
            raise Denied("unknown", "the token is not known")
        return self.tokens.who(token, now)


class Gate:
    """In front of the app."""

    def __init__(self, app: ASGIApp, keys: Keys, per_minute: int, metrics: ApiMetrics) -> None:
        self._app, self._keys, self._metrics = app, keys, metrics
        self._rates, self._strangers = Rates(per_minute), Rates(DENIED_PER_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, counted, status = time.monotonic(), _Counted(send), 499
        try:
            await self._admit(scope)
            await self._app(scope, _Body(_declared(scope), receive, counted).receive, counted)
        except Refused as refused:
            if counted.status:
                raise
            response = refused.response
            response.headers.update(CLOSE)
            await response(scope, receive, counted)
        except Exception:
            status = 500
            raise
        finally:
            self._count(scope, counted.status or status, time.monotonic() - begun)

    async def _admit(self, scope: Scope) -> None:
        if scope["path"] in OPEN:
            return
        address = (scope.get("client") or ("?", 0))[0]
        try:
            who = await self._keys.who(_header(scope, b"authorization"), int(time.time() * 1000))
        except Denied as denied:
            self._metrics.denied.labels(denied.why).inc()
            if wait := self._strangers.wait(address):
                raise _too_often(wait) from None
            challenge = 'Bearer realm="contact-streams"'
            if denied.why != "missing":
                challenge += ', error="invalid_token"'
            raise Refused(401, "who", str(denied), {"WWW-Authenticate": challenge}) from None
        if wait := self._rates.wait(who.key):
            raise _too_often(wait)
        scope.setdefault("state", {})["who"] = who

    def _count(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", "none")
        self._metrics.requests.labels(route, scope["method"] if route != "none" else "any", status).inc()
        if status in REFUSED:
            self._metrics.refused.labels(REFUSED[status]).inc()
        if route != STREAM:
            self._metrics.seconds.labels(route).observe(seconds)


class _Counted:
    """What is sent, with the status that was."""

    def __init__(self, send: Send) -> None:
        self._send, self.status = send, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


class _Body:
    """A body as it comes, no larger and no slower than it may be."""

    def __init__(self, declared: int | None, receive: Receive, sent: _Counted) -> None:
        if declared is not None and declared > MOST_BYTES:
            raise _too_large()
        self._receive, self._sent = receive, sent
        self._read, self._complete = 0, False
        self._until = time.monotonic() + BODY_SECONDS

    async def receive(self) -> Message:
        """As the app asks for it. Raises `Refused`."""
        if self._complete or self._sent.status:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            raise Refused(408, "too-slow", f"the body did not come in {BODY_SECONDS:g} s", CLOSE) from None
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._read > MOST_BYTES:
                raise _too_large()
        return message


def _too_large() -> Refused:
    return Refused(413, "too-large", f"a body has at most {MOST_BYTES:,} bytes", CLOSE)


def _too_often(wait: int) -> Refused:
    return Refused(429, "too-often", f"asked too often; again in {wait} s", {"Retry-After": str(wait)})


def _declared(scope: Scope) -> int | None:
    length = _header(scope, b"content-length")
    return int(length) if length.isdecimal() else None


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
