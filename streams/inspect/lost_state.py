"""State that is gone: a changelog was deleted, or all that a partition of it held, and the inputs it was made of have
been read.

An empty changelog means "begin at the beginning", which would publish all of it again. So a worker refuses to start on
one, and a person decides here what it begins with: a position record, behind which the worker goes on by itself.
"""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Literal

from aiokafka import TopicPartition

from schemas import flow
from streams.base.errors import UserError
from streams.engine import changelog_of
from streams.engine.changelog import POSITION, encode_position
from streams.engine.connection import Consumer
from streams.engine.group import members
from streams.engine.losses import lost_changelogs
from streams.engine.metadata import topics
from streams.engine.topology import DIGITS
from streams.kafka.connection import connection_of, open_consumer
from streams.settings import Settings

ANSWER_SECONDS = 30.0
"""The broker's first group is known after a second or two; a cluster that cannot keep groups never knows any."""

Choice = Literal["go-on", "repeat"]
CHOICES: Mapping[Choice, str] = {
    "go-on": "begin with empty state where the workers stood: nothing is published twice, open contacts are forgotten",
    "repeat": "read the inputs from their beginning: everything they still hold is published once more",
}


class StateGone(UserError):
    """State is gone and nobody has said what to do; or it cannot be done now."""


async def settle(settings: Settings, choice: Choice | None) -> list[str]:
    """Let every changelog, or the partition of one, whose state is gone begin as chosen; the names of the changelogs.
    Raises `StateGone` without a choice.
    """
    connection = connection_of(settings)
    async with open_consumer(connection, StateGone, group_id=settings.group, enable_auto_commit=False) as consumer:
        tasks = await _tasks(settings, consumer)
        asked = lost_changelogs(connection, consumer, tasks)
        lost = await asyncio.wait_for(asked, ANSWER_SECONDS)
        if not lost:
            return []
        names = sorted({tp.topic for tp in lost})
        if choice is None:
            raise StateGone(_ask(names))
        if running := await members(consumer, settings.group):
            raise StateGone(f"stop the workers first: {', '.join(sorted(member.worker for member in running))}")
        await _begin(settings, consumer, {tp: tasks[tp] for tp in lost}, choice)
    return names


def _ask(lost: list[str]) -> str:
    lines = [f"the state of {', '.join(lost)} is gone: it was deleted, and its inputs have been read. Choose:"]
    return "\n".join([*lines, *(f"  contact-streams topics create --lost-state {c:7} {t}" for c, t in CHOICES.items())])


async def _tasks(settings: Settings, consumer: Consumer) -> dict[TopicPartition, list[str]]:
    """Each changelog partition that is there, and the topics its task reads."""
    names = {stage: [settings.topic_prefix + topic for topic in flow.inputs(stage)] for stage in flow.stages()}
    changelogs = {stage: changelog_of(settings.group, stage) for stage in names}
    have = await topics(consumer, [*changelogs.values(), *(topic for inputs in names.values() for topic in inputs)])
    return {
        TopicPartition(changelogs[stage], number): [topic for topic in inputs if number < have[topic].partitions]
        for stage, inputs in names.items()
        for number in range(have[changelogs[stage]].partitions)
    }


async def _begin(
    settings: Settings, consumer: Consumer, tasks: Mapping[TopicPartition, list[str]], choice: Choice
) -> None:
    reads = [TopicPartition(topic, tp.partition) for tp, inputs in tasks.items() for topic in inputs]
    told = await consumer._coordinator.fetch_committed_offsets(reads) if choice == "go-on" else {}  # noqa: SLF001
    ids = {name: it.id[:DIGITS] for name, it in (await topics(consumer, {tp.topic for tp in [*tasks, *reads]})).items()}
    async with connection_of(settings).producer(acks="all") as producer:
        for tp, inputs in tasks.items():
            at = {topic: TopicPartition(topic, tp.partition) for topic in inputs}
            offsets = {topic: told[read].offset for topic, read in at.items() if read in told}
            position = encode_position(offsets, uuid.uuid4().hex, {name: ids[name] for name in (tp.topic, *inputs)})
            await producer.send_and_wait(tp.topic, position, POSITION, tp.partition)
