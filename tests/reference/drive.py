"""A history through the offline deployment, as live events or as a replay, and what its topics hold at the end."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from streams.engine.offline import Offline
from tests.reference.events import DAY, HOUR, History, S, moment, rfc
from tests.reference.model import Figure, Ratio
from tests.support.alerting import told
from tests.support.journeys import current
from tests.support.offline import NOW, deployment, settle

LINE = "line-1"


@dataclass
class Outcome:
    """Newest records; ``line`` is empty where they were live."""

    line: str
    days: dict[tuple[int, *Figure], Ratio] = field(default_factory=dict)
    journeys: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of each customer the current one."""
    told: list[dict[str, Any]] = field(default_factory=list)
    """The journeys that stand."""
    said: list[dict[str, Any]] = field(default_factory=list)
    """Every record of a journey, in order."""
    steps: list[dict[str, Any]] = field(default_factory=list)
    """Every step of journeys, in order."""
    alerts: list[dict[str, Any]] = field(default_factory=list)
    queues: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)


def replayed(
    told: History, paced: bool = False, line: str = LINE, run: Offline | None = None, restart: int = 0
) -> Outcome:
    """As a replay. ``paced``: time comes along with the events; else all of them lie there before anybody reads.
    ``restart``: every task begins anew from its changelog after each so many events.
    """
    run = run or deployment()
    topics = sorted({e.topic for e in told.events})
    now = NOW

    def mark(kind: str, at: int) -> None:
        for topic in topics:
            made = {
                "specversion": "1.0", "id": f"{line}:{kind}:{at}:{topic}", "source": "/centre", "type": f"replay.{kind}",
                "time": rfc(at), "data": {"replay_id": line, "topics": topics}, "replayid": line,
            }  # fmt: skip
            run.publish(topic, f"replay:{line}".encode(), json.dumps(made).encode(), now)

    mark("started", min(e.at for e in told.events) - 1)
    reached = 0
    yet = [e.at for e in told.events]
    for number, event in enumerate(told.events):
        if paced and event.arrives > reached + S:
            mark("progressed", min(*yet[number:], event.arrives) - 1)
            now += 1 * S
            run.run(now)
            reached = event.arrives
        run.publish(event.topic, event.key, event.value(line), now)
        if restart and number % restart == restart - 1:
            run.run(now)
            run.restart()
    if paced:
        run.run(now)
        for at in range(reached + HOUR // 2, told.end, HOUR // 2):
            mark("progressed", at)
            run.run(now)
    mark("ended", told.end)
    settle(run, now)
    return read(run, line)


def live(told: History) -> Outcome:
    """As live events, each at the moment of its arrival; midnight after the end comes too."""
    run = deployment()
    now = told.events[0].arrives - 10 * S
    for second in range(3):
        run.run(now + second * S)
    for event in told.events:
        if event.arrives > now + 3 * S:
            now = event.arrives - 1
            run.run(now)
        now = max(now, event.arrives)
        run.publish(event.topic, event.key, event.value(), now)
        run.run(now)
    now = max(now, told.end + 3 * S)
    settle(run, now, step=0)
    return read(run, "")


def read(run: Offline, line: str) -> Outcome:
    found = Outcome(line)
    readings: dict[str, dict[str, Any]] = {}
    for record in of(run, "kpis", line):
        if record["window"]["length_ms"] == DAY:
            key = "|".join([*record["dimensions"].values(), record["window"]["start"]])
            if record["revision"] >= readings.get(key, record)["revision"]:
                readings[key] = record
    for record in readings.values():
        where, day = record["dimensions"], moment(record["window"]["start"])
        for one in record["readings"]:
            name = f"{one['kpi']}.{one['variant']}"
            plain = one["unit"] == "count" or one["kpi"] == "longest_wait"
            above = one["value"] or 0 if one["numerator"] is None else one["numerator"]
            ratio = (above, 0 if plain else one["denominator"])
            if any(ratio):
                found.days[day, where["channel"], where["queue"], where["tier"], name] = ratio
    found.said = of(run, "journeys", line)
    found.told, found.steps = standing(run, "journeys", line), of(run, "journey.events", line)
    found.journeys = {record["customer"]: record for record in current(found.told).values()}
    newest: dict[str, dict[str, Any]] = {}
    for record in map(told, of(run, "alert.events", line)):
        newest[record["alert_id"]] = record
    found.alerts = list(newest.values())
    for record in of(run, "queue.state", line):
        found.queues[record["channel"], record["queue"]] = record
    found.letters = [json.loads(r.value) for r in run.on("contacts.dead-letters") if r.value]
    return found


def of(run: Offline, topic: str, line: str) -> list[dict[str, Any]]:
    values = [json.loads(record.value) for record in run.on(topic) if record.value is not None]
    return [value for value in values if value["line"] == line]


def standing(run: Offline, topic: str, line: str) -> list[dict[str, Any]]:
    """What is left when each key has its newest record alone."""
    newest = {record.key: record.value for record in run.on(topic)}
    values = [json.loads(value) for value in newest.values() if value is not None]
    return [value for value in values if value["line"] == line]


def total(days: dict[tuple[int, *Figure], Ratio]) -> dict[Figure, Ratio]:
    """Over all days; of the longest waits the longest."""
    made: dict[Figure, Ratio] = defaultdict(lambda: (0, 0))
    for (_, *figure), (top, bottom) in days.items():
        name = tuple(figure)
        had = made[name]  # type: ignore[index]
        both = (max(had[0], top), 0) if name[3].startswith("longest_wait") else (had[0] + top, had[1] + bottom)
        made[name] = both  # type: ignore[index]
    return dict(made)
