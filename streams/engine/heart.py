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

from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import IllegalGenerationError, KafkaError, UnknownMemberIdError, for_code
from aiokafka.protocol.group import HeartbeatRequest

log = logging.getLogger(__name__)

STUCK_SECONDS = 300.0
"""How long the loop may be silent before the worker is taken for stuck."""
ANSWER_SECONDS = 5.0
STOP_SECONDS = 5.0


class Heart:
    """`alive` is called on the event loop at least every ``interval`` seconds; `start` and `stop` with its consumer."""

    def __init__(self, bootstrap: str, consumer: AIOKafkaConsumer, interval: float) -> None:
        self.interval = interval
        self.beats = 0
        """Heartbeats that the group took."""
        self._bootstrap, self._consumer = bootstrap, consumer
        self._alive = time.monotonic()
        self._stopping = threading.Event()
        self._refused: tuple[str, int] | None = None
        """Member and generation that the group does not know any more."""
        self._node: int | None = None
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
        try:
            asyncio.run(self._watch())
        except Exception:
            log.exception("heartbeats come from the event loop alone from now on")

    async def _watch(self) -> None:
        client: AIOKafkaClient | None = None
        said = False
        try:
            while not self._stopping.is_set():
                await asyncio.sleep(self.interval / 4)
                silent = time.monotonic() - self._alive
                if silent < 2 * self.interval:
                    said = False
                    continue
                if silent > STUCK_SECONDS:
                    if not said:
                        log.error(
                            "nothing was handled to its end for %.0f s: the group may give this worker up", silent
                        )
                    said = True
                    continue
                try:
                    if client is None:
                        client = await self._connected()
                    await asyncio.wait_for(self._beat(client), ANSWER_SECONDS)
                except (KafkaError, OSError, TimeoutError) as error:
                    self._node = None
                    log.info("no heartbeat beside the event loop: %s", type(error).__name__)
        finally:
            if client is not None:
                await client.close()

    async def _connected(self) -> AIOKafkaClient:
        client = AIOKafkaClient(bootstrap_servers=self._bootstrap, client_id="heart")
        try:
            await client.bootstrap()
        except BaseException:
            await client.close()
            raise
        return client

    async def _beat(self, client: AIOKafkaClient) -> None:
        """One heartbeat as the member that the consumer is. Raises `KafkaError`."""
        coordinator = self._consumer._coordinator  # noqa: SLF001 - a consumer has no public way to ask who it is
        group, member, generation = coordinator.group_id, coordinator.member_id, coordinator.generation
        if not member or generation < 0 or (member, generation) == self._refused:
            return
        if self._node is None:
            self._node = await client.coordinator_lookup(CoordinationType.GROUP, group)
        response = await client.send(self._node, HeartbeatRequest(group, generation, member))
        error = for_code(response.error_code)
        if error in (UnknownMemberIdError, IllegalGenerationError):
            self._refused = (member, generation)
        elif response.error_code:
            self._node = None
        else:
            self.beats += 1
