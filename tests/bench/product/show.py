"""Results as tables, and what follows from them."""

import os
import platform
import statistics
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tests.bench.product.causes import CAUSES

Rounds = dict[str, list[dict[str, Any]]]
COLUMNS = {
    "events": "events",
    "events_per_second": "events/s",
    "cpu_us_per_event": "CPU µs/event",
    "broker_cpu_us_per_event": "broker µs/event",
    "records_per_batch": "records/batch",
    "rss_mib": "RSS MiB",
}
"""Field of a round → heading."""
OF_STATE = {
    "bytes_per_row": "bytes/row",
    "ready_seconds": "start s",
    "restore_seconds": "restore s",
    "restored_rows_per_second": "rows/s",
    "ready_rss_mib": "RSS at start MiB",
    "disk_mib": "disk MiB",
}
OF_LATENCY = {
    "measured": "measured",
    "unanswered": "unanswered",
    "p50_ms": "p50 ms",
    "p90_ms": "p90 ms",
    "p99_ms": "p99 ms",
    "publisher_late_seconds": "publisher late s",
}
MORE = {"customers": OF_STATE, "memory": OF_STATE, "rebalance": OF_STATE, "latency": OF_LATENCY}
MOST_COST_GROWTH = 1.5
"""From a thousand customers to a million the cost of an event may grow by half."""


def line(found: dict[str, Any]) -> str:
    """A run in one line."""
    return f"{found['events_per_second']:,} events/s, {found['cpu_us_per_event']} µs of CPU an event, exact"


def machine() -> dict[str, Any]:
    """Where it was measured."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
    }


def median(rounds: list[dict[str, Any]], name: str) -> float | None:
    """The median of a field over the rounds; None where it was not measured."""
    values = [each[name] for each in rounds if each.get(name) is not None]
    if not values and name == "records_per_batch":
        hops = [each["hops"].values() for each in rounds if "hops" in each]
        values = [sum(h["records"] for h in each) / max(sum(h["batches"] for h in each), 1) for each in hops]
    return statistics.median(values) if values else None


def conclusions(mode: str, rows: Rounds) -> dict[str, Any]:
    """What a mode is run for, in one number."""
    first, last = next(iter(rows.values())), list(rows.values())[-1]
    if mode == "customers" and len(rows) > 1:
        growth = (median(last, "cpu_us_per_event") or 0) / (median(first, "cpu_us_per_event") or 1)
        return {"cost_growth": round(growth, 2), "most": MOST_COST_GROWTH, "kept": growth <= MOST_COST_GROWTH}
    if mode == "memory" and len(rows) > 1:
        more = (median(last, "ready_rss_mib") or 0) - (median(first, "ready_rss_mib") or 0)
        return {"mib_per_million_customers": round(more / (last[0]["customers"] - first[0]["customers"]) * 1e6)}
    if mode == "scaling" and len(rows) > 1:
        one = median(first, "events_per_second") or 1
        return {
            "speed_up": {name: round((median(each, "events_per_second") or 0) / one, 2) for name, each in rows.items()}
        }
    return {}


def table(result: dict[str, Any], console: Console) -> None:
    """The medians of every row, then the hops, the causes, the steps where there are any."""
    rows: Rounds = result["rows"]
    columns = COLUMNS | MORE.get(result["mode"], {})
    shown = [name for name in columns if any(median(rounds, name) is not None for rounds in rows.values())]
    count = len(next(iter(rows.values())))
    main = Table(
        "", *(columns[name] for name in shown), title=f"{result['mode']}, {count} round(s), store {result['store']}"
    )
    for name, rounds in rows.items():
        main.add_row(name, *(_number(median(rounds, field)) for field in shown))
    console.print(main)
    for name, rounds in rows.items():
        if "causes" in rounds[-1]:
            _causes(name, [each["causes"] for each in rounds], console)
        if "steps" in rounds[-1]:
            _steps(name, [each["steps"] for each in rounds], console)
    for name in ("cost_growth", "mib_per_million_customers", "speed_up"):
        if name in result:
            console.print(f"{name}: {result[name]}", highlight=False)


def causes(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Hop → cause → µs per event, the medians of the rounds."""
    hops = sorted(
        {hop for each in rounds for hop in each},
        key=("ingest", "identify", "track", "measure", "alert", "shared").index,
    )
    return {
        hop: {cause: statistics.median(each.get(hop, {}).get(cause, 0.0) for each in rounds) for cause in CAUSES}
        for hop in hops
    }


def _causes(name: str, rounds: list[dict[str, dict[str, float]]], console: Console) -> None:
    split = causes(rounds)
    shown = Table("µs/event", *CAUSES, "all", title=f"{name}: CPU by hop and cause")
    for hop, by_cause in split.items():
        shown.add_row(hop, *(_number(by_cause[cause]) for cause in CAUSES), _number(sum(by_cause.values())))
    sums = {cause: sum(by_cause[cause] for by_cause in split.values()) for cause in CAUSES}
    shown.add_row("all", *(_number(sums[cause]) for cause in CAUSES), _number(sum(sums.values())))
    console.print(shown)


def _steps(name: str, rounds: list[list[dict[str, Any]]], console: Console) -> None:
    """What moved (of the last round), and stop to go (the medians of the rounds)."""
    counts = ("tasks", "moved", "least", "restored", "kept_restored")
    times = [(of, part) for of in ("quiet_ms", "kept_ms", "moved_ms") for part in ("median", "max")]
    shown = Table("a worker", *counts, *(f"{of} {part}" for of, part in times), title=f"{name}: what moves, stop to go")
    for same in zip(*rounds, strict=True):
        spreads = [[step[of][part] for step in same if step[of]] for of, part in times]
        spans = [_number(statistics.median(values)) if values else "–" for values in spreads]
        shown.add_row(same[-1]["what"], *(str(same[-1][count]) for count in counts), *spans)
    console.print(shown)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.1f}"
