"""`measure`: what one queue goes through. Reads ``contact.measurements`` by channel and queue; writes readings and
queue states.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from streams.base.records import LIVE, SEP, Fact, Line, Measurement, output_key
from streams.base.times import DAY_MS
from streams.engine import Outputs, RowFault, Table, TableSpec, TaskInfo
from streams.metrics import kpis, panes, vocabulary
from streams.metrics.live import LiveReadings, queues_now
from streams.metrics.queues import TIERS_SHOWN, queue_states
from streams.metrics.rules import KpiPolicy
from streams.metrics.tables import TABLE_TYPES, LaneFault, LineState, Tables, dimensions
from streams.metrics.vocabulary import Name, place
from streams.metrics.windows import advance, arrived, fold, record_key
from streams.pipeline.notes import Notes
from streams.pipeline.stage import BEHIND, WATERMARKS, Keys, Stage, struct_table
from streams.pipeline.stage import Name as TopicName


def _table(name: str, kind: Any, keys: Keys = "queue") -> TableSpec[Any]:
    if kind is panes.Pane:
        return TableSpec(name, panes.encode, panes.decode, keys=keys)
    return struct_table(name, kind, keys)


MOST_RECORDS = 4000
"""Readings that one batch publishes, about: 16 MB. What stream time has passed beyond that follows in batches of their
own."""

TABLES = (WATERMARKS, BEHIND, *(_table(name, kind) for name, kind in TABLE_TYPES.items()), _table("names", Name, ""))


class Measure(Stage):
    """Tables: panes, days, legs and what was published of them; see `streams.metrics.tables`."""

    before = "track"

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: TopicName, policy: KpiPolicy, notes: Notes
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Measurement), None)
        self.kpi_tables = Tables(**{name: tables[name] for name in TABLE_TYPES})
        self.names = tables["names"]
        self.policy, self.notes = policy.shared(info.partition, info.peers), notes
        self.kpis, self.queue_state = name("kpis"), name("queue.state")
        self.live = LiveReadings(policy)
        self.counted: list[Fact] = []
        """Facts of this batch, as they were counted."""

    def fold(self, value: Any, out: Outputs) -> None:
        if not isinstance(value, Fact):
            return
        fact, found = value, None
        if not vocabulary.is_known(self.names, value):
            found = place(self.names, self.kpi_tables.days, value, self.policy)
            fact = found.fact
        self.counted.append(fact)
        outcome = fold(self.kpi_tables, fact, self.policy)
        if outcome != "counted":
            self.notes.late("measure")
        if found is not None and outcome != "too_late":
            self.names.update(found.kept)
            for what in found.other:
                self.notes.limited("measure", what)

    def keep(self) -> None:
        super().keep()
        self.counted.clear()

    def close(self, lines: Mapping[str, Line], out: Outputs) -> None:
        room = MOST_RECORDS
        for line, state in sorted(lines.items()):  # the live one first: its name is empty
            before = self.kpi_tables.lines.get(line)
            if room <= 0:
                self._is_behind(line, state)
                continue
            try:
                records = advance(self.kpi_tables, line, state.watermark, state.ended, self.policy, room)
                room -= len(records)
                self._forget_names(line, before)
                for record in records:
                    self._publish(line, record, out)
                for queue in queue_states(self.kpi_tables, line):
                    self._publish_queue(line, queue, out)
            except LaneFault as fault:
                raise RowFault(self._rows(fault), certain=not self._has_counted(fault)) from fault
            self._is_behind(line, state)
        self.counted.clear()

    def _is_behind(self, line: str, state: Line) -> None:
        """Note whether there is more to publish than this batch took."""
        if arrived(self.kpi_tables, line, state.watermark, state.ended):
            self.behind.pop(line, None)
        else:
            self.behind[line] = True

    def _publish(self, line: str, record: dict[str, Any], out: Outputs) -> None:
        try:
            out.send(self.kpis, record_key(record).encode(), kpis.encode(record))
        except Exception as error:
            dims = record["dimensions"]
            raise LaneFault(SEP.join((line, dims["channel"], dims["queue"], dims["tier"]))) from error
        if record["readings"].saturated:
            self.notes.saturated(record["readings"].saturated)
        if line == LIVE:
            self.live.remember(record)

    def _publish_queue(self, line: str, queue: dict[str, Any], out: Outputs) -> None:
        if len(queue["by_tier"]) > TIERS_SHOWN:
            self.notes.limited("measure", "by_tier")
        try:
            out.send(self.queue_state, output_key(line, f"{queue['channel']}|{queue['queue']}"), orjson.dumps(queue))
        except Exception as error:
            raise LaneFault(SEP.join((line, queue["channel"], queue["queue"]))) from error

    def _has_counted(self, fault: LaneFault) -> bool:
        """Has a record of this batch to do with it? If not, none of them is to blame."""
        return any(f"{dimensions(fact)}{SEP}".startswith(fault.dims + SEP) for fact in self.counted)

    def _forget_names(self, line: str, before: LineState | None) -> None:
        """Once a day, and when the line ends; ``before``: how far it had come."""
        now = self.kpi_tables.lines.get(line) or LineState()
        if now.ended and not (before and before.ended):
            vocabulary.forget(self.names, line)
        elif before is not None and now.sealed // DAY_MS > before.sealed // DAY_MS:
            vocabulary.forget_old(self.names, line, now.sealed, self.policy.day_kept_ms)

    def _rows(self, fault: LaneFault) -> dict[tuple[str, str], Exception]:
        """Every row of the channel, queue and tier at fault, or of the queue."""
        return {
            (name, key): fault
            for name in TABLE_TYPES
            for key in self.tables[name]
            if key.startswith(fault.dims + SEP) or key == fault.dims
        }

    def forget(self, line: str) -> None:
        self.kpi_tables.forget(line)
        self.kpi_tables.forget_queues(line)
        vocabulary.forget(self.names, line)
        self.kpi_tables.lines.pop(line, None)

    def live_time(self) -> int | None:
        """As far as readings are out: what is due may be more than one batch takes."""
        now = super().live_time()
        if now is None or LIVE not in self.behind:
            return now
        return min(now, (self.kpi_tables.lines.get(LIVE) or LineState()).sealed)

    def readings(self) -> dict[tuple[str, ...], float]:
        return self.live.current(self.live_time())

    def queues_now(self) -> dict[tuple[str, str], tuple[int, float]]:
        return queues_now(self.kpi_tables, self.live_time() or 0)
