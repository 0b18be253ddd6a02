"""Rules about KPIs: what holds of their readings, as they are published."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.alerts.bounded import QUIET, RECOVERED, Span, Stood, Told, going, gone_by, looked_at, settled
from streams.alerts.conditions import Comparison, leaves
from streams.alerts.index import Index
from streams.alerts.signals import Params, Signal
from streams.alerts.watching import Found, watch
from streams.base.alert_records import Condition, ConditionSubject
from streams.base.records import SEP
from streams.base.times import DAY_MS, HOUR_MS
from streams.metrics.asked import KPIS, Asked, group_of, length_of
from streams.metrics.groups import ALL, named
from streams.metrics.kpi_signals import Read, goes_on, kept, read_of, readings, taken, value_at
from streams.metrics.rules import PANE_MS, KpiPolicy
from streams.metrics.sweep import Ordered
from streams.metrics.tables import NEVER, LaneFault, of_line
from streams.metrics.unusual import Judged, Series, Weekdays, anomalies, bound, judge, key_of, learn

IDLE_MS = 40 * DAY_MS
"""A KPI of which nothing is heard for so long is forgotten."""


class KpiWatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """One KPI of one channel, queue and tier, or of a group; key ``dimensions ␟ KPI``."""

    reads: dict[str, tuple[Read, ...]] = {}
    """Window → its latest readings, as far as late facts may change what follows from them."""
    judged: dict[str, tuple[Judged, ...]] = {}
    """By `unusual.key_of`: readings that were held against the usual ones."""
    learnt: dict[str, int] = {}
    """Window → until when readings are in the history."""
    looked: dict[str, int] = {}
    """Window → the end of the last one that was held against others."""
    stood: tuple[Stood, ...] = ()
    due: int | None = None
    """Stream time that has to be passed for something to change without a record."""
    version: str = ""
    """Of the rules."""
    number: int = 0
    """Under which they were applied."""


class Asks(NamedTuple):
    """Anomalies that are asked for, of one KPI."""

    length: int
    params: Params


@dataclass(frozen=True)
class KpiRules:
    """The enabled rules about KPIs."""

    index: Index
    policy: KpiPolicy
    rows: MutableMapping[str, KpiWatch]
    weekdays: Weekdays

    @cached_property
    def asked(self) -> Asked:
        return Asked.of(self.index.rules)

    def moved(self, line: str, records: Iterable[Ordered], before: int, now: int) -> Iterator[Condition]:
        """Conditions that begin, change or are over. ``records``: what is published as stream time goes from ``before``
        to ``now``. Raises `LaneFault`."""
        if not (self.index.rules or self.rows):
            return
        since: dict[str, int] = {}
        rows = self._taken(records, before, since)
        for key in of_line(self.rows, line):
            row = self.rows[key]
            is_due = (row.due is not None and now > row.due) or not self.index.goes_by(row.version, row.number)
            if key not in rows and is_due:
                rows[key] = row
        if before > NEVER and now // DAY_MS > before // DAY_MS:
            self._tidy(line, now)
        for key, row in sorted(rows.items()):
            try:
                first = min(before + 1, since.get(key, before + 1))
                yield from _Look(
                    self, key, row, Span(first, now, before, PANE_MS, now - self.policy.lateness_ms)
                ).told()
            except Exception as error:
                raise LaneFault(key.rpartition(SEP)[0]) from error

    def _taken(self, records: Iterable[Ordered], before: int, since: dict[str, int]) -> dict[str, KpiWatch]:
        """Rows with what is published; ``since`` gets from when on something is otherwise than it was told."""
        rows: dict[str, KpiWatch] = {}
        for at, length_ms, dims, record in records:
            place = length_of(length_ms), "+".join(record.get("by", ()))
            for word in self.asked.words.get(place, ()):
                key = f"{dims}{SEP}{word}"
                row = rows.get(key) or self.rows.get(key)
                if row is None:
                    if not record["readings"] or not self.index.concerned(attributes_of(key)):
                        continue  # of a place at which nothing has happened it is not said that it was too little
                    row = KpiWatch()
                if at <= before and at <= before - self.policy.lateness_ms - self.policy.longest_ms:
                    continue  # a day that was over long ago: what was told of it stays
                name, new = str(place[0]), read_of(record, at, KPIS[word])
                rows[key] = replace(row, reads={**row.reads, name: taken(row.reads.get(name, ()), new)})
                since[key] = min(since.get(key, at), at)
        return rows

    def _tidy(self, line: str, now: int) -> None:
        """Once a day: forget histories to which nothing is added any more."""
        before = (now - (self.asked.weeks * 7 + 14) * DAY_MS) // DAY_MS + _EPOCH
        for key in of_line(self.weekdays, line):
            if self.weekdays[key].used < before:
                del self.weekdays[key]

    def anomalies_of(self, word: str, group: str) -> list[Asks]:
        """Those that rules ask for, of a KPI by a group."""
        return self._anomalies.get((word, group), [])

    @cached_property
    def _anomalies(self) -> Mapping[tuple[str, str], list[Asks]]:
        found: dict[tuple[str, str], dict[str, Asks]] = {}
        for rule in self.index.rules:
            for leaf in leaves(rule.when):
                if leaf.field == "anomaly":
                    params = dict(leaf.parameters)
                    asks = Asks(int(params["window"]), params)
                    for word in rule.kpis:
                        found.setdefault((word, group_of(params)), {})[key_of(params)] = asks
        return {place: list(some.values()) for place, some in found.items()}

    @cached_property
    def limits(self) -> Mapping[str, Comparison]:
        """Rule → its first comparison of an anomaly."""
        return {
            rule.name: leaf
            for rule in self.index.rules
            for leaf in reversed([*leaves(rule.when)])
            if isinstance(leaf, Comparison) and leaf.field == "anomaly"
        }


class _Look:
    """One KPI of one place."""

    def __init__(self, rules: KpiRules, key: str, row: KpiWatch, span: Span) -> None:
        self.rules, self.key, self.row, self.span = rules, key, row, span
        self.dims, _, self.word = key.rpartition(SEP)
        self.kpi = KPIS[self.word]
        self.group = "+".join(named(self.dims)[1])
        self.reads, self.learnt = dict(row.reads), dict(row.learnt)
        self.looked, self.judged = dict(row.looked), dict(row.judged)
        self.horizon = span.kept

    def told(self) -> Iterator[Condition]:
        rules, span, row, index = self.rules, self.span, self.row, self.rules.index
        for length in sorted({each.length for each in rules.anomalies_of(self.word, self.group)}):
            self._judge(length)
        begun = going(row.stood, span.since)
        attributes = attributes_of(self.key)
        going_on = index.going_on(begun, row.version, row.number)
        look = watch(index, attributes, self._fields, span.now, going_on, span.since)
        found = [self._in_its_unit(each) for each in looked_at(look.found, begun, span.since)]
        gone = gone_by({rule.name for rule in index.rules}, index.goes_by(row.version, row.number))
        over = index.switched.after(row.number).removed
        stood, changed = settled(row.stood, found, span, gone, self._why, over)
        self._keep(stood, look.due)
        told = self._subject(attributes)
        yield from (told.condition(each, span) for each in changed)

    def _fields(self, name: str, params: Params) -> Signal:
        if group_of(params) != self.group:
            return ()
        length = length_of(int(params["window"]))
        if name == "anomaly":
            return anomalies(self.judged.get(key_of(params), ()), int(params["window"]))
        return readings(self.reads.get(str(length), ()), self.kpi, int(params["min_cases"]))

    def _judge(self, length: int) -> None:
        """Hold the windows that have ended, or changed, against those of the weeks before, one after the other: each
        against what was certain when it ended."""
        name, span = str(length), self.span
        reads, series = self.reads.get(name, ()), self._series(length)
        if not reads:
            return
        last = self.looked.get(name, reads[0].at - 1)
        learnt = self.learnt.get(name, reads[0].at - 1)
        all_asks = [each for each in self.rules.anomalies_of(self.word, self.group) if each.length == length]
        for end in series.ends(min(last, span.since - 1), span.now):
            if end > last and (certain := end - self.rules.policy.lateness_ms) > learnt:
                learn(series, self.rules.weekdays, reads, (learnt, certain))
                learnt = certain
            read = value_at(reads, end, self.kpi)
            for asks in all_asks:
                self._hold(series, read, end, asks)
        self.looked[name], self.learnt[name] = max(last, span.now - span.now % PANE_MS), learnt

    def _hold(self, series: Series, read: tuple[float, int] | None, end: int, asks: Asks) -> None:
        key = key_of(asks.params)
        known = self.judged.get(key, ())
        before = next((each for each in known if each.at == end), None)
        if before is not None and read == (before.value, before.cases):
            return
        after = judge(series, self.rules.weekdays, read, end, asks.params)
        others = [each for each in known if each.at != end]
        self.judged[key] = tuple(sorted([*others, *([after] if after else [])], key=lambda each: each.at))

    def _series(self, length: int) -> Series:
        return Series(self.dims, self.word, self.kpi, length, self.rules.policy, self.rules.asked.weeks)

    def _why(self, found: Found) -> str:
        """For what reason one is over."""
        leaf = next(
            (each for rule in self.rules.index.rules if rule.name == found.rule for each in leaves(rule.when)), None
        )
        if leaf is None or found.until is None:
            return RECOVERED
        return RECOVERED if goes_on(self._fields(leaf.field, dict(leaf.parameters)), found.until) else QUIET

    def _in_its_unit(self, found: Found) -> Found:
        """Of an anomaly the reading, and how far off it may be, say more than how seldom it comes."""
        if found.unit != "per_year":
            return found._replace(unit=self.kpi.unit)
        leaf = self.rules.limits.get(found.rule)
        if leaf is None:
            return found
        params = dict(leaf.parameters)
        length = int(params["window"])
        judged = next(
            (each for each in self.judged.get(key_of(params), ()) if each.at <= found.since < each.at + length), None
        )
        if judged is None:
            return found
        limit, clear = (bound(judged, each, length, params) for each in (found.limit, found.clear))
        return found._replace(value=judged.value, limit=limit, clear=clear, unit=self.kpi.unit)

    def _keep(self, stood: tuple[Stood, ...], due: int | None) -> None:
        lengths = {str(each.length) for each in self.rules.anomalies_of(self.word, self.group)}
        reads = {
            name: some
            for name, of in self.reads.items()
            if (some := kept(of, self.horizon - (int(name) if name in lengths else 0), self.kpi))
            and some[-1].at > self.span.now - IDLE_MS
        }
        for name in lengths & reads.keys():
            next_end = self._series(int(name)).next_end(self.span.now) - 1
            due = next_end if due is None else min(due, next_end)
        judged = {
            key: recent
            for key, all_of in self.judged.items()
            if (recent := tuple([each for each in all_of if each.at > self.horizon - 2 * HOUR_MS]))
        }
        ends = {name: (self.learnt.get(name), self.looked.get(name)) for name in lengths & reads.keys()}
        after = KpiWatch(
            reads,
            judged,
            {name: learnt for name, (learnt, _) in ends.items() if learnt is not None},
            {name: looked for name, (_, looked) in ends.items() if looked is not None},
            stood,
            due,
            self.rules.index.version,
            self.rules.index.number,
        )
        if not (reads or stood):
            self.rules.rows.pop(self.key, None)
        elif after != self.row or self.key not in self.rules.rows:
            self.rules.rows[self.key] = after

    def _subject(self, attributes: Mapping[str, str]) -> Told:
        dims, _ = named(self.dims)
        some = {name: value for name, value in dims.items() if value != ALL}
        kpi = f"{self.kpi.name}/{self.kpi.variant}"
        name = "|".join((f"kpi:{kpi}", *(f"{name}={value}" for name, value in sorted(some.items()))))
        return Told(
            ConditionSubject("kpi", **some, kpi=kpi), name, self.dims.partition(SEP)[0], self.rules.index.version
        )


@lru_cache(maxsize=10_000)
def attributes_of(key: str) -> Mapping[str, str]:
    """What rules are scoped by; what does not apply is left out."""
    dims, _, word = key.rpartition(SEP)
    found = {name: value for name, value in named(dims)[0].items() if value != ALL and name != "agent_group"}
    return {**found, "kpi": word}


_EPOCH = 719_163
"""The day 1970-01-01, as `date.toordinal` counts."""
