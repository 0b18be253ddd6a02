"""Moments of a row: nights in which the clock goes back, rows that run backwards, stamps that stand for none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.errors import MappingError
from streams.replay.mapping import parse_mapping
from streams.replay.reader import CallLog, read_log

HEAD = """\
name: calls
source: urn:call-log:calls
time_zone: Europe/Berlin
"""
EVENTS = """\
contact: {id: "c-{id}", channel: voice, queue: emergency}
events:
  - {type: contact.initiated, at: began}
  - {type: contact.queued, at: began}
  - {type: contact.connected, at: answered, when: {answer: {present: true}}}
  - {type: contact.ended, at: over, data: {by: customer, reason: completed}}
"""
STAMPS = "columns: {id: text, start: datetime, answer: datetime, end: datetime}\n"
PLAIN = STAMPS + "times: {began: {first: [start]}, answered: {first: [answer]}, over: {first: [end]}}\n"
NEAR = (
    STAMPS
    + "times: {began: {first: [start]}, answered: {near: began, first: [answer]}, over: {near: began, first: [end]}}\n"
)
DAYS = (
    "columns: {id: text, d1: date, start: time, answer: time, d2: date, end: time}\n"
    "times: {began: {date: d1, first: [start]}, answered: {near: began, first: [answer]}, over: {date: d2, near: began, first: [end]}}\n"
)
CLOCKS = (
    "columns: {id: text, d1: date, start: time, answer: time, end: time}\n"
    "times: {began: {date: d1, first: [start]}, answered: {near: began, first: [answer]}, over: {near: answered, first: [end]}}\n"
)


def read(folder: Path, times: str, header: str, *rows: str, head: str = HEAD) -> CallLog:
    path = folder / "calls.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return read_log(path, parse_mapping(head + times + EVENTS, "m.yaml"))


def stamps(folder: Path, times: str, *rows: str, head: str = HEAD) -> CallLog:
    return read(folder, times, "id,start,answer,end", *rows, head=head)


def utc(log: CallLog, contact: str) -> list[str]:
    """Time of day in UTC of each of a contact's events, in the order of the mapping."""
    order = ["contact.initiated", "contact.queued", "contact.connected", "contact.ended"]
    found = {
        event["type"]: event["time"][11:19] for _, event in log.events("x") if event["data"]["contact_id"] == contact
    }
    return [found[kind] for kind in order if kind in found]


BACK = [
    ("02:55:00", "02:55:20", "02:10:20", ["00:55:00", "00:55:00", "00:55:20", "01:10:20"]),
    ("02:25:00", "02:25:10", "02:05:00", ["00:25:00", "00:25:00", "00:25:10", "01:05:00"]),  # the nearest lies before
    ("01:59:00", "02:01:00", "02:30:00", ["23:59:00", "23:59:00", "00:01:00", "00:30:00"]),
    ("02:59:50", "02:00:10", "02:01:00", ["00:59:50", "00:59:50", "01:00:10", "01:01:00"]),
    ("02:30:00", "02:30:00", "03:01:00", ["00:30:00", "00:30:00", "00:30:00", "02:01:00"]),
]
"""Local times of the night to 27 October 2024 in Berlin, and what they are in UTC."""


@pytest.mark.parametrize(("start", "answer", "end", "expected"), BACK)
def test_the_night_the_clock_goes_back(tmp_path: Path, start: str, answer: str, end: str, expected: list[str]) -> None:
    day = "2024-10-27"
    log = stamps(tmp_path, NEAR, f"1,{day} {start},{day} {answer},{day} {end}")
    assert (utc(log, "c-1"), log.faults) == (expected, [])
    log = read(tmp_path, DAYS, "id,d1,start,answer,d2,end", f"1,{day},{start},{answer},{day},{end}")
    assert (utc(log, "c-1"), log.faults) == (expected, [])
    log = read(tmp_path, CLOCKS, "id,d1,start,answer,end", f"1,{day},{start},{answer},{end}")
    assert (utc(log, "c-1"), log.faults) == (expected, [])


def test_without_near_such_a_row_is_named(tmp_path: Path) -> None:
    log = stamps(tmp_path, PLAIN, "1,2024-10-27 02:55:00,2024-10-27 02:55:20,2024-10-27 02:10:20")
    assert (log.rows, log.unreadable, log.planned) == (1, 1, [])
    assert (log.faults[0].line, log.faults[0].message) == (
        2,
        "runs backwards: contact.ended (over, 2024-10-27T00:10:20.000Z) lies before contact.connected (answered, 2024-10-27T00:55:20.000Z); the clock was set back then: near says which of two occurrences is meant",
    )


@given(
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Jerusalem", "America/Sao_Paulo"]
    ),
    start=st.datetimes(datetime(1999, 1, 1), datetime(2024, 12, 31), timezones=st.just(UTC)),
    waits=st.tuples(st.integers(0, 20 * 60), st.integers(0, 9 * 60)),
)
def test_local_times_near_a_known_one_come_back(
    tmp_path_factory: pytest.TempPathFactory, zone: str, start: datetime, waits: tuple[int, int]
) -> None:
    """Where the beginning is certain, every later moment of a short call is read as it was."""
    start = start.replace(microsecond=0)
    moments = [start, start + timedelta(seconds=waits[0]), start + timedelta(seconds=sum(waits))]
    local = [moment.astimezone(ZoneInfo(zone)) for moment in moments]
    texts = [local[0].strftime("%Y-%m-%d %H:%M:%S%z"), *(moment.strftime("%Y-%m-%d %H:%M:%S") for moment in local[1:])]
    near = NEAR.replace("start: datetime", 'start: {kind: datetime, format: "%Y-%m-%d %H:%M:%S%z"}')
    log = stamps(
        tmp_path_factory.mktemp("near"), near, ",".join(["1", *texts]), head=HEAD.replace("Europe/Berlin", zone)
    )
    assert log.faults == []
    assert utc(log, "c-1") == [moment.strftime("%H:%M:%S") for moment in (moments[0], *moments)]


@pytest.mark.parametrize(
    ("row", "sooner", "later"),
    [
        ("1,2024-03-04 10:00:00,2024-03-04 10:00:10,2024-03-04 09:59:59", "contact.ended (over, 2024-03-04T08:59:59", "contact.connected (answered, 2024-03-04T09:00:10"),
        ("1,2024-03-04 10:00:00,2024-03-04 09:59:00,2024-03-04 10:05:00", "contact.connected (answered, 2024-03-04T08:59:00", "contact.initiated (began, 2024-03-04T09:00:00"),
        ("1,2024-03-04 10:20:00,2024-03-04 10:20:15,2024-03-04 10:20:14", "contact.ended (over, 2024-03-04T09:20:14", "contact.connected (answered, 2024-03-04T09:20:15"),
        ("1,2024-03-04 10:00:00,,2024-03-03 10:00:00", "contact.ended (over, 2024-03-03T09:00:00", "contact.initiated (began, 2024-03-04T09:00:00"),
    ],
)  # fmt: skip
def test_a_row_that_runs_backwards_is_named_with_both_moments(
    tmp_path: Path, row: str, sooner: str, later: str
) -> None:
    log = stamps(tmp_path, PLAIN, "0,2024-03-04 08:00:00,,2024-03-04 08:01:00", row)
    assert (log.replayed, log.unreadable, log.faults[0].line) == (1, 1, 3)
    message, _, hint = log.faults[0].message.partition("; ")
    assert message == f"runs backwards: {sooner}.000Z) lies before {later}.000Z)"
    assert hint == ("skew says how far clocks may disagree" if "10:20:14" in row else "")


def test_clocks_may_disagree_by_what_the_mapping_allows(tmp_path: Path) -> None:
    rows = [f"{n},2024-03-04 10:00:00,2024-03-04 10:00:10,2024-03-04 10:00:0{n}" for n in (7, 8, 9)]
    log = stamps(tmp_path, PLAIN, *rows, head=HEAD + "skew: 2 s\n")
    assert [fault.line for fault in log.faults] == [2]
    assert utc(log, "c-8") == ["09:00:00", "09:00:00", "09:00:10", "09:00:08"]


def test_order_is_that_of_a_contact_not_of_the_file(tmp_path: Path) -> None:
    """What is listed first need not come first: an end, a wrap-up, a rating."""
    events = """\
contact: {id: "c-{id}", channel: voice, queue: emergency}
events:
  - {type: contact.ended, at: over, data: {by: customer}}
  - {type: contact.wrapped_up, at: answered}
  - {type: feedback.given, at: answered, data: {metric: csat, score: 5}}
  - {type: contact.queued, at: began}
  - {type: contact.initiated, at: began}
"""
    path = tmp_path / "calls.csv"
    path.write_text("id,start,answer,end\n1,2024-03-04 10:00:00,2024-03-04 10:00:10,2024-03-04 10:00:20\n")
    log = read_log(path, parse_mapping(HEAD + PLAIN + events, "m.yaml"))
    assert (log.unreadable, len(log.planned)) == (0, 5)
    path.write_text("id,start,answer,end\n1,2024-03-04 10:00:00,2024-03-04 09:00:10,2024-03-04 10:00:20\n")
    log = read_log(path, parse_mapping(HEAD + PLAIN + events, "m.yaml"))
    assert (
        "contact.wrapped_up (answered, 2024-03-04T08:00:10.000Z) lies before contact.initiated" in log.faults[0].message
    )


@pytest.mark.parametrize(
    "none", ["1970-01-01 00:00:00", "1970-01-01 01:00:00", "1969-12-31 16:00:00", "1899-12-30 00:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59"]
)  # fmt: skip
@pytest.mark.parametrize("times", [PLAIN, NEAR])
@pytest.mark.parametrize("column", ["answer", "start"])
def test_stamps_that_stand_for_none_get_a_hint(tmp_path: Path, none: str, times: str, column: str) -> None:
    given = {"start": "2024-03-04 10:00:00", "answer": "", "end": "2024-03-04 10:00:40"} | {column: none}
    log = stamps(tmp_path, times, ",".join(["1", *given.values()]))
    assert (log.replayed, log.unreadable) == (0, 1)
    assert log.faults[0].message.endswith("where such a time stands for none, list it under absent")
    absent = times.replace(f"{column}: datetime", f'{column}: {{kind: datetime, absent: ["{none}"]}}', 1)
    if column == "answer":
        assert len(utc(stamps(tmp_path, absent, ",".join(["1", *given.values()])), "c-1")) == 3


def test_a_day_of_1970_gets_the_hint_too(tmp_path: Path) -> None:
    log = read(tmp_path, CLOCKS, "id,d1,start,answer,end", "1,1970-01-01,00:00:00,,00:00:00")
    assert log.faults[0].message == (
        "d1: '1970-01-01' is the beginning of 1970; where such a time stands for none, list it under absent"
    )


ZONED = STAMPS.replace("datetime", '{kind: datetime, format: "%Y-%m-%dT%H:%M:%S%z"}')


def test_times_with_offsets(tmp_path: Path) -> None:
    times = ZONED + "times: {began: {first: [start]}, answered: {first: [answer]}, over: {first: [end]}}\n"
    log = stamps(tmp_path, times, "1,2024-03-04T09:15:00+01:00,2024-03-04T08:15:10Z,2024-03-04T13:45:20.5+0530")
    assert (utc(log, "c-1"), log.faults) == (["08:15:00", "08:15:00", "08:15:10", "08:15:20"], [])


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (STAMPS.replace("id: text", "id: text, day: date") + "times: {began: {date: day, first: [start]}}\n",
         "times.began.date: has no effect: none of the alternatives is a column of kind time"),
        (STAMPS + "times: {began: {first: [start]}, over: {near: began, first: [began]}}\n",
         "times.over.near: has no effect: none of the alternatives is a column with a local time"),
        (ZONED + "times: {began: {first: [start]}, over: {near: began, first: [end, began]}}\n",
         "times.over.near: has no effect: none of the alternatives is a column with a local time"),
    ],
)  # fmt: skip
def test_near_and_date_that_change_nothing_are_refused(times: str, expected: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(HEAD + times + EVENTS, "m.yaml")
    assert str(caught.value).splitlines()[0] == f"m.yaml:5: {expected}"
