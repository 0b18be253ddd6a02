"""Rules about queues: what holds of those whose legs are known, when stream time has moved on."""

from collections import defaultdict
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import msgspec

from streams.alerts.bounded import Span, Stood, Told, going, gone_by, looked_at, settled
from streams.alerts.index import Index
from streams.alerts.intervals import BEGINNING
from streams.alerts.signals import Params, Signal
from streams.alerts.watching import watch
from streams.base.alert_records import Condition, ConditionSubject
from streams.base.records import SEP
from streams.base.times import MINUTE_MS
from streams.metrics.groups import is_group
from streams.metrics.queue_signals import Sample, expected_wait, longest_wait, sampled, waiting
from streams.metrics.queues import stays
from streams.metrics.rules import PANE_MS, KpiPolicy
from streams.metrics.tables import NEVER, LaneFault, LineState, Tables, of_line


class QueueWatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was published of a queue, as long as something late may change it; key ``line ␟ channel ␟ queue``."""

    stood: tuple[Stood, ...] = ()
    samples: tuple[Sample, ...] = ()
    """What was to be expected at the whole minutes of the last hour."""
    version: str = ""
    """Of the rules that it was judged by."""
    number: int = 0
    """The number under which they were applied."""


class Moving(NamedTuple):
    """Who waits, before stream time moves: afterwards those who have left are set aside."""

    before: int
    waits: dict[str, list[tuple[int, int]]]
    """Queue → (entered, until) of all legs that wait at a moment that is looked at."""
    late: frozenset[str] = frozenset()
    """Queues in which late facts have changed who waited when."""
    late_from: int = BEGINNING


@dataclass(frozen=True)
class QueueRules:
    """The enabled rules about queues."""

    index: Index
    policy: KpiPolicy
    rows: MutableMapping[str, QueueWatch]

    def moving(self, tables: Tables, line: str) -> Moving | None:
        """Call it before `windows.advance`. None where there is nothing to look at."""
        if not (self.index.rules or self.rows):
            return None
        before = (tables.lines.get(line) or LineState()).sealed
        late = frozenset(_queue(mark) for mark in of_line(tables.late, line) if _is_leg(mark)) if tables.late else None
        if not late:
            return Moving(before, _waits(stays(tables.legs, line, before)))
        since = before - self.policy.legs_ms + MINUTE_MS
        waits = _waits(stays(tables.legs, line, since))
        for queue, left in _waits(stays(tables.left, line, since)).items():
            if queue in late:
                waits[queue] = sorted([*waits.get(queue, ()), *left])
        return Moving(before, waits, late, since)

    def moved(self, tables: Tables, line: str, moving: Moving, now: int) -> Iterator[Condition]:
        """Conditions that begin, change or are over; ``now``: how far stream time has come. Call it behind `advance`.
        Raises `LaneFault`."""
        if now <= moving.before and not moving.late:
            return
        for key in sorted(moving.waits.keys() | moving.late | set(of_line(self.rows, line))):
            try:
                yield from self._look(tables, key, moving, now)
            except Exception as error:
                raise LaneFault(key) from error

    def _look(self, tables: Tables, key: str, moving: Moving, now: int) -> Iterator[Condition]:
        row, (line, channel, queue) = self.rows.get(key), key.split(SEP)
        attributes = {"channel": channel, "queue": queue}
        if row is None and not self.index.concerned(attributes):
            return
        row, waits = row or QueueWatch(), moving.waits.get(key, [])
        since = moving.late_from if key in moving.late else moving.before + (moving.before > NEVER)
        first = min(since, moving.before)  # what was true before still was
        if first == NEVER:
            first = min((entered for entered, _ in waits), default=now)
        samples = list[Sample]()

        def fields(name: str, params: Params) -> Signal:
            if name == "waiting":
                return waiting(waits, first)
            if name == "longest_wait":
                return longest_wait(waits, first)
            begun = first - first % MINUTE_MS + (MINUTE_MS if since > NEVER else 0)
            samples.extend(each for each in row.samples if each[0] < begun)
            flow = tables.flows.get(key)
            minutes = range(begun, now + 1, MINUTE_MS)
            samples.extend(sampled(waits, flow.points if flow else (), minutes, samples))
            return expected_wait(samples)

        span = Span(since, now, moving.before, PANE_MS, now - self.policy.legs_ms)
        begun = going(row.stood, since)
        index = self.index
        look = watch(index, attributes, fields, now, index.going_on(begun, row.version, row.number), since)
        found = looked_at(look.found, begun, since)
        gone = gone_by(self._names, index.goes_by(row.version, row.number))
        stood, changed = settled(row.stood, found, span, gone, over=index.switched.after(row.number).removed)
        recent = tuple(each for each in samples if each[0] >= now - self.policy.legs_ms)
        after = QueueWatch(stood, recent, index.version, index.number)
        if not (stood or recent):
            self.rows.pop(key, None)
        elif after != row:
            self.rows[key] = after
        told = Told(
            ConditionSubject("queue", channel=channel, queue=queue),
            f"queue:{channel}|{queue}",
            line,
            self.index.version,
        )
        yield from (told.condition(each, span) for each in changed)

    @cached_property
    def _names(self) -> set[str]:
        return {rule.name for rule in self.index.rules}


def _is_leg(mark: str) -> bool:
    return mark.split(SEP, 5)[4] == "leg" and not is_group(mark)


def _queue(key: str) -> str:
    return SEP.join(key.split(SEP, 3)[:3])


def _waits(by_dims: dict[str, list[tuple[int, int, str]]]) -> dict[str, list[tuple[int, int]]]:
    """By queue, in order of entering."""
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for dims, some in by_dims.items():
        if not is_group(dims):
            found[_queue(dims)] += [(entered, until) for entered, until, _ in some]
    for of_queue in found.values():
        of_queue.sort()
    return found
