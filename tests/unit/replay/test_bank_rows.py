"""What the bank's mapping makes of each kind of row, trap by trap. Local time is UTC + 2 h on 10 March 1999."""

from pathlib import Path

import pytest

from schemas.events import check
from streams.replay.mapping import load_mapping
from streams.replay.reader import read_log
from tests.unit.replay.bank import ABSENT, COLUMNS, log, row, story


def test_answered_after_queueing_follows_the_queue_time(tmp_path: Path) -> None:
    found = log(
        tmp_path,
        row(
            customer_id="555", priority="2", q_start="10:00:10", q_exit="10:09:59", q_time="30",
            ser_start="10:05:00", ser_exit="10:06:00", ser_time="60", server="ANNA",
        ),
    )  # fmt: skip
    assert story(found) == [
        ("1999-03-10T08:00:00", "contact.initiated"),
        ("1999-03-10T08:00:10", "contact.queued"),
        ("1999-03-10T08:00:40", "contact.connected"),
        ("1999-03-10T08:01:40", "contact.ended"),
    ]
    common = {
        "contact_id": "990310-XX0101-1", "channel": "voice", "queue": "PS", "customer_id": "555", "tier": "gold",
    }  # fmt: skip
    assert [event["data"] for _, event in found.events("x")] == [
        common,
        common,
        common | {"party": "human", "agent_id": "ANNA"},
        common | {"by": "customer", "reason": "completed"},
    ]


def test_envelope(tmp_path: Path) -> None:
    found = log(tmp_path, row(outcome="HANG"))
    events = [event for _, event in found.events("week-1")]
    assert events[0] == {
        "specversion": "1.0",
        "id": "990310-XX0101-1:contact.initiated",
        "source": "urn:call-log:bank",
        "type": "contact.initiated",
        "time": "1999-03-10T08:00:00.000Z",
        "subject": "990310-XX0101-1",
        "datacontenttype": "application/json",
        "replayid": "week-1",
        "data": {"contact_id": "990310-XX0101-1", "channel": "voice", "queue": "PS"},
    }
    assert [check(event) for event in events] == [None, None]


@pytest.mark.parametrize(
    ("given", "connected", "ended"),
    [
        ({"ser_start": "10:00:12", "ser_time": "60"}, "08:00:12", "08:01:12"),
        ({"ser_start": "10:00:12", "ser_time": "0"}, "08:00:12", "08:00:12"),
        ({"ser_start": ABSENT, "ser_time": "60"}, "08:00:10", "08:01:10"),
        ({"ser_start": ABSENT, "vru_exit": ABSENT, "ser_time": "60"}, "08:00:00", "08:01:00"),
        ({"q_start": "10:00:15", "q_time": "0", "ser_start": "10:00:12", "ser_time": "5"}, "08:00:12", "08:00:17"),
    ],
    ids=["service start", "no service time", "no service start", "no menu exit", "queue start without queue time"],
)
def test_answered_without_queueing(tmp_path: Path, given: dict[str, str], connected: str, ended: str) -> None:
    assert story(log(tmp_path, row(**given))) == [
        ("1999-03-10T08:00:00", "contact.initiated"),
        (f"1999-03-10T{connected}", "contact.connected"),
        (f"1999-03-10T{ended}", "contact.ended"),
    ]


@pytest.mark.parametrize(
    ("given", "queued", "ended"),
    [
        ({"q_start": "10:00:12", "q_exit": "10:01:00", "q_time": "20"}, "08:00:12", "08:00:32"),
        ({"q_start": ABSENT, "q_time": "20"}, "08:00:10", "08:00:30"),
        ({"q_start": ABSENT, "vru_exit": ABSENT, "q_time": "20"}, "08:00:00", "08:00:20"),
        ({"ser_start": "10:02:00", "ser_time": "600"}, None, "08:00:10"),
        ({"vru_exit": ABSENT}, None, "08:00:00"),
        ({"q_time": "-5"}, None, "08:00:10"),
        ({"ser_time": "not a number"}, None, "08:00:10"),
    ],
    ids=["queued", "no queue start", "no queue start nor menu exit", "service time ignored", "no menu exit",
         "negative queue time", "unreadable service time"],
)  # fmt: skip
def test_hung_up(tmp_path: Path, given: dict[str, str], queued: str | None, ended: str) -> None:
    found = log(tmp_path, row(outcome="HANG", **given))
    legs = [(f"1999-03-10T{queued}", "contact.queued")] if queued else []
    assert story(found) == [
        ("1999-03-10T08:00:00", "contact.initiated"), *legs, (f"1999-03-10T{ended}", "contact.ended"),
    ]  # fmt: skip
    last = [event for _, event in found.events("x")][-1]["data"]
    assert (last["by"], last["reason"]) == ("customer", "abandoned")


@pytest.mark.parametrize(
    ("given", "times"),
    [
        ({"vru_exit": "0:00:05", "q_start": "0:00:05", "q_time": "10", "ser_time": "30"},
         ["21:59:55", "22:00:05", "22:00:15", "22:00:45"]),
        ({"vru_exit": "23:59:58", "q_start": "0:00:01", "q_time": "10", "ser_time": "30"},
         ["21:59:55", "22:00:01", "22:00:11", "22:00:41"]),
        ({"vru_exit": "23:59:58", "q_start": "23:59:58", "q_time": "10", "ser_time": "30"},
         ["21:59:55", "21:59:58", "22:00:08", "22:00:38"]),
        ({"vru_exit": "23:59:58", "ser_start": "0:00:02", "ser_time": "30"}, ["21:59:55", "22:00:02", "22:00:32"]),
    ],
    ids=["menu exit", "queue start", "queue end", "service start"],
)  # fmt: skip
def test_midnight(tmp_path: Path, given: dict[str, str], times: list[str]) -> None:
    found = log(tmp_path, row(vru_entry="23:59:55", **given))
    assert [moment for moment, _ in story(found)] == [f"1999-03-10T{time}" for time in times]


def test_entry_after_exit_stays_on_its_day(tmp_path: Path) -> None:
    """A negative vru_time: the entry is stamped after the queue start; the events are where the log puts them."""
    found = log(
        tmp_path,
        row(vru_entry="0:00:20", vru_exit="23:59:30", vru_time="-50", q_start="23:59:30", q_time="100", ser_time="10"),
    )
    assert story(found) == [
        ("1999-03-09T21:59:30", "contact.queued"),
        ("1999-03-09T22:00:20", "contact.initiated"),
        ("1999-03-09T22:01:10", "contact.connected"),
        ("1999-03-09T22:01:20", "contact.ended"),
    ]


@pytest.mark.parametrize(("priority", "tier"), [("2", "gold"), ("1", "silver"), ("0", None), ("", None)])
def test_tiers(tmp_path: Path, priority: str, tier: str | None) -> None:
    data = [event["data"] for _, event in log(tmp_path, row(priority=priority)).events("x")]
    assert {entry.get("tier") for entry in data} == {tier}


def test_customer_ids_are_text(tmp_path: Path) -> None:
    found = log(tmp_path, row(customer_id="1.23457E+11"), row(call_id="2", customer_id="0"))
    customers = {event["data"]["contact_id"]: event["data"].get("customer_id") for _, event in found.events("x")}
    assert customers == {"990310-XX0101-1": "1.23457E+11", "990310-XX0101-2": None}


def test_summer_time(tmp_path: Path) -> None:
    found = log(tmp_path, row(date="990702", outcome="HANG"))
    assert [moment for moment, _ in story(found)] == ["1999-07-02T07:00:00", "1999-07-02T07:00:10"]


def test_rows_left_out_and_unreadable_are_counted(tmp_path: Path) -> None:
    found = log(
        tmp_path,
        row(),
        "",
        row(call_id="2", outcome="PHANTOM", q_time="garbage", date="?"),
        row(call_id="3", outcome="LOST"),
        row(call_id="4", outcome=""),
        row(call_id="5", date="990231"),
        row(call_id="6", vru_entry="25:00:00"),
        "\t",
        "one field",
        row(call_id="7", vru_entry=ABSENT, vru_exit=ABSENT),
        row(call_id="8", q_time="many"),
        row(call_id=""),
        row(call_id="9", outcome="HANG"),
    )
    assert found.rows == 11
    assert dict(found.left_out) == {"phantom": 1, "unknown outcome": 2}
    assert found.unreadable == 6
    assert [(fault.line, fault.message) for fault in found.faults] == [
        (7, "date: day is out of range for month"),
        (8, "vru_entry: time data '25:00:00' does not match format '%H:%M:%S'"),
        (10, "1 fields, expected 17"),
        (11, "contact.initiated: none of the times for 'entered' is present"),
        (12, "q_time: 'many' is no duration such as 205 s, 3m25s or 205000 ms"),
        (13, "contact id: call_id is absent"),
    ]
    assert {event.contact["contact_id"] for event in found.planned} == {"990310-XX0101-1", "990310-XX0101-9"}


def test_rows_with_one_contact_id_stay_apart(tmp_path: Path) -> None:
    found = log(tmp_path, row(), row(vru_entry="11:00:00", vru_exit="11:00:10"), row(), row(vru_exit="10:00:30"))
    ended = sorted(event["id"] for _, event in found.events("x") if event["type"] == "contact.ended")
    assert ended == [
        "990310-XX0101-1:contact.ended", "990310-XX0101-1~2:contact.ended", "990310-XX0101-1~3:contact.ended",
    ]  # fmt: skip
    assert dict(found.left_out) == {"repeated row": 1}
    assert (found.rows, found.replayed, found.twice) == (4, 3, 1)


def test_files_joined_end_to_end(tmp_path: Path) -> None:
    found = log(tmp_path, row(), "\t".join(COLUMNS), row(call_id="2"))
    assert (found.rows, found.unreadable, len(found.planned)) == (2, 0, 6)


def test_order_by_time_then_row_then_event(tmp_path: Path) -> None:
    same = {"vru_entry": "10:00:00", "vru_exit": "10:00:00", "outcome": "HANG"}
    found = log(tmp_path, row(call_id="9", vru_entry="10:00:01"), row(call_id="2", **same), row(call_id="1", **same))
    assert [event["id"] for _, event in found.events("x")][:5] == [
        "990310-XX0101-2:contact.initiated",
        "990310-XX0101-2:contact.ended",
        "990310-XX0101-1:contact.initiated",
        "990310-XX0101-1:contact.ended",
        "990310-XX0101-9:contact.initiated",
    ]


def test_replay_id_follows_the_contents(tmp_path: Path) -> None:
    first = log(tmp_path, row())
    assert first.replay_id == log(tmp_path, row()).replay_id
    assert first.replay_id != log(tmp_path, row(call_id="2")).replay_id
    mapping = load_mapping("bank")
    other = mapping.model_copy(update={"digest": "other"})
    assert read_log(tmp_path / "calls.tsv", other).replay_id != read_log(tmp_path / "calls.tsv", mapping).replay_id
    assert first.replay_id.startswith("bank-") and len(first.replay_id) == 13
