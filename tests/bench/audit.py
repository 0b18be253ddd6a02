"""Is what a system wrote what W says? Reads committed records and names the first difference."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.connection import Connection
from streams.engine.kafka import partition_counts
from streams.kafka.reading import read_to_end
from tests.bench.workload import Expected

Decode = Callable[[bytes, bytes], tuple[str, dict[str, Any]] | None]
"""(key, value) of a changelog record → (customer, state); None for what is not a customer's state."""


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """The partitions of a topic."""
    return [TopicPartition(topic, number) for number in range((await partition_counts(consumer))[topic])]


def pane_key(key: bytes) -> tuple[str, int]:
    """(channel|queue, start in ms); a system may write the start as a number of milliseconds or as a time."""
    name, _, start = key.decode().rpartition("|")
    if start.isdigit():
        return name, int(start)
    moment = datetime.fromisoformat(start)
    return name, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def pane_value(value: bytes) -> tuple[int, int, int]:
    """(count, wait in ms, within 20 s)."""
    pane = orjson.loads(value)
    return pane["count"], pane["wait_ms"], pane["within"]


async def audit(bootstrap: str, prefix: str, want: Expected, changelog: str | None, decode: Decode) -> str | None:
    """The first difference between the topics of ``prefix`` and ``want``; None when there is none.

    Without a ``changelog`` the states are not looked at.
    """
    dead: Counter[bytes] = Counter()
    async for record in read_to_end(Connection(bootstrap), [f"{prefix}.dead"]):
        dead[record.value] += 1
    if said := compare_counts("dead letters", dead, want.dead):
        return said
    alerts: Counter[tuple[str, float, int]] = Counter()
    async for record in read_to_end(Connection(bootstrap), [f"{prefix}.alerts"]):
        alert = orjson.loads(record.value)
        alerts[alert["customer"], alert["ewma"], alert["n"]] += 1
    if said := compare_counts("alerts", alerts, want.alerts):
        return said
    panes = await last_values(read_to_end(Connection(bootstrap), [f"{prefix}.kpis"]))
    if said := compare_values("pane", {pane_key(k): pane_value(v) for k, v in panes.items()}, want.panes):
        return said
    if changelog is None:
        return None
    rows = await last_values(read_to_end(Connection(bootstrap), [changelog]))
    states = dict(found for key, value in rows.items() if (found := decode(key, value)))
    return compare_values("state of", states, want.states)


async def last_values(records: AsyncIterator[Any]) -> dict[bytes, bytes]:
    """Last value by key; what has been removed is not in it."""
    found: dict[bytes, bytes] = {}
    async for record in records:
        if record.value is None:
            found.pop(record.key, None)
        else:
            found[record.key] = record.value
    return found


def compare_counts(what: str, found: Counter[Any], want: Counter[Any]) -> str | None:
    """How two multisets differ, with an example; None when they are equal."""
    missing, extra = want - found, found - want
    if not missing and not extra:
        return None
    kind, example = ("missing", missing) if missing else ("too many", extra)
    first = str(next(iter(example)))[:200]
    return f"{what}: {missing.total()} missing, {extra.total()} too many of {want.total()}; first {kind}: {first}"


def compare_values(what: str, found: Mapping[Any, Any], want: Mapping[Any, Any]) -> str | None:
    """The first key whose value differs, in words; None when the mappings are equal."""
    wrong = [key for key in want if found.get(key) != want[key]] + [key for key in found if key not in want]
    if not wrong:
        return None
    key = wrong[0]
    return (
        f"{what} {key}: {found.get(key, 'absent')} instead of {want.get(key, 'absent')} "
        f"({len(wrong)} of {len(want)} differ)"
    )
