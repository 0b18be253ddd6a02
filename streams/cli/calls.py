"""``contact-streams calls``: a call log through the whole pipeline, and its figures read back from what came out."""

import asyncio
import dataclasses
import json
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import orjson
import typer

from schemas import routing
from streams import settings as settings_module
from streams.base.errors import OpsError
from streams.cli.replay import FAULTY, Tolerate, is_faulty, publish_log
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.kafka.drain import wait_drained
from streams.kafka.reading import read_to_end
from streams.local.bootstrap import resolve_bootstrap
from streams.local.processes import WorkerFailed, workers
from streams.local.text import Terminal, echo
from streams.metrics.query import Figures, figures
from streams.replay.console import show_read, show_verdict
from streams.replay.errors import ReplayError
from streams.replay.mapping import load_mapping
from streams.replay.reader import CallLog, read_log
from streams.replay.refused import Door, Target, Verdict, positions, verdict
from streams.settings import Settings, SettingsError

DRAIN_SECONDS = 600.0
HIGH_TIERS = frozenset({"gold", "platinum"})


class CallsError(OpsError):
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
    async for record in read_to_end(connection, [prefix + "alerts"]):
        alert = decode(record.value)
        if alert["line"] == line and alert["kind"] == "wait" and alert["tier"] in HIGH_TIERS:
            alerts.add(alert["alert_id"])
    customers = set()
    async for record in read_to_end(connection, [prefix + "journeys"]):
        if record.value is None:
            continue
        journey = decode(record.value)
        if journey["line"] == line and journey["customer"].startswith("customer:"):
            customers.add(journey["customer"])
    left_out: dict[str, int] = {}
    async for record in read_to_end(connection, [f"{prefix}contacts.{channel}"]):
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


async def run(
    log: CallLog, settings: Settings, count: int, keep: bool, console: Terminal
) -> tuple[dict[str, Any], Verdict]:
    """Topics, workers, the replay at full speed, the wait until all is worked off; the figures, and what was refused.
    Raises `CallsError`.
    """
    logs = Path(tempfile.mkdtemp(prefix="contact-streams-calls-"))
    _note(console, f"{count} worker{'s' if count > 1 else ''} starting; logs in {logs}")
    async with temporary_topics(settings, keep), workers(settings, count, logs):
        started = time.perf_counter()
        target = Target(connection_of(settings), settings.topic_prefix, settings.group)
        begins = await positions(target, [routing.channels()[log.channel]])
        report = await publish_log(log, log.replay_id, None, target, console)
        with console.status("working off …") as status:
            done = await wait_drained(
                settings, DRAIN_SECONDS, lambda hop, left: status.update(f"{hop}: {left:,} records to go")
            )
        if not done:
            raise CallsError(f"the pipeline had not worked off everything after {DRAIN_SECONDS:.0f} s; see {logs}")
        seconds = time.perf_counter() - started
        outputs = await read_outputs(settings, log.replay_id, log.channel)
        async with Door(target, log.replay_id, begins, everything=True) as door:
            found = verdict(log, await door.refused())
    return summary(outputs, report.published / seconds) | account(log, found), found


def _note(console: Terminal, text: str) -> None:
    console.print(text, style="grey62", highlight=False, soft_wrap=True)


@contextmanager
def _broker(settings: Settings, keep: bool, console: Terminal) -> Iterator[Settings]:
    """The settings with a broker that answers; one that was started for this is stopped again unless kept."""
    if settings.bootstrap_servers:
        yield settings
        return
    broker = resolve_bootstrap(say=lambda text: _note(console, text))
    try:
        yield settings.model_copy(update={"bootstrap_servers": broker.servers})
    finally:
        if broker.started is not None and not keep:
            broker.started.stop()


def calls(
    file: Annotated[Path, typer.Option("--file", help="Call log: CSV or TSV with a header line.")],
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 1,
    mapping: Annotated[str, typer.Option(help="Mapping: a YAML file, or a shipped one.")] = "bank.yaml",
    keep: Annotated[bool, typer.Option("--keep", help="Keep the topics, to look at what came out.")] = False,
    tolerate: Tolerate = 0,
) -> None:
    """Send a call log through the whole pipeline and print its figures, read back from the output topics, as JSON.

    Starts a broker when there is none. Topics have a prefix of their own, so that nothing else is touched. Ends with 2
    when rows were unreadable, or refused by the workers.

    [bold]Example[/]: contact-streams calls --file calls.tsv --workers 2
    """
    console = Terminal(stderr=True)
    try:
        read = load_mapping(mapping)
        log = read_log(file, read)
        show_read(console, log)
        settings = settings_module.load(topic_prefix=f"calls-{uuid.uuid4().hex[:6]}.", time_zone=read.time_zone)
        if log.first_time is None:
            nothing = Outputs(figures([], log.replay_id), dict(log.left_out), 0, 0)
            counted, found = summary(nothing, 0) | account(log, Verdict()), Verdict()
        else:
            with _broker(settings, keep, console) as settings:
                counted, found = asyncio.run(run(log, settings, workers, keep, console))
    except (OpsError, ReplayError, SettingsError, topics.TopicsError, WorkerFailed, LookupError) as error:
        console.fail(f"calls: {error}")
        raise typer.Exit(1) from None
    if keep:
        console.print(
            f"topics are kept under the prefix {settings.topic_prefix}; for example:\n"
            f"  CONTACT_STREAMS_TOPIC_PREFIX={settings.topic_prefix} CONTACT_STREAMS_TIME_ZONE={read.time_zone} "
            "contact-streams kpis --from … --to … --by queue,tier",
            highlight=False,
            soft_wrap=True,
        )
    show_verdict(console, log, found)
    echo(json.dumps(counted))
    if is_faulty(log, found, tolerate):
        raise typer.Exit(FAULTY)
