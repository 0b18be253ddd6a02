"""What of an event is kept as a step, and how the transition table calls it."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.events import EVENTS
from streams.base.records import Event
from streams.contacts.contact import Contact, Leg
from streams.contacts.steps import READ, step
from streams.contacts.triggers import trigger


def event(kind: str, queue: str | None = None, agent: str | None = None, **data: Any) -> Event:
    return Event("1", "/pbx", kind, 5, "c1", "chat", queue=queue, agent=agent, data=data)


@pytest.mark.parametrize(
    ("kind", "data", "kept"),
    [
        ("contact.initiated", {}, ("customer", "inbound", None)),
        ("contact.initiated", {"opened_by": "agent", "direction": None}, ("agent", "inbound", None)),
        ("contact.turned_away", {"reason": "full"}, (None, "full", None)),
        ("contact.turned_away", {}, (None, "other", None)),
        ("contact.transferred", {"to_external": "+4989123"}, (None, "cold", None)),
        ("contact.ended", {"by": "unknown"}, ("unknown", "completed", None)),
        ("message.changed", {"message_id": "m", "change": "read"}, (None, None, None)),
        ("feedback.given", {"metric": "csat", "score": 0, "scale": "good-bad"}, ("customer", "csat", "good-bad")),
    ],
)
def test_what_a_step_keeps(kind: str, data: dict[str, Any], kept: tuple[str | None, ...]) -> None:
    found = step(event(kind, **data))
    assert (found.actor, found.detail, found.scale) == kept


class Asked(dict[str, Any]):
    """Notes which fields it is asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return default


def test_what_a_step_is_made_of_is_what_others_keep_for_it() -> None:
    asked = Asked()
    for kind in EVENTS:
        step(replace(event(kind), data=asked))
    assert asked.names == {*READ}


@pytest.mark.parametrize("kind", ["contact.ended", "contact.wrapped_up"])
def test_sums_of_talk_and_hold_are_kept(kind: str) -> None:
    found = step(event(kind, by="agent", talk_ms=9000, hold_ms=0, duration_ms=None))
    assert (found.talk_ms, found.hold_ms, found.value) == (9000, 0, None)
    assert (step(event(kind, by="agent")).talk_ms, step(event(kind)).hold_ms) == (None, None)


def called(contact: Contact, kind: str, **about: Any) -> str:
    return trigger(contact, step(event(kind, **about)))


def test_the_customers_own_words_have_triggers_of_their_own() -> None:
    contact = Contact("c1", "chat", 0, 0)
    for kind in ("message.sent", "post.answered"):
        assert called(contact, kind, author="customer") == f"{kind}:customer"
        for author in ("agent", "bot", "system"):
            assert called(contact, kind, author=author) == kind
    assert called(contact, "post.made") == "post.made"
    assert called(contact, "feedback.given", metric="csat", score=1) == "feedback.given"


def test_the_leaving_of_another_queue_ends_no_wait() -> None:
    nowhere = Contact("c1", "chat", 0, 0)
    waiting = Contact("c1", "chat", 0, 0, legs=(Leg("1", "cards", 0),))
    left = Contact("c1", "chat", 0, 0, legs=(Leg("1", "cards", 0, 5, "flow_out"),))
    assert called(waiting, "contact.left_queue", queue="cards") == "contact.left_queue"
    assert called(waiting, "contact.left_queue", queue="loans") == "contact.left_queue:other"
    assert called(nowhere, "contact.left_queue", queue="cards") == "contact.left_queue"
    assert called(left, "contact.left_queue", queue="loans") == "contact.left_queue"
