"""Binary mode, and values nobody thought of."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.envelope import from_binary, is_binary
from schemas.events import check, parse
from schemas.fields import MAX_VALUES
from schemas.registry import topics
from tests.support.contract import QUEUED


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


@pytest.mark.parametrize(
    ("type_", "data", "said"),
    [
        (
            "customer.profile_changed",
            {"customer_id": "c", "consent": {f"purpose {n}": "yes" for n in range(90_000)}},
            "data.consent must have at most 1000 entries, got 90000",
        ),
        (
            "replay.ended",
            {"replay_id": "r", "topics": [], "counts": {"left_out": {f"reason {n}": "1" for n in range(70_000)}}},
            'data.counts.left_out["reason 0"] must be a whole number',
        ),
    ],
)
def test_not_every_one_of_very_many_wrong_entries_costs_a_finding(type_: str, data: object, said: str) -> None:
    event = {**QUEUED, "type": type_, "data": data}
    with pytest.raises(ValidationError) as refused:
        parse(event)
    assert refused.value.error_count() <= MAX_VALUES
    problem = check(event)
    assert problem is not None
    assert problem.message.startswith(said)


def test_rows_left_out_by_very_many_reasons_are_taken() -> None:
    left_out = {f"reason {n}": n for n in range(3 * MAX_VALUES + 1)}
    counts = parse(
        {**QUEUED, "type": "replay.ended", "data": {"replay_id": "r", "topics": [], "counts": {"left_out": left_out}}}
    ).data.counts
    assert counts.left_out == left_out


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
