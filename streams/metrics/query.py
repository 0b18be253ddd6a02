"""Readings of many windows as one: records of the topic ``kpis`` merged over a span of time, by chosen dimensions.

Numerators and denominators are added, never values: an average of averages is not the average; percentiles are read
from the sums of the histograms. Of every window the newest revision counts, and a span is covered by windows that lie
end to end, so that nothing counts twice. A window that has no record reads like the last one before it that has.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from streams.base.times import SECOND_MS, calendar_bounds, calendar_unit, iso, to_ms
from streams.metrics.accumulators import HISTOGRAMS, percentile
from streams.metrics.catalogue import CATALOGUE, SPANS, Kpi, counting
from streams.metrics.formulas import Ratio, followed
from streams.metrics.grid import grid
from streams.metrics.groups import ALL, DIMENSIONS, can_abandon, name_of
from streams.metrics.kpis import detailed, nothing, reading
from streams.metrics.rules import KpiPolicy

Record = dict[str, Any]
WindowName = tuple[str, int]
"""(start as text, length in ms)."""

_REACHED = ("service_level", "reached_threshold")
_LAST_ANSWER = ("nps", "last_answer")
_NOBODY_WAITS = ("service_level", "all_abandons_count")
_OPEN, _AGES = ("backlog", "open"), "open_ages"
_COUNTED = {name: counting(each.counted_by) for name, each in HISTOGRAMS.items() if name != _AGES}
"""Histogram → a KPI whose denominator says how many amounts there are: as many are in a histogram that is complete."""


class Newest:
    """The newest record of every window that is wanted, whatever order they come in."""

    def __init__(self, wanted: Callable[[Record], bool]) -> None:
        self._wanted = wanted
        self._found: dict[tuple[Any, ...], Record] = {}

    def add(self, record: Record) -> None:
        """Keep the record when it is wanted and no newer one of its window is here."""
        if not self._wanted(record):
            return
        key = (*lane_of(record), window_of(record))
        before = self._found.get(key)
        if before is None or record["revision"] >= before["revision"]:
            self._found[key] = record

    def records(self) -> list[Record]:
        """Those kept."""
        return list(self._found.values())


class Standing:
    """What windows that lie end to end read, from records in any order."""

    def __init__(self, windows: Iterable[WindowName]) -> None:
        self._starts: dict[int, list[int]] = {}
        for start, length in windows:
            self._starts.setdefault(length, []).append(to_ms(start))
        self._newest = Newest(lambda _: True)

    def wants(self, start: str, length: int) -> bool:
        """Whether the record of a window may say what one of them reads."""
        return self._read_by(to_ms(start), length) is not None

    def _read_by(self, start: int, length: int) -> int | None:
        """The window that reads like this one if nothing comes between: it begins before this one ends."""
        starts = self._starts.get(length, [])
        place = bisect_left(starts, start)
        return starts[place] if place < len(starts) and starts[place] < start + length else None

    def add(self, record: Record) -> None:
        """Keep a record that is wanted."""
        self._newest.add(record)

    def records(self) -> list[Record]:
        """One record a window, channel, queue and tier of which there is something to say, as if each had one."""
        last: dict[tuple[Any, ...], tuple[int, Record]] = {}
        for record in self._newest.records():
            window = record["window"]
            start, length = to_ms(window["start"]), window["length_ms"]
            of = self._read_by(start, length)
            if of is None or (of != start and not _follow(window, of - start)):
                continue
            known = last.get((*lane_of(record), of, length))
            if known is None or start > known[0]:
                last[(*lane_of(record), of, length)] = start, record
        return [
            record | {"window": record["window"] | {"start": iso(of), "end": iso(of + length)}}
            for (*_, of, length), (_, record) in last.items()
            if record["readings"] or record.get("histograms")
        ]


def _follow(window: Mapping[str, Any], later: int) -> bool:
    """Whether a window so much later reads like this one if nothing comes between.

    Records of before version 2 do not say how often: there was one of every window that held something. A day stands
    for no other one, and a window for none of another step: it may be one of another zone.
    """
    return "every_ms" in window and calendar_unit(window["length_ms"]) is None and later % window["every_ms"] == 0


def lane_of(record: Record) -> tuple[str, ...]:
    """Line and dimensions of a record, and the group it counts by."""
    return record["line"], group_of(record), *record["dimensions"].values()


def group_of(record: Record) -> str:
    """``channel+tier``, of a record of a group; empty for others."""
    return name_of(record.get("by", ()))


def group_asked(by: Sequence[str], policy: KpiPolicy) -> str:
    """The group whose records say what is asked for by these dimensions; empty = those by channel, queue and tier do.
    Raises ValueError where none does."""
    asked = [name for name in by if name in DIMENSIONS]
    if not {"service_type", "agent_group"}.intersection(asked):
        return ""
    wanted, there = name_of(asked), [name_of(group) for group in policy.groups]
    if wanted not in there:
        counted = f"there {'is' if len(there) == 1 else 'are'} {', '.join(there)}" if there else "there is none"
        raise ValueError(f"nothing is counted by {wanted}: `groups` of kpis.yaml says by what, and {counted}")
    return wanted


def window_of(record: Record) -> WindowName:
    """The window a record is about."""
    return record["window"]["start"], record["window"]["length_ms"]


def is_day(record: Record) -> bool:
    """Whether the record is about a calendar day."""
    return calendar_unit(record["window"]["length_ms"]) == "day"


def newest(records: Iterable[Record], wanted: Callable[[Record], bool] = lambda _: True) -> list[Record]:
    """The newest record of every wanted window."""
    kept = Newest(wanted)
    for record in records:
        kept.add(record)
    return kept.records()


def ends_at(end: int) -> Callable[[Record], bool]:
    """Whether the window of a record ends at this moment."""
    text = iso(end)
    return lambda record: bool(record["window"]["end"] == text)


def tiles(start: int, end: int, policy: KpiPolicy, zone: ZoneInfo, by: Sequence[str] = ()) -> list[WindowName]:
    """Windows that lie end to end from ``start`` to ``end``, each told by what is asked for: whole days of the zone
    where it can be (where there are none weeks or months), else the longest that fit.

    Raises ValueError when the span is empty, or no windows make it up exactly.
    """
    if end <= start:
        raise ValueError("the span is empty: its end must be after its start")
    found: list[WindowName] = []
    rolling = policy.rolling_by(tier=True) if {"tier", "service_type", "agent_group"} & {*by} else policy.rolling
    at = start
    while at < end:
        length = _calendar(at, end, policy, zone) or _rolling(at, end, rolling, zone)
        if length is None:
            raise ValueError(f"no windows make up the time from {iso(at)} to {iso(end)}: {_shortest(rolling, by)}")
        found.append((iso(at), length))
        at += length
    return found


def _shortest(rolling: tuple[tuple[int, int], ...], by: Sequence[str]) -> str:
    apart = " by tier" if "tier" in by else ""
    if not rolling:
        return f"there are only days{apart}"
    shortest, every = (ms // SECOND_MS for ms in rolling[0])
    return f"a window of {shortest} s is the shortest{apart}, and ends on whole {every} s"


def _calendar(at: int, end: int, policy: KpiPolicy, zone: ZoneInfo) -> int | None:
    for unit in policy.calendar:
        first, after = calendar_bounds(unit, at, zone)
        if first == at and after <= end:
            return after - at
    return None


def _rolling(at: int, end: int, rolling: tuple[tuple[int, int], ...], zone: ZoneInfo) -> int | None:
    for length, every in reversed(rolling):
        if at + length <= end and grid(every, zone).first(at + length) == at + length:
            return length
    return None


class Row(NamedTuple):
    """One line of a table."""

    dimensions: dict[str, str]
    readings: list[dict[str, Any]]
    """As in a record: {kpi, variant, grain, value, numerator, denominator, unit}."""


def table(records: Iterable[Record], by: Sequence[str], is_last: Callable[[Record], bool]) -> list[Row]:
    """Rows by the chosen dimensions (and ``line``, where it is chosen), sorted; ``records``: the newest of windows that
    do not overlap.

    Who waits counts only in the windows that are the last of the span. Records of groups do not go with others. Raises
    ValueError for an unknown dimension.
    """
    unknown = [name for name in by if name not in (*DIMENSIONS, "line")]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no dimension; there are {', '.join(DIMENSIONS)}")
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        where = record["dimensions"]
        if "queue" not in by and where["channel"] == ALL != where["queue"] and not group_of(record):
            continue  # an agent's time, once more in each of the queues
        group = tuple(record["line"] if name == "line" else record["dimensions"][name] for name in by)
        groups.setdefault(group, []).append(record)
    return [Row(dict(zip(by, group, strict=True)), merge_readings(groups[group], is_last)) for group in sorted(groups)]


def merge_readings(records: Iterable[Record], is_last: Callable[[Record], bool]) -> list[dict[str, Any]]:
    """The readings of records that do not overlap, as those of one window; who waits counts in the last alone."""
    sums: dict[tuple[str, str], Ratio] = {}
    histograms: dict[str, Counter[int]] = {}
    records = [*records]
    for record in records:
        found = _by_name(record["readings"])
        patient = can_abandon(record["dimensions"]["channel"], record.get("by", ()))
        for kpi, *numbers in detailed(record.get("sums", {}), can_abandon=patient):
            found[kpi.name, kpi.variant] = numbers[0], numbers[1]
        if _REACHED in found and not is_last(record):
            # Who waited then has been answered, or has given up, in a later window.
            found[_REACHED] = found[_REACHED][0], found.get(_NOBODY_WAITS, (0, 0))[1]
        if not is_last(record):
            found.pop(_OPEN, None)
        for kpi in SPANS:
            name = kpi.name, kpi.variant
            if name in found:
                sums[name] = _merged(kpi, sums[name], found[name]) if name in sums else found[name]
        for histogram, counts in record.get("histograms", {}).items():
            if histogram == _AGES and not is_last(record):
                continue
            histograms.setdefault(histogram, Counter()).update({int(step): n for step, n in counts.items()})
    if _LAST_ANSWER in sums and "superseded" in histograms:
        start = min(record["window"]["start"] for record in records)
        sums[_LAST_ANSWER] = _once_each(sums[_LAST_ANSWER], histograms["superseded"], to_ms(start))
    for kpi in SPANS:
        name = kpi.name, kpi.variant
        if kpi.formula.percent and (name in sums or kpi.formula.histogram in histograms):
            sums[name] = _percentile(kpi, histograms, _amounts(kpi.formula.histogram, sums))
    # What a queue without opening hours has no word of is left out, and not nothing.
    told = [*CATALOGUE, *(kpi for kpi in SPANS[len(CATALOGUE) :] if (kpi.name, kpi.variant) in sums)]
    untold = _untold(records)
    return [reading(kpi, *sums.get((kpi.name, kpi.variant), (0, 0) if untold(kpi) else nothing(kpi))) for kpi in told]


def _untold(records: Iterable[Record]) -> Callable[[Kpi], bool]:
    """Whether what the records do not say of a KPI is not known, and not 0: windows shorter than a day do not tell what
    is told of days alone, and what is open is known at the end of days."""
    units = {calendar_unit(each["window"]["length_ms"]) for each in records}
    no_days, no_calendar = units != {"day"}, units == {None}
    return lambda kpi: no_days if kpi.name == _OPEN[0] else kpi.of_days and no_calendar


def _once_each(answers: Ratio, superseded: Counter[int], start: int) -> Ratio:
    """NPS by customer without the answers of earlier windows of the span that later ones follow."""
    less = followed(superseded, start)
    return (
        answers[0] - 100 * (less["followed_promoters"] - less["followed_detractors"]),
        answers[1] - less["followed"],
    )


def _by_name(readings: Iterable[dict[str, Any]]) -> dict[tuple[str, str], Ratio]:
    return {(each["kpi"], each["variant"]): (each["numerator"] or 0, each["denominator"]) for each in readings}


def _merged(kpi: Kpi, a: Ratio, b: Ratio) -> Ratio:
    if kpi.formula.merge == "max":
        return max(a[0], b[0]), max(a[1], b[1])
    return a[0] + b[0], 1 if kpi.formula.merge == "count" else a[1] + b[1]


def _amounts(histogram: str, sums: Mapping[tuple[str, str], Ratio]) -> int:
    """How many amounts a histogram must hold."""
    if histogram == _AGES:
        return sums.get(_OPEN, (0, 1))[0]
    counted = _COUNTED[histogram]
    return sums.get((counted.name, counted.variant), (0, 0))[1]


def _percentile(kpi: Kpi, histograms: Mapping[str, Counter[int]], of: int) -> Ratio:
    """Its value, and of how many it is: nothing where the histograms do not hold all of them, as in records of an
    earlier version."""
    counts = histograms.get(kpi.formula.histogram, Counter())
    value = percentile(dict(sorted(counts.items())), kpi.formula.percent) if counts.total() == of else None
    return (0, 0) if value is None else (value, of)


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole line in exact numbers; pairs are (numerator, denominator), times ms."""

    offered: int
    answered: int
    abandoned: int
    legs_entered: int
    legs_abandoned: int
    asa_all: Ratio
    """Waits of the answered contacts, those that did not queue as 0 / answered contacts."""
    asa_waited: Ratio
    """Waits of the answered legs / answered legs."""
    in_time_of_offered: Ratio
    in_time_of_answered: Ratio
    talk: Ratio
    """Talk time / handled contacts."""
    longest_wait_ms: int | None


def figures(records: Iterable[Record], line: str) -> Figures:
    """The figures of a line from its days, all channels, queues and tiers together; zeros where there is no record of
    it."""
    days = newest(records, lambda record: record["line"] == line and is_day(record) and not group_of(record))
    merged = _by_name(merge_readings(days, lambda _: False))

    def of(kpi: str, variant: str) -> Ratio:
        return merged.get((kpi, variant), (0, 0))

    longest = of("longest_wait", "left")
    return Figures(
        offered=of("contacts_offered", "all")[0],
        answered=of("answered_in_time", "of_answered")[1],
        abandoned=of("abandonment", "of_offered")[0],
        legs_entered=of("legs_entered", "all")[0],
        legs_abandoned=of("abandonment", "of_left")[0],
        asa_all=of("speed_of_answer", "all_contacts"),
        asa_waited=of("speed_of_answer", "answered_legs"),
        in_time_of_offered=of("answered_in_time", "of_offered"),
        in_time_of_answered=of("answered_in_time", "of_answered"),
        talk=of("handle_time", "talk"),
        longest_wait_ms=longest[0] if longest[1] else None,
    )
