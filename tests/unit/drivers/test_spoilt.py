"""Whatever is wrong with scores and answers: words or numbers, no warning, nothing raised."""

from dataclasses import replace

import numpy as np
import pytest

from streams.drivers.answers import ROW, Answers, Row
from streams.drivers.models import Scale
from streams.drivers.report import report

NAMES = {"service_type": ("service", "value"), "tier": ("gold", "silver"), "channel": ("voice", "chat", "email")}


def spoilt(seed: int) -> Answers:
    """A few answers of a few customers, some columns constant, missing, equal, one customer's alone or hardly varied."""
    chance = np.random.default_rng(seed)
    customers = int(chance.integers(1, 60))
    rows: Row = np.zeros(customers * int(chance.integers(1, 6)), ROW)
    count = len(rows)
    rows["customer"] = np.arange(count) % customers
    for name, names in NAMES.items():
        rows[name] = chance.integers(0, len(names), count)
    if chance.uniform() < 0.3:
        rows["tier"] = rows["channel"] % 2
    for name in ("business", "human", "hidden", "csat", "nps"):
        varied = chance.uniform(size=count)
        rows[name] = [
            varied,
            np.full(count, 0.5),
            np.full(count, np.nan),
            np.where(chance.uniform(size=count) < 0.4, np.nan, varied),
            np.round(varied),
            rows["business"],
            rows["tier"] / 3,
            np.where(rows["customer"] == 0, varied, 0.5),
            0.5 + 1e-7 * varied,
            0.5 + 1e-2 * varied,
        ][chance.integers(0, 10)]
    if chance.uniform() < 0.3:
        rows["customer"][chance.uniform(size=count) < 0.7] = 0
    rows["told"] = 15
    rows["shown"] = np.where(rows["business"] > 0.5, 3, 0) if chance.uniform() < 0.3 else chance.integers(0, 16, count)
    return Answers(rows, NAMES, ("b0", "b1", "b2", "b3"))


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_there_are_words_or_numbers(first: int) -> None:
    told = untold = 0
    for seed in range(first, first + 50):
        for part in report(spoilt(seed), (Scale("csat", 0.5), Scale("nps", 0.9, 0.6)), [("tier",)], 20).parts:
            for each in part.effects:
                found = each.effect
                numbers = [found.effect, found.low, found.high, found.points, found.points_low, found.points_high]
                assert np.isfinite(numbers).all(), (seed, found)
                assert 0 <= found.p <= each.corrected <= 1
            told += len(part.effects)
            untold += len(part.untold)
            assert all(each.why for each in part.untold)
    assert min(told, untold) > 50


def test_the_order_of_records_does_not_matter() -> None:
    found = spoilt(3)
    turned = replace(found, rows=found.rows[::-1].copy())
    one, two = (report(each, (Scale("csat", 0.5),), [("tier",)], 20) for each in (found, turned))
    assert [(part.group, part.untold) for part in one.parts] == [(part.group, part.untold) for part in two.parts]
    for first, second in zip(one.parts, two.parts, strict=True):
        assert [each.effect.driver for each in first.effects] == [each.effect.driver for each in second.effects]
        for each, other in zip(first.effects, second.effects, strict=True):
            assert each.effect.effect == pytest.approx(other.effect.effect, rel=1e-6)
            assert each.effect.high == pytest.approx(other.effect.high, rel=1e-6)
    assert sum(len(part.effects) for part in one.parts) > 3
