"""Record batches of a transaction: about 1 µs a record, against 12 µs for one send each."""

import time
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.engine.kafka import FRAMING_BYTES, LARGEST_RECORD
from streams.engine.outputs import Items


def packed(producer: AIOKafkaProducer, items: Items, largest: int) -> Iterable[BatchBuilder]:
    """Record batches for one partition, of at least one item; ``largest``: most bytes of a record there."""
    if largest < LARGEST_RECORD:
        for some in _small(items, largest):
            yield from _packed(producer, some)
    else:
        yield from _packed(producer, items)


def _packed(producer: AIOKafkaProducer, items: Items) -> Iterable[BatchBuilder]:
    """Past the client's own `BatchBuilder.append`, which does the same at twice the cost."""
    at, headers = int(time.time() * 1000), list[Any]()
    builder, count = producer.create_batch(), 0
    append = builder._builder.append  # noqa: SLF001
    for key, value in items:
        if append(count, at, key, value, headers) is None:  # it is full
            yield _filled(builder, count)
            builder, count = producer.create_batch(), 0
            append = builder._builder.append  # noqa: SLF001
            append(count, at, key, value, headers)
        count += 1
    yield _filled(builder, count)


def _filled(builder: BatchBuilder, count: int) -> BatchBuilder:
    builder._relative_offset = count  # noqa: SLF001
    builder.close()
    return builder


def _small(items: Items, largest: int) -> Iterable[Items]:
    """Items cut so that no batch of them is larger than the largest record may be."""
    some, size = Items(), 0
    for key, value in items:
        more = len(key or b"") + len(value or b"") + FRAMING_BYTES // 8
        if some and size + more > largest:
            yield some
            some, size = Items(), 0
        some.append((key, value))
        size += more
    yield some
