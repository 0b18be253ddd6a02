"""Rules about queues and KPIs, while `measure` moves stream time on."""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from streams.alerts.index import Index
from streams.base.alert_records import Condition
from streams.metrics.kpi_watch import KpiRules, KpiWatch
from streams.metrics.queue_watch import Moving, QueueRules, QueueWatch
from streams.metrics.rules import KpiPolicy
from streams.metrics.sweep import Ordered
from streams.metrics.tables import LineState, Tables, of_line
from streams.metrics.unusual import Weekday


@dataclass
class WatchTables:
    """Name → value type: what the agent declares, or plain dicts."""

    queue_watch: MutableMapping[str, QueueWatch] = field(default_factory=dict)
    kpi_watch: MutableMapping[str, KpiWatch] = field(default_factory=dict)
    weekdays: MutableMapping[str, Weekday] = field(default_factory=dict)

    def forget(self, line: str) -> None:
        """Remove every row of a line."""
        for name in WATCH_TYPES:
            table: MutableMapping[str, Any] = getattr(self, name)
            for key in of_line(table, line):
                del table[key]


WATCH_TYPES: dict[str, Any] = {"queue_watch": QueueWatch, "kpi_watch": KpiWatch, "weekdays": Weekday}
assert set(WATCH_TYPES) == {f.name for f in fields(WatchTables)}


class Watching:
    """What the rules find of what is published, and of who waits."""

    def __init__(self, queues: Index, kpis: Index, policy: KpiPolicy, rows: WatchTables) -> None:
        self.rows = rows
        self.queues = QueueRules(queues, policy, rows.queue_watch)
        self.kpis = KpiRules(kpis, policy, rows.kpi_watch, rows.weekdays)

    def before(self, tables: Tables, line: str) -> Moving | None:
        """Call it before `windows.moved`, and give what it gives to `after`."""
        return self.queues.moving(tables, line)

    def after(
        self, tables: Tables, line: str, records: Sequence[Ordered], before: tuple[LineState | None, Moving | None]
    ) -> Iterator[Condition]:
        """Conditions that begin, change or are over by what was published. ``before``: how far the line had come, and
        who waited. What a line leaves at its end stays as it was. Raises `LaneFault`."""
        was, moving = before[0] or LineState(), before[1]
        state = tables.lines.get(line) or LineState()
        if was.ended or not (moving is not None or self.kpis.rows or self.kpis.index.rules):
            return
        if moving is not None:
            yield from self.queues.moved(tables, line, moving, state.sealed)
        if records or state.sealed > was.sealed:
            yield from self.kpis.moved(line, records, was.sealed, state.sealed)
        if state.ended:
            self.rows.forget(line)
