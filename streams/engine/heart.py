"""The heart: a worker stays in its group while it handles records that take long.

The client's own heartbeats come from the event loop on which batches are handled, so one record that takes longer than
the session time-out would cost the worker all its partitions, and the next owner would get the same record. So a thread
of its own watches the loop. While that is silent, the thread tells the group in its place that the worker lives; for
five minutes at most: by then it is stuck, and the group may give its partitions away.
"""

import asyncio
import logging
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    IllegalGenerationError,
    NoError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.group import HeartbeatRequest

from streams.engine.connection import Connection

log = logging.getLogger(__name__)

STUCK_SECONDS = 300.0
"""How long the loop may be silent before the worker is taken for stuck."""
ANSWER_SECONDS = 5.0
STOP_SECONDS = 5.0
TAKEN = (NoError, RebalanceInProgressError)
"""While the group waits for this worker to join anew, it waits only for the rebalance time-out, heartbeats or not."""
OVER = (IllegalGenerationError, UnknownMemberIdError)
"""The group has gone on without this worker: only the event loop can do something, join anew."""


class Membership(NamedTuple):
    """Who the consumer is in its group."""

    member: str
    generation: int


class Heart:
    """`alive` is called on the event loop at least every ``interval`` seconds; `start` and `stop` with its consumer."""

    def __init__(self, connection: Connection, consumer: AIOKafkaConsumer, interval: float) -> None:
        self.interval = interval
        self._connection, self._consumer = connection, consumer
        self._alive = time.monotonic()
        self._stopping = threading.Event()
        self._done: Membership | None = None
        """A membership for which there is nothing more to do but for the event loop: join anew."""
        self._client: AIOKafkaClient | None = None
        self._node: int | None = None
        self._said: str | None = None
        """What was said of this silence, or of its beginning."""
        self._thread = threading.Thread(target=self._main, name="heart", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def alive(self) -> None:
        """The event loop has its turn."""
        self._alive = time.monotonic()

    def stop(self) -> None:
        """Ends the thread; waits for it only shortly, for it may be waiting for a broker."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _main(self) -> None:
        with asyncio.Runner() as runner:
            while not self._stopping.wait(self.interval / 2):
                runner.run(self.look(time.monotonic() - self._alive))
            runner.run(self._disconnect())

    async def look(self, silent: float) -> None:
        """Beat when the event loop has been silent for more than two intervals and is not stuck. Never raises."""
        if silent < 2 * self.interval:
            self._said = None
            await self._disconnect()
        elif silent > STUCK_SECONDS:
            self._say(
                logging.ERROR,
                "stuck",
                "nothing was handled to its end for %.0f s: the group may give this worker up",
                silent,
            )
        else:
            try:
                await asyncio.wait_for(self._beat(), ANSWER_SECONDS)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next beat begins anew
                await self._disconnect()
                name = type(error).__name__
                self._say(
                    logging.WARNING, "beat", "the event loop is busy, and no heartbeat got through for it: %s", name
                )

    def _say(self, level: int, what: str, message: str, *values: object) -> None:
        """Once for as long as the loop is silent."""
        if self._said != what:
            self._said = what
            log.log(level, message, *values)

    async def _disconnect(self) -> None:
        client, self._client, self._node = self._client, None, None
        if client is not None:
            with suppress(Exception):
                await client.close()

    async def _beat(self) -> None:
        """One heartbeat as the member that the consumer is."""
        coordinator = self._consumer._coordinator  # noqa: SLF001 - a consumer has no public way to ask who it is
        membership = Membership(coordinator.member_id, coordinator.generation)
        if not membership.member or membership.generation < 0 or membership == self._done:
            return
        if self._client is None:
            self._client = self._connection.client("heart")
            await self._client.bootstrap()
        if self._node is None:
            self._node = await self._client.coordinator_lookup(CoordinationType.GROUP, coordinator.group_id)
        request = HeartbeatRequest(coordinator.group_id, membership.generation, membership.member)
        response = await self._client.send(self._node, request)
        error = for_code(response.error_code)
        if error in OVER:
            self._done = membership
        elif error not in TAKEN:
            raise error
