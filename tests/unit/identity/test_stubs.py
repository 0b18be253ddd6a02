"""Contacts that are over: known for a horizon, without their events."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.records import Event, Left
from streams.contacts.contact import ABOUT
from streams.contacts.rules import ContactRules
from streams.identity.assignment import assign, event_key
from streams.identity.owners import ContactOwner, after, due_at, found_by
from tests.support.identity_story import by_chance, contacts, event, owned, run, run_on, seen_by_track

RULES = ContactRules(lateness_ms=100, timeout=1000, horizon=10_000)


def said(event_id: str, time: int, customer: str | None = None, **more: Any) -> Event:
    return event(event_id, time, customer, type="message.sent", data={"author": "customer"}, **more)


def aged(state: ContactOwner | None, now: int) -> ContactOwner | None:
    return None if state is None else after(state, now, "voice", RULES)


def stub(*events: Event) -> ContactOwner:
    state, _ = run(list(events))
    found = aged(state, state.last + 1101)
    assert found is not None
    assert found.history == ()
    return found


def test_a_contact_that_is_over_becomes_a_stub_and_is_forgotten_after_the_horizon() -> None:
    state, _ = run([event("1", 10, "7")])
    assert due_at(state, "voice", RULES) == 1110
    assert aged(state, 1110) == state, "it may go on"
    found = aged(state, 1111)
    assert found is not None
    assert (found.history, found.owner, due_at(found, "voice", RULES)) == ((), "customer:7", 10_110)
    assert aged(found, 10_110) == found, "what is late within the lateness still finds it"
    assert aged(found, 10_111) is aged(state, 10_111) is None
    ended, _ = assign(state, event("2", 20, type="contact.ended"))
    assert due_at(ended, "voice", RULES) == 120
    rated, _ = assign(ended, event("3", 30, type="feedback.given"))
    assert due_at(rated, "voice", RULES) == 130, "a word about it does not open it again"
    again, _ = assign(rated, event("4", 40))
    assert due_at(again, "voice", RULES) == 1140
    short = ContactRules(lateness_ms=100, timeout=1000, horizon=50)
    assert after(ended, 170, "voice", short) is not None
    assert after(ended, 171, "voice", short) is None


def test_the_horizon_and_the_time_out_are_those_of_the_channel() -> None:
    state, _ = run([event("1", 10, "7")])
    rules = ContactRules(1000, {"email": 5000}, 10_000, {"email": 99_000}, lateness_ms=100)
    assert due_at(state, "email", rules) == 5110
    found = after(state, 5111, "email", rules)
    assert found is not None
    assert due_at(found, "email", rules) == 99_110


def test_a_stub_gives_its_owner_to_what_comes_and_says_nothing_else() -> None:
    kept = stub(event("1", 10, None, ("phone", "+49")), event("2", 20, type="contact.ended"))
    for one in (event("s", 5000, type="feedback.given"), event("m", 5000, type="message.sent")):
        state, sent = assign(kept, one)
        assert sent == [owned(one, "anonymous:phone:+49")]
        assert state.last == 5000
    assert aged(state, 15_100) is not None, "known for the horizon after its last word"


WORDS = [*sorted(ABOUT), "contact.ended", "contact.connected", "contact.queued", "contact.offered", "message.sent"]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_about_a_stub_and_an_act_of_ours_stay_with_what_they_belong_to(word: str) -> None:
    kept = stub(event("1", 10, None, ("phone", "+49")), event("2", 20, type="contact.ended"))
    first, second = event("s", 5000, "7", type=word), event("t", 5001, "7", type=word)
    state, sent = assign(kept, first)
    assert sent[0] == owned(first, "anonymous:phone:+49")
    change: Any = sent[1]
    assert (change["rule"], change["identifier"], change["from"], change["to"]) == (
        "too-late", "customer:7", "anonymous:phone:+49", "anonymous:phone:+49",
    )  # fmt: skip
    state, sent = assign(state, second)
    assert sent == [owned(second, "anonymous:phone:+49")], "told once"


def test_a_stub_that_goes_on_is_handed_over_from_there_on() -> None:
    kept = stub(event("1", 10, None, ("phone", "+49")), event("2", 20, type="contact.ended"))
    back, known = said("3", 5000), event("4", 5010, "7", type="message.sent")
    state, sent = run_on(kept, [back, known])
    assert sent[:4] == [
        owned(back, "anonymous:phone:+49"),
        Left("anonymous:phone:+49", "c1", "voice", "customer:7", 5010, since=5000),
        owned(back, "customer:7"),
        owned(known, "customer:7"),
    ]
    change: Any = sent[4]
    assert (change["rule"], change["since"], state.owner) == ("customer-id", 5000, "customer:7")
    again = said("4", 5010, "7")
    at_once, sent = assign(kept, again)
    assert sent[:2] == [
        Left("anonymous:phone:+49", "c1", "voice", "customer:7", 5010, since=5010),
        owned(again, "customer:7"),
    ]
    assert at_once.owner == "customer:7"


def test_a_stub_of_a_customer_is_not_another_sources() -> None:
    kept = stub(event("1", 10, "7"), event("2", 20, type="contact.ended"))
    state, sent = assign(kept, said("3", 5000, "8", source="/crm"))
    assert [one["rule"] for one in sent if isinstance(one, dict)] == ["other-source"]
    state, sent = assign(state, event("4", 5001, "8", type="message.sent"))
    assert (state.owner, sent[0]) == ("customer:8", Left("customer:7", "c1", "voice", "customer:8", 5001, since=5000))


@pytest.mark.parametrize("again", ["message.sent", "post.made", "contact.queued", "contact.connected"])
def test_a_contact_that_was_only_idle_is_one_contact_and_stays_whose_it_is(again: str) -> None:
    kept = stub(event("1", 10, None, ("phone", "+49"), type="message.sent", data={"author": "customer"}))
    back = event("3", 5000, "7", type=again, data={"author": "customer"} if again == "message.sent" else {})
    state, sent = assign(kept, back)
    assert (sent[0], state.owner) == (owned(back, "anonymous:phone:+49"), "anonymous:phone:+49")
    [change] = [one for one in sent if isinstance(one, dict)]
    assert (change["rule"], change["identifier"]) == ("too-late", "customer:7")
    begun, sent = assign(kept, event("3", 5000, "7", type="contact.initiated"))
    assert begun.owner == "customer:7", "the id is used again"


def test_what_the_customer_writes_soon_after_a_word_about_a_stub_is_no_other_part_of_it() -> None:
    kept = stub(event("1", 10, None, ("phone", "+49")), event("2", 20, type="contact.ended"))
    rated, _ = assign(kept, event("s", 5000, type="feedback.given"))
    soon, later = said("3", 5050, "7"), said("3", 5101, "7")
    assert found_by(rated, soon, RULES) == (rated, False)
    assert assign(rated, soon, apart=False)[0].owner == "anonymous:phone:+49"
    assert found_by(rated, later, RULES) == (rated, True)
    assert assign(rated, later, apart=True)[0].owner == "customer:7"


@pytest.mark.parametrize(
    ("type_", "author", "ended"),
    [
        ("message.sent", "bot", True), ("message.sent", "agent", True), ("message.sent", "customer", False), ("contact.assigned", None, True),
        ("case.reopened", None, True), ("contact.transferred", None, True), ("contact.queued", None, False), ("contact.connected", None, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("late", [False, True])
def test_whether_a_contact_is_over_is_what_the_lifecycle_says(
    type_: str, author: str | None, ended: bool, late: bool
) -> None:
    first, end = event("1", 10, "7"), event("2", 20, type="contact.ended")
    more = event("3", 20, type=type_, data={"author": author} if author else {})
    state, _ = run([first, end, more])
    assert state.ended is ended
    before, _ = run(
        [first, msgspec.structs.replace(more, time=15), end]
        if not late
        else [first, end, msgspec.structs.replace(more, time=15)]
    )
    assert before.ended, "it came before the end"


@given(contacts(), contacts(), st.randoms(use_true_random=False))
def test_each_event_is_in_one_place_however_often_a_contact_rests(
    before: list[Event], later: list[Event], random: Any
) -> None:
    """Before a contact became a stub and after it."""
    later = [
        msgspec.structs.replace(one, id=f"l{one.id}", time=one.time + 5000, type=random.choice(["post.made", one.type]))
        for one in later
    ]
    before = [*before, event("end", 7, type="contact.ended")] if random.random() < 0.5 else before
    state, sent = run(before)
    rested = aged(state, 2000)
    assert rested is not None
    assert rested.history == ()
    state, more = run_on(rested, by_chance(later, random))
    tracks = seen_by_track([*sent, *more])
    assert {owner for owner, _, _ in tracks} <= {rested.owner, state.owner}
    found = [one for events in tracks.values() for one in events]
    assert sorted(found, key=event_key) == sorted([*before, *later], key=event_key)
    if state.owner != rested.owner:
        assert {key for key in map(event_key, later) if key[0] >= state.history[0].time} <= set(
            map(event_key, tracks[state.owner, "voice", "c1"])
        )


def test_a_stub_has_a_size() -> None:
    """What `contact-streams size` reckons with; its key is the contact's name."""
    first = event("call-20260302-0417-1", 1_772_442_904_120, "cust-1001", source="/telephony/site-1")
    end = event("call-20260302-0417-9", 1_772_443_204_120, source="/telephony/site-1", type="contact.ended")
    state = after(run([first, end])[0], 1_772_453_204_120, "voice", ContactRules())
    assert state is not None
    row = msgspec.json.encode(msgspec.structs.replace(state, due={"": due_at(state, "voice", ContactRules())}))
    assert len(row) + len("owners|voice|call-20260302-0417") <= 200, row
