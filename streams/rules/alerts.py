"""Alert rules beside the other files: which words they may name, and in which unit a KPI has its bounds."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from math import inf
from typing import Any

from schemas.data import CHANNELS
from streams.alerts.conditions import Comparison, leaves
from streams.alerts.mistakes import Known
from streams.alerts.mistakes import mistakes as of_rules
from streams.alerts.reading import Problem
from streams.alerts.rules import AlertRule
from streams.metrics import asked
from streams.metrics.rules import KpiPolicy
from streams.rules.files import Files

KPI_UNITS: Mapping[str, str] = {name: kpi.unit for name, kpi in asked.KPIS.items()}
"""As rules name them → unit; the name alone where there is one variant."""
_ENDS: Mapping[str, tuple[float, float]] = {"ratio": (0, 1), "points": (-100, 100)}


def mistakes(files: Files, given: Mapping[str, Any], policies: Collection[str]) -> Iterator[Problem]:
    """Path in alerts.yaml, and what is wrong. ``given``: its values; ``policies``: the names of those there are."""
    words: dict[str, tuple[Collection[str], str]] = {
        "tier": (files.tiers.tiers, "tiers.yaml"),
        "service_type": (files.services.types, "services.yaml"),
        "policy": (policies, "the folder policies"),
        "channel": (CHANNELS, "the contract"),
        "kpi": (KPI_UNITS, "the catalogue of KPIs"),
    }
    yield from of_rules(files.alerts, given, Known(words, files.hours.calendars))
    for number, rule in enumerate(files.alerts.rules):
        if rule.subject != "kpi":
            continue
        for what in _units(rule):
            yield Problem(("rules", number, "when"), what)
        for path, what in asked.mistakes(rule, given["rules"][number].get("when"), _policy(files)):
            yield Problem(("rules", number, *path), what)


def _policy(files: Files) -> KpiPolicy:
    return replace(files.kpis, hours=files.hours)


def _units(rule: AlertRule) -> Iterator[str]:
    """Bounds on values that are not in the unit of the KPIs."""
    for leaf in leaves(rule.when):
        if not isinstance(leaf, Comparison) or leaf.field != "value":
            continue
        for kpi in sorted(rule.kpis & KPI_UNITS.keys()):
            unit = KPI_UNITS[kpi]
            if (unit == "ms") != (leaf.unit == "ms"):
                wanted = "durations, such as 30s" if unit == "ms" else f"numbers in its unit, {unit}"
                yield f"a value of {kpi} has {wanted}, for bounds"
            low, high = _ENDS.get(unit, (-inf, inf))
            if any(not low <= each <= high for each in (*leaf.bound.values, *leaf.clear.values)):
                yield f"a value of {kpi} is between {low:g} and {high:g}"
