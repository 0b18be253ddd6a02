"""The map: every topic, agent and table.

::

    contacts.<channel>  customers.profile  agents.state  alert.commands
          │ keyed by contact, customer, agent, alert
      [ingest]      seen, clocks ─────────────────────────────→ contacts.dead-letters (and from every agent)
          ↓ contact.normalised        keyed by contact
      [identify]    owners, watermarks ───────────────────────→ identity.changes
          ↓ contact.interactions      keyed by owner
      [track]       customers, watermarks ────────────────────→ journeys, segments, alerts
          ↓ contact.measurements      keyed by channel and queue
      [measure]     panes, days, legs, …, watermarks ─────────→ kpis, queue.state

An agent is one Faust agent over one inlet of the engine; the tables of task *n* live on partition *n* of the agent's
changelog.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import faust
from mode import ServiceT

from schemas.data import Channel
from streams.base.policy import Rules
from streams.engine import Inlet, Options, Processor, Source, Table, TableSpec, TaskInfo
from streams.engine.app import engine_app
from streams.kafka.connection import connection_of
from streams.kafka.upkeep import of_all
from streams.pipeline import identify, ingest, measure, track
from streams.pipeline.dead_letters import on_failure, on_row
from streams.settings import Settings
from streams.worker.features import features
from streams.worker.metrics import Metrics
from streams.worker.plugins import load_scorer
from streams.worker.storage import storage
from streams.worker.web import Web, WebOptions

CHANNELS: tuple[str, ...] = get_args(Channel)
INPUTS = (*(f"contacts.{channel}" for channel in CHANNELS), "customers.profile", "agents.state", "alert.commands")
CHANGELOGS = {
    "ingest": INPUTS,
    "identify": ("contact.normalised",),
    "track": ("contact.interactions",),
    "measure": ("contact.measurements",),
}
"""Agent → the topics it reads; its changelog has as many partitions as the widest of them."""
CONCURRENCY = 4
"""Batches of one agent at work at once, so that the commits of different partitions overlap."""
OUTPUTS = ("journeys", "segments", "kpis", "alerts", "identity.changes", "queue.state", "contacts.dead-letters")
BETWEEN = tuple(topic for topics in CHANGELOGS.values() for topic in topics if topic not in INPUTS)
"""What one agent writes and the next one reads."""


Factory = Callable[[TaskInfo, Mapping[str, Table[Any]]], Processor]


@dataclass
class Application:
    """A worker's parts, not yet started."""

    app: faust.App
    source: Source
    metrics: Metrics
    web: Web


def inlets(settings: Settings, rules: Rules, metrics: Metrics) -> list[Inlet]:
    """The four agents' inputs, tables and handlers."""

    def name(topic: str) -> str:
        return settings.topic_prefix + topic

    dead = name("contacts.dead-letters")
    parts: dict[str, tuple[Factory, tuple[TableSpec[Any], ...]]] = {
        "ingest": (
            ingest.factory(
                name,
                ingest.Means(
                    settings, load_scorer(settings.sentiment_scorer), metrics, rules.kpis.csat_scale, rules.nobody
                ),
            ),
            ingest.TABLES,
        ),
        "identify": (identify.factory(name, rules.tracking, metrics), identify.TABLES),
        "track": (track.factory(name, rules, metrics), track.TABLES),
        "measure": (measure.factory(name, rules.kpis, metrics), measure.TABLES),
    }
    return [
        Inlet(
            hop,
            tuple(name(topic) for topic in CHANGELOGS[hop]),
            processor,
            on_failure(dead, hop),
            tables,
            on_row(dead, settings.group),
        )
        for hop, (processor, tables) in parts.items()
    ]


def build(settings: Settings, rules: Rules) -> Application:
    """The application of one worker. Raises what a wrong setting or rule raises; nothing is connected yet."""
    metrics = Metrics([*(rule.name for rule in rules.wait), *(rule.name for rule in rules.sentiment)])
    parts = inlets(settings, rules, metrics)
    app, source = engine_app(
        settings.group,
        connection_of(settings),
        parts,
        Options(
            worker=settings.worker_name,
            static=settings.static_membership,
            commit_interval=settings.commit_interval_ms / 1000,
            max_records=settings.max_batch_records,
            fetch_max_wait_ms=settings.fetch_max_wait_ms,
            session_timeout_ms=settings.session_timeout_ms,
            storage=storage(settings),
            features=features(settings, rules, parts),
            demands=of_all(settings, CHANGELOGS),
        ),
        observer=metrics,
        outputs=[settings.topic_prefix + topic for topic in (*OUTPUTS, *BETWEEN)],
    )
    state_key = settings.state_key.get_secret_value() if settings.state_key else ""
    options = WebOptions(settings.web_host, settings.web_port, settings.ready_lag_records, state_key)
    web = Web(source, metrics, options)
    metrics.watch(source)

    async def work(batches: faust.StreamT) -> None:  # type: ignore[type-arg]
        async for batch in batches:
            await batch.process()

    for hop in CHANGELOGS:
        app.agent(source.channel(hop), name=hop, concurrency=CONCURRENCY)(work)

    boot = app.boot_strategy
    services = boot.server

    def with_web() -> Iterable[ServiceT]:
        return [web, *services()]

    boot.server = with_web  # type: ignore[method-assign]
    return Application(app, source, metrics, web)
