"""``python -m tests.bench.anomaly``: false alarms of KPI anomalies, and how soon a real one is found.

Queues are simulated hour by hour, with a course of the day and the week, weeks that differ by more than chance
(volumes by ±10 %, shares and durations likewise), and closed nights. One hour in a hundred of the history is as after
a real change. Each hour's reading is held against the same hour of the last eight weeks, as `measure` holds it. Told are
the alarms of a year of one series, which must be at most what the rule states; and the share of hours of a real change
that are found.
"""

import argparse
import math
import random
from collections import defaultdict, deque
from collections.abc import Callable

from streams.base.times import HOUR_MS
from streams.metrics.usual import Sample, Unit, chance_of, usual

HOURS = range(8, 20)
WEEKS, MIN_WEEKS, MIN_CASES, SPOILT = 8, 4, 20, 0.01
STATED = (1.0, 12.0, 52.0)
"""False alarms a year and series that a rule allows."""
Draw = Callable[[random.Random, int, int, float], Sample]
"""(dice, weekday, hour, change) → a reading."""


def volume(weekday: int, hour: int, size: float) -> float:
    """Contacts of an hour: two peaks a day, Monday the busiest, little on Saturday."""
    day = (1.3, 1.1, 1.0, 1.0, 0.95, 0.35, 0.0)[weekday]
    peak = math.exp(-((hour - 10.5) ** 2) / 6) + 0.7 * math.exp(-((hour - 15.5) ** 2) / 5)
    return size * day * (0.15 + peak)


def poisson(dice: random.Random, mean: float) -> int:
    if mean > 500:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    found, left = 0, math.exp(-mean)
    at = dice.random()
    while at > left:
        at *= dice.random()
        found += 1
    return found


def contacts(size: float) -> Draw:
    """Contacts offered: Poisson, of a mean that differs by 10 % from week to week."""

    def draw(dice: random.Random, weekday: int, hour: int, change: float) -> Sample:
        mean = volume(weekday, hour, size) * math.exp(dice.gauss(0, 0.1))
        return float(poisson(dice, mean * change)), MIN_CASES

    return draw


def service_level(size: float) -> Draw:
    """Of the legs of an hour: lower in the peaks, and differing from week to week beyond chance."""

    def draw(dice: random.Random, weekday: int, hour: int, change: float) -> Sample:
        n = poisson(dice, volume(weekday, hour, size))
        odds = 2.2 - 1.2 * volume(weekday, hour, 1) + dice.gauss(0, 0.25)
        share = change / (1 + math.exp(-odds))
        hits = sum(dice.random() < share for _ in range(n))
        return (hits / n if n else 0.0), n

    return draw


def handle_time(size: float) -> Draw:
    """Mean of log-normal durations of 240 s."""

    def draw(dice: random.Random, weekday: int, hour: int, change: float) -> Sample:
        n = poisson(dice, volume(weekday, hour, size))
        mean = 240_000 * change * math.exp(dice.gauss(0, 0.04))
        total = sum(mean * math.exp(dice.gauss(-0.32, 0.8)) for _ in range(n))
        return (total / n if n else 0.0), n

    return draw


def sentiment(size: float) -> Draw:
    """Mean of messages between -1000 and 1000."""

    def draw(dice: random.Random, weekday: int, hour: int, change: float) -> Sample:
        n = poisson(dice, volume(weekday, hour, size))
        middle = 150 + dice.gauss(0, 20) + 1000 * (change - 1)
        total = sum(max(-1000.0, min(1000.0, dice.gauss(middle, 400))) for _ in range(n))
        return (total / n if n else 0.0), n

    return draw


KINDS: dict[str, tuple[Unit, Callable[[float], Draw], float]] = {
    "contacts offered": ("count", contacts, 0.6),
    "service level": ("ratio", service_level, 0.7),
    "handle time": ("ms", handle_time, 1.25),
    "sentiment": ("milli", sentiment, 0.85),
}
"""Name → unit, how it is drawn, and the change that is to be found."""


class Found:
    """Of one kind and size."""

    def __init__(self) -> None:
        self.judged = self.changed = 0
        self.alarms: dict[float, int] = defaultdict(int)
        self.hits: dict[float, int] = defaultdict(int)


def play(kind: str, size: float, weeks: int, seed: int) -> Found:
    """One series: eight weeks of history, then weeks that are judged; what a real change would be is drawn apart, and
    enters no history."""
    unit, of, change = KINDS[kind]
    draw, dice, found = of(size), random.Random(f"{kind} {size} {seed}"), Found()
    days: list[dict[int, deque[Sample]]] = [defaultdict(lambda: deque(maxlen=WEEKS)) for _ in range(7)]
    for week in range(WEEKS + weeks):
        for weekday in range(6):
            for hour in HOURS:
                slots = days[weekday]
                reading = draw(dice, weekday, hour, 1.0)
                if reading[1] < MIN_CASES:
                    continue
                if week >= WEEKS and (known := usual(unit, slots, hour, HOUR_MS, MIN_WEEKS)) is not None:
                    found.judged += 1
                    chance = known.seldom(*reading, "both")
                    bad = draw(dice, weekday, hour, change)
                    missed = known.seldom(*bad, "both") if bad[1] >= MIN_CASES else 1.0
                    found.changed += 1
                    for stated in STATED:
                        limit = chance_of(stated, HOUR_MS)
                        found.alarms[stated] += chance <= limit
                        found.hits[stated] += missed <= limit
                slots[hour].append(reading if dice.random() > SPOILT else draw(dice, weekday, hour, change))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=20)
    parser.add_argument("--weeks", type=int, default=104)
    given = parser.parse_args()
    print(f"{given.series} series of {given.weeks} weeks each; alarms a year of {52 * 6 * len(HOURS):,} hours at most")
    print(
        "KPI                cases an hour  judged a year   " + "".join(f"stated {each:>4g}: found  " for each in STATED)
    )
    for kind, (_, _, change) in KINDS.items():
        for size in (40.0, 400.0):
            runs = [play(kind, size, given.weeks, seed) for seed in range(given.series)]
            years = given.series * given.weeks / 52
            text = f"{kind:18} {size:13.0f} {sum(run.judged for run in runs) / years:14.0f}   "
            for stated in STATED:
                alarms = sum(run.alarms[stated] for run in runs) / years
                hits = sum(run.hits[stated] for run in runs) / max(1, sum(run.changed for run in runs))
                text += f"{alarms:11.2f} {hits:6.0%}  "
            print(text + f" (x {change:g})")


if __name__ == "__main__":
    main()
