"""Alerts for a person to read: a table of them, and one of them on one screen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table
from rich.text import Text

from streams.base.times import to_ms
from streams.desk.board import Held
from streams.desk.rule_texts import RuleText
from streams.desk.telling import Doc, duration, measured, subject
from streams.local.text import Terminal

COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
QUIET = ("pending", "silenced", "suppressed", "resolved", "expired")
RANK = {"critical": 0, "warning": 1, "info": 2}
MOST_STEPS, MOST_CONTACTS = 12, 5
"""Shown on a screen; how many more there are is said."""


@dataclass
class Found:
    """All that is known of one alert."""

    alert: dict[str, Any]
    steps: list[dict[str, Any]] = field(default_factory=list)
    rule: RuleText | None = None
    journey: dict[str, Any] | None = None
    no_journey: str = ""
    """Why there is none."""


def ordered(alerts: Iterable[Held]) -> list[Held]:
    """The most severe first, of those the latest."""
    return sorted(alerts, key=lambda each: (RANK.get(each.severity, 9), -each.at, each.fingerprint))


def table(alerts: Sequence[Held], now: int) -> Table:
    """One line each."""
    found = Table("alert", "severity", "state", "for", "what", "about", "who has it", box=None, pad_edge=False)
    found.columns[0].no_wrap = True
    for held in alerts:
        doc = held.doc
        lasted = (to_ms(end) if (end := doc.get("resolved_at")) else now) - held.at
        whose = doc.get("assigned_to") or doc.get("acknowledged_by") or ""
        dim = "dim" if held.state in QUIET else ""
        found.add_row(
            Text(held.short, dim), Text(held.severity, dim or COLOURS.get(held.severity, "")), Text(held.state, dim),
            Text(duration(lasted), dim), Text(measured(doc), dim), Text(subject(doc), dim), Text(whose, dim),
        )  # fmt: skip
    return found


def show(found: Found, console: Terminal, now: int) -> None:
    """The alert, why it is, its rule, its steps, its customer's journey."""
    for title, lines in _parts(found, now):
        console.print(Text(title, style="bold"), soft_wrap=True)
        for line in lines:
            console.print(Text(f"  {line}"), soft_wrap=True)


def steps(found: Iterable[Doc]) -> Iterator[str]:
    """A line each."""
    for each in found:
        alert, by, note = each["alert"], each.get("by"), each.get("note")
        moved = f"{each['before'] or '–'} → {alert['state']}"
        parts = (moved, each["because"].replace("_", " "), f"by {by}" if by else "", f"“{note}”" if note else "")
        quiet = "" if each["notify"] else " (nobody is told)"
        yield f"{_at(each['at'])} {', '.join(part for part in parts if part)}{quiet}"


def _parts(found: Found, now: int) -> Iterator[tuple[str, list[str]]]:
    alert = found.alert
    replay = f", replay {alert['line']}" if alert["line"] else ""
    yield f"{alert['fingerprint']}: {alert['severity']}, {alert['state']}{replay}", list(_standing(alert, now))
    yield "why", list(_why(alert))
    rule = found.rule
    if rule is None:
        yield f"rule {alert['rule']}", ["it is not in the rules in force, nor in those of this machine"]
    else:
        judged = f"judged by version {alert['rule_version']}; " if alert["rule_version"] else ""
        line = "" if rule.line is None else f", line {rule.line}"
        yield f"rule {alert['rule']} ({judged}{rule.file}{line})", rule.text.splitlines()
    told = found.steps[-MOST_STEPS:]
    more = [f"… {len(found.steps) - len(told)} before: alerts history"] if len(found.steps) > len(told) else []
    yield "steps", [*more, *steps(told)] or ["none is kept"]
    yield "journey of its customer", list(_journey(found.journey)) if found.journey else [found.no_journey]


def _standing(alert: Doc, now: int) -> Iterator[str]:
    end = to_ms(alert["resolved_at"]) if alert["resolved_at"] else now
    yield f"{subject(alert)}"
    yield f"since {_at(alert['since'])}, {duration(end - to_ms(alert['since']))}, {alert['because'].replace('_', ' ')}"
    if alert["acknowledged_by"] is not None:
        yield f"acknowledged by {alert['acknowledged_by']} at {_at(alert['acknowledged_at'])}"
    if alert["assigned_to"]:
        yield f"assigned to {alert['assigned_to']}"
    if alert["silenced_by"]:
        yield f"silenced by {alert['silenced_by']}"
    if alert["inhibited_by"]:
        yield f"suppressed: {alert['inhibited_by']} speaks for it"
    yield f"episode {alert['episode_id']}, revision {alert['revision']}, level {alert['level']}"


def _why(alert: Doc) -> Iterator[str]:
    yield measured(alert)
    yield f"events {', '.join(alert['event_ids']) or 'none named'}"
    if alert["owner"] or alert["runbook"]:
        yield ", ".join(
            each for each in (f"owner {alert['owner']}" if alert["owner"] else "", alert["runbook"]) if each
        )
    if alert["labels"]:
        yield ", ".join(f"{name}={value}" for name, value in sorted(alert["labels"].items()))


def _journey(doc: Doc) -> Iterator[str]:
    counts, about = doc["counts"], doc["topic"] or doc["intent"] or "about nothing that was named"
    yield (
        f"{doc['journey_id']}: {doc['state'].replace('_', ' ')}, {about}, {_at(doc['started'])} – {_at(doc['updated'])}"
    )
    yield (
        f"{counts['contacts']} contacts, {counts['answered']} answered, {counts['abandoned']} abandoned, "
        f"{counts['transfers']} transfers, waited {duration(doc['wait_ms'])}"
        + (f", mood {doc['sentiment']:g}" if doc["sentiment"] is not None else "")
        + (f", waits for {doc['waiting_for']}" if doc["waiting_for"] else "")
    )
    for each in doc["contacts"][-MOST_CONTACTS:]:
        mood = f", mood {each['sentiment']:g}" if each["sentiment"] is not None else ""
        yield f"{_at(each['started'])} {each['channel']} {each['contact_id']}, {each['queue']}: {each['outcome']}{mood}"
    if doc["others"]:
        yield f"{len(doc['others'])} others may still go on: {', '.join(each['journey_id'] for each in doc['others'])}"


def _at(time: str | None) -> str:
    return f"{time[:10]} {time[11:19]}" if time else "?"
