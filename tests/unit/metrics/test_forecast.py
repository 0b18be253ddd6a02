import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.times import HOUR_MS, MINUTE_MS, SECOND_MS
from streams.metrics.erlang import erlang_a
from streams.metrics.forecast import EXACT_PLACES, UNKNOWN, WINDOW_MS, Point, Rates, Stay, Wait, rates, walk
from tests.support.centre import Centre

FAR = 1 << 62
END = 400
"""Of the stories, in steps."""
STEP_MS = 10 * SECOND_MS


@st.composite
def stays(draw: st.DrawFn) -> list[Stay]:
    """On whole steps, so that some happen at one moment."""
    found = []
    for number in range(draw(st.integers(0, 25))):
        entered = draw(st.integers(0, 300))
        left = draw(st.none() | st.integers(entered, entered + 90))
        answered = left is not None and draw(st.booleans())
        found.append(Stay(entered * STEP_MS, str(number), FAR if left is None else left * STEP_MS, answered))
    return found


def by_hand(legs: list[Stay], at: int, *, with_it: bool) -> Rates:
    """Step by step; who leaves at the moment itself counts ``with_it``."""
    start = at - at % MINUTE_MS - WINDOW_MS
    waits = [leg for leg in legs if leg.left != leg.entered]
    depths = [sum(leg.entered <= t < leg.left for leg in waits) for t in range(start, at, STEP_MS)]
    left = [leg for leg in waits if start <= leg.left < at + with_it]
    answered = sum(leg.answered for leg in left)
    times = STEP_MS * sum(depth > 0 for depth in depths), STEP_MS * sum(depths)
    return Rates(answered, len(left) - answered, *times)


def expected_by_hand(legs: list[Stay]) -> dict[str, Wait]:
    found = {}
    for leg in legs:
        if leg.left != leg.entered:
            before = [each for each in legs if each.left > leg.entered and (each.entered, each.id) <= leg[:2]]
            place = sum(each.left != each.entered for each in before)
            found[leg.id] = by_hand(legs, leg.entered, with_it=True).wait(place)
    return found


@given(stays(), st.sets(st.integers(1, END)), st.randoms(use_true_random=False))
def test_wherever_it_is_cut_each_is_told_what_the_legs_say_at_its_entering(
    legs: list[Stay], cuts: set[int], shuffling: random.Random
) -> None:
    expected = expected_by_hand(legs)
    shuffling.shuffle(legs)
    points: list[Point] = []
    found: dict[str, Wait] = {}
    for since, until in pairwise([0, *(cut * STEP_MS for cut in sorted(cuts | {END}))]):
        some = [leg for leg in legs if leg.left >= since]
        points, said = walk(points, some, since, until)
        found |= said
        assert rates(points, until) == by_hand(legs, until, with_it=False)
    assert found == expected


@given(stays(), st.integers(1, END // 6))
def test_what_is_drawn_anew_is_as_if_it_had_been_drawn_once(legs: list[Stay], minute: int) -> None:
    """Some are answered otherwise than was thought, from a minute on."""
    since = minute * MINUTE_MS
    others = [leg._replace(left=FAR, answered=False) if leg.left >= since else leg for leg in legs]
    wrong, _ = walk([], others, 0, END * STEP_MS)
    points, said = walk(wrong, [leg for leg in legs if leg.left >= since], since, END * STEP_MS)
    assert rates(points, END * STEP_MS) == by_hand(legs, END * STEP_MS, with_it=False)
    later = {leg.id for leg in legs if leg.entered >= since}
    assert said == {ident: wait for ident, wait in expected_by_hand(legs).items() if ident in later}


@given(stays(), st.integers(1, END // 6))
def test_of_who_waits_all_the_time_the_number_is_enough(legs: list[Stay], minute: int) -> None:
    since = minute * MINUTE_MS
    points, _ = walk([], legs, 0, since)
    some = [leg for leg in legs if leg.entered >= since or since <= leg.left < FAR]
    others = sum(leg.entered < since and leg.left == FAR for leg in legs)
    assert walk(points, some, since, END * STEP_MS, others) == walk(points, legs, since, END * STEP_MS)


def test_points_are_as_many_as_minutes_in_which_something_happened() -> None:
    legs = [Stay(100 * number, str(number), 100 * number + 50, answered=True) for number in range(6_000)]
    points, _ = walk([], legs, 0, 30 * MINUTE_MS)
    assert [point.at for point in points] == [*range(0, 11 * MINUTE_MS, MINUTE_MS), 30 * MINUTE_MS]
    assert points[10] == Point(10 * MINUTE_MS, 6_000, 0, 300_000, 300_000, 0)
    again, _ = walk(points, [], 30 * MINUTE_MS, 40 * MINUTE_MS)
    assert again == points


def test_the_formula_is_the_mean_wait_of_who_is_answered() -> None:
    """Stepped through: those ahead and the agents depart, or who is asked about gives up."""
    some = Rates(answered=9, gone=4, occupied_ms=1_000_000, waited_ms=2_000_000)
    mu, theta = 10 / 1_000_000, 4 / 2_000_000
    answered, waited = 1.0, 0.0
    expected = []
    for place in range(1, 30):
        ahead = mu + (place - 1) * theta
        answered *= ahead / (ahead + theta)
        waited = answered / (ahead + theta) + ahead / (ahead + theta) * waited
        expected.append(round(waited / answered))
    assert some.waits(29) == expected == [some.wait(place) for place in range(1, 30)]
    assert expected[:3] == [83_333, 154_762, 217_262]


@pytest.mark.parametrize("gone", [0, 1, 30])
def test_far_behind_places_are_taken_together(gone: int) -> None:
    some = Rates(answered=9, gone=gone, occupied_ms=1_000_000, waited_ms=20_000_000)
    one_by_one = some.waits(20_000)
    assert some.wait(EXACT_PLACES) == one_by_one[EXACT_PLACES - 1]
    for place in (65, 66, 100, 129, 1_000, 20_000):
        assert some.wait(place) == pytest.approx(one_by_one[place - 1], rel=1e-4)


def test_nothing_follows_from_a_queue_of_which_nobody_was_answered() -> None:
    assert Rates(0, 5, 1_000, 1_000).wait(3) == UNKNOWN
    assert Rates(0, 5, 1_000, 1_000).waits(2) == [UNKNOWN, UNKNOWN]
    assert rates([], 0) == Rates(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("centre", "hours", "error", "absolute"),
    [
        (Centre(10, 142.5, 240, 120), 200, 0.03, 0.60),
        (Centre(10, 165, 240, 600), 200, 0.06, 0.40),
        (Centre(40, 900, 240, 180), 50, 0.03, 0.50),
    ],
    ids=str,
)
def test_simulated_queues_show_how_well_it_is_calibrated(
    centre: Centre, hours: int, error: float, absolute: float
) -> None:
    """Shares of the mean wait. That of single waits cannot be small: they differ by chance from the same place."""
    legs = centre.simulated(hours, seed=7)
    gone = sum(not leg.answered for leg in legs) / len(legs)
    model = erlang_a(centre.per_hour, HOUR_MS, centre.handle_s * 1000, centre.agents, 20_000, centre.patience_s * 1000)
    assert gone == pytest.approx(model.abandonment, rel=0.1)
    _, said = walk([], legs, 0, FAR)
    judged = [(said[leg.id], leg.left - leg.entered) for leg in legs if leg.answered and leg.id in said]
    known = [(wait, waited) for wait, waited in judged if wait != UNKNOWN]
    waited_ms = sum(waited for _, waited in known)
    assert len(known) > 2_000
    assert len(judged) - len(known) < 0.05 * len(known)
    assert abs(sum(wait - waited for wait, waited in known)) < error * waited_ms
    assert sum(abs(wait - waited) for wait, waited in known) < absolute * waited_ms
