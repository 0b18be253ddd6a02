"""A mapping is held against the contract when it is loaded, and each of its events when a row is read."""

from pathlib import Path

import pytest

from schemas.events import EVENTS
from streams.replay.check import CONTACT_TYPES
from streams.replay.errors import MappingError
from streams.replay.mapping import parse_mapping
from streams.replay.reader import CallLog, read_log

BASE = """\
name: calls
source: urn:call-log:calls
time_zone: Europe/Berlin
columns: {id: text, start: datetime, acw: seconds, csat: number, urgent: boolean, note: text, back: datetime}
contact: {id: "c-{id}", channel: voice, queue: sales, tier: gold}
times: {began: {first: [start]}}
events:
  - {type: contact.initiated, at: began}
"""


def faults(events: str, base: str = BASE) -> list[str]:
    """What is wrong with the mapping that has these events as well; they begin on line 9."""
    with pytest.raises(MappingError) as caught:
        parse_mapping(base + events, "m.yaml")
    return str(caught.value).splitlines()


def read(folder: Path, events: str, *rows: str, base: str = BASE) -> CallLog:
    path = folder / "calls.csv"
    path.write_text("\n".join(["id,start,acw,csat,urgent,note,back", *rows]) + "\n", encoding="utf-8")
    return read_log(path, parse_mapping(base + events, "m.yaml"))


def event(kind: str, data: str = "{}") -> str:
    return f"  - {{type: {kind}, at: began, data: {data}}}\n"


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("feedback.given", '{metric: csat, score: "{note}"}',
         "events.1.data.score: must be a number, got a string; note is a column of kind text, make it one of kind number"),
        ("contact.queued", '{priority: "{note}"}',
         "events.1.data.priority: must be a whole number, written without a decimal point, got a string; note is a column of kind text"),
        ("contact.wrapped_up", '{duration_ms: "{note}"}', "events.1.data.duration_ms: must be a whole number"),
        ("contact.wrapped_up", '{duration_ms: "{acw} s"}', "events.1.data.duration_ms: must be a whole number"),
        ("article.viewed", '{article_id: a, helpful: "{note}"}',
         "events.1.data.helpful: must be true or false, got a string; note is a column of kind text, make it one of kind boolean"),
        ("contact.connected", '{agent_id: "{csat}"}',
         "events.1.data.agent_id: must be a string, got a number; csat is a column of kind number, make it one of kind text"),
        ("contact.ended", '{by: "{csat}"}', "events.1.data.by: must be 'customer', 'agent', "),
        ("contact.ended", "{by: caller}", "events.1.data.by: must be 'customer', 'agent', "),
        ("contact.ended", '{by: "the {note}"}', "events.1.data.by: must be 'customer', 'agent', "),
        ("contact.ended", "{by: customer, reason: lost}", "events.1.data.reason: must be 'completed', 'abandoned', "),
        ("contact.ended", "{reason: completed}", "events.1: data.by is missing: Who ended it; give it in the data"),
        ("contact.ended", "{by: customer, reson: completed}",
         "events.1.data.reson: the contract has no field 'reson' in contact.ended; there are: agent_group, agent_id, by, "),
        ("contact.ended", "{by: {column: note, values: {a: agent, c: caller}}}",
         "events.1.data.by.values.c: must be 'customer', 'agent', "),
        ("contact.wrapped_up", "{duration_ms: 1.5}", "events.1.data.duration_ms: must be a whole number"),
        ("contact.wrapped_up", "{duration_ms: -5}", "events.1.data.duration_ms: must be 0 or more"),
        ("feedback.given", "{metric: csat, score: 500}", "events.1.data.score: must be 100 or less"),
        ("feedback.given", "{metric: stars, score: 5}", "events.1.data.metric: must be 'csat', 'nps' or 'ces'"),
        ("contact.connected", "{agent_id: 7}", "events.1.data.agent_id: must be a string, got a number"),
        ("contact.connected", f"{{agent_id: {'x' * 201}}}", "events.1.data.agent_id: must have at most 200 characters, got 201"),
        ("contact.connected", f'{{agent_id: "{"x" * 200}{{note}}"}}', "events.1.data.agent_id: must have at most 200 characters"),
        ("contact.connected", '{agent_id: "a\\u0007b"}', "events.1.data.agent_id: must not contain control characters"),
        ("contact.callback_requested", "{scheduled_for: tomorrow}", "events.1.data.scheduled_for: must be an RFC 3339 time"),
        ("contact.connected", "{contact_id: x}", "events.1.data.contact_id: contact_id is the same for all events of a row"),
        ("contact.connected", "{channel: chat}", "events.1.data.channel: channel is the same for all events of a row"),
    ],
)  # fmt: skip
def test_what_the_contract_would_refuse_is_refused_at_load(kind: str, data: str, expected: str) -> None:
    found = faults(event(kind, data))
    assert len(found) == 1
    assert found[0].startswith(f"m.yaml:9: {expected}"), found


@pytest.mark.parametrize("value", ["{note}", "cust{note}", "{note}mer", "{id}{note}"])
def test_a_template_that_may_become_a_word_of_the_contract(value: str) -> None:
    parse_mapping(BASE + event("contact.ended", f'{{by: "{value}"}}'), "m.yaml")


def test_every_fault_of_every_event_is_told_once() -> None:
    events = event("contact.ended", "{by: caller, reason: lost}") + event("feedback.given", '{score: "{note}"}')
    assert [fault.split(": ")[:2] for fault in faults(events)] == [
        ["m.yaml:9", "events.1.data.by"],
        ["m.yaml:9", "events.1.data.reason"],
        ["m.yaml:10", "events.2"],
        ["m.yaml:10", "events.2.data.score"],
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("queue: sales", "queue: 7", "m.yaml:5: contact.queue: must be a string, got a number"),
        (
            "queue: sales",
            'queue: "{csat}"',
            "m.yaml:5: contact.queue: must be a string, got a number; csat is a column of",
        ),
        ("queue: sales", f"queue: {'q' * 201}", "m.yaml:5: contact.queue: must have at most 200 characters"),
        (
            "tier: gold",
            'identifiers: {fax: "{note}"}',
            "m.yaml:5: contact.identifiers.fax: must be 'customer', 'email', ",
        ),
        ("urn:call-log:calls", "u" * 201, "m.yaml:2: source: must have at most 200 characters"),
        ('"c-{id}"', f'"{"c" * 190}{{id}}"', "m.yaml:5: contact.id: must have at most 200 characters"),
    ],
)
def test_what_all_events_carry_is_checked_too(old: str, new: str, expected: str) -> None:
    assert old in BASE
    assert faults("", BASE.replace(old, new))[0].startswith(expected)


def test_a_queue_that_nobody_gives() -> None:
    base = BASE.replace("queue: sales, ", "")
    assert faults(event("contact.queued"), base)[0].startswith("m.yaml:9: events.1: data.queue is missing: ")
    parse_mapping(base + event("contact.queued", '{queue: "{note}"}'), "m.yaml")


@pytest.mark.parametrize("kind", sorted(CONTACT_TYPES))
def test_every_field_that_the_contract_asks_for_is_asked_for(kind: str) -> None:
    """Whatever type the contract gets: an event without its required fields is refused, with all of their names."""
    model = EVENTS[kind].model_fields["data"].annotation
    required = {
        name
        for name, field in model.model_fields.items()  # type: ignore[union-attr]
        if field.is_required() and name not in ("contact_id", "channel")
    }
    if not required:
        parse_mapping(BASE + event(kind), "m.yaml")
        return
    base = BASE.replace("queue: sales, ", "")
    told = [fault.split(" ")[2].removeprefix("data.") for fault in faults(event(kind), base)]
    assert set(told) == required


def test_columns_become_what_the_contract_asks_for(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        event("contact.queued", '{priority: "{csat}"}')
        + event("contact.callback_requested", '{scheduled_for: "{back}", phone: "{csat} times"}')
        + event("contact.wrapped_up", '{duration_ms: "{acw}", disposition: "{acw}-{note}"}')
        + event("article.viewed", '{article_id: "{note}", helpful: "{urgent}"}')
        + event("feedback.given", '{metric: csat, score: "{csat}"}'),
        "1,2024-03-04 09:15:00,0:15,5,Y,n-1,2024-07-01 12:00:00",
        "2,2024-03-04 09:15:00,12.5,4,no,n-2,",
    )
    assert log.faults == []
    added = {
        (event["data"]["contact_id"], event["type"]): {
            name: value
            for name, value in event["data"].items()
            if name not in ("contact_id", "channel", "queue", "tier")
        }
        for _, event in log.events("x")
    }
    assert added["c-1", "contact.queued"] == {"priority": 5}
    assert added["c-1", "contact.callback_requested"] == {
        "scheduled_for": "2024-07-01T10:00:00.000Z",
        "phone": "5 times",
    }
    assert added["c-2", "contact.callback_requested"] == {"phone": "4 times"}
    assert added["c-1", "contact.wrapped_up"] == {"duration_ms": 15_000, "disposition": "0:15-n-1"}
    assert added["c-2", "contact.wrapped_up"] == {"duration_ms": 12_500, "disposition": "12.5-n-2"}
    assert added["c-1", "article.viewed"] == {"article_id": "n-1", "helpful": True}
    assert added["c-2", "article.viewed"] == {"article_id": "n-2", "helpful": False}
    assert added["c-1", "feedback.given"] == {"metric": "csat", "score": 5}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2,2024-03-04 09:15:00,15,4.5,y,n,", "contact.queued: data.priority must be a whole number"),
        ("2,2024-03-04 09:15:00,15,500,y,n,", "feedback.given: data.score must be 100 or less"),
        ("2,2024-03-04 09:15:00,15,five,y,n,", "csat: 'five' is no number"),
        ("2,2024-03-04 09:15:00,15,1.234,y,n,", "csat: '1.234' can be read as 1.234 and 1234; say which"),
        ("2,2024-03-04 09:15:00,9 days,5,y,n,", "contact.wrapped_up: data.duration_ms must be 604800000 or less"),
        ("2,2024-03-04 09:15:00,1_234,5,y,n,", "acw: '1_234' is no duration"),
        (
            "2,2024-03-04 09:15:00,15,5,maybe,n,",
            "urgent: 'maybe' is neither true (true, t, yes, y, on, 1) nor false (false, ",
        ),
        ("2,2024-03-04 09:15:00,15,5,y,,", "article.viewed: data.article_id is missing"),
        (
            f"2,2024-03-04 09:15:00,15,5,y,{'n' * 201},",
            "article.viewed: data.article_id must have at most 200 characters",
        ),
        (
            "2,2024-03-04 09:15:00,15,5,y,a\u202eb,",
            "article.viewed: data.article_id must not contain control characters",
        ),
        (f"{'2' * 190},2024-03-04 09:15:00,15,5,y,n,", "contact.initiated: id must have at most 200 characters"),
    ],
)
def test_a_row_whose_events_the_contract_refuses_is_unreadable(tmp_path: Path, row: str, why: str) -> None:
    log = read(
        tmp_path,
        event("contact.queued", '{priority: "{csat}"}')
        + event("contact.wrapped_up", '{duration_ms: "{acw}"}')
        + event("article.viewed", '{article_id: "{note}", helpful: "{urgent}"}')
        + event("feedback.given", '{metric: csat, score: "{csat}"}'),
        "1,2024-03-04 09:15:00,15,5,y,n,",
        row,
    )
    assert (log.rows, log.replayed, log.unreadable) == (2, 1, 1)
    assert log.faults[0].line == 3
    assert log.faults[0].message.startswith(why)
    assert {planned.line for planned in log.planned} == {2}


def test_texts_that_mean_true_are_declared(tmp_path: Path) -> None:
    base = BASE.replace("urgent: boolean", "urgent: {kind: boolean, is_true: [ja], is_false: [nein]}")
    log = read(
        tmp_path,
        event("article.viewed", '{article_id: "{id}", helpful: "{urgent}"}'),
        "1,2024-03-04 09:15:00,,,Ja,,", "2,2024-03-04 09:15:00,,,nein,,", "3,2024-03-04 09:15:00,,,y,,",
        base=base,
    )  # fmt: skip
    found = [made["data"]["helpful"] for _, made in log.events("x") if made["type"] == "article.viewed"]
    assert (found, log.faults[0].message) == ([True, False], "urgent: 'y' is neither true (ja) nor false (nein)")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("urgent: boolean", "urgent: {kind: boolean, is_true: [\"No\"]}", "columns.urgent: 'no' cannot be both true and false"),
        ("urgent: boolean", "urgent: {is_true: [J]}", "columns.urgent: a column of kind text takes no is_true and is_false"),
        ("urgent: boolean", "urgent: {kind: boolean, is_true: [yes]}", "put it in quotes"),
        ("acw: seconds", "acw: {kind: number, format: x}", "columns.acw: a column of kind number takes no format"),
        ("acw: seconds", 'acw: {kind: time, format: "%H:%M%z"}', "only a column of kind datetime has a zone in its text"),
        ("acw: seconds", 'acw: {kind: time, format: "%I:%M"}', "does not give hour and minute"),
        ("Berlin\n", "Berlin\nskew: soon\n", "m.yaml:4: skew: 'soon' is no duration"),
        ("Berlin\n", "Berlin\nskew: -5\n", "m.yaml:4: skew: must not be negative"),
        ("Berlin\n", 'Berlin\nfile: {delimiter: ";", quote: ";"}\n', "m.yaml:4: file: delimiter, quote and escape must be three"),
        ("Berlin\n", 'Berlin\nfile: {decimal: "x"}\n', "m.yaml:4: file.decimal: Input should be '.' or ','"),
        ("{type: contact.initiated, at: began}", "{type: contact.initiated, at: began, row: first}",
         "m.yaml:8: events.0.row: has no effect: rows are joined only with contact: {join: true}"),
    ],
)  # fmt: skip
def test_keys_of_a_mapping_are_checked(old: str, new: str, expected: str) -> None:
    assert old in BASE
    assert expected in faults("", BASE.replace(old, new))[0]
