"""Whose contact it is: the same answer whatever the order of arrival, and nothing lost or twice on the way."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.domain import identity
from streams.domain.identity import ContactOwner, IdentityChange, Output, assign, event_key, expired, owner_of
from streams.domain.records import Event, Left


def event(event_id: str, time: int, customer: str | None = None, *identifiers: tuple[str, str], **more: Any) -> Event:
    fields = {"type": "contact.queued", "contact": "c1", "channel": "voice"} | more
    return Event(id=event_id, source="/pbx", time=time, customer=customer, identifiers=identifiers, **fields)


def run(events: list[Event]) -> tuple[ContactOwner, list[Output]]:
    state: ContactOwner | None = None
    sent: list[Output] = []
    for one in events:
        state, outputs = assign(state, one)
        sent += outputs
    assert state is not None
    return state, sent


def owned(one: Event, owner: str) -> Event:
    return msgspec.structs.replace(one, owner=owner)


@pytest.mark.parametrize(
    ("one", "owner"),
    [
        (event("1", 1, "7", ("email", "a@b.example")), "customer:7"),
        (event("1", 1, None, ("phone", "+49170"), ("email", "a@b.example")), "anonymous:email:a@b.example"),
        (event("1", 1, None, ("cookie", "k"), ("device", "d")), "anonymous:device:d"),
        (event("1", 1, None, ("palm", "x")), "contact:c1"),
        (event("1", 1), "contact:c1"),
    ],
)
def test_owner_of_one_event(one: Event, owner: str) -> None:
    assert owner_of(one) == owner


def test_a_contact_becomes_known() -> None:
    first, second, third = event("1", 10), event("2", 20, "7"), event("3", 30)
    state, sent = run([first, second, third])
    change: IdentityChange = {
        "contact_id": "c1",
        "identifier": "customer:7",
        "from": "contact:c1",
        "to": "customer:7",
        "rule": "customer-id",
        "evidence": {"event_id": "2", "source": "/pbx"},
        "at": 20,
        "line": "",
    }
    assert sent == [
        owned(first, "contact:c1"),
        Left("contact:c1", "c1", "customer:7", 20),
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
    assert sent[1] == Left("anonymous:cookie:k", "c1", "anonymous:email:a@b.example", 20, "r1")


def test_of_two_customers_the_later_event_holds() -> None:
    early, late = event("1", 10, "7"), event("2", 20, "8")
    assert run([early, late])[0].owner == run([late, early])[0].owner == "customer:8"
    assert [one.owner for one in run([late, early])[1] if isinstance(one, Event)] == ["customer:8", "customer:8"]


def test_of_two_values_of_a_kind_the_earlier_event_holds() -> None:
    early, late = event("1", 10, None, ("email", "a")), event("2", 20, None, ("email", "b"))
    assert run([early, late])[0].owner == run([late, early])[0].owner == "anonymous:email:a"


def test_the_same_event_again_changes_nothing() -> None:
    one = event("1", 10, "7")
    state, _ = assign(None, one)
    assert assign(state, one) == (state, [])


def test_history_holds_no_texts() -> None:
    def said(event_id: str, kind: str, **data: Any) -> Event:
        return event(event_id, int(event_id), type=kind, data=data)

    state, sent = run(
        [
            said("1", "message.sent", author="customer", text="hi", sentiment=0.5),
            said("2", "message.sent", author="customer", text="unscored"),
            said("3", "message.sent", author="agent", text="hello"),
            said("4", "feedback.given", metric="csat", score=5, comment="good"),
            said("5", "contact.missed", reason="busy"),
        ]
    )
    assert [one.data for one in state.history] == [
        {"author": "customer", "sentiment": 0.5},
        {"author": "customer", "text": "unscored"},
        {"author": "agent"},
        {"metric": "csat", "score": 5},
        {"reason": "busy"},
    ]
    assert isinstance(sent[0], Event)
    assert sent[0].data["text"] == "hi"


def test_history_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "HISTORY_LIMIT", 3)
    state, _ = run([event(str(at), at) for at in (1, 2, 3)])
    assert not state.truncated
    state, _ = assign(state, event("0", 0))
    assert state.truncated
    assert [one.id for one in state.history] == ["1", "2", "3"]
    state, outputs = assign(state, event("4", 4, "7"))
    assert [one.id for one in outputs if isinstance(one, Event)] == ["1", "2", "3", "4"]
    assert [one.id for one in state.history] == ["2", "3", "4"]
    assert state.owner == "customer:7"


def test_expiry() -> None:
    state, _ = run([event("1", 10)])
    assert not expired(state, 10_000, 100)
    assert expired(state, 10_000, 100, open_retention_ms=1000)
    assert not expired(state, 1010, 100, open_retention_ms=1000)
    state, _ = assign(state, event("2", 20, type="contact.ended"))
    assert not expired(state, 120, 100)
    assert expired(state, 121, 100)


def test_a_state_survives_json() -> None:
    state, _ = run([event("1", 10, None, ("email", "a")), event("2", 20, "7", type="contact.ended", line="r")])
    again = msgspec.json.decode(msgspec.json.encode(state), type=ContactOwner)
    assert again == state
    assert (again.owner, again.line, again.ended) == ("customer:7", "r", True)


customers = st.none() | st.sampled_from(["7", "8", "9"])
pairs = st.tuples(st.sampled_from(["email", "phone", "cookie", "palm"]), st.sampled_from(["x", "y"]))


@st.composite
def contacts(draw: st.DrawFn) -> list[Event]:
    told = draw(st.lists(st.tuples(st.integers(0, 6), customers, st.lists(pairs, max_size=2)), min_size=1, max_size=8))
    return [event(str(at), time, customer, *known) for at, (time, customer, known) in enumerate(told)]


def seen_by_track(sent: list[Output]) -> dict[str, list[Event]]:
    """Owner → the contact's events it has, the way a track adds events and takes them all back on a Left."""
    tracks: dict[str, list[Event]] = {}
    for one in sent:
        if isinstance(one, Event):
            tracks.setdefault(one.owner, []).append(msgspec.structs.replace(one, owner=""))
        elif isinstance(one, Left):
            assert tracks.pop(one.owner)
    return tracks


@given(contacts(), st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(events: list[Event], random: Any) -> None:
    shuffled = random.sample(events, len(events))
    in_order, _ = run(events)
    state, sent = run(shuffled)
    assert state == in_order
    tracks = seen_by_track(sent)
    assert list(tracks) == [state.owner]
    assert sorted(tracks[state.owner], key=event_key) == sorted(events, key=event_key)


@given(contacts())
def test_the_owner_follows_the_rule(events: list[Event]) -> None:
    ordered = sorted(events, key=event_key)
    known = [one.customer for one in ordered if one.customer is not None]
    if known:
        expected = f"customer:{known[-1]}"
    else:
        found = [
            (kind, value)
            for kind in ("email", "phone", "cookie")
            for one in ordered
            for other, value in one.identifiers
            if other == kind
        ]
        expected = "anonymous:{}:{}".format(*found[0]) if found else "contact:c1"
    assert run(events)[0].owner == expected


@given(contacts())
def test_changes_make_a_chain(events: list[Event]) -> None:
    state, sent = run(events)
    at = owner_of(events[0])
    for change in (one for one in sent if isinstance(one, dict)):
        assert change["from"] == at
        assert change["to"] != at
        at = change["to"]
    assert at == state.owner


def test_a_history_fits_into_a_changelog_record_whatever_a_publisher_adds() -> None:
    state = None
    many = tuple(("device", f"{number:03d}" + "d" * 300) for number in range(50))
    for number in range(200):
        event = Event(
            id=f"e{number}", source="s", type="message.sent", time=number, contact="c", channel="chat", customer="1",
            identifiers=many, data={"vendor": "x" * 600_000, "author": "agent"},
        )  # fmt: skip
        state, _ = assign(state, event)
    assert state is not None
    assert state.truncated
    assert len(msgspec.json.encode(state)) < 900_000
    assert state.history[-1].id == "e199"
    assert state.history[-1].data == {"author": "agent"}


def alternating(count: int, first: int = 0) -> list[Event]:
    return [event(f"{at:05d}", at, f"own{at % 2}") for at in range(first, first + count)]


def test_a_long_contact_is_given_to_another_customer_three_times_and_then_stays() -> None:
    """3,000 events that alternate between two customers once made 4,008,129."""
    state, sent = run(alternating(3000))
    assert len([one for one in sent if isinstance(one, Event)]) == 3000 + sum(range(1, 8)) + 8 + 9 + 10
    changes = [one for one in sent if isinstance(one, dict)]
    assert len([one for one in sent if isinstance(one, Left)]) == len(changes) - 1 == 10
    told = changes[-1]
    assert (told["rule"], told["from"], told["to"]) == ("too-many-changes", state.owner, state.owner)
    assert told["identifier"] == f"customer:own{1 - int(state.owner[-1])}"
    assert told["evidence"] == {"event_id": "00011", "source": "/pbx"}
    assert (state.corrections, state.refused) == (3, True)
    tracks = seen_by_track(sent)
    assert list(tracks) == [state.owner]
    assert len(tracks[state.owner]) == 3000


def test_a_contact_that_stays_still_becomes_better_known() -> None:
    known = [event(f"{at:03d}", 1000 - at, None, ("email", f"{at}@x.example")) for at in range(40)]
    state, _ = run(known)
    assert (state.corrections, state.refused) == (3, True)
    state, outputs = assign(state, event("c", 2000, "7"))
    assert state.owner == "customer:7"
    assert len([one for one in outputs if isinstance(one, Event)]) == 41


def longest_names(at: int, **more: Any) -> Event:
    """An event as large as the contract allows, but for texts."""
    wide = "\U0001f600" * 194 + f"{at:06d}"
    pairs = [("device", f"{number:03d}" + "\U0001f600" * 317) for number in range(50)]
    one = event(wide, at, None, *pairs, contact="\U0001f600" * 200, queue=wide, tier=wide, agent=wide, **more)
    return msgspec.structs.replace(one, source=wide)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"author": "customer", "text": "\x01" * 100_000},
        {"author": "customer", "text": "\U0001f600" * 1999},
        {f"x{number}": "b" * 1900 for number in range(470)},
        {"reason": '"' * 200, "by": "agent"},
    ],
)
def test_a_row_has_a_size_whatever_comes_in(data: dict[str, Any]) -> None:
    state = None
    for at in range(60):
        one = longest_names(at, type="message.sent", data=data)
        state, _ = assign(state, one, len(msgspec.json.encode(one)))
        size = len(msgspec.json.encode(state))
        assert size <= identity.HISTORY_BYTES + 4000
        assert len(msgspec.json.encode(state.history)) <= state.size + 2
    assert state is not None
    assert state.history[-1].time == 59
    assert state.truncated == (len(state.history) < 60)


def test_a_row_of_the_version_before_learns_its_size() -> None:
    state, _ = run([event(str(at), at, "7") for at in range(5)])
    before = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(state, size=0)), type=ContactOwner)
    assert assign(before, event("9", 9))[0] == assign(state, event("9", 9))[0]
