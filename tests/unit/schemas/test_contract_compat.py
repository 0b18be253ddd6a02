"""Changes that break a connector or a subscriber are told from those that do not."""

import copy
from typing import Any

import pytest

from schemas.compat import breaks, compare
from schemas.export import json_schemas

OLD: dict[str, Any] = {
    "$defs": {
        "Part": {
            "type": "object",
            "properties": {
                "kind": {"enum": ["a", "b"], "type": "string"},
                "note": {"type": "string"},
            },
            "required": ["kind"],
        }
    },
    "type": "object",
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 10},
        "count": {"type": "integer", "minimum": 0},
        "score": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "mode": {"const": "x", "type": "string"},
        "way": {"enum": ["in", "out"], "type": "string", "default": "in"},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "by": {"type": "object", "additionalProperties": {"type": "integer"}},
        "on": {"type": "object", "propertyNames": {"enum": ["a", "b"]}, "additionalProperties": {"type": "integer"}},
    },
    "required": ["id", "mode", "count"],
}
CONNECTORS, SUBSCRIBERS = "that breaks connectors", "that breaks subscribers"


def changed(path: str, value: Any) -> dict[str, Any]:
    """The old schema with the entry at a path (slashes) set, or taken out with ``None``."""
    new = copy.deepcopy(OLD)
    *parents, name = path.split("/")
    target = new
    for parent in parents:
        target = target[parent]
    if value is None:
        del target[name]
    else:
        target[name] = value
    return new


def test_no_change_breaks_nobody() -> None:
    assert breaks(OLD, copy.deepcopy(OLD), "input") == []
    assert breaks(OLD, copy.deepcopy(OLD), "output") == []


def test_a_new_optional_field_breaks_nobody() -> None:
    new = changed("properties/extra", {"type": "string"})
    assert breaks(OLD, new, "input") == []
    assert breaks(OLD, new, "output") == []


# what is narrower breaks those who send, what is wider breaks those who read: each change one way and back
CASES = [
    ("required", ["id", "mode", "count", "way"], f"way becomes required: {CONNECTORS}", None),
    ("required", ["id", "mode"], None, f"count becomes optional: {SUBSCRIBERS}"),
    (
        "properties/score",
        {"type": "number", "default": None},
        f"score may no longer be null, only number: {CONNECTORS}",
        None,
    ),
    (
        "properties/score/anyOf",
        [{"type": "integer"}, {"type": "null"}],
        f"score may no longer be number, only integer or null: {CONNECTORS}",
        None,
    ),
    (
        "properties/count",
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]},
        None,
        f"count may now be string, it was integer: {SUBSCRIBERS}",
    ),
    (
        "properties/count/type",
        "string",
        f"count may no longer be integer, only string: {CONNECTORS}",
        f"count may now be string, it was integer: {SUBSCRIBERS}",
    ),
    ("properties/way/enum", ["in"], f"way may no longer be 'out': {CONNECTORS}", None),
    ("properties/way/enum", ["in", "out", "up"], None, f"way may now be 'up': {SUBSCRIBERS}"),
    ("properties/way/enum", None, None, f"way is any value: {SUBSCRIBERS}"),
    ("properties/way/default", "out", f"way has another default, 'out' instead of 'in': {CONNECTORS}", None),
    (
        "properties/mode/const",
        "y",
        f"mode may no longer be 'x': {CONNECTORS}",
        f"mode may now be 'y': {SUBSCRIBERS}",
    ),
    ("properties/id/maxLength", 5, f"id has another maxLength, 5 instead of 10: {CONNECTORS}", None),
    ("properties/id/maxLength", 20, None, f"id has another maxLength, 20 instead of 10: {SUBSCRIBERS}"),
    ("properties/id/minLength", None, None, f"id has another minLength, None instead of 1: {SUBSCRIBERS}"),
    ("properties/id/pattern", "^a", f"id has another pattern, ^a instead of None: {CONNECTORS}", None),
    (
        "properties/way",
        {"type": "string", "maxLength": 9, "pattern": "^[a-z]+$", "default": "in"},
        None,
        f"way is any value: {SUBSCRIBERS}",
    ),
    (
        "properties/way",
        {"type": "string", "maxLength": 2, "default": "in"},
        f"way has another maxLength, 2 instead of None: {CONNECTORS}",
        f"way is any value: {SUBSCRIBERS}",
    ),
    ("properties/parts", None, None, f"parts is removed: {SUBSCRIBERS}"),
    (
        "properties/parts/items",
        {"type": "string"},
        f"parts[] may no longer be object, only string: {CONNECTORS}",
        f"parts[] may now be string, it was object: {SUBSCRIBERS}",
    ),
    ("$defs/Part/required", ["kind", "note"], f"parts[].note becomes required: {CONNECTORS}", None),
    ("$defs/Part/properties/kind/enum", ["a", "b", "c"], None, f"parts[].kind may now be 'c': {SUBSCRIBERS}"),
    ("$defs/Part/properties/note", None, None, f"parts[].note is removed: {SUBSCRIBERS}"),
    (
        "properties/by/additionalProperties",
        {"type": "number"},
        None,
        f"by{{}} may now be number, it was integer: {SUBSCRIBERS}",
    ),
    ("properties/by/additionalProperties", True, None, f"by{{}} may now be anything: {SUBSCRIBERS}"),
    ("additionalProperties", False, f"{{}} refuses unknown fields: {CONNECTORS}", None),
    ("properties/on/propertyNames/enum", ["a"], f"on{{name}} may no longer be 'b': {CONNECTORS}", None),
    ("properties/on/propertyNames/enum", ["a", "b", "c"], None, f"on{{name}} may now be 'c': {SUBSCRIBERS}"),
    ("properties/on/propertyNames", None, None, f"on{{name}} may now be anything: {SUBSCRIBERS}"),
    (
        "properties/by/propertyNames",
        {"enum": ["a"]},
        f"by{{name}} may no longer be anything: {CONNECTORS}",
        None,
    ),
]


@pytest.mark.parametrize(("path", "value", "for_connectors", "for_subscribers"), CASES)
def test_each_change_breaks_whom_it_breaks(
    path: str, value: Any, for_connectors: str | None, for_subscribers: str | None
) -> None:
    new = changed(path, value)
    assert breaks(OLD, new, "input") == ([for_connectors] if for_connectors else [])
    assert breaks(OLD, new, "output") == ([for_subscribers] if for_subscribers else [])


def test_removed_types_and_topics() -> None:
    old = {"input/contact.held": OLD, "output/alerts": OLD, "internal/left": OLD}
    assert compare(old, {}) == [
        "input/contact.held is removed: connectors still send it",
        "output/alerts is removed: subscribers still read it",
        "internal/left is removed: connectors still send it",
    ]
    assert compare({}, old) == []


def test_the_real_contract_is_guarded() -> None:
    old = json_schemas()
    new = copy.deepcopy(old)
    new["input/contact.queued"]["$defs"]["ContactQueuedData"]["required"].append("skill")
    new["output/alerts"]["properties"]["state"]["enum"].append("snoozed")
    del new["output/journeys"]["$defs"]["JourneyContact"]["properties"]["wait_ms"]
    assert compare(old, new) == [
        f"input/contact.queued: data.skill becomes required: {CONNECTORS}",
        f"output/alerts: state may now be 'snoozed': {SUBSCRIBERS}",
        f"output/journeys: contacts[].wait_ms is removed: {SUBSCRIBERS}",
    ]


def with_a_word_more(part: Any, word: str, beside: str) -> Any:
    """A schema in which every list of values that holds the one word holds the other one too."""
    if isinstance(part, list):
        return [*(with_a_word_more(each, word, beside) for each in part), *([word] if beside in part else ())]
    if isinstance(part, dict):
        return {name: with_a_word_more(each, word, beside) for name, each in part.items()}
    return part


def test_a_new_channel_breaks_nobody() -> None:
    old = json_schemas()
    new = {name: with_a_word_more(schema, "video", "voice") for name, schema in old.items()}
    assert new["input/contact.queued"] != old["input/contact.queued"]
    assert compare(old, new) == []


def test_the_channels_of_a_journey_were_the_last_list_that_broke_subscribers() -> None:
    new = json_schemas()
    old = copy.deepcopy(new)
    channels = ["voice", "email", "chat", "messaging", "social", "self-service", "bot", "forum", "in-person"]
    old["output/journeys"]["properties"]["channels"]["items"]["enum"] = channels
    assert compare(old, new) == [f"output/journeys: channels[] is any value: {SUBSCRIBERS}"]
