"""The topics of alerts followed as they grow: board and silences from the beginning, steps from now on.

Where a reader stands in ``alert.events`` is a `Place`, which a client is told with each step and gives back to go on.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from streams.base.errors import UserError
from streams.desk.board import Board
from streams.desk.errors import CannotAsk
from streams.desk.reading import ALERTS, EVENTS, SILENCES
from streams.desk.silences import Silences
from streams.engine import Unfetchable
from streams.engine.connection import Connection, Consumer
from streams.engine.fetching import adapt
from streams.kafka.connection import open_consumer
from streams.kafka.reading import partitions_of, settled_ends

log = logging.getLogger(__name__)

MOST_WAITING = 1_000
"""Steps that wait for one listener; one that is slower is sent away, and may come again."""
AGAIN_SECONDS = (0.5, 15.0)
"""Between two tries to read, when the broker is away: at first, at most."""
ASK_SECONDS, STALE_SECONDS = 5.0, 15.0
"""Between two questions whether the broker is there; without an answer for so long it is not."""
_PLACE = re.compile(r"\d{1,4}-\d{1,19}(\.\d{1,4}-\d{1,19}){0,999}")

Place = dict[int, int]
"""Partition of ``alert.events`` → the next offset to be read."""
Heard = tuple[int, int, bytes]
"""Partition, offset, the record."""


def place_of(text: str) -> Place:
    """A place as it was given out. Raises `CannotAsk`."""
    if not _PLACE.fullmatch(text):
        raise CannotAsk(f"Last-Event-ID: {text[:40]!r} is no id that was given out here, such as 0-1234")
    return {int(part): int(offset) for part, _, offset in (each.partition("-") for each in text.split("."))}


def text_of(place: Mapping[int, int]) -> str:
    """A place in words."""
    return ".".join(f"{part}-{offset}" for part, offset in sorted(place.items()))


@dataclass(eq=False)
class Listener:
    """Somebody who hears of steps; ``behind``: too slow, nothing more is put here."""

    place: Place
    """From where on."""
    waiting: asyncio.Queue[Heard] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    behind: bool = False


class Follower:
    """Reads on until it is closed; when the broker is away it tries again, and says so in ``why``."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection, self._prefix = connection, prefix
        self.board, self.silences = Board(), Silences()
        self.listeners: set[Listener] = set()
        self.place: Place = {}
        """In ``alert.events``: where new listeners begin."""
        self.caught_up = asyncio.Event()
        self.read_at = time.monotonic()
        self._why: str | None = "the topics are being read"
        self._next: dict[TopicPartition, int] = {}

    @property
    def why(self) -> str | None:
        """What keeps it from knowing how alerts stand."""
        quiet = time.monotonic() - self.read_at
        if self._why is None and quiet > ASK_SECONDS + STALE_SECONDS:
            return f"the broker has not answered for {quiet:.0f} s"
        return self._why

    async def run(self) -> None:
        """Until it is cancelled."""
        pause, most = AGAIN_SECONDS
        while True:
            try:
                await self._read()
            except UserError as error:
                if self._why != str(error):
                    log.warning("%s; trying again", error)
                self._why = str(error)
            except Exception as error:
                log.exception("the topics could not be read; trying again")
                self._why = f"the topics could not be read: {type(error).__name__}"
            pause = AGAIN_SECONDS[0] if time.monotonic() - self.read_at < most else min(2 * pause, most)
            await asyncio.sleep(pause)

    def listen(self) -> Listener:
        """Hear of what comes from now on, until `leave`."""
        listener = Listener(dict(self.place))
        self.listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Hear no more."""
        self.listeners.discard(listener)

    async def between(self, start: Place, end: Place) -> AsyncIterator[Heard]:
        """The steps from one place to another, each partition in order; what is no longer kept is passed over. Raises
        `BrokerError`.
        """
        left = {part: stop for part, stop in end.items() if start.get(part, 0) < stop}
        if not left:
            return
        async with open_consumer(self._connection, isolation_level="read_committed", fetch_max_wait_ms=50) as consumer:
            adapt(consumer)
            tps = {TopicPartition(self._prefix + EVENTS, part): stop for part, stop in left.items()}
            consumer.assign(list(tps))
            begins = await consumer.beginning_offsets(list(tps))
            for tp in tps:
                consumer.seek(tp, max(start.get(tp.partition, 0), begins[tp]))
            waiting = {tp for tp, stop in tps.items() if begins[tp] < stop}
            while waiting:
                for tp, records in (await consumer.getmany(*waiting, timeout_ms=100)).items():
                    for record in records:
                        if not _lost(record) and record.offset < tps[tp] and record.value is not None:
                            yield tp.partition, record.offset, record.value
                waiting = {tp for tp in waiting if await consumer.position(tp) < tps[tp]}

    async def resumed(self, place: Place) -> tuple[Place, bool]:
        """From where on a client can go on that was given this place, and whether it misses steps: they are no longer
        kept, or the topic is another one than then. Raises `BrokerError`.
        """
        tps = [TopicPartition(self._prefix + EVENTS, part) for part in self.place]
        async with open_consumer(self._connection) as consumer:
            begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        found, gap = dict[int, int](), False
        for tp in tps:
            at = place.get(tp.partition, 0)
            fits = begins[tp] <= at <= ends[tp]
            found[tp.partition] = at if fits else begins[tp]
            gap |= not fits and (at > 0 or begins[tp] > 0)
        return found, gap

    async def _read(self) -> None:
        names = {self._prefix + topic: topic for topic in (ALERTS, SILENCES, EVENTS)}
        committed = open_consumer(
            self._connection, isolation_level="read_committed", auto_offset_reset="earliest", fetch_max_wait_ms=100
        )
        async with committed as consumer:
            adapt(consumer)
            tps = await partitions_of(consumer, names)
            ends = await settled_ends(consumer, tps)
            consumer.assign(tps)
            await self._seek(consumer, tps, ends)
            self.read_at = time.monotonic()
            behind = {tp for tp in tps if ends[tp]}
            while True:
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    for record in records:
                        if not _lost(record):
                            self._take(names[tp.topic], record)
                    self._next[tp] = await consumer.position(tp)
                await self._asked(consumer, tps)
                if behind:
                    behind = {tp for tp in behind if await consumer.position(tp) < ends[tp]}
                if not behind:
                    self._why = None
                    self.caught_up.set()

    async def _asked(self, consumer: Consumer, tps: list[TopicPartition]) -> None:
        """Does the broker still answer? A poll does not tell: it finds nothing new, and nothing more. Raises what the
        client does.
        """
        if time.monotonic() - self.read_at >= ASK_SECONDS:
            await asyncio.wait_for(consumer.end_offsets(tps), STALE_SECONDS)
            self.read_at = time.monotonic()

    async def _seek(self, consumer: Consumer, tps: list[TopicPartition], ends: Mapping[TopicPartition, int]) -> None:
        begins = await consumer.beginning_offsets(tps)
        for tp in tps:
            first = ends[tp] if tp.topic == self._prefix + EVENTS else begins[tp]
            known = self._next.get(tp, first)
            at = known if begins[tp] <= known <= ends[tp] else first
            consumer.seek(tp, at)
            if tp.topic == self._prefix + EVENTS:
                self.place[tp.partition] = at

    def _take(self, topic: str, record: Any) -> None:
        if topic == ALERTS:
            self.board.apply(record.key, record.value)
        elif topic == SILENCES:
            self.silences.apply(record.value)
        else:
            self.place[record.partition] = record.offset + 1
            if record.value is not None:
                self._tell((record.partition, record.offset, record.value))

    def _tell(self, heard: Heard) -> None:
        for listener in self.listeners:
            if not listener.behind:
                try:
                    listener.waiting.put_nowait(heard)
                except asyncio.QueueFull:
                    listener.behind = True


def _lost(record: Any) -> bool:
    return type(record) is Unfetchable
