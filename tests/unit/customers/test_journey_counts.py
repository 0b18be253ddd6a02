"""What journeys count for: told when solved, taken back when that proves wrong, the same in any order and cut."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event, Grouped, Handed, Left, Moved
from streams.customers import customers
from streams.customers.journey_parts import MAX_POINTS
from tests.support.needs import call, case, needs
from tests.support.track_story import OWNER, RULES, T0, D, H, M, S, Task, connected, ended, event, play, profile, queued

STRANGER = "anonymous:phone:+442079460123"


def told(task: Task) -> list[tuple[Any, ...]]:
    """(first solved, took, once, stays) of each journey that was solved, in order."""
    return [(e.time - T0, e.time - (e.entered or 0), e.variant, e.outcome) for e in task.of("journey_solved")]


def resolved(task: Task) -> list[tuple[Any, ...]]:
    """(last solved, took, reopens, contacts, transfers)."""
    return [
        (e.time - T0, e.time - (e.entered or 0), e.value or 0, e.contacts, e.transfers)
        for e in task.of("journey_resolved")
    ]


def test_a_call_that_solves_it() -> None:
    task = play(*call(0, "c1"), profile("gold", 0))
    assert told(task) == [(M, M, "once", "stays")]
    assert resolved(task) == [(M, M, 0, 1, 0)]
    [fact] = task.of("journey_solved")
    assert (fact.id, fact.channel, fact.queue, fact.tier) == ("c1", "voice", "cards", "gold")


def test_who_comes_again_within_seven_days_was_not_served_at_the_first_contact() -> None:
    task = Task().take(*call(0, "c1"))
    task.take(*call(2 * D, "c2", queue="loans"))
    assert told(task) == [(M, M, "again", "reopened")]
    assert resolved(task) == [(2 * D + M, 2 * D + M, 1, 2, 0)]
    assert [fact.queue for fact in task.of("journey_resolved")] == ["loans"]
    again = event("message.sent", D, "m1", "messaging", author="customer")
    assert told(play(*call(0, "c1"), again)) == [(M, M, "again", "reopened")], "on another channel"


def test_another_need_is_no_repeat() -> None:
    task = play(*call(0, "c1", topic="loan"), *call(D, "c2", topic="card"))
    assert told(task) == [(M, M, "once", "stays"), (D + M, M, "once", "stays")]


def test_our_own_call_is_no_repeat() -> None:
    ours = event("contact.initiated", D, "c2", opened_by="agent")
    assert told(play(*call(0, "c1"), ours, connected(D + S, contact="c2"), ended(D + M, contact="c2"))) == [
        (M, M, "once", "stays")
    ]


def test_what_is_solved_at_the_second_contact_was_not_at_the_first() -> None:
    gone = [queued(0, contact="c1"), ended(M, "customer", "abandoned", contact="c1")]
    task = play(*gone, *call(H, "c2"))
    assert told(task) == [(H + M, H + M, "again", "stays")]
    assert resolved(task) == [(H + M, H + M, 0, 2, 0)]


def test_a_case_that_is_reopened_in_time_or_after_it() -> None:
    opened = [*call(0, "c1", case="K"), case("opened", M, "c1"), case("solved", H, "c1")]
    assert told(play(*opened)) == [(H, H, "once", "stays")]
    assert told(play(*opened, case("reopened", 7 * D + H, "c1"))) == [(H, H, "again", "reopened")]
    late = play(*opened, case("reopened", 7 * D + H + 1, "c1"), case("solved", 8 * D, "c1"))
    assert told(late) == [(H, H, "once", "stays")], "beyond the time of a repeat"
    assert resolved(late) == [(8 * D, 8 * D, 1, 1, 0)]


def test_transfers_are_of_all_contacts() -> None:
    moved = event("contact.transferred", 20 * S, kind="cold")
    task = play(queued(0), connected(10 * S), moved, connected(30 * S, "a2"), ended(M), *call(H, "c2"))
    assert resolved(task) == [(H + M, H + M, 1, 2, 1)]


def test_a_contact_that_was_somebody_elses_takes_its_count_along() -> None:
    task = Task().take(*call(0, "c1"), *call(D, "c2"))
    task.take(Left("customer:C1", "c2", "voice", "customer:C9", T0 + 2 * D))
    assert told(task) == [(M, M, "once", "stays")]
    task.take(Left("customer:C1", "c1", "voice", "customer:C9", T0 + 2 * D))
    assert not task.net


def test_a_group_that_goes_to_another_customer_counts_there_and_not_here() -> None:
    stranger = Task().take(*call(0, "c1", owner=STRANGER), Grouped(STRANGER, "c1", "voice", "g")).until(D)
    assert told(stranger) == [(M, M, "once", "stays")]
    moved = customers.fold(stranger.customer, Moved(STRANGER, "g", OWNER), stranger, RULES)
    stranger._note(moved)
    stranger.take()
    assert not stranger.of("journey_solved")
    [handed] = moved.sent
    assert isinstance(handed, Handed)
    customer = Task().take(*call(D, "c2")).until(D + H)
    customer._note(customers.fold(customer.customer, handed, customer, RULES))
    assert told(customer.take()) == [(M, M, "again", "reopened")]
    assert resolved(customer) == [(D + M, D + M, 1, 2, 0)]


def test_a_journey_that_is_over_stays_counted() -> None:
    task = play(*call(0, "c1"), until=100 * D)
    assert not task.last_journeys()
    assert told(task) == [(M, M, "once", "stays")]


def test_contacts_that_are_summed_up_count_as_they_did() -> None:
    """More than are kept each on its own, a journey each: 20 days of one journey, and what comes of it late."""
    task = Task()
    for number in range(MAX_POINTS + 10):
        at = number * 12 * H
        task.until(at - 1).take(*call(at, f"c{number}"))
    last = (MAX_POINTS + 9) * 12 * H
    assert task.customer is not None
    assert any(each.contacts > 1 for each in task.customer.lines[""].journeys.past)
    task.until(last + 20 * D)
    assert told(task) == [(M, M, "again", "reopened")]
    assert resolved(task) == [(last + M, last + M, MAX_POINTS + 9, MAX_POINTS + 10, 0)]


@settings(max_examples=60, deadline=None)
@given(needs(), st.data())
def test_the_counts_are_those_of_the_journeys_in_any_order_and_cut(events: list[Event], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(events))
    task = Task()
    while shuffled:
        count = data.draw(st.integers(1, len(shuffled)))
        task.take(*shuffled[:count])
        shuffled = shuffled[count:]
    task.take(Left("customer:C1", "c0", "voice", "customer:C9", T0 + 60 * D)) if data.draw(st.booleans()) else None
    journeys = [each for each in task.last_journeys().values() if each["first_solved"]]
    assert len(told(task)) == len(resolved(task)) == len(journeys)
    wanted = [(each["reopens"], each["counts"]["contacts"], each["counts"]["transfers"]) for each in journeys]
    assert sorted(one[2:] for one in resolved(task)) == sorted(wanted)
    for each in journeys:
        if each["repeats"] == each["reopens"] == 0:
            assert ("once", "stays") in {one[2:] for one in told(task)}
    assert play(*events).net == Task().take(*reversed(events)).net


def test_the_time_of_a_repeat_is_seven_days() -> None:
    assert RULES.journeys.repeat_ms == 7 * D
