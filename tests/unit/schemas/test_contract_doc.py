"""The guide for connector authors says what the models say."""

import json
import re
from pathlib import Path

import pytest

import schemas
from schemas.data import ContactData
from schemas.events import EVENTS, check
from schemas.fields import Model
from schemas.registry import topics

GUIDE = (Path(schemas.__file__).parents[1] / "docs" / "contract.md").read_text(encoding="utf-8")
ROWS = {row.split("|")[1].strip().strip("`"): row for row in GUIDE.splitlines()[::-1] if row.startswith("| `")}
"""The first row of each name: the last one of a type is that of the order of events."""


@pytest.mark.parametrize("type_", sorted(EVENTS))
def test_every_type_is_listed_with_its_fields(type_: str) -> None:
    data = EVENTS[type_].model_fields["data"].annotation
    assert isinstance(data, type)
    assert issubclass(data, Model)
    common = ContactData.model_fields if issubclass(data, ContactData) else {}
    row = ROWS.get(type_, "")
    for name, field in data.model_fields.items():
        if name not in common:
            assert (f"**`{name}`**" if field.is_required() else f"`{name}`: ") in row, (
                f"{type_}: {name} is not in its row"
            )
        elif field.is_required() and not common[name].is_required():
            assert f"**`{name}`**" in row, f"{type_}: {name} is required here"
    for name in re.findall(r"`(\w+)`\*{0,2}: ", row):
        assert name in data.model_fields, f"{type_} has no {name}"


def test_every_public_topic_is_named() -> None:
    assert [name for name in topics() if f"`{name}`" not in GUIDE] == []


def test_the_example_is_an_event() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert check(json.loads(example)) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"data": {"contact_id": "c", "channel": "voice"}}, "missing-field"),
        ({"data": {"contact_id": 5, "channel": "voice", "queue": "q"}}, "wrong-type"),
        ({"time": "2026-03-02T09:15:04"}, "wrong-type"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "wrong-type"),
        (
            {
                "data": {
                    "contact_id": "c",
                    "channel": "voice",
                    "queue": "q",
                    "identifiers": [*[{"kind": "phone", "value": "1"}] * 3, {"kind": "fax", "value": "1"}],
                }
            },
            "wrong-type",
        ),
        ({"type": "contact.qeued"}, "unknown-type"),
    ],
)
def test_the_messages_quoted_are_the_messages_given(change: dict[str, object], told: str) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    problem = check({**json.loads(example), **change})
    assert problem is not None
    assert problem.reason == told
    assert f"| `{problem.path}` | {problem.message} |" in GUIDE
