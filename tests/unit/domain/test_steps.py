"""What of an event is kept as a step, and how the transition table calls it."""

from typing import Any

import pytest

from streams.domain.contact_state import Contact, Leg, trigger
from streams.domain.records import Event
from streams.domain.steps import step


def event(kind: str, queue: str | None = None, agent: str | None = None, **data: Any) -> Event:
    return Event("1", "/pbx", kind, 5, "c1", "chat", queue=queue, agent=agent, data=data)


@pytest.mark.parametrize(
    ("kind", "data", "kept"),
    [
        ("contact.initiated", {"continues": "c0"}, ("customer", "inbound", "c0")),
        ("contact.initiated", {}, ("customer", "inbound", None)),
        ("contact.reopened", {"by": "agent"}, ("agent", None, None)),
        ("contact.reopened", {"by": None}, ("unknown", None, None)),
        ("contact.left_queue", {"reason": "key", "key": "1"}, (None, "key", None)),
        ("contact.left_queue", {}, (None, "other", None)),
        ("contact.turned_away", {"reason": "full"}, (None, "full", None)),
        ("contact.missed", {"cause": "timeout", "reason": "no answer"}, (None, "timeout", None)),
        ("contact.transferred", {"to_external": "+4989123"}, (None, "cold", "+4989123")),
        ("contact.ended", {"by": "unknown"}, ("unknown", "completed", None)),
        ("message.changed", {"message_id": "m", "change": "read"}, (None, "read", None)),
        ("feedback.given", {"metric": "csat", "score": 0, "scale": "good-bad"}, ("customer", "csat", "good-bad")),
    ],
)
def test_what_a_step_keeps(kind: str, data: dict[str, Any], kept: tuple[str | None, ...]) -> None:
    found = step(event(kind, **data))
    assert (found.actor, found.detail, found.note) == kept


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
