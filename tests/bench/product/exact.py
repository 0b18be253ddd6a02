"""What came out, read back from the topics, against what the load says must come out; and when it came."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from streams.engine import changelog
from streams.kafka.connection import connection_of
from streams.kafka.reading import read_to_end
from streams.settings import Settings
from tests.bench.product.load import Truth

PANE_MS, WINDOW_MS = 10_000, 60_000
FIGURES = {
    "offered": ("contacts_offered", "all", "numerator"),
    "answered": ("speed_of_answer", "all_contacts", "denominator"),
    "abandoned": ("abandonment", "of_offered", "numerator"),
    "legs": ("legs_entered", "all", "numerator"),
    "wait_ms": ("speed_of_answer", "answered_legs", "numerator"),
    "handled": ("handle_time", "talk", "denominator"),
    "talk_ms": ("handle_time", "talk", "numerator"),
    "csat": ("csat", "satisfied", "denominator"),
    "csat_milli": ("csat", "mean_score", "numerator"),
    "messages": ("sentiment", "mean", "denominator"),
}
"""Figure of the load → KPI, variant, and which of its two numbers."""


class NotExact(Exception):
    """A run came to other figures than it must: it does not count."""


@dataclass
class Found:
    """What the topics hold; times are the broker's, ms."""

    counts: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    first: int = 0
    """The first event left `ingest`."""
    last: int = 0
    """The last fact was in the tables of `measure`."""


def expected(truth: Truth) -> Found:
    """What a run must come to."""
    counts = {
        "normalised": truth.events,
        "interactions": truth.events,
        "dead letters": truth.malformed,
        "journeys' customers": len(truth.customers),
    }
    return Found(Counter(counts), Counter(truth.figures))


def end_of(truth: Truth) -> int:
    """The end of the last window of the load: stream time must have passed it before the figures are whole, ms."""
    return truth.last // PANE_MS * PANE_MS + PANE_MS


async def read(settings: Settings, truth: Truth) -> Found:
    """Read every output back. Nothing is taken from a worker."""
    found, prefix, connection = Found(), settings.topic_prefix, connection_of(settings)
    async for record in read_to_end(connection, [prefix + "contact.normalised"]):
        if is_kind(record, b"event"):
            found.counts["normalised"] += 1
            found.first = min(found.first or record.timestamp, record.timestamp)
    async for record in read_to_end(connection, [prefix + "contact.interactions"]):
        found.counts["interactions"] += is_kind(record, b"event")
    async for record in read_to_end(connection, [prefix + "contacts.dead-letters"]):
        found.counts["dead letters"] += orjson.loads(record.value).get("count") or 1
    told = read_to_end(connection, [prefix + "journeys"])
    owners = {record.key.partition(b"@")[0] async for record in told}
    found.counts["journeys' customers"] = len(owners)
    found.last = await _worked_off(settings)
    found.figures = await _figures(settings, end_of(truth))
    await _alerts(settings)
    return found


def is_kind(record: Any, kind: bytes) -> bool:
    """Is it an internal record of a kind? The field comes first, so nothing has to be decoded."""
    return record.value is not None and record.value.startswith(b'{"kind":"' + kind + b'"')


async def _worked_off(settings: Settings) -> int:
    """When `measure` had committed the last fact, ms."""
    topic, facts = f"{settings.topic_prefix}contact.measurements", dict[int, int]()
    async for record in read_to_end(connection_of(settings), [topic]):
        if is_kind(record, b"fact") or is_kind(record, b"facts"):
            facts[record.partition] = record.offset
    done: dict[int, int] = {}
    async for record in read_to_end(connection_of(settings), [f"{settings.group}-measure-changelog"]):
        last = facts.get(record.partition)
        if record.key != changelog.POSITION or last is None or record.partition in done:
            continue
        if orjson.loads(record.value)["offsets"].get(topic, 0) > last:
            done[record.partition] = record.timestamp
    return max(done.values(), default=0)


async def _figures(settings: Settings, end: int) -> Counter[str]:
    """The sums over windows of a minute that lie end to end, the last one ending at ``end``."""
    newest: dict[bytes, dict[str, Any]] = {}
    async for record in read_to_end(connection_of(settings), [settings.topic_prefix + "kpis"]):
        if b'"length_ms":60000' not in record.value:
            continue
        reading = orjson.loads(record.value)
        if (_ms(reading["window"]["end"]) - end) % WINDOW_MS == 0:
            known = newest.get(record.key)
            if known is None or reading["revision"] >= known["revision"]:
                newest[record.key] = reading
    found = Counter[str]()
    for reading in newest.values():
        numbers = {(each["kpi"], each["variant"]): each for each in reading["readings"]}
        for name, (kpi, variant, part) in FIGURES.items():
            found[name] += round(numbers[kpi, variant][part]) if (kpi, variant) in numbers else 0
    return found


async def _alerts(settings: Settings) -> None:
    """Every alert's records come once and in order. Raises `NotExact`."""
    revisions: dict[str, int] = {}
    async for record in read_to_end(connection_of(settings), [settings.topic_prefix + "alerts"]):
        alert = orjson.loads(record.value)
        before = revisions.get(alert["alert_id"], 0)
        if alert["revision"] != before + 1:
            raise NotExact(f"alert {alert['alert_id']}: revision {alert['revision']} follows {before}")
        revisions[alert["alert_id"]] = alert["revision"]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def differences(truth: Truth, found: Found) -> list[str]:
    """Each figure that is not what it must be, in words."""
    wanted = expected(truth)
    return [
        f"{name}: {have[name]} instead of {want[name]}"
        for want, have in ((wanted.counts, found.counts), (wanted.figures, found.figures))
        for name in sorted(want)
        if have[name] != want[name]
    ]
