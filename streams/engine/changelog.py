"""The changelog: one compacted topic per inlet that holds all tables of a task and its input position.

Keys are ``<table>\\0<key>``; the position record's key is ``\\0position`` and its value a JSON object {topic: next
offset}. Tables and position are written in the transaction of the batch, so together they are always the state at
exactly that input.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine import trial
from streams.engine.errors import ChangelogError, NewerState
from streams.engine.table import Table

POSITION = b"\0position"
VERSION = 1
"""Version of the changelog's own format, kept in the position record."""


def encode_key(table: str, key: str) -> bytes:
    return f"{table}\0{key}".encode()


def encode_position(offsets: Mapping[str, int]) -> bytes:
    return orjson.dumps({"version": VERSION, "offsets": offsets})


@dataclass
class Restored:
    """What a changelog told beside the tables: input offsets (``None``: nothing was ever written), the last trial, its
    end offset.
    """

    offsets: dict[str, int] | None = None
    trial: bytes | None = None
    end: int = 0


def apply(tables: Mapping[str, Table[Any]], record: Any, restored: Restored) -> None:
    """Put one changelog record into the tables, or into ``restored``.

    Raises `NewerState` for a position of a newer format, `ChangelogError` for anything that cannot be decoded.
    """
    where = (record.topic, record.partition, record.offset)
    if record.key == POSITION:
        position = orjson.loads(record.value)
        if position["version"] > VERSION:
            raise NewerState(*where, f"written in format {position['version']}, this program reads up to {VERSION}")
        restored.offsets = dict(position["offsets"])
        return
    if record.key == trial.KEY:
        restored.trial = record.value
        return
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


async def restore(
    bootstrap: str, changelog: TopicPartition, tables: Mapping[str, Table[Any]], progress: Callable[[int, int], None]
) -> Restored:
    """Read a changelog to its end into empty tables; ``progress`` is told (offsets read, offsets in all)."""
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
        restored = Restored(end=end)
        at = begin
        while at < end:
            for record in (await consumer.getmany(changelog, timeout_ms=200)).get(changelog, ()):
                apply(tables, record, restored)
            at = await consumer.position(changelog)
            progress(at - begin, end - begin)
            await asyncio.sleep(0)  # live partitions go on while this one is read
        return restored
    finally:
        await consumer.stop()
