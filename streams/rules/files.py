"""The rule files together: which model each has, and the rules that they make."""

from dataclasses import replace
from typing import Any, NamedTuple

from streams.base.policy import Rules, Tier
from streams.metrics.rules import KpiPolicy
from streams.rules.models import AlertsFile, File, KpisFile, NobodyFile, TiersFile
from streams.rules.tracking import TrackingFile

FILES: dict[str, type[File]] = {
    "tiers": TiersFile,
    "alerts": AlertsFile,
    "kpis": KpisFile,
    "tracking": TrackingFile,
    "nobody": NobodyFile,
}
"""File name without ``.yaml`` → its model."""


class Files(NamedTuple):
    tiers: Any
    alerts: Any
    kpis: Any
    tracking: Any
    nobody: Any


def build(files: Files) -> Rules:
    """The plain values of checked files."""
    tiers: tuple[Tier, ...] = files.tiers.rules()
    kpis: KpiPolicy = replace(files.kpis.rules(), tiers=frozenset(tier.name for tier in tiers))
    high = frozenset(tier.name for tier in tiers if tier.high)
    return Rules(
        tiers,
        tuple(entry.rule(high) for entry in files.alerts.wait),
        tuple(entry.rule(high) for entry in files.alerts.sentiment),
        files.tracking.rules(kpis.lateness_ms),
        files.tracking.segments.rules(),
        kpis,
        files.nobody.rules(),
    )
