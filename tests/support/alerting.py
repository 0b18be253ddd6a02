"""Conditions for tests of alerts: of the rule ``wait``, fingerprint ``wait@<who>``; and what is told of alerts, in one form."""

from typing import Any

from msgspec.structs import replace

from streams.base.alert_records import Condition, ConditionSubject
from streams.base.times import iso


def condition(who: str, since: int, episode: str | None = None, *, rule: str = "wait", **more: Any) -> Condition:
    """One that holds, found at once."""
    subject = ConditionSubject("contact", customer=f"customer:{who}", contact=who, queue="cards", tier="gold")
    given = {"subject": subject, "value": 120, "limit": 120, "unit": "ms", "at": since, **more}
    return Condition(
        episode=episode or who,
        fingerprint=f"{rule}@{who}",
        rule=rule,
        what="waiting",
        severity="warning",
        since=since,
        **given,
    )


def over(
    who: str, since: int, until: int, reason: str = "answered", *, episode: str | None = None, **more: Any
) -> Condition:
    """The same, that is over."""
    return replace(condition(who, since, episode, **{"at": until, **more}), until=until, reason=reason)


def told(doc: dict[str, Any]) -> dict[str, Any]:
    """The same of a condition and of a step of an alert: who, what, since when, and whether it is over."""
    return _of_condition(doc) if doc.get("kind") == "condition" else _of_step(doc)


def _of_condition(doc: dict[str, Any]) -> dict[str, Any]:
    subject, until = doc["subject"], doc.get("until")
    where = {name: subject.get(name) for name in ("customer", "channel", "queue", "tier")}
    what = {name: doc.get(name) for name in ("rule", "severity", "value", "limit")} | {"unit": doc.get("unit", "count")}
    return {
        **where, **what, "alert_id": doc["episode"], "kind": doc["what"], "contact_id": subject.get("contact"),
        "status": "firing" if until is None else "resolved", "since": iso(doc["since"]), "fired_at": iso(doc["at"]),
        "resolved_at": None if until is None else iso(until), "reason": doc.get("reason"), "line": doc.get("line", ""),
        "revision": 1 if until is None else 2,
    }  # fmt: skip


def _of_step(doc: dict[str, Any]) -> dict[str, Any]:
    alert = doc["alert"]
    over = alert["state"] in ("resolved", "expired")
    same = (
        "rule",
        "kind",
        "severity",
        "value",
        "limit",
        "unit",
        "since",
        "fired_at",
        "resolved_at",
        "line",
        "revision",
    )
    where = {name: alert["subject"][name] for name in ("customer", "contact_id", "channel", "queue", "tier")}
    return where | {name: alert[name] for name in same} | {
        "alert_id": alert["episode_id"], "status": "resolved" if over else "firing",
        "reason": alert["because"] if over else None,
    }  # fmt: skip
