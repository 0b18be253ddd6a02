"""Whatever is in a mapping or in a cell: it is used, or refused with a sentence."""

import copy
import csv
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import check
from streams.replay.errors import MappingError
from streams.replay.mapping import parse_mapping
from streams.replay.reader import read_log

MAPPING = """\
name: calls
source: urn:call-log:calls
time_zone: Europe/Berlin
skew: 2 s
file: {delimiter: ";", quote: '"', escape: "\\\\", decimal: ","}
columns:
  id: text
  phone: {absent: [unknown]}
  start: {kind: datetime, format: ["%d.%m.%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]}
  day: date
  clock: {kind: time, format: "%H:%M"}
  wait: seconds
  talk: milliseconds
  score: {kind: number, absent: ["-"]}
  urgent: {kind: boolean, is_true: [J], is_false: ["N"]}
contact:
  id: "c-{id}"
  channel: voice
  queue: {column: phone, values: {a: first, b: second}}
  identifiers: {phone: "{phone}"}
  join: true
leave_out: {test: {phone: [test, probe]}}
times:
  began: {first: [start]}
  queued: {near: began, date: day, first: [clock, began]}
  left: {first: [began + wait, began + talk]}
events:
  - {type: contact.initiated, at: began}
  - {type: contact.queued, at: queued, when: {clock: {present: true}}, data: {queue: main, priority: 1}}
  - {type: contact.transferred, at: left, row: not last, data: {to_queue: "q-{phone}"}}
  - {type: contact.wrapped_up, at: left, data: {duration_ms: "{talk}", disposition: "{phone}"}}
  - {type: article.viewed, at: left, when: {urgent: {not: [N]}}, data: {article_id: "{id}", helpful: "{urgent}"}}
  - {type: contact.callback_requested, at: left, data: {scheduled_for: "{start}"}}
  - {type: contact.ended, at: left, data: {by: customer, reason: {column: phone, values: {a: completed}}}}
  - {type: feedback.given, at: left, when: {score: {present: true}}, data: {metric: csat, score: "{score}"}}
"""
VALUES: dict[str, Any] = yaml.safe_load(MAPPING)
ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, "", " ", "x", "{id}", "{x}", "{", "%Y", "%Q", "contact.ended", "began", "id", "score", "start", "first", "1:30", "Z" * 300,
     "a\x00b", "\ud83d\ude00", [], [""], ["id"], [None], {}, {"x": 1}, {"id": "x"}, {"column": "id", "values": {"a": None}}, {"present": True}]
).map(copy.deepcopy)  # fmt: skip
CELLS = st.sampled_from(
    ["", "-", "1", "0", "-5", "a", "b", "test", "unknown", "J", "N", "n", "12,5", "1.234", "3:25", "PT5S", "5 s", "nan", "9" * 30, "x" * 300, "\x07", "\u202e",
     "04.03.2024 09:15:00", "04.03.2024 09:15:00,5", "2024-03-04T09:15:00Z", "2024-10-27T02:30:00+02:00", "01.01.1970 01:00:00", "31.12.9999 23:59:59",
     "01.01.0001 00:00:00", "2024-03-04", "0001-01-01", "9999-12-31", "09:15", "23:59", "24:00", '"', ";", "\\", "\n", "\ufeff", "é"]
) | st.text(st.characters(exclude_categories=("Cs",)), max_size=6)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in below:
        yield (*path, key)
        yield from places(each, (*path, key))


def refusal(text: str) -> str:
    """What is wrong with a mapping; empty when nothing is."""
    try:
        parse_mapping(text, "m.yaml")
    except MappingError as error:
        return str(error)
    return ""


@given(st.data())
def test_any_mapping_is_used_or_refused(data: st.DataObject) -> None:
    document = copy.deepcopy(VALUES)
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(list(places(document))))
        below: Any = document
        for step in path:
            below = below[step]
        if data.draw(st.booleans()):
            below[last] = data.draw(ODD)
        elif isinstance(below, dict):
            below["x" if data.draw(st.booleans()) else last] = below.pop(last)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    said = refusal(text)
    assert all(line.startswith(("m.yaml:", " ")) for line in said.splitlines()), said


@given(rows=st.lists(st.lists(CELLS, min_size=9, max_size=9), max_size=8), join=st.booleans())
def test_any_cell_is_used_or_costs_its_row(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], join: bool
) -> None:
    """And every event that is made is one that the contract takes."""
    path = tmp_path_factory.mktemp("cells") / "calls.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", escapechar="\\", doublequote=True)
        writer.writerow(VALUES["columns"])
        for number, row in enumerate(rows):
            row[0] = row[0] if number % 3 else "1"
            row[2] = row[2] if number % 2 else "04.03.2024 09:15:00"
            writer.writerow(row)
    log = read_log(
        path,
        parse_mapping(
            MAPPING if join else MAPPING.replace("join: true", "join: false").replace(", row: not last", ""), "m.yaml"
        ),
    )
    assert log.rows == log.replayed + log.left_out.total() + log.unreadable
    assert [check(event) for _, event in log.events("x")] == [None] * len(log.planned)
    assert [event.time for event in log.planned] == sorted(event.time for event in log.planned)
    ids = [event["id"] for _, event in log.events("x")]
    assert len(ids) == len(set(ids))
