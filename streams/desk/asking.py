"""A word that is sent, and what becomes of it: the step on ``alert.events``, or the dead letter that refuses it."""

import asyncio
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import TopicPartition

from streams.desk.errors import DeskError
from streams.desk.reading import EVENTS
from streams.desk.sending import Sender, record_of
from streams.desk.words import Event
from streams.engine.connection import Consumer
from streams.engine.fetching import adapt
from streams.kafka.connection import connection_of, open_consumer
from streams.kafka.reading import partitions_of, settled_ends
from streams.settings import Settings

LETTERS = "contacts.dead-letters"
BECAUSE = {
    "acknowledge": "acknowledged", "assign": "assigned", "comment": "commented", "escalate": "escalated",
    "snooze": "silenced", "close": "closed",
}  # fmt: skip
"""Action → why the step was taken that answers it."""


@dataclass(frozen=True)
class Answer:
    """What was sent, and the step that came of it; None = nobody has answered in time."""

    event: Event
    step: dict[str, Any] | None


async def ask(settings: Settings, event: Event, seconds: float) -> Answer:
    """Send a command and wait so long for its step. Raises `BrokerError`, `TopicMissing`, and `DeskError` with what
    the dead letter says.
    """
    data = event["data"]
    wanted = BECAUSE[data["action"]], data["by"]

    def answers(step: dict[str, Any]) -> bool:
        return step["alert"]["episode_id"] == data["alert_id"] and (step["because"], step["by"]) == wanted

    prefix, connection = settings.topic_prefix, connection_of(settings)
    names = {prefix + topic: topic for topic in (EVENTS, LETTERS)}
    async with open_consumer(connection, isolation_level="read_committed", fetch_max_wait_ms=50) as consumer:
        adapt(consumer)
        partitions = await partitions_of(consumer, names)
        ends = await settled_ends(consumer, partitions)
        consumer.assign(partitions)
        for tp, end in ends.items():
            consumer.seek(tp, end)
        await send(settings, event)
        try:
            async with asyncio.timeout(seconds):
                return Answer(event, await _answer(consumer, event, names, answers))
        except TimeoutError:
            return Answer(event, None)


async def send(settings: Settings, event: Event) -> None:
    """Publish it where it belongs. Raises `BrokerError`, `TopicMissing`."""
    record = record_of(event)
    sender = Sender(connection_of(settings), settings.topic_prefix, [record[0]])
    try:
        await sender.send(record)
    finally:
        await sender.close()


async def _answer(
    consumer: Consumer, event: Event, names: dict[str, str], answers: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    asked = orjson.dumps(event)
    while True:
        found: dict[TopicPartition, list[Any]] = await consumer.getmany(timeout_ms=200)
        for tp, records in found.items():
            for record in records:
                if not (value := getattr(record, "value", None)):
                    continue
                doc = orjson.loads(value)
                if names[tp.topic] == EVENTS and answers(doc):
                    return dict(doc)
                if names[tp.topic] == LETTERS and b64decode(doc["payload"]) == asked:
                    raise DeskError(doc["message"])
