"""The effect of each driver on one answer, within one group of contacts: what is estimated, and when it is not.

Dimensions stand in one model together, per tenth of a score. Behaviours have a model each, there against not there,
beside the business score: people apologise where something went wrong, and without it an apology would do harm. All are
adjusted for service type, tier and channel as far as they differ in the group. Whatever cannot be told is refused in
words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.drivers.answers import DIMENSIONS, GROUPS, Answers, Row, customers_of, has
from streams.drivers.least_squares import TINY, Codes, Matrix, fit, independent, own, probability, reach

MIN_CUSTOMERS = 20
"""Of a group: errors are made of the differences between customers."""
MIN_SIDE = 10
"""Customers with a behaviour, and as many without, for it to be told; and of a service type, tier or channel to be
adjusted for.
"""
CONFIDENCE = 0.95
TENTHS = 10
ALWAYS = 0.01
"""Tenths: a score that never leaves its mean by more is always the same."""
METRIC = 100
"""A metric's points: percent."""
BUSINESS = DIMENSIONS[:1]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Effect:
    """Of one driver: on the answer in its own points, for a tenth of a score or for a behaviour that is there."""

    kind: str
    driver: str
    effect: float
    low: float
    high: float
    """The interval of `CONFIDENCE`, of this effect alone."""
    points: float
    points_low: float
    points_high: float
    """The same on the metric: CSAT in percent points, NPS in points."""
    p: float
    answers: int
    customers: int
    shown: int | None = None
    """Answers to contacts with the behaviour."""


@dataclass(frozen=True, slots=True)
class Untold:
    """What is not estimated, and why; without a driver: none of the group."""

    why: str
    kind: str | None = None
    driver: str | None = None


Found = Effect | Untold


@dataclass(frozen=True, slots=True)
class Scale:
    """How an answer becomes its metric: so much and more counts +1, so little and less -1."""

    answer: str
    up: float
    down: float = float("-inf")

    def outcomes(self, rows: Row) -> Matrix:
        """The answer, and its part in the metric."""
        said = rows[self.answer]
        metric = METRIC * ((said >= self.up).astype(np.float64) - (said <= self.down))
        return np.column_stack([said, metric])


def effects(answers: Answers, rows: Row, scale: Scale, min_answers: int) -> Iterator[Found]:
    """Of all drivers on one answer, for the rows of a group."""
    rows = rows[~np.isnan(rows[scale.answer])]
    if why := _too_few(rows, scale, min_answers):
        yield Untold(why)
        return
    known = [name for name in DIMENSIONS if _known(rows, name)]
    for name in DIMENSIONS:
        if name not in known:
            yield Untold("known of less than half of the answers", "dimension", name)
    if known:
        yield from _dimensions(_complete(rows, known), known, scale, min_answers)
    beside = [name for name in BUSINESS if name in known]
    for bit, name in enumerate(answers.behaviours):
        some = _complete(rows[has(rows, "told", bit)], beside)
        yield _behaviour(some, has(some, "shown", bit), name, beside, scale, min_answers)


def _too_few(rows: Row, scale: Scale, least: int) -> str | None:
    if len(rows) < least:
        return f"{len(rows)} answer{'' if len(rows) == 1 else 's'}, at least {least} are needed"
    if (customers := customers_of(rows)) < MIN_CUSTOMERS:
        who = "one customer" if customers == 1 else f"{customers} customers"
        return f"{len(rows)} answers of {who}, at least {MIN_CUSTOMERS} customers are needed"
    said = rows[scale.answer]
    if (said == said[0]).all():
        return f"all {len(rows)} answers are {said[0]:g}"
    return None


def _known(rows: Row, name: str) -> bool:
    return bool(2 * np.count_nonzero(~np.isnan(rows[name])) >= len(rows))


def _complete(rows: Row, names: Sequence[str]) -> Row:
    for name in names:
        rows = rows[~np.isnan(rows[name])]
    return rows


def _dimensions(rows: Row, names: Sequence[str], scale: Scale, least: int) -> Iterator[Found]:
    if why := _too_few(rows, scale, least):
        for name in names:
            yield Untold(f"of those where {', '.join(names)} are known: {why}", "dimension", name)
        return
    scores = np.column_stack([TENTHS * rows[name] for name in names])
    base = _adjusted(rows)
    told = [_apart(scores, base, number, rows["customer"]) for number in range(len(names))]
    free = np.array([why is None for why in told])
    for name, why in zip(names, told, strict=True):
        if why is not None:
            yield Untold(why, "dimension", name)
    if free.any():
        controls = independent(np.column_stack([base, scores[:, ~free]]))
        kept = [name for name, each in zip(names, free, strict=True) if each]
        freedom = customers_of(rows) - 1
        yield from _fitted(
            rows, controls, scores[:, free], scale, [("dimension", name, freedom, None) for name in kept]
        )


def _behaviour(rows: Row, shown: Mask, name: str, beside: Sequence[str], scale: Scale, least: int) -> Found:
    sides = customers_of(rows[shown]), customers_of(rows[~shown])
    if min(sides) < MIN_SIDE:
        with_, without = sides
        few = f"of {with_} customers with it and {without} without, at least {MIN_SIDE} of each are needed"
        return Untold(few, "behaviour", name)
    if why := _too_few(rows, scale, least):
        return Untold(f"of those where it is known: {why}", "behaviour", name)
    there = shown[:, None].astype(np.float64)
    base = independent(np.column_stack([_adjusted(rows), *(TENTHS * rows[each] for each in beside)]))
    if why := _apart(there, base, 0, rows["customer"]):
        return Untold(why, "behaviour", name)
    # Welch's degrees of freedom are never fewer than those of the smaller side; with few on it, CV3 alone is too bold.
    driver = ("behaviour", name, min(sides) - 1, int(np.count_nonzero(shown)))
    (found,) = _fitted(rows, base, there, scale, [driver])
    return found


def _adjusted(rows: Row) -> Matrix:
    """A constant, and what differs between groups: a column for each value that enough customers have, but for the most
    frequent one. Rare values count as that one.
    """
    columns = [np.ones(len(rows))]
    for name in GROUPS:
        codes, counts = np.unique(rows[name], return_counts=True)
        for code in codes[np.argsort(-counts, kind="stable")][1:]:
            here = rows[name] == code
            if customers_of(rows[here]) >= MIN_SIDE:
                columns.append(here.astype(np.float64))
    return independent(np.column_stack(columns))


def _apart(drivers: Matrix, base: Matrix, number: int, customers: Codes) -> str | None:
    """Why a driver cannot be told apart from the others and what is adjusted for, in words."""
    driver = drivers[:, number]
    around = driver - driver.mean()
    if np.abs(around).max() < ALWAYS:
        return f"always {driver[0] / TENTHS:.2f}"
    others = independent(np.column_stack([base, np.delete(drivers, number, axis=1)]))
    rest = own(driver, others) ** 2
    if rest.sum() < TINY * (around**2).sum():
        return "follows from the other scores, service type, tier and channel: what it does by itself cannot be told"
    if (np.bincount(customers, rest) > rest.sum() / 2).any():
        return "rests on one customer: the others hardly differ in it"
    return None


def _fitted(
    rows: Row,
    controls: Matrix,
    drivers: Matrix,
    scale: Scale,
    named: Sequence[tuple[str, str, int, int | None]],
) -> Iterator[Effect]:
    """``named``: kind, name, degrees of freedom, and answers with it, by column."""
    outcomes = scale.outcomes(rows)
    around = drivers - drivers.mean(axis=0)  # moves the constant alone, and is exact where scores hardly differ
    found = fit(np.column_stack([controls, around]), outcomes, rows["customer"], drivers.shape[1])
    customers = customers_of(rows)
    for number, (kind, name, freedom, shown) in enumerate(named):
        (effect, points), (error, points_error) = found.effects[number], found.errors[number]
        wide = reach(CONFIDENCE, freedom)
        yield Effect(
            kind=kind,
            driver=name,
            effect=float(effect),
            low=float(effect - wide * error),
            high=float(effect + wide * error),
            points=float(points),
            points_low=float(points - wide * points_error),
            points_high=float(points + wide * points_error),
            p=probability(float(effect), float(error), freedom),
            answers=len(rows),
            customers=customers,
            shown=shown,
        )
