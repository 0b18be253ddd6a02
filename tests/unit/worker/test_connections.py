"""Slow clients, many clients, large requests, on real sockets."""

import asyncio
import contextlib
import json
import re
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from streams.worker import connections
from streams.worker.connections import MOST, Connections, Sparing, one_request
from tests.support.waiting import until

HALF = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
WHOLE = HALF + b"\r\n"
LARGE = 12 << 20
"""Bytes, more than the buffers of two sockets."""


@dataclass
class Served:
    """A web under test."""

    port: int
    connections: Connections
    why: Counter[str] = field(default_factory=Counter)

    async def connect(self, data: bytes = b"") -> socket.socket:
        """A client that has sent this."""
        client = socket.socket()
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", self.port))
        await loop.sock_sendall(client, data)
        return client

    async def ask(self, data: bytes = WHOLE) -> bytes:
        """All that comes back for a request, until the end of the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(-1), 10)
        writer.close()
        return answer

    async def seconds_of_health(self) -> float:
        """How long `/healthz` takes to answer."""
        begun = time.monotonic()
        assert (await self.ask()).startswith(b"HTTP/1.1 200")
        return time.monotonic() - begun


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    """A web with `/healthz` and a `/large` answer."""
    app = web.Application(middlewares=[one_request])

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def large(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * LARGE)

    app.add_routes([web.get("/healthz", healthz), web.get("/large", large)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    assert runner.server is not None
    why: Counter[str] = Counter()
    accepting = Connections(runner.server, lambda reason: why.update([reason]))
    port = await accepting.listen("127.0.0.1", 0)
    try:
        yield Served(port, accepting, why)
    finally:
        accepting.close()
        await runner.cleanup()


async def ended(client: socket.socket) -> bool:
    """Whether the server has closed it, after what it sent is read."""
    try:
        while await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1 << 20), 2):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def descriptors() -> int:
    """Open in this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_request_is_answered_and_ends_its_connection() -> None:
    async with served() as server:
        answer = await server.ask()
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"status": "alive"}
        assert b"connection: close" in answer.lower()
        assert (await server.ask(WHOLE.replace(b"/healthz", b"/nothing"))).startswith(b"HTTP/1.1 404")
        await until(lambda: not server.connections.open)
        assert server.why == Counter()


async def test_a_thousand_slow_clients_keep_nobody_from_health(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ASK_SECONDS", 1.5)
    async with served() as server:
        before = descriptors()
        clients = []
        try:
            for number in range(1000):
                clients.append(await server.connect((HALF, b"", WHOLE[:3])[number % 3]))
                if number % 100 == 99:
                    assert await server.seconds_of_health() < 1
                    assert len(server.connections.open) <= MOST
            theirs = descriptors() - before - len(clients)
            assert theirs <= MOST + 10, "the server's own"
            assert server.why["full"] >= 1000 - MOST
            assert all(await asyncio.gather(*(ended(each) for each in clients))), "within the time to ask"
            assert not server.connections.open
            assert server.why["slow"] <= MOST
            assert sum(server.why.values()) == 1000
        finally:
            for each in clients:
                each.close()


async def test_a_drip_of_bytes_buys_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ASK_SECONDS", 0.4)
    async with served() as server:
        client = await server.connect(HALF)
        begun, loop = time.monotonic(), asyncio.get_running_loop()
        with pytest.raises(OSError, match=r"reset|pipe"):
            for number in range(100):
                await loop.sock_sendall(client, b"X-%d: a\r\n" % number)
                await asyncio.sleep(0.05)
        assert time.monotonic() - begun < 2
        client.close()


async def test_an_answer_that_is_not_taken_in_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.3)
    async with served() as server:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", server.port))
        await asyncio.get_running_loop().sock_sendall(client, WHOLE.replace(b"/healthz", b"/large"))
        await until(lambda: server.why == Counter(slow=1))
        assert not server.connections.open
        client.close()
        answer = await server.ask(WHOLE.replace(b"/healthz", b"/large"))
        assert len(answer.partition(b"\r\n\r\n")[2]) == LARGE, "whoever reads gets all of it"


async def test_a_house_full_of_slow_readers_lets_a_newcomer_in(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 10
    monkeypatch.setattr(connections, "MOST", most)
    async with served() as server:
        readers = [await server.connect(WHOLE.replace(b"/healthz", b"/large")) for _ in range(most)]
        await until(lambda: sum(not e.asking for e in server.connections.open) == most)
        assert await server.seconds_of_health() < 1
        assert server.why == Counter(full=1)
        for each in readers:
            each.close()


@pytest.mark.parametrize(
    "request_",
    [
        HALF + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        HALF + b"".join(b"X-%d: a\r\n" % n for n in range(30_000)) + b"\r\n",
        WHOLE.replace(b"/healthz", b"/healthz?x=" + b"a" * 9000),
        b"\x16\x03\x01" + b"\x00" * 500,
    ],
    ids=["field", "fields", "line", "TLS"],
)
async def test_a_request_too_large_or_no_request_is_refused(request_: bytes) -> None:
    async with served() as server:
        with contextlib.suppress(ConnectionResetError):  # it had not read all of it
            assert re.match(rb"HTTP/1.[01] 400 ", await server.ask(request_))
        await until(lambda: not server.connections.open)


async def test_what_is_behind_a_request_is_not_read() -> None:
    async with served() as server:
        client = await server.connect(b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        sent, loop = 0, asyncio.get_running_loop()
        try:
            while sent < 50 << 20:
                await asyncio.wait_for(loop.sock_sendall(client, b"x" * (1 << 20)), 1)
                sent += 1 << 20
        except (TimeoutError, OSError):
            pass
        assert sent < 20 << 20, "what fits into the buffers of the system"
        client.close()


async def test_a_taken_port_is_said_and_nothing_stays_bound() -> None:
    async with served() as server:
        with pytest.raises(OSError, match="in use"):
            await server.connections.listen("127.0.0.1", server.port)
        assert await server.seconds_of_health() < 1


async def test_work_is_shared_and_rests_four_times_as_long_as_it_took() -> None:
    done = 0

    async def work() -> int:
        nonlocal done
        done += 1
        await asyncio.sleep(0.1)
        return done

    shared = Sparing(work)
    assert await asyncio.gather(*(shared() for _ in range(50))) == [1] * 50
    assert await shared() == 1, "it rests"
    await asyncio.sleep(0.5)
    assert await shared() == 2


async def test_work_that_fails_is_done_again() -> None:
    async def work() -> int:
        raise LookupError("no broker")

    shared = Sparing(work)
    for _ in range(2):
        with pytest.raises(LookupError):
            await shared()
