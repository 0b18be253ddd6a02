"""What the engine changes inside the client's fetcher, in one place: aiokafka offers no other way."""

from collections.abc import Callable, Sequence
from typing import Any

import aiokafka.consumer.fetcher as _fetcher
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.clock import clock
from streams.engine.inflating import LIMIT
from streams.engine.unpacking import Batches, Ration, Result, Unpacked

# Every consumer of this process takes record batches apart with limits: see `streams.engine.unpacking`.
_fetcher.MemoryRecords, _fetcher.PartitionRecords, _fetcher.FetchResult = Batches, Unpacked, Result


class Fetched(msgspec.Struct, gc=False):
    """A record as fetched. The client's own class costs 2 µs more a record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def _fetched(tp: TopicPartition, record: Any) -> Fetched:
    return Fetched(tp.topic, tp.partition, record.offset, record.timestamp, record.key, record.value, record.headers)


def _dated(assignment: Any, request: Any) -> dict[TopicPartition, int | None]:
    """When the partitions of a request were last answered."""
    tps = [TopicPartition(topic, partition) for topic, partitions in request.topics for partition, *_ in partitions]
    return {tp: state.timestamp for tp in tps if (state := assignment.state_value(tp)) is not None}


def adapt(consumer: AIOKafkaConsumer, arrived: Callable[[], None] = lambda: None, limit: int = LIMIT) -> Ration:
    """Change how a started consumer fetches; ``arrived`` is called when there are new records.

    - An answer counts from when it was asked for. Dated when it is read, a stall of this process would make it seem
      that the broker had nothing more just now.
    - Records that wait for their task do not stop the fetching of other partitions (the client would wait 100 ms).
    - Records are of a class that is cheap to make.
    - A poll opens no further record batch once ``limit`` bytes of them are open, together with those that the returned
      ration calls lent, which are still at work. The others wait for the next poll.
    """
    fetcher = consumer._fetcher  # noqa: SLF001
    fetch = fetcher._proc_fetch_request  # noqa: SLF001
    waiting = fetcher._records  # noqa: SLF001
    fetcher._prefetch_backoff = 0.0  # noqa: SLF001
    polled, ration = fetcher.fetched_records, Ration(limit, waiting=waiting)

    async def rationed(*args: Any, **options: Any) -> Any:
        ration.begin()
        return await polled(*args, **options)

    async def adapted(assignment: Any, node: int, request: Any) -> Any:
        assignment.ration = ration
        asked, dated = clock.now(), _dated(assignment, request)
        new = await fetch(assignment, node, request)
        for topic, partitions in request.topics:
            for partition, *_ in partitions:
                tp = TopicPartition(topic, partition)
                state = assignment.state_value(tp)
                if state is not None and state.timestamp != dated.get(tp):  # it was answered, and not by an error
                    state.timestamp = asked
                if new and tp in waiting:
                    records = getattr(waiting[tp], "_partition_records", None)  # an error waits there too
                    if records is not None:
                        records._consumer_record = _fetched  # noqa: SLF001
        if new:
            arrived()
        return new

    fetcher._proc_fetch_request = adapted  # noqa: SLF001
    fetcher.fetched_records = rationed
    return ration
