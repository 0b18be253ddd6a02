"""Publishing W: all of it at once, in whole batches, or at a steady rate with the answers timed."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.bench.audit import pane_key, pane_value, partitions_of
from tests.bench.workload import Generator, Message, pane_of, parse, text_of

BATCH_BYTES = 64 << 10
STEP_SECONDS = 0.01
SETTLE_SECONDS = 30.0
"""How long the last answers may take after the last event."""
FIRST_ANSWER_SECONDS = 120.0


class NoAnswer(Exception):
    """The system gave no output at all."""


async def publish(bootstrap: str, topic: str, messages: Iterable[Message]) -> None:
    """Write ``messages`` in whole batches of 64 KiB, the partitions side by side; order holds within each."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES, acks="all")
    await producer.start()
    try:
        split: dict[int, list[Message]] = defaultdict(list)
        for message in messages:
            split[message.partition].append(message)
        async with asyncio.TaskGroup() as tasks:
            for partition, part in split.items():
                tasks.create_task(_publish_partition(producer, topic, partition, part))
    finally:
        await producer.stop()


async def _publish_partition(producer: AIOKafkaProducer, topic: str, partition: int, messages: list[Message]) -> None:
    batch = producer.create_batch()
    for message in messages:
        if batch.append(key=message.key, value=message.value, timestamp=None) is None:
            await (await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=message.key, value=message.value, timestamp=None)
    await (await producer.send_batch(batch, topic, partition=partition))


@dataclass
class Answers:
    """When each counted event of a pane was sent, and which of them have been answered."""

    sent: dict[tuple[str, int], list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))
    answered: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    latencies: list[float] = field(default_factory=list)
    """Seconds, of the measured events."""
    first: asyncio.Event = field(default_factory=asyncio.Event)
    all: asyncio.Event = field(default_factory=asyncio.Event)
    complete: bool = False
    """Whether all events have been sent."""

    def send(self, pane: tuple[str, int], at: float, measured: bool) -> None:
        """An event that counts in ``pane`` goes out at ``at``, in seconds since the epoch."""
        self.sent[pane].append((at, measured))

    def answer(self, pane: tuple[str, int], count: int, at: float) -> None:
        """A record that counts ``count`` events of ``pane`` has arrived: it answers the first ``count`` of them."""
        self.first.set()
        before = self.answered[pane]
        if count > before:
            self.answered[pane] = count
            self.latencies += [at - sent for sent, measured in self.sent[pane][before:count] if measured]
            self._look()

    def close(self) -> None:
        """No more events are sent."""
        self.complete = True
        self._look()

    def _look(self) -> None:
        if self.complete and len(self.latencies) == self.measured:
            self.all.set()

    @property
    def measured(self) -> int:
        """How many events are to be answered."""
        return sum(measured for events in self.sent.values() for _, measured in events)


async def paced(bootstrap: str, prefix: str, rate: int, seconds: float, discard: float) -> Answers:
    """Send ``rate`` events a second for ``seconds``, once the system answers, and time the KPIs that come of them.

    Events of the first ``discard`` seconds count in their panes and are not measured.

    Raises:
        NoAnswer: nothing came out within two minutes.
    """
    answers = Answers()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0)
    await consumer.start()
    await producer.start()
    try:
        partitions = await partitions_of(consumer, f"{prefix}.kpis")
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        listening = asyncio.create_task(_listen(consumer, answers))
        sender = _Sender(producer, f"{prefix}.in", answers)
        await _wake(sender, answers)
        await sender.run(rate, seconds, discard)
        answers.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(answers.all.wait(), SETTLE_SECONDS)
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        return answers
    finally:
        await producer.stop()
        await consumer.stop()


async def _listen(consumer: AIOKafkaConsumer, answers: Answers) -> None:
    while True:
        found = await consumer.getmany(timeout_ms=1000)
        at = time.time()
        for records in found.values():
            for record in records:
                answers.answer(pane_key(record.key), pane_value(record.value)[0], at)


async def _wake(sender: "_Sender", answers: Answers) -> None:
    """Send a few events until the first of them is answered: the system has started."""
    for _ in range(int(FIRST_ANSWER_SECONDS / 0.25)):
        await sender.send(10, measured=False)
        with suppress(TimeoutError):
            await asyncio.wait_for(answers.first.wait(), 0.25)
            return
    raise NoAnswer(f"no record on kpis within {FIRST_ANSWER_SECONDS:.0f} s of the first event")


class _Sender:
    """Makes events of now and sends them."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, answers: Answers) -> None:
        self.producer, self.topic, self.answers = producer, topic, answers
        self.events = Generator()

    async def send(self, count: int, measured: bool) -> None:
        """``count`` events at once."""
        for _ in range(count):
            at = time.time()
            message = self.events.next(text_of(datetime.fromtimestamp(at, UTC)))
            event = parse(message.value)
            if event and event["wait_s"] is not None:
                self.answers.send((f"{event['channel']}|{event['queue']}", pane_of(event["time"])), at, measured)
            await self.producer.send(self.topic, key=message.key, value=message.value, partition=message.partition)

    async def run(self, rate: int, seconds: float, discard: float) -> None:
        """Steps of 10 ms; one that comes late sends what is due by then."""
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate)
            await self.send(due - sent, measured=passed >= discard)
            sent = due
            await asyncio.sleep(STEP_SECONDS)
