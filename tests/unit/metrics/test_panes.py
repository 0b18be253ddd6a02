import random
from functools import reduce
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.records import Fact
from streams.metrics.accumulators import LONGEST_KEPT, LONGEST_MS, MAX_SUM, SUMS, longest_wait, step_of
from streams.metrics.panes import EMPTY, Pane, Series, decode, encode, happened, merge, pane_start
from streams.metrics.rules import ServiceLevel
from tests.support.kpi_facts import add, fact, kpi_policy, leg, one_fact, taken_back

POLICY = kpi_policy(service_level=ServiceLevel(queues={"support": 60_000}))


def folded(facts: list[Fact]) -> Pane:
    return reduce(lambda pane, each: add(pane, each, POLICY), facts, EMPTY)


panes = st.lists(one_fact(), max_size=8).map(folded)


@given(panes, panes, panes)
def test_merging_is_associative_and_commutative(a: Pane, b: Pane, c: Pane) -> None:
    assert merge((a, b)) == merge((b, a))
    assert merge((merge((a, b)), c)) == merge((a, merge((b, c)))) == merge((a, b, c))
    assert merge((a, EMPTY)) == a


@given(panes, one_fact())
def test_a_fact_is_a_pane_of_its_own(pane: Pane, each: Fact) -> None:
    assert add(pane, each, POLICY) == merge((pane, add(EMPTY, each, POLICY)))


@given(panes, st.lists(one_fact(), max_size=8), st.randoms())
def test_taking_facts_back_undoes_them_exactly_in_any_order(pane: Pane, facts: list[Fact], rng: random.Random) -> None:
    both = facts + [taken_back(each) for each in facts]
    rng.shuffle(both)
    assert reduce(lambda found, each: add(found, each, POLICY), both, pane) == pane


@given(st.lists(panes, max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_any_stretch_of_a_series_is_the_merge_of_its_panes(found: list[Pane], first: int, last: int) -> None:
    series = Series([(i * 10_000, pane) for i, pane in enumerate(found)])
    merged = reduce(lambda a, b: merge((a, b)), found[first:last], EMPTY)
    assert series.between(first * 10_000, last * 10_000) == merged
    glance = dict(series.glance(first * 10_000, last * 10_000))
    assert longest_wait(glance.pop("longest", ())) == longest_wait(merged.get("longest", ()))
    assert glance == {name: state for name, state in merged.items() if name != "longest"}


@given(st.lists(one_fact(), max_size=12), st.randoms(), st.lists(st.integers(0, 12), max_size=3))
def test_any_order_and_any_cut_into_batches_give_the_same_pane(
    facts: list[Fact], rng: random.Random, cuts: list[int]
) -> None:
    shuffled = list(facts)
    rng.shuffle(shuffled)
    edges = [0, *sorted(cuts), len(facts)]
    parts = [folded(shuffled[start:end]) for start, end in pairwise(edges)]
    assert merge(parts) == folded(facts)


@given(panes)
def test_a_pane_holds_no_empty_state_and_is_read_from_its_row(pane: Pane) -> None:
    assert all(pane.values())
    assert decode(encode(pane)) == pane


def test_a_leg_counts_by_how_it_left() -> None:
    facts = [
        *leg("a", 0, 20),
        *leg("b", 0, 20.001),
        *leg("c", 0, 5, "abandoned"),
        *leg("d", 0, 5.001, "abandoned"),
        *leg("e", 0, 300, "flow_out"),
        *leg("f", 0, None),
    ]
    assert folded(facts) == {
        "entered": 6,
        "answered": 2,
        "answered_in_time": 1,
        "answered_wait_ms": 40_001,
        "answered_waits": {step_of(20_000): 2},
        "abandoned": 2,
        "abandoned_in_time": 2,
        "short_abandoned": 1,
        "abandoned_wait_ms": 10_001,
        "flowed_out": 1,
        "longest": ((300_000, 1), (20_001, 1), (20_000, 1), (5_001, 1), (5_000, 1)),
    }


def test_a_queue_has_its_own_threshold() -> None:
    assert folded(leg("a", 0, 60, queue="support"))["answered_in_time"] == 1
    assert "answered_in_time" not in folded(leg("a", 0, 60.001, queue="support"))


def test_a_contact_that_did_not_queue_was_answered_at_once() -> None:
    pane = folded([fact("contact_offered", "a", 0, outcome="answered"), fact("contact_handled", "a", 9)])
    zeros = ("contacts_waits", "talks", "holds", "wraps", "handle_times")
    assert pane == {"contacts_answered": 1, "contacts_in_time": 1, "handled": 1, **{name: {0: 1} for name in zeros}}


def test_scores_count_by_the_cut() -> None:
    answers = [("csat", 4), ("csat", 3), ("nps", 9), ("nps", 8), ("nps", 6), ("ces", 5), ("ces", 4)]
    pane = folded([fact("feedback", "a", 0, variant=metric, value=score * 1000) for metric, score in answers])
    assert pane == {
        "csat": 2,
        "csat_satisfied": 1,
        "csat_milli": 7000,
        "nps": 3,
        "nps_promoters": 1,
        "nps_detractors": 1,
        "ces": 2,
        "ces_easy": 1,
    }


def test_the_longest_wait_is_known_after_the_longest_are_taken_back() -> None:
    legs = [leg(str(wait), 0, wait) for wait in range(1, 100)]
    pane = folded([each for facts in legs for each in facts])
    assert len(pane["longest"]) == LONGEST_KEPT
    for facts in legs[-10:]:
        pane = add(pane, taken_back(facts[1]), POLICY)
    assert longest_wait(pane["longest"]) == 89_000


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


def test_a_pane_begins_at_ten_seconds() -> None:
    assert pane_start(19_999) == 10_000


def test_what_is_left_of_facts_that_were_taken_back_is_nothing_that_happened() -> None:
    assert not happened({"longest": ((4000, -1),), "answered_waits": {4040: -1}})
    assert happened({"entered": 1})


BEFORE = (
    b'{"entered":3,"answered":2,"answered_wait_ms":30000,"csat_milli":5000,"longest":[[20000,1],[10000,1]],"gone":7}'
)
"""A row of the version before, which knew no histogram, with a sum that is no more."""


def test_a_row_of_the_version_before_is_read() -> None:
    pane = decode(BEFORE)
    assert pane == {
        "entered": 3,
        "answered": 2,
        "answered_wait_ms": 30_000,
        "csat_milli": 5000,
        "longest": ((20_000, 1), (10_000, 1)),
    }
    assert add(pane, leg("a", 0, 5)[1], POLICY)["answered_waits"] == {step_of(5000): 1}


@pytest.mark.parametrize("row", [b"[]", b'{"answered":[]}', b'{"longest":3}', b'{"answered_waits":{"a":1}}'])
def test_a_row_of_another_kind_is_refused(row: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(row)


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
    durations = ("talk_ms", "hold_ms", "wrap_ms", "answered_wait_ms", "contacts_wait_ms", "first_any_ms")
    assert [pane[name] for name in durations] == [LONGEST_MS] * 6
    assert folded([*huge, *map(taken_back, huge)]) == EMPTY


def test_it_takes_hundreds_of_millions_of_facts_to_leave_64_bits() -> None:
    assert MAX_SUM // LONGEST_MS > 290_000_000


@given(st.dictionaries(st.sampled_from(sorted(SUMS)), st.integers(-(2**70), 2**70).filter(bool)))
def test_a_row_is_written_inside_64_bits_whatever_it_holds(pane: dict[str, int]) -> None:
    assert decode(encode(pane)) == {name: max(-MAX_SUM, min(n, MAX_SUM)) for name, n in pane.items()}
