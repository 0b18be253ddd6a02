"""What moves the answers: all groups of a question, corrected for being many."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from streams.drivers.answers import Answers, Row, customers_of
from streams.drivers.least_squares import holm
from streams.drivers.models import Effect, Scale, Untold, effects

LEVEL = 0.05
"""The chance that a report marks any effect where there is none."""

Places = NDArray[np.intp]
Group = tuple[tuple[str, str], ...]
"""Which contacts: (``tier``, ``gold``) and others; empty: all."""


@dataclass(frozen=True, slots=True)
class Tested:
    """An effect, with its probability after the correction over the whole report."""

    effect: Effect
    corrected: float

    @property
    def stands(self) -> bool:
        return self.corrected < LEVEL


@dataclass(frozen=True, slots=True)
class Part:
    """One answer in one group."""

    answer: str
    group: Group
    answers: int
    effects: tuple[Tested, ...]
    """Dimensions, then behaviours; the largest effect first."""
    untold: tuple[Untold, ...]

    def most(self, kind: str) -> Tested | None:
        """The largest effect that stands, of dimensions or of behaviours."""
        return next((each for each in self.effects if each.effect.kind == kind and each.stands), None)


@dataclass(frozen=True, slots=True)
class Report:
    """Of all contacts that were answered for, and of their groups."""

    answers: int
    customers: int
    parts: tuple[Part, ...]
    alike: tuple[Group, ...]
    """Groups that hold all answers: what is found of all is found of them."""

    @property
    def tests(self) -> int:
        """How many effects are corrected for."""
        return sum(len(part.effects) for part in self.parts)


def report(answers: Answers, scales: Iterable[Scale], by: Iterable[tuple[str, ...]], min_answers: int) -> Report:
    """Of all contacts, then of each group: every breakdown in ``by`` names one or more of `answers.GROUPS`."""
    groups: list[tuple[Group, Places]] = [((), np.arange(len(answers.rows)))]
    alike: list[Group] = []
    for names in by:
        found = list(_groups(answers, names))
        if len(found) == 1:
            alike.append(found[0][0])
        else:
            groups += found
    parts = [
        _part(answers, group, answers.rows[places], scale, min_answers) for scale in scales for group, places in groups
    ]
    return Report(len(answers.rows), customers_of(answers.rows), tuple(_corrected(parts)), tuple(alike))


def _groups(answers: Answers, names: tuple[str, ...]) -> Iterator[tuple[Group, Places]]:
    """With the places of their rows; those of most answers first, of as many by name."""
    codes = answers.rows[list(names)]
    found = []
    for code in np.unique(codes):
        group = tuple((name, answers.names[name][int(code[name])]) for name in names)
        found.append((group, np.flatnonzero(codes == code)))
    yield from sorted(found, key=lambda each: (-len(each[1]), each[0]))


def _part(answers: Answers, group: Group, rows: Row, scale: Scale, min_answers: int) -> Part:
    """Not yet corrected."""
    found = list(effects(answers, rows, scale, min_answers))
    tested = [Tested(each, each.p) for each in found if isinstance(each, Effect)]
    tested.sort(key=lambda each: (each.effect.kind != "dimension", -abs(each.effect.effect), each.effect.driver))
    untold = [each for each in found if isinstance(each, Untold)]
    untold.sort(key=lambda each: (each.kind != "dimension", each.driver or ""))
    count = int(np.count_nonzero(~np.isnan(rows[scale.answer])))
    return Part(scale.answer, group, count, tuple(tested), tuple(untold))


def _corrected(parts: list[Part]) -> Iterator[Part]:
    corrected = iter(holm(np.array([each.corrected for part in parts for each in part.effects])).tolist())
    for part in parts:
        tested = zip(part.effects, islice(corrected, len(part.effects)), strict=True)
        effects_ = tuple(Tested(each.effect, p) for each, p in tested)
        yield Part(part.answer, part.group, part.answers, effects_, part.untold)
