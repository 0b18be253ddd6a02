"""Binary mode, and values nobody thought of."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.envelope import from_binary, is_binary
from schemas.events import check, parse
from schemas.registry import topics

QUEUED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "call-1-2",
    "source": "/telephony/site-1",
    "type": "contact.queued",
    "time": "2026-03-02T09:15:04.120Z",
    "data": {"contact_id": "call-1", "channel": "voice", "queue": "cards"},
}


def test_binary_mode() -> None:
    headers: list[tuple[str, bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"call-1-2"),
        ("ce_source", "/telephony/süd".encode()),
        ("ce_type", b"contact.queued"),
        ("ce_time", b"2026-03-02T09:15:04.120Z"),
        ("ce_subject", None),
        ("content-type", b"application/json"),
        ("traceparent", b"00-1"),
    ]
    assert is_binary(headers)
    found = from_binary(headers, QUEUED["data"])
    assert found == {**QUEUED, "source": "/telephony/süd", "datacontenttype": "application/json"}
    assert check(found) is None


def test_binary_mode_with_bad_headers_is_reported_not_raised() -> None:
    found = from_binary(
        [("ce_specversion", b"1.0"), ("ce_type", b"contact.queued"), ("ce_id", b"\xff")], QUEUED["data"]
    )
    problem = check(found)
    assert problem is not None
    assert (problem.reason, problem.path) == ("wrong-type", "id")
    assert check(from_binary([], {})) is not None


def test_structured_mode_is_not_binary() -> None:
    assert not is_binary([])
    assert not is_binary([("content-type", b"application/json")])
    assert not is_binary([("ce_id", b"1"), ("content-type", b"application/cloudevents+json; charset=utf-8")])


json_text = st.text(st.characters(), max_size=20)  # lone surrogates too: json.loads lets them through
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | json_text,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(json_text, below, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_no_json_value_crashes_check(value: object) -> None:
    problem = check(value)
    assert problem is not None, "a made-up value is an event only by a miracle"
    problem.message.encode()


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in below:
        found += _paths(part, (*path, key))
    return found


EXAMPLES = [e.value for spec in topics().values() if spec.direction == "input" for e in spec.examples]


@settings(max_examples=300)
@given(st.data())
def test_no_mutilated_event_crashes_check(data: st.DataObject) -> None:
    value = copy.deepcopy(data.draw(st.sampled_from(EXAMPLES)))
    path = data.draw(st.sampled_from(_paths(value)[1:]))
    target: Any = value
    for step in path[:-1]:
        target = target[step]
    if data.draw(st.booleans()):
        target[path[-1]] = data.draw(json_values)
    elif isinstance(target, dict):
        target[data.draw(json_text)] = target.pop(path[-1])
    problem = check(value)
    if problem is None:
        parse(value)
    else:
        assert problem.message
        (problem.message + (problem.path or "")).encode()
