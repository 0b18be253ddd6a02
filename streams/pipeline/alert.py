"""`alert`: what becomes of conditions that hold. Reads ``alert.conditions``, one partition; writes alerts as they stand
and every step that one takes.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import orjson

from streams.alerts import records
from streams.alerts.board import Board, Cap, Gone, Silence, Tables, Told
from streams.alerts.connectors import CONNECTOR_TYPES, Connectors, ConnectorTables
from streams.alerts.hearing import Places, places
from streams.alerts.machine import OVER, Refused, Standing
from streams.base.alert_records import AlertRecord, Command, Condition, Pulse
from streams.base.records import LIVE, Erase, Ruled, output_key
from streams.base.times import MINUTE_MS
from streams.customers.rules import AlertReader, AlertRules
from streams.engine import Outputs, Record, Rest, Table, TableSpec, TaskInfo
from streams.hours.calendars import Hours
from streams.pipeline.dead_letters import Why, bury
from streams.pipeline.notes import Notes
from streams.pipeline.ruling import FILE, REJUDGED, REJUDGING, RULING, SWITCHED, Ruling
from streams.pipeline.stage import BEHIND, NO_DEADLINE, WATERMARKS, Name, Stage, struct_table


def _timed(name: str, kind: Any, due: Callable[[Any], int | None]) -> TableSpec[Any]:
    def due_of(row: Any) -> Mapping[str, int]:
        """A replay without deadlines is due in the end, to be forgotten."""
        at = due(row)
        if at is None:
            return {row.line: NO_DEADLINE} if row.line != LIVE else {}
        return {row.line: at}

    return replace(struct_table(name, kind), due=due_of)


TABLES = (
    WATERMARKS,
    BEHIND,
    _timed("standings", Standing, lambda row: row.due),
    _timed("silences", Silence, lambda row: row.next - 1),
    _timed("caps", Cap, lambda row: row.minute + MINUTE_MS - 1),
    *(struct_table(name, kind) for name, kind in CONNECTOR_TYPES.items()),
    RULING,
    SWITCHED,
    REJUDGING,
)


PLACES = places(Hours(), ZoneInfo("UTC"))


class AlertMeans(NamedTuple):
    """What it goes by."""

    alerts: AlertRules = AlertRules()
    reader: AlertReader = AlertReader()
    places: Places = PLACES


class Alerting(Stage):
    """Tables: ``standings`` by fingerprint, ``silences``, ``caps``, see `streams.alerts.board`; what connectors sent:
    `streams.alerts.connectors`.
    """

    before = "measure"

    def __init__(
        self,
        info: TaskInfo,
        tables: Mapping[str, Table[Any]],
        name: Name,
        means: AlertMeans,
        notes: Notes,
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(AlertRecord), None)
        self.notes, self.places = notes, means.places
        self.ruling, self.rejudging = Ruling(tables, means.alerts, means.reader), tables["rejudging"]
        self.ruling.is_new()
        rows = Tables(tables["standings"], tables["silences"], tables["caps"])
        alerts = self.ruling.alerts
        self.board = Board(rows, alerts.file.handlings(), alerts.switched, self.watermarks.ended)
        self._note()
        self.connector_rows = ConnectorTables(**{name: tables[name] for name in CONNECTOR_TYPES})
        self.connectors = self._connectors()
        self.timed = (tables["standings"], tables["silences"], tables["caps"])
        self.alerts, self.events, self.dead = name("alerts"), name("alert.events"), name("contacts.dead-letters")

    def handle(self, record: Record, out: Outputs) -> None:
        try:
            super().handle(record, out)
            self._listen(out)
        except Refused as why:
            bury(self.dead, record, Why("alert", "wrong-type", str(why), why.path), out)
            self.notes.dead_letter("wrong-type")

    def undo(self, record: Record) -> None:
        super().undo(record)
        self.board.forgotten()
        self._go_by()

    def ruled(self, value: Ruled, out: Outputs) -> None:
        if self.ruling.take(value, {}):
            self._go_by()
            self.rejudging[FILE] = ""
            self._rejudge_some(out)

    def _go_by(self) -> None:
        if self.ruling.is_new():
            self.board.go_by(self.ruling.alerts.file.handlings(), self.ruling.alerts.switched)
            self.connectors = self._connectors()
            self._note()

    def _note(self) -> None:
        self.notes.ruled(self.ruling.alerts.severities)

    def rules_version(self) -> str | None:
        return self.ruling.alerts.file.version

    def _connectors(self) -> Connectors:
        alerts = self.ruling.alerts
        return Connectors(alerts.index("connector"), alerts.index("system"), self.places, self.connector_rows)

    def _rejudge_some(self, out: Outputs) -> None:
        """Hold alerts against other rules, in the order of their fingerprints."""
        after = self.rejudging.get(FILE)
        if after is None:
            return
        keys = self.tables["standings"].behind(after, REJUDGED)
        self.each(keys, lambda key: self._rejudge(key, out), lambda key: [("standings", key)], certain=True)
        if len(keys) < REJUDGED:
            del self.rejudging[FILE]
        else:
            self.rejudging[FILE] = keys[-1]

    def _rejudge(self, key: str, out: Outputs) -> None:
        if (known := self.board.tables.standings.get(key)) is not None:
            now = self.watermarks.stream_time(known.line)
            self._tell(self.board.rejudge(key, known.stepped if now is None else now), out)

    def finish(self, out: Outputs) -> Rest:
        self._rejudge_some(out)
        rest = super().finish(out)
        return Rest.AT_ONCE if self.rejudging else rest

    def _listen(self, out: Outputs) -> None:
        """Look after the connectors, a minute of stream time at a time."""
        now = self.watermarks.stream_time(LIVE)
        if now is not None and self.connectors.is_due(now):
            for condition in self.connectors.passed(now):
                self._tell(self.board.take(condition, max(condition.at, now)), out)

    def fold(self, value: Any, out: Outputs) -> None:
        if isinstance(value, Pulse):
            self.connectors.heard(value)
            return
        now = self.watermarks.stream_time(value.line)
        if isinstance(value, Condition):
            told = self.board.take(value, max(value.at, now or value.at))
        elif isinstance(value, Erase):
            told = self.board.erase(value, value.time if now is None else now)
        elif isinstance(value, Command):
            self._tell(self.board.before(value, value.time if now is None else now), out)
            told = self.board.obey(value, value.time if now is None else now)
        else:
            told = self.board.silence(value, value.time if now is None else now)
        self._tell(told, out)

    def fire(self, table: str, key: str, line: str, now: int, out: Outputs) -> None:
        if table == "standings":
            self._tell(self.board.passed(key, now), out)
        elif table == "silences":
            self._tell(self.board.passed_silence(key, now), out)
        else:
            self._tell(self.board.passed_cap(key, now), out)

    def drop(self, table: str, key: str, line: str, out: Outputs) -> None:
        self._tell(self.board.drop(table, key), out)

    def open_alerts(self) -> dict[tuple[str, str, str], int]:
        """By rule, state and severity."""
        known = (each for each in self.board.tables.standings.values() if each.line == LIVE and each.base not in OVER)
        return Counter((each.condition.rule, each.state, each.severity) for each in known)

    def _tell(self, told: list[Told], out: Outputs) -> None:
        for each in told:
            if isinstance(each, Gone):
                out.send(self.alerts, output_key(each.line, each.fingerprint), None)
                continue
            rule = self.board.rule(each.standing.condition.rule)
            event = records.event(each, rule)
            key = output_key(each.standing.line, each.standing.condition.fingerprint)
            out.send(self.alerts, key, orjson.dumps(event["alert"]))
            out.send(self.events, key, orjson.dumps(event))
            if each.standing.line == LIVE:
                self.notes.alert(each.standing.condition.rule, event["alert"]["state"])
