"""What every agent behind `ingest` does alike: keep the watermarks of its origins, and pass its own stream time on."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from streams.domain.records import LIVE, Line, Progress
from streams.domain.watermarks import Watermarks
from streams.engine import Outputs, Record, Table, TableSpec, TaskInfo

Name = Callable[[str], str]
"""From a topic's name in the map to its name on the broker."""

PROGRESS_INTERVAL_MS = 250
"""Least wall-clock time between two progress records of one task while it is busy; a tick sends what is left."""


def struct_table(name: str, kind: Any) -> TableSpec[Any]:
    """A table whose values are msgspec structs, kept as JSON in the changelog."""
    return TableSpec(name, msgspec.json.Encoder().encode, msgspec.json.Decoder(kind).decode)


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
        if not moved or (out.now - self.sent_at < PROGRESS_INTERVAL_MS and not ended):
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

    def finish(self, out: Outputs) -> None:
        lines: dict[str, Line] = {}
        for line in self.watermarks.lines():
            time = self.watermarks.stream_time(line)
            if time is not None:
                lines[line] = Line(time, self.watermarks.ended(line))
        self.pass_time(lines, out)
        self.progress.send(lines, out)

    def live_time(self) -> int | None:
        """Stream time of the live line, ms; for the metrics."""
        return self.watermarks.stream_time(LIVE)

    def fold(self, value: Any, out: Outputs) -> None:
        """Take one record in."""
        raise NotImplementedError

    def pass_time(self, lines: Mapping[str, Line], out: Outputs) -> None:
        """Stream time has come to ``lines``: fire what is due."""
