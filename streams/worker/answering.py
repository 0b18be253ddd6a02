"""What workers make of alert rules that were applied: they take them, or a dead letter says why not."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple

import orjson
from aiokafka.errors import KafkaError

from streams.engine.connection import Consumer
from streams.engine.fetching import adapt
from streams.engine.group import members
from streams.kafka.connection import connection_of, open_consumer
from streams.kafka.reading import partitions_of
from streams.settings import Settings
from streams.worker.applying import TOPIC

WAITED = 30.0
"""Seconds for an answer, at most."""
NOBODY = 5.0
"""Seconds after which workers that were not seen do not run; while they share out their tasks the broker is silent."""
LETTERS, TAKEN = "contacts.dead-letters", "alert.conditions"


class Answer(NamedTuple):
    """``why``: what the dead letter says; ``meanwhile``: others that were taken in between, as words."""

    what: Literal["taken", "refused", "late", "nobody"]
    why: str = ""
    meanwhile: str = ""


def answer_of(topic: str, value: bytes | None, sent: bytes) -> Answer | None:
    """What one record says of the event that was ``sent``; ``topic``: without its prefix. Of other rules that were
    taken: a `late` answer that says so."""
    if value is None or (b'"ruled"' if topic == TAKEN else b"alert.rules") not in value:
        return None
    found: dict[str, Any] = orjson.loads(value)
    if topic == LETTERS:
        its = found["topic"].endswith(TOPIC) and found["payload_sha256"] == hashlib.sha256(sent).hexdigest()
        return Answer("refused", f"{found['path'] or found['reason']}: {found['message']}") if its else None
    if found.get("kind") != "ruled":
        return None
    if found["id"] == orjson.loads(sent)["id"]:
        return Answer("taken")
    return Answer("late", meanwhile=f"version {found['version']} by {found['by']}: {found['reason']}")


class Answers:
    """What lies on both topics from a moment on."""

    def __init__(self, settings: Settings, consumer: Consumer) -> None:
        self.settings, self.consumer = settings, consumer

    async def of(self, sent: bytes, seconds: float = WAITED) -> Answer:
        """Raises `BrokerError`."""
        prefix, begun, meanwhile, seen = self.settings.topic_prefix, time.monotonic(), "", False
        while (waited := time.monotonic() - begun) < seconds:
            seen = seen or await self._works()
            if not seen and waited > NOBODY:
                return Answer("nobody")
            for tp, records in (await self.consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    found = answer_of(tp.topic.removeprefix(prefix), record.value, sent)
                    if found is not None and found.what != "late":
                        return found._replace(meanwhile=meanwhile)
                    if found is not None:
                        meanwhile = found.meanwhile
        return Answer("late", meanwhile=meanwhile)

    async def _works(self) -> bool:
        """Is there a worker? Whoever knows may be moving to another broker."""
        try:
            return bool(await members(self.consumer, self.settings.group))
        except KafkaError:
            return False


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Answers]:
    """From now on. Raises `BrokerError`, `TopicMissing`."""
    connection = connection_of(settings)
    async with open_consumer(connection, isolation_level="read_committed", fetch_max_wait_ms=100) as consumer:
        adapt(consumer)
        partitions = await partitions_of(consumer, [settings.topic_prefix + each for each in (LETTERS, TAKEN)])
        consumer.assign(partitions)
        await asyncio.gather(*(consumer.seek_to_end(each) for each in partitions))
        await asyncio.gather(*(consumer.position(each) for each in partitions))
        yield Answers(settings, consumer)
