"""The simulator's own journeys: by the examples of the documents."""

import pytest

from streams.customers.journey_rules import JourneyRules
from streams.demo.lives import Life, needs, solution

RULES = JourneyRules()
MINUTE = 60_000
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
WEEK = 7 * DAY


def life(name: str, began: int, *cases: str, lasts: int = MINUTE, met: bool = True) -> Life:
    """A call of a minute; without a case its end solves it."""
    found = Life(name, "voice", began, began, met=met)
    found.cases += cases
    found.last = began + lasts
    found.end(began + lasts)
    return found


def names(*lives: Life) -> list[list[str]]:
    return [[each.name for each in need] for need in needs(lives, RULES)]


def test_what_a_need_apart_is_one_journey_and_what_is_further_apart_is_not() -> None:
    first = life("a", 0)
    assert names(first, life("b", MINUTE + WEEK)) == [["a", "b"]]
    assert names(life("c", MINUTE + WEEK + 1), first) == [["a"], ["c"]]


def test_a_case_joins_however_far_apart_and_another_case_parts() -> None:
    late = life("z", 30 * DAY, "K")
    assert names(life("a", 0, "K"), late, life("b", HOUR, "L"), life("c", 2 * HOUR)) == [["a", "z"], ["b", "c"]]


def test_a_need_that_is_solved_at_once_and_one_that_comes_again() -> None:
    monday, wednesday = life("a", 0, lasts=HOUR), life("b", 2 * DAY, lasts=HOUR)
    once = solution([monday], WEEK)
    assert once is not None
    assert (once.first[0], once.once, once.stayed, once.reopenings, once.contacts) == (HOUR, True, True, 0, 1)
    again = solution([monday, wednesday], WEEK)
    assert again is not None
    assert (again.first[0], again.latest[0] - again.began) == (HOUR, 2 * DAY + HOUR)
    assert (again.once, again.stayed, again.reopenings, again.contacts) == (False, False, 1, 2)


@pytest.mark.parametrize(("after", "stayed"), [(WEEK, False), (WEEK + 1, True)])
def test_what_comes_later_than_a_repeat_leaves_the_solution_as_it_was(after: int, stayed: bool) -> None:
    case = life("a", 0, "K")
    case.solve(MINUTE)
    case.take_up(MINUTE + after)
    found = solution([case], WEEK)
    assert found is not None
    assert (found.once, found.stayed, found.reopenings) == (stayed, stayed, 1)


def test_a_case_is_solved_when_somebody_says_so_and_an_unserved_contact_is_not() -> None:
    assert solution([life("a", 0, "K")], WEEK) is None
    assert solution([life("a", 0, met=False)], WEEK) is None


def test_a_call_of_ours_is_no_repeat() -> None:
    ours = life("b", DAY)
    ours.ours = True
    found = solution([life("a", 0), ours], WEEK)
    assert found is not None
    assert (found.once, found.stayed, found.reopenings, found.latest[0]) == (True, True, 0, DAY + MINUTE)
