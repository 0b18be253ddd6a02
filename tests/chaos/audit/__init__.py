"""The audit: what the logs of a run hold against what they must hold, by code of its own.

Nothing here imports the agents or the engine. Figures and alerts are recounted from the raw topics; only where the
product's promise is "the fold of the logs in log order" the product's pure functions do the folding.
"""

from dataclasses import dataclass, field
from typing import Any

from streams.rules import Rules
from tests.chaos.audit import alerts, contacts, figures, hops, identity, logs, raw, signals, state
from tests.chaos.audit.logs import Difference, Logs


@dataclass
class Audit:
    """What was compared and what differed."""

    logs: Logs
    differences: list[Difference]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        return not self.differences


def examine(found: Logs, prefix: str, rules: Rules) -> Audit:
    """Everything that can be said of a run whose workers have stopped; differences in the order of the flow, so that
    the first one is where to look.
    """
    accounts = raw.judge(found)
    world = contacts.tell(accounts)
    # Poison is audited up to the fold of its customers; from there on it must not be seen in what others get.
    world.contacts = {name: contact for name, contact in world.contacts.items() if logs.POISON not in name}
    for contact in world.contacts.values():
        contact.facts += signals.judge(contact)
    others = found.healthy("contact.measurements", "alerts", "kpis", "queue.state", "defect.signals")
    tables = {hop: state.rows(found, hop) for hop in logs.HOPS}
    far = state.lines(tables["measure"])
    now = {line: min(each["sealed"] for (_, name), each in far.items() if name == line) for _, line in far}
    sums = {name: row for name, row in tables["measure"].items() if not any(word in name[2] for word in logs.POISONED)}
    by_lane = figures.lanes(world)
    differences = [
        *raw.check(found, accounts, prefix),
        *hops.check_identify(found, rules),
        *identity.check(accounts.accepted, tables["identify"]),
        *hops.check_customers(found, state.rows(found, "track"), rules),
        *figures.check_facts(others, world),
        *alerts.check(others, world, accounts.accepted, now),
        *signals.check(others, world, {line for (_, line), each in far.items() if line and each.get("ended")}),
        *state.check_sums(others, sums, by_lane),
        *state.check_legs(others, sums, world),
        *figures.check_readings(others, far, by_lane),
        *figures.check_queues(others, far, by_lane),
        *state.check_tables(found),
        *state.check_positions(found, tables, prefix),
    ]
    alarms = [rec.doc for rec in others.of("alerts")]
    return Audit(
        found,
        differences,
        {
            "input": accounts.input,
            "accepted": len(accounts.accepted),
            "dead_letters": len(accounts.refused),
            "duplicates": accounts.duplicates,
            "either": len(accounts.either),
            "markers": accounts.markers,
            "contacts": len(world.contacts),
            "facts": len(world.facts),
            "alerts": sum(each["status"] == "firing" for each in alarms),
            "alerts_withdrawn": sum(each["reason"] in ("withdrawn", "moved") for each in alarms),
            "signals": len(found.of("defect.signals")),
            "readings": len({rec.key for rec in found.of("kpis")}),
        },
    )
