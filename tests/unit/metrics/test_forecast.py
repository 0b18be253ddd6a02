import heapq
import random
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.times import HOUR_MS, MINUTE_MS
from streams.metrics.erlang import erlang_a
from streams.metrics.forecast import UNKNOWN, Calibration, Expected, Past, Rates, Stay, calibration

WINDOW_MS = 100


@st.composite
def stays(draw: st.DrawFn) -> list[Stay]:
    found = []
    for number in range(draw(st.integers(0, 25))):
        entered = draw(st.integers(0, 300))
        left = draw(st.none() | st.integers(entered, entered + 150))
        found.append(Stay(entered, str(number), left, left is not None and draw(st.booleans())))
    return found


def known_at(legs: list[Stay], at: int) -> list[Stay]:
    """As they were known at a moment: who came later is not there, who left later still waits."""
    return [
        leg if leg.left is not None and leg.left <= at else Stay(leg.entered, leg.id)
        for leg in legs
        if leg.entered <= at
    ]


def by_hand(legs: list[Stay], at: int, window_ms: int) -> Rates:
    """Moment by moment: ms t to t + 1 is waited by who entered at or before t and leaves after it."""
    waits = [leg for leg in legs if leg.left != leg.entered]
    depths = [
        sum(leg.entered <= t and (leg.left is None or leg.left > t) for leg in waits) for t in range(at - window_ms, at)
    ]
    left = [leg for leg in waits if leg.left is not None and at - window_ms < leg.left <= at]
    answered = sum(leg.answered for leg in left)
    return Rates(answered, len(left) - answered, sum(depth > 0 for depth in depths), sum(depths))


@given(stays(), st.integers(0, 500))
def test_rates_are_counted_moment_by_moment(legs: list[Stay], at: int) -> None:
    assert Past(legs).rates(at, WINDOW_MS) == by_hand(legs, at, WINDOW_MS)


@given(stays(), st.integers(0, 500), st.randoms(use_true_random=False))
def test_neither_order_nor_what_comes_later_changes_what_is_said(
    legs: list[Stay], at: int, shuffling: random.Random
) -> None:
    past = Past(legs)
    shuffled = legs.copy()
    shuffling.shuffle(shuffled)
    for other in (Past(shuffled), Past(known_at(legs, at))):
        assert other.rates(at, WINDOW_MS) == past.rates(at, WINDOW_MS)
        assert other.waiting(at, WINDOW_MS) == past.waiting(at, WINDOW_MS)


@given(stays(), st.integers(0, 500))
def test_places_are_in_order_of_entering_and_waits_rise_with_them(legs: list[Stay], at: int) -> None:
    found = Past(legs).waiting(at, WINDOW_MS)
    assert [each.place for each in found] == list(range(1, len(found) + 1))
    assert [each.waited_ms for each in found] == sorted((each.waited_ms for each in found), reverse=True)
    waiting = {leg.id for leg in known_at(legs, at) if leg.left is None and leg.entered <= at}
    assert {each.id for each in found} == waiting
    remaining = [each.remaining_ms for each in found]
    numbers = [each for each in remaining if each != UNKNOWN]
    assert numbers in ([], remaining)
    assert numbers == sorted(numbers)  # type: ignore[type-var]
    rates = by_hand(legs, at, WINDOW_MS)
    assert not found or (numbers == []) == (rates.answered == 0)


@given(stays(), st.lists(st.integers(0, 500), max_size=4))
def test_calibrations_of_spans_add_up_and_each_is_what_was_said_at_the_entering(
    legs: list[Stay], cuts: list[int]
) -> None:
    past = Past(legs)
    moments = [0, *sorted(cuts), 1_000]
    parts = [calibration(past.judged(a, b, WINDOW_MS)) for a, b in pairwise(moments)]
    whole = Calibration(*(sum(each) for each in zip(*parts, strict=True)))
    assert whole == calibration(past.judged(0, 1_000, WINDOW_MS))
    judged = unknown = error = absolute = waited = 0
    for leg in legs:
        if not leg.answered or leg.left is None or leg.left == leg.entered:
            continue
        (said,) = [
            each for each in Past(known_at(legs, leg.entered)).waiting(leg.entered, WINDOW_MS) if each.id == leg.id
        ]
        if said.remaining_ms == UNKNOWN:
            unknown += 1
            continue
        wait = leg.left - leg.entered
        judged, waited = judged + 1, waited + wait
        error += wait - said.remaining_ms
        absolute += abs(wait - said.remaining_ms)
    assert whole == Calibration(judged, unknown, error, absolute, waited)


def test_the_formula_is_the_mean_wait_of_who_is_answered() -> None:
    """Stepped through: those ahead and the agents depart, or who is asked about gives up."""
    rates = Rates(answered=9, gone=4, occupied_ms=1_000_000, waited_ms=2_000_000)
    mu, theta = 10 / 1_000_000, 4 / 2_000_000
    answered, waited = 1.0, 0.0
    expected = []
    for place in range(1, 30):
        ahead = mu + (place - 1) * theta
        answered *= ahead / (ahead + theta)
        waited = answered / (ahead + theta) + ahead / (ahead + theta) * waited
        expected.append(round(waited / answered))
    assert rates.expected(29) == expected
    assert expected[:3] == [83_333, 154_762, 217_262]


def test_who_waits_and_how_long_in_words_and_numbers() -> None:
    legs = [
        Stay(0, "a", 20_000, True),
        Stay(0, "b", 40_000, True),
        Stay(10_000, "c", 30_000),
        Stay(30_000, "d"),
        Stay(35_000, "e"),
        Stay(38_000, "f", 38_000, True),
    ]
    past = Past(legs)
    assert past.rates(40_000, MINUTE_MS) == Rates(2, 1, 40_000, 20_000 + 40_000 + 20_000 + 10_000 + 5_000)
    mu, theta = 3 / 40_000, 1 / 95_000
    first = 1 / (mu + theta)
    assert past.waiting(40_000, MINUTE_MS) == [
        Expected("d", 1, 10_000, round(first)),
        Expected("e", 2, 5_000, round(first + 1 / (mu + 2 * theta))),
    ]
    assert past.waiting(15_000, MINUTE_MS) == [
        Expected("a", 1, 15_000, "unknown"),
        Expected("b", 2, 15_000, "unknown"),
        Expected("c", 3, 5_000, "unknown"),
    ]
    assert Past([]).waiting(0, MINUTE_MS) == []
    assert calibration(Past([Stay(0, "a")]).judged(0, 100, 100)) == Calibration()


def test_a_leg_that_left_before_it_entered_is_refused() -> None:
    with pytest.raises(ValueError, match="leg 'a' left at 4, before it entered at 5"):
        Past([Stay(5, "a", 4)])


@dataclass(frozen=True)
class Centre:
    """An M/M/c+M queue: callers at random, exponential handle times and patience."""

    agents: int
    per_hour: float
    handle_s: float
    patience_s: float

    def simulated(self, hours: int, seed: int) -> list[Stay]:
        rng = random.Random(seed)
        free, now, found = [0.0] * self.agents, 0.0, []
        while (now := now + rng.expovariate(self.per_hour / 3600)) < hours * 3600:
            patience, handle = rng.expovariate(1 / self.patience_s), rng.expovariate(1 / self.handle_s)
            begins = max(free[0], now)
            answered = begins <= now + patience
            if answered:
                heapq.heapreplace(free, begins + handle)
            left = begins if answered else now + patience
            found.append(Stay(round(now * 1000), f"{len(found):06}", round(left * 1000), answered))
        return found


@pytest.mark.parametrize(
    ("centre", "error", "absolute"),
    [
        (Centre(10, 142.5, 240, 120), 0.03, 0.60),
        (Centre(10, 165, 240, 600), 0.06, 0.40),
        (Centre(40, 900, 240, 180), 0.03, 0.50),
    ],
    ids=str,
)
def test_simulated_queues_show_how_well_it_is_calibrated(centre: Centre, error: float, absolute: float) -> None:
    """Shares of the mean wait. That of single waits cannot be small: they differ by chance from the same place."""
    legs = centre.simulated(200, seed=7)
    gone = sum(not leg.answered for leg in legs) / len(legs)
    model = erlang_a(centre.per_hour, HOUR_MS, centre.handle_s * 1000, centre.agents, 20_000, centre.patience_s * 1000)
    assert gone == pytest.approx(model.abandonment, rel=0.1)
    found = calibration(Past(legs).judged(0, 1_000 * HOUR_MS, 15 * MINUTE_MS))
    assert found.judged > 4_000
    assert found.unknown < 0.05 * found.judged
    assert abs(found.error_ms) < error * found.waited_ms
    assert found.absolute_ms < absolute * found.waited_ms
