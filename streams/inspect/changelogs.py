"""Reading changelogs for people: which agent has which tables, where a key lives, and every row of a partition."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import flow
from streams.base.errors import UserError
from streams.engine import NewerState, TableSpec, changelog, changelog_of
from streams.engine.connection import Consumer
from streams.engine.kafka import let_go, partition_counts, stable_ends
from streams.kafka.connection import connection_of, open_consumer
from streams.kafka.topics import existing
from streams.pipeline.tables import TABLES
from streams.settings import Settings

Tell = Callable[[int, int], None]
"""Is told offsets read and offsets in all."""


class StateError(UserError):
    """State cannot be read; the message says which and why."""


def spec_of(agent: str, table: str) -> TableSpec[Any]:
    """The table of an agent. Raises `StateError` for one that this program does not know."""
    for spec in TABLES[agent]:
        if spec.name == table:
            return spec
    raise StateError(f"{agent} has no table {table!r} in this version of the program; use the version that wrote it")


@dataclass
class Contents:
    """A changelog partition up to ``end``: the newest value of each row and where it lies, and the input position."""

    agent: str
    partition: int
    end: int = 0
    position: dict[str, int] = field(default_factory=dict)
    rows: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    """(table, key) → (offset, value)."""
    moved: set[tuple[str, str]] = field(default_factory=set)
    """Rows with a record at or behind the offset that was asked for: what they were there may be compacted away."""

    @property
    def name(self) -> str:
        return f"{self.agent}-{self.partition}"


async def partitions(settings: Settings) -> dict[str, int]:
    """Agent → how many tasks it has. Raises `StateError` when there are no changelogs."""
    counts = await existing(connection_of(settings))
    found = {agent: counts.get(_topic(settings, agent), 0) for agent in flow.stages()}
    if missing := [_topic(settings, agent) for agent, count in found.items() if not count]:
        raise StateError(
            f"no changelog {', '.join(missing)} at {settings.bootstrap_servers}: are CONTACT_STREAMS_TOPIC_PREFIX and "
            "CONTACT_STREAMS_APP_ID those of the workers?"
        )
    return found


def _topic(settings: Settings, agent: str) -> str:
    return changelog_of(settings.group, agent)


async def read(
    settings: Settings,
    agent: str,
    partition: int,
    *,
    keep: Callable[[str, str], bool] = lambda table, key: True,
    until: int | None = None,
    tell: Tell = lambda done, total: None,
) -> Contents:
    """Read a partition to its end; rows and position are those at ``until`` (default: the end). Raises `StateError`."""
    tp = TopicPartition(_topic(settings, agent), partition)
    found = Contents(agent, partition)
    try:
        async with changelog.opened(connection_of(settings), tp) as log:
            found.end = log.end if until is None else until
            log.consumer.seek(tp, log.begin)
            at = log.begin
            while at < log.end:
                fetched = await log.consumer.getmany(tp, timeout_ms=200, max_records=changelog.CHUNK)
                for record in fetched.get(tp, ()):
                    _take(found, record, keep)
                at = await log.consumer.position(tp)
                tell(at - log.begin, log.end - log.begin)
    except KafkaError as error:
        raise StateError(f"{tp.topic}-{partition} cannot be read: {error}") from error
    except NewerState as error:
        raise StateError(str(error)) from error
    return found


def _take(found: Contents, record: Any, keep: Callable[[str, str], bool]) -> None:
    raw, value, offset = record.key, record.value, record.offset
    if raw == changelog.POSITION:
        if value is not None and offset < found.end:
            found.position = dict(changelog.position_of(record)["offsets"])
        return
    if raw == changelog.TRIAL:
        return
    row = changelog.split_key(raw)
    if not keep(*row):
        return
    if offset >= found.end:
        found.moved.add(row)
    elif value is None:
        found.rows.pop(row, None)
    else:
        found.rows[row] = (offset, value)


@dataclass
class Inputs:
    """How far positions are behind the ends of what the agents read."""

    settings: Settings
    consumer: Consumer
    counts: Mapping[str, int]

    async def unread(self, agent: str, partition: int, position: Mapping[str, int]) -> int:
        """Offsets behind a position; 0 when they are only markers of transactions."""
        topics = [self.settings.topic_prefix + topic for topic in flow.inputs(agent)]
        tps = [TopicPartition(topic, partition) for topic in topics if partition < self.counts.get(topic, 0)]
        ends, begins = await stable_ends(self.consumer, tps), await self.consumer.beginning_offsets(tps)
        left = 0
        for tp in tps:
            at = max(position.get(tp.topic, 0), begins[tp])
            if ends[tp] > at and not await _only_markers(self.consumer, tp, at, ends[tp]):
                left += ends[tp] - at
        return left


@asynccontextmanager
async def inputs(settings: Settings) -> AsyncIterator[Inputs]:
    """Raises `StateError` when Kafka does not answer."""
    connection = connection_of(settings)
    committed = open_consumer(connection, StateError, isolation_level="read_committed", fetch_max_wait_ms=20)
    async with committed as consumer:
        yield Inputs(settings, consumer, await partition_counts(consumer))


async def _only_markers(consumer: Consumer, tp: TopicPartition, at: int, end: int) -> bool:
    consumer.assign([tp])
    consumer.seek(tp, at)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while await consumer.position(tp) < end:
                    if await consumer.getmany(tp, timeout_ms=50, max_records=1):
                        return False
                return True
        return False
    finally:
        await let_go(consumer)
