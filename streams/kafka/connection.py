"""The connection that the settings name, and clients that say in words for people why Kafka could not be asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.errors import KafkaError

from streams.base.errors import BrokerError
from streams.engine.connection import Admin, Connection, Consumer
from streams.local.probe import unreachable
from streams.settings import Settings


def connection_of(settings: Settings) -> Connection:
    """Where and how these settings reach Kafka. They have to name a broker."""
    return Connection(settings.bootstrap_servers)


@asynccontextmanager
async def open_consumer(
    connection: Connection, failed: type[Exception] = BrokerError, **options: Any
) -> AsyncIterator[Consumer]:
    """A started consumer, for as long as the block lasts. When Kafka cannot be asked, or does not answer in the time
    that the block gives it, ``failed`` is raised with the reason; ``options`` are the client's own.
    """
    consumer = connection.consumer(**options)
    try:
        await consumer.start()
        yield consumer
    except (KafkaError, TimeoutError) as error:
        raise failed(await asyncio.to_thread(unreachable, connection.servers, error)) from error
    finally:
        await consumer.stop()


@asynccontextmanager
async def open_admin(connection: Connection, failed: type[Exception] = BrokerError) -> AsyncIterator[Admin]:
    """A started admin client, in the same way."""
    admin = connection.admin()
    try:
        await admin.start()
        yield admin
    except (KafkaError, TimeoutError) as error:
        raise failed(await asyncio.to_thread(unreachable, connection.servers, error)) from error
    finally:
        await admin.close()
