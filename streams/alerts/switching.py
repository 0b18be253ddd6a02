"""From the rules before to those that are applied while alerts are raised: which of them are others, and since when."""

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.alerts.rules import AlertRule, AlertsFile

RULE_CHANGED, RULE_REMOVED = "rule_changed", "rule_removed"
"""Why an alert is over by other rules: its condition does not hold by its rule as it is now; there is no such rule."""


class Since(msgspec.Struct, frozen=True):
    """Rules that came or got another condition at one place of a log."""

    rules: tuple[str, ...]
    times: dict[str, int]
    """Line → stream time there, ms."""


class Switched(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the rules in force differ from those before."""

    before: str = ""
    """Version of the rules before."""
    changed: tuple[str, ...] = ()
    """Rules that are new, or say anything else."""
    anew: tuple[str, ...] = ()
    """Those of them that are new, or hold at other moments."""
    handled: tuple[str, ...] = ()
    """Those of them whose alerts are treated otherwise: another severity, owner, escalation, …"""
    since: tuple[Since, ...] = ()
    """Of this and earlier places, each rule at the last one only."""

    def is_of_before(self, rule: str, line: str, until: int | None) -> bool:
        """Was an episode over when its rule came? Then it is none of it, and is not told."""
        if until is None:
            return False
        for each in self.since:
            if rule in each.rules:
                return until <= each.times.get(line, until - 1)
        return False


def switched(known: Switched | None, before: AlertsFile, after: AlertsFile, times: Mapping[str, int]) -> Switched:
    """``known``: how those before differ from theirs; ``times``: line → stream time, ms."""
    old, new = _by_name(before), _by_name(after)
    changed = tuple(name for name, rule in new.items() if old.get(name) != rule)
    anew = tuple(name for name in changed if name not in old or _when(old[name]) != _when(new[name]))
    handled = tuple(name for name in changed if name in old and old[name].handling() != new[name].handling())
    kept = [
        Since(left, each.times)
        for each in (known.since if known else ())
        if (left := tuple(name for name in each.rules if name in new and name not in anew))
    ]
    since = (*kept, *((Since(anew, dict(times)),) if anew else ()))
    return Switched(before.version, changed, anew, handled, since)


def _by_name(file: AlertsFile) -> dict[str, AlertRule]:
    return {rule.name: rule for rule in file.enabled}


def _when(rule: AlertRule) -> tuple[Any, ...]:
    """All that decides at which moments it holds."""
    return rule.subject, rule.when, rule.scope, rule.hours
