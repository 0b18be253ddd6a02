"""A publisher that outlives its broker: every record is sent again until the broker has acknowledged it.

What is sent again may be in the log twice, with the same id: that is legal, and the product has to drop it.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.stories import Raw

log = logging.getLogger(__name__)
REQUEST_MS = 30_000
MAX_UNACKNOWLEDGED = 5000


class Publisher:
    """``acknowledged`` and ``waiting`` count records; the order of records of one partition is kept while nothing
    fails.
    """

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap, self.prefix = bootstrap, prefix
        self.acknowledged = 0
        self._running: set[asyncio.Task[None]] = set()
        self._producer: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Records that the broker has not acknowledged yet."""
        return len(self._running)

    async def send(self, record: Raw, partition: int | None = None) -> None:
        """Send in the background; waits only while very many records are under way."""
        if self.waiting > MAX_UNACKNOWLEDGED:
            await self.flush()
        self._start(self._deliver(record, partition))

    def send_after(self, first: Raw, then: Raw) -> None:
        """Send the second record in the background once the first is acknowledged."""

        async def both() -> None:
            await self._deliver(first, None)
            await self._deliver(then, None)

        self._start(both())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def send_all(self, records: Iterable[Raw]) -> None:
        """Send and wait until everything sent so far is acknowledged."""
        for record in records:
            await self.send(record)
        await self.flush()

    async def flush(self) -> None:
        """Wait until everything sent before this call is acknowledged."""
        await asyncio.gather(*self._running)

    async def _deliver(self, record: Raw, partition: int | None) -> None:
        topic, key, value = record
        while True:
            producer = self._producer or await self._renew(None)
            try:
                sent = await producer.send(self.prefix + topic, value=value, key=key, partition=partition)
                await sent
            except KafkaError as error:
                log.info("%s is sent again: %r", topic, error)
                await self._renew(producer)
            else:
                self.acknowledged += 1
                return

    async def _renew(self, broken: AIOKafkaProducer | None) -> AIOKafkaProducer:
        """A working producer in place of ``broken``."""
        async with self._renewing:
            while self._producer is broken or self._producer is None:
                await self._close()
                fresh = AIOKafkaProducer(
                    bootstrap_servers=self.bootstrap,
                    acks="all",
                    enable_idempotence=True,
                    request_timeout_ms=REQUEST_MS,
                    max_request_size=2 << 20,
                )
                try:
                    await fresh.start()
                except KafkaError as error:
                    log.info("no producer yet: %r", error)
                    await fresh.stop()
                    await asyncio.sleep(0.3)
                else:
                    self._producer = fresh
            return self._producer

    async def _close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), 5)
            except (KafkaError, TimeoutError) as error:
                log.info("the producer did not stop cleanly: %r", error)

    async def stop(self) -> None:
        """Send no more."""
        for task in list(self._running):
            task.cancel()
        await self._close()
