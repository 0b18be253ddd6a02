"""Which topic and key an event has, as the topics' YAML tells it."""

from typing import Any

import pytest

from schemas import routing
from schemas.data import CHANNELS
from schemas.events import EVENTS
from schemas.registry import RegistryError, topics
from schemas.routing import Home, homes_of, route


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("contact.queued", {"channel": "voice", "contact_id": "k"}, ("contacts.voice", "k")),
        ("message.sent", {"channel": "self-service", "contact_id": "k"}, ("contacts.self-service", "k")),
        ("customer.profile_changed", {"customer_id": "c"}, ("customers.profile", "c")),
        ("agent.state_changed", {"agent_id": "a"}, ("agents.state", "a")),
        ("alert.commanded", {"alert_id": "x"}, ("alert.commands", "x")),
    ],
)
def test_route(kind: str, data: dict[str, Any], expected: tuple[str, str]) -> None:
    assert route({"type": kind, "data": data}) == expected


@pytest.mark.parametrize("kind", ["replay.started", "contact.teleported"])
def test_what_has_no_topic_of_its_own_is_not_routed(kind: str) -> None:
    with pytest.raises(ValueError, match=f"{kind} has no topic of its own"):
        route({"type": kind, "data": {"channel": "voice", "contact_id": "k"}})


def test_every_event_but_markers_and_every_channel_has_a_home() -> None:
    markers = {"replay.started", "replay.progressed", "replay.ended"}
    assert (routing.homes().keys(), routing.MARKERS) == (EVENTS.keys() - markers, markers)
    assert routing.channels() == {channel: f"contacts.{channel}" for channel in CHANNELS}
    assert routing.homes()["contact.queued"] == Home(None, "contact_id")


def test_every_example_lies_where_it_is_routed() -> None:
    for spec in topics().values():
        for example in spec.examples if spec.direction == "input" else ():
            if example.value["type"] not in routing.MARKERS:
                assert route(example.value) == (spec.topic, example.key)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"channel": None}, "contacts.voice carries contact.initiated, and so does another topic"),
        (
            {"key": "the contact"},
            r"contacts.voice: key must be \{data.<field>\}, one field of the data, got the contact",
        ),
        ({"key": "{data.queue}|{data.contact_id}"}, "contacts.voice: key must be"),
    ],
)
def test_topics_that_do_not_tell_are_refused(change: dict[str, Any], told: str) -> None:
    specs = {name: topics()[name] for name in ("contacts.chat", "contacts.voice")}
    specs["contacts.voice"] = specs["contacts.voice"].model_copy(update=change)
    with pytest.raises(RegistryError, match=told):
        homes_of(specs)
