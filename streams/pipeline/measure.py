"""`measure`: what one queue goes through, and one product. Reads ``contact.measurements`` by channel and queue, or by
product and topic; writes readings, queue states and early signals of a defect.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from streams.base.records import JUDGED, LIVE, SEP, Fact, Facts, Line, Measurement, Ruled, Unnamed, output_key
from streams.base.times import DAY_MS
from streams.customers.rules import AlertReader, AlertRules
from streams.engine import Outputs, Record, RowFault, StoreError, Table, TableSpec, TaskInfo
from streams.metrics import kpis, panes, vocabulary
from streams.metrics.groups import ALL, dimensions_of, in_key
from streams.metrics.live import LiveReadings, queues_now
from streams.metrics.queues import TIERS_SHOWN, queue_states
from streams.metrics.rules import KpiPolicy
from streams.metrics.tables import TABLE_TYPES, LaneFault, LineState, Tables
from streams.metrics.vocabulary import Name, place
from streams.metrics.watching import WATCH_TYPES, Watching, WatchTables
from streams.metrics.windows import arrived, fold_all, moved, record_key, standing
from streams.pipeline.dead_letters import Portion, Why, bury
from streams.pipeline.notes import Notes
from streams.pipeline.ruling import RULING, SWITCHED, Ruling
from streams.pipeline.stage import BEHIND, WATERMARKS, Keys, Stage, struct_table
from streams.pipeline.stage import Name as TopicName
from streams.signals import watch
from streams.signals.rules import SignalRules
from streams.signals.tables import TABLE_TYPES as SIGNAL_TYPES
from streams.signals.tables import Tables as SignalTables
from streams.signals.unnaming import Named, named, unname


def _table(name: str, kind: Any, keys: Keys = "queue") -> TableSpec[Any]:
    if kind is panes.Pane:
        return TableSpec(name, panes.encode, panes.decode, keys=keys)
    return struct_table(name, kind, keys)


MOST_RECORDS = 10_000
"""Readings that one batch publishes, about: 14 MB. What stream time has passed beyond that follows in batches of their
own."""

TABLES = (
    WATERMARKS,
    BEHIND,
    *(_table(name, kind) for name, kind in TABLE_TYPES.items()),
    _table("names", Name, ""),
    *(_table(name, kind, "") for name, kind in SIGNAL_TYPES.items()),
    *(_table(name, kind) for name, kind in WATCH_TYPES.items()),
    RULING,
    SWITCHED,
)


class MeasureRules(NamedTuple):
    """What it goes by."""

    kpis: KpiPolicy
    signals: SignalRules
    alerts: AlertRules = AlertRules()
    reader: AlertReader = AlertReader()


class Measure(Stage):
    """Tables: panes, days, legs and what was published of them; see `streams.metrics.tables`."""

    before = "track"

    def __init__(
        self,
        info: TaskInfo,
        tables: Mapping[str, Table[Any]],
        name: TopicName,
        rules: MeasureRules,
        notes: Notes,
    ) -> None:
        self.conditions = name("alert.conditions")
        super().__init__(info, tables, msgspec.json.Decoder(Measurement), self.conditions)
        self.kpi_tables = Tables(**{name: tables[name] for name in TABLE_TYPES})
        self.names = tables["names"]
        self.policy, self.notes = rules.kpis.shared(info.partition, info.peers), notes
        self.kpis, self.queue_state = name("kpis"), name("queue.state")
        self.dead = name("contacts.dead-letters")
        self.signal_tables = SignalTables(**{name: tables[name] for name in SIGNAL_TYPES})
        self.signal_rules, self.signals = rules.signals.shared(info.peers), name("defect.signals")
        self.watch_tables = WatchTables(**{name: tables[name] for name in WATCH_TYPES})
        self.ruling = Ruling(tables, rules.alerts, rules.reader)
        self.watching = self._watching()
        self.examples: Named | None = None
        """Whom examples may name, until there are more; None = not known."""
        self.live: LiveReadings | None = None
        self.counted: set[str] = set()
        """Dimensions of the facts of this batch, as they were counted."""
        self.refused: list[tuple[Fact, str, Exception]] = []
        """Of the record at hand, with the group that they count by."""

    def handle(self, record: Record, out: Outputs) -> None:
        self.refused = []
        try:
            super().handle(record, out)
        except (RowFault, StoreError):
            raise
        except Exception:
            value = self.decode(record.value or b"")
            if not isinstance(value, Facts) or len(value.of) < 2:
                raise
            self._one_by_one(value, out)
        if self.refused:
            _, group, error = self.refused[0]
            wrong = tuple(fact for fact, _, _ in self.refused)
            portion = Portion.of(record, msgspec.json.encode(Facts(wrong, group)))
            what = f"{type(error).__name__}: {error}"[:500]
            bury(self.dead, portion, Why("measure", "processing", what, None, error), out)
            self.notes.dead_letter("processing")

    def ruled(self, value: Ruled, out: Outputs) -> None:
        """What stream time has passed by here is still judged by the rules before."""
        lines = {line: Line(time, self.watermarks.ended(line)) for line, time in self.times().items()}
        self.close(lines, out)
        if self.ruling.take(value, {}):
            self._go_by()

    def _go_by(self) -> None:
        if self.ruling.is_new():
            self.watching = self._watching()

    def _watching(self) -> Watching:
        self.ruling.is_new()
        alerts = self.ruling.alerts
        return Watching(alerts.index("queue"), alerts.index("kpi"), self.policy, self.watch_tables)

    def undo(self, record: Record) -> None:
        super().undo(record)
        self._go_by()

    def _one_by_one(self, facts: Facts, out: Outputs) -> None:
        """One of them raised: it is `refused`, and costs no other one."""
        self.refused.clear()
        self._take_back()
        for fact in facts.of:
            try:
                self.fold(Facts((fact,), facts.group), out)
            except (RowFault, StoreError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is of this fact
                self._take_back()
                self.refused.append((fact, facts.group, error))
            for table in self.tables.values():
                table.mark()

    def _take_back(self) -> None:
        for table in self.tables.values():
            table.undo()

    def fold(self, value: Any, out: Outputs) -> None:
        if isinstance(value, Facts):
            self._count(value.of, value.group)
        elif isinstance(value, Unnamed):
            self._unname(value, out)
        elif isinstance(value, Fact) and value.fact == JUDGED:
            self._judge(value)
        elif isinstance(value, Fact):
            self._count([value])
            if self.refused:
                raise self.refused.pop()[2]

    def _count(self, facts: Iterable[Fact], group: str = "") -> None:
        """Facts of one key: at once those whose names are known."""
        known: list[Fact] = []
        for fact in facts:
            if vocabulary.is_known(self.names, fact, group):
                known.append(fact)
                continue
            self._fold(known, group)
            known = []
            found = place(self.names, self.kpi_tables.days, fact, self.policy, group)
            if self._fold([found.fact], group):
                self.names.update(found.kept)
                for what in found.other:
                    self.notes.limited("measure", what)
        self._fold(known, group)

    def _fold(self, facts: list[Fact], group: str) -> bool:
        """Whether one of them counts. What cannot be counted is `refused`, and the others are."""
        if not facts:
            return False
        try:
            outcomes = fold_all(self.kpi_tables, facts, self.policy, group)
        except ValueError as error:
            if len(facts) == 1:
                self.refused.append((facts[0], group, error))
                return False
            return [self._fold([fact], group) for fact in facts].count(True) > 0
        self.counted.update([dimensions_of(fact, group) for fact in facts])
        for outcome in outcomes:
            if outcome != "counted":
                self.notes.late("measure")
        return any(outcome != "too_late" for outcome in outcomes)

    def _unname(self, told: Unnamed, out: Outputs) -> None:
        if self.examples is None:
            self.examples = named(self.signal_tables)
        if self.examples.has(told):
            for signal in unname(self.signal_tables, told):
                self._tell(signal, out)

    def _judge(self, fact: Fact) -> None:
        self.examples = None
        counted = watch.fold(self.signal_tables, fact, self.signal_rules)
        if counted == "too_late":
            self.notes.late("measure")
        elif counted == "too_many":
            self.notes.limited("measure", f"{fact.variant}s")

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
                waited = self.watching.before(self.kpi_tables, line)
                records = moved(self.kpi_tables, line, state.watermark, state.ended, self.policy, room)
                room -= len(records)
                self._forget_names(line, before)
                for *_, record in records:
                    self._publish(line, record, out)
                for condition in self.watching.after(self.kpi_tables, line, records, (before, waited)):
                    key = output_key(line, condition.fingerprint)
                    out.send(self.conditions, key, msgspec.json.encode(condition))
                for queue in queue_states(self.kpi_tables, line):
                    self._publish_queue(line, queue, out)
            except LaneFault as fault:
                raise RowFault(self._rows(fault), certain=not self._has_counted(fault)) from fault
            self._watch(line, out)
            self._is_behind(line, state)
        self.counted.clear()

    def _watch(self, line: str, out: Outputs) -> None:
        """Signals follow the figures: a line that moves in portions tests its hours in portions."""
        state = self.kpi_tables.lines.get(line)
        if state is None:
            return
        try:
            for signal in watch.advance(self.signal_tables, line, state.sealed, state.ended, self.signal_rules):
                self._tell(signal, out)
        except watch.SubjectFault as fault:
            rows = {
                (name, key): fault
                for name in ("hours", "subjects")
                for key in self.tables[name]
                if f"{key}{SEP}".startswith(fault.key + SEP)
            }
            raise RowFault(rows, certain=not self.folded) from fault

    def _tell(self, signal: dict[str, Any], out: Outputs) -> None:
        out.send(self.signals, output_key(signal["line"], watch.record_key(signal)), orjson.dumps(signal))

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
            dims, by = record["dimensions"], record.get("by")
            tier = (in_key(dims, by),) if by or dims["tier"] != ALL else ()
            raise LaneFault(SEP.join((line, dims["channel"], dims["queue"], *tier))) from error
        if record["readings"].saturated:
            self.notes.saturated(record["readings"].saturated)
        if line == LIVE and self.live is not None:
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
        return any(f"{dims}{SEP}".startswith(fault.dims + SEP) for dims in self.counted)

    def _forget_names(self, line: str, before: LineState | None) -> None:
        """Once a day, and when the line ends; ``before``: how far it had come."""
        now = self.kpi_tables.lines.get(line) or LineState()
        if now.ended and not (before and before.ended):
            vocabulary.forget(self.names, line)
        elif before is not None and now.sealed // DAY_MS > before.sealed // DAY_MS:
            vocabulary.forget_old(self.names, line, now.sealed, self.policy.kept_ms)

    def _rows(self, fault: LaneFault) -> dict[tuple[str, str], Exception]:
        """Every row of the channel, queue and tier at fault, or of the queue."""
        return {
            (name, key): fault
            for name in (*TABLE_TYPES, *WATCH_TYPES)
            for key in self.tables[name]
            if key.startswith(fault.dims + SEP) or key == fault.dims
        }

    def forget(self, line: str) -> None:
        self.kpi_tables.forget(line)
        self.kpi_tables.forget_queues(line)
        vocabulary.forget(self.names, line)
        self.watching.rows.forget(line)
        self.kpi_tables.lines.pop(line, None)
        self.signal_tables.forget(line)
        self.signal_tables.reached.pop(line, None)

    def live_time(self) -> int | None:
        """As far as readings are out: what is due may be more than one batch takes."""
        now = super().live_time()
        if now is None or LIVE not in self.behind:
            return now
        return min(now, (self.kpi_tables.lines.get(LIVE) or LineState()).sealed)

    def readings(self) -> dict[tuple[str, ...], float]:
        if self.live is None:  # what was published before this task was here stands, too
            self.live = LiveReadings(self.policy)
            for record in standing(self.kpi_tables, LIVE, self.policy):
                self.live.remember(record)
        return self.live.current(self.live_time())

    def queues_now(self) -> dict[tuple[str, str], tuple[int, float, float | None]]:
        return queues_now(self.kpi_tables, self.live_time() or 0)

    def firing_signals(self) -> dict[str, int]:
        return watch.firing(self.signal_tables, LIVE)
