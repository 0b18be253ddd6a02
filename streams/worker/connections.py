"""The connections of a worker's web, so that no number of slow clients keeps a supervisor from its answer.

Each has one request, a time to ask it in and a time to take the answer in; there are at most `MOST` of them. A newcomer
to a full house takes the place of the oldest that has not asked yet, else of the oldest.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar, cast

from aiohttp import web
from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST = 100
"""Connections at a time."""
ASK_SECONDS = 5.0
"""From the connection to the end of the request's head."""
ANSWER_SECONDS = 60.0
"""From the answer's first byte to the end of the connection."""
REQUEST_BYTES = 65_536
"""Of one request; what comes after is not read. aiohttp refuses a line or field of more than 8,190."""
BACKLOG = 1024
"""Connections that the system keeps until they are accepted."""
AT_ONCE = 32
"""Connections accepted before those that are there are looked at: a client whose request is on its way keeps its
place, whatever else knocks.
"""
PAUSE_SECONDS = 1.0
"""After an accept that failed, as when descriptors have run out."""

Closed = Callable[[str], None]
"""Told why a connection was closed: ``slow`` or ``full``."""


class Connections:
    """Accepts connections for an aiohttp server, and closes those that take too long or are too many."""

    def __init__(self, server: Callable[[], asyncio.Protocol], closed: Closed) -> None:
        self.server, self.closed = server, closed
        self.open: dict[Connection, None] = {}
        """In the order in which they came."""
        self._sockets: list[socket.socket] = []
        self._arriving: set[asyncio.Task[object]] = set()

    async def listen(self, host: str, port: int) -> int:
        """At every address of a host; the port, which is a free one for 0. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        bound: list[socket.socket] = []
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                at = (address[0], bound[0].getsockname()[1], *address[2:]) if bound and not port else address
                bound.append(socket.create_server(cast("tuple[str, int]", at), family=family, backlog=BACKLOG))
        except OSError:
            for each in bound:
                each.close()
            raise
        for each in bound:
            each.setblocking(False)
            loop.add_reader(each, self._accept, each)
        self._sockets += bound
        return int(bound[0].getsockname()[1])

    def close(self) -> None:
        """Accept no more; those that are there stay."""
        for each in self._sockets:
            asyncio.get_running_loop().remove_reader(each)
            each.close()
        self._sockets.clear()

    def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(AT_ONCE):
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("no connection can be accepted for %s s: %s", PAUSE_SECONDS, error.strerror)
                loop.remove_reader(listening)
                loop.call_later(PAUSE_SECONDS, self._again, listening)
                return
            accepted.setblocking(False)
            arriving = loop.create_task(loop.connect_accepted_socket(lambda: Connection(self), accepted))
            self._arriving.add(arriving)
            arriving.add_done_callback(self._arriving.discard)

    def _again(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def enter(self, new: "Connection") -> None:
        """A newcomer; whoever it takes the place of is closed at once."""
        if len(self.open) >= MOST:
            oldest = next((each for each in self.open if each.asking), next(iter(self.open)))
            oldest.end("full")
        self.open[new] = None


class Connection(asyncio.Protocol):
    """One connection: what aiohttp makes of it, within its limits."""

    def __init__(self, connections: Connections) -> None:
        self._connections, self._inner = connections, connections.server()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._bytes = 0
        self.asking = True
        """No handler has been called yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, and begin to wait for the request."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.enter(self)
        self._within(ASK_SECONDS)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what belongs to a request of a possible size."""
        self._bytes += len(data)
        if self._bytes > REQUEST_BYTES and self._transport is not None:
            self._transport.pause_reading()
        self._inner.data_received(data[: max(0, REQUEST_BYTES - self._bytes + len(data))])

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """Give the place back."""
        self._forget()
        self._inner.connection_lost(error)

    def asked(self) -> None:
        """A handler is at work: its own limits count."""
        self.asking = False
        if self._timer is not None:
            self._timer.cancel()

    def answering(self) -> None:
        """The answer is there and has to be taken in."""
        self._within(ANSWER_SECONDS)

    def end(self, why: str) -> None:
        """Close it at once, whatever is on its way."""
        self._forget()
        self._connections.closed(why)
        if self._transport is not None:
            self._transport.abort()

    def _within(self, seconds: float) -> None:
        if self not in self._connections.open:
            return  # lost meanwhile
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end, "slow")

    def _forget(self) -> None:
        self._connections.open.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()


@web.middleware
async def one_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Time the two halves of a connection, which ends with its first answer."""
    connection = request.transport.get_protocol() if request.transport is not None else None
    if isinstance(connection, Connection):
        connection.asked()
    response: web.StreamResponse
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.force_close()
        raise
    finally:
        if isinstance(connection, Connection):
            connection.answering()
    response.force_close()
    return response


REST = 4
"""Times as long as it took, a costly piece of work rests: it has at most a fifth of the time."""


class Sparing(Generic[T]):
    """A piece of work whose result is shared by those who ask while it is done, and while it rests."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._lock = asyncio.Lock()
        self._again = 0.0
        self._last: T

    async def __call__(self) -> T:
        """The result; raises what the work raises."""
        async with self._lock:
            loop = asyncio.get_running_loop()
            if (begun := loop.time()) >= self._again:
                self._last = await self._work()
                self._again = loop.time() + REST * (loop.time() - begun)
            return self._last
