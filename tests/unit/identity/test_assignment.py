"""Whose contact it is: the same answer whatever the order of arrival, and nothing lost or twice on the way."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.claims import owner_of
from streams.base.records import Event, Left
from streams.identity.assignment import Judge, Output, assign, event_key
from streams.identity.owners import ContactOwner
from streams.identity.telling import IdentityChange
from tests.support.identity_story import by_chance, contacts, event, owned, run, seen_by_track


@pytest.mark.parametrize(
    ("one", "owner"),
    [
        (event("1", 1, "7", ("email", "a@b.example")), "customer:7"),
        (event("1", 1, None, ("phone", "+49170"), ("email", "a@b.example")), "anonymous:email:a@b.example"),
        (event("1", 1, None, ("cookie", "k"), ("device", "d")), "anonymous:device:d"),
        (event("1", 1, None, ("palm", "x")), "contact:voice:c1"),
        (event("1", 1), "contact:voice:c1"),
        (event("1", 1, channel="chat"), "contact:chat:c1"),
    ],
)
def test_owner_of_one_event(one: Event, owner: str) -> None:
    assert owner_of(one) == owner


def test_a_contact_becomes_known() -> None:
    first, second, third = event("1", 10), event("2", 20, "7"), event("3", 30)
    state, sent = run([first, second, third])
    change: IdentityChange = {
        "contact_id": "c1",
        "channel": "voice",
        "identifier": "customer:7",
        "from": "contact:voice:c1",
        "to": "customer:7",
        "rule": "customer-id",
        "evidence": {"event_id": "2", "source": "/pbx"},
        "path": [],
        "reason": None,
        "at": 20,
        "since": None,
        "line": "",
    }
    assert sent == [
        owned(first, "contact:voice:c1"),
        Left("contact:voice:c1", "c1", "voice", "customer:7", 20),
        owned(first, "customer:7"),
        owned(second, "customer:7"),
        change,
        owned(third, "customer:7"),
    ]
    assert state.owner == "customer:7"
    assert (state.last, state.ended, state.truncated) == (30, False, False)


def test_the_strongest_identifier_stays_when_an_event_lacks_it() -> None:
    state, sent = run([event("1", 10, None, ("phone", "+49")), event("2", 20, None, ("cookie", "k")), event("3", 30)])
    assert state.owner == "anonymous:phone:+49"
    assert [type(one) for one in sent] == [Event, Event, Event]


def test_a_stronger_identifier_takes_over() -> None:
    _, sent = run([event("1", 10, None, ("cookie", "k")), event("2", 20, None, ("email", "a@b.example"), line="r1")])
    change: Any = sent[-1]
    assert (change["rule"], change["identifier"], change["line"]) == ("strongest-identifier", "email:a@b.example", "r1")
    assert sent[1] == Left("anonymous:cookie:k", "c1", "voice", "anonymous:email:a@b.example", 20, "r1")


def test_of_two_customers_the_later_event_holds() -> None:
    early, late = event("1", 10, "7"), event("2", 20, "8")
    assert run([early, late])[0].owner == run([late, early])[0].owner == "customer:8"
    assert [one.owner for one in run([late, early])[1] if isinstance(one, Event)] == ["customer:8", "customer:8"]


def test_a_contact_that_goes_to_another_customer_and_comes_back() -> None:
    first, second, third = event("1", 10, "7"), event("2", 20, "8"), event("3", 30, "7")
    state, sent = run([first, second, third])
    assert sent[1:4] == [
        Left("customer:7", "c1", "voice", "customer:8", 20),
        owned(first, "customer:8"),
        owned(second, "customer:8"),
    ]
    assert sent[5:9] == [
        Left("customer:8", "c1", "voice", "customer:7", 30),
        owned(first, "customer:7"),
        owned(second, "customer:7"),
        owned(third, "customer:7"),
    ]
    assert [(one["from"], one["to"]) for one in sent if isinstance(one, dict)] == [
        ("customer:7", "customer:8"),
        ("customer:8", "customer:7"),
    ]
    assert state.owner == "customer:7"


def test_of_two_values_of_a_kind_the_earlier_event_holds() -> None:
    early, late = event("1", 10, None, ("email", "a")), event("2", 20, None, ("email", "b"))
    assert run([early, late])[0].owner == run([late, early])[0].owner == "anonymous:email:a"


def test_the_same_event_again_changes_nothing() -> None:
    one = event("1", 10, "7")
    state, _ = assign(None, one)
    assert assign(state, one) == (state, [])


def test_a_state_survives_json() -> None:
    state, _ = run([event("1", 10, None, ("email", "a")), event("2", 20, "7", type="contact.ended", line="r")])
    again = msgspec.json.decode(msgspec.json.encode(state), type=ContactOwner)
    assert again == state
    assert (again.owner, again.line, again.ended) == ("customer:7", "r", True)


@given(contacts(), st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(events: list[Event], random: Any) -> None:
    """But for the order of what happened in one moment."""
    shuffled = by_chance(events, random)
    shuffled += random.sample(events, len(events) // 2)
    in_order, _ = run(events)
    state, sent = run(shuffled)
    assert (state.claim, state.first, state.last, state.ended) == (
        in_order.claim,
        in_order.first,
        in_order.last,
        in_order.ended,
    )
    tracks = seen_by_track(sent)
    assert list(tracks) == [(state.owner, "voice", "c1")]
    (found,) = tracks.values()
    assert sorted(found, key=event_key) == sorted(events, key=event_key)
    assert sorted(state.history, key=event_key) == sorted(events, key=event_key)
    assert [one.time for one in state.history] == sorted(one.time for one in events)


@given(contacts(), contacts(), st.randoms(use_true_random=False))
def test_two_channels_with_one_contact_id_have_nothing_of_each_other(
    voice: list[Event], other: list[Event], random: Any
) -> None:
    chat = [msgspec.structs.replace(one, channel="chat") for one in other]
    mixed = by_chance([*voice, *chat], random)
    states: dict[str, ContactOwner] = {}
    sent: list[Output] = []
    for one in mixed:
        states[one.channel], outputs = assign(states.get(one.channel), one)
        sent += outputs
    assert states["voice"].owner == run(voice)[0].owner
    assert states["chat"].owner == run(chat)[0].owner
    tracks = seen_by_track(sent)
    assert set(tracks) == {(states["voice"].owner, "voice", "c1"), (states["chat"].owner, "chat", "c1")}
    for (_, channel, _), events in tracks.items():
        expected = voice if channel == "voice" else chat
        assert sorted(events, key=event_key) == sorted(expected, key=event_key)


@given(contacts())
def test_the_owner_follows_the_rule(events: list[Event]) -> None:
    ordered = sorted(events, key=event_key)
    known = [one for one in ordered if one.customer is not None]
    if known:
        decides = known[0].source
        expected = f"customer:{[one.customer for one in known if one.source == decides][-1]}"
    else:
        found = [
            (kind, value)
            for kind in ("email", "phone", "cookie")
            for one in ordered
            for other, value in one.identifiers
            if other == kind
        ]
        expected = "anonymous:{}:{}".format(*found[0]) if found else "contact:voice:c1"
    assert run(events)[0].owner == expected


@given(contacts())
def test_changes_make_a_chain(events: list[Event]) -> None:
    state, sent = run(events)
    at = owner_of(events[0])
    told = set()
    for change in (one for one in sent if isinstance(one, dict)):
        assert change["from"] == at
        if change["rule"] == "other-source":
            assert change["to"] == at
            once = change["evidence"]["source"], change["identifier"].partition(":")[0]
            assert once not in told, "once for each source and kind"
            told.add(once)
        else:
            assert change["to"] != at
        at = change["to"]
    assert at == state.owner


def test_events_of_one_time_are_sent_again_as_they_arrived() -> None:
    arrived = [event(name, 10) for name in ("b", "a", "c")]
    _, sent = run([*arrived, event("0", 5), event("d", 20, "7")])
    assert [one.id for one in sent if isinstance(one, Event) and one.owner == "customer:7"] == ["0", "b", "a", "c", "d"]


def test_what_is_told_of_one_contact_is_bounded() -> None:
    claims = [event(f"{n}", 100 + n, "8", source=f"/s{n}") for n in range(50)]
    state, sent = run([event("1", 10, "7"), *claims])
    assert len([one for one in sent if isinstance(one, dict)]) == len(state.told) == 10


# Identifiers that name nobody


def test_a_contact_with_a_crowded_identifier_alone_owns_itself() -> None:
    asked: list[str] = []

    def over(identifier: str, more: bool) -> int:
        if more:
            asked.append(identifier)
        return 1 if identifier == "phone:0" else 0

    first, second = event("1", 10, None, ("phone", "0")), event("2", 20, None, ("phone", "0"), ("device", "d"))
    state, sent = assign(None, first, judge=Judge(over))
    assert state.owner == "contact:voice:c1"
    change: Any = sent[1]
    assert (change["rule"], change["identifier"], change["from"], change["to"]) == (
        ("crowded-identifier", "phone:0", "contact:voice:c1", "contact:voice:c1")
    )
    state, _ = assign(state, event("1b", 15, None, ("phone", "0")), judge=Judge(over))
    assert asked == ["phone:0"], "a contact counts once"
    state, sent = assign(state, second, judge=Judge(over))
    assert (state.owner, asked) == ("anonymous:device:d", ["phone:0", "device:d"])
    state, _ = assign(state, event("3", 30, "7", ("phone", "0")), judge=Judge(over))
    assert (state.owner, asked) == ("customer:7", ["phone:0", "device:d"]), "a customer id is not counted"


def test_a_contact_that_its_identifier_owns_counts_once() -> None:
    asked: list[str] = []

    def never(identifier: str, more: bool) -> int:
        if more:
            asked.append(identifier)
        return -1

    state: ContactOwner | None = None
    for one in (
        event("1", 10, None, ("phone", "1")),
        event("2", 20, None, ("phone", "1"), ("cookie", "k")),
        event("3", 30, None, ("phone", "2")),
        event("4", 5, None, ("phone", "2")),
        event("4", 5, None, ("phone", "2")),
    ):
        state, _ = assign(state, one, judge=Judge(never))
    assert asked == ["phone:1", "phone:2"]
