"""Stream time: how far all upstream tasks have come. At the inlet, `streams.intake.clock` says how far the inputs have.

A watermark W of a line says: every event of that line with time ≤ W has been seen. It never goes back. All that is
known is kept in the mapping that is given, with values that are never altered, so that it lives in a task's table.
"""

from collections.abc import Mapping, MutableMapping

from streams.base.progress import Origins
from streams.base.records import Line, Progress


class Watermarks:
    """Stream time of a task: per line the smallest watermark of all its origins.

    ``table``: origin → the ``Progress`` that sums up all it said (the later watermark of each line; an end stays).
    ``origins``: who they are; ``None`` = whoever speaks, and they say themselves how many they are.
    """

    def __init__(self, table: MutableMapping[str, Progress], origins: Origins | None = None) -> None:
        self._table, self._origins = table, origins
        self._reached: dict[str, Line | None] = {}
        self._spoken: list[str] | None = None
        """Both as they were last reckoned from the table, which only this class writes."""
        self._leaving = _leaving(table)
        """Lines that an origin has forgotten, and maybe some that none has."""

    def heal(self, now: int) -> None:
        """Forget what cannot be true of the table as it was found; ``now``: wall clock, ms."""
        if self._origins is not None:
            self._changed()
            self._origins.heal(self._table, now)
            self._leaving = _leaving(self._table)

    def note(self, progress: Progress, now: int | None = None) -> None:
        """Takes what an upstream task says. A line it no longer names stays as it was.

        ``now``: the clock, ms. Raises `Implausible` for what cannot be true.
        """
        if self._origins is not None and now is not None:
            self._origins.check(progress, now)
        self._changed()
        self._leaving.update(name for name, line in progress.lines.items() if line.forgotten)
        known = self._table.get(progress.origin)
        if known is None:
            self._table[progress.origin] = progress
            return
        lines = dict(known.lines)
        for name, line in progress.lines.items():
            lines[name] = _later(lines.get(name), line)
        if lines != known.lines or progress.of != known.of:
            self._table[progress.origin] = Progress(progress.origin, progress.of, lines)

    def stream_time(self, line: str) -> int | None:
        """The smallest watermark of all origins, ms; ``None`` while one of them has not spoken of the line."""
        reached = self._line(line)
        return None if reached is None else reached.watermark

    def ended(self, line: str) -> bool:
        """Has every origin ended the line?"""
        reached = self._line(line)
        return reached is not None and reached.ended

    def lines(self) -> list[str]:
        """The lines any origin speaks of, sorted."""
        if self._spoken is None:
            told = self._table.values()
            self._spoken = sorted({name for one in told for name, line in one.lines.items() if not line.forgotten})
        return self._spoken

    def forgotten(self) -> list[str]:
        """The lines that some origins have forgotten and of which no origin speaks any more, sorted."""
        found = []
        for name in sorted(self._leaving):
            said = [one.lines[name].forgotten for one in self._table.values() if name in one.lines]
            if said and all(said):
                found.append(name)
            elif not any(said):
                self._leaving.discard(name)
        return found

    def forget(self, line: str) -> None:
        """Drops a line, such as a replay whose end has been dealt with. An origin that names it brings it back."""
        self._changed()
        for origin, progress in list(self._table.items()):
            if line in progress.lines:
                left = {name: one for name, one in progress.lines.items() if name != line}
                self._table[origin] = Progress(origin, progress.of, left)

    def _changed(self) -> None:
        self._reached.clear()
        self._spoken = None

    def _line(self, name: str) -> Line | None:
        """How far all origins have come; ``None`` while one is missing."""
        if name not in self._reached:
            if self._origins is not None:
                told = [self._table[origin] for origin in self._origins.names if origin in self._table]
                count = len(self._origins.names)
            else:  # of the counts the largest is the newest
                told = list(self._table.values())
                count = max((one.of for one in told), default=1)
            said = [line for one in told if (line := one.lines.get(name)) is not None and not line.forgotten]
            self._reached[name] = (
                Line(min(one.watermark for one in said), all(one.ended for one in said))
                if len(said) == len(told) >= count
                else None
            )
        return self._reached[name]


def _leaving(table: Mapping[str, Progress]) -> set[str]:
    return {name for one in table.values() for name, line in one.lines.items() if line.forgotten}


def _later(known: Line | None, line: Line) -> Line:
    if known is None or known.forgotten or line.forgotten:
        return line
    return Line(max(known.watermark, line.watermark), known.ended or line.ended)
