"""A message for one target, and what its words are made of."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Literal

from schemas.alerts import Alert, AlertEvent
from schemas.fields import utc_text
from streams.alerts.matching import OF_SUBJECT
from streams.base.times import iso

Kind = Literal["step", "group", "digest"]
"""One step of one alert; some that came together; the quiet ones of a span of time."""
OVER = ("resolved", "expired")
"""States of an alert that is over."""
LONGEST = 2000
"""Characters of a name's value in a message."""

NAMES: Mapping[str, str] = {
    "state": "firing, acknowledged, escalated, resolved, expired",
    "severity": "info, warning or critical",
    "rule": "the rule",
    "kind": "what is watched, such as waiting",
    "about": "what it is about in words: queue, channel, customer, …",
    "value": "what was measured, with its unit",
    "limit": "what it crossed, with its unit",
    "because": "why the step was taken",
    "by": "who took it",
    "note": "what they said",
    "since": "when the condition began to hold (UTC)",
    "at": "when the step was taken (UTC)",
    "subject": "contact, customer, journey, queue, kpi, connector or system",
    "customer": "the owner, such as customer:7",
    "contact": "the contact's id",
    "journey": "the journey's id",
    "channel": "the channel",
    "queue": "the queue",
    "tier": "the customer's tier",
    "service_type": "the type of service",
    "kpi": "the KPI",
    "source": "the connector",
    "agent_group": "the group of agents",
    "owner": "who looks after the rule",
    "assigned_to": "whose the alert is",
    "acknowledged_by": "who has it in hand",
    "runbook": "a link: what to do",
    "fingerprint": "rule and subject: stable",
    "episode": "this time that the condition holds",
    "labels": "the rule's labels, as name=value",
}
"""What a template may name, behind a `$`."""
TITLE = "[$severity] $rule is $state: $about"
TEXT = "$value, limit $limit, since $since ($because). $note"


@dataclass(frozen=True, slots=True)
class Words:
    """The templates of a target."""

    title: Template = field(default_factory=lambda: Template(TITLE))
    text: Template = field(default_factory=lambda: Template(TEXT))


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out at once; the same at each attempt, so that a receiver may leave repeats out by ``id``."""

    id: str
    kind: Kind
    events: tuple[AlertEvent, ...]
    left_out: int = 0
    """Steps of a digest that are counted alone."""
    words: Words = field(default_factory=Words)

    @property
    def event(self) -> AlertEvent:
        """The latest step."""
        return self.events[-1]

    @property
    def latest(self) -> list[AlertEvent]:
        """The latest step of each alert."""
        return list({each.alert.fingerprint: each for each in self.events}.values())

    @property
    def title(self) -> str:
        """In one line."""
        if self.kind == "step":
            return _plain(said(self.words.title, self.event), one_line=True)
        found, going_on = self.latest, sum(each.alert.state not in OVER for each in self.latest)
        many = f"{len(found)} alert{'' if len(found) == 1 else 's'}"
        more = f", {self.left_out} more steps" if self.left_out else ""
        return f"{'Digest: ' if self.kind == 'digest' else ''}{many}, {going_on} not over{more}"

    @property
    def text(self) -> str:
        """What is below the title."""
        if self.kind == "step":
            return _plain(said(self.words.text, self.event)).strip()
        return "\n".join(f"• {_plain(said(self.words.title, each), one_line=True)}" for each in self.latest)


def id_of(events: Iterable[AlertEvent]) -> str:
    """The idempotency key: the step's name, or one made of the names of several."""
    names = [each.event_id for each in events]
    return names[0] if len(names) == 1 else "group-" + hashlib.sha256("\n".join(names).encode()).hexdigest()[:40]


def unknown_names(template: str) -> list[str] | None:
    """What a template names that there is not; ``None`` where it is none at all."""
    found = Template(template)
    return [each for each in found.get_identifiers() if each not in NAMES] if found.is_valid() else None


def said(template: Template, event: AlertEvent) -> str:
    """A template with the values of a step."""
    return template.safe_substitute(values(event))


def values(event: AlertEvent) -> dict[str, str]:
    """Name → value; empty where it does not apply."""
    alert = event.alert
    found: dict[str, object] = {
        "state": alert.state,
        "severity": alert.severity,
        "rule": alert.rule,
        "kind": alert.kind,
        "about": about(alert),
        "value": measured(alert.value, alert.unit),
        "limit": measured(alert.limit, alert.unit),
        "because": event.because.replace("_", " "),
        "by": event.by,
        "note": event.note,
        "since": utc_text(alert.since),
        "at": utc_text(event.at),
        **{name: getattr(alert.subject, field) for name, field in OF_SUBJECT.items()},
        "owner": alert.owner,
        "assigned_to": alert.assigned_to,
        "acknowledged_by": alert.acknowledged_by,
        "runbook": alert.runbook,
        "fingerprint": alert.fingerprint,
        "episode": alert.episode_id,
        "labels": ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items())),
    }
    return {name: "" if value is None else str(value)[:LONGEST] for name, value in found.items()}


def about(alert: Alert) -> str:
    """``voice cards, customer:7 (gold)``: what an alert is about, for people."""
    subject = alert.subject
    where = " ".join(each for each in (subject.channel, subject.queue) if each)
    whom = subject.customer or ""
    if whom and subject.tier:
        whom += f" ({subject.tier})"
    parts = (where, whom, subject.kpi, subject.source)
    return ", ".join(each for each in parts if each) or subject.type


def measured(value: float | None, unit: str) -> str:
    """``2m 5s``, ``82.5 %``, ``-0.7``: a value with its unit, for people."""
    if value is None:
        return "–"
    if unit == "ms":
        return _span(round(value))
    if unit == "time":
        return iso(round(value))
    if unit == "ratio":
        return f"{value * 100:.4g} %"
    number = f"{value:.6g}"
    return number if unit in ("count", "sentiment", "points") else f"{number} {unit.replace('_', ' ')}"


def _span(ms: int) -> str:
    seconds = abs(ms) // 1000
    if not seconds:
        return f"{ms} ms"
    parts = ((seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    shown = [f"{count}{unit}" for count, unit in parts if count][:2]
    return ("-" if ms < 0 else "") + " ".join(shown)


def _plain(text: str, *, one_line: bool = False) -> str:
    """Without what changes how a line is shown; texts of people come in here."""
    kept = "".join(each if each == "\n" or each.isprintable() else " " for each in text)
    return " ".join(kept.split()) if one_line else kept
