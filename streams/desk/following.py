"""The topics of alerts followed as they grow: board and silences from the beginning, steps from now on.

Where a reader stands in ``alert.events`` is a `Place`, which a client is told with each step and gives back to go on.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from streams.customers.rules import AlertReader
from streams.desk.board import Board
from streams.desk.errors import CannotAsk
from streams.desk.reading import ALERTS, EVENTS, RULES, SILENCES
from streams.desk.silences import Silences
from streams.desk.tail import Tail, Topic
from streams.engine import Unfetchable
from streams.engine.connection import Connection
from streams.engine.fetching import adapt
from streams.kafka.connection import open_consumer
from streams.rules.applied import InForce

MOST_WAITING = 1_000
"""Steps that wait for one listener; one that is slower is sent away, and may come again."""
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
    """How alerts and silences stand, and who hears of steps; it is read by ``tail``."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection, self._prefix = connection, prefix
        self.board, self.silences = Board(), Silences()
        self.applied = InForce(AlertReader())
        self.listeners: set[Listener] = set()
        self.place: Place = {}
        """In ``alert.events``: where new listeners begin."""
        self.tail = Tail(
            connection,
            {
                prefix + ALERTS: Topic(lambda record: self.board.apply(record.key, record.value)),
                prefix + SILENCES: Topic(lambda record: self.silences.apply(record.value)),
                prefix + RULES: Topic(lambda record: self.applied.take(record.value)),
                prefix + EVENTS: Topic(self._hear, from_now=True, begins=self.place.__setitem__),
            },
        )

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
                        if type(record) is not Unfetchable and record.offset < tps[tp] and record.value is not None:
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

    def _hear(self, record: Any) -> None:
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
