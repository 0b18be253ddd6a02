"""From the rules before to those that are applied while alerts are raised: which of them are others, and since when."""

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from streams.alerts.rules import AlertRule, AlertsFile

RULE_CHANGED, RULE_REMOVED = "rule_changed", "rule_removed"
"""Why an alert is over by other rules: its condition does not hold by its rule as it is now; there is no such rule."""


class Since(msgspec.Struct, frozen=True):
    """Rules that came or got another condition at one place of a log."""

    rules: tuple[str, ...]
    times: dict[str, int]
    """Line → stream time there, ms."""


class Others(NamedTuple):
    """Names of rules that are others than they were."""

    changed: Collection[str] = ()
    """New, or they say anything else."""
    anew: Collection[str] = ()
    """Those of them that are new, or hold at other moments."""
    handled: Collection[str] = ()
    """Those of them whose alerts are treated otherwise: another severity, owner, escalation, …"""
    removed: Collection[str] = ()
    """Gone meanwhile, whether they have come back or not: what fired by them is over."""


REMOVED = 1000
"""Names of rules that are gone, of which it is known since when."""


class Switched(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """How the rules in force differ from those before. Rows are looked at one after the other, and others may have been
    applied meanwhile; so each rule has the number of the last rules in which it was another one."""

    number: int = 0
    """Of the rules in force; 0 = none were applied."""
    first: str = ""
    """Version of the rules before any were applied."""
    changed: dict[str, int] = {}
    anew: dict[str, int] = {}
    handled: dict[str, int] = {}
    removed: dict[str, int] = {}
    since: tuple[Since, ...] = ()
    """Of this and earlier places, each rule at the last one only."""

    def after(self, number: int) -> Others:
        """All that came since the rules of a number."""
        found = self._found.get(number)
        if found is None:
            every = (self.changed, self.anew, self.handled, self.removed)
            found = Others(*(frozenset(name for name, last in each.items() if last > number) for each in every))
            self._found[number] = found
        return found

    @cached_property
    def _found(self) -> dict[int, Others]:
        return {}

    def is_of_before(self, rule: str, line: str, until: int | None) -> bool:
        """Was an episode over when its rule came? Then it is none of it, and is not told."""
        if until is None:
            return False
        for each in self.since:
            if rule in each.rules:
                return until <= each.times.get(line, until - 1)
        return False


def switched(known: Switched, number: int, before: AlertsFile, after: AlertsFile, times: Mapping[str, int]) -> Switched:
    """``known``: how those before differ from theirs; ``number``: of those after; ``times``: line → stream time, ms.
    Lines that have none are forgotten."""
    old, new = _by_name(before), _by_name(after)
    changed = [name for name, rule in new.items() if old.get(name) != rule]
    anew = [name for name in changed if name not in old or _when(old[name]) != _when(new[name])]
    handled = [name for name in changed if name in old and old[name].handling() != new[name].handling()]
    removed = known.removed | dict.fromkeys((name for name in old if name not in new), number)
    kept = [
        Since(left, then)
        for each in known.since
        if (left := tuple(name for name in each.rules if name in new and name not in anew))
        and (then := {line: time for line, time in each.times.items() if line in times})
    ]

    def with_(last: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
        return {name: at for name, at in last.items() if name in new} | dict.fromkeys(names, number)

    return Switched(
        number,
        known.first if known.number else before.version,
        with_(known.changed, changed),
        with_(known.anew, anew),
        with_(known.handled, handled),
        dict(sorted(removed.items(), key=lambda each: each[1])[-REMOVED:]),
        (*kept, *((Since(tuple(anew), dict(times)),) if anew else ())),
    )


def _by_name(file: AlertsFile) -> dict[str, AlertRule]:
    return {rule.name: rule for rule in file.enabled}


def _when(rule: AlertRule) -> tuple[Any, ...]:
    """All that decides at which moments it holds."""
    return rule.subject, rule.when, rule.scope, rule.hours
