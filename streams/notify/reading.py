"""Reading for one target: a consumer group of its own, its positions, and what was before them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Protocol

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from streams.base.errors import BrokerError
from streams.engine import Unfetchable
from streams.engine.connection import Connection, Consumer
from streams.engine.fetching import adapt
from streams.engine.kafka import patient
from streams.kafka.connection import open_admin, open_consumer
from streams.kafka.reading import partitions_of
from streams.notify.positions import Position, position
from streams.notify.window import Partition

POLL_MS = 1000
FETCH_BYTES = 1 << 20
"""Of a partition in memory: a batch that is larger comes whole."""
NEVER_MS = 2**31 - 1
"""A target that hangs reads nothing for as long as it hangs; its member of the group is well."""
WARM_RECORDS = 20_000
log = logging.getLogger(__name__)


class Holder(Protocol):
    """Who is told which partitions it has."""

    async def begin(self, positions: Mapping[Partition, Position]) -> None:
        """From now on it has these, and where it goes on. Records that it is given before that are none of its own."""

    async def end(self, partitions: Sequence[Partition]) -> None:
        """Somebody else will have these."""


class Reader:
    """One target's reading of some topics. Processes with the same group share the partitions."""

    def __init__(self, connection: Connection, group: str, topics: Sequence[str], session_ms: int) -> None:
        self._connection, self.group, self._topics = connection, group, topics
        self._session_ms = session_ms
        self._consumer: Consumer
        self._kept: dict[TopicPartition, tuple[int, str]] = {}
        self.joined = False
        """Has the group given this member its part, be it nothing?"""

    async def start(self, holder: Holder) -> None:
        """Join the group; returns before it has partitions. Raises `KafkaError`."""
        self._consumer = self._connection.consumer(
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=500,
            max_partition_fetch_bytes=FETCH_BYTES,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=max(self._session_ms // 4, 300),
            rebalance_timeout_ms=60_000,
            max_poll_interval_ms=NEVER_MS,
        )
        patient(self._consumer._client)  # noqa: SLF001 - the consumer has no public way to its client
        await self._consumer.start()
        adapt(self._consumer)
        self._consumer.subscribe(list(self._topics), listener=_Listener(self, holder))

    async def poll(self, most: int) -> list[Any]:
        """The next records; what cannot be taken apart is passed by, with a line in the log."""
        try:
            found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=most)
        except KafkaError as error:
            log.warning("%s cannot read: %r", self.group, error)
            await asyncio.sleep(1)
            return []
        records = [each for some in found.values() for each in some]
        for each in records:
            if type(each) is Unfetchable:
                log.error("%s reads on without %s", self.group, each.error)
        return [each for each in records if type(each) is not Unfetchable]

    async def commit(self, positions: Mapping[Partition, Position]) -> None:
        """Keep those that changed. Raises `KafkaError`."""
        mine = self._consumer.assignment()
        told = {TopicPartition(*each): (at.offset, at.text()) for each, at in positions.items()}
        told = {tp: at for tp, at in told.items() if tp in mine and self._kept.get(tp) != at}
        if told:
            await self._consumer.commit({tp: OffsetAndMetadata(*at) for tp, at in told.items()})
            self._kept |= told

    def lag(self) -> int:
        """Records that were not read yet, as far as the broker has told."""
        left = 0
        for tp in self._consumer.assignment():
            state = self._consumer._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001 - no request
            end = self._consumer.last_stable_offset(tp)
            if end is not None and state is not None and state.has_valid_position:
                left += max(0, end - state.position)
        return left

    async def stop(self) -> None:
        """Leave the group."""
        await self._consumer.stop()

    async def assigned(self, tps: Iterable[TopicPartition], holder: Holder) -> None:
        """Go on where the group was. A target that has no position yet begins with what comes from now on."""
        tps = list(tps)
        found: dict[TopicPartition, Position] | None = None
        while found is None:
            try:
                at = await self._positions(tps) if tps else {}
                await holder.begin({(tp.topic, tp.partition): each for tp, each in at.items()})
                found = at
            except (KafkaError, BrokerError) as error:
                log.warning("%s does not know yet where to go on: %r", self.group, error)
                await asyncio.sleep(1)
        # What was polled before this moment was nobody's; with no wait in between, what is polled from here on is the
        # holder's, from its position on.
        for tp, each in found.items():
            self._consumer.seek(tp, each.offset)
        self.joined = True

    async def _positions(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, Position]:
        async with open_admin(self._connection) as admin:
            kept = await admin.list_consumer_group_offsets(self.group)
        known = {tp.topic for tp in kept}
        self._kept = {tp: (each.offset, each.metadata) for tp, each in kept.items()}
        begins = await self._consumer.beginning_offsets(tps)
        new = [tp for tp in tps if tp not in kept]
        ends = await self._consumer.end_offsets([tp for tp in new if tp.topic not in known])
        found = {tp: Position(ends.get(tp, begins[tp])) for tp in new}
        for tp in tps:
            if tp in kept:
                at = position(kept[tp].offset, kept[tp].metadata or "")
                found[tp] = at if at.offset >= begins[tp] else Position(begins[tp])
        # Kept at once: what comes while this process is down before its first delivery is not lost.
        first = {tp: OffsetAndMetadata(found[tp].offset, "") for tp in new}
        if first:
            await self._consumer.commit(first)
        return found

    async def before(self, positions: Mapping[Partition, Position]) -> AsyncIterator[Any]:
        """Records before these positions, the latest of each partition."""
        async with open_consumer(self._connection, isolation_level="read_committed") as consumer:
            adapt(consumer)
            tps = {TopicPartition(*each): at.offset for each, at in positions.items()}
            consumer.assign(list(tps))
            begins = await consumer.beginning_offsets(list(tps))
            for tp, end in tps.items():
                consumer.seek(tp, max(begins[tp], end - WARM_RECORDS))
            left = {tp for tp, end in tps.items() if end > begins[tp]}
            while left:
                for tp, records in (await consumer.getmany(*left, timeout_ms=100)).items():
                    for each in records:
                        if type(each) is not Unfetchable and each.offset < tps[tp]:
                            yield each
                left = {tp for tp in left if await consumer.position(tp) < tps[tp]}


class _Listener(ConsumerRebalanceListener):
    def __init__(self, reader: Reader, holder: Holder) -> None:
        self._reader, self._holder = reader, holder

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        if gone := [(tp.topic, tp.partition) for tp in revoked]:
            await self._holder.end(gone)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._reader.assigned(assigned, self._holder)


async def there(connection: Connection, topics: Iterable[str]) -> None:
    """Raises `TopicMissing` where a topic is not on the broker, and `BrokerError` where none answers."""
    async with open_consumer(connection) as consumer:
        await partitions_of(consumer, topics)
