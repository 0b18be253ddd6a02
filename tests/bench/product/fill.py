"""The state of many customers, put into `track`'s changelog as a restore would find it.

A few customers are made by the agent itself, from events of some hours ago that have settled since; their rows, with
other names put in, are the rows of all the others. That takes seconds for a million of them, and the worker under test
reads them back as it would its own.
"""

import random
import time
from collections import defaultdict
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import msgspec

from schemas import flow
from streams import rules as rule_files
from streams.base.records import LIVE, Event, Line, Progress
from streams.engine import Outputs, TaskInfo, changelog
from streams.engine.store import MemoryStore
from streams.engine.tables import Cache, deadlines, open_tables, settle
from streams.pipeline import track
from streams.settings import Settings
from streams.worker.metrics import Metrics
from tests.bench.product.load import QUEUES, TIERS, customer_id
from tests.bench.product.publish import CHUNK, Item, Publisher

SLOT = customer_id(9_999_999)
"""The name in the templates, which the real ones take the place of; as long as they are, so that nothing moves. Contacts
are named alike for all: of those a row keeps numbers, too, which nobody could put in.
"""
TEMPLATES = 24
HOUR_MS = 3_600_000


def templates() -> list[bytes]:
    """Encoded rows of customers with one to three contacts two or three days ago; one in six was here today too."""
    dice = random.Random(7)
    found = []
    for number in range(TEMPLATES):
        ages = sorted((dice.randrange(30, 70) for _ in range(1 + number % 3)), reverse=True)
        found.append(_row(dice, [*ages, 8] if number % 6 == 0 else ages, TIERS[number % len(TIERS)]))
    return found


def _row(dice: random.Random, ages_h: list[int], tier: str) -> bytes:
    now = int(time.time() * 1000)
    info = TaskInfo("track", 0, 1, ("contact.interactions",))
    store = MemoryStore()
    tables = open_tables(track.TABLES, store, Cache())
    processor = track.Track(info, tables, str, rule_files.load().customers, Metrics())
    out = Outputs(dict.fromkeys(("contact.measurements", *flow.outputs("track")), 1), now, {})

    def tell(value: Any) -> None:
        record: Any = SimpleNamespace(value=msgspec.json.encode(value))
        processor.handle(record, out)

    def batch_ends() -> None:
        processor.finish(out)
        settle(tables, store, {name: table.changes() for name, table in tables.items()}, deadlines(tables), None)

    for number, age_h in enumerate(ages_h):
        at = now - age_h * HOUR_MS + dice.randrange(HOUR_MS)
        tell(Progress("identify-0", 1, {LIVE: Line(at)}))
        for event in _contact(dice, f"earlier-{number:02}", at, tier):
            tell(event)
        batch_ends()
    tell(Progress("identify-0", 1, {LIVE: Line(now)}))
    for _ in range(5):  # one deadline may bring about the next
        batch_ends()
    row = store.get("customers", f"customer:{SLOT}")
    if row is None:
        raise RuntimeError("the template customer was forgotten: it has nothing worth keeping")
    return row


def _contact(dice: random.Random, name: str, at: int, tier: str) -> list[Event]:
    queue, wait = dice.choice(QUEUES), dice.randrange(8000)
    steps: list[tuple[str, int, dict[str, Any]]] = [
        ("contact.queued", at, {}),
        ("contact.connected", at + wait, {"party": "human"}),
        ("contact.ended", at + wait + 60_000, {"by": "customer", "reason": "completed"}),
    ]
    return [
        Event(
            f"{name}-{number}", "/bench", kind, when, name, "voice", owner=f"customer:{SLOT}", queue=queue,
            customer=SLOT, tier=tier, data=data,
        )
        for number, (kind, when, data) in enumerate(steps)
    ]  # fmt: skip


async def fill(settings: Settings, customers: int, partitions: int) -> dict[str, float]:
    """Write the rows of ``customers`` customers and a position at the beginning; returns bytes per row and seconds."""
    began, rows, slot = time.perf_counter(), templates(), SLOT.encode()
    topic, inputs = f"{settings.group}-track-changelog", f"{settings.topic_prefix}contact.interactions"
    written = 0
    async with Publisher(settings.bootstrap_servers) as publisher:
        for first in range(0, customers, CHUNK):
            parts = defaultdict[tuple[str, int], list[Item]](list)
            for number in range(first, min(first + CHUNK, customers)):
                name = customer_id(number)
                owner = f"customer:{name}"
                value = rows[number % len(rows)].replace(slot, name.encode())
                written += len(value)
                part = parts[topic, crc32(owner.encode()) % partitions]
                part.append((changelog.encode_key("customers", owner), value))
            await publisher.batches(parts)
        position = (changelog.POSITION, changelog.encode_position({inputs: 0}))
        await publisher.batches({(topic, part): [position] for part in range(partitions)})
    return {"bytes_per_row": round(written / customers, 1), "fill_seconds": round(time.perf_counter() - began, 1)}
