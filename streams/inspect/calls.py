"""A call log through the whole pipeline, and its figures read back from what came out."""

import dataclasses
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson

from schemas import routing
from streams.base.errors import UserError
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.kafka.drain import wait_drained
from streams.kafka.reading import read_to_end
from streams.local.processes import workers
from streams.local.text import Terminal
from streams.metrics.query import Figures, figures
from streams.replay.file import publish_log
from streams.replay.reader import CallLog
from streams.replay.refused import Door, Target, Verdict, positions, verdict
from streams.settings import Settings

DRAIN_SECONDS = 600.0
HIGH_TIERS = frozenset({"gold", "platinum"})


class CallsError(UserError):
    """The calls did not get through; the message says how far they came."""


@dataclass(frozen=True)
class Outputs:
    """What the output topics hold of one line."""

    figures: Figures
    left_out: dict[str, int]
    wait_alerts: int
    customers: int


async def read_outputs(settings: Settings, line: str, channel: str) -> Outputs:
    """Read the figures of a line back from the topics; nothing is taken from the file or from a worker."""
    connection, prefix = connection_of(settings), settings.topic_prefix
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    readings = [decode(r.value) async for r in read_to_end(connection, [prefix + "kpis"]) if line.encode() in r.value]
    alerts = set()
    async for record in read_to_end(connection, [prefix + "alert.events"]):
        alert = decode(record.value)["alert"]
        if alert["line"] == line and alert["kind"] == "waiting" and alert["subject"]["tier"] in HIGH_TIERS:
            alerts.add(alert["episode_id"])
    customers = set()
    async for record in read_to_end(connection, [prefix + "journeys"]):
        if record.value is None:
            continue
        journey = decode(record.value)
        if journey["line"] == line and journey["customer"].startswith("customer:"):
            customers.add(journey["customer"])
    left_out: dict[str, int] = {}
    async for record in read_to_end(connection, [prefix + routing.channels()[channel]]):
        if record.key == f"replay:{line}".encode():
            event = orjson.loads(record.value)
            if event["type"] == "replay.ended":
                left_out = event["data"]["counts"].get("left_out", {})
    return Outputs(figures(readings, line), left_out, len(alerts), len(customers))


def summary(outputs: Outputs, events_per_second: float) -> dict[str, float | int | None]:
    """The figures as `calls` prints them: rates in percent, times in seconds, both with two decimals."""
    found = outputs.figures
    longest = found.longest_wait_ms
    return {
        "agent": found.answered,
        "hang": found.abandoned,
        "phantom": outputs.left_out.get("phantom", 0),
        "offered": found.offered,
        "queued": found.legs_entered,
        "abandoned_of_offered": _percent(found.abandoned, found.offered),
        "abandoned_of_queued": _percent(found.legs_abandoned, found.legs_entered),
        "asa_all_s": _seconds(*found.asa_all),
        "asa_waited_s": _seconds(*found.asa_waited),
        "within_20s_of_offered": _percent(*found.in_time_of_offered),
        "within_20s_of_answered": _percent(*found.in_time_of_answered),
        "mean_service_s": _seconds(*found.talk),
        "longest_wait_s": None if longest is None else longest // 1000 if longest % 1000 == 0 else longest / 1000,
        "priority_wait_alerts": outputs.wait_alerts,
        "identified_customers": outputs.customers,
        "events_per_second": round(events_per_second),
    }


def account(log: CallLog, found: Verdict) -> dict[str, Any]:
    """Where the rows of the file are: rows = rows_published + left_out + unreadable. ``published`` and ``refused``
    count events; ``refusals`` say why workers refused some, with the line of an example.
    """
    return {
        "rows": log.rows,
        "rows_published": log.replayed,
        "left_out": dict(log.left_out),
        "unreadable": log.unreadable,
        "rows_refused": found.rows,
        "published": len(log.planned),
        "refused": found.events,
        "ids_twice": log.twice,
        "unreadable_rows": [dataclasses.asdict(fault) for fault in log.faults],
        "refusals": [dataclasses.asdict(refusal) for refusal in found.refusals],
    }


def _percent(numerator: int | None, denominator: int) -> float | None:
    return round(100 * (numerator or 0) / denominator, 2) if denominator else None


def _seconds(numerator: int | None, denominator: int) -> float | None:
    return round((numerator or 0) / denominator / 1000, 2) if denominator else None


@asynccontextmanager
async def temporary_topics(settings: Settings, keep: bool) -> AsyncIterator[None]:
    """The topics of a prefix of our own, removed again unless they are to be kept."""
    connection, wanted = connection_of(settings), topics.wanted(settings)
    await topics.create(connection, wanted)
    try:
        yield
    finally:
        if not keep:
            await topics.delete(connection, [topic.name for topic in wanted])


def nothing(log: CallLog) -> dict[str, Any]:
    """The figures of a log that holds no event."""
    return summary(Outputs(figures([], log.replay_id), dict(log.left_out), 0, 0), 0) | account(log, Verdict())


async def run(
    log: CallLog, settings: Settings, count: int, keep: bool, console: Terminal
) -> tuple[dict[str, Any], Verdict]:
    """Topics, workers, the replay at full speed, the wait until all is worked off; the figures, and what was refused.
    Raises `CallsError`.
    """
    logs = Path(tempfile.mkdtemp(prefix="contact-streams-calls-"))
    console.note(f"{count} worker{'s' if count > 1 else ''} starting; logs in {logs}")
    async with temporary_topics(settings, keep), workers(settings, count, logs):
        started = time.perf_counter()
        target = Target(connection_of(settings), settings.topic_prefix, settings.group)
        begins = await positions(target, [routing.channels()[log.channel]])
        report = await publish_log(log, log.replay_id, None, target, console)
        with console.status("working off …") as status:
            done = await wait_drained(
                settings, DRAIN_SECONDS, lambda stage, left: status.update(f"{stage}: {left:,} records to go")
            )
        if not done:
            raise CallsError(f"the pipeline had not worked off everything after {DRAIN_SECONDS:.0f} s; see {logs}")
        seconds = time.perf_counter() - started
        outputs = await read_outputs(settings, log.replay_id, log.channel)
        async with Door(target, log.replay_id, begins, everything=True) as door:
            found = verdict(log, await door.refused())
    return summary(outputs, report.published / seconds) | account(log, found), found
