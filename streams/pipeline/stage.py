"""What every agent behind `ingest` does alike: keep the watermarks of its origins, and pass its own stream time on."""

from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any, Literal

import msgspec

from streams.base.progress import GONE, Origins
from streams.base.records import LIVE, Line, Progress, Ruled
from streams.base.watermarks import Watermarks
from streams.engine import Outputs, Processor, Record, Rest, RowFault, StoreError, Table, TableSpec, TaskInfo
from streams.pipeline.notes import Gauged

Name = Callable[[str], str]
"""From a topic's name in the map to its name on the broker."""

LINES_A_RECORD = 400
PROGRESS_INTERVAL_MS = 250
"""Least wall-clock time between two progress records of one task while it is busy; a tick sends what is left."""


MAX_DUE = 4000
"""Most rows whose deadlines are looked after in one batch; after a long jump of stream time the others follow in
batches of their own, so that no transaction and no stall of the event loop grows with the number of customers. Only
then does a deadline come behind records that follow in the log."""


Keys = Literal["", "contact", "owner", "mark", "queue"]
"""What a table's keys name, by which `streams.inspect.rows` finds its rows; empty = only by the whole key."""


def struct_table(name: str, kind: Any, keys: Keys = "") -> TableSpec[Any]:
    """A table whose values are msgspec structs, kept as JSON in the changelog."""
    return TableSpec(name, msgspec.json.Encoder().encode, msgspec.json.Decoder(kind).decode, keys=keys)


def large_table(
    name: str,
    kind: Any,
    keys: Keys,
    due: Callable[[Any], Mapping[str, int]],
    *upgrades: Callable[[bytes], bytes],
    due_since: int | None = None,
) -> TableSpec[Any]:
    """A table larger than memory, whose rows say when they are to be looked at again (line → ms); its upgrades are each
    from one version to the next. ``due_since``: the version that first had the deadlines in front; None = this one.
    """
    version = 1 + len(upgrades)
    spec = replace(struct_table(name, kind, keys), resident=False, version=version, upgrades=upgrades, due=due)
    return replace(spec, due_since=due_since or version, due_anew=version)


NO_DEADLINE = 1 << 62
"""The deadline of a row of a replay that has none: it says that there is something to be forgotten."""
WATERMARKS = struct_table("watermarks", Progress)
BEHIND = struct_table("behind", bool)


class ProgressSender:
    """Tells the next agent how far this task has come: only lines that moved, and not more often than needed."""

    def __init__(self, info: TaskInfo, topic: str | None) -> None:
        self.info, self.topic = info, topic
        self.sent: dict[str, Line] = {}
        self.moved: dict[str, Line] = {}
        """What is to be sent next."""
        self.sent_at = 0

    def send(self, lines: Mapping[str, Line], out: Outputs, waited: bool = False) -> None:
        """Broadcast what moved since the last time, unless that was a moment ago; an ended line is told at once, and so
        is all when it has ``waited``.
        """
        if self.topic is None:
            return
        self.moved |= {line: state for line, state in lines.items() if self.sent.get(line) != state}
        ended = waited or any(state.ended for state in self.moved.values())
        # A clock that was set back must not silence the progress until it has caught up.
        if not self.moved or (0 <= out.now - self.sent_at < PROGRESS_INTERVAL_MS and not ended):
            return
        self._tell(self.moved, out)
        self.sent.update(self.moved)
        self.moved = {}
        self.sent_at = out.now

    @property
    def rest(self) -> Rest:
        """Is there a replay that moved and was not told of yet? The live line moves with every second."""
        return Rest.NEXT_TICK if self.moved.keys() - {LIVE} else Rest.NOTHING

    def forget(self, lines: Collection[str], out: Outputs) -> None:
        """Nothing more comes of these lines: they are to be forgotten."""
        for line in lines:
            self.sent.pop(line, None)
            self.moved.pop(line, None)
        if lines and self.topic is not None:
            self._tell(dict.fromkeys(lines, GONE), out)

    def _tell(self, lines: Mapping[str, Line], out: Outputs) -> None:
        """In records of at most `LINES_A_RECORD` lines, whose names have at most 100 characters: 64 KB at most."""
        if self.topic is None:
            return
        told = list(lines.items())
        for at in range(0, len(told), LINES_A_RECORD):
            progress = Progress(self.info.name, self.info.peers, dict(told[at : at + LINES_A_RECORD]))
            out.broadcast(self.topic, None, msgspec.json.encode(progress))


class Stage(Gauged, Processor):
    """Base of the agents that read an internal topic. A subclass folds records in `fold`, looks after a row that is due
    in `fire`, and ends a batch in `close`.

    Deadlines fire at the progress records in the log, so what they cause is a function of the log and not of where it
    was cut into batches.
    """

    before: str
    """The agent that writes the topic's progress."""
    timed: tuple[Table[Any], ...] = ()
    """The tables whose rows have deadlines."""

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], decoder: msgspec.json.Decoder[Any], onward: str | None
    ) -> None:
        self.info, self.tables = info, tables
        self.decode = decoder.decode
        tasks = info.stages.get(self.before)
        self.watermarks = Watermarks(tables["watermarks"], Origins(self.before, tasks) if tasks else None)
        self.healed = False
        self.progress = ProgressSender(info, onward)
        self.behind: MutableMapping[str, bool] = tables.get("behind", {})
        """Lines of which more is due than a batch could take. A table, so that whoever takes over holds time, too."""
        self.pausing: Mapping[str, int] = {}
        """Line of which nothing is told for a moment → since when, by the clock, ms."""
        self.fired = 0
        self.folded = False
        """Has a record of this batch changed rows?"""
        self.size = 0
        """Bytes of the record at hand."""

    def handle(self, record: Record, out: Outputs) -> None:
        value = self.decode(record.value or b"")
        self.size = len(record.value or b"")
        if type(value) is Ruled:
            self._heal(out.now)
            self.ruled(value, out)
            return
        if type(value) is not Progress:
            self.folded = True
            self.fold(value, out)
            return
        self._heal(out.now)
        self.watermarks.note(value, out.now)
        self._pass([line for line in value.lines if line not in self.behind], out)

    def undo(self, record: Record) -> None:
        """What was healed before the record is not any more."""
        self.healed = False

    def _heal(self, now: int) -> None:
        if not self.healed:
            self.watermarks.heal(now)
            self.healed = True

    def keep(self) -> None:
        """The end of a batch is left out: the next one begins as after any other."""
        self.fired = 0
        self.folded = False

    def finish(self, out: Outputs) -> Rest:
        self._heal(out.now)
        leaving = self._forget(out)
        if self.behind:
            self._pass(sorted(self.behind), out)
        lines: dict[str, Line] = {}
        for line in self.watermarks.lines():
            time = self.watermarks.stream_time(line)
            if time is not None:
                lines[line] = Line(time, self.watermarks.ended(line))
        self.close(lines, out)
        pausing = self.pausing
        lines = self.reached(lines, out.now)
        # What is still due may send something that lies before the line's watermark.
        told = {line: state for line, state in lines.items() if line not in self.behind}
        self.progress.send(told, out, waited=bool(pausing.keys() - self.pausing.keys()))
        self.fired = 0
        self.folded = False
        if leaving or self.behind:
            return Rest.AT_ONCE
        return Rest.NEXT_TICK if self.pausing else self.progress.rest

    def _forget(self, out: Outputs) -> bool:
        """Drop what is kept of the lines that nobody speaks of any more; True: there is more than one batch takes."""
        gone: list[str] = []
        more = False
        for line in self.watermarks.forgotten():
            self.behind.pop(line, None)
            if more := not self._dropped(line, out):
                break
            self.forget(line)
            self.watermarks.forget(line)
            gone.append(line)
        self.progress.forget(gone, out)
        return more

    def _dropped(self, line: str, out: Outputs) -> bool:
        """Drop rows of a line; True: there are no more."""

        def drop(table: Table[Any], due: Iterable[str], line: str) -> None:
            name = table.spec.name
            self.each(due, lambda key: self.drop(name, key, line, out), lambda key: [(name, key)], certain=True)

        return all(self._look(table, line, NO_DEADLINE + 1, drop) for table in self.timed)

    def _pass(self, lines: Iterable[str], out: Outputs) -> None:
        """Look after the rows that are due by now."""
        for line in lines:
            now = self.watermarks.stream_time(line)
            if now is None or not self.timed:
                continue

            def fire(table: Table[Any], due: Iterable[str], line: str, now: int = now) -> None:
                name = table.spec.name
                # No record is to blame for a deadline that fails: a batch with others was halved before.
                self.each(
                    due, lambda key: self.fire(name, key, line, now, out), lambda key: [(name, key)], certain=True
                )

            if all(self._look(table, line, now, fire) for table in self.timed):
                self.behind.pop(line, None)
            else:
                self.behind[line] = True

    def _look(
        self, table: Table[Any], line: str, now: int, look: Callable[[Table[Any], Iterable[str], str], None]
    ) -> bool:
        """Look after rows of a table that are due; True: there are no more."""
        self.prepare()
        room = max(0, MAX_DUE - self.fired)
        due = table.take_due(line, now, room) if room else []
        self.fired += len(due)
        look(table, due, line)
        return len(due) < room and not table.full

    def each(
        self,
        keys: Iterable[str],
        do: Callable[[str], object],
        rows: Callable[[str], Iterable[tuple[str, str]]],
        certain: bool,
    ) -> None:
        """Do something with each row or group of ``rows`` (table, key). Raises `RowFault` that names all that failed:
        ``certain``, when no record of the batch can be to blame.
        """
        faults: dict[tuple[str, str], Exception] = {}
        for key in keys:
            try:
                do(key)
            except StoreError:
                raise
            except RowFault as fault:
                faults |= fault.rows
            except Exception as error:  # noqa: BLE001 - whatever it is, it is of this row
                faults |= dict.fromkeys(rows(key), error)
        if faults:
            raise RowFault(faults, certain=certain)

    def live_time(self) -> int | None:
        return self.watermarks.stream_time(LIVE)

    def fold(self, value: Any, out: Outputs) -> None:
        """Take one record in."""
        raise NotImplementedError

    def ruled(self, value: Ruled, out: Outputs) -> None:
        """Alerts are raised by other rules from here on."""

    def times(self) -> dict[str, int]:
        """Line → stream time, ms, of those that have one."""
        known = ((line, self.watermarks.stream_time(line)) for line in self.watermarks.lines())
        return {line: time for line, time in known if time is not None}

    def prepare(self) -> None:
        """Deadlines are looked after next: rows that this batch wrote must say when they are due."""

    def fire(self, table: str, key: str, line: str, now: int, out: Outputs) -> None:
        """Stream time of a line has come to ``now``, which is later than a deadline of this row."""

    def drop(self, table: str, key: str, line: str, out: Outputs) -> None:
        """A row without this line, which is forgotten."""

    def reached(self, lines: dict[str, Line], now: int) -> dict[str, Line]:
        """How far this agent has come when stream time has come to ``lines``; ``now``: the clock, ms."""
        return lines

    def forget(self, line: str) -> None:
        """Drop what is kept of a line beside the rows with deadlines."""

    def close(self, lines: Mapping[str, Line], out: Outputs) -> None:
        """The batch is over; stream time has come to ``lines``."""
