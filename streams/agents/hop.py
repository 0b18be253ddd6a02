"""What every agent behind `ingest` does alike: keep the watermarks of its origins, and pass its own stream time on."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any

import msgspec

from streams.domain.records import LIVE, Line, Progress
from streams.domain.watermarks import Watermarks
from streams.engine import Outputs, Record, Table, TableSpec, TaskInfo

Name = Callable[[str], str]
"""From a topic's name in the map to its name on the broker."""

PROGRESS_INTERVAL_MS = 250
"""Least wall-clock time between two progress records of one task while it is busy; a tick sends what is left."""


MAX_DUE = 4000
"""Most rows whose deadlines are looked after in one batch; after a long jump of stream time the others follow in
batches of their own, so that no transaction and no stall of the event loop grows with the number of customers."""


def struct_table(name: str, kind: Any) -> TableSpec[Any]:
    """A table whose values are msgspec structs, kept as JSON in the changelog."""
    return TableSpec(name, msgspec.json.Encoder().encode, msgspec.json.Decoder(kind).decode)


_deadlines = msgspec.json.Decoder(dict[str, int]).decode


def deadlines_in(row: bytes) -> Mapping[str, int]:
    """The field ``due`` of an encoded row, its last one and always written. Raises ``ValueError``."""
    return _deadlines(row[row.rindex(b'"due":{') + 6 : -1])


def large_table(name: str, kind: Any, upgrade: Callable[[bytes], bytes]) -> TableSpec[Any]:
    """A table larger than memory, whose rows say in their field ``due`` when they are to be looked at again (version 2;
    ``upgrade`` adds the field to a row of version 1).
    """
    return replace(
        struct_table(name, kind),
        resident=False,
        version=2,
        upgrades=(upgrade,),
        due=attrgetter("due"),
        peek=deadlines_in,
    )


WATERMARKS = struct_table("watermarks", Progress)


class ProgressSender:
    """Tells the next agent how far this task has come: only lines that moved, and not more often than needed."""

    def __init__(self, info: TaskInfo, topic: str | None) -> None:
        self.info, self.topic = info, topic
        self.sent: dict[str, Line] = {}
        self.sent_at = 0

    def send(self, lines: Mapping[str, Line], out: Outputs) -> None:
        """Broadcast what moved since the last time, unless that was a moment ago; an ended line is told at once."""
        if self.topic is None:
            return
        moved = {line: state for line, state in lines.items() if self.sent.get(line) != state}
        ended = any(state.ended for state in moved.values())
        # A clock that was set back must not silence the progress until it has caught up.
        if not moved or (0 <= out.now - self.sent_at < PROGRESS_INTERVAL_MS and not ended):
            return
        self.sent.update(moved)
        self.sent_at = out.now
        out.broadcast(self.topic, None, msgspec.json.encode(Progress(self.info.name, self.info.peers, moved)))


class Hop:
    """Base of the agents that read an internal topic. A subclass folds records in `fold` and lets time pass in
    `pass_time`.
    """

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], decoder: msgspec.json.Decoder[Any], onward: str | None
    ) -> None:
        self.info, self.tables = info, tables
        self.decode = decoder.decode
        self.watermarks = Watermarks(tables["watermarks"])
        self.progress = ProgressSender(info, onward)

    def handle(self, record: Record, out: Outputs) -> None:
        value = self.decode(record.value or b"")
        if type(value) is Progress:
            self.watermarks.note(value)
        else:
            self.fold(value, out)

    def undo(self, record: Record) -> None:
        """Nothing is kept outside the tables for one record."""

    def finish(self, out: Outputs) -> bool:
        lines: dict[str, Line] = {}
        for line in self.watermarks.lines():
            time = self.watermarks.stream_time(line)
            if time is not None:
                lines[line] = Line(time, self.watermarks.ended(line))
        behind = self.pass_time(lines, out)
        # What is still due may send something that lies before the line's watermark.
        self.progress.send({line: state for line, state in lines.items() if line not in behind}, out)
        return bool(behind)

    def live_time(self) -> int | None:
        """Stream time of the live line, ms; for the metrics."""
        return self.watermarks.stream_time(LIVE)

    def fold(self, value: Any, out: Outputs) -> None:
        """Take one record in."""
        raise NotImplementedError

    def pass_time(self, lines: Mapping[str, Line], out: Outputs) -> Collection[str]:
        """Stream time has come to ``lines``: fire what is due. Returns the lines that have more of it."""
        raise NotImplementedError
