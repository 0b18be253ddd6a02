"""An alert in words: what was measured against which bound, and what it is about."""

from collections.abc import Iterable, Mapping
from typing import Any

from streams.alerts.matching import OF_SUBJECT, fit, matcher
from streams.base.records import LIVE
from streams.base.times import iso
from streams.desk.board import Held

Doc = Mapping[str, Any]
_ABOUT = ("contact_id", "journey_id", "channel", "queue", "kpi", "source", "customer")
_ASKED = ("event_ids", "value", "limit", "clear_limit", "unit", "rule_version", "owner", "runbook")


def evidence(alert: Doc) -> dict[str, Any]:
    """Why it is: the events that show it, and the value against its bounds."""
    return {name: alert.get(name) for name in _ASKED} | {"says": measured(alert)}


def measured(alert: Doc) -> str:
    """``waiting 2 min 10 s, limit 2 min 0 s``; of an alert without a value what is watched."""
    value, limit, clear, unit = (alert.get(name) for name in ("value", "limit", "clear_limit", "unit"))
    said = [f"{alert.get('kind')} {amount(value, unit)}" if value is not None else f"{alert.get('kind')}"]
    if limit is not None:
        said.append(f"limit {amount(limit, unit)}")
    if clear is not None:
        said.append(f"over at {amount(clear, unit)}")
    return ", ".join(said)


def amount(value: float, unit: Any) -> str:
    """A value in its unit, for people."""
    if unit == "ms":
        return duration(value)
    if unit == "time":
        return iso(round(value))
    if unit == "ratio":
        return f"{value:.1%}"
    return f"{value:g}" if unit in (None, "count", "sentiment") else f"{value:g} {str(unit).replace('_', ' ')}"


def duration(ms: float) -> str:
    """``1 h 5 min``, ``2 min 10 s``, ``45 s``."""
    seconds = round(abs(ms) / 1000)
    sign = "-" if ms < 0 and seconds else ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days} d {hours} h"
    return sign + (f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s")


def subject(alert: Doc, *, customer: bool = True) -> str:
    """What it is about, in a few words."""
    about: Doc = alert["subject"]
    said = [str(about[name]) for name in _ABOUT if about.get(name) and (customer or name != "customer")]
    if tier := about.get("tier"):
        said.append(f"({tier})")
    return " ".join(said) or str(about["type"])


def attributes(alert: Doc) -> dict[str, str]:
    """What matchers of silences may ask for, as the agent has it: labels, and what is not empty of the alert."""
    found = {name: alert.get(name) for name in ("rule", "kind", "severity")}
    found |= {name: alert["subject"].get(field) for name, field in OF_SUBJECT.items()}
    return {**(alert.get("labels") or {}), **{name: str(value) for name, value in found.items() if value is not None}}


def matched(matchers: Iterable[str], alerts: Iterable[Held]) -> int:
    """How many live alerts that are not over a silence would hold."""
    wanted = [matcher(each) for each in matchers]
    open_ = (each for each in alerts if not each.over and each.line == LIVE)
    return sum(fit(wanted, attributes(each.doc)) for each in open_)
