"""Call-backs that customers asked for, and whether a human spoke with them in time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event, Left
from tests.support.track_story import T0, D, H, M, S, Task, connected, ended, event, play, queued


def asked(at: int = 0, contact: str = "c1", **more: object) -> list[Event]:
    return [
        queued(at, contact=contact),
        event("contact.callback_requested", at + M, contact, **more),
        ended(at + M + S, "system", "callback", contact=contact),
    ]


def ours(at: int, contact: str = "c2", by: str = "agent", reached: bool = True) -> list[Event]:
    begun = event("contact.initiated", at, contact, opened_by=by)
    answered = [connected(at + 10 * S, contact=contact)] if reached else []
    return [begun, *answered, ended(at + M, "system", contact=contact)]


def told(task: Task) -> list[tuple[str, int, str | None]]:
    return [(each.id, each.time - T0, each.outcome) for each in task.of("callback_requested")]


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ([], None),
        (ours(H), "kept"),
        (ours(H, reached=False), None),
        (ours(H, by="customer"), None),
        (ours(D + M), "kept"),
        (ours(D + M + 1), None),
        ([connected(H, contact="c1")], "kept"),
        ([connected(D + M + 1, contact="c1")], None),
    ],
)
def test_in_the_same_contact_or_by_a_call_of_ours_in_time(more: list[Event], kept: str | None) -> None:
    task = play(*asked(), *more)
    assert told(task) == [("c1", M, kept)]
    assert [fact.queue for fact in task.of("callback_requested")] == ["cards"]


@pytest.mark.parametrize(("at", "kept"), [(2 * D, "kept"), (3 * D + H, "kept"), (3 * D + H + 1, None)])
def test_until_an_hour_after_the_moment_that_was_asked_for(at: int, kept: str | None) -> None:
    assert told(play(*asked(scheduled_for=T0 + 3 * D), *ours(at))) == [("c1", M, kept)]


def test_contacts_that_are_somebody_elses_take_it_along() -> None:
    task = Task().take(*asked(), *ours(H))
    task.take(Left("customer:C1", "c2", "voice", "customer:C9", T0 + 2 * H))
    assert told(task) == [("c1", M, None)]
    task.take(Left("customer:C1", "c1", "voice", "customer:C9", T0 + 2 * H))
    assert told(task) == []


def test_what_is_forgotten_stays_told() -> None:
    task = play(*asked(), *ours(H), until=100 * D)
    assert told(task) == [("c1", M, "kept")]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["asked", "ours", "answer"]), st.integers(0, 60), st.booleans()), max_size=6),
    st.data(),
)
def test_any_order_and_cut(some: list[tuple[str, int, bool]], data: st.DataObject) -> None:
    events: list[Event] = []
    for number, (what, hour, reached) in enumerate(some):
        at = hour * H + number * M
        if what == "asked":
            events += asked(at, f"c{number}")
        elif what == "ours":
            events += ours(at, f"c{number}", reached=reached)
        else:
            events.append(connected(at + 2 * S, contact=f"c{number - 1}"))  # events of one moment are as they came
    away = [Left("customer:C1", "c0", "voice", "customer:C9", T0 + 4 * D)] if data.draw(st.booleans()) else []
    shuffled, task = data.draw(st.permutations(events)), Task()
    while shuffled:
        count = data.draw(st.integers(1, len(shuffled)))
        task.take(*shuffled[:count])
        shuffled = shuffled[count:]
    assert told(task.take(*away)) == told(play(*events, *away))
    assert task.until(100 * D).net == play(*events, *away, until=100 * D).net


def test_an_id_that_comes_again_takes_nothing_back_from_the_contact_of_before() -> None:
    task = play(*asked(), until=20 * D).take(*asked(20 * D))
    assert told(task) == [("c1", M, None), ("c1", 20 * D + M, None)]
    task = play(*asked(), until=20 * D).take(queued(20 * D), ended(20 * D + M, "system", "completed"))
    assert told(task) == [("c1", M, None)]
