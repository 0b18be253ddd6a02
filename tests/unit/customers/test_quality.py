"""Scores of contacts, as one customer's row keeps them: when they are final, what they count for, what takes them back."""

from itertools import permutations
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.base.records import Erase, Event, Grouped, Left, Moved
from streams.customers import customers, erasing
from tests.support.track_story import (
    OWNER,
    RULES,
    T0,
    D,
    H,
    M,
    S,
    Task,
    compacted,
    connected,
    ended,
    event,
    play,
    profile,
    queued,
    said,
)

STRANGER = "anonymous:phone:+442079460123"
Scores = tuple[int | None, int | None, int | None]


def call(at: int, contact: str, wait: int = 10 * S, **more: Any) -> list[Event]:
    """Answered after a wait, and ended by the customer a minute later."""
    its = {"contact": contact} | more
    return [queued(at, **its), connected(at + wait, **its), ended(at + wait + M, **its)]


def counts(task: Task) -> list[tuple[str, int, str, str, Scores]]:
    """(contact, end, queue, tier, scores) of each fact that holds."""
    sides = ((e, (e.business, e.human, e.hidden)) for e in task.of("quality"))
    return [(e.id, e.time - T0, e.queue, e.tier, scores) for e, scores in sides]


def standing(task: Task) -> dict[str, dict[str, Any]]:
    """Records by contact, but for what hangs on when they were published."""
    found = compacted(task.published, "contact.quality").values()
    return {doc["contact_id"]: {**doc, "revision": 0, "service_type": ""} for doc in found}


def part(task: Task, contact: str, what: str) -> float | None:
    evidence = {each["what"]: each["weight"] for each in standing(task)[contact]["hidden"]["evidence"]}
    found: float | None = evidence.get(what)
    return found


def test_a_contact_counts_once_where_it_ended_and_as_its_record_says() -> None:
    task = play(profile("gold", -D), *call(0, "c1"))
    assert counts(task) == [("c1", 70 * S, "cards", "gold", (1000, None, 1000))]
    [doc] = standing(task).values()
    assert (doc["business"]["score"], doc["human"]["score"], doc["hidden"]["score"]) == (1.0, None, 1.0)


def test_what_changes_a_score_takes_the_old_one_back() -> None:
    task = play(*call(0, "c1"))
    task.take(event("contact.transferred", 20 * S, "c1"))
    assert counts(task) == [("c1", 70 * S, "cards", "none", (900, None, 1000))]
    assert [(each.business, each.sign) for each in task.facts if each.fact == "quality"] == [
        (1000, 1),
        (1000, -1),
        (900, 1),
    ]
    task.take(profile("gold", -D))
    assert [(tier, scores) for *_, tier, scores in counts(task)] == [("gold", (900, None, 1000))]
    task.take(queued(10 * M, contact="c1"))
    assert counts(task) == [], "it goes on"
    task.take(ended(20 * M, "customer", "abandoned", contact="c1"))
    assert [(end, scores[0]) for _, end, _, _, scores in counts(task)] == [(20 * M, 500)]
    task.take(Left(OWNER, "c1", "voice", "customer:C2", T0 + H))
    assert counts(task) == [] == list(standing(task))


def test_of_what_nothing_is_known_nothing_counts() -> None:
    task = play(said(0, contact="c1"), until=3 * D)
    assert counts(task) == [] and standing(task)["c1"]["business"]["score"] is None


def test_it_stays_counted_when_it_is_known_no_more_and_when_its_record_goes() -> None:
    task = play(*call(0, "c1"), until=40 * D)
    assert standing(task) == {} and [each[0] for each in counts(task)] == ["c1"]


@pytest.mark.parametrize("paced", [True, False])
def test_an_id_that_comes_again_after_the_horizon_is_another_contact(paced: bool) -> None:
    events = [*call(0, "c1"), *call(15 * D, "c1", 2 * M), *call(30 * D, "c1", 5 * M)]
    task = Task()
    for one in events:
        task = task.until(one.time - T0).take(one) if paced else task
    task = task.until(31 * D) if paced else play(*events, until=31 * D)
    assert [end for _, end, *_ in counts(task)] == [70 * S, 15 * D + 3 * M, 30 * D + 6 * M]


@pytest.mark.parametrize("seed", range(4))
def test_of_very_many_contacts_the_latest_have_a_record_and_count(seed: int) -> None:
    events = [each for number in range(70) for each in call(number * H, f"c{number}")]
    wanted = play(*events)
    assert len(standing(wanted)) == 50 and {each[0] for each in counts(wanted)} == {f"c{n}" for n in range(20, 70)}
    mixed = Task()
    dice = Random(seed)
    batches = [events[at : at + 3] for at in range(0, len(events), 3)]
    dice.shuffle(batches)
    while batches:
        size = dice.choice([1, 5, 70])
        mixed.take(*(each for batch in batches[:size] for each in batch))
        batches = batches[size:]
    assert counts(mixed) == counts(wanted) and standing(mixed) == standing(wanted)


def mail(at: int, contact: str, replied: int) -> list[Event]:
    """Nobody ends it: it times out after three days."""
    its: dict[str, Any] = {"contact": contact, "channel": "email"}
    return [said(at, **its), said(at + replied, author="agent", **its)]


def test_a_final_score_knows_what_the_provisional_one_knew() -> None:
    """What was heard of less than a week before the end of a contact counts, however long it idled."""
    events = [*mail(0, "m1", M), *mail(H, "m2", 3 * M), *call(6 * D, "c1", 10 * M)]
    for days, status, usual in [(7, "provisional", True), (14, "final", True), (16, "final", True)]:
        task = Task().take(*events)
        for day in range(1, days + 1):
            task.until(day * D)
        assert (standing(task)["c1"]["status"], part(task, "c1", "wait as before") is not None) == (status, usual)
    late = [*mail(0, "m1", M), *mail(H, "m2", 3 * M), *call(9 * D, "c1", 10 * M)]
    for days in (10, 17):
        assert part(play(*late, until=days * D), "c1", "wait as before") is None, "though they ended on the fourth day"


@pytest.mark.parametrize("days", [7, 8, 10, 11, 12, 13, 14, 15, 18])
def test_a_record_is_final_however_far_time_jumps(days: int) -> None:
    task = Task().take(*mail(0, "m1", M), *call(H, "c1")).until(4 * D).until((days + 4) * D)
    assert {name: doc["status"] for name, doc in standing(task).items()} == {"m1": "final", "c1": "final"}
    at_once = Task().take(*mail(0, "m1", M), *call(H, "c1")).until((days + 4) * D)
    assert standing(at_once) == standing(task) and counts(at_once) == counts(task)


@pytest.mark.parametrize("names", [*permutations(["m1", "m2", "m3"])])
def test_contacts_that_time_out_together_count_as_if_one_after_the_other(names: tuple[str, ...]) -> None:
    """The last one is held against the two before, whichever is closed first, and where they are forgotten at once."""
    its = {"m1": mail(0, "m1", M), "m2": mail(H, "m2", 2 * M), "m3": mail(84 * H, "m3", 10 * M)}
    paced = play(*its["m1"], *its["m2"]).until(84 * H).take(*its["m3"]).until(8 * D)
    assert part(paced, "m3", "wait as before") is not None
    for day in (15, 40):
        jumps = play(*(each for name in names for each in its[name]), until=day * D)
        assert counts(jumps) == counts(paced.until(day * D)) != []


@pytest.mark.parametrize("day", [1, 10, 20, 30])
def test_a_ticket_that_moves_leaves_no_record_behind(day: int) -> None:
    its: dict[str, Any] = {"contact": "t1", "channel": "ticket", "owner": STRANGER}
    task = play(queued(0, **its), connected(M, "a1", **its), ended(H, **its))
    task.take(Grouped(STRANGER, "t1", "ticket", "g1"))
    for each in range(1, day + 1):
        task.until(each * D)
    assert list(standing(task)) == ["t1"]
    fold = customers.fold(task.customer, Moved(STRANGER, "g1", OWNER), task, RULES)
    task._note(fold)
    task.take()
    assert standing(task) == {} and counts(task) == []
    other = Task().until(day * D).take(*fold.sent).until((day + 1) * D)
    assert list(standing(other)) == ["t1"] and len(counts(other)) == 1


def test_of_a_promise_of_long_ago_nobody_can_tell_that_it_was_broken() -> None:
    """It may have been kept by a call that is forgotten by the time the scores are final."""
    promise = said(0, author="agent", contact="t1", channel="ticket", behaviours=["callback"])
    rung = event("contact.initiated", 2 * H, "v1", opened_by="agent", direction="outbound")
    over = ended(10 * D, contact="t1", channel="ticket")
    more = [said(day * D, contact="t1", channel="ticket") for day in range(1, 10)]
    for some in ([promise, rung], [promise]):
        task = Task().take(*some)
        for one in (*more, over):
            task.until(one.time - T0).take(one)
        for day in (11, 18, 20):
            assert part(task.until(day * D), "t1", "callback") is None


def test_a_survey_changes_no_score_that_is_final() -> None:
    """What was held against it may be forgotten by then."""
    promise = said(0, author="agent", contact="c1", behaviours=["callback"])
    task = Task().take(promise, ended(4 * D, contact="c1", channel="chat"))
    task.take(event("contact.initiated", 2 * H, "v1", opened_by="agent", direction="outbound"), *call(-2 * D, "c2"))
    for day in (5, 12, 17):
        assert part(task.until(day * D), "c1", "callback") == 1.0
    before = counts(task)
    task.take(event("feedback.given", 17 * D, "c1", channel="chat", metric="csat", score=5))
    assert standing(task)["c1"]["csat"] == 5.0 and part(task, "c1", "callback") == 1.0
    assert counts(task) == before


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("goes", [True, False])
def test_what_an_erasure_leaves_counted_does_not_hang_on_the_batch(at_once: bool, goes: bool) -> None:
    """A contact that went to another customer counts there alone; one that is over stays counted."""
    task, events = Task(), list[Event | Left](call(0, "c1"))
    if goes:
        task, events = task.take(*events), [Left(OWNER, "c1", "voice", "customer:C2", T0 + H)]
    for one in events:
        task._note(customers.fold(task.customer, one, task, RULES))
    if not at_once:
        task.take()
    task.facts += erasing.erase(task.customer, Erase(OWNER, T0 + 2 * H, every=True), RULES, task).facts
    found = {each.fact for each in task.net}
    assert not found if goes else {"quality", "journey_solved", "contact_handled"} <= found


moments = st.integers(0, 20 * 24 * 6).map(lambda tens: tens * 10 * M)
kinds = st.sampled_from(["asks", "answers", "promises", "ends", "rings"])
stories = st.lists(
    st.tuples(moments, st.sampled_from("abc"), st.sampled_from(["chat", "email", "ticket"]), kinds), max_size=14
)


def told(at: int, name: str, channel: str, kind: str) -> Event:
    its: dict[str, Any] = {"contact": f"{channel}-{name}", "channel": channel}
    match kind:
        case "asks":
            return said(at, **its)
        case "ends":
            return ended(at, **its)
        case "rings":
            return event("contact.initiated", at, opened_by="agent", direction="outbound", **its)
    return said(at, author="agent", behaviours=["callback"] if kind == "promises" else ["apology"], **its)


@settings(max_examples=60)
@example([(6 * D, "a", "chat", "ends"), (18 * D, "a", "chat", "promises"), (19 * D, "b", "chat", "rings")], [3])
@example([(2 * H, "a", "chat", "promises"), (25 * H, "b", "chat", "rings"), (3 * D, "a", "chat", "asks"),
          (17 * D, "b", "chat", "asks")], [4])  # fmt: skip
@given(stories, st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_however_time_moves_and_batches_are_cut_the_same_stands(story: list[tuple[Any, ...]], sizes: list[int]) -> None:
    events = sorted((told(*each) for each in dict.fromkeys(story)), key=lambda each: each.time)
    paced = Task()
    for one in events:
        paced.until(one.time - T0).take(one)
    for day in range(21, 36):
        paced.until(day * D)
    batched, left = Task(), events
    while left:
        size = sizes[len(left) % len(sizes)]
        batched.take(*left[:size]).until(left[:size][-1].time - T0)
        left = left[size:]
    batched.until(25 * D).until(35 * D)
    assert counts(batched) == counts(paced)
    assert msgspec.to_builtins(standing(batched)) == standing(paced)
