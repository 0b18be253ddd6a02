"""The row of a contact: what its history keeps, how often it is sent again, how large it is."""

from typing import Any

import msgspec
import pytest

from streams.base.records import Event, Left
from streams.identity import owners
from streams.identity.assignment import assign
from streams.identity.owners import ContactOwner
from tests.support.identity_story import event, run, seen_by_track


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
        {"author": "customer"},
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
    assert outputs[0] == msgspec.structs.replace(event("4", 4, "7"), owner="contact:voice:c1")
    [_, change] = outputs
    assert isinstance(change, dict)
    assert (change["rule"], change["identifier"], change["to"]) == ("too-long", "customer:7", "contact:voice:c1")
    assert [one.id for one in state.history] == ["2", "3", "4"]
    assert state.owner == "contact:voice:c1", "what is not here any more cannot go with it"
    state, outputs = assign(state, event("5", 5, None, ("phone", "1")))
    assert (state.owner, len(outputs)) == ("contact:voice:c1", 1), "told once"


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
