"""The map: every topic, agent and table.

::

    contacts.<channel>  customers.profile  agents.state  alert.commands
          │ keyed by contact, customer, agent, alert
      [ingest]      seen, clocks ─────────────────────────────→ contacts.dead-letters (and from every agent)
          ↓ contact.normalised        keyed by contact
      [identify]    owners, crowds ───────────────────────────→ identity.changes (and agents' states to [measure])
          ↓ contact.interactions      keyed by owner
      [track]       customers, firing ────────────────────────→ journeys, segments, alerts
          ↓ contact.measurements      keyed by channel and queue
      [measure]     panes, days, legs, … ─────────────────────→ kpis, queue.state

An agent is one Faust agent over one inlet of the engine; the tables of task *n* live on partition *n* of the agent's
changelog. All but ingest also have watermarks and behind. Who reads and writes which topic is said in the topics' YAML
(``schemas.flow``); here each agent gets its handler and tables.
"""

from collections.abc import Callable, Mapping
from typing import Any

from schemas import flow
from streams.engine import Inlet, Processor, Table, TableSpec, TaskInfo
from streams.pipeline import identify, ingest, measure, track
from streams.pipeline.dead_letters import on_failure, on_row
from streams.pipeline.notes import Notes
from streams.rules import Rules
from streams.sentiment.lexicon import Scorer
from streams.settings import Settings

Factory = Callable[[TaskInfo, Mapping[str, Table[Any]]], Processor]


def inlets(settings: Settings, rules: Rules, notes: Notes, scorer: Scorer | None) -> list[Inlet]:
    """The four agents' inputs, tables and handlers."""

    def name(topic: str) -> str:
        return settings.topic_prefix + topic

    dead = name("contacts.dead-letters")
    parts: dict[str, tuple[Factory, tuple[TableSpec[Any], ...]]] = {
        "ingest": (
            ingest.factory(name, ingest.Means(settings, scorer, notes, rules.kpis.csat_scale, rules.nobody)),
            ingest.TABLES,
        ),
        "identify": (identify.factory(name, rules.customers.contacts, notes), identify.TABLES),
        "track": (track.factory(name, rules.customers, notes), track.TABLES),
        "measure": (measure.factory(name, rules.kpis, notes), measure.TABLES),
    }
    return [
        Inlet(
            stage,
            tuple(name(topic) for topic in flow.inputs(stage)),
            processor,
            on_failure(dead, stage),
            tables,
            on_row(dead, settings.group),
        )
        for stage, (processor, tables) in ((stage, parts[stage]) for stage in flow.stages())
    ]
