"""The mapping in the documentation works."""

import re
from pathlib import Path
from typing import get_args

from streams.replay.mapping import parse_mapping
from streams.replay.model import (
    Column,
    Condition,
    Contact,
    EventRule,
    FileFormat,
    Kind,
    Lookup,
    Mapping,
    Moment,
)
from streams.replay.reader import read_log
from tests.unit.replay.bank import story

BLOCKS = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
PAGE = Path(__file__).parents[3] / "docs" / "replay.md"


def test_the_example(tmp_path: Path) -> None:
    example = BLOCKS.findall(PAGE.read_text())[0]
    path = tmp_path / "acme.csv"
    path.write_text(
        "id;phone;start;queue_s;result;talk_s\n"
        "1;+49301234567;05.01.2026 10:00:00;30;OK;60\n"
        "2;anonymous;05.01.2026 10:10:00;0;OK;60\n"
        "3;anonymous;05.01.2026 10:20:00;45;LOST;\n"
        "4;anonymous;05.01.2026 10:30:00;0;TEST;\n"
    )
    found = read_log(path, parse_mapping(example, "acme.yaml"))
    assert (found.rows, dict(found.left_out), found.unreadable) == (4, {"test call": 1}, 0)
    assert [(moment[11:], kind) for moment, kind in story(found)] == [
        ("09:00:00", "contact.initiated"),
        ("09:00:00", "contact.queued"),
        ("09:00:30", "contact.connected"),
        ("09:01:30", "contact.ended"),
        ("09:10:00", "contact.initiated"),
        ("09:10:00", "contact.connected"),
        ("09:11:00", "contact.ended"),
        ("09:20:00", "contact.initiated"),
        ("09:20:00", "contact.queued"),
        ("09:20:45", "contact.ended"),
    ]


def test_the_example_with_a_row_for_each_leg(tmp_path: Path) -> None:
    contact_and_events = BLOCKS.findall(PAGE.read_text())[1]
    head = (
        "name: acme\nsource: urn:call-log:acme\ntime_zone: UTC\n"
        "columns: {call_id: text, queue: text, start: datetime, wait: seconds, talk: seconds, result: text, agent: text}\n"
        "times: {began: {first: [start]}, left: {first: [began + wait]}, over: {first: [left + talk, left]}}\n"
    )
    path = tmp_path / "acme.csv"
    path.write_text(
        "call_id,queue,start,wait,talk,result,agent\n"
        "1,sales,2026-01-05 10:00:00,30,60,OK,ann\n"
        "1,second,2026-01-05 10:01:30,10,5:00,OK,bob\n"
    )
    found = read_log(path, parse_mapping(head + contact_and_events, "acme.yaml"))
    assert [(moment[11:], kind) for moment, kind in story(found)] == [
        ("10:00:00", "contact.initiated"),
        ("10:00:00", "contact.queued"),
        ("10:00:30", "contact.connected"),
        ("10:01:30", "contact.transferred"),
        ("10:01:30", "contact.queued"),
        ("10:01:40", "contact.connected"),
        ("10:06:40", "contact.ended"),
    ]


def test_every_key_of_a_mapping_is_described() -> None:
    text = PAGE.read_text()
    models = (Mapping, FileFormat, Column, Contact, Condition, Moment, EventRule, Lookup)
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()} - {"digest"}
    assert [key for key in sorted(keys) if not re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", text)] == []
    assert [kind for kind in get_args(Kind) if f"`{kind}`" not in text] == []
