"""A worker joins, leaves, is killed: what moves, and how long each partition stands still.

Every commit of a task leaves a position in its changelog. Under a steady load these are a tenth of a second apart; the
longest time between two of them is the time from stop to go.
"""

import asyncio
import signal
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import orjson
import psutil

from streams.engine import changelog
from streams.engine.assignor import place
from streams.kafka.connection import connection_of
from streams.kafka.reading import read_to_end
from streams.settings import Settings
from tests.bench.product import rig
from tests.bench.product.run import Plan, Scene, once

BEFORE_S, AFTER_S = 15.0, 15.0
"""Quiet time before the first and after each change, s; the longest session time-out is shorter."""

QUIET_S = 5.0
"""Just before a change, for comparison: the longest time between two commits with nothing going on."""

TaskKey = tuple[str, int]


class Step(NamedTuple):
    """A change of the group at ``at`` (ms), and the workers before and after it."""

    what: str
    at: float
    before: tuple[str, ...]
    after: tuple[str, ...]


async def run(workers: int, partitions: int, customers: int, rate: float, store: str | None) -> dict[str, Any]:
    """All three changes under a live load; every figure is checked in the end."""
    plan = Plan(
        round(rate * (BEFORE_S + 4 * AFTER_S)), customers, True, workers, partitions, rate, store,
        settings={"session_timeout_ms": 6000},
    )  # fmt: skip

    async def during(scene: Scene) -> dict[str, Any]:
        steps = await _change(scene)
        if scene.publishing is not None:
            await scene.publishing
        await asyncio.sleep(1)
        commits = await _commits(scene.settings)
        restored = _restored(scene)
        ends = [*(step.at for step in steps[1:]), time.time() * 1000]
        return {
            "steps": [_told(step, end, partitions, commits, restored) for step, end in zip(steps, ends, strict=True)]
        }

    found = await once(plan, during)
    del found["hops"]  # the workers that are gone have taken their counters with them
    return found


async def _change(scene: Scene) -> list[Step]:
    names = tuple(f"worker-{number}" for number in range(1, len(scene.workers) + 1))
    more = f"worker-{len(names) + 1}"
    await asyncio.sleep(BEFORE_S)
    steps = [Step("joins", time.time() * 1000, names, (*names, more))]
    joined = await rig.start(scene.settings, more, scene.logs)
    scene.workers.append(joined)
    scene.cpu.processes.append(psutil.Process(joined.process.pid))
    await joined.wait_ready()
    await asyncio.sleep(AFTER_S)
    steps.append(Step("leaves (SIGTERM)", time.time() * 1000, (*names, more), names))
    await joined.stop()
    await asyncio.sleep(AFTER_S)
    steps.append(Step("is killed (SIGKILL)", time.time() * 1000, names, names[:-1]))
    await scene.workers[len(names) - 1].stop(signal.SIGKILL)
    await asyncio.sleep(AFTER_S)
    return steps


async def _commits(settings: Settings) -> dict[TaskKey, list[int]]:
    """When each task committed, ms."""
    found: dict[TaskKey, list[int]] = defaultdict(list)
    for hop in rig.HOPS:
        async for record in read_to_end(connection_of(settings), [f"{settings.group}-{hop}-changelog"]):
            if record.key == changelog.POSITION:
                found[hop, record.partition].append(record.timestamp)
    return {task: sorted(times) for task, times in found.items()}


def _restored(scene: Scene) -> list[tuple[float, TaskKey]]:
    """Every restore the workers' logs tell of: when (ms), and of which task."""
    found = []
    for file in scene.logs.glob("*.log"):
        for line in file.read_text(errors="replace").splitlines():
            entry = orjson.loads(line) if line.startswith("{") else {"event": ""}
            name, _, rest = str(entry["event"]).partition(" ")
            hop, _, partition = name.rpartition("-")
            if hop in rig.HOPS and rest.startswith("restored"):
                found.append((datetime.fromisoformat(entry["timestamp"]).timestamp() * 1000, (hop, int(partition))))
    return found


def moves(step: Step, partitions: int) -> tuple[set[TaskKey], int]:
    """The tasks that change their owner, and the fewest that must for every worker to have its share of every hop."""
    inlets = dict.fromkeys(rig.HOPS, partitions)
    before, after = place(inlets, step.before), place(inlets, step.after)
    gone = set(step.before) - set(step.after)
    if gone:
        least = sum(owner in gone for owner in before.values())
    else:
        least = len(rig.HOPS) * (partitions // len(step.after)) * len(set(step.after) - set(step.before))
    return {task for task in after if after[task] != before[task]}, least


def longest_gap(times: list[int], begin: float, end: float) -> int:
    """The longest time without a commit that was over inside the span, ms."""
    return max((b - a for a, b in pairwise(times) if begin < b <= end), default=0)


def _told(
    step: Step, end: float, partitions: int, commits: dict[TaskKey, list[int]], restores: list[tuple[float, TaskKey]]
) -> dict[str, Any]:
    moved, least = moves(step, partitions)
    restored = {task for at, task in restores if step.at <= at < end}
    gaps = {task: longest_gap(times, step.at, end) for task, times in commits.items()}
    quiet = [longest_gap(times, step.at - QUIET_S * 1000, step.at) for times in commits.values()]
    return {
        "what": step.what,
        "tasks": len(rig.HOPS) * partitions,
        "moved": len(moved),
        "least": least,
        "restored": len(restored),
        "kept_restored": len(restored - moved),
        "quiet_ms": _spread(quiet),
        "moved_ms": _spread(gaps[task] for task in moved if task in gaps),
        "kept_ms": _spread(gap for task, gap in gaps.items() if task not in moved),
    }


def _spread(values: Iterable[int]) -> dict[str, float]:
    found = sorted(values)
    return {"median": statistics.median(found), "max": found[-1]} if found else {}
