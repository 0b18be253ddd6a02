"""A hop slower than its input: what it holds stays small, however much waits, and a burst drains without loss."""

import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil
from aiokafka import AIOKafkaProducer

from streams.engine import Batch, Source
from streams.engine.unpacking import Result
from tests.support.engine import PARTITIONS, Pipeline, publish, until

FETCH_BYTES = 1 << 20
"""``max_partition_fetch_bytes`` of the source: what the client may hold of one partition."""


@dataclass
class Watch:
    """Batches in their agent's hands, by task, and the most there ever were; they take ``delay`` seconds longer."""

    delay: float = 0.0
    now: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    async def work(self, batch: Batch) -> None:
        name = batch.task.info.name
        self.now[name] += 1
        self.most[name] = max(self.most[name], self.now[name])
        if batch.records:
            await asyncio.sleep(self.delay)  # what makes the hop slow
        await batch.process()
        self.now[name] -= 1


def held(source: Source) -> int:
    """Most bytes the client holds of one partition, fetched and not yet handed out: of what the engine makes of it."""
    results = [each for each in source.ration.waiting.values() if isinstance(each, Result)]  # an error waits there too
    records = [each._partition_records for each in results]  # of the client, which tells nobody how many bytes they are
    return max((each._data.nbytes for each in records if each is not None), default=0)


def unfinished(source: Source, watch: Watch) -> int:
    """Batches that were made: those in the channel, and those at work."""
    return source.channels["count"].queue.qsize() + sum(watch.now.values())


def rss_mib() -> float:
    return float(psutil.Process(os.getpid()).memory_info().rss) / 2**20


async def test_a_slow_hop_holds_little_of_what_waits(pipeline: Pipeline) -> None:
    watch = Watch()
    total, size = 40_000, 1000
    for start in range(0, total, 1000):  # in slices: memory that publishing left free would hide what the hop takes
        load = [(n % PARTITIONS, b"k%d" % (n % 100), os.urandom(size)) for n in range(start, start + 1000)]
        await publish(pipeline.bootstrap, pipeline.input, load)
    watch.delay = 0.2
    before = rss_mib()
    most_held, most_made, grown = 0, 0, 0.0
    async with pipeline.run(work=watch.work, max_records=200) as source:
        await until(lambda: len(source.tasks.ready) == PARTITIONS)
        ends = time.monotonic() + 4
        while time.monotonic() < ends:
            most_held = max(most_held, held(source))
            most_made = max(most_made, unfinished(source, watch))
            grown = max(grown, rss_mib() - before)
            await asyncio.sleep(0.02)
        unread = sum(lag.records for lag in (await source.lag()).values())
        watch.delay = 0
    assert unread > total / 2, "the hop was slow: 40 MB waited"
    assert FETCH_BYTES / 2 < most_held <= FETCH_BYTES
    assert set(watch.most.values()) == {1}
    assert most_made == PARTITIONS, "one batch at most of a task, those in the channel counted"
    assert grown < 24, "MiB: two fetches of 1 MiB a partition, two batches, and the start of the clients"


async def test_a_burst_of_twenty_times_the_usual_rate_drains_without_loss(pipeline: Pipeline) -> None:
    usual, burst, seconds = 100, 2000, 5
    watch = Watch(delay=0.2)  # with 100 records a batch: less than 1,000 records/s for two partitions
    before, most, most_made, oldest, grown = rss_mib(), 0, 0, 0.0, 0.0
    async with pipeline.run(work=watch.work, max_records=100) as source:
        await until(lambda: len(source.tasks.ready) == PARTITIONS)
        sending = asyncio.ensure_future(at_rate(pipeline, usual, 1.0, burst, seconds))
        while not sending.done() or sum(lag.records for lag in (await source.lag()).values()):
            lags = (await source.lag()).values()
            most, oldest = max(most, sum(lag.records for lag in lags)), max(oldest, *(lag.seconds for lag in lags))
            grown, most_made = max(grown, rss_mib() - before), max(most_made, unfinished(source, watch))
            if sending.done():
                watch.delay = 0.05
            await asyncio.sleep(0.1)
        sent = await sending
    assert sum(sent.values()) == usual + burst * seconds
    assert await pipeline.counts() == sent, "each once, none lost"
    assert most > burst * seconds / 3, "more came than was worked off"
    assert 1 < oldest < 30
    assert (set(watch.most.values()), most_made) == ({1}, PARTITIONS)
    assert grown < 24


async def at_rate(pipeline: Pipeline, usual: int, before: float, burst: int, seconds: int) -> dict[str, int]:
    """Publish ``usual`` records a second for a while, then ``burst`` for ``seconds``; how many of each key."""
    sent: Counter[str] = Counter()
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap, linger_ms=5)
    await producer.start()
    try:
        for rate, duration in ((usual, before), (burst, seconds)):
            began, count = time.monotonic(), 0
            while count < rate * duration:
                due = min(int((time.monotonic() - began) * rate) + 1, int(rate * duration))
                for number in range(count, due):
                    key = f"k{number % 10}"
                    sent[key] += 1
                    await producer.send(pipeline.input, b"v", key.encode(), partition=number % PARTITIONS)
                count = due
                await asyncio.sleep(0.01)
        await producer.flush()
    finally:
        await producer.stop()
    return sent
