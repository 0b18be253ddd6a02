"""Whose contact it is: the same answer whatever the order of arrival, and nothing lost or twice on the way."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.domain import owners
from streams.domain.claims import owner_of
from streams.domain.identity import IdentityChange, Output, assign, event_key
from streams.domain.owners import ContactOwner, after, due_at
from streams.domain.policy import TrackingRules
from streams.domain.records import Event, Left


def event(event_id: str, time: int, customer: str | None = None, *identifiers: tuple[str, str], **more: Any) -> Event:
    fields = {"type": "contact.queued", "contact": "c1", "channel": "voice", "source": "/pbx"} | more
    return Event(id=event_id, time=time, customer=customer, identifiers=identifiers, **fields)


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
    monkeypatch.setattr(owners, "HISTORY_LIMIT", 3)
    state, _ = run([event(str(at), at) for at in (1, 2, 3)])
    assert not state.truncated
    state, _ = assign(state, event("0", 0))
    assert state.truncated
    assert [one.id for one in state.history] == ["1", "2", "3"]
    state, outputs = assign(state, event("4", 4, "7"))
    assert [one.id for one in outputs if isinstance(one, Event)] == ["1", "2", "3", "4"]
    assert [one.id for one in state.history] == ["2", "3", "4"]
    assert state.owner == "customer:7"


def test_a_state_survives_json() -> None:
    state, _ = run([event("1", 10, None, ("email", "a")), event("2", 20, "7", type="contact.ended", line="r")])
    again = msgspec.json.decode(msgspec.json.encode(state), type=ContactOwner)
    assert again == state
    assert (again.owner, again.line, again.ended) == ("customer:7", "r", True)


customers = st.none() | st.sampled_from(["7", "8", "9"])
pairs = st.tuples(st.sampled_from(["email", "phone", "cookie", "palm"]), st.sampled_from(["x", "y"]))


@st.composite
def contacts(draw: st.DrawFn) -> list[Event]:
    """Events of one contact from two sources."""
    told = draw(
        st.lists(
            st.tuples(
                st.integers(0, 6), customers, st.lists(pairs, max_size=2), st.sampled_from(["/pbx", "/pbx", "/crm"])
            ),
            min_size=1,
            max_size=8,
        )
    )
    return [
        event(str(at), time, customer, *known, source=source) for at, (time, customer, known, source) in enumerate(told)
    ]


Tracks = dict[tuple[str, str, str], list[Event]]


def seen_by_track(sent: list[Output]) -> Tracks:
    """(Owner, channel, contact) → the contact's events it has, the way a track adds events and takes them back on a
    Left.
    """
    tracks: Tracks = {}
    for one in sent:
        if isinstance(one, Event):
            tracks.setdefault((one.owner, one.channel, one.contact), []).append(msgspec.structs.replace(one, owner=""))
        elif isinstance(one, Left):
            key = (one.owner, one.channel, one.contact)
            tracks[key] = [event for event in tracks[key] if event.time < one.since]
    return {key: events for key, events in tracks.items() if events}


@given(contacts(), st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(events: list[Event], random: Any) -> None:
    shuffled = random.sample(events, len(events))
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
    mixed = random.sample([*voice, *chat], len(voice) + len(chat))
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
            assert change["evidence"]["source"] not in told, "once for each source"
            told.add(change["evidence"]["source"])
        else:
            assert change["to"] != at
        at = change["to"]
    assert at == state.owner


def test_events_of_one_time_are_sent_again_as_they_arrived() -> None:
    arrived = [event(name, 10) for name in ("b", "a", "c")]
    _, sent = run([*arrived, event("0", 5), event("d", 20, "7")])
    assert [one.id for one in sent if isinstance(one, Event) and one.owner == "customer:7"] == ["0", "b", "a", "c", "d"]


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


def test_a_call_back_under_the_id_of_a_call_is_one_contact_when_it_becomes_known() -> None:
    state, sent = run([*story(None, "a", 100), *story("8", "b", 200)])
    assert state.owner == "customer:8"
    assert len(seen_by_track(sent)["customer:8", "voice", "c1"]) == 8


# Another source


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


def test_what_is_told_of_one_contact_is_bounded() -> None:
    claims = [event(f"{n}", 100 + n, "8", source=f"/s{n}") for n in range(50)]
    state, sent = run([event("1", 10, "7"), *claims])
    assert len([one for one in sent if isinstance(one, dict)]) == len(state.told) == 10


# Identifiers that name nobody


def test_a_contact_with_a_crowded_identifier_alone_owns_itself() -> None:
    asked: list[str] = []

    def over(identifier: str) -> int:
        asked.append(identifier)
        return 1 if identifier == "phone:0" else 0

    first, second = event("1", 10, None, ("phone", "0")), event("2", 20, None, ("phone", "0"), ("device", "d"))
    state, sent = assign(None, first, gather=over)
    assert state.owner == "contact:voice:c1"
    change: Any = sent[1]
    assert (change["rule"], change["identifier"], change["from"], change["to"]) == (
        ("crowded-identifier", "phone:0", "contact:voice:c1", "contact:voice:c1")
    )
    state, _ = assign(state, event("1b", 15, None, ("phone", "0")), gather=over)
    assert asked == ["phone:0"], "a contact counts once"
    state, sent = assign(state, second, gather=over)
    assert (state.owner, asked) == ("anonymous:device:d", ["phone:0", "device:d"])
    state, _ = assign(state, event("3", 30, "7", ("phone", "0")), gather=over)
    assert (state.owner, asked) == ("customer:7", ["phone:0", "device:d"]), "a customer id is not counted"


def test_a_contact_that_its_identifier_owns_counts_once() -> None:
    asked: list[str] = []

    def never(identifier: str) -> int:
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
        state, _ = assign(state, one, gather=never)
    assert asked == ["phone:1", "phone:2"]


# Stubs

RULES = TrackingRules(lateness_ms=100, contact_timeout_ms=1000, contact_horizon_ms=10_000)
NAMED = {"type": "contact.ended"}


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
    assert (found.history, found.owner, due_at(found, "voice", RULES)) == ((), "customer:7", 10_010)
    assert aged(found, 10_010) == found
    assert aged(found, 10_011) is aged(state, 10_011) is None
    ended, _ = assign(state, event("2", 20, type="contact.ended"))
    assert due_at(ended, "voice", RULES) == 120
    rated, _ = assign(ended, event("3", 30, type="feedback.given"))
    assert due_at(rated, "voice", RULES) == 130, "a word about it does not open it again"
    again, _ = assign(rated, event("4", 40))
    assert due_at(again, "voice", RULES) == 1140
    short = TrackingRules(lateness_ms=100, contact_timeout_ms=1000, contact_horizon_ms=50)
    assert after(ended, 121, "voice", short) is None


def test_the_horizon_and_the_time_out_are_those_of_the_channel() -> None:
    state, _ = run([event("1", 10, "7")])
    rules = TrackingRules(
        100, 1000, (("email", 5000),), contact_horizon_ms=10_000, channel_horizons_ms=(("email", 99_000),)
    )
    assert due_at(state, "email", rules) == 5110
    found = after(state, 5111, "email", rules)
    assert found is not None
    assert due_at(found, "email", rules) == 99_010


def test_a_stub_gives_its_owner_to_what_comes_and_says_nothing_else() -> None:
    kept = stub(event("1", 10, None, ("phone", "+49")), event("2", 20, type="contact.ended"))
    for one in (event("s", 5000, type="feedback.given"), event("m", 5000, type="message.sent")):
        state, sent = assign(kept, one)
        assert sent == [owned(one, "anonymous:phone:+49")]
        assert state.last == 5000
    assert aged(state, 15_000) is not None, "known for the horizon after its last word"


@pytest.mark.parametrize("word", sorted(owners.AFTERWARDS))
def test_a_word_about_a_stub_stays_with_what_it_is_about(word: str) -> None:
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
    back, known = event("3", 5000, type="message.sent"), event("4", 5010, "7", type="message.sent")
    state, sent = run_on(kept, [back, known])
    assert sent[:4] == [
        owned(back, "anonymous:phone:+49"),
        Left("anonymous:phone:+49", "c1", "voice", "customer:7", 5010, since=5000),
        owned(back, "customer:7"),
        owned(known, "customer:7"),
    ]
    change: Any = sent[4]
    assert (change["rule"], change["since"], state.owner) == ("customer-id", 5000, "customer:7")
    at_once, sent = assign(kept, known)
    assert sent[:2] == [
        Left("anonymous:phone:+49", "c1", "voice", "customer:7", 5010, since=5010),
        owned(known, "customer:7"),
    ]
    assert at_once.owner == "customer:7"


def test_a_stub_of_a_customer_is_not_another_sources() -> None:
    kept = stub(event("1", 10, "7"), event("2", 20, type="contact.ended"))
    state, sent = assign(kept, event("3", 5000, "8", type="message.sent", source="/crm"))
    assert [one["rule"] for one in sent if isinstance(one, dict)] == ["other-source"]
    state, sent = assign(state, event("4", 5001, "8", type="message.sent"))
    assert (state.owner, sent[0]) == ("customer:8", Left("customer:7", "c1", "voice", "customer:8", 5001, since=5000))


def run_on(state: ContactOwner, events: list[Event]) -> tuple[ContactOwner, list[Output]]:
    sent: list[Output] = []
    for one in events:
        state, outputs = assign(state, one)
        sent += outputs
    return state, sent


@given(contacts(), contacts(), st.randoms(use_true_random=False))
def test_each_event_is_in_one_place_however_often_a_contact_rests(
    before: list[Event], later: list[Event], random: Any
) -> None:
    """Before a contact became a stub and after it."""
    later = [msgspec.structs.replace(one, id=f"l{one.id}", time=one.time + 5000) for one in later]
    state, sent = run(before)
    rested = aged(state, 2000)
    assert rested is not None
    assert rested.history == ()
    state, more = run_on(rested, random.sample(later, len(later)))
    tracks = seen_by_track([*sent, *more])
    assert {owner for owner, _, _ in tracks} <= {rested.owner, state.owner}
    found = [one for events in tracks.values() for one in events]
    assert sorted(found, key=event_key) == sorted([*before, *later], key=event_key)
    assert set(map(event_key, later)) <= set(map(event_key, tracks[state.owner, "voice", "c1"]))


def test_a_stub_has_a_size() -> None:
    """What `contact-streams size` reckons with; its key is the contact's name."""
    first = event("call-20260302-0417-1", 1_772_442_904_120, "cust-1001", source="/telephony/site-1")
    end = event("call-20260302-0417-9", 1_772_443_204_120, source="/telephony/site-1", type="contact.ended")
    state = after(run([first, end])[0], 1_772_453_204_120, "voice", TrackingRules())
    assert state is not None
    row = msgspec.json.encode(msgspec.structs.replace(state, due={"": due_at(state, "voice", TrackingRules())}))
    assert len(row) + len("owners|voice|call-20260302-0417") <= 200, row


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
    assert (state.corrections, state.told) == (3, ("too-many-changes",))
    tracks = seen_by_track(sent)
    assert list(tracks) == [(state.owner, "voice", "c1")]
    assert len(tracks[state.owner, "voice", "c1"]) == 3000


def test_a_contact_that_stays_still_becomes_better_known() -> None:
    known = [event(f"{at:03d}", 1000 - at, None, ("email", f"{at}@x.example")) for at in range(40)]
    state, _ = run(known)
    assert (state.corrections, state.told) == (3, ("too-many-changes",))
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
        assert size <= owners.HISTORY_BYTES + 6000
        assert len(msgspec.json.encode(state.history)) <= state.size + 2
    assert state is not None
    assert state.history[-1].time == 59
    assert state.truncated == (len(state.history) < 60)


def test_a_row_of_the_version_before_learns_its_size() -> None:
    state, _ = run([event(str(at), at, "7") for at in range(5)])
    before = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(state, size=0)), type=ContactOwner)
    assert assign(before, event("9", 9))[0] == assign(state, event("9", 9))[0]
