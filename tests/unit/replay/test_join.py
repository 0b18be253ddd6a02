"""Rows of one id: kept apart and counted, or joined as the legs of one contact. No row is lost either way."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.mapping import parse_mapping
from streams.replay.reader import CallLog, read_log

MAPPING = """\
name: legs
source: urn:call-log:legs
time_zone: UTC
columns: {id: text, start: {kind: datetime, format: "%H:%M:%S %d.%m.%Y"}, wait: seconds, result: text, talk: seconds, queue: text}
contact: {id: "b-{id}", channel: voice, queue: "{queue}", join: true}
leave_out: {test: {result: TEST}}
times: {began: {first: [start]}, left: {first: [began + wait]}, over: {first: [left + talk, left]}}
events:
  - {type: contact.initiated, at: began}
  - {type: contact.queued, at: began}
  - {type: contact.connected, at: left, when: {result: OK}}
  - {type: contact.transferred, at: over, row: not last}
  - {type: contact.ended, at: over, when: {result: OK}, data: {by: customer, reason: completed}}
  - {type: contact.ended, at: left, when: {result: {not: [OK]}}, data: {by: customer, reason: abandoned}}
"""
APART = MAPPING.replace(", join: true", "").replace("  - {type: contact.transferred, at: over, row: not last}\n", "")
HEADER = "id,start,wait,result,talk,queue"


def leg(contact: int, minute: int, wait: int = 10, result: str = "OK", talk: str = "60", queue: str = "sales") -> str:
    return f"{contact},09:{minute:02}:00 04.03.2024,{wait},{result},{talk},{queue}"


def read(folder: Path, *rows: str, mapping: str = MAPPING) -> CallLog:
    path = folder / "calls.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return read_log(path, parse_mapping(mapping, "m.yaml"))


def story(log: CallLog, contact: str) -> list[tuple[str, str, str]]:
    return [
        (event["time"][14:19], event["id"].split(":")[1], event["data"]["queue"])
        for _, event in log.events("x")
        if event["data"]["contact_id"] == contact
    ]


def test_rows_of_one_id_are_the_legs_of_one_contact(tmp_path: Path) -> None:
    log = read(tmp_path, leg(1, 0), leg(2, 1, 30, "LOST", ""), leg(1, 2, 25, talk="120", queue="second"))
    assert story(log, "b-1") == [
        ("00:00", "contact.initiated", "sales"),
        ("00:00", "contact.queued", "sales"),
        ("00:10", "contact.connected", "sales"),
        ("01:10", "contact.transferred", "sales"),
        ("02:00", "contact.queued.2", "second"),
        ("02:25", "contact.connected.2", "second"),
        ("04:25", "contact.ended", "second"),
    ]
    assert story(log, "b-2") == [
        ("01:00", "contact.initiated", "sales"),
        ("01:00", "contact.queued", "sales"),
        ("01:30", "contact.ended", "sales"),
    ]
    assert (log.rows, log.replayed, log.unreadable, log.twice) == (3, 3, 0, 0)
    assert sorted({event.line for event in log.planned}) == [2, 3, 4]


def test_legs_need_not_be_in_order(tmp_path: Path) -> None:
    rows = [leg(1, minute) for minute in (0, 2, 4)]
    assert story(read(tmp_path, *rows), "b-1") == story(read(tmp_path, *reversed(rows)), "b-1")


def test_a_leg_inside_another_ends_nothing(tmp_path: Path) -> None:
    """A consultation begins later and ends sooner than the leg it belongs to."""
    log = read(tmp_path, leg(1, 0, talk="600"), leg(1, 3, talk="30", queue="experts"))
    assert story(log, "b-1") == [
        ("00:00", "contact.initiated", "sales"),
        ("00:00", "contact.queued", "sales"),
        ("00:10", "contact.connected", "sales"),
        ("03:00", "contact.queued.2", "experts"),
        ("03:10", "contact.connected.2", "experts"),
        ("03:40", "contact.transferred", "experts"),
        ("10:10", "contact.ended", "sales"),
    ]


def test_a_contact_is_whole_or_not_there(tmp_path: Path) -> None:
    log = read(tmp_path, leg(1, 0), leg(1, 2, talk="soon"), leg(1, 4), leg(2, 5))
    assert [(fault.line, fault.message) for fault in log.faults] == [
        (2, "another row of this contact cannot be read, line 3"),
        (3, "talk: 'soon' is no duration such as 205 s, 3m25s or 205000 ms"),
        (4, "another row of this contact cannot be read, line 3"),
    ]
    assert (log.rows, log.replayed, log.unreadable) == (4, 1, 3)
    assert {event.contact["contact_id"] for event in log.planned} == {"b-2"}
    log = read(tmp_path, leg(1, 0), leg(1, 2, queue=""), leg(2, 5))
    assert [fault.line for fault in log.faults] == [2, 3]
    assert log.faults[0].message == "another row of this contact cannot be read, line 3"
    assert log.faults[1].message.startswith("contact.queued: data.queue is missing: ")
    assert (log.rows, log.replayed, log.unreadable) == (3, 1, 2)


def test_the_last_leg_is_the_one_that_ends_last(tmp_path: Path) -> None:
    """What it would have if another one were the last does not count: this one was hung up at once."""
    log = read(tmp_path, leg(1, 0, 0, "LOST", "60"), leg(1, 0, 0, "OK", "30"))
    assert (log.replayed, log.unreadable) == (0, 2)
    ended, left = (
        "contact.ended (over, 2024-03-04T09:00:30.000Z)",
        "contact.transferred (over, 2024-03-04T09:01:00.000Z)",
    )
    assert log.faults[0].message == f"runs backwards: {ended} lies before {left}"
    log = read(tmp_path, leg(1, 0, 0, "LOST", "10"), leg(1, 0, 0, "OK", "30"))
    assert (log.replayed, story(log, "b-1")[-1]) == (2, ("00:30", "contact.ended", "sales"))


def test_repeated_rows_and_rows_left_out_are_no_legs(tmp_path: Path) -> None:
    log = read(tmp_path, leg(1, 0), leg(1, 0), leg(1, 2, result="TEST"))
    assert (log.rows, log.replayed, dict(log.left_out)) == (3, 1, {"repeated row": 1, "test": 1})
    assert [kind for _, kind, _ in story(log, "b-1")] == [
        "contact.initiated", "contact.queued", "contact.connected", "contact.ended",
    ]  # fmt: skip


def test_without_join_ids_that_come_twice_are_counted(tmp_path: Path) -> None:
    log = read(tmp_path, leg(1, 0), leg(1, 2), leg(1, 4), leg(2, 5), leg(3, 6), leg(3, 7), leg(3, 7), mapping=APART)
    assert (log.rows, log.replayed, log.twice, dict(log.left_out)) == (7, 6, 2, {"repeated row": 1})
    assert {event.contact["contact_id"] for event in log.planned} == {"b-1", "b-1~2", "b-1~3", "b-2", "b-3", "b-3~2"}


@given(
    legs=st.lists(
        st.tuples(
            st.integers(1, 4),
            st.integers(0, 9),
            st.integers(-1, 30),
            st.sampled_from(["OK", "LOST", "TEST"]),
            st.sampled_from(["60", "", "soon", "1.234", "-1"]),
            st.sampled_from(["sales", ""]),
        ),
        max_size=15,
    ),
    join=st.booleans(),
)
def test_every_row_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, legs: list[tuple[int, int, int, str, str, str]], join: bool
) -> None:
    log = read(tmp_path_factory.mktemp("legs"), *(leg(*each) for each in legs), mapping=MAPPING if join else APART)
    assert log.rows == len(legs) == log.replayed + log.left_out.total() + log.unreadable
    assert len(log.faults) == log.unreadable
    ids = [event["id"] for _, event in log.events("x")]
    assert len(ids) == len(set(ids))
    events = [(event["data"]["contact_id"], event["type"]) for _, event in log.events("x")]
    for contact in {contact for contact, _ in events}:
        of_one = [kind for name, kind in events if name == contact]
        assert of_one.count("contact.initiated") == of_one.count("contact.ended") == 1
        assert of_one[0] == "contact.initiated"
        assert of_one[-1] == "contact.ended"
