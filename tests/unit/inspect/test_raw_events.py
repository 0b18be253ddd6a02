"""What is read of a recording, and what is left out."""

from pathlib import Path

import orjson

from streams.inspect.raw_events import TOPICS, of_file
from tests.support.ruling import applied

CALL = {
    "specversion": "1.0", "id": "e1", "source": "/pbx", "type": "contact.queued", "time": "2026-03-02T10:00:00Z",
    "data": {"contact_id": "c1", "channel": "voice", "queue": "cards"},
}  # fmt: skip


def test_rules_that_were_applied_and_what_people_said_of_alerts_are_left_out(tmp_path: Path) -> None:
    """A backtest goes by the rules that it is asked about."""
    assert not [topic for topic in TOPICS if topic.startswith("alert.")]
    assert {"contacts.voice", "customers.profile", "identity.commands"} <= set(TOPICS)
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, (applied("rules: []", 1), CALL, applied("rules: []", 2)))))
    found, _ = of_file(file, "", None, 2**62)
    assert [(each.topic, each.key) for each in found] == [("contacts.voice", b"c1")]
