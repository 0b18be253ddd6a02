"""Topics: created from the contract's YAML by a command, and never by accident; what is there is looked at, and changed
by another command only.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas import flow, registry
from streams.base.errors import UserError
from streams.engine import changelog_of, metadata
from streams.engine.changelog import LAG_MS, TOMBSTONES_MS
from streams.engine.connection import Connection
from streams.engine.demands import Demand, Departure, Effect, departures
from streams.engine.kafka import partition_counts, written_ends
from streams.engine.losses import shortened
from streams.engine.topology import HELP
from streams.kafka.connection import open_admin, open_consumer
from streams.kafka.upkeep import of_all
from streams.settings import Settings

CHANGELOG_CONFIG = {
    "cleanup.policy": "compact",
    # Small segments: the active one is never compacted, and a restore reads all of it.
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.2",
    # A worker's disk older than this is not continued: it would miss removals.
    "delete.retention.ms": str(TOMBSTONES_MS),
    # What was replaced or removed is gone within a day, however little a partition has to do.
    "max.compaction.lag.ms": str(LAG_MS),
    # The broker's clock: workers compare theirs with it at every commit.
    "message.timestamp.type": "LogAppendTime",
}
KNOWN_SECONDS = 5.0
"""How long after its creation a topic may not be known to every broker."""


class TopicsError(UserError):
    """Topics could not be read, created or altered; the message says which and why."""


@dataclass(frozen=True)
class Wanted:
    """A topic as it should be; ``reads``: of a changelog, the topics that its agent reads; ``between``: an agent writes
    it, and the next one reads it.
    """

    name: str
    partitions: int
    config: dict[str, str]
    demands: tuple[Demand, ...] = ()
    reads: tuple[str, ...] = ()
    between: bool = False


@dataclass
class Report:
    """What was found and done."""

    created: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    departures: list[Departure] = field(default_factory=list)
    """Settings that are not as workers demand."""
    counts: list[str] = field(default_factory=list)
    """Sentences on partition counts with which no worker starts, or that are not those that were asked for, and on
    topics whose state is of an old one."""
    shortened: list[str] = field(default_factory=list)
    """Sentences on changelogs of which a part is gone."""
    untold: list[str] = field(default_factory=list)
    """Topics of which the broker does not tell the settings."""

    def of(self, effect: Effect) -> list[Departure]:
        """The departures with this effect."""
        return [each for each in self.departures if each.demand.effect is effect]


def wanted(settings: Settings, partitions: int | None = None) -> list[Wanted]:
    """Every topic of the contract and every changelog, by their names on the broker. ``partitions`` overrides the
    contract's 4.
    """
    demands = of_all(settings)
    found, counts = [], dict[str, int]()
    for spec in registry.topics().values():
        name = settings.topic_prefix + spec.topic
        counts[name] = spec.partitions if partitions is None or spec.partitions == 1 else partitions
        between = spec.direction == "internal"
        found.append(Wanted(name, counts[name], spec.kafka_config(), demands[name], between=between))
    for stage in flow.stages():
        name = changelog_of(settings.group, stage)
        reads = tuple(settings.topic_prefix + topic for topic in flow.inputs(stage))
        found.append(Wanted(name, max(counts[topic] for topic in reads), CHANGELOG_CONFIG, demands[name], reads))
    return found


def fitted(topics: Sequence[Wanted], have: Mapping[str, int]) -> list[Wanted]:
    """The same with the counts of the deployment that they join: what is missing gets as many partitions as most of its
    topics have, an input no more than its agent has state for, a changelog as many as the widest of its inputs.
    """
    there = Counter(have[each.name] for each in topics if each.name in have and each.partitions > 1)
    usual = max(there, key=lambda count: (there[count], count), default=None)
    most = {topic: have[each.name] for each in topics for topic in each.reads if each.name in have}
    found = []
    for each in topics:
        if usual is not None and each.partitions > 1 and each.name not in have and not each.reads:
            each = replace(each, partitions=min(usual, most.get(each.name, usual)))  # noqa: PLW2901
        found.append(each)
    return wide_enough(found, have)


def wide_enough(topics: Iterable[Wanted], have: Mapping[str, int]) -> list[Wanted]:
    """The same, changelogs with as many partitions as the widest of their inputs, which may be there already."""
    topics = list(topics)
    counts = {each.name: have.get(each.name, each.partitions) for each in topics}
    return [
        replace(each, partitions=max(counts[topic] for topic in each.reads)) if each.reads else each for each in topics
    ]


async def existing(connection: Connection) -> dict[str, int]:
    """Partition counts of the topics on the broker. Raises `TopicsError`."""
    async with open_consumer(connection, TopicsError) as consumer:
        return await partition_counts(consumer)


async def create(
    connection: Connection,
    topics: Iterable[Wanted],
    replication: int = 1,
    *,
    dry_run: bool = False,
    follow: bool = True,
) -> Report:
    """Create what is missing; say what differs and leave it as it is. With ``follow`` a topic gets the partition count
    of the deployment that is there, else the one that it is wanted with. Raises `TopicsError`.
    """
    topics, have = list(topics), await existing(connection)
    planned = fitted(topics, have) if follow else wide_enough(topics, have)
    report = Report(present=[each.name for each in planned if each.name in have])
    missing = [each for each in planned if each.name not in have]
    if why := too_wide(missing, planned, have):
        raise TopicsError(why)
    if missing and not dry_run:
        await _create(connection, missing, replication)
    report.created = [each.name for each in missing]
    report.counts = told_counts(planned, have, asked=not follow)
    report.counts += await _orphans(connection, missing, planned, have)
    await _look(connection, [each for each in planned if each.name in have or not dry_run], report)
    return report


async def delete(connection: Connection, names: Iterable[str]) -> None:
    """Topics, with all that they hold. Raises `TopicsError`."""
    async with open_admin(connection, TopicsError) as admin:
        await admin.delete_topics(list(names))


async def _orphans(
    connection: Connection, missing: Iterable[Wanted], topics: Iterable[Wanted], have: Mapping[str, int]
) -> list[str]:
    """Sentences on changelogs with state of a topic between agents that is gone: no worker starts on a new one."""
    gone = {each.name for each in missing if each.between}
    logs = {log.name: topic for log in topics if log.name in have for topic in log.reads if topic in gone}
    if not logs:
        return []
    async with open_consumer(connection, TopicsError) as consumer:
        ends = await written_ends(consumer, [TopicPartition(log, n) for log in logs for n in range(have[log])])
    held = sorted({tp.topic for tp, end in ends.items() if end})
    return [
        f"{logs[log]} was deleted, and {log} holds the state of what was read of it: no worker starts on a new one. "
        "Rebuild"
        for log in held
    ]


async def _create(connection: Connection, missing: Iterable[Wanted], replication: int) -> None:
    async with open_admin(connection, TopicsError) as admin:
        try:
            response = await admin.create_topics(
                [NewTopic(t.name, t.partitions, replication, topic_configs=t.config) for t in missing]
            )
        except KafkaError as error:
            raise TopicsError(f"topics could not be created at {connection.servers}: {error}") from error
    for name, code, *rest in response.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise TopicsError(
                f"{name} could not be created: {rest[0] if rest and rest[0] else for_code(code).__name__}"
            )


def too_wide(missing: Iterable[Wanted], topics: Iterable[Wanted], have: Mapping[str, int]) -> str:
    """Why inputs with so many partitions would keep workers from starting; empty when they would not."""
    changelogs = [each for each in topics if each.reads and each.name in have]
    for topic in missing:
        for each in changelogs:
            if topic.name in each.reads and topic.partitions > have[each.name]:
                return (
                    f"{topic.name} with {topic.partitions} partitions: {each.name} has {have[each.name]}, and no "
                    f"worker would start. Leave --partitions out, or rebuild: {HELP}"
                )
    return ""


def told_counts(topics: Iterable[Wanted], have: Mapping[str, int], *, asked: bool) -> list[str]:
    """Sentences on the counts with which no worker starts; with ``asked`` on those, too, that are not as asked for."""
    topics = list(topics)
    counts = {each.name: have.get(each.name, each.partitions) for each in topics}
    found, other, between = [], list[str](), {each.name for each in topics if each.between}
    for each in topics:
        widest = max(each.reads, key=lambda topic: counts[topic], default=each.name)
        if counts[each.name] < counts[widest]:
            anew = "" if widest in between else f"Make {widest} anew with {counts[each.name]}, or "
            found.append(
                f"{each.name} has {counts[each.name]} partitions and {widest} {counts[widest]}: nobody reads the "
                f"others, and no worker starts. {anew}{'rebuild' if anew else 'Rebuild'}"
            )
        elif asked and counts[each.name] != each.partitions:
            other.append(f"{each.name} has {counts[each.name]} partitions, not {each.partitions}")
    if other:
        found.append(f"{', '.join(other)}: the count is fixed once there is state")
    return found


async def _look(connection: Connection, topics: Sequence[Wanted], report: Report) -> None:
    """How the topics that are there are kept."""
    names, until = [each.name for each in topics], time.monotonic() + KNOWN_SECONDS
    async with open_consumer(connection, TopicsError) as consumer:
        while (found := await metadata.topics(consumer, names)) and time.monotonic() < until:
            if all(topic.partitions for topic in found.values()):
                break
            await asyncio.sleep(0.05)
        told = await metadata.settings(consumer, names, {demand.setting for each in topics for demand in each.demands})
        logs = [each.name for each in topics if each.reads]
        parts = [TopicPartition(name, number) for name in logs for number in range(found[name].partitions)]
        report.shortened = await shortened(consumer, parts) if parts else []
    report.untold = [name for name in names if name not in told]
    report.departures = [
        each
        for topic in topics
        for each in departures(topic.name, topic.demands, told.get(topic.name, {}), found[topic.name].replicas)
    ]
