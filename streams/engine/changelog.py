"""The changelog: one compacted topic per inlet that holds all tables of a task and its input position.

Keys are ``<table>\\0<key>``; the position record's key is ``\\0position`` and its value a JSON object {topic: next offset}. Tables and
position are written in the transaction of the batch, so together they are always the state at exactly that input.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.errors import ChangelogError, NewerState
from streams.engine.table import Table

POSITION = b"\0position"
VERSION = 1
"""Version of the changelog's own format, kept in the position record."""


def encode_key(table: str, key: str) -> bytes:
    return f"{table}\0{key}".encode()


def encode_position(offsets: Mapping[str, int]) -> bytes:
    return orjson.dumps({"version": VERSION, "offsets": offsets})


def apply(tables: Mapping[str, Table[Any]], record: Any) -> dict[str, int] | None:
    """Put one changelog record into the tables; returns the input offsets when it is a position record.

    Raises `NewerState` for a position of a newer format, `ChangelogError` for anything that cannot be decoded.
    """
    where = (record.topic, record.partition, record.offset)
    if record.key == POSITION:
        position = orjson.loads(record.value)
        if position["version"] > VERSION:
            raise NewerState(*where, f"written in format {position['version']}, this program reads up to {VERSION}")
        return dict(position["offsets"])
    name, _, key = record.key.partition(b"\0")
    table = tables.get(name.decode())
    if table is None:
        raise NewerState(*where, f"holds a table {name.decode()!r} that this program does not know")
    try:
        if record.value is None:
            table.values_.pop(key.decode(), None)
        else:
            table.values_[key.decode()] = table.spec.decode(record.value)
    except Exception as error:
        raise ChangelogError(*where, f"table {name.decode()!r}, key {key!r}: {error}") from error
    return None


async def restore(
    bootstrap: str, changelog: TopicPartition, tables: Mapping[str, Table[Any]], progress: Callable[[int, int], None]
) -> tuple[dict[str, int] | None, int]:
    """Read a changelog to its end into empty tables.

    Returns the input offsets the tables stand at (``None``: nothing was ever written) and the changelog's end offset.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=25,
    )
    await consumer.start()
    try:
        consumer.assign([changelog])
        begin = (await consumer.beginning_offsets([changelog]))[changelog]
        end = int((await consumer.end_offsets([changelog]))[changelog])
        offsets: dict[str, int] | None = None
        at = begin
        while at < end:
            for record in (await consumer.getmany(changelog, timeout_ms=200)).get(changelog, ()):
                found = apply(tables, record)
                offsets = found if found is not None else offsets
            at = await consumer.position(changelog)
            progress(at - begin, end - begin)
            await asyncio.sleep(0)  # live partitions go on while this one is read
        return offsets, end
    finally:
        await consumer.stop()
