"""Ids of contacts that are used again, and what sources may say of a contact of another."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from streams.base.claims import claim_of
from streams.base.records import Event, Left
from streams.contacts.rules import ContactRules
from streams.identity.assignment import assign
from streams.identity.owners import after
from tests.support.identity_story import contacts, event, run, run_on, seen_by_track


def story(customer: str | None, name: str, start: int, *, known: int = 0) -> list[Event]:
    kinds = ("contact.initiated", "contact.queued", "contact.connected", "contact.ended")
    return [
        event(f"{name}{n}", start + 10 * n, customer if n >= known else None, type=kind) for n, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize("known", [0, 1, 3])
def test_an_id_that_is_used_again_for_another_customer_leaves_the_first_ones_call(known: int) -> None:
    one, other = story("7", "a", 100), story("8", "b", 200, known=known)
    state, sent = run([*one, *other])
    assert {owner: [each.id for each in events] for (owner, _, _), events in seen_by_track(sent).items()} == {
        "customer:7": ["a0", "a1", "a2", "a3"],
        "customer:8": ["b0", "b1", "b2", "b3"],
    }
    (change,) = [each for each in sent if isinstance(each, dict)]
    assert (change["from"], change["to"], change["since"]) == ("customer:7", "customer:8", 200)
    assert state.history == tuple(other)
    state, sent = run_on(state, [event("b9", 300, "9")])
    assert sent[0] == Left("customer:8", "c1", "voice", "customer:9", 300, since=200), "a correction of the second"


def of_phone(events: list[Event], value: str, **data: Any) -> list[Event]:
    known = [msgspec.structs.replace(one, identifiers=(("phone", value),)) for one in events]
    return [msgspec.structs.replace(known[0], data=data), *known[1:]]


@pytest.mark.parametrize("known", [0, 1, 3])
def test_an_id_that_is_used_again_by_another_caller_leaves_the_first_ones_call(known: int) -> None:
    """A telephone system that counts its calls from 1 every day; nobody says a customer."""
    one = of_phone(story(None, "a", 100), "+491")
    other = [*story(None, "b", 200)[:known], *of_phone(story(None, "b", 200), "+492")[known:]]
    expected = {
        "anonymous:phone:+491": ["a0", "a1", "a2", "a3"],
        "anonymous:phone:+492": ["b0", "b1", "b2", "b3"],
    }
    state, sent = run([*one, *other])
    assert {owner: [each.id for each in events] for (owner, _, _), events in seen_by_track(sent).items()} == expected
    (change,) = [each for each in sent if isinstance(each, dict)]
    assert (change["from"], change["to"], change["since"]) == ("anonymous:phone:+491", "anonymous:phone:+492", 200)
    state, _ = run_on(state, [event("a9", 135, None, ("phone", "+491"))])
    assert state.owner == "anonymous:phone:+492", "a late event of the first call does not take the second"
    rules = ContactRules()
    stub = after(run(one)[0], 130 + rules.lateness_ms + 1, "voice", rules)
    assert stub is not None
    assert stub.history == ()
    later = [msgspec.structs.replace(each, time=each.time + 10 * rules.lateness_ms) for each in other]
    state, sent = run_on(stub, later)
    assert state.owner == "anonymous:phone:+492"
    assert {owner: [each.id for each in events] for (owner, _, _), events in seen_by_track(sent, stub).items()} == {
        "anonymous:phone:+492": ["b0", "b1", "b2", "b3"]
    }


@pytest.mark.parametrize("ours", [{"direction": "outbound"}, {"opened_by": "agent"}])
def test_a_call_back_to_another_number_is_no_other_callers_contact(ours: dict[str, str]) -> None:
    state, sent = run([*of_phone(story(None, "a", 100), "+491"), *of_phone(story(None, "b", 200), "+492", **ours)])
    assert state.owner == "anonymous:phone:+491"
    assert len(seen_by_track(sent)["anonymous:phone:+491", "voice", "c1"]) == 8


def test_a_call_back_under_the_id_of_a_call_is_one_contact_when_it_becomes_known() -> None:
    state, sent = run([*story(None, "a", 100), *story("8", "b", 200)])
    assert state.owner == "customer:8"
    assert len(seen_by_track(sent)["customer:8", "voice", "c1"]) == 8


def test_a_customer_id_of_another_source_is_refused_and_told_once() -> None:
    pbx, survey, again = (
        event("1", 10, "7"),
        event("s1", 20, "8", source="/surveys"),
        event("s2", 30, "9", source="/surveys"),
    )
    state, sent = run([pbx, survey, again, event("4", 40, "8", source="/crm"), event("5", 50, "7", source="/wfm")])
    assert state.owner == "customer:7"
    assert [one.owner for one in sent if isinstance(one, Event)] == ["customer:7"] * 5, "all are events of the contact"
    refused = [one for one in sent if isinstance(one, dict)]
    assert [
        (one["rule"], one["identifier"], one["evidence"], one["from"], one["to"], one["at"]) for one in refused
    ] == [
        ("other-source", "customer:8", {"event_id": "s1", "source": "/surveys"}, "customer:7", "customer:7", 20),
        ("other-source", "customer:8", {"event_id": "4", "source": "/crm"}, "customer:7", "customer:7", 40),
    ]
    state, sent = run([pbx, survey, event("6", 60, "6")])
    assert state.owner == "customer:6", "of one source the later one holds"


def test_a_source_that_named_the_customer_first_decides_though_it_comes_later() -> None:
    late = event("2", 20, "8", source="/crm")
    state, sent = run([late, event("3", 30, "9", source="/crm"), event("1", 10, "7")])
    assert state.owner == "customer:7"
    changes = [one for one in sent if isinstance(one, dict)]
    assert [(one["rule"], one["from"], one["to"], one["evidence"]["source"]) for one in changes] == [
        ("customer-id", "customer:8", "customer:9", "/crm"),
        ("customer-id", "customer:9", "customer:7", "/pbx"),
        ("other-source", "customer:7", "customer:7", "/crm"),
    ]
    state, _ = assign(state, event("0", 5, "6", source="/crm"))
    assert state.owner == "customer:9", "now /crm was first, and this is its latest"


def test_a_contact_becomes_better_known_from_any_source() -> None:
    steps = [
        event("1", 10, source="/pbx"),
        event("2", 20, None, ("phone", "+49"), source="/wfm"),
        event("3", 30, None, ("email", "a"), source="/mail"),
        event("4", 40, "7", source="/crm"),
    ]
    state, sent = run(steps)
    assert state.owner == "customer:7"
    assert [one["rule"] for one in sent if isinstance(one, dict)] == ["strongest-identifier"] * 2 + ["customer-id"]


@given(contacts())
def test_whoever_is_mixed_into_a_contact_is_told(events: list[Event]) -> None:
    """Every source whose customer, or whose identifier of the owner's kind, never was the owner's."""
    state, sent = run(events)
    owners = {one.owner for one in sent if isinstance(one, Event)}
    told = {one["evidence"]["source"] for one in sent if isinstance(one, dict) and one["rule"] == "other-source"}
    for one in events:
        said = claim_of(one)
        if said.rank == state.claim.rank and said.source != state.claim.source and said.owner not in owners:
            assert one.source in told
