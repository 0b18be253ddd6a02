"""Alert rules that are applied while workers run: which hold, how others differ from them, and publishing them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from schemas.events import check
from streams.alerts.rules import AlertRule, AlertsFile
from streams.base.document import DocumentError
from streams.base.errors import BrokerError, TopicMissing
from streams.base.times import iso
from streams.customers.rules import AlertReader, AlertRules
from streams.kafka.connection import connection_of
from streams.kafka.lanes import Lanes
from streams.kafka.reading import OpenTransaction, values_of
from streams.rules import Rules, RulesError
from streams.rules.applied import FILE, Applied, InForce, Wanted, event_of
from streams.rules.source import Source, file_of
from streams.settings import Settings

TOPIC = "alert.rules"
SECONDS = 10.0
"""For the broker to take a record."""


async def in_force(settings: Settings, reader: AlertReader) -> Applied | None:
    """What was applied last, as workers take it; None = nothing was. Raises `BrokerError`, `TopicMissing`."""
    return await last_of(values_of(connection_of(settings), settings.topic_prefix + TOPIC), reader)


async def last_of(records: AsyncIterator[bytes], reader: AlertReader) -> Applied | None:
    """Of the records of the topic: what workers refuse is passed by, and what is in force already."""
    found = InForce(reader)
    async for value in records:
        found.take(value)
    return found.last


async def at_start(settings: Settings, decided: Rules) -> Applied | None:
    """What holds in place of the file as a worker starts. Raises `RulesError` when this program cannot read it."""
    try:
        found = await in_force(settings, AlertReader())
    except (TopicMissing, OpenTransaction):
        return None  # a missing topic is named with all the others; what somebody leaves open holds nobody up for ever
    if found is not None:
        reader = decided.customers.reader
        try:
            reader.read(found.version, found.rules)
            if reader.version(found.rules) != found.version:
                return None  # made beside other tiers than these: workers of these refused it
        except ValidationError as error:
            first = error.errors()[0]
            path = ".".join(map(str, first["loc"]))
            raise RulesError(
                f"the alert rules in force ({found.words}) cannot be read by this program: {path}: {first['msg']}; "
                "apply others with the program that the workers had before"
            ) from None
    return found


def said_at_start(applied: Applied | None, decided: Rules) -> Iterator[str]:
    """What a person should know of rules that were applied, beside those that the worker was started with."""
    if applied is None:
        return
    own = decided.customers.alerts.file.version
    if own != applied.version:
        yield (
            f"alerts.yaml of this worker (version {own}) is not in force: alerts go by {applied.words} at "
            f"{iso(applied.time)}; see contact-streams rules applied"
        )
    if (problem := decided.customers.reader.problem(applied.rules)) is not None:
        path = ".".join(map(str, problem.path))
        yield f"the alert rules in force ({applied.words}) do not fit the other rules: {path}: {problem.what}"


class Proposal(NamedTuple):
    """An ``alerts.yaml`` that could be applied."""

    version: str
    rules: Mapping[str, Any]
    read: AlertRules


def proposal(directory: Path | None, decided: Rules) -> Proposal:
    """That of a folder, held against other rules than that folder's. Raises `RulesError` with file and line."""
    source, reader = Source(file_of("alerts", directory)), decided.customers.reader
    try:
        given: dict[str, Any] = json.loads(json.dumps(source.values()))
    except DocumentError as error:
        raise RulesError(f"{source.path}:{error.line}: {error.message}") from None
    if (problem := reader.problem(given)) is not None:
        raise RulesError(source.at(problem.path, problem.what))
    version = reader.version(given)
    return Proposal(version, given, reader.read(version, given))


def next_number(known: Applied | None, now: int) -> int:
    """Above all that workers may hold, also where the topic was made anew; ``now``: the clock, ms."""
    return max(now, 0 if known is None else known.number + 1)


def checked(settings: Settings, wanted: Wanted, number: int) -> bytes:
    """The event as it is sent. Raises `RulesError` for one that the contract does not allow."""
    event = event_of(wanted, number)
    value = orjson.dumps(event)
    if len(value) > settings.max_event_bytes:
        raise RulesError(f"{FILE} makes an event of {len(value)} bytes, at most {settings.max_event_bytes} are taken")
    if (problem := check(event)) is not None:
        raise RulesError(f"the rules cannot be applied: {problem.path}: {problem.message}")
    return value


async def publish(settings: Settings, value: bytes) -> None:
    """Wait until the broker has it; ``value``: as it was `checked`. Raises `BrokerError`, `TopicMissing`."""
    topic = settings.topic_prefix + TOPIC
    lanes = Lanes(connection_of(settings), BrokerError)
    try:
        async with asyncio.timeout(SECONDS):
            if await lanes.open([topic]):
                raise TopicMissing(f"topic {topic} is not on the broker; run `contact-streams topics create`")
            await lanes.append(topic, FILE.encode(), value)
            await lanes.flush()
    except TimeoutError:
        raise BrokerError(f"{settings.bootstrap_servers} did not take the rules in {SECONDS:g} s") from None
    finally:
        await lanes.close()


class Change(NamedTuple):
    """A rule that is new, gone or other; ``fields``: of one that is other, what it says otherwise."""

    rule: str
    what: str
    fields: tuple[str, ...] = ()


def changes(before: AlertsFile, after: AlertsFile) -> list[Change]:
    """By the names of the rules in force; the inhibitions as one, in the end."""
    old, new = ({rule.name: rule for rule in each.enabled} for each in (before, after))
    found = [Change(name, "new") for name in new if name not in old]
    found += [Change(name, "gone") for name in old if name not in new]
    both = [(name, old[name], rule) for name, rule in new.items() if name in old]
    found += [Change(name, "changed", _differing(one, other)) for name, one, other in both if one != other]
    found.sort()
    return [*found, Change("inhibitions", "changed")] if before.inhibitions != after.inhibitions else found


def _differing(one: AlertRule, other: AlertRule) -> tuple[str, ...]:
    names = (each.name for each in fields(AlertRule))
    return tuple(name.removesuffix("_ms") for name in names if getattr(one, name) != getattr(other, name))
