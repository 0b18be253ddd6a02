"""What is raised when Kafka cannot be asked: the caller's own error, with the reason in words."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any

import pytest

from streams import settings as settings_module
from streams.base.errors import UserError
from streams.engine.connection import Connection
from streams.kafka.connection import connection_of, open_admin, open_consumer
from streams.local.probe import free_port

Opens = Callable[[Connection, type[Exception]], AbstractAsyncContextManager[Any]]


class Fails(UserError):
    """As of some room."""


def test_the_settings_say_where() -> None:
    settings = settings_module.load(bootstrap_servers="a.example:9092, b.example:9092")
    assert connection_of(settings) == Connection("a.example:9092,b.example:9092")


@pytest.mark.parametrize("opens", [open_consumer, open_admin])
async def test_a_broker_that_is_not_there_is_the_callers_error(opens: Opens) -> None:
    servers = f"127.0.0.1:{free_port()}"
    with pytest.raises(Fails, match=f"no broker answers at {servers}; is KAFKA_BOOTSTRAP_SERVERS right"):
        async with opens(Connection(servers), Fails):
            pytest.fail("there is no broker")


class Client:
    """In place of a client: it starts, and knows whether it was stopped."""

    stopped = False

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped = True

    close = stop


@pytest.mark.parametrize("opens", [open_consumer, open_admin])
async def test_silence_is_the_callers_error_and_what_is_no_fault_of_kafkas_stays_what_it_is(opens: Opens) -> None:
    client = Client()
    made: Any = SimpleNamespace(
        servers=f"127.0.0.1:{free_port()}", consumer=lambda **options: client, admin=lambda: client
    )
    with pytest.raises(Fails, match="no broker answers at"):
        async with opens(made, Fails), asyncio.timeout(0.01):
            await asyncio.sleep(60)
    assert client.stopped
    client.stopped = False
    with pytest.raises(KeyError):
        async with opens(made, Fails):
            raise KeyError("x")
    assert client.stopped
