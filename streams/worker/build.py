"""A worker's parts, put together from the settings and the rules; nothing is connected yet."""

from dataclasses import dataclass
from functools import partial

import faust

from schemas import flow
from streams import rules
from streams.app import inlets
from streams.engine import Options, Source
from streams.engine.app import engine_app
from streams.kafka.connection import connection_of
from streams.kafka.upkeep import of_all
from streams.rules import Rules
from streams.settings import Settings
from streams.worker.features import features
from streams.worker.guarded import GuardedDetector
from streams.worker.metrics import Metrics
from streams.worker.plugins import load_detector, load_scorer
from streams.worker.storage import storage
from streams.worker.web import Web, WebOptions

CONCURRENCY = 4
"""Batches of one agent at work at once, so that the commits of different partitions overlap."""


@dataclass
class Application:
    """A worker's parts, not yet started."""

    app: faust.App
    source: Source
    metrics: Metrics
    web: Web


def check(settings: Settings) -> None:
    """Raises what a wrong setting or rule raises, before a broker is asked for."""
    rules.of(settings)
    load_scorer(settings.sentiment_scorer, model=settings.sentiment_model)
    load_detector(settings.behaviour_detector)
    storage(settings)


def build(settings: Settings, decided: Rules, *, applied: bool = False) -> Application:
    """The application of one worker; ``applied``: other alert rules than those of its file are in force. Raises what a
    wrong setting or rule raises; nothing is connected yet.
    """
    metrics = Metrics(decided.customers.alerts.severities, [rule.name for rule in decided.customers.outreach.rules])
    scorer = load_scorer(
        settings.sentiment_scorer, partial(metrics.plugin_failed, "sentiment"), settings.sentiment_model
    )
    plugin = load_detector(settings.behaviour_detector)
    detector = plugin and GuardedDetector(decided.behaviours, plugin, partial(metrics.plugin_failed, "behaviours"))
    parts = inlets(settings, decided, metrics, scorer, detector)
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
            features=features(settings, decided, parts, applied=applied),
            demands=of_all(settings),
        ),
        observer=metrics,
        outputs=[settings.topic_prefix + topic for topic in (*flow.published(), *flow.between())],
    )
    state_key = settings.state_key.get_secret_value() if settings.state_key else ""
    options = WebOptions(settings.web_host, settings.web_port, settings.ready_lag_records, state_key)
    web = Web(source, metrics, options)
    metrics.watch(source)

    async def work(batches: faust.StreamT) -> None:  # type: ignore[type-arg]
        async for batch in batches:
            await batch.process()

    for stage in flow.stages():
        app.agent(source.channel(stage), name=stage, concurrency=CONCURRENCY)(work)

    app.beside.append(web)
    return Application(app, source, metrics, web)
