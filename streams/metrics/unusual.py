"""Readings that are held against those of the same hour of the last weeks (`streams.metrics.usual`).

Windows that lie end to end are looked at, each at its end: at its place in the day of the queue's time zone, a weekday
apart. What was read enters the history when nothing can amend it any more; what was read on a public holiday, or on a
date with hours of its own, does not, and is held against nothing.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from streams.alerts.signals import Params, Piece, Signal
from streams.base.records import SEP
from streams.base.times import DAY_MS, MINUTE_MS, SECOND_MS
from streams.metrics.catalogue import Kpi
from streams.metrics.grid import grid
from streams.metrics.kpi_signals import Read, is_count, value_at
from streams.metrics.rules import KpiPolicy
from streams.metrics.usual import Direction, Sample, Unit, Usual, chance_of, per_year, usual

LONGEST_GAP_MS = 40 * DAY_MS
"""What lies farther back than this is not looked after when time jumps."""


class Weekday(msgspec.Struct, frozen=True, array_like=True):
    """The history of one weekday; key ``dimensions ␟ KPI ␟ length ␟ weekday``."""

    used: int
    """The last day (since the epoch) of which something is in it."""
    slots: dict[int, tuple[Sample, ...]]
    """Place in the day → what was read there, oldest first."""


Weekdays = MutableMapping[str, Weekday]


class Judged(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reading that was held against the usual ones."""

    at: int
    value: float
    cases: int
    per_year: float | None
    """How often a year chance alone takes one as far off; None: nothing is usual."""
    by: Usual | None = None
    """What it was held against."""


@dataclass(frozen=True, slots=True)
class Series:
    """One KPI of one channel, queue and tier, in windows of one length."""

    dims: str
    word: str
    """The KPI, as rules name it."""
    kpi: Kpi
    length: int
    policy: KpiPolicy
    weeks: int
    """Most of which something is kept."""

    @property
    def zone(self) -> ZoneInfo:
        return self.policy.zone_of(self.dims)

    def ends(self, after: int, until: int) -> Iterator[int]:
        """Ends of windows that lie end to end, in (after, until]."""
        steps = grid(self.length, self.zone)
        return steps.between(steps.first(max(after, until - LONGEST_GAP_MS) + 1), until)

    def next_end(self, after: int) -> int:
        return grid(self.length, self.zone).first(after + 1)

    def place(self, end: int) -> tuple[str, int, date]:
        """The key of its weekday, its place in it, and the date."""
        wall = _wall(end - self.length, self.zone)
        day = wall.date()
        slot = (wall.hour * 60 + wall.minute) * MINUTE_MS // self.length
        return SEP.join((self.dims, self.word, str(self.length), str(day.weekday()))), slot, day

    def is_special(self, day: date) -> bool:
        """A holiday, or a date with hours of its own."""
        _, channel, queue, _ = self.dims.split(SEP, 3)
        name = self.policy.hours.name(channel, queue)
        calendar = self.policy.hours.calendars.get(name) if name else None
        return calendar is not None and (day in calendar.special or calendar.holiday(day) is not None)

    @property
    def unit(self) -> Unit:
        return self.kpi.unit  # type: ignore[return-value]

    def usual(self, weekdays: Weekdays, end: int, params: Params) -> Usual | None:
        """What the reading of a window is held against."""
        key, slot, day = self.place(end)
        row = weekdays.get(key)
        if row is None or self.is_special(day):
            return None
        least = 0 if is_count(self.kpi) else int(params["min_cases"])
        weeks = int(params["weeks"])
        slots = {place: _enough(samples, least)[-weeks:] for place, samples in row.slots.items()}
        return usual(self.unit, slots, slot, self.length, int(params["min_weeks"]))


@lru_cache(maxsize=4096)
def _wall(ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ms // SECOND_MS, zone)


def _enough(samples: Sequence[Sample], least: int) -> tuple[Sample, ...]:
    return tuple([each for each in samples if each[1] >= least]) if least else tuple(samples)


def learn(series: Series, weekdays: Weekdays, reads: Sequence[Read], span: tuple[int, int]) -> None:
    """Take the readings of the windows that end in (from, until] into the history."""
    for end in series.ends(*span):
        found = value_at(reads, end, series.kpi)
        if found is None or (found[1] < 1 and not is_count(series.kpi)):
            continue
        key, slot, day = series.place(end)
        if series.is_special(day):
            continue
        row = weekdays.get(key) or Weekday(0, {})
        samples = (*row.slots.get(slot, ()), (round(found[0], 6), found[1]))[-series.weeks :]
        weekdays[key] = replace(row, used=day.toordinal(), slots={**row.slots, slot: samples})


def judge(
    series: Series, weekdays: Weekdays, read: tuple[float, int] | None, end: int, params: Params
) -> Judged | None:
    """How unusual the reading of a window is; None where there is none, or of too few cases."""
    if read is None or (not is_count(series.kpi) and read[1] < int(params["min_cases"])):
        return None
    known = series.usual(weekdays, end, params)
    if known is None:
        return Judged(end, *read, None)
    chance = known.seldom(*read, _direction(params))
    return Judged(end, *read, float(f"{per_year(chance, series.length):.4g}"), known)


def bound(judged: Judged, limit: float | None, length: int, params: Params) -> float | None:
    """How far a reading may be off for a limit on how often a year, in the KPI's unit."""
    if judged.by is None or limit is None:
        return None
    return round(judged.by.bound(chance_of(limit, length), judged.value, judged.cases, _direction(params)), 6)


def anomalies(judged: Sequence[Judged], length: int) -> Signal:
    """How often a year, of each window from its end on."""
    return tuple(
        Piece(each.at, each.at + length, each.per_year, anchor=str(each.at))
        for each in judged
        if each.per_year is not None
    )


def _direction(params: Params) -> Direction:
    return params["direction"]  # type: ignore[return-value]


def key_of(params: Params) -> str:
    """Of what is judged by these parameters."""
    return SEP.join(f"{params[name]}" for name in ("window", "min_cases", "weeks", "min_weeks", "direction"))
