"""Shapes (sums are added in panes): any order, taken back, merged; and the steps of histograms."""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.metrics.accumulators import HISTOGRAMS, LONGEST_MS, SHAPES, STEPS, percentile, step_of
from streams.metrics.panes import encode

amounts = st.lists(st.integers(0, 90_000), max_size=20)
each_kind = pytest.mark.parametrize("name", ["answered_waits", "longest"])
WAITS = HISTOGRAMS["answered_waits"]


def held(name: str, given: list[tuple[int, int]], state: Any = None) -> Any:
    """The state with (amount, sign) added."""
    of = SHAPES[name]
    found = of.empty if state is None else state
    for amount, sign in given:
        found = of.add(found, amount, sign)
    return found


def counted(given: list[int]) -> list[tuple[int, int]]:
    return [(amount, 1) for amount in given]


@each_kind
@given(before=amounts, given=amounts, rng=st.randoms())
def test_what_is_taken_back_leaves_exactly_the_state_before(
    name: str, before: list[int], given: list[int], rng: random.Random
) -> None:
    state = held(name, counted(before[:10]))
    both = counted(given[:10]) + [(amount, -1) for amount in given[:10]]
    rng.shuffle(both)
    assert held(name, both, state) == state


@each_kind
@given(a=amounts, b=amounts, c=amounts)
def test_merging_is_associative_and_commutative_and_the_same_as_adding(
    name: str, a: list[int], b: list[int], c: list[int]
) -> None:
    merge = SHAPES[name].merge
    x, y, z = (held(name, counted(each)) for each in (a, b, c))
    assert merge((x, y)) == merge((y, x))
    assert merge((merge((x, y)), z)) == merge((x, merge((y, z)))) == merge((x, y, z))
    assert merge((x, y)) == held(name, counted(a + b))
    assert merge((x, SHAPES[name].empty)) == x


@each_kind
def test_an_empty_state_is_false_and_adding_changes_none_in_place(name: str) -> None:
    of = SHAPES[name]
    assert not of.empty
    once = of.add(of.empty, 7, 1)
    twice = of.add(once, 7, 1)
    assert not of.empty
    assert once != twice
    assert of.add(twice, 7, -1) == once


@given(st.integers(0, LONGEST_MS))
def test_an_amount_is_at_most_1_percent_from_its_step(amount: int) -> None:
    assert abs(step_of(amount) - amount) * 100 <= amount
    assert step_of(step_of(amount)) == step_of(amount)


def test_the_steps_are_few_and_exact_where_they_are_small() -> None:
    assert [step_of(amount) for amount in range(100)] == list(range(100))
    assert (step_of(100), step_of(101), step_of(102), step_of(103)) == (99, 102, 102, 102)
    assert (step_of(20_000), step_of(60_000), step_of(LONGEST_MS)) == (20_104, 60_421, 31_385_062_975)
    assert len(STEPS) == 1076
    assert sorted(set(STEPS)) == STEPS


def test_what_is_outside_counts_in_the_first_or_the_last_step() -> None:
    assert step_of(-5) == 0
    assert step_of(2**62) == step_of(LONGEST_MS) == STEPS[-1]
    assert held("answered_waits", [(-5, 1), (0, 1), (2**62, 1)]) == {0: 2, STEPS[-1]: 1}


@given(st.lists(st.integers(0, LONGEST_MS), min_size=1), st.sampled_from([1, 50, 90, 95, 100]))
def test_a_percentile_is_the_step_of_the_amount_of_its_rank(given: list[int], percent: int) -> None:
    exact = sorted(given)[math.ceil(len(given) * percent / 100) - 1]
    counts = dict(sorted(held("answered_waits", counted(given)).items()))
    assert percentile(counts, percent) == step_of(exact)


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile({}, 50) is None
    assert percentile({5: -1}, 50) is None


def test_a_histogram_is_complete_when_it_holds_all_that_were_counted() -> None:
    two = held("answered_waits", counted([10, 20]))
    assert WAITS.is_complete(two, 2)
    assert not WAITS.is_complete(two, 3), "a row of the version before knew of one more"
    assert not WAITS.is_complete(held("answered_waits", [(10, 1), (10, 1), (500, -1)]), 1), "and that one is taken back"
    assert not WAITS.is_complete({}, 0)


def test_a_day_of_a_busy_queue_is_a_small_row() -> None:
    rng = random.Random(1)
    day = held("answered_waits", counted([round(rng.expovariate(1 / 40_000)) for _ in range(20_000)]))
    assert sum(day.values()) == 20_000
    assert len(encode({"answered_waits": day})) < 4_500
