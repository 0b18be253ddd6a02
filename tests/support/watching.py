"""Rules of ``track`` with alert rules of one's own, and what was told by them."""

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from streams.alerts.rules import AlertsFile
from streams.customers.rules import AlertRules, CustomerRules
from streams.rules import load
from tests.support.track_story import T0, Task

_READ = TypeAdapter(AlertsFile)


def ruled(*given: dict[str, Any], rules: CustomerRules | None = None) -> CustomerRules:
    """With these alert rules in place of the shipped ones; without a name they are r0, r1, …"""
    known = rules or load().customers
    named = [{"name": f"r{number}", "subject": "contact", **each} for number, each in enumerate(given)]
    alerts = AlertRules(_READ.validate_python({"rules": named}), known.alerts.hours)
    return replace(known, alerts=alerts)


def spans(task: Task) -> list[tuple[str, int, int | None, str | None]]:
    """(rule, since, until, reason) of each alert, ms after T0, in the order in which they were told first."""
    found: dict[str, tuple[str, int, int | None, str | None]] = {}
    for out in task.published:
        if out.topic == "alert.conditions" and out.value is not None:
            told = out.value
            until = told.get("until")
            over = None if until is None else until - T0
            found[told["episode"]] = (told["rule"], told["since"] - T0, over, told.get("reason"))
    return list(found.values())


def told(task: Task) -> list[dict[str, Any]]:
    """The conditions, as they were published."""
    return [out.value for out in task.published if out.topic == "alert.conditions" and out.value is not None]
