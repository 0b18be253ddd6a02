"""What is accepted as an event and what is said about everything else."""

import json
import math

import pytest
from pydantic import ValidationError

from schemas.events import check, parse, problem_of
from schemas.problems import dotted
from tests.support.contract import CHANNELS, event, without

NO_CONTROL = "must not contain control characters"
TIME = "must be an RFC 3339 time such as 2026-03-02T09:15:00.000Z"
NO_TIME = "time must be a time that exists, in RFC 3339 such as 2026-03-02T09:15:00.000Z"
EDGES = "must lie from 1970-01-01 to 2100-01-01 in UTC"
UNICODE = "must be valid Unicode, names included; half of a surrogate pair is not"


WRONG: list[tuple[object, str, str | None, str | None]] = [
    # the value as a whole, and its type
    (None, "wrong-type", None, "the value must be a JSON object, got null"),
    ([], "wrong-type", None, "the value must be a JSON object, got a list"),
    (3, "wrong-type", None, "the value must be a JSON object, got a number"),
    ({}, "missing-field", "type", "type is missing: it says what the rest means, for example contact.initiated"),
    (event("type", 5), "wrong-type", "type", "type must be a string, got a number"),
    (event("type", None), "wrong-type", "type", "type must be a string, got null"),
    (event("type", []), "wrong-type", "type", "type must be a string, got a list"),
    (
        event("type", "contact.qeued"),
        "unknown-type",
        "type",
        'type "contact.qeued" is not one we know; did you mean contact.queued?',
    ),
    *(
        (event("type", type_), "unknown-type", "type", f'type "{type_}" is not one we know; {hint}')
        for type_, hint in [
            ("contact.teleported", "the contract lists the types there are"),
            ("contact.finished", "the contract lists the types there are"),
            ("contact.end", "did you mean contact.ended?"),
            ("contact_queued", "did you mean contact.queued?"),
            ("queued", "did you mean contact.queued?"),
            ("feedback", "did you mean feedback.given?"),
        ]
    ),
    (
        event("type", "\ud800"),
        "unknown-type",
        "type",
        'type "\\ud800" is not one we know; the contract lists the types there are',
    ),
    # missing fields
    (without("id"), "missing-field", "id", None),
    (without("time"), "missing-field", "time", "time is missing: When it happened: RFC 3339 with a zone"),
    (without("data"), "missing-field", "data", "data is missing: What happened, by type"),
    (
        without("data.contact_id"),
        "missing-field",
        "data.contact_id",
        "data.contact_id is missing: The conversation this event belongs to; also the record's key",
    ),
    (without("data.queue"), "missing-field", "data.queue", None),
    (
        event(identifiers=[{"kind": "phone"}]),
        "missing-field",
        "data.identifiers[0].value",
        "data.identifiers[0].value is missing; it is required",
    ),
    # wrong types: nothing is turned into something else
    (event("specversion", "0.3"), "wrong-type", "specversion", "specversion must be '1.0', got \"0.3\""),
    (event("data", []), "wrong-type", "data", "data must be a JSON object, got a list"),
    (event("data.contact_id", 5), "wrong-type", "data.contact_id", "data.contact_id must be a string, got a number"),
    (event("id", True), "wrong-type", "id", "id must be a string, got true or false"),
    (
        event("data.priority", "2"),
        "wrong-type",
        "data.priority",
        "data.priority must be a whole number, written without a decimal point, got a string",
    ),
    (
        event("data.priority", True),
        "wrong-type",
        "data.priority",
        "data.priority must be a whole number, written without a decimal point, got true or false",
    ),
    (
        event("data.priority", 2.0),
        "wrong-type",
        "data.priority",
        "data.priority must be a whole number, written without a decimal point, got a number",
    ),
    (
        event("data.priority", 10**400),
        "wrong-type",
        "data.priority",
        "data.priority must be 9007199254740991 or less",
    ),
    (
        event(type_="contact.wrapped_up", duration_ms=1e30),  # what orjson makes of a one with thirty zeros
        "wrong-type",
        "data.duration_ms",
        "data.duration_ms is too large a number: at most 9007199254740991, written without a decimal point",
    ),
    (
        event(type_="article.viewed", article_id="a", helpful=1),
        "wrong-type",
        "data.helpful",
        "data.helpful must be true or false, got a number",
    ),
    # numbers
    *(
        (event(type_="feedback.given", metric="nps", score=score), "wrong-type", "data.score", f"data.score {words}")
        for score, words in [
            (math.nan, "must be a number; NaN and Infinity are none"),
            (math.inf, "must be a number; NaN and Infinity are none"),
            (-math.inf, "must be a number; NaN and Infinity are none"),
            (10**400, "is too large a number"),
            (-1, "must be 0 or more"),
            (101, "must be 100 or less"),
            ("9", "must be a number, got a string"),
            (True, "must be a number, got true or false"),
        ]
    ),
    (
        event(type_="message.sent", direction="inbound", author="customer", sentiment=1.01),
        "wrong-type",
        "data.sentiment",
        "data.sentiment must be 1 or less",
    ),
    # values that are not allowed
    (
        event("data.channel", "fax"),
        "wrong-type",
        "data.channel",
        f'data.channel must be {CHANNELS}, got "fax"',
    ),
    (
        event(identifiers=[*[{"kind": "phone", "value": "1"}] * 3, {"kind": "fax", "value": "1"}]),
        "wrong-type",
        "data.identifiers[3].kind",
        None,
    ),
    (event("replayid", "Week 1"), "wrong-type", "replayid", None),
    (
        event("replayid", "live"),
        "wrong-type",
        "replayid",
        "replayid must not be all or live: commands ask for lines by these words",
    ),
    (
        event("replayid", "all"),
        "wrong-type",
        "replayid",
        "replayid must not be all or live: commands ask for lines by these words",
    ),
    # times
    (event("time", 1_772_442_904), "wrong-type", "time", "time must be a string, got a number"),
    (event("time", "1772442904"), "wrong-type", "time", f"time {TIME}"),
    (event("time", "2026-03-02"), "wrong-type", "time", f"time {TIME}"),
    (
        event("time", "2026-03-02T09:15:04"),
        "wrong-type",
        "time",
        "time must carry a time zone: end it with Z or an offset such as +01:00",
    ),
    (
        event("time", "2026-02-30T09:15:04Z"),
        "wrong-type",
        "time",
        f"{NO_TIME}: day value is outside expected range",
    ),
    # times and durations have edges, in UTC
    *(
        (event("time", text), "wrong-type", "time", f"time {EDGES}")
        for text in (
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T13:59:59+14:00",
            "2100-01-01T00:00:00.001z",
            "2099-12-31t10:00:01-14:00",
        )
    ),
    (event("time", "2016-12-31T23:59:60Z"), "wrong-type", "time", None),
    *(
        (event(f"data.{field}", text, type_=type_, **more), "wrong-type", f"data.{field}", f"data.{field} {EDGES}")
        for type_, field, more in [
            ("contact.callback_requested", "scheduled_for", {}),
            ("alert.commanded", "until", {"alert_id": "a", "action": "snooze"}),
        ]
        for text in ("0001-01-01T00:00:00+14:00", "2100-01-01T00:00:00.001Z")
    ),
    (
        event("data.duration_ms", 604_800_001, type_="contact.wrapped_up"),
        "wrong-type",
        "data.duration_ms",
        "data.duration_ms must be 604800000 or less",
    ),
    (
        event("data.duration_ms", -1, type_="contact.wrapped_up"),
        "wrong-type",
        "data.duration_ms",
        "data.duration_ms must be 0 or more",
    ),
    # limits
    (event("data.contact_id", ""), "wrong-type", "data.contact_id", "data.contact_id must not be empty"),
    (event("source", "s" * 201), "wrong-type", "source", "source must have at most 200 characters, got 201"),
    (event("data.customer_id", "c" * 201), "wrong-type", "data.customer_id", None),
    (
        event(identifiers=[{"kind": "email", "value": f"a{n}@example.com"} for n in range(10_000)]),
        "wrong-type",
        "data.identifiers",
        "data.identifiers must have at most 50 entries, got 10000",
    ),
    (
        event(type_="message.sent", direction="inbound", author="customer", text="x" * 100_001),
        "wrong-type",
        "data.text",
        "data.text must have at most 100000 characters, got 100001",
    ),
    # characters
    (event("id", "a\x00b"), "wrong-type", "id", f"id {NO_CONTROL}"),
    (event("data.contact_id", "a\x1b[31m"), "wrong-type", "data.contact_id", f"data.contact_id {NO_CONTROL}"),
    (event("data.queue", "cards\x7f"), "wrong-type", "data.queue", f"data.queue {NO_CONTROL}"),
    *(
        (event(field, f"ca{character}rds"), "wrong-type", field, f"{field} {NO_CONTROL}")
        for field in ("data.queue", "data.tier", "data.contact_id", "data.skill", "source")
        for character in "\x80\x85\x9b\x9f\u2028\u2029\u202a\u202e\u2066\u2069"
    ),
    (
        event(identifiers=[{"kind": "phone", "value": "\x07"}]),
        "wrong-type",
        "data.identifiers[0].value",
        f"data.identifiers[0].value {NO_CONTROL}",
    ),
    (event("data.contact_id", "\ud800"), "wrong-type", "data.contact_id", f"data.contact_id {UNICODE}"),
    (event("data.\udfff", 1), "wrong-type", "data", f"data {UNICODE}"),
    # several at once: the first one, and how many more
    (
        event("id", "", queue="", tier=7),
        "wrong-type",
        "id",
        "id must not be empty (and 2 more problems)",
    ),
    (
        event("data.consent", {"e-mail": "yes"}, type_="customer.profile_changed", customer_id="c"),
        "wrong-type",
        'data.consent["e-mail"]',
        'data.consent["e-mail"] must be true or false, got a string',
    ),
    *(
        (
            event(f"data.{field}", value, type_="customer.profile_changed", customer_id="c"),
            "wrong-type",
            f"data.{field}",
            f"data.{field} must have at most {limit}",
        )
        for field, value, limit in [
            ("preferences", {str(n): n for n in range(1001)}, "1000 values"),
            ("preferences", {"lists": [[0] * 100] * 11}, "1000 values"),
            ("preferences", {"p": "x" * 65_536}, "65536 characters in its names and texts"),
            ("preferences", {"x" * 65_537: None}, "65536 characters in its names and texts"),
            ("preferences", {"lists": json.loads("[" * 8 + "]" * 8)}, "8 objects or lists inside each other"),
            ("consent", {"x" * 65_537: True}, "65536 characters in its names and texts"),
        ]
    ),
]


@pytest.mark.parametrize(("value", "reason", "path", "message"), WRONG)
def test_what_is_wrong_is_said_with_reason_and_path(
    value: object, reason: str, path: str | None, message: str | None
) -> None:
    problem = check(value)
    assert problem is not None
    assert (problem.reason, problem.path) == (reason, path)
    assert message is None or problem.message == message
    with pytest.raises(ValidationError) as caught:
        parse(value)
    assert problem_of(caught.value) == problem


def test_a_message_never_repeats_what_may_name_a_person() -> None:
    secret = "+442079460123" + "\x00"
    for value in (
        event("data.customer_id", secret),
        event(identifiers=[{"kind": "phone", "value": secret}]),
        event("time", secret),
    ):
        problem = check(value)
        assert problem is not None
        assert "7946" not in problem.message


def test_paths() -> None:
    assert dotted(()) is None
    assert dotted(("data", "identifiers", 3, "kind")) == "data.identifiers[3].kind"
    assert dotted((2, "x")) == "[2].x"
    assert dotted(("data", 'a"\ud800\n')) == """data["a'\\ud800\\n"]"""
    assert dotted(("data", "k" * 100)) == 'data["' + "k" * 60 + '…"]'
