"""What providers tell: types, words and sums beyond the course of a call."""

from typing import Any

import pytest

from schemas.events import check, parse
from tests.support.contract import CHANNELS, event, without

WRONG: list[tuple[dict[str, Any], str, str, str | None]] = [
    *(
        (event(f"data.{field}", value, type_=type_, by="agent"), "wrong-type", f"data.{field}", f"data.{field} {said}")
        for type_ in ("contact.ended", "contact.wrapped_up")
        for field in ("talk_ms", "hold_ms")
        for value, said in [
            (31_622_400_001, "must be 31622400000 or less"),
            (-1, "must be 0 or more"),
            (1.5, "must be a whole number, written without a decimal point, got a number"),
        ]
    ),
    # words of closed lists, and what belongs to them
    (
        event("data.by", "peer", type_="contact.ended"),
        "wrong-type",
        "data.by",
        "data.by must be 'customer', 'agent', 'system', 'bot' or 'unknown', got \"peer\"",
    ),
    (event("data.cause", "busy", type_="contact.missed", agent_id="a"), "wrong-type", "data.cause", None),
    (event("data.reason", "overflow", type_="contact.left_queue"), "wrong-type", "data.reason", None),
    (without("data.queue") | {"type": "contact.left_queue"}, "missing-field", "data.queue", None),
    (without("data.queue") | {"type": "contact.turned_away"}, "missing-field", "data.queue", None),
    (event(type_="message.changed", change="read"), "missing-field", "data.message_id", None),
    (event(type_="message.changed", message_id="m", change="seen"), "wrong-type", "data.change", None),
    (
        event("timebasis", "guessed"),
        "wrong-type",
        "timebasis",
        "timebasis must be 'event' or 'received', got \"guessed\"",
    ),
    (
        event(type_="feedback.given", metric="csat", score=1, scale="1-10"),
        "wrong-type",
        "data.scale",
        "data.scale must be '1-5', '0-10', '1-7' or 'good-bad', got \"1-10\"",
    ),
    *(
        (
            event("data.capacity", capacity, type_="agent.state_changed", agent_id="a", state="busy"),
            reason,
            path,
            said,
        )
        for capacity, reason, path, said in [
            (
                {"Voice": {"free": 0, "of": 1}},
                "wrong-type",
                "data.capacity",
                f'a name in data.capacity must be {CHANNELS}, got "Voice"',
            ),
            ({"voice": {"free": 1}}, "missing-field", "data.capacity.voice.of", None),
            ({"voice": 2}, "wrong-type", "data.capacity.voice", None),
            ({"voice": {"free": -1, "of": 1}}, "wrong-type", "data.capacity.voice.free", None),
            (
                {str(n): {} for n in range(90_000)},
                "wrong-type",
                "data.capacity",
                "data.capacity must have at most 1000 entries, got 90000",
            ),
        ]
    ),
]


@pytest.mark.parametrize(("value", "reason", "path", "message"), WRONG)
def test_what_is_wrong_is_said_with_reason_and_path(
    value: dict[str, Any], reason: str, path: str, message: str | None
) -> None:
    problem = check(value)
    assert problem is not None
    assert (problem.reason, problem.path) == (reason, path)
    assert message is None or problem.message == message


@pytest.mark.parametrize(
    "value",
    [
        event("subject", "s" * 5000 + "\x00"),
        event("datacontenttype", "a/b; " + "x" * 500),
        event("timebasis", None),
        event("timebasis", "received"),
        event("data.channel", "ticket"),
        event("data.channel", "task"),
        event(type_="contact.initiated", continues="call-0"),
        event(type_="contact.reopened"),
        event(type_="contact.reopened", by="customer", reason="not solved"),
        event(type_="contact.left_queue", reason="key", key="1"),
        event(type_="contact.turned_away", reason="no-agents"),
        event("data.queue", None, type_="contact.assigned", agent_id="a"),
        event("data.queue", None, type_="contact.assigned", agent_id=None),
        event(type_="contact.missed", agent_id="a", cause="rescinded", reason="taken by another"),
        event(type_="contact.transferred", to_external="+442079460199"),
        event(type_="contact.wrapped_up", talk_ms=0, hold_ms=31_622_400_000),
        event(type_="contact.ended", by="unknown", talk_ms=1, hold_ms=None),
        event(type_="contact.ended", by="system", reason="abandoned"),
        event(type_="message.sent", direction="inbound", author="customer", message_id="wamid.1"),
        event(type_="message.changed", message_id="wamid.1", change="edited", text="x" * 100_000),
        event(type_="feedback.given", metric="csat", score=0, scale="good-bad"),
        event(
            "data.capacity",
            {"chat": {"free": 0, "of": 3}, "task": {"free": 2, "of": 2}},
            type_="agent.state_changed",
            agent_id="a",
            state="busy",
        ),
    ],
)
def test_what_providers_tell_fits(value: dict[str, Any]) -> None:
    assert check(value) is None


def test_what_they_leave_out_has_a_word() -> None:
    assert parse(event(type_="contact.reopened")).data.by == "unknown"
    assert parse(event(type_="contact.left_queue")).data.reason == "other"
    assert parse(event(type_="contact.turned_away")).data.reason == "other"
    assert parse(event(type_="contact.missed", agent_id="a")).data.cause is None
    assert parse(event(type_="feedback.given", metric="csat", score=1)).data.scale is None
    assert parse(event()).timebasis is None
