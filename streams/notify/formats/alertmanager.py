"""Alertmanager: what fires, as its API v2 takes it.

Labels have few values: rule, kind, severity, channel, queue, tier and the rule's own; no customer and no contact.
Alerts that are the same in all labels are one to Alertmanager. It fires from the earliest beginning until the last of
them is over, and says in its annotations how many there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from schemas.alerts import Alert
from schemas.fields import utc_text
from streams.alerts.matching import OF_SUBJECT
from streams.base.times import iso
from streams.base.units import FROM_FILES, Flag, Span
from streams.notify.formats.parts import PlainUrl, Request, cut, link, posted
from streams.notify.message import about, measured
from streams.notify.secrets import SecretAt

ENDS_AFTER = 4
"""An alert that is not repeated is over for Alertmanager after so many times `repeat`."""
EXAMPLES = 5
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Alertmanager:
    url: PlainUrl
    repeat: Span = 60_000
    """How often what fires is sent again, ms."""
    each: Flag = False
    """Every alert by itself: the label fingerprint tells them apart."""
    generator: PlainUrl | None = None
    """Where people look an alert up; its fingerprint is put behind it."""
    token: SecretAt | None = None
    """Sent as `Authorization: Bearer …`."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Firing:
    """Alerts that Alertmanager takes for one; ``ended``: when the last was over (ms), None while one fires."""

    labels: Labels
    alerts: tuple[Alert, ...]
    ended: int | None = None


OF_PERSONS = ("customer", "contact", "journey")
"""What is about somebody is no label."""


def labels(alert: Alert, *, each: bool) -> Labels:
    """What tells alerts apart, sorted."""
    found = {
        **alert.labels,
        "alertname": alert.rule,
        "rule": alert.rule,
        "kind": alert.kind,
        "severity": alert.severity,
        **{name: getattr(alert.subject, field) for name, field in OF_SUBJECT.items() if name not in OF_PERSONS},
        "owner": alert.owner,
        "fingerprint": alert.fingerprint if each else None,
    }
    return tuple(sorted((_name(name), value) for name, value in found.items() if value))


def request(firing: Iterable[Firing], url: str, now: int, options: Alertmanager, token: str | None = None) -> Request:
    """All that fires, or was over lately, ``now`` (ms)."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return posted(url.rstrip("/") + "/api/v2/alerts", [posted_alert(each, now, options) for each in firing], headers)


def posted_alert(firing: Firing, now: int, options: Alertmanager) -> dict[str, Any]:
    """One alert of the API."""
    first = min(firing.alerts, key=lambda each: each.since)
    ends = firing.ended if firing.ended is not None else now + ENDS_AFTER * options.repeat
    shown = ", ".join(about(each) for each in firing.alerts[:EXAMPLES])
    more = len(firing.alerts) - EXAMPLES
    count = len(firing.alerts)
    annotations = {
        "summary": f"{first.rule}: {about(first)}" if count == 1 else f"{first.rule}: {count} alerts",
        "description": cut(f"{measured(first.value, first.unit)}, limit {measured(first.limit, first.unit)}: {shown}"
                           + (f" and {more} more" if more > 0 else ""), 2000),
        "count": f"{count}",
        "episode": first.episode_id,
        "runbook_url": link(first.runbook),
    }  # fmt: skip
    found: dict[str, Any] = {
        "labels": dict(firing.labels),
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": utc_text(first.since),
        "endsAt": iso(ends),
    }
    if options.generator is not None:
        found["generatorURL"] = options.generator + quote(first.fingerprint, safe="")
    elif to := link(first.runbook):
        found["generatorURL"] = to
    return found


def _name(name: str) -> str:
    """A label's name as Prometheus has it."""
    return "".join(each if each.isascii() and (each.isalnum() or each == "_") else "_" for each in name)
