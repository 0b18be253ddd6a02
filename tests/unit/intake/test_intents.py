"""What a customer's text is about: found by phrases at the door, where the text still exists."""

from dataclasses import replace
from typing import Any

import pytest

from streams.base.records import Event
from streams.contacts.steps import step
from streams.identity.owners import lean
from streams.intake.intents import intents_of
from streams.intake.normalise import Policy, event_record
from streams.rules import load, shipped_nobody
from tests.support.texts_of_intents import TEXTS

RULES = load()
SHIPPED = RULES.intents
POLICY = Policy(shipped_nobody(), intents=SHIPPED)
OWN = intents_of({
    "price": {"en": ["how much", "price"], "zh": ["价格"]},
    "travel": {"en": ["far away", "Price of a ticket"], "de": ["Reise"]},
})  # fmt: skip


@pytest.mark.parametrize(("language", "intent", "text"), TEXTS)
def test_the_shipped_phrases(language: str, intent: str | None, text: str) -> None:
    assert SHIPPED.of(text, language) == intent
    assert SHIPPED.of(text, f"{language.upper()}-XX") == intent


@pytest.mark.parametrize(
    ("text", "language", "intent"),
    [
        ("HOW  much, then?", "en", "price"),
        ("how very much", "en", None),
        ("priceless pricey", "en", None),
        ("the price of a ticket", "en", "travel"),
        ("a price of a ticket, the price, the price", "en", "price"),
        ("a price, far away", "en", "price"),
        ("这个价格是多少", "zh", "price"),
        ("这个价格是多少", None, "price"),
        ("这个价格是多少", "en", None),
        ("Die Reise", "de-AT", "travel"),
        ("Die Reise", "fr", None),
        ("Die Reise", "und", "travel"),
        ("", None, None),
        ("?!", "en", None),
    ],
)
def test_how_phrases_are_found(text: str, language: str | None, intent: str | None) -> None:
    assert OWN.of(text, language) == intent


def test_a_language_is_asked_alone_and_without_one_all_are() -> None:
    assert set(SHIPPED.languages) == {"en", "it", "es", "fr", "de", "zh"}
    assert SHIPPED.of("quanto costa?", "en") is None and SHIPPED.of("quanto costa?") == "price"


def message(type_: str = "message.sent", **more: Any) -> Event:
    data = {"contact_id": "c1", "channel": "chat", **more}
    if type_ == "message.sent":
        data = {"direction": "inbound", "author": "customer"} | data
    found = event_record({"id": "e1", "source": "/x", "type": type_, "data": data}, 0, "", POLICY)
    assert isinstance(found, Event)
    return found


def test_the_intent_of_a_customers_text_is_found_at_the_door() -> None:
    assert message(text="How much is it?").data["found_intent"] == "price"
    assert message("post.made", text="How much is it?").data["found_intent"] == "price"
    assert "found_intent" not in message(text="Good morning").data
    assert "found_intent" not in message(text="How much is it?", author="agent", direction="outbound").data
    assert "found_intent" not in message("case.opened", case_id="7", subject="How much is it?").data


def test_what_is_found_joins_no_journeys() -> None:
    """It says what service somebody expects: two questions about a price need not be about one thing."""
    found = message(text="How much is it?")
    assert found.intent is None
    assert (step(found).intent, step(found).wish, step(found).scale) == (None, "price", None)


def test_what_the_connector_says_holds() -> None:
    said = message(text="How much is it?", intent="renewal")
    assert (said.intent, step(said).wish, "found_intent" in said.data) == ("renewal", "renewal", False)
    assert step(message("contact.queued", queue="q", intent="quality")).wish == "quality"
    assert step(message("contact.queued", queue="q", intent=None)).wish is None
    answer = step(message("feedback.given", metric="csat", score=1, scale="good-bad"))
    assert (answer.scale, answer.wish) == ("good-bad", None)
    assert event_record(
        {"id": "e", "source": "/x", "type": "message.sent", "data": {
            "contact_id": "c", "channel": "chat", "direction": "inbound", "author": "customer", "text": "how much"}},
        0, "", Policy(shipped_nobody()),
    ).data == {"direction": "inbound", "author": "customer", "text": "how much"}  # type: ignore[union-attr]  # fmt: skip


def test_behind_the_door_the_intent_goes_on_without_the_text() -> None:
    found = replace_text(message(text="How much is it? " + "x" * 3000))
    assert "text" not in found.data and step(found).wish == "price"
    large = message("contact.queued", queue="q", intent="quality", customer_id="k")
    assert step(lean(large, 70_000)[0]).wish == "quality"


def replace_text(event: Event) -> Event:
    return lean(event, 4_000)[0]


def test_every_weight_counts_what_is_there() -> None:
    assert RULES.customers.contacts.intents == frozenset(SHIPPED.names)
    assert not list(replace(RULES.customers.services).unknown(SHIPPED.names))
