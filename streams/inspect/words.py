"""A person's word on identity, published and answered: `identity.changes` tells what `identify` made of it."""

import asyncio
import getpass
import time
import uuid
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from schemas import routing
from schemas.events import check
from streams.base.errors import BrokerError, TopicMissing, UserError
from streams.base.times import iso
from streams.engine.connection import Consumer
from streams.engine.fetching import adapt
from streams.inspect.changelogs import StateError
from streams.inspect.names import split
from streams.kafka.connection import connection_of, open_consumer
from streams.kafka.lanes import Lanes
from streams.kafka.reading import partitions_of
from streams.local.text import shown
from streams.settings import Settings

SOURCE = "/contact-streams/cli"
CHANGES, LETTERS = "identity.changes", "contacts.dead-letters"
_FIELDS = {"data.identifier": "A", "data.other": "B", "data.reason": "--reason", "data.by": "--by"}
"""Of the event → as the command has them."""


class WordRefused(UserError):
    """The word cannot be taken; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What was sent, and what became of it; ``change`` None = nobody has answered in time."""

    event: Mapping[str, Any]
    change: Mapping[str, Any] | None


def word(what: Literal["linked", "cut"], one: str, other: str, *, reason: str, by: str | None) -> dict[str, Any]:
    """The event; ``by`` None = the user of this machine. Raises `WordRefused` for what the contract does not take."""
    if not reason.strip():
        raise WordRefused("--reason is empty: say why, since it is kept with the change")
    data = {"identifier": _named("A", one), "other": _named("B", other), "reason": reason}
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"word-{uuid.uuid4()}",
        "source": SOURCE,
        "type": f"identity.{what}",
        "time": iso(int(time.time() * 1000)),
        "data": data | {"by": by or getpass.getuser()},
    }
    if problem := check(event):
        raise WordRefused(in_words(f"{problem.path}: {problem.message}"))
    return event


def _named(place: str, name: str) -> str:
    """The identifier, by its kind. Raises `WordRefused`."""
    if ":" not in name:
        raise WordRefused(
            f"{place}, {shown(name)}: an identifier is written <kind>:<value>, such as phone:+442079460123, "
            "email:alex@example.com or customer:cust-1001"
        )
    try:
        return ":".join(split(name))
    except StateError as error:
        raise WordRefused(f"{place}, {error}") from None


def in_words(refused: str) -> str:
    """What is said of the event's fields, said of the command's."""
    for field, word in _FIELDS.items():
        refused = refused.replace(f"{field}: {field}", word).replace(field, word)
    return refused


async def say(settings: Settings, event: Mapping[str, Any], seconds: float) -> Answer:
    """Publish it, and wait so long for the answer. Raises BrokerError, TopicMissing, and `WordRefused` with what the
    dead letter says.
    """
    connection = connection_of(settings)
    changes, letters = (settings.topic_prefix + topic for topic in (CHANGES, LETTERS))
    async with open_consumer(connection, isolation_level="read_committed", fetch_max_wait_ms=50) as consumer:
        adapt(consumer)
        partitions = await partitions_of(consumer, (changes, letters))
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        for partition in partitions:
            await consumer.position(partition)
        await _publish(settings, event)
        try:
            async with asyncio.timeout(seconds):
                return Answer(event, await _answer(consumer, event, changes))
        except TimeoutError:
            return Answer(event, None)


async def _publish(settings: Settings, event: Mapping[str, Any]) -> None:
    topic, key = routing.route(event)
    lanes = Lanes(connection_of(settings), BrokerError)
    try:
        if missing := await lanes.open([settings.topic_prefix + topic]):
            raise TopicMissing(f"topic {missing[0]} is not on the broker; run `contact-streams topics create`")
        await lanes.append(settings.topic_prefix + topic, key.encode(), orjson.dumps(event))
        await lanes.flush()
    finally:
        await lanes.close()


async def _answer(consumer: Consumer, event: Mapping[str, Any], changes: str) -> Mapping[str, Any]:
    asked = orjson.dumps(event)
    while True:
        for tp, records in (await consumer.getmany(timeout_ms=200)).items():
            for record in records:
                value = getattr(record, "value", None)
                if not value:
                    continue
                doc = orjson.loads(value)
                if tp.topic == changes:
                    if doc["evidence"] == {"event_id": event["id"], "source": SOURCE} and doc["rule"] in (
                        "link",
                        "cut",
                    ):
                        return dict(doc)
                elif b64decode(doc["payload"]) == asked:
                    raise WordRefused(in_words(f"{doc['path']}: {doc['message']}"))
