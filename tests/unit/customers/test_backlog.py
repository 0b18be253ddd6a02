"""When and where a journey is open: told to the backlog, taken back, the same in any order and cut."""

from typing import Any

import msgspec
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.base.records import Erase, Event, Left
from streams.customers import customers, erasing
from streams.customers.backlog import MAX_STAYS
from streams.customers.customers import Customer
from streams.customers.journey_parts import MAX_POINTS
from streams.customers.upgrades import ANYBODY, open_journeys
from tests.support.needs import call, case, needs
from tests.support.track_story import (
    OWNER,
    RULES,
    T0,
    D,
    H,
    M,
    S,
    Task,
    connected,
    ended,
    event,
    play,
    profile,
    queued,
    said,
)

Stay = tuple[str, int, int | None]


def stays(task: Task) -> list[Stay]:
    """(channel/queue, since, until) of the stays that are told, in order of time; ms from T0."""
    entered = task.of("journey_opened")
    until = {(fact.id, fact.entered): fact.time for fact in task.of("journey_left")}
    assert len(until) == len(task.of("journey_left"))
    assert {(fact.id, fact.time) for fact in entered} >= until.keys()
    found = [
        (
            f"{fact.channel}/{fact.queue}",
            fact.time - T0,
            None if (end := until.get((fact.id, fact.time))) is None else end - T0,
        )
        for fact in entered
    ]
    return sorted(found, key=lambda each: (each[1], each[0]))


def test_a_call_is_open_until_it_is_solved() -> None:
    opened = play(queued(0), connected(10 * S), profile("gold", 0))
    assert stays(opened) == [("voice/cards", 0, None)]
    [fact] = opened.of("journey_opened")
    assert (fact.value, fact.tier) == (T0, "gold")
    assert stays(play(*call(0, "c1"))) == [("voice/cards", 0, M)]


def test_who_gives_up_leaves_and_comes_back() -> None:
    gone = [queued(0, contact="c1"), ended(M, "customer", "abandoned", contact="c1")]
    assert stays(play(*gone)) == [("voice/cards", 0, M)]
    assert stays(play(*gone, *call(H, "c2"))) == [("voice/cards", 0, M), ("voice/cards", H, H + M)]


def test_a_case_is_open_while_the_customer_waits_for_it() -> None:
    opened = [*call(0, "c1", case="K"), case("opened", M, "c1")]
    assert stays(play(*opened)) == [("voice/cards", 0, None)]
    solved = [*opened, case("solved", H, "c1")]
    assert stays(play(*solved)) == [("voice/cards", 0, H)]
    again = [*solved, case("reopened", 2 * D, "c1")]
    assert stays(play(*again)) == [("voice/cards", 0, H), ("voice/cards", 2 * D, None)]
    assert {fact.value for fact in play(*again).of("journey_opened")} == {T0}, "its age is that of the journey"


def test_it_moves_with_the_contact_that_came_last() -> None:
    mail = event("message.sent", 0, "m1", "email", author="customer")
    task = Task().take(mail)
    assert stays(task) == [("email/none", 0, None)]
    task.take(queued(D, contact="c2"))
    assert stays(task) == [("email/none", 0, D), ("voice/cards", D, None)]


def test_what_nothing_happens_to_is_closed() -> None:
    mail = [
        event("message.sent", 0, "m1", "email", author="customer"),
        event("case.opened", M, "m1", "email", case="K"),
    ]
    assert stays(play(*mail, until=30 * D)) == [("email/none", 0, 7 * D + M)]


def test_what_went_to_sleep_and_is_over_by_that_was_open_until_then() -> None:
    chat = [said(0), event("contact.handed_off", S, "c1", "chat"), said(M)]
    task = play(*chat, until=10 * H)
    assert stays(task) == [("chat/none", 0, None)]
    asleep = play(event("search.failed", 0, "s1", "self-service"), until=60 * D)
    [(_, since, until)] = stays(asleep)
    assert since == 0 and until == D


def test_what_our_side_begins_opens_nothing_before_the_customer_waits() -> None:
    ours = [
        event("contact.initiated", 0, "m1", "email", opened_by="campaign"),
        event("message.sent", S, "m1", "email", author="agent"),
    ]
    assert not stays(play(*ours))
    reply = event("message.sent", H, "m1", "email", author="customer")
    assert stays(play(*ours, reply)) == [("email/none", H, None)]


def test_a_contact_that_goes_to_somebody_else_takes_its_stay_along() -> None:
    task = Task().take(queued(0, contact="c1"))
    task.take(Left(OWNER, "c1", "voice", "customer:C9", T0 + D))
    assert not task.net


def test_of_an_erased_customer_nothing_stays_open() -> None:
    task = Task().take(event("message.sent", 0, "m1", "email", author="customer"), *call(8 * D, "c2", topic="loan"))
    assert [until for *_, until in stays(task)] == [None, 8 * D + M]
    outcome = erasing.erase(task.customer, Erase(OWNER, T0 + 9 * D, every=True), RULES, task)
    for fact in outcome.facts:
        task.net[fact] += fact.sign
    left = [fact for fact in outcome.facts if fact.fact == "journey_left"]
    assert [(fact.time - T0, fact.sign) for fact in left] == [(9 * D, 1)]


def test_a_journey_that_is_over_stays_as_it_was() -> None:
    assert stays(play(*call(0, "c1"), until=100 * D)) == [("voice/cards", 0, M)]


def test_many_turns_are_few_stays() -> None:
    """Moved to and fro: the last stay holds what is beyond."""
    mails = [event("message.sent", n * H, f"m{n}", ("email", "messaging")[n % 2], author="customer") for n in range(12)]
    found = stays(play(*mails))
    assert len(found) == MAX_STAYS
    assert found[-2:] == [("email/none", 6 * H, 7 * H), ("messaging/none", 7 * H, None)]


def test_contacts_that_are_summed_up_leave_nothing_open() -> None:
    task = Task()
    for number in range(MAX_POINTS + 10):
        task.until(number * 12 * H - 1).take(*call(number * 12 * H, f"c{number}"))
    task.until((MAX_POINTS + 9) * 12 * H + 20 * D)
    assert all(until is not None for *_, until in stays(task))


def test_open_journeys_of_a_version_before_are_told_once() -> None:
    task = Task().take(queued(0, contact="c1")).until(M)
    assert task.customer is not None
    known = task.customer.lines[""].journeys
    shown = {name: replace(each, stays=None) for name, each in known.shown.items()}
    lines = {"": replace(task.customer.lines[""], journeys=replace(known, shown=shown))}
    row = orjson.loads(msgspec.json.encode(replace(task.customer, lines=lines, due={"": {"waits": T0 + H}})))
    for each in row["lines"][""]["journeys"][1].values():
        assert each.pop() is None, "a row of version 4"
    upgraded = msgspec.json.decode(open_journeys(orjson.dumps(row)), type=Customer)
    assert upgraded.due == {"": {ANYBODY: 0}}
    again = Task(now=T0 + M, customer=upgraded)
    again._note(customers.advance(upgraded, again, RULES))
    assert stays(again) == [("voice/cards", 0, None)] and not again.journeys
    told = len(again.facts)
    assert stays(again.take(ended(H, contact="c1"))) != [("voice/cards", 0, None)]
    assert [fact.fact for fact in again.facts[told:] if fact.fact.startswith("journey_")] == ["journey_left"]


@settings(max_examples=60, deadline=None)
@given(needs(), st.randoms(use_true_random=False), st.data())
def test_any_order_and_cut_says_the_same(events: list[Event], rng: Any, data: st.DataObject) -> None:
    whole = play(*sorted(events, key=lambda each: each.time), until=60 * D)
    shuffled = list(events)
    rng.shuffle(shuffled)
    task = Task()
    while shuffled:
        size = data.draw(st.integers(1, 6))
        task.take(*shuffled[:size])
        shuffled = shuffled[size:]
    assert stays(task.until(60 * D)) == stays(whole)
