"""What is usual for a KPI at this time of the week, and how seldom chance alone takes a reading as far from it.

Readings of the same place in the week of the weeks before are held against each other by their median. How far they
spread is their median absolute deviation from it (MAD × 1.4826, which is the standard deviation of what is normal),
measured in units of what chance does anyway: a share of n cases has the variance p (1 − p) / n, a number of things the
variance of its mean, a mean of n cases some variance / n. That makes readings of busy and quiet hours comparable, so
that the spread is taken from those around the same time of that weekday together; of eight numbers alone it would be
too rough. It never falls below what chance does. What is far off by half of the weeks at most moves neither median nor
spread.

How seldom a reading is as far off: as Student's t with the degrees of freedom that a spread by MAD has. Durations are
looked at by their logarithm. Times the readings of a year that is the rate of false alarms, which
``python -m tests.bench.anomaly`` measures.

Sources: P. J. Rousseeuw, C. Croux, Alternatives to the median absolute deviation, JASA 88 (1993) 1273-1283 (MAD has
37 % of the efficiency of the standard deviation); D. L. Wallace, Bounds on normal approximations to Student's and the
chi-square distributions, Annals of Mathematical Statistics 30 (1959) 1121-1130 (the tail of t).
"""

from collections.abc import Mapping, Sequence
from math import erfc, expm1, log, log1p, pi, sqrt
from statistics import median
from typing import Literal, NamedTuple

from streams.base.times import DAY_MS, HOUR_MS, SECOND_MS

Unit = Literal["count", "ratio", "ms", "milli", "points"]
Direction = Literal["up", "down", "both"]

Sample = tuple[float, int]
"""A reading and its cases."""
Slots = Mapping[int, Sequence[Sample]]
"""Of one weekday: place in the day → what was read there in the last weeks."""

YEAR_MS = round(365.25 * DAY_MS)
AROUND_MS = 2 * HOUR_MS
"""How far before and after its place in the day the spread of a reading is looked for."""
NORMAL = 1.4826
FREEDOM = 0.25
"""Degrees of freedom of a spread, for each reading that it is of. By the efficiency of the MAD it were 0.37; but what
differs from week to week is less regular than chance."""


class Usual(NamedTuple):
    """What a reading is held against."""

    unit: Unit
    middle: float
    """The median, on the scale that is looked at."""
    spread: float
    """In units of what chance does."""
    freedom: float
    weeks: int

    def seldom(self, value: float, cases: int, direction: Direction) -> float:
        """The chance of a reading as far off, or farther."""
        found = scaled(self.unit, value)
        if (direction == "up" and found < self.middle) or (direction == "down" and found > self.middle):
            return 1.0
        off = abs(found - self.middle) / (self.spread * _chance(self.unit, self.middle, found, cases))
        off /= sqrt(1 + pi / 2 / self.weeks)  # the median of some weeks is uncertain, too
        return _tail(off, self.freedom) / (1 if direction == "both" else 2)

    def bound(self, chance: float, value: float, cases: int, direction: Direction) -> float:
        """Where, between the median and a reading that is less likely, the chance is this."""
        near, far = _unscaled(self.unit, self.middle), value
        for _ in range(40):
            middle = (near + far) / 2
            near, far = (middle, far) if self.seldom(middle, cases, direction) > chance else (near, middle)
        return far


def usual(unit: Unit, slots: Slots, slot: int, length_ms: int, min_weeks: int) -> Usual | None:
    """Of a place in the day; ``length_ms``: of a place. None where too few weeks are known of it."""
    here = slots.get(slot, ())
    if len(here) < max(2, min_weeks):
        return None
    reach = max(1, AROUND_MS // length_ms)
    day, near = _deviations(unit, slots), _deviations(unit, {n: slots.get(n, ()) for n in _near(slot, reach)})
    if not (day or near):
        return None  # closed
    middle = median(scaled(unit, value) for value, _ in here)
    spread, count = max((_spread(some), len(some)) for some in (day, near) if some)
    if unit in ("count", "ratio"):
        spread = max(1.0, spread)
    if spread <= 0:
        return None  # it has always been the same: nothing is known of how it varies
    return Usual(unit, middle, spread, max(2.0, FREEDOM * count), len(here))


def per_year(chance: float, length_ms: int) -> float:
    """How many readings a year are as far off, by chance, where one is looked at each ``length_ms``."""
    return chance * YEAR_MS / length_ms


def chance_of(times: float, length_ms: int) -> float:
    """The other way round."""
    return times * length_ms / YEAR_MS


def _near(slot: int, reach: int) -> range:
    return range(slot - reach, slot + reach + 1)


def _deviations(unit: Unit, slots: Slots) -> list[float]:
    """How far readings are from the medians of their places, in units of what chance does; made up for that each median
    is of the readings themselves."""
    found: list[float] = []
    for samples in slots.values():
        weeks = len(samples)
        if weeks < 3:
            continue
        values = [scaled(unit, value) for value, _ in samples]
        middle = median(values)
        if unit == "count" and middle <= 0:
            continue  # closed
        wider = sqrt(weeks / (weeks - 1))
        found += [
            wider * abs(value - middle) / _chance(unit, middle, middle, cases)
            for value, (_, cases) in zip(values, samples, strict=True)
        ]
    return found


def _spread(deviations: Sequence[float]) -> float:
    return NORMAL * median(deviations)


def scaled(unit: Unit, value: float) -> float:
    """A reading on the scale that is looked at."""
    return log1p(max(0.0, value) / SECOND_MS) if unit == "ms" else value


def _unscaled(unit: Unit, value: float) -> float:
    return expm1(value) * SECOND_MS if unit == "ms" else value


def _chance(unit: Unit, middle: float, found: float, cases: int) -> float:
    """The standard deviation that chance alone makes; half-way to what was found where that is larger, as a share near
    1 and a small number are skewed."""
    half = (middle + found) / 2
    if unit == "count":
        return sqrt(max(1.0, middle, half))
    n = max(1, cases)
    if unit == "ratio":
        return sqrt(max(_of_share(middle, n), _of_share(half, n)) / n)
    return 1 / sqrt(n)


def _of_share(share: float, n: int) -> float:
    inside = (share * n + 1) / (n + 2)
    return inside * (1 - inside)


def _tail(off: float, freedom: float) -> float:
    """The chance that Student's t is beyond on either side."""
    if off <= 0:
        return 1.0
    z = (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * log(1 + off * off / freedom))
    return erfc(z / sqrt(2))
