"""Where the end of batches raises whatever the batch, time stands: what the records did is kept all the same."""

import base64
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from streams.base.records import Facts
from streams.pipeline.ingest import Ingest
from streams.pipeline.measure import Measure
from streams.pipeline.track import Track
from tests.support.deadlines import first_of
from tests.support.kpi_facts import leg
from tests.support.offline import NOW, fetched, hops, the_ingest
from tests.support.records import record
from tests.support.system import event
from tests.support.waits import MINUTE, at, tracked


def fails(*_: Any) -> None:
    raise ZeroDivisionError("our own fault")


def test_ids_are_known_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    task = the_ingest()
    first, second = (event("contact.initiated", name, NOW / 1000) for name in ("c1", "c2"))
    with monkeypatch.context() as patch:
        patch.setattr(Ingest, "_forget_replays", fails)
        for offset, some in enumerate(([first], [first, second], [second])):
            task.batch(fetched(some, offset * 2))
            assert isinstance(task.task.unfinished, ZeroDivisionError)
    task.restart()
    task.batch(fetched([first, second], 6))
    assert task.task.unfinished is None
    assert [value["id"] for value in task.on("contact.normalised")] == [first["id"], second["id"]]
    assert task.on("contacts.dead-letters") == []


def test_rows_say_when_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Track, "close", fails)
        _, task = tracked(2)
        assert isinstance(task.task.unfinished, ZeroDivisionError)
        assert [first_of(row.due) for row in task.tables["customers"].values()] == [{"": NOW + MINUTE - 1}] * 2
        assert not (task.processor.touched or task.processor.changed)
    task.restart()
    task.batch([at("contact.interactions", NOW + 2 * MINUTE)])
    assert [alert["status"] for alert in task.on("alerts")] == ["firing"] * 2


def test_facts_are_counted_and_none_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Measure, "close", fails)
    task = hops()["measure"]
    facts = [
        record(topic="contact.measurements", offset=n, value=msgspec.json.encode(leg(f"{n}", n, None)[0]))
        for n in (0, 1)
    ]
    for one in facts:
        task.batch([one])
    assert isinstance(task.task.unfinished, ZeroDivisionError)
    assert (len(task.tables["legs"]), task.processor.counted) == (2, set())


def test_what_cannot_be_kept_either_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Track, "close", fails)
    monkeypatch.setattr(Track, "_schedule", fails)
    _, task = tracked(2)
    assert len(task.tables["customers"]) == 2
    assert "what its batch noted beside the tables is lost (ZeroDivisionError)" in caplog.text


@pytest.mark.parametrize("group", ["", "channel+tier"])
def test_of_facts_in_one_record_those_that_cannot_be_counted_are_dead_letters_and_the_others_count(group: str) -> None:
    task = hops()["measure"]
    opened, closed = leg("a", 0, 9)
    wrong = replace(closed, entered=None)
    value = msgspec.json.encode(Facts((opened, wrong, closed, wrong), group))
    task.batch([record(topic="contact.measurements", offset=0, value=value)])
    (left,) = task.tables["legs"].values()
    assert (left.opened, len(left.closed)) == (1, 1)
    (letter,) = [value for topic, _, value in task.sent if topic == "contacts.dead-letters"]
    assert letter["message"] == "ValueError: leg_closed 'a' does not say when the leg was entered"
    assert msgspec.json.decode(base64.b64decode(letter["payload"]), type=Facts) == Facts((wrong, wrong), group)
