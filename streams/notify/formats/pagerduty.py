"""PagerDuty: Events API v2. The episode is the incident's key, so steps of one episode are one incident."""

from dataclasses import dataclass
from typing import Any

from schemas.fields import utc_text
from streams.base.units import FROM_FILES
from streams.notify.formats.parts import PlainUrl, Request, cut, link, posted
from streams.notify.message import OVER, Message, values
from streams.notify.secrets import SecretAt

EVENTS = "https://events.pagerduty.com/v2/enqueue"
KEY, SUMMARY = 255, 1024
"""Characters that PagerDuty takes."""


@dataclass(frozen=True, slots=True)
class PagerDuty:
    routing_key: SecretAt
    """The integration key of the service."""
    url: PlainUrl = EVENTS
    """Another region's: https://events.eu.pagerduty.com/v2/enqueue."""

    __pydantic_config__ = FROM_FILES


def request(message: Message, url: str, routing_key: str) -> Request:
    """Of one step: trigger while it goes on, acknowledge, resolve when it is over."""
    return posted(url, {"routing_key": routing_key, **content(message)})


def content(message: Message) -> dict[str, Any]:
    """All of it but the key of the service."""
    event = message.event
    alert, known = event.alert, values(event)
    found: dict[str, Any] = {"event_action": action(message), "dedup_key": cut(alert.episode_id, KEY)}
    if found["event_action"] != "trigger":
        return found
    details = {name: value for name, value in known.items() if value}
    found["payload"] = {
        "summary": cut(message.title, SUMMARY),
        "source": cut(alert.subject.queue or alert.subject.channel or alert.subject.source or "contact-streams", 255),
        "severity": alert.severity,
        "timestamp": utc_text(alert.since),
        "component": alert.subject.type,
        "group": alert.rule,
        "class": alert.kind,
        "custom_details": {**details, "text": message.text},
    }
    found["client"] = "Contact Streams"
    if to := link(alert.runbook):
        found["links"] = [{"href": to, "text": "Runbook"}]
    return found


def action(message: Message) -> str:
    """What a step does to the incident."""
    state = message.event.alert.state
    if state in OVER:
        return "resolve"
    return "acknowledge" if state == "acknowledged" else "trigger"
