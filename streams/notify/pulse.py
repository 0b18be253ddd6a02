"""Does the broker answer?"""

import asyncio
import time

from aiokafka.errors import KafkaError

from streams.engine.connection import Connection
from streams.engine.kafka import patient

EVERY_SECONDS = 2.0
SILENT_SECONDS = 6.0
"""A restart takes less."""


class Pulse:
    """Asks it again and again."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.client("contact-streams-notify-pulse")
        self._answered = time.monotonic()

    async def run(self) -> None:
        """Until it is cancelled."""
        patient(self._client)
        try:
            await self._client.bootstrap()
            while True:
                await self._ask()
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            await self._client.close()

    async def stop(self) -> None:
        """It ends with its task."""

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(EVERY_SECONDS):
                await self._client.fetch_all_metadata()
            self._answered = time.monotonic()
        except (KafkaError, TimeoutError, OSError):
            return

    def why_not_ready(self) -> str:
        """Empty when it is."""
        silent = time.monotonic() - self._answered
        return f"the broker has not answered for {silent:.0f} s" if silent > SILENT_SECONDS else ""

    def measure(self) -> None:
        """It has no gauge."""
