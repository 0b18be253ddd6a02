"""Has the pipeline worked off everything that was published?"""

import asyncio
import time
from collections.abc import Callable

from aiokafka import TopicPartition

from schemas import flow, registry
from streams.engine.connection import Admin, Consumer
from streams.engine.kafka import let_go
from streams.engine.telling import UNFINISHED
from streams.kafka.connection import connection_of, open_admin, open_consumer
from streams.kafka.reading import OpenTransaction, partitions_of, settled_ends
from streams.settings import Settings

ROUNDS, HOPS = 30, 4
"""What a stage writes for itself is worked off in rounds, until it writes nothing more: the name of an anonymous
customer travels over 16 links. Where others write to the same topic its end does not tell, and so many hops are waited
for: what a customer hands over, and words that are sent on."""
FIRST_BYTES = 4096
"""Fetched of a partition, of which only the place of the first record is asked; a batch comes whole."""
LOOK_SECONDS = 0.05
"""Between two looks at an agent that is not done."""
TURNS = 4
"""Of all stages, while one writes for another that had its turn: `track` tells `identify` who is erased, and `identify`
tells `track` what follows. Where events go on meanwhile, such a topic never rests.
"""
Progress = Callable[[str, int], None]
"""Told the agent that is waited for and how many records it has yet to read."""


async def wait_drained(settings: Settings, timeout: float, progress: Progress = lambda stage, left: None) -> bool:
    """Wait until every agent has committed what its inputs held when it was its turn, and all that comes of it, in the
    order of the flow.

    What an agent wrote before its turn ended is then in the input of the next, so in the end everything published
    before the call has come out, and `read_to_end` finds it. Returns whether that was reached within ``timeout``
    seconds. Raises `BrokerError`.
    """
    until = time.monotonic() + timeout
    for _ in range(TURNS):
        back = await _turns(settings, until, progress)
        if not back:
            return back is not None
    return True


async def _turns(settings: Settings, until: float, progress: Progress) -> bool | None:
    """A turn of every agent. Has one written for another that had its turn before? None: it takes too long."""
    connection, before = connection_of(settings), dict[TopicPartition, int]()
    committed = open_consumer(
        connection, isolation_level="read_committed", fetch_max_wait_ms=20, max_partition_fetch_bytes=FIRST_BYTES
    )
    async with committed as consumer, open_admin(connection) as admin:
        for stage in flow.stages():
            tps = await partitions_of(consumer, [settings.topic_prefix + topic for topic in flow.inputs(stage)])
            mine = await partitions_of(consumer, [settings.topic_prefix + topic for topic in _alone(stage)])
            back = set(await partitions_of(consumer, [settings.topic_prefix + topic for topic in _back(stage)]))
            told: dict[TopicPartition, int] | None = None
            for _ in range(_rounds(stage)):
                try:
                    ends = await settled_ends(consumer, tps, until - time.monotonic())
                except OpenTransaction:
                    return None
                before |= {tp: end for tp, end in ends.items() if tp in back}
                if mine and told == (told := {tp: ends[tp] for tp in mine}):
                    break
                while left := await unread(consumer, admin, settings.group, ends):
                    progress(stage, left)
                    if time.monotonic() > until:
                        return None
                    await asyncio.sleep(LOOK_SECONDS)
        try:
            return await settled_ends(consumer, before, until - time.monotonic()) != before if before else False
        except OpenTransaction:
            return None


def _rounds(stage: str) -> int:
    if not set(flow.inputs(stage)) & set(flow.outputs(stage)):
        return 1
    return ROUNDS if _alone(stage) else HOPS


def _alone(stage: str) -> list[str]:
    """What nobody but the stage writes, and the stage reads; and who stands behind it, of which `_turns` takes care."""
    specs = [registry.topics()[topic] for topic in flow.inputs(stage)]
    return [spec.topic for spec in specs if {*spec.producers} - {*spec.feedback} == {stage}]


def _back(stage: str) -> list[str]:
    """What the stage reads and one behind it writes, too."""
    return [topic for topic in flow.inputs(stage) if registry.topics()[topic].feedback]


async def unread(consumer: Consumer, admin: Admin, group: str, ends: dict[TopicPartition, int]) -> int:
    """Offsets below ``ends`` that the group has not committed and that hold records (not only transaction markers), and
    partitions that are done with their records but not with what comes of them. Nothing is assigned afterwards.
    """
    committed = await admin.list_consumer_group_offsets(group)
    begins = await consumer.beginning_offsets(list(ends))
    at = {tp: max(committed[tp].offset if tp in committed else 0, begins[tp]) for tp in ends}
    behind = [tp for tp in ends if at[tp] < ends[tp]]
    left = len([tp for tp in ends if tp in committed and committed[tp].metadata == UNFINISHED])
    if behind:
        consumer.assign(behind)
    for tp in behind:
        consumer.seek(tp, at[tp])
    while behind:  # all at once: each waits a while for what comes behind a marker, which is nothing
        for tp, records in (await consumer.getmany(*behind, timeout_ms=50)).items():
            if records and records[0].offset < ends[tp]:
                left += ends[tp] - records[0].offset
                behind.remove(tp)
        behind = [tp for tp in behind if await consumer.position(tp) < ends[tp]]
    await let_go(consumer)
    return left
