"""Stream time at the inlet: how far each line has come in one input partition.

A watermark W of a line says: every event of that line with time ≤ W has been seen. It never goes back. All that is
known is kept in the mapping that is given, with values that are never altered, so that it lives in a task's table.
"""

from collections.abc import Collection, Iterable, MutableMapping

import msgspec

from streams.base.progress import AHEAD_MS, FIRST_MS, LAST_MS
from streams.base.records import LIVE, Line
from streams.base.times import HOUR_MS


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
    source: str = ""
    """Who declared the replay: its markers count only from there."""
    used: int = 0
    """The hour in which its last event or marker arrived, ms; 0 = not known (a row of the version before)."""
    early: int = 0
    """Events taken before it was declared."""


class InputClock:
    """Watermarks of the lines in one input partition, that is the partitions of the same number of all input topics.

    ``table``: line → ``LineClock``. ``out_of_orderness``: how much later than a younger event an event may come, ms.
    """

    def __init__(self, table: MutableMapping[str, LineClock], out_of_orderness: int) -> None:
        self._table = table
        self._out_of_orderness = out_of_orderness
        self._moved = set(table)
        """Lines whose watermark may be another than when it was last given out."""
        self._looked = 0
        """The hour in which it was last looked for quiet lines."""

    def admit(self, line: str, arrived: int, limit: int) -> bool:
        """Something of a replay arrived at ``arrived`` (ms); False: the line is not known, and ``limit`` others
        are."""
        clock = self._table.get(line)
        if clock is None and len(self._table) - (LIVE in self._table) >= limit:
            return False
        hour = arrived - arrived % HOUR_MS
        if clock is None or hour > clock.used:
            self._table[line] = msgspec.structs.replace(clock or _NEW, used=hour)
        return True

    def admit_event(self, line: str, limit: int) -> bool:
        """An event of a replay is about to be taken; False: no marker has declared it yet, so its time has not begun
        and nothing of it is ever forgotten, and ``limit`` events were taken before.
        """
        clock = self._table.get(line, _NEW)
        if clock.declared:
            return True
        if clock.early >= limit:
            return False
        self._table[line] = msgspec.structs.replace(clock, early=clock.early + 1)
        return True

    def quiet(self, life: int, limit: int, portion: int = 200) -> list[str]:
        """Replays for which nothing has come for ``life`` ms before the live line's watermark, at most ``portion`` of
        them.

        Of a row of the version before it is not known when it was used: it counts as used now, or, where there are more
        than ``limit`` replays, as used for the last time an hour before its end.
        """
        now = self.reached(LIVE)
        if now is None or now // HOUR_MS == self._looked:
            return []
        hour = now - now % HOUR_MS
        names = self.replays()
        old = [name for name in names if not self._table[name].used]
        for name in old[:portion]:
            used = hour if len(names) <= limit else hour - life + HOUR_MS
            self._table[name] = msgspec.structs.replace(self._table[name], used=used)
        found = [name for name in names if 0 < self._table[name].used < now - life][:portion]
        if len(old) <= portion and len(found) < portion:
            self._looked = now // HOUR_MS
        return found

    def heal(self, now: int) -> None:
        """Take back a live watermark that a wrong clock has put ahead of ``now`` (ms), and forget replays at times that
        cannot be, which a version took that knew no edges.
        """
        for line in self.replays():
            known = self._table[line]
            told = [time for time in (*known.times.values(), known.watermark) if time is not None]
            if not all(FIRST_MS <= time <= LAST_MS for time in told):
                self.forget(line)
        clock = self._table.get(LIVE)
        if clock is not None and clock.watermark is not None and clock.watermark > now + AHEAD_MS:
            times = {topic: min(time, now) for topic, time in clock.times.items()}
            self._table[LIVE] = msgspec.structs.replace(clock, times=times, watermark=now - self._out_of_orderness)

    def event(self, line: str, topic: str, time: int) -> None:
        """An event of ``line`` with event time ``time`` (ms) was read from ``topic``."""
        clock = self._table.get(line, _NEW)
        if time > clock.times.get(topic, time - 1):
            self._moved.add(line)
            self._table[line] = msgspec.structs.replace(clock, times=clock.times | {topic: time})

    def times(self, line: str) -> dict[str, int]:
        """Topic → largest event or marker time read of it, ms."""
        return self._table.get(line, _NEW).times

    def declare(self, line: str, source: str, topics: Iterable[str]) -> tuple[str, frozenset[str]]:
        """A marker says that ``source`` replays to ``topics``. The first one holds: its source and its topics."""
        clock = self._table.get(line, _NEW)
        if not clock.source:
            # In a row of the version before, topics may be declared and the source not known.
            declared = tuple(sorted({*clock.declared, *topics}))
            clock = self._table[line] = msgspec.structs.replace(clock, source=source, declared=declared, early=0)
            self._moved.add(line)
        return clock.source, frozenset(clock.declared)

    def marker(self, line: str, topic: str, time: int, *, ended: bool = False) -> None:
        """A marker of a declared replay was read from ``topic``, one of those it uses: it has come to ``time``;
        ``ended``: for good.
        """
        clock = self._table[line]
        self._moved.add(line)
        self._table[line] = msgspec.structs.replace(
            clock,
            times=clock.times | {topic: max(time, clock.times.get(topic, time))},
            ended=tuple(sorted({*clock.ended, topic})) if ended else clock.ended,
        )

    def watermark(self, line: str, now: int, behind: Collection[str] = ()) -> Line | None:
        """How far the line has come; ``None`` while nobody can say. Remembers what it gives out, so that it never goes
        back.

        ``now``: wall clock, ms; it moves the live line only. ``behind``: input topics whose unread records hold it at
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
        """Of the live line and those that may have moved since the last time, the ones that have one: what a
        ``Progress`` carries."""
        said = {line: self.watermark(line, now, behind) for line in sorted({LIVE, *self._moved})}
        self._moved.clear()
        return {line: one for line, one in said.items() if one is not None}

    def reached(self, line: str) -> int | None:
        """The watermark of a line that was given out last, ms."""
        return self._table.get(line, _NEW).watermark

    def replays(self) -> list[str]:
        """The replays this partition knows, sorted."""
        return sorted(line for line in self._table if line != LIVE)

    def forget(self, line: str) -> None:
        """Drops a line, such as a replay that ended long ago. Its markers would start it anew."""
        self._table.pop(line, None)
        self._moved.discard(line)

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
