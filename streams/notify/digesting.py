"""Digests of one route for one target: read, added up, sent when their span is over.

Its position is where a digest ends, and moves on when the target has it: what is added up is read again after a
restart.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from streams.notify import letters
from streams.notify.config import Target
from streams.notify.digest import Digest, begun
from streams.notify.letterbox import LetterBox
from streams.notify.message import Message
from streams.notify.metrics import Metrics
from streams.notify.positions import Position
from streams.notify.reading import Reader
from streams.notify.routing import Told
from streams.notify.sending import Sender
from streams.notify.waking import Clock
from streams.notify.window import Parcel, Partition, Place

log = logging.getLogger(__name__)
GRACE_MS = 2000
"""After a span's end its last records are waited for."""
MOST = 500


class Digesting:
    """One digest of one target."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a target is made of
        self, name: str, target: Target, told: Told, reader: Reader, box: LetterBox, metrics: Metrics, clock: Clock,
        route: str, every_ms: int,
    ) -> None:  # fmt: skip
        self.name, self.route, self.reader = name, route, reader
        self._target, self._told, self._box, self._metrics, self._clock = target, told, box, metrics, clock
        self._every_ms = every_ms
        self._sender, self._rng = Sender(target, clock.seconds), random.Random()
        self._open: Digest | None = None
        self._read_to: dict[Partition, int] = {}
        self._turn = 0
        """Grows with every assignment: what was added up before it is somebody else's."""

    async def run(self) -> None:
        """Until it is cancelled; `stop` afterwards."""
        await self.reader.start(self)
        while True:
            for record in await self.reader.poll(MOST):
                await self._take_in(record)
            if self._open is not None and self._clock.now() >= self._open.end + GRACE_MS:
                await self._send(self._open)
            elif self._open is None:
                await self._keep()

    async def stop(self) -> None:
        """Leave the group."""
        await self.reader.stop()
        await self._sender.close()

    def why_not_ready(self) -> str:
        """Empty when it is."""
        return "" if self.reader.joined else f"{self.name}, digest {self.route}: no partitions assigned yet"

    def measure(self) -> None:
        """Its steps wait for the end of the span: they are no lag."""

    async def begin(self, positions: Mapping[Partition, Position]) -> None:
        """Partitions to read."""
        self._read_to = {partition: at.offset for partition, at in positions.items()}
        self._open = None
        self._turn += 1

    async def end(self, partitions: Sequence[Partition]) -> None:
        """They go to somebody else, who adds up anew."""
        self._read_to, self._open = {}, None
        self._turn += 1

    async def _take_in(self, record: Any) -> None:
        place, turn = Place(record.topic, record.partition, record.offset), self._turn
        if place[:2] not in self._read_to:
            return
        event = None
        if record.value is not None:
            try:
                event = letters.event_of(record.value)
            except ValidationError:  # the target's own stream, if it has one, makes a dead letter of it
                log.error("%s: %s-%s at %s is no alert event", self.name, *place)  # noqa: TRY400 - its text has values
        if event is not None and self._told.way(event, round(event.at.timestamp() * 1000)) is not None:
            if self._open is not None and record.timestamp >= self._open.end:
                await self._send(self._open)
            if turn != self._turn:
                return
            if self._open is None:
                self._open = begun(f"{self.name}/{self.route}", place, record.timestamp, self._every_ms)
            self._open.add(event)
            self._metrics.steps.labels(self.name).inc()
        self._read_to[place[:2]] = record.offset + 1

    async def _send(self, digest: Digest) -> None:
        """Until the target has it, or it is a dead letter."""
        turn, parcel = self._turn, digest.parcel()
        message = Message(parcel.id, "digest", tuple(parcel.events), parcel.left_out, self._target.words)
        while turn == self._turn:
            outcome = await self._sender.send(message)
            parcel.attempts += 1
            now = self._clock.now()
            if outcome.delivered:
                self._metrics.deliveries.labels(self.name).inc()
                break
            if outcome.final or parcel.attempts >= self._target.attempts:
                await self._give_up(parcel, "refused" if outcome.final else "exhausted", outcome.why, now)
                break
            self._metrics.retries.labels(self.name).inc()
            pause = self._target.pace.pause(parcel.attempts, self._rng)
            pause = pause if outcome.after_ms is None else max(outcome.after_ms, 1)
            log.warning("%s, digest %s: %s; next in %.1f s", self.name, self.route, outcome.why, pause / 1000)
            await self._clock.sleep(pause)
        if turn == self._turn:
            self._open = None
            await self._keep()

    async def _give_up(self, parcel: Parcel, reason: str, why: str, now: int) -> None:
        await self._box.put(letters.of_parcel(self.name, parcel, reason, why, now))
        self._metrics.failures.labels(self.name, reason).inc()
        log.error("%s, digest %s: given up (%s, %s)", self.name, self.route, reason, why)

    async def _keep(self) -> None:
        while True:
            try:
                await self.reader.commit({each: Position(at) for each, at in self._read_to.items()})
                return
            except KafkaError as error:
                log.warning("%s, digest %s: its position was not kept: %r", self.name, self.route, error)
                await asyncio.sleep(1)
