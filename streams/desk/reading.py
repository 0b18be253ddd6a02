"""One look at the topics, to their end: alerts, silences, the steps of one alert, the journey of its customer."""

import time
from collections import deque
from typing import Any

import orjson

from streams.base.records import LIVE
from streams.customers.rules import AlertReader
from streams.desk.board import Board, Held
from streams.desk.errors import NoJourney
from streams.desk.silences import Silences
from streams.engine.connection import Connection
from streams.kafka.connection import connection_of
from streams.kafka.reading import read_to_end, values_of
from streams.rules.applied import Applied, InForce
from streams.settings import Settings

ALERTS, EVENTS, SILENCES, JOURNEYS = "alerts", "alert.events", "alert.silences", "journeys"
RULES = "alert.rules"
MOST_STEPS = 1_000
"""Of one alert, the latest."""
Doc = dict[str, Any]


async def board(settings: Settings) -> Board:
    """How alerts stand now. Raises `BrokerError`, `TopicMissing`."""
    found = Board()
    async for record in read_to_end(connection_of(settings), [settings.topic_prefix + ALERTS]):
        found.apply(record.key, record.value)
    return found


async def silences(settings: Settings) -> Silences:
    """Those that the topic tells of. Raises the same."""
    found = Silences()
    async for value in values_of(connection_of(settings), settings.topic_prefix + SILENCES):
        found.apply(value)
    return found


async def applied(settings: Settings) -> Applied | None:
    """The rules that were applied last; None = none were. Raises the same."""
    found = InForce(AlertReader())
    async for value in values_of(connection_of(settings), settings.topic_prefix + RULES):
        found.take(value)
    return found.last


def key_of(fingerprint: str, line: str) -> bytes:
    """Of an alert's records."""
    return (f"{line}/{fingerprint}" if line != LIVE else fingerprint).encode()


async def steps(connection: Connection, prefix: str, alert: Held, *, all_episodes: bool = True) -> list[Doc]:
    """The alert's steps, oldest first, at most the latest `MOST_STEPS`. Raises the same."""
    key = key_of(alert.fingerprint, alert.line)
    found: deque[Doc] = deque(maxlen=MOST_STEPS)
    async for record in read_to_end(connection, [prefix + EVENTS], key):
        if record.key == key and record.value is not None:
            step = orjson.loads(record.value)
            if all_episodes or step["alert"]["episode_id"] == alert.episode_id:
                found.append(step)
    return list(found)


async def journey(connection: Connection, prefix: str, alert: Held) -> Doc:
    """The journey that the alert is about, else the one of its customer that was heard of last; its ``others`` name
    those that may still go on. Raises the same, and `NoJourney`.
    """
    owner, wanted = alert.subject.customer, alert.subject.journey_id
    if owner is None and wanted is None:
        raise NoJourney(f"the alert is about a {alert.subject.type}, not about a customer")
    key = wanted.encode() if wanted is not None else None
    mark = key or orjson.dumps(owner)
    known: dict[bytes, Doc] = {}
    async for record in read_to_end(connection, [prefix + JOURNEYS], key):
        if record.value is None or mark not in record.value:
            known.pop(record.key, None)
        elif is_of(doc := orjson.loads(record.value), alert):
            known[record.key] = doc
    if not known:
        raise NoJourney(f"no journey of {owner or wanted} is known on the line {alert.line or 'live'}")
    return max(known.values(), key=lambda each: (each["updated"], each["started"], each["journey_id"]))


def is_of(doc: Doc, alert: Held) -> bool:
    """Is it the journey that the alert is about, or one of its customer?"""
    wanted, owner = alert.subject.journey_id, alert.subject.customer
    named = doc["journey_id"] == wanted if wanted is not None else doc["customer"] == owner
    return bool(named and doc["line"] == alert.line)


def now_ms() -> int:
    """The clock of this machine."""
    return int(time.time() * 1000)
