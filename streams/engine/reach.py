"""How far reading has come, as the broker says: which inputs have nothing more, and which are held by a transaction."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError

from streams.engine.task import Task


class _Held(NamedTuple):
    stable: int
    since: float


class Reach:
    """Of the inputs of one consumer. What lies behind the last stable offset cannot be read by anybody until a
    transaction ends: it is no backlog.
    """

    def __init__(self) -> None:
        self._held: dict[TopicPartition, _Held] = {}

    async def of(self, task: Task, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """For each input that has nothing more to read: the wall-clock ms at which the broker said so."""
        known = {}
        for tp in task.inputs:
            try:
                stable, high = consumer.last_stable_offset(tp), consumer.highwater(tp)
                asked = consumer.last_poll_timestamp(tp)
                if stable is None or high is None or not asked:
                    continue
                self.note(tp, stable, high)
                if (at := await consumer.position(tp)) >= stable:
                    known[tp] = asked
                    task.backlog.caught_up(tp.topic, asked, at)
            except (IllegalStateError, AssertionError):
                self._held.pop(tp, None)  # taken away a moment ago
        return known

    def note(self, tp: TopicPartition, stable: int, high: int) -> None:
        """The broker's last stable offset and end of a partition."""
        held = self._held.get(tp)
        if stable >= high:
            if held is not None:
                del self._held[tp]
        elif held is None or held.stable != stable:
            self._held[tp] = _Held(stable, time.monotonic())

    def open_transactions(self, inputs: Iterable[TopicPartition]) -> dict[str, float]:
        """For how long the oldest open transaction on each topic has held what lies behind it, s; 0 without one."""
        now, found = time.monotonic(), dict[str, float]()
        for tp in inputs:
            held = self._held.get(tp)
            found[tp.topic] = max(found.get(tp.topic, 0.0), now - held.since if held else 0.0)
        return found
