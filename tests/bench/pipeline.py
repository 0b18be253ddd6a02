"""The product pipeline end to end: events per second of the workers, CPU per event split by hop.

``python -m tests.bench.pipeline [--calls N] [--workers N] [--rounds N] [--json]``; a broker is started when there is
none.

The load is a synthetic call log (the one of the end-to-end test, with its traps), replayed at full speed; every round
checks its figures, and one that is not exact fails the run. CPU is the workers' (user + system) from before the first
event until everything is worked off; ``handle`` is the agents' own work, the rest is Kafka's client: fetching,
decoding, transactions, sockets.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from streams import settings as settings_module
from streams.ops.bootstrap import resolve_bootstrap
from streams.ops.calls import read_outputs, summary, temporary_topics
from streams.ops.drain import wait_drained
from streams.ops.processes import WorkerProcess, workers
from streams.replay.command import Target, publish_log
from streams.replay.mapping import load_mapping
from streams.replay.reader import CallLog, read_log
from streams.settings import Settings
from tests.e2e.test_call_log import synthetic

HOPS = ("ingest", "identify", "track", "measure")


async def scrape(started: list[WorkerProcess]) -> dict[tuple[str, str], float]:
    """(metric, hop) → value, summed over the workers."""
    found: dict[tuple[str, str], float] = {}
    async with aiohttp.ClientSession() as web:
        for worker in started:
            async with web.get(f"http://127.0.0.1:{worker.port}/metrics") as response:
                text = await response.text()
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if "hop" in sample.labels and set(sample.labels) == {"hop"}:
                        key = (sample.name, sample.labels["hop"])
                        found[key] = found.get(key, 0.0) + sample.value
    return found


def cpu(started: list[WorkerProcess]) -> float:
    """Seconds of user and system time so far."""
    times = [psutil.Process(worker.process.pid).cpu_times() for worker in started]
    return float(sum(each.user + each.system for each in times))


async def one_round(log: CallLog, expected: dict[str, Any], settings: Settings, count: int) -> dict[str, Any]:
    """One replay through fresh topics and workers."""
    logs = Path(tempfile.mkdtemp(prefix="contact-streams-bench-"))
    async with temporary_topics(settings, keep=False), workers(settings, count, logs) as started:
        before, began = cpu(started), time.perf_counter()
        target = Target(settings.bootstrap_servers, settings.topic_prefix)
        report = await publish_log(log, log.replay_id, None, target, Console(quiet=True))
        if not await wait_drained(settings, 900):
            raise SystemExit("the pipeline did not work everything off within 900 s")
        seconds, spent = time.perf_counter() - began, cpu(started) - before
        metrics = await scrape(started)
        memory = max(psutil.Process(worker.process.pid).memory_info().rss for worker in started)
        outputs = await read_outputs(settings, log.replay_id, log.channel)
    found = summary(outputs, 0)
    del found["events_per_second"]
    if found != expected:
        raise SystemExit(f"not exact: {found} instead of {expected}")
    events = report.published

    def of(name: str, hop: str) -> float:
        return metrics.get((name, hop), 0.0)

    hops = {
        hop: {
            "records": int(of("contact_streams_records_total", hop)),
            "batches": int(of("contact_streams_batches_total", hop)),
            "handle_us_per_event": round(of("contact_streams_handle_cpu_seconds_total", hop) / events * 1e6, 1),
            "transaction_ms": round(
                1000
                * of("contact_streams_transaction_seconds_sum", hop)
                / max(of("contact_streams_transaction_seconds_count", hop), 1),
                1,
            ),
        }
        for hop in HOPS
    }
    handled = sum(hop["handle_us_per_event"] for hop in hops.values())
    return {
        "events": events,
        "seconds": round(seconds, 2),
        "events_per_second": round(events / seconds),
        "cpu_us_per_event": round(spent / events * 1e6, 1),
        "client_us_per_event": round(spent / events * 1e6 - handled, 1),
        "rss_mib": round(memory / 2**20),
        "hops": hops,
    }


def show(rounds: list[dict[str, Any]], count: int) -> None:
    """A table of the medians."""
    table = Table(
        "hop",
        "records",
        "batches",
        "handle µs/event",
        "transaction ms",
        title=f"{count} worker(s), {len(rounds)} round(s)",
    )

    def median(path: tuple[str, ...]) -> float:
        values = []
        for each in rounds:
            value: Any = each
            for step in path:
                value = value[step]
            values.append(value)
        return statistics.median(values)

    for hop in HOPS:
        row = [median(("hops", hop, name)) for name in ("records", "batches", "handle_us_per_event", "transaction_ms")]
        table.add_row(hop, *(f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" for value in row))
    console = Console()
    console.print(table)
    for name in ("events", "seconds", "events_per_second", "cpu_us_per_event", "client_us_per_event", "rss_mib"):
        spread = [each[name] for each in rounds]
        console.print(f"{name}: {median((name,)):,} ({min(spread):,} to {max(spread):,})", highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    file = Path(tempfile.mkdtemp(prefix="contact-streams-bench-")) / "calls.tsv"
    expected = synthetic(file, options.calls, seed=1)
    log = read_log(file, load_mapping("bank.yaml"))
    rounds = []
    for number in range(options.rounds):
        settings = settings_module.load(topic_prefix=f"bench-{uuid.uuid4().hex[:6]}.")
        if not settings.bootstrap_servers:
            settings = settings.model_copy(update={"bootstrap_servers": resolve_bootstrap().servers})
        rounds.append(asyncio.run(one_round(log, expected, settings, options.workers)))
        print(f"round {number + 1}: {rounds[-1]['events_per_second']:,} events/s", file=sys.stderr)
    if options.json:
        print(json.dumps({"workers": options.workers, "rounds": rounds}))
    else:
        show(rounds, options.workers)


if __name__ == "__main__":
    main()
