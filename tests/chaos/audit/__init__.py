"""The audit: what the logs of a run hold against what they must hold, by code of its own.

Nothing here imports the agents or the engine. Figures and alerts are recounted from the raw topics; only where the
product's promise is "the fold of the logs in log order" the product's pure functions do the folding.
"""

from dataclasses import dataclass, field
from typing import Any

from streams.rules import Rules
from tests.chaos.audit import (
    alerts,
    contacts,
    erasures,
    figures,
    handled,
    hops,
    identity,
    initiative,
    journey_counts,
    journey_records,
    journeys,
    logs,
    quality,
    raw,
    recommendations,
    signals,
    standings,
    state,
)
from tests.chaos.audit.logs import Difference, Logs

WITH_OWNERS = ("contact.normalised", "contact.interactions", "identity.changes")
"""What is recounted record by record; of the erased it depends on what came first."""


@dataclass
class Audit:
    """What was compared and what differed."""

    logs: Logs
    differences: list[Difference]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        return not self.differences


def examine(found: Logs, prefix: str, rules: Rules, customers: bool = True) -> Audit:
    """Everything that can be said of a run whose workers have stopped; differences in the order of the flow, so that
    the first one is where to look. ``customers``: their rows are told anew from the log, which takes most of the time.
    """
    accounts = raw.judge(found)
    of_raw, rest = [*raw.check(found, accounts, prefix)], found.healthy(*WITH_OWNERS, words=(logs.ERASED,))
    everything, accounts.accepted = accounts.accepted, [each for each in accounts.accepted if not erasures.is_of(each)]
    tables = {hop: state.rows(found, hop) for hop in logs.HOPS}
    far = state.lines(tables["measure"])
    now = {line: min(each["sealed"] for (_, name), each in far.items() if name == line) for _, line in far}
    world = contacts.tell(accounts, now.get("", 0))
    # Poison is audited up to the fold of its customers; from there on it must not be seen in what others get.
    world.contacts = {name: contact for name, contact in world.contacts.items() if logs.POISON not in name}
    for contact in world.contacts.values():
        contact.facts += signals.judge(contact)
    journey_counts.followed(world)
    others = found.healthy(
        "contact.measurements", "alerts", "alert.events", "kpis", "queue.state", "journey.events", "customer.quiet", "outreach",
        "defect.signals",
    ).healthy("journeys", "segments", "recommendations", words=(logs.POISON, logs.ERASED))  # fmt: skip
    sums = {name: row for name, row in tables["measure"].items() if not any(word in name[2] for word in logs.POISONED)}
    by_lane = figures.lanes(world, figures.told_together(others))
    differences = [
        *of_raw,
        *hops.check_identify(rest, rules, {name: contact.owner for name, contact in world.contacts.items()}),
        *identity.check(accounts.accepted, tables["identify"], rest),
        *(hops.check_customers(rest, state.rows(found, "track"), rules) if customers else ()),
        *figures.check_facts(others, world),
        *journey_counts.check(others, now),
        *journeys.check(others, world),
        *journey_records.check(others, world, now),
        *alerts.check(others, world, accounts.accepted, now),
        *handled.check(others, found, world, now),
        *initiative.check(others, accounts.accepted, rules),
        *standings.check(others, world),
        *recommendations.check(others, world),
        *(quality.check(rest, state.rows(found, "track")) if customers else ()),
        *quality.check_facts(others, now),
        *signals.check(others, world, {line for (_, line), each in far.items() if line and each.get("ended")}),
        *state.check_sums(others, sums, by_lane),
        *state.check_legs(others, sums, world),
        *figures.check_readings(others, far, by_lane),
        *figures.check_queues(others, far, by_lane),
        *erasures.check(found, tables, everything),
        *state.check_tables(found),
        *state.check_positions(found, tables, prefix),
    ]
    alarms = [alerts.flat(rec.doc) | {"because": rec.doc["because"]} for rec in others.of("alert.events")]
    return Audit(
        found,
        differences,
        {
            "input": accounts.input + len(everything) - len(accounts.accepted),
            "accepted": len(everything),
            "erased": len(found.of("privacy.proofs")),
            "dead_letters": len(accounts.refused),
            "duplicates": accounts.duplicates,
            "either": len(accounts.either),
            "markers": accounts.markers,
            "contacts": len(world.contacts),
            "facts": len(world.facts),
            "alerts": sum(each["because"] == "fired" for each in alarms),
            "alerts_withdrawn": sum(each["reason"] in ("withdrawn", "moved") for each in alarms),
            "steps": len(others.of("journey.events")),
            "journeys": len({rec.key for rec in others.of("journeys")}),
            "journeys_removed": sum(rec.value is None for rec in journey_records.newest(others).values()),
            "silences": sum(rec.doc["status"] == "quiet" for rec in others.of("customer.quiet")),
            "outreaches": sum(rec.doc["status"] == "send" for rec in others.of("outreach")),
            "recommendations": len(others.of("recommendations")),
            "qualities": len({rec.key for rec in found.of("contact.quality")}),
            "signals": len(found.of("defect.signals")),
            "readings": len({rec.key for rec in found.of("kpis")}),
        },
    )
