"""The map: every topic, agent and table.

::

    contacts.<channel>  customers.profile  customers.events  agents.state  identity.commands
          │ alert.commands  alert.silences  alert.rules;  keyed by contact, customer, agent, identifier, …
      [ingest]      seen, clocks, pulses, ruling ───────────────→ contacts.dead-letters (and from every agent)
          ↓ contact.normalised        keyed by contact; identity.links ↺ by identifier, of identify alone
      [identify]    owners, nodes, profiles, … ───────────────→ identity.changes (and agents' states to [measure])
          ↓ contact.interactions      keyed by owner; identity.links ↑ from track, of the erased
      [track]       customers, … ─────────────→ journeys, journey.events, segments, recommendations, outreach,
          │                                     contact.quality, customer.quiet, privacy.proofs
          ↓ contact.measurements      keyed by channel and queue; judged contacts by product or topic
      [measure]     panes, days, legs, … ─────────────────────→ kpis, queue.state, defect.signals
          │                             from ingest, track and measure, one partition:
          ↓ alert.conditions            keyed by fingerprint, alert, silence
      [alert]       standings, silences, caps, … ─────────────→ alerts, alert.events

An agent is one Faust agent over one inlet of the engine; the tables of task *n* live on partition *n* of the agent's
changelog. All but ingest also have watermarks and behind. Who reads and writes which topic is said in the topics' YAML
(``schemas.flow``); here each agent gets its handler and tables.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from schemas import flow
from streams.alerts.hearing import places
from streams.base.times import DAY_MS, HOUR_MS, SECOND_MS
from streams.engine import Inlet, Processor, Table, TaskInfo
from streams.intake.behaviours import Detector
from streams.pipeline.alert import Alerting, AlertMeans
from streams.pipeline.checks import Door
from streams.pipeline.dead_letters import on_failure, on_row
from streams.pipeline.erasing import Privacy
from streams.pipeline.identify import Identify
from streams.pipeline.ingest import Ingest
from streams.pipeline.judging import Judging, Passing
from streams.pipeline.means import Means
from streams.pipeline.measure import Measure, MeasureRules
from streams.pipeline.notes import Notes
from streams.pipeline.owned import Trust
from streams.pipeline.tables import TABLES
from streams.pipeline.track import Track
from streams.rules import Rules
from streams.sentiment.scoring import Scorer
from streams.settings import Settings


def inlets(
    settings: Settings,
    rules: Rules,
    notes: Notes,
    scorer: Scorer | None,
    detector: Detector | None = None,
    *,
    judging: bool = False,
) -> list[Inlet]:
    """The five agents' inputs, tables and handlers. ``detector``: reads agents' texts; None = the phrases of the rules
    do. ``judging``: nothing comes out but alerts about contacts, customers and journeys.
    """

    def name(topic: str) -> str:
        return settings.topic_prefix + topic

    dead = name("contacts.dead-letters")
    key = None if settings.erasure_key is None else settings.erasure_key.get_secret_value().encode()
    privacy = Privacy(key, settings.nothing_left_ms)
    trust = Trust(rules.customers.contacts, rules.identity, key, rules.customers.groups)
    alerts = rules.customers.alerts
    handled = AlertMeans(alerts, rules.customers.reader, places(rules.kpis.hours, rules.kpis.time_zone))
    measured = MeasureRules(rules.kpis, rules.signals, alerts, rules.customers.reader)
    means = _means(settings, rules, notes, scorer, detector or rules.behaviours.of)
    agents: dict[str, Callable[[TaskInfo, Mapping[str, Table[Any]]], Processor]] = {
        "ingest": partial(Ingest, name=name, means=means),
        "identify": partial(Identify, name=name, rules=trust, notes=notes),
        "track": partial(Track, name=name, rules=rules.customers, notes=notes, privacy=privacy),
        "measure": partial(Measure, name=name, rules=measured, notes=notes),
        "alert": partial(Alerting, name=name, means=handled, notes=notes),
    }
    if judging:
        customers = rules.customers.judging()
        agents["track"] = partial(Judging, name=name, rules=customers, notes=notes, privacy=privacy)
        agents["measure"] = partial(Passing, name=name)
    return [
        Inlet(
            stage,
            tuple(name(topic) for topic in flow.inputs(stage)),
            agents[stage],
            on_failure(dead, stage),
            TABLES[stage],
            on_row(dead, settings.group),
        )
        for stage in flow.stages()
    ]


def _means(settings: Settings, rules: Rules, notes: Notes, scorer: Scorer | None, detector: Detector) -> Means:
    return Means(
        Door(
            settings.topic_prefix,
            settings.max_event_bytes,
            int(settings.max_age_h * HOUR_MS),
            int(settings.future_tolerance_s * SECOND_MS),
            rules.kpis.csat.scale,
            rules.kpis.ces.scale,
            tuple(rules.tiers),
            rules.customers.reader,
        ),
        notes,
        scorer,
        rules.intents,
        detector,
        rules.deadlines,
        rules.kpis.zone,
        rules.nobody,
        settings.phone_region,
        int(settings.dedup_horizon_h * HOUR_MS),
        settings.out_of_orderness_ms,
        settings.max_replays,
        int(settings.replay_life_d * DAY_MS),
        settings.max_undeclared_events,
        settings.erasure_key is not None,
        int(settings.time_hold_s * SECOND_MS),
    )
