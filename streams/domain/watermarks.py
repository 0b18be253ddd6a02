"""Stream time: how far the inputs have come (``InputClock``, at the inlet) and how far all upstream tasks have come
(``Watermarks``).

A watermark W of a line says: every event of that line with time ≤ W has been seen. It never goes back. Both classes
keep all they know in the mapping they are given, with values that are never altered, so that they live in a task's
table.
"""

from collections.abc import Collection, Iterable, MutableMapping

import msgspec

from streams.domain.progress import AHEAD_MS, Origins
from streams.domain.records import LIVE, Line, Progress


class Watermarks:
    """Stream time of a task: per line the smallest watermark of all its origins.

    ``table``: origin → the ``Progress`` that sums up all it said (the later watermark of each line; an end stays).
    ``origins``: who they are; ``None`` = whoever speaks, and they say themselves how many they are.
    """

    def __init__(self, table: MutableMapping[str, Progress], origins: Origins | None = None) -> None:
        self._table, self._origins = table, origins
        self._names = origins.names if origins else None
        self._times: dict[str, int | None] = {}
        """Stream times as they were last reckoned from the table, which only this class writes."""

    def heal(self, now: int) -> None:
        """Forget what cannot be true of the table as it was found; ``now``: wall clock, ms."""
        if self._origins is not None:
            self._times.clear()
            self._origins.heal(self._table, now)

    def note(self, progress: Progress, appended: int | None = None) -> None:
        """Takes what an upstream task says. A line it no longer names stays as it was.

        ``appended``: when the broker appended the record, ms. Raises `Implausible` for what cannot be true.
        """
        if self._origins is not None and appended is not None:
            self._origins.check(progress, appended)
        self._times.clear()
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
        if line not in self._times:
            said = self._said(line)
            self._times[line] = None if said is None else min(one.watermark for one in said)
        return self._times[line]

    def ended(self, line: str) -> bool:
        """Has every origin ended the line?"""
        said = self._said(line)
        return said is not None and all(one.ended for one in said)

    def lines(self) -> list[str]:
        """The lines any origin has spoken of, sorted."""
        return sorted({name for progress in self._table.values() for name in progress.lines})

    def forget(self, line: str) -> None:
        """Drops a line, such as a replay whose end has been dealt with. An origin that names it brings it back."""
        self._times.clear()
        for origin, progress in list(self._table.items()):
            if line in progress.lines:
                left = {name: one for name, one in progress.lines.items() if name != line}
                self._table[origin] = Progress(origin, progress.of, left)

    def _said(self, line: str) -> list[Line] | None:
        """What each origin says of the line; ``None`` while one is missing."""
        if self._names is not None:
            told = [self._table[name] for name in self._names if name in self._table]
            if len(told) < len(self._names):
                return None
        else:
            told = list(self._table.values())
            if not told or len(told) < max(progress.of for progress in told):  # of the counts the largest is the newest
                return None
        said = [progress.lines[line] for progress in told if line in progress.lines]
        return said if len(said) == len(told) else None


def _later(known: Line | None, line: Line) -> Line:
    if known is None:
        return line
    return Line(max(known.watermark, line.watermark), known.ended or line.ended)


class LineClock(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one input partition knows of one line."""

    times: dict[str, int] = {}
    """Topic → largest event or marker time, ms."""
    declared: tuple[str, ...] = ()
    """Topics a replay says it publishes to, sorted."""
    ended: tuple[str, ...] = ()
    """Those of them whose partition has seen the replay's end, sorted."""
    watermark: int | None = None
    """The last one given out, ms."""


class InputClock:
    """Watermarks of the lines in one input partition, that is the partitions of the same number of all input topics.

    ``table``: line → ``LineClock``. ``out_of_orderness``: how much later than a younger event an event may come, ms.
    """

    def __init__(self, table: MutableMapping[str, LineClock], out_of_orderness: int) -> None:
        self._table = table
        self._out_of_orderness = out_of_orderness

    def heal(self, now: int) -> None:
        """Take back a live watermark that a wrong clock has put ahead of ``now`` (ms)."""
        clock = self._table.get(LIVE)
        if clock is not None and clock.watermark is not None and clock.watermark > now + AHEAD_MS:
            times = {topic: min(time, now) for topic, time in clock.times.items()}
            self._table[LIVE] = msgspec.structs.replace(clock, times=times, watermark=now - self._out_of_orderness)

    def event(self, line: str, topic: str, time: int) -> None:
        """An event of ``line`` with event time ``time`` (ms) was read from ``topic``."""
        clock = self._table.get(line, _NEW)
        if time > clock.times.get(topic, time - 1):
            self._table[line] = msgspec.structs.replace(clock, times=clock.times | {topic: time})

    def marker(self, line: str, topic: str, time: int, declared: Iterable[str], *, ended: bool = False) -> None:
        """A replay's marker was read from ``topic``: it uses the topics ``declared`` and has come to ``time``;
        ``ended``: for good.
        """
        clock = self._table.get(line, _NEW)
        self._table[line] = msgspec.structs.replace(
            clock,
            times=clock.times | {topic: max(time, clock.times.get(topic, time))},
            declared=tuple(sorted({*clock.declared, *declared, topic})),
            ended=tuple(sorted({*clock.ended, topic})) if ended else clock.ended,
        )

    def watermark(self, line: str, now: int, behind: Collection[str] = ()) -> Line | None:
        """How far the line has come; ``None`` while nobody can say. Remembers what it gives out, so that it never goes
        back.

        ``now``: wall clock, ms; it moves the live line only. ``behind``: input topics with records not yet read at
        ``now``. With none the live line follows the wall clock; otherwise the topic that is furthest behind decides, by
        its own events.
        """
        clock = self._table.get(line, _NEW)
        ended = line != LIVE and self.ended(line)
        if ended:
            reached: int | None = max(clock.times.values())
        elif line == LIVE:
            reached = self._live(clock, now, behind)
        else:
            reached = self._replayed(clock)
        marks = [mark for mark in (reached, clock.watermark) if mark is not None]
        if not marks:
            return None
        if max(marks) != clock.watermark:
            self._table[line] = msgspec.structs.replace(clock, watermark=max(marks))
        return Line(max(marks), ended)

    def ended(self, line: str) -> bool:
        """Has every declared topic's partition seen the replay's end?"""
        clock = self._table.get(line)
        return clock is not None and bool(clock.declared) and set(clock.declared) == set(clock.ended)

    def watermarks(self, now: int, behind: Collection[str] = ()) -> dict[str, Line]:
        """The lines that have one, live included: what a ``Progress`` carries."""
        said = {line: self.watermark(line, now, behind) for line in (LIVE, *self.replays())}
        return {line: one for line, one in said.items() if one is not None}

    def replays(self) -> list[str]:
        """The replays this partition knows, sorted."""
        return sorted(line for line in self._table if line != LIVE)

    def forget(self, line: str) -> None:
        """Drops a line, such as a replay that ended long ago. Its markers would start it anew."""
        self._table.pop(line, None)

    def _live(self, clock: LineClock, now: int, behind: Collection[str]) -> int | None:
        times = [clock.times.get(topic) for topic in behind]
        known = [min(time, now) for time in times if time is not None]
        if len(known) < len(times):  # a topic of which nothing has been read yet: anything may come
            return None
        return min(known, default=now) - self._out_of_orderness

    def _replayed(self, clock: LineClock) -> int | None:
        open_topics = [topic for topic in clock.declared if topic not in clock.ended]
        if not open_topics or any(topic not in clock.times for topic in open_topics):
            return None
        return min(clock.times[topic] for topic in open_topics) - self._out_of_orderness


_NEW = LineClock()
