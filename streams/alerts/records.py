"""Alerts as they are published: `schemas.alerts`."""

from typing import Any

from msgspec.structs import asdict

from streams.alerts.handling import Handling
from streams.alerts.machine import ACTIVE, Standing, Step
from streams.base.times import iso

EVIDENCE = 10
"""Event ids that are told, at most."""


def alert(known: Standing, rule: Handling) -> dict[str, Any]:
    """How it stands: the record of ``alerts``."""
    condition = known.condition
    subject = asdict(condition.subject)
    subject["contact_id"], subject["journey_id"] = subject.pop("contact"), subject.pop("journey")
    return {
        "fingerprint": condition.fingerprint,
        "episode_id": condition.episode,
        "rule": condition.rule,
        "rule_version": condition.version,
        "kind": condition.what,
        "state": known.state,
        "severity": known.severity,
        "subject": subject,
        "value": condition.value,
        "limit": condition.limit,
        "clear_limit": condition.clear,
        "unit": condition.unit,
        "since": iso(condition.since),
        "fired_at": _iso(known.fired),
        "resolved_at": _iso(known.resolved),
        "because": known.because,
        "acknowledged_by": known.acknowledged_by,
        "acknowledged_at": _iso(known.acknowledged_at),
        "assigned_to": known.assigned_to,
        "level": known.level,
        "silenced_by": known.silenced_by if known.base in ACTIVE else None,
        "inhibited_by": known.inhibited_by if known.base in ACTIVE else None,
        "owner": rule.owner,
        "runbook": rule.runbook,
        "labels": dict(known.labels),
        "event_ids": list(condition.evidence[:EVIDENCE]),
        "line": condition.line,
        "revision": known.revision,
    }


def event(step: Step, rule: Handling) -> dict[str, Any]:
    """One step: the record of ``alert.events``."""
    told = alert(step.standing, rule)
    return {
        "event_id": f"{told['episode_id']}#{told['revision']}",
        "at": iso(step.at),
        "before": step.before,
        "because": step.because,
        "by": step.by,
        "note": step.note,
        "notify": step.notify,
        "line": told["line"],
        "alert": told,
    }


def _iso(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
