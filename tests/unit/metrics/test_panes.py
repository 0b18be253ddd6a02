from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.records import Fact
from streams.metrics.panes import (
    EMPTY,
    LONGEST_KEPT,
    LONGEST_MS,
    MAX_SUM,
    NO_SUMS,
    Pane,
    Series,
    add,
    longest_wait,
    merge,
    pane_of,
    pane_start,
    sums,
)
from streams.metrics.rules import KpiPolicy
from streams.pipeline import measure
from tests.support.kpi_facts import fact, leg, one_fact, taken_back

measure_panes = next(spec for spec in measure.TABLES if spec.name == "panes")
POLICY = KpiPolicy(thresholds_by_queue={"support": 60_000})


def folded(facts: list[Fact]) -> Pane:
    return reduce(lambda pane, each: add(pane, each, POLICY), facts, EMPTY)


panes = st.lists(one_fact(), max_size=8).map(folded)


@given(panes, panes, panes)
def test_merging_is_associative_and_commutative(a: Pane, b: Pane, c: Pane) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, EMPTY) == a


@given(panes, one_fact())
def test_a_fact_is_a_pane_of_its_own(pane: Pane, each: Fact) -> None:
    assert add(pane, each, POLICY) == merge(pane, add(EMPTY, each, POLICY))


@given(panes, st.lists(one_fact(), max_size=8), st.randoms())
def test_taking_facts_back_undoes_them_exactly_in_any_order(pane: Pane, facts: list[Fact], random) -> None:  # type: ignore[no-untyped-def]
    both = facts + [taken_back(each) for each in facts]
    random.shuffle(both)
    assert reduce(lambda found, each: add(found, each, POLICY), both, pane) == pane


@given(st.lists(panes, max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_any_stretch_of_a_series_is_the_merge_of_its_panes(found: list[Pane], first: int, last: int) -> None:
    series = Series([(i * 10_000, pane) for i, pane in enumerate(found)])
    merged = reduce(merge, found[first:last], EMPTY)
    assert series.merged(first * 10_000, last * 10_000) == merged
    assert series.between(first * 10_000, last * 10_000) == (sums(merged), longest_wait(merged.longest))


def test_a_leg_counts_by_how_it_left() -> None:
    facts = [
        *leg("a", 0, 20),
        *leg("b", 0, 20.001),
        *leg("c", 0, 5, "abandoned"),
        *leg("d", 0, 5.001, "abandoned"),
        *leg("e", 0, 300, "flow_out"),
        *leg("f", 0, None),
    ]
    assert folded(facts) == Pane(
        entered=6,
        answered=2,
        answered_in_time=1,
        answered_wait_ms=40_001,
        abandoned=2,
        abandoned_in_time=2,
        short_abandoned=1,
        abandoned_wait_ms=10_001,
        flowed_out=1,
        longest=((300_000, 1), (20_001, 1), (20_000, 1), (5_001, 1), (5_000, 1)),
    )


def test_a_queue_has_its_own_threshold() -> None:
    assert folded(leg("a", 0, 60, queue="support")).answered_in_time == 1
    assert folded(leg("a", 0, 60.001, queue="support")).answered_in_time == 0


def test_a_contact_that_did_not_queue_was_answered_at_once() -> None:
    pane = folded([fact("contact_offered", "a", 0, outcome="answered"), fact("contact_handled", "a", 9)])
    assert pane == Pane(contacts_answered=1, contacts_in_time=1, handled=1)


def test_scores_count_by_the_cut() -> None:
    answers = [("csat", 4), ("csat", 3), ("nps", 9), ("nps", 8), ("nps", 6), ("ces", 5), ("ces", 4)]
    pane = folded([fact("feedback", "a", 0, variant=metric, value=score * 1000) for metric, score in answers])
    assert pane == Pane(
        csat=2, csat_satisfied=1, csat_milli=7000, nps=3, nps_promoters=1, nps_detractors=1, ces=2, ces_easy=1
    )


def test_the_longest_wait_is_known_after_the_longest_are_taken_back() -> None:
    legs = [leg(str(wait), 0, wait) for wait in range(1, 100)]
    pane = folded([each for facts in legs for each in facts])
    assert len(pane.longest) == LONGEST_KEPT
    for facts in legs[-10:]:
        pane = add(pane, taken_back(facts[1]), POLICY)
    assert longest_wait(pane.longest) == 89_000


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (fact("leg_lost", "a", 0), "leg_lost"),
        (fact("leg_closed", "a", 0, outcome="answered"), "entered"),
        (fact("leg_closed", "a", 0, entered=0, outcome="lost"), "outcome 'lost'"),
        (fact("contact_offered", "a", 0), "outcome None"),
        (fact("first_response", "a", 0, variant="first", value=1), "variant 'first'"),
        (fact("feedback", "a", 0, variant="stars", value=1), "variant 'stars'"),
        (fact("sentiment", "a", 0), "no value"),
    ],
)
def test_a_fact_that_cannot_be_counted_says_why(wrong: Fact, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        add(EMPTY, wrong, POLICY)


def test_sums_and_pane_are_inverse() -> None:
    assert pane_of(NO_SUMS) == EMPTY
    pane = folded(leg("a", 0, 5))
    assert pane_of(sums(pane), pane.longest) == pane
    assert pane_start(19_999) == 10_000


def handled(ident: str, ms: int) -> Fact:
    return fact("contact_handled", ident, 0, talk_ms=ms, hold_ms=ms, wrap_ms=ms)


def test_a_duration_adds_at_most_a_year_and_is_taken_back_as_it_was_added() -> None:
    huge = [
        handled("h", 2**62),
        *leg("l", -4e9, 0),
        fact("contact_offered", "c", 0, outcome="answered", value=2**62),
        fact("first_response", "f", 0, variant="any", value=2**62),
    ]
    pane = folded(huge)
    assert (pane.talk_ms, pane.hold_ms, pane.wrap_ms) == (LONGEST_MS,) * 3
    assert (pane.answered_wait_ms, pane.contacts_wait_ms, pane.first_any_ms) == (LONGEST_MS,) * 3
    assert folded([*huge, *map(taken_back, huge)]) == EMPTY


def test_it_takes_hundreds_of_millions_of_facts_to_leave_64_bits() -> None:
    assert MAX_SUM // LONGEST_MS > 290_000_000


@given(st.lists(st.integers(-(2**70), 2**70), min_size=len(NO_SUMS), max_size=len(NO_SUMS)))
def test_a_row_is_written_inside_64_bits_whatever_it_holds(values: list[int]) -> None:
    written = measure_panes.load(measure_panes.dump(pane_of(values)))
    assert sums(written) == tuple(max(-MAX_SUM, min(value, MAX_SUM)) for value in values)
