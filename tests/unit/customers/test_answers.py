"""Of a customer's answers to the NPS survey the last one in a window counts."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event, Left
from tests.support.track_story import T0, D, H, M, Task, ended, event, play, queued


def rated(at: int, contact: str, score: int, **more: Any) -> Event:
    return event("feedback.given", at, contact, metric="nps", score=score, **more)


def superseded(task: Task) -> list[tuple[str, int, int, int]]:
    """(contact, when it was answered, when the next answer came, score)."""
    return [(e.id, (e.entered or 0) - T0, e.time - T0, e.value or 0) for e in task.of("nps_superseded")]


def call(at: int, contact: str, **more: Any) -> list[Event]:
    return [queued(at, contact=contact, **more), ended(at + M, contact=contact, **more)]


def test_an_answer_that_another_one_follows_is_told_once_more_where_it_counts() -> None:
    task = play(*call(0, "c1"), *call(D, "c2", queue="loans"), rated(H, "c1", 10), rated(D + H, "c2", 3))
    assert superseded(task) == [("c1", H, D + H, 10_000)]
    assert [fact.queue for fact in task.of("nps_superseded")] == ["cards"]
    task.take(rated(2 * H, "c1", 8, id="again"))
    assert superseded(task) == [("c1", 2 * H, D + H, 8_000)], "one answer a contact"
    task.take(*call(3 * H, "c3"), rated(4 * H, "c3", 9))
    assert superseded(task) == [("c1", 2 * H, 4 * H, 8_000), ("c3", 4 * H, D + H, 9_000)]
    task.take(Left("customer:C1", "c3", "voice", "customer:C9", T0 + D))
    assert superseded(task) == [("c1", 2 * H, D + H, 8_000)]
    task.take(Left("customer:C1", "c2", "voice", "customer:C9", T0 + D))
    assert superseded(task) == []


def test_an_answer_is_remembered_for_31_days() -> None:
    for days, told in ((30, [("c1", H, 30 * D, 10_000)]), (32, [])):
        task = play(*call(0, "c1"), rated(H, "c1", 10), until=days * D - 1)
        assert superseded(task.take(*call(days * D - M, "c2"), rated(days * D, "c2", 3))) == told
    task = play(*call(0, "c1"), rated(H, "c1", 10), *call(D, "c2"), rated(D + H, "c2", 3), until=100 * D)
    assert superseded(task) == [("c1", H, D + H, 10_000)], "what is forgotten stays told"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(0, 10)), max_size=8), st.data())
def test_any_order_and_cut(some: list[tuple[int, int, int]], data: st.DataObject) -> None:
    """(hour, contact, score): of a contact the last answer, of contacts one after the other."""
    answers = [
        rated(hour * H + number, f"c{contact}", score, id=f"f{number}")
        for number, (hour, contact, score) in enumerate(some)
    ]
    events = [each for number in range(4) for each in call(number * M, f"c{number}")] + answers
    shuffled, task = data.draw(st.permutations(events)), Task()
    while shuffled:
        count = data.draw(st.integers(1, len(shuffled)))
        task.take(*shuffled[:count])
        shuffled = shuffled[count:]
    last = {each.contact: each for each in sorted(answers, key=lambda each: each.time)}
    away = data.draw(st.sampled_from([*last, None]))
    if away is not None:
        task.take(Left("customer:C1", away, "voice", "customer:C9", T0 + D))
        del last[away]
    in_time = sorted(last.values(), key=lambda each: each.time)
    wanted = [
        (one.contact, one.time - T0, other.time - T0, 1000 * one.data["score"]) for one, other in pairwise(in_time)
    ]
    assert sorted(superseded(task), key=lambda each: each[2]) == wanted


def test_both_ends_of_a_month_are_of_one_customer_when_the_clock_changes_in_it() -> None:
    """October in Europe/Berlin has 31 days and an hour."""
    late = 31 * D + H - M
    task = play(*call(0, "c1"), rated(M, "c1", 10), until=late - H).take(*call(late, "c2"), rated(late + M, "c2", 3))
    assert superseded(task) == [("c1", M, late + M, 10_000)]


def test_an_id_that_comes_again_keeps_the_answer_of_the_contact_of_before() -> None:
    task = play(*call(0, "c1"), rated(H, "c1", 10), until=20 * D).take(*call(20 * D, "c1"), *call(21 * D, "c2"))
    assert superseded(task.take(rated(21 * D + H, "c2", 3))) == [("c1", H, 21 * D + H, 10_000)]
