"""Rules about queues and KPIs, and what they find while facts come."""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from streams.alerts.fields import Subject
from streams.alerts.index import Index
from streams.alerts.rules import AlertRule, AlertsFile
from streams.base.alert_records import Condition
from streams.base.records import Fact
from streams.metrics.rules import KpiPolicy
from streams.metrics.tables import Tables
from streams.metrics.watching import Watching, WatchTables
from streams.metrics.windows import fold_all, moved
from tests.support.kpi_facts import POLICY, at

_READ = TypeAdapter(AlertsFile)


def rule(subject: Subject, when: dict[str, Any], name: str = "r", **more: Any) -> AlertRule:
    return _READ.validate_python({"rules": [{"name": name, "subject": subject, "when": when, **more}]}).rules[0]


class Watcher:
    """The tables of `measure`, and what it sends to ``alert.conditions``."""

    def __init__(self, *rules: AlertRule, policy: KpiPolicy = POLICY, version: str = "1") -> None:
        self.policy, self.tables, self.rows = policy, Tables(), WatchTables()
        self.said: list[Condition] = []
        self.by(*rules, version=version)

    def by(self, *rules: AlertRule, version: str) -> None:
        """Other rules from now on."""
        queues, kpis = (
            Index((each for each in rules if each.subject == subject), self.policy.hours.clock, {}, version)
            for subject in ("queue", "kpi")
        )
        self.watching = Watching(queues, kpis, self.policy, self.rows)

    def count(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            fold_all(self.tables, (fact,), self.policy)

    def move(self, seconds: float, ended: bool = False, line: str = "") -> list[Condition]:
        """Stream time comes to so many seconds after T0."""
        before = self.tables.lines.get(line), self.watching.before(self.tables, line)
        records = moved(self.tables, line, at(seconds), ended, self.policy)
        found = list(self.watching.after(self.tables, line, records, before))
        self.said += found
        return found

    def stand(self) -> dict[str, Condition]:
        """The latest of each episode."""
        return {each.episode: each for each in self.said}
