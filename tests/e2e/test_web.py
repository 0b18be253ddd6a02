"""The web of a running worker under clients that mean harm."""

import asyncio
import socket
import time

import aiohttp
import psutil

from tests.support.system import System, event

CLIENTS = 1000
HALF = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


async def test_a_thousand_slow_clients_neither_hide_a_worker_nor_hold_it_up(system: System) -> None:
    loop = asyncio.get_running_loop()
    clients: list[socket.socket] = []
    async with system.run() as running, aiohttp.ClientSession() as web:
        worker = running.workers[0]
        process = psutil.Process(worker.process.pid)
        before, slowest = process.num_fds(), 0.0
        begun = time.monotonic()
        try:
            for number in range(CLIENTS):
                client = socket.socket()
                client.setblocking(False)
                clients.append(client)
                await loop.sock_connect(client, ("127.0.0.1", worker.port))
                await loop.sock_sendall(client, HALF[: number % len(HALF)])
                if number % 50 == 49:
                    asked = time.monotonic()
                    async with web.get(f"http://127.0.0.1:{worker.port}/healthz") as response:
                        assert response.status == 200
                    slowest = max(slowest, time.monotonic() - asked)
                    assert process.num_fds() <= before + 110
            assert slowest < 1
            sent = event("contact.queued", "call-1", time.time() - 1, queue="loans", customer_id="7", tier="gold")
            await system.events(sent)
            await system.drained()
            await asyncio.gather(*(closed(client) for client in clients))
            assert time.monotonic() - begun < 30
            assert process.num_fds() <= before + 10
            async with web.get(f"http://127.0.0.1:{worker.port}/metrics") as response:
                told = await response.text()
        finally:
            for client in clients:
                client.close()
    ended = {why: float(count) for why, count in lines(told).items()}
    assert sum(ended.values()) == CLIENTS
    assert ended["full"] >= CLIENTS - 100


async def closed(client: socket.socket) -> None:
    """Wait until the worker has closed it."""
    try:
        while await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 4096), 10):
            pass
    except ConnectionResetError:
        pass


def lines(metrics: str) -> dict[str, str]:
    """Why connections were closed → how many."""
    name = "contact_streams_web_connections_closed_total{why="
    found = (line for line in metrics.splitlines() if line.startswith(name))
    return {line.removeprefix(name).split('"')[1]: line.rpartition(" ")[2] for line in found}
