"""Batches for single partitions: where a record goes, in which order, when it goes off, and who hears of a failure."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError, NotEnoughReplicasError

from streams.kafka.lanes import Lanes, partition_of

ROOM = 3
"""Records that a batch of the tests takes."""


class Fails(Exception):
    """As of some room."""


class Batch(list[tuple[bytes, bytes]]):
    """In place of the client's."""

    def append(self, *, key: bytes, value: bytes, timestamp: None) -> object | None:  # type: ignore[override]
        if len(self) == ROOM:
            return None
        super().append((key, value))
        return self

    def close(self) -> None: ...


class Kafka:
    """In place of the connection and of the producer that it makes: what was sent, and what becomes of it."""

    servers = "nowhere:1"

    def __init__(self, counts: dict[str, int], error: KafkaError | None = None) -> None:
        self.counts, self.error = counts, error
        self.sent: list[tuple[str, int, list[tuple[bytes, bytes]]]] = []
        self.client = SimpleNamespace(fetch_all_metadata=self.fetch_all_metadata)

    def producer(self, **options: Any) -> "Kafka":
        return self

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def fetch_all_metadata(self) -> Any:
        return SimpleNamespace(
            topics=lambda: set(self.counts), partitions_for_topic=lambda topic: set(range(self.counts[topic]))
        )

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[None]":
        self.sent.append((topic, partition, list(batch)))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.error is None:
            future.set_result(None)
        else:
            future.set_exception(self.error)
        return future


def lanes(kafka: Kafka) -> Lanes:
    return Lanes(kafka, Fails)  # type: ignore[arg-type]


def records(kafka: Kafka) -> Iterator[tuple[str, int, bytes, bytes]]:
    for topic, partition, batch in kafka.sent:
        for key, value in batch:
            yield topic, partition, key, value


@pytest.mark.parametrize(("key", "hashed"), [(b"21", -973932308), (b"foobar", -790332482), (b"abc", 479470107)])
def test_a_key_has_the_partition_that_every_client_gives_it(key: bytes, hashed: int) -> None:
    """The hashes are those that Kafka's own client is tested with."""
    for partitions in (1, 4, 7):
        assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


async def test_records_go_off_when_told_and_keep_the_order_of_their_partition() -> None:
    kafka = Kafka({"a": 2, "b": 1, "other": 9})
    open_lanes = lanes(kafka)
    assert await open_lanes.open(["a", "b"]) == []
    await open_lanes.append_everywhere(b"all", b"begin")
    await open_lanes.append("a", b"21", b"1")
    await open_lanes.append("a", b"21", b"2")
    assert kafka.sent == []
    await open_lanes.dispatch()
    home = partition_of(b"21", 2)
    assert list(records(kafka)) == [
        ("a", 0, b"all", b"begin"),
        *((("a", 0, b"21", b"1"), ("a", 0, b"21", b"2")) if home == 0 else ()),
        ("a", 1, b"all", b"begin"),
        *((("a", 1, b"21", b"1"), ("a", 1, b"21", b"2")) if home == 1 else ()),
        ("b", 0, b"all", b"begin"),
    ]
    await open_lanes.flush()
    assert len(kafka.sent) == 3, "what has gone off does not go again"


async def test_a_full_batch_goes_off_by_itself() -> None:
    kafka = Kafka({"b": 1})
    open_lanes = lanes(kafka)
    await open_lanes.open(["b"])
    for number in range(2 * ROOM + 1):
        await open_lanes.append("b", b"k", b"%d" % number)
    assert [len(batch) for _, _, batch in kafka.sent] == [ROOM, ROOM]
    await open_lanes.flush()
    assert [value for _, _, _, value in records(kafka)] == [b"%d" % number for number in range(2 * ROOM + 1)]


async def test_with_a_topic_missing_nothing_is_open() -> None:
    open_lanes = lanes(Kafka({"a": 2}))
    assert await open_lanes.open(["a", "b", "c"]) == ["b", "c"]
    with pytest.raises(Fails, match="a is not among the topics that are open"):
        await open_lanes.append("a", b"k", b"1")


async def test_whoever_flushes_or_goes_on_hears_of_a_batch_that_was_not_taken() -> None:
    open_lanes = lanes(Kafka({"b": 1}, NotEnoughReplicasError()))
    await open_lanes.open(["b"])
    await open_lanes.append("b", b"k", b"1")
    with pytest.raises(Fails, match="the broker did not take a batch: NotEnoughReplicasError"):
        await open_lanes.flush()
    await open_lanes.append("b", b"k", b"2")
    with pytest.raises(Fails, match="did not take a batch"):
        await open_lanes.dispatch()


async def test_after_the_end_nothing_is_appended() -> None:
    open_lanes = lanes(Kafka({"b": 1}))
    await open_lanes.open(["b"])
    await open_lanes.close()
    with pytest.raises(Fails, match="nothing is open any more"):
        await open_lanes.append("b", b"k", b"1")
