"""Topics: created from the contract's YAML by a command, and never by accident."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas import registry
from streams.app import CHANGELOGS
from streams.engine.changelog import TOMBSTONES_MS
from streams.engine.kafka import partition_counts
from streams.ops.errors import OpsError
from streams.ops.probe import unreachable
from streams.settings import Settings

CHANGELOG_CONFIG = {
    "cleanup.policy": "compact",
    # Small segments: the active one is never compacted, and a restore reads all of it.
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.2",
    # A worker's disk older than this is not continued: it would miss removals.
    "delete.retention.ms": str(TOMBSTONES_MS),
    # The broker's clock: workers compare theirs with it at every commit.
    "message.timestamp.type": "LogAppendTime",
}


class TopicsError(OpsError):
    """Topics could not be read or created; the message says which and why."""


@dataclass(frozen=True)
class Wanted:
    """A topic as it should be."""

    name: str
    partitions: int
    config: dict[str, str]


@dataclass
class Report:
    """What was found and done; ``differs`` holds sentences for people."""

    created: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)


def wanted(settings: Settings, partitions: int | None = None) -> list[Wanted]:
    """Every topic of the contract and every changelog, by their names on the broker. ``partitions`` overrides the
    contract's 4.
    """
    found = []
    counts = {}
    for spec in registry.topics().values():
        counts[spec.topic] = spec.partitions if partitions is None or spec.partitions == 1 else partitions
        found.append(Wanted(settings.topic_prefix + spec.topic, counts[spec.topic], spec.kafka_config()))
    for hop, inputs in CHANGELOGS.items():
        tasks = max(counts[topic] for topic in inputs)
        found.append(Wanted(f"{settings.group}-{hop}-changelog", tasks, CHANGELOG_CONFIG))
    return found


async def existing(bootstrap: str) -> dict[str, int]:
    """Partition counts of the topics on the broker."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    try:
        await consumer.start()
        return await partition_counts(consumer)
    except KafkaError as error:
        raise TopicsError(await asyncio.to_thread(unreachable, bootstrap, error)) from error
    finally:
        await consumer.stop()


async def create(bootstrap: str, topics: Iterable[Wanted], replication: int = 1, *, dry_run: bool = False) -> Report:
    """Create what is missing; say what differs and leave it as it is. Raises `TopicsError`."""
    have = await existing(bootstrap)
    report = Report()
    missing = []
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        for topic in topics:
            if topic.name not in have:
                missing.append(topic)
                continue
            report.present.append(topic.name)
            if have[topic.name] != topic.partitions:
                report.differs.append(
                    f"{topic.name} has {have[topic.name]} partitions, the contract says {topic.partitions}; "
                    "state is kept by partition: docs/operations.md, Topics and partitions, says what helps"
                )
            report.differs += await _config_differences(admin, topic)
        if missing and not dry_run:
            response = await admin.create_topics(
                [NewTopic(t.name, t.partitions, replication, topic_configs=t.config) for t in missing]
            )
            for name, code, *rest in response.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise TopicsError(
                        f"{name} could not be created: {rest[0] if rest and rest[0] else for_code(code).__name__}"
                    )
        report.created = [t.name for t in missing]
    except KafkaError as error:
        raise TopicsError(f"topics could not be created at {bootstrap}: {error}") from error
    finally:
        await admin.close()
    return report


async def _config_differences(admin: AIOKafkaAdminClient, topic: Wanted) -> list[str]:
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    actual = {entry[0]: entry[1] for resource in response.resources for entry in resource[4]}
    return [
        f"{topic.name}: {key} is {actual[key]}, the contract says {value}"
        for key, value in topic.config.items()
        if key in actual and actual[key] != value
    ]
