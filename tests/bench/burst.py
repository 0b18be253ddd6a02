"""A burst of live events through one worker: what it holds, how far it falls behind, how long it drains, what is lost.

``python -m tests.bench.burst [--usual N] [--times N] [--seconds N] [--workers N] [--json]``; a broker is started when
there is none.

Calls of three events come at the usual rate for 5 s, then at ``--times`` the rate for ``--seconds``. Memory and lag are
those of `/metrics`, twice a second. At the end the topics are counted: each event once on ``contact.normalised``, each
call once among the facts, no dead letter; anything else fails the run.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from streams import settings as settings_module
from streams.inspect.calls import temporary_topics
from streams.kafka.connection import connection_of
from streams.kafka.drain import wait_drained
from streams.kafka.reading import read_to_end
from streams.local.bootstrap import resolve_bootstrap
from streams.local.processes import WorkerProcess, workers
from streams.settings import Settings
from tests.support.leftovers import end_with_us
from tests.support.records import each_of

KINDS = ("contact.queued", "contact.connected", "contact.ended")
CUSTOMERS = 10_000
QUEUES = 12
BEFORE_SECONDS = 5
SAMPLE_SECONDS = 0.5
STEP_SECONDS = 0.02


@dataclass
class Peak:
    """The largest figures seen, of all workers together; ``lag_records`` of one hop, not of all.

    What is resident after all is worked off is state (the contacts of the last hour, ids); what the peak has above that
    is what the backlog cost.
    """

    rss_mib: float = 0.0
    rss_mib_before: float = 0.0
    rss_mib_after: float = 0.0
    lag_records: int = 0
    lag_seconds: float = 0.0
    hop: str = ""
    time_behind_seconds: float = 0.0


def events() -> Iterator[tuple[bytes, bytes]]:
    """Keys and events of calls, each with the time of now."""
    number = 0
    while True:
        call = f"call-{number}"
        for kind in KINDS:
            data = {
                "contact_id": call,
                "channel": "voice",
                "queue": f"queue-{number % QUEUES}",
                "customer_id": f"{1 + number % CUSTOMERS}",
                "tier": "gold",
            }
            if kind == "contact.connected":
                data |= {"agent_id": f"agent-{number % 50}"}
            elif kind == "contact.ended":
                data |= {"by": "customer"}
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            event = {"specversion": "1.0", "id": f"{call}-{kind}", "source": "/burst", "type": kind, "time": now}
            yield call.encode(), orjson.dumps({**event, "data": data})
        number += 1


async def publish(settings: Settings, source: Iterator[tuple[bytes, bytes]], rate: int, count: int) -> float:
    """``count`` events at ``rate`` a second; returns the seconds it took."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, linger_ms=5, compression_type="snappy")
    await producer.start()
    try:
        began, sent = time.perf_counter(), 0
        while sent < count:
            due = min(int((time.perf_counter() - began) * rate), count)
            for _ in range(due - sent):
                key, value = next(source)
                await producer.send(f"{settings.topic_prefix}contacts.voice", value, key)
            sent = due
            await asyncio.sleep(STEP_SECONDS)
        await producer.flush()
        return time.perf_counter() - began
    finally:
        await producer.stop()


async def sample(started: list[WorkerProcess], peak: Peak) -> None:
    """Look at every worker's `/metrics` once and raise ``peak``."""
    memory, records = 0.0, Counter[str]()
    async with aiohttp.ClientSession() as web:
        for worker in started:
            async with web.get(f"http://127.0.0.1:{worker.port}/metrics") as response:
                text = await response.text()
            for family in text_string_to_metric_families(text):
                for one in family.samples:
                    hop = one.labels.get("hop", "")
                    if one.name == "process_resident_memory_bytes":
                        memory += one.value / 2**20
                    elif one.name == "contact_streams_lag_records":
                        records[hop] += int(one.value)
                    elif one.name == "contact_streams_unread_seconds":
                        peak.lag_seconds = max(peak.lag_seconds, one.value)
                    elif one.name == "contact_streams_lag_seconds":
                        peak.time_behind_seconds = max(peak.time_behind_seconds, one.value)
    hop, most = max(records.items(), key=lambda each: each[1])
    if most > peak.lag_records:
        peak.lag_records, peak.hop = most, hop
    peak.rss_mib = max(peak.rss_mib, memory)


async def sampling(started: list[WorkerProcess], peak: Peak) -> None:
    while True:
        with suppress(aiohttp.ClientError):
            await sample(started, peak)
        await asyncio.sleep(SAMPLE_SECONDS)


async def count(settings: Settings) -> dict[str, int]:
    """What came out, counted on the topics."""
    found: Counter[str] = Counter()
    ids: set[str] = set()

    async def values(topic: str) -> list[dict[str, str]]:
        records = read_to_end(connection_of(settings), [settings.topic_prefix + topic])
        return [orjson.loads(record.value) async for record in records]

    for record in await values("contact.normalised"):
        if record["kind"] == "event":
            found["events"] += 1
            ids.add(record["id"])
    for record in await values("contact.measurements"):
        for fact in each_of(record):
            if fact["kind"] == "fact":
                found[fact["fact"]] += int(fact.get("sign", 1))
    return {
        "events": found["events"],
        "different_events": len(ids),
        "calls_handled": found["contact_handled"],
        "legs_closed": found["leg_closed"],
        "dead_letters": len(await values("contacts.dead-letters")),
    }


async def burst(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """The whole run. Raises SystemExit when something was lost or counted twice."""
    peak, source = Peak(), events()
    rate = options.usual * options.times
    total = rate * options.seconds // len(KINDS) * len(KINDS)
    before = options.usual * BEFORE_SECONDS // len(KINDS) * len(KINDS)
    logs = Path(tempfile.mkdtemp(prefix="contact-streams-burst-"))
    async with temporary_topics(settings, keep=False), workers(settings, options.workers, logs) as started:
        await publish(settings, source, options.usual, before)
        await sample(started, peak)
        peak.rss_mib_before = peak.rss_mib
        watching = asyncio.ensure_future(sampling(started, peak))
        try:
            took = await publish(settings, source, rate, total)
            ended = time.perf_counter()
            if not await wait_drained(settings, 900):
                raise SystemExit("not worked off within 900 s")
            drain = time.perf_counter() - ended
        finally:
            watching.cancel()
        after = Peak()
        await sample(started, after)
        peak.rss_mib_after = after.rss_mib
        found = await count(settings)
    published = before + total
    calls = published // len(KINDS)
    wanted = {
        "events": published, "different_events": published, "calls_handled": calls, "legs_closed": calls, "dead_letters": 0,
    }  # fmt: skip
    if found != wanted:
        raise SystemExit(f"not exact: {found} instead of {wanted}")
    return {
        "events": published,
        "burst_events_per_second": round(total / took),
        "drain_seconds": round(drain, 1),
        "worked_off_per_second": round(total / (took + drain)),
        **{name: round(value, 1) if isinstance(value, float) else value for name, value in asdict(peak).items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--usual", type=int, default=200, help="events a second before the burst")
    parser.add_argument("--times", type=int, default=20, help="how many times the usual rate")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = settings_module.load(topic_prefix=f"burst-{uuid.uuid4().hex[:6]}.")
    if not settings.bootstrap_servers:
        settings = settings.model_copy(update={"bootstrap_servers": resolve_bootstrap().servers})
    found = asyncio.run(burst(settings, options))
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:24} {value:,}" if isinstance(value, int | float) else f"{name:24} {value}")
    print("every event once, every call once, no dead letter", file=sys.stderr)


if __name__ == "__main__":
    end_with_us()
    main()
