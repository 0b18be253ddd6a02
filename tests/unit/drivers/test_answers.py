"""What is read of ``contact.quality``: the last record of a contact, and of it numbers alone."""

import json
from typing import Any

import numpy as np
import pytest

from streams.base.times import to_ms
from streams.drivers import answers
from streams.drivers.answers import Answers, Book, TooMany, has

DAY = to_ms("2026-03-02T00:00:00Z")


def record(contact: str = "c1", **more: Any) -> bytes:
    told = {
        "contact_id": contact, "customer_id": "1", "line": "", "channel": "voice", "queue": "cards", "tier": "gold",
        "service_type": None, "began_at": "2026-03-02T09:00:00.000Z", "ended_at": None, "status": "open", "revision": 1,
        "business": {"score": 0.5, "evidence": [{"what": "solved"}]}, "human": {"score": None, "evidence": []},
        "hidden": None, "behaviours": {"apologises": True, "greets": False, "stays": None}, "csat": 4, "nps": None,
        "ces": 3,
    }  # fmt: skip
    return json.dumps(told | more).encode()


def read(*values: bytes | tuple[bytes, bytes | None]) -> Book:
    book = Book(DAY, DAY + 86_400_000)
    for number, value in enumerate(values):
        key, told = value if isinstance(value, tuple) else (None, value)
        book.take(key, told, f"line {number}")
    return book


def said(found: Answers, name: str = "csat") -> list[float]:
    return found.rows[name].tolist()  # type: ignore[no-any-return]


def test_a_record_as_numbers() -> None:
    found = read(record()).answers()
    row = found.rows[0]
    assert {name: found.names[name][row[name]] for name in found.names} == {
        "service_type": "none",
        "tier": "gold",
        "channel": "voice",
    }
    assert (row["business"], row["csat"]) == (0.5, 4)
    assert np.isnan([row["human"], row["hidden"], row["nps"]]).all()
    assert dict.fromkeys(found.behaviours) == {"apologises": None, "greets": None}
    assert [(has(found.rows, "told", bit)[0], has(found.rows, "shown", bit)[0]) for bit in (0, 1)] == [
        (True, True),
        (True, False),
    ]


def test_the_last_record_of_a_contact_counts() -> None:
    assert said(read(record(csat=1), record("c2", csat=2), record(csat=5)).answers()) == [5, 2]
    assert said(read(record(csat=1), record(csat=None)).answers()) == []
    assert said(read((b"k", record(csat=1)), (b"k", None)).answers()) == []
    assert said(read((b"k", record(csat=1)), (b"k", record(csat=2, began_at="2026-03-01T09:00:00Z"))).answers()) == []
    assert said(read(record(csat=1), record(channel="chat", csat=2)).answers()) == [1, 2]


def test_codes_do_not_depend_on_which_record_came_first() -> None:
    values = [record("a", channel="voice"), record("b", channel="chat"), record("c", channel="email", tier="a")]
    one, two = read(*values).answers(), read(*values[::-1]).answers()
    assert one.names == two.names
    assert one.names["channel"] == ("chat", "email", "voice")
    assert one.rows["channel"].tolist() == two.rows["channel"].tolist()[::-1] == [2, 0, 1]
    assert one.rows["tier"].tolist() == [1, 1, 0]


def test_other_lines_and_days_are_not_read() -> None:
    early, late = record(began_at="2026-03-01T23:59:59.999Z"), record("c2", began_at="2026-03-03T00:00:00Z")
    book = read(early, late, record("c3", line="week-5"), record("c4", csat=3))
    assert said(book.answers()) == [3]
    assert book.lines == {"", "week-5"}
    assert book.contacts == 1


def test_whoever_is_not_known_is_a_customer_each() -> None:
    found = read(record("a"), record("b"), record("c", customer_id=None), record("d", customer_id=None)).answers()
    assert found.rows["customer"].tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (record(business={"score": 1.2}), "`float` <= 1.0 - at `$.business.score`"),
        (record(nps=11), "`float` <= 10.0 - at `$.nps`"),
        (record(began_at="today"), "Invalid isoformat string"),
        (record(began_at="2026-03-02T09:00:00"), "has no zone"),
        (record(behaviours={"apologises": "yes"}), "Expected `bool | null`"),
        (b"\xff", "malformed"),
    ],
)
def test_what_cannot_be_read_is_told_and_costs_nothing_else(value: bytes, why: str) -> None:
    book = read((b"1", record(csat=2)), (b"2", value), (b"3", value), (b"4", value), (b"5", value))
    assert said(book.answers()) == [2]
    assert book.faulty == 4
    assert len(book.faults) == 3
    assert book.faults[0].startswith("line 1: ")
    assert why in book.faults[0]


def test_what_was_said_before_does_not_stand_for_a_record_that_cannot_be_read() -> None:
    assert said(read((b"1", record(csat=2)), (b"1", b"{")).answers()) == []


def test_more_than_can_be_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooMany, match="more than 64 behaviours"):
        read(record(behaviours={f"b{number}": True for number in range(65)}))
    read(record(behaviours={f"b{number}": True for number in range(64)}))
    monkeypatch.setattr(answers, "MAX_ANSWERS", 2)
    with pytest.raises(TooMany, match="more than 2 contacts were answered for; take a shorter span"):
        read(record("a"), record("b"), record("c"))
