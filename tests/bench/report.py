"""Medians, ratios to the peers, the table and the JSON."""

import math
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.table import Table

from tests.bench.load import Answers
from tests.bench.measure import Throughput
from tests.bench.systems import System

PERCENTILES = (50, 99)


@dataclass
class Result:
    """All runs of one system. ``failure`` says why there are none, or not all."""

    system: System
    events: int
    runs: list[Throughput] = field(default_factory=list)
    latencies: list[Answers] = field(default_factory=list)
    failure: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Medians; CPU in seconds per million events, latency in milliseconds."""
        found: dict[str, Any] = {
            "events": self.events,
            "exactly_once": self.system.exactly_once,
            "rounds": len(self.runs),
            "exact": bool(self.runs) and all(run.difference is None for run in self.runs),
            "difference": next((run.difference for run in self.runs if run.difference), None),
            "failure": self.failure,
        }
        for name in ("events_per_second", "cpu", "broker_cpu") if self.runs else ():
            values = [value for run in self.runs if (value := getattr(run.figures, name)) is not None]
            if not values:
                continue
            label = name if name == "events_per_second" else f"{name}_s_per_million"
            middle = statistics.median(values)
            found[label] = {"median": rounded(middle), "min": rounded(min(values)), "max": rounded(max(values))}
        return found | self._latency()

    def _latency(self) -> dict[str, Any]:
        if not self.latencies:
            return {}
        found: dict[str, Any] = {"unanswered": sum(each.measured - len(each.latencies) for each in self.latencies)}
        for percent in PERCENTILES:
            each = [percentile(answers.latencies, percent) * 1000 for answers in self.latencies if answers.latencies]
            found[f"latency_p{percent}_ms"] = (
                {"median": rounded(statistics.median(each)), "min": rounded(min(each)), "max": rounded(max(each))}
                if each
                else None
            )
        return found


def percentile(values: list[float], percent: int) -> float:
    """The smallest value that ``percent`` of all do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def rounded(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")


@dataclass(frozen=True)
class Target:
    """A ratio of two systems' medians: at least, or at most, ``limit``."""

    figure: str
    ours: str
    peer: str
    limit: float
    at_least: bool


def _against_streams(peer: str) -> list[Target]:
    return [
        Target("events_per_second", "ours-1", f"{peer}-1", 2.0, at_least=True),
        Target("events_per_second", "ours-2", f"{peer}-2", 2.5, at_least=True),
        Target("cpu_s_per_million", "ours-1", f"{peer}-1", 0.35, at_least=False),
        Target("broker_cpu_s_per_million", "ours-1", f"{peer}-1", 0.5, at_least=False),
        Target("latency_p50_ms", "ours-1", f"{peer}-1", 0.5, at_least=False),
        Target("latency_p99_ms", "ours-1", f"{peer}-1", 0.5, at_least=False),
    ]


TARGETS = [
    *_against_streams("kafka-streams"),
    *_against_streams("kafka-streams-memory"),
    Target("events_per_second", "ours-1", "quix-1", 6.0, at_least=True),
    Target("events_per_second", "ours-1", "faust-stock-1", 40.0, at_least=True),
]


def ratios(figures: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every target whose two systems were measured."""
    found = []
    for target in TARGETS:
        ours = figures.get(target.ours, {}).get(target.figure)
        peer = figures.get(target.peer, {}).get(target.figure)
        if ours and peer and peer["median"]:
            ratio = ours["median"] / peer["median"]
            found.append(
                {
                    "figure": target.figure,
                    "ratio_of": f"{target.ours} / {target.peer}",
                    "events": [figures[target.ours]["events"], figures[target.peer]["events"]],
                    "ratio": rounded(ratio),
                    "target": f"{'>=' if target.at_least else '<='} {target.limit}",
                    "met": ratio >= target.limit if target.at_least else ratio <= target.limit,
                }
            )
    return found


def machine() -> dict[str, Any]:
    """What the figures were made on."""
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return {
        "cpu": next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "java": java.splitlines()[0] if java else None,
        "load_before": os.getloadavg()[0],
    }


def table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row per system; the range in brackets."""
    names = ("events/s", "CPU s/M", "broker CPU s/M", "p50 ms", "p99 ms")
    made = Table("system", "events", *names, "exact", title="reference workload W, medians (least – most)")
    labels = ("events_per_second", "cpu_s_per_million", "broker_cpu_s_per_million", "latency_p50_ms", "latency_p99_ms")
    for name, found in figures.items():
        cells = [_cell(found.get(label)) for label in labels]
        verdict = "no run" if not found["rounds"] else "yes" if found["exact"] else "NO"
        made.add_row(name, f"{found['events']:,}", *cells, verdict)
    return made


def notes(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the table has no room for."""
    found = []
    for name, figure in figures.items():
        found += [f"{name}: {figure[label]}" for label in ("failure", "difference") if figure[label]]
        if figure.get("unanswered"):
            found.append(f"{name}: {figure['unanswered']} events of the latency run were not answered")
    return found


def _cell(found: Mapping[str, float] | None) -> str:
    if not found:
        return "–"
    digits = 0 if found["median"] >= 1000 else 1
    middle, least, most = (f"{found[name]:,.{digits}f}" for name in ("median", "min", "max"))
    return middle if least == most else f"{middle} ({least} – {most})"
