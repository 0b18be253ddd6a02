"""All records of a run as the broker has them, read by the auditor's own consumer."""

import asyncio
import time
import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

CHANNELS = (
    "voice", "email", "chat", "messaging", "social", "self-service", "bot", "forum", "in-person", "ticket", "task",
)  # fmt: skip
INPUTS = (
    *(f"contacts.{channel}" for channel in CHANNELS),
    "customers.profile",
    "customers.events",
    "agents.state",
    "alert.commands",
    "alert.silences",
    "alert.rules",
    "identity.commands",
)
HOPS = ("ingest", "identify", "track", "measure", "alert")
BETWEEN = ("contact.normalised", "contact.interactions", "contact.measurements", "alert.conditions")
OUTPUTS = (
    "journeys", "journey.events", "segments", "kpis", "alerts", "alert.events", "identity.changes", "queue.state", "customer.quiet",
    "outreach", "contacts.dead-letters", "privacy.proofs", "defect.signals",
    "recommendations", "contact.quality",
)  # fmt: skip
TAIL = 600
"""Records at the end of a partition that are read to find every origin's newest progress."""


OPEN_SECONDS = 10.0
"""How long a transaction may be without its markers after the end of a run."""

POISON = "poison"
"""In the names of all contacts, customers, queues and replays that are poison."""
ERASED = "erased-"
"""How everything begins that names customers who are erased: ids, addresses, their queue."""
POISONED = (POISON, "self-service", ERASED)
"""What tells poison: a name, or the channel that has no others; and the erased, whose figures depend on what came
first.
"""


@dataclass(frozen=True)
class Rec:
    """One record; ``topic`` without the run's prefix, ``timestamp`` in ms by the broker."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None

    @cached_property
    def doc(self) -> Any:
        """The decoded value."""
        return orjson.loads(self.value or b"null")

    @property
    def place(self) -> str:
        """Where it lies, as dead letters name it without the prefix."""
        return f"{self.topic}-{self.partition}-{self.offset}"

    @property
    def forged(self) -> bool:
        """Is it poison on a topic that only agents write?"""
        return self.topic in BETWEEN and self.key == POISON.encode()


@dataclass
class Difference:
    """Something that is not as it must be; records that mention one of ``about`` are its history."""

    level: str
    what: str
    about: tuple[str, ...] = ()
    record: Rec | None = None


@dataclass
class Logs:
    """Topic → records, by partition and offset; ``ends``: (topic, partition) → next offset."""

    records: dict[str, list[Rec]] = field(default_factory=dict)
    partitions: dict[str, int] = field(default_factory=dict)
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    open: list[tuple[str, int]] = field(default_factory=list)
    """Partitions that end in a transaction nobody has ended."""
    held: list[dict[str, Any]] = field(default_factory=list)
    """What the workers said their tables held before they stopped: {agent, partition, changelog_end, tables}."""

    def of(self, topic: str) -> list[Rec]:
        """The records of one topic."""
        return self.records[topic]

    def healthy(self, *topics: str, words: tuple[str, ...] = POISONED) -> "Logs":
        """The same without what poison, or other ``words``, became on some topics."""
        said = [word.encode() for word in words]
        kept = {
            topic: [rec for rec in self.of(topic) if not any(w in (rec.key or b"") + (rec.value or b"") for w in said)]
            for topic in topics
        }
        return replace(self, records={**self.records, **kept})

    def history(self, about: tuple[str, ...], limit: int = 400) -> list[Rec]:
        """Every record that mentions one of the words, by time."""
        words = [word.encode() for word in about if word]
        found = [
            rec
            for records in self.records.values()
            for rec in records
            if any(word in (rec.value or b"") or word in (rec.key or b"") for word in words)
        ]
        return sorted(found, key=lambda rec: (rec.timestamp, rec.topic, rec.partition, rec.offset))[:limit]


def home(key: bytes, partitions: int) -> int:
    """The partition where the agents put a key."""
    return zlib.crc32(key) % partitions


def _consumer(bootstrap: str, isolation: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=50,
    )


async def read(bootstrap: str, prefix: str, group: str) -> Logs:
    """Everything on the topics of a run and its changelogs, to the ends they have now."""
    names = {prefix + topic: topic for topic in (*INPUTS, *BETWEEN, *OUTPUTS)}
    names |= {f"{group}-{hop}-changelog": f"{hop}-changelog" for hop in HOPS}
    logs = Logs({topic: [] for topic in names.values()})
    consumer, other = _consumer(bootstrap, "read_committed"), _consumer(bootstrap, "read_uncommitted")
    await consumer.start()
    await other.start()
    try:
        counts = {name: len(await _partitions(consumer, name)) for name in names}
        logs.partitions = {names[name]: count for name, count in counts.items()}
        tps = [TopicPartition(name, number) for name, count in counts.items() for number in range(count)]
        consumer.assign(tps)
        very_ends, ends = await other.end_offsets(tps), await consumer.end_offsets(tps)
        until = time.monotonic() + OPEN_SECONDS
        while any(ends[tp] < very_ends[tp] for tp in tps) and time.monotonic() < until:
            await asyncio.sleep(0.05)  # what is committed has its markers a moment later
            ends = await consumer.end_offsets(tps)
        begins = await consumer.beginning_offsets(tps)
        logs.open = [(names[tp.topic], tp.partition) for tp in tps if ends[tp] < very_ends[tp]]
        logs.ends = {(names[tp.topic], tp.partition): ends[tp] for tp in tps}
        left = {tp for tp in tps if begins[tp] < ends[tp]}
        while left:
            for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
                name = names[tp.topic]
                logs.records[name] += [
                    Rec(name, r.partition, r.offset, r.timestamp, r.key, r.value)
                    for r in records
                    if r.offset < ends[tp]
                ]
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()
        await other.stop()
    logs.records["contact.measurements"] = facts_apart(logs.records["contact.measurements"])
    for records in logs.records.values():
        records.sort(key=lambda rec: (rec.partition, rec.offset))
    return logs


def facts_apart(records: list[Rec]) -> list[Rec]:
    """Those that hold several facts as a record each."""
    return [one for rec in records for one in _each(rec)]


def _each(rec: Rec) -> list[Rec]:
    """A record of facts as a record each, all in its place."""
    if not (rec.value or b"").startswith(b'{"kind":"facts"'):
        return [rec]
    return [replace(rec, value=orjson.dumps(fact)) for fact in rec.doc["of"]]


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    cluster = await consumer._client.fetch_all_metadata()
    return set(cluster.partitions_for_topic(topic) or ())


async def newest_progress(bootstrap: str, topic: str) -> list[int]:
    """Live stream time each partition has been told by each origin, ms; empty while one of them is not heard of."""
    consumer = _consumer(bootstrap, "read_committed")
    await consumer.start()
    told: dict[tuple[int, str], int] = {}
    of = 0
    try:
        tps = [TopicPartition(topic, number) for number in await _partitions(consumer, topic)]
        consumer.assign(tps)
        ends, begins = await consumer.end_offsets(tps), await consumer.beginning_offsets(tps)
        for tp in tps:
            consumer.seek(tp, max(begins[tp], ends[tp] - TAIL))
        left = {tp for tp in tps if begins[tp] < ends[tp]}
        while left:
            for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
                for record in records:
                    doc = orjson.loads(record.value)
                    if doc["kind"] == "progress" and "" in doc["lines"] and record.key is None:
                        of = doc["of"]
                        told[tp.partition, doc["origin"]] = doc["lines"][""]["watermark"]
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()
    return list(told.values()) if of and len(told) == of * len(tps) else []
