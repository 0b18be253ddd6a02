"""What rules ask of KPIs: which ones, in which windows, by which dimensions; and what of it there is not."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.alerts.conditions import Comparison, Leaf, leaves
from streams.alerts.rules import AlertRule
from streams.alerts.signals import Params
from streams.base.times import DAY_MS, MINUTE_MS, CalendarUnit, calendar_unit
from streams.base.units import as_written
from streams.metrics.catalogue import BUSINESS, BUSINESS_INSTANT, CATALOGUE, INSTANT, Kpi
from streams.metrics.groups import name_of
from streams.metrics.rules import KpiPolicy

Length = int | CalendarUnit
"""Of a window: ms, or which one of the calendar."""
Path = tuple[str | int, ...]
ALL_KPIS = (*CATALOGUE, *BUSINESS, *INSTANT, *BUSINESS_INSTANT)
_VARIANTS = Counter(kpi.name for kpi in ALL_KPIS)
KPIS: Mapping[str, Kpi] = {
    name: kpi
    for kpi in ALL_KPIS
    for name in (f"{kpi.name}/{kpi.variant}", *([kpi.name] if _VARIANTS[kpi.name] == 1 else []))
}
"""As rules name them; the name alone where there is one variant."""
_OF_INSTANT, _IN_HOURS = frozenset((*INSTANT, *BUSINESS_INSTANT)), frozenset((*BUSINESS, *BUSINESS_INSTANT))
DIRECTIONS = ("up", "down", "both")
SHORTEST_MS = 15 * MINUTE_MS
"""Of a window whose readings are held against those of the weeks before."""


def length_of(window_ms: int) -> Length:
    """The window of a parameter, or of a record."""
    return calendar_unit(window_ms) or window_ms


@dataclass(frozen=True, slots=True)
class Asked:
    """All that the enabled rules ask. Word: a KPI as rules name it."""

    words: Mapping[tuple[Length, str], tuple[str, ...]] = field(default_factory=dict)
    """(window, group or nothing) → words."""
    unusual: Mapping[tuple[Length, str], frozenset[str]] = field(default_factory=dict)
    """Those of them whose anomalies are asked for."""
    weeks: int = 0
    """Most that say what is usual."""

    @classmethod
    def of(cls, rules: Iterable[AlertRule]) -> "Asked":
        """By rules about KPIs."""
        words: defaultdict[tuple[Length, str], set[str]] = defaultdict(set)
        unusual: defaultdict[tuple[Length, str], set[str]] = defaultdict(set)
        weeks = 0
        for rule in rules:
            for leaf in _of_readings(rule):
                params = dict(leaf.parameters)
                place = length_of(int(params["window"])), group_of(params)
                words[place] |= rule.kpis
                if leaf.field == "anomaly":
                    unusual[place] |= rule.kpis
                    weeks = max(weeks, int(params["weeks"]))
        return cls(
            {place: tuple(sorted(some)) for place, some in words.items()},
            {place: frozenset(some) for place, some in unusual.items()},
            weeks,
        )


def group_of(params: Params) -> str:
    """Of the parameter ``by``, as `groups.name_of` has it."""
    given = str(params["by"])
    return name_of(given.split("+")) if given else ""


def _of_readings(rule: AlertRule) -> Iterator[Leaf]:
    return (leaf for leaf in leaves(rule.when) if leaf.field in ("value", "anomaly"))


def mistakes(rule: AlertRule, given: Any, policy: KpiPolicy) -> Iterator[tuple[Path, str]]:
    """Path in a rule about KPIs, and what is asked that `kpis.yaml` does not have. ``given``: what the file says of
    ``when``."""
    asks = [leaf for leaf in _of_readings(rule) if isinstance(leaf, Comparison)]
    if not asks:
        return
    if not rule.kpis:
        yield ("kpis",), "names no KPI; a reading is of one"
    for leaf in asks:
        params = dict(leaf.parameters)
        path, said = _place(given, leaf.field, ("when",))
        for what in _windows(params, policy):
            yield (*path, what[0]), what[1]
            break
        else:
            for word in sorted(rule.kpis & KPIS.keys()):
                for name, what_ in _of_kpi(KPIS[word], word, params, said, policy):
                    yield (*path, name) if name else path, what_
        if leaf.field == "anomaly":
            yield from (((*path, name), what_) for name, what_ in _of_anomaly(params, leaf, policy))


def _place(given: Any, name: str, path: Path) -> tuple[Path, Mapping[str, Any]]:
    """Where a file has the first test of a field, and the test."""
    found = next(iter(_places(given, name, path)), None)
    return found or (path, {})


def _places(given: Any, name: str, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    some = enumerate(given) if isinstance(given, list) else given.items() if isinstance(given, dict) else ()
    for key, value in some:
        if key == name and isinstance(value, dict):
            yield (*path, key), value
        else:
            yield from _places(value, name, (*path, key))


def _windows(params: Params, policy: KpiPolicy) -> Iterator[tuple[str, str]]:
    """Name of a parameter, and what is wrong."""
    length = length_of(int(params["window"]))
    lengths = {window.length: window for window in policy.windows}
    if length not in lengths:
        there = ", ".join(_text(each) for each in sorted(lengths, key=_size))
        yield "window", f"{_text(length)} is no window of kpis.yaml; there are {there}"
        return
    by = str(params["by"])
    if not by:
        return
    names = [name_of(group) for group in policy.groups]
    if name_of(by.split("+")) not in names or len(name_of(by.split("+"))) < len(by):
        yield "by", f"{by!r} is no group of kpis.yaml ({', '.join(names) or 'it has none'})"
    elif "tier" not in lengths[length].by:
        yield "by", f"groups are told of the windows by tier; that of {_text(length)} is by channel and queue"


def _of_kpi(kpi: Kpi, word: str, params: Params, said: Collection[str], policy: KpiPolicy) -> Iterator[tuple[str, str]]:
    length = length_of(int(params["window"]))
    of_day = isinstance(length, str)
    if kpi in _OF_INSTANT and length != policy.rolling[0][0]:
        yield "window", f"{word} is told of the shortest window alone, {_text(policy.rolling[0][0])}"
    elif (kpi.detail or kpi.of_days) and not of_day and policy.details != "everywhere":
        yield "window", f"{word} is told of days, weeks and months alone (details: days in kpis.yaml)"
    elif (
        kpi.name == "occupancy"
        and not of_day
        and not policy.of_agents((int(length), dict(policy.rolling)[int(length)]))
    ):
        yield "window", f"{word} is told of windows that are made of slots of 5m"
    group = group_of(params)
    if kpi.of_patience and group and "channel" not in group.split("+"):
        yield "by", f"{word} is of channels on which one can give up: group by channel, too"
    if kpi in _IN_HOURS and group:
        yield "by", f"{word} is of queues, and no group is"
    elif kpi in _IN_HOURS and not policy.hours.calendars:
        yield "", f"{word} is of queues with opening hours, and hours.yaml has none"
    if kpi.formula.merge == "count" and "min_cases" in said:
        yield "min_cases", f"{word} is a number of things, and has no cases"


def _of_anomaly(params: Params, leaf: Comparison, policy: KpiPolicy) -> Iterator[tuple[str, str]]:
    length = length_of(int(params["window"]))
    if isinstance(length, str) or length < SHORTEST_MS or DAY_MS % length:
        yield "window", f"expected a window of 15m or longer that divides 24h, not {_text(length)}"
    if params["direction"] not in DIRECTIONS:
        yield "direction", f"expected one of {', '.join(DIRECTIONS)}, not {params['direction']!r}"
    if int(params["min_weeks"]) > int(params["weeks"]):
        yield "min_weeks", f"must be at most weeks, {params['weeks']}"
    if leaf.sign not in ("below", "at_or_below"):
        yield leaf.sign, "is the wrong way: the more unusual a reading, the fewer a year by chance; say at_or_below: 1"
    elif any(value <= 0 for value in leaf.bound.values):
        yield leaf.sign, "must be above 0: something unusual always comes by chance in the end"


def _text(length: Length) -> str:
    return length if isinstance(length, str) else as_written(length)


def _size(length: Length) -> int:
    return {"day": 1 << 40, "week": 1 << 41, "month": 1 << 42}[length] if isinstance(length, str) else length
