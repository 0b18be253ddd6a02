"""An Alertmanager is told what fires, again and again: its state, not its steps.

What it has to be told is read from the compacted topic `alerts` at every start, so there is no position to keep and no
dead letter: what did not arrive is said again.
"""

import asyncio
import logging
import random
from collections.abc import Iterable
from typing import Any

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.alerts import Alert
from streams.engine import Unfetchable
from streams.engine.connection import Connection, Consumer
from streams.engine.fetching import adapt
from streams.engine.kafka import patient
from streams.kafka.connection import open_consumer
from streams.kafka.reading import partitions_of, settled_ends
from streams.notify.board import Board
from streams.notify.config import Target
from streams.notify.formats.alertmanager import Alertmanager, Labels
from streams.notify.metrics import Metrics
from streams.notify.routing import Path, ways
from streams.notify.sending import Sender
from streams.notify.waking import Clock

log = logging.getLogger(__name__)
AT_ONCE = 500
"""Alerts of one request."""
POLL_MS = 1000


class Repeating:
    """One Alertmanager."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a target is made of
        self, name: str, target: Target, paths: Iterable[Path], connection: Connection, topic: str, metrics: Metrics,
        clock: Clock,
    ) -> None:  # fmt: skip
        assert isinstance(target.format, Alertmanager)
        self.name, self._target, self._options = name, target, target.format
        self._paths, self._connection, self._topic = tuple(paths), connection, topic
        self._metrics, self._clock, self._rng = metrics, clock, random.Random()
        self.board = Board(lambda alert, at: name in ways(self._paths, alert, at), each=self._options.each)
        self._sender = Sender(target, clock.seconds)
        self._to_tell, self._known = asyncio.Event(), False
        self._failures = 0
        self._lag = 0

    async def run(self) -> None:
        """Until it is cancelled; `stop` afterwards."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            group.create_task(self._tell())

    async def stop(self) -> None:
        """Leave it alone: what is not repeated ends there by itself."""
        await self._sender.close()

    def why_not_ready(self) -> str:
        """Empty when it is."""
        return "" if self._known else f"{self.name}: the topic {self._topic} is not read to its end yet"

    def measure(self) -> None:
        """Bring the gauges up to date."""
        self._metrics.firing.labels(self.name).set(len(self.board))
        self._metrics.pending.labels(self.name).set(len(self.board.changed))
        self._metrics.failing.labels(self.name).set(self._failures)
        self._metrics.lag.labels(self.name).set(self._lag)

    async def _read(self) -> None:
        reading = open_consumer(self._connection, isolation_level="read_committed", auto_offset_reset="earliest")
        async with reading as consumer:
            adapt(consumer)
            patient(consumer._client)  # noqa: SLF001 - the consumer has no public way to its client
            tps = await partitions_of(consumer, [self._topic])
            ends = await settled_ends(consumer, tps)
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            while True:
                try:
                    found = await consumer.getmany(timeout_ms=100 if not self._known else POLL_MS)
                except KafkaError as error:
                    log.warning("%s cannot read: %r", self.name, error)
                    await asyncio.sleep(1)
                    continue
                for records in found.values():
                    for record in records:
                        self._take_in(record)
                self._lag = _lag(consumer)
                if not self._known and all([await consumer.position(tp) >= ends[tp] for tp in tps]):
                    self._known = True
                if self._known and self.board.changed:
                    self._to_tell.set()

    def _take_in(self, record: Any) -> None:
        if type(record) is Unfetchable:
            log.error("%s reads on without %s", self.name, record.error)
            return
        if record.value is None:
            self.board.remove((record.key or b"").decode(errors="replace"), self._clock.now())
            return
        try:
            self.board.apply(Alert.model_validate_json(record.value), self._clock.now())
        except ValidationError as error:
            place = (record.topic, record.partition, record.offset)
            log.error("%s: %s-%s at %s is no alert: %s", self.name, *place, error.errors()[0]["msg"])  # noqa: TRY400

    async def _tell(self) -> None:
        """At once what changed, and all of it every so often."""
        await self._clock.wait(self._to_tell, None)
        all_due = 0
        while True:
            self._to_tell.clear()
            now = self._clock.now()
            only = None if now >= all_due else set(self.board.changed)
            if await self._told(only):
                self._failures = 0
                all_due = now + self._options.repeat if only is None else all_due
                if not self.board.changed:
                    await self._clock.wait(self._to_tell, all_due - self._clock.now())
            else:
                self._failures += 1
                await self._clock.sleep(min(self._target.pace.pause(self._failures, self._rng), self._options.repeat))

    async def _told(self, only: set[Labels] | None) -> bool:
        """Has it all of it?"""
        telling = set(self.board.changed) if only is None else only
        firing = self.board.firing(self._clock.now(), only)
        for first in range(0, len(firing), AT_ONCE):
            part = firing[first : first + AT_ONCE]
            self.board.changed -= {each.labels for each in part}  # what changes meanwhile is told again
            outcome = await self._sender.fire(part, self._clock.now())
            if not outcome.delivered:
                self.board.changed |= telling
                self._metrics.retries.labels(self.name).inc()
                log.warning("%s: %s; it will be told again", self.name, outcome.why)
                return False
            self._metrics.deliveries.labels(self.name).inc()
        self.board.changed -= telling - {each.labels for each in firing}  # of these nothing is left to tell
        return True


def _lag(consumer: Consumer) -> int:
    left = 0
    for tp in consumer.assignment():
        state = consumer._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001 - without a request
        end = consumer.last_stable_offset(tp)
        if end is not None and state.has_valid_position:
            left += max(0, end - state.position)
    return left
