"""The mapping in the documentation works."""

import re
from pathlib import Path

from streams.replay.mapping import parse_mapping
from streams.replay.reader import read_log

from .bank import story

PAGE = Path(__file__).parents[3] / "docs" / "replay.md"


def test_the_example(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    path = tmp_path / "acme.csv"
    path.write_text(
        "id;phone;start;queue_s;result;talk_s\n"
        "1;+49301234567;05.01.2026 10:00:00;30;OK;60\n"
        "2;anonymous;05.01.2026 10:10:00;0;OK;60\n"
        "3;anonymous;05.01.2026 10:20:00;45;LOST;\n"
        "4;anonymous;05.01.2026 10:30:00;0;TEST;\n"
    )
    found = read_log(path, parse_mapping(example[1], "acme.yaml"))
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
