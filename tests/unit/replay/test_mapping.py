"""The mapping language: what it refuses, where it says the fault is, and a second format than the bank's."""

from pathlib import Path

import pytest

from streams.replay.errors import InputError, MappingError
from streams.replay.mapping import SHIPPED, load_mapping, parse_mapping
from streams.replay.reader import read_log

SMALL = """\
name: calls
source: urn:call-log:calls
time_zone: Europe/Berlin
file: {delimiter: ";", quote: '"', encoding: latin-1}
columns:
  id: text
  caller: {absent: [unknown]}
  start: {kind: datetime, format: "%d.%m.%Y %H:%M"}
  wait: seconds
  rating: text
contact: {id: "call-{id}", channel: voice, queue: service, identifiers: {phone: "{caller}"}}
times:
  start: {first: [start]}
events:
  - {type: contact.initiated, at: began}
"""
GOOD = SMALL.replace(
    "  start: {first: [start]}", "  began: {first: [start]}\n  served: {first: [began + wait]}"
).replace(
    "at: began}",
    "at: began}\n  - {type: feedback.given, at: served, when: {rating: {present: true}},"
    " data: {metric: csat, score: {column: rating, values: {good: 5, bad: 1}}}}",
)


def faults(text: str) -> list[str]:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "m.yaml")
    return str(caught.value).splitlines()


def test_shipped_mappings_are_valid() -> None:
    for path in SHIPPED.glob("*.yaml"):
        assert load_mapping(path.name).name == path.stem
        assert load_mapping(path.stem) == load_mapping(str(path))


def test_names_are_checked_with_their_lines() -> None:
    assert faults(SMALL) == [
        "m.yaml:13: times.start: 'start' is already a column; a moment needs a name of its own",
        "m.yaml:15: events.0.at: no moment is called 'began'; there are: start",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Europe/Berlin", "Berlin", "m.yaml:3: time_zone: no time zone is called 'Berlin'"),
        ('";"', '"||"', "m.yaml:4: file.delimiter: String should have at most 1 character"),
        ("latin-1", "latin-x", "m.yaml:4: file.encoding: no encoding is called 'latin-x'"),
        ("wait: seconds", "wait: minutes", "m.yaml:9: columns.wait.kind: Input should be 'text', 'date', 'time'"),
        ("%d.%m.%Y %H:%M", "%d.%m. %H:%M", "m.yaml:8: columns.start: the format '%d.%m. %H:%M' does not give year"),
        ("%d.%m.%Y %H:%M", "%d.%m.%Y", "m.yaml:8: columns.start: the format '%d.%m.%Y' does not give hour"),
        ("%H:%M", "%Q", "m.yaml:8: columns.start: the format '%d.%m.%Y %Q' cannot be read back"),
        ("kind: datetime", "kind: seconds", "m.yaml:8: columns.start: a column of kind seconds takes no format"),
        ("kind: datetime, format: \"%d.%m.%Y %H:%M\"", "kind: time",
         "m.yaml:13: times.began.first.0: 'start' is a time of day: say which day"),
        ("channel: voice", "channel: fax", "m.yaml:11: contact.channel: Input should be 'voice', "),
        ('"call-{id}"', "call", "m.yaml:11: contact.id: every row would get the same id"),
        ('"call-{id}"', '"call-{id"', "m.yaml:11: contact.id: every row would get the same id"),
        ('"{caller}"', '"{caller}}"', "m.yaml:11: contact.identifiers.phone: a brace in '{caller}}' has no partner"),
        ('"{caller}"', '"{from}"', "m.yaml:11: contact.identifiers.phone: no column is called 'from'; each that is used has a line under columns, and there are: caller"),
        ("queue: service", "queue: 1.5.1, color: red", "m.yaml:11: contact.color: is no key of a mapping here"),
        ("began + wait", "began + id", "m.yaml:14: times.served.first.0: 'id' is not a column of kind seconds"),
        ("began + wait", "over", "m.yaml:14: times.served.first.0: 'over' is neither a moment above nor a column"),
        ("[began + wait]", "[start], near: served", "m.yaml:14: times.served.near: no moment above is called 'served'"),
        ("[began + wait]", "[start], date: id", "m.yaml:14: times.served.date: 'id' is not a column of kind date"),
        ("contact.initiated", "contact.begun", "m.yaml:16: events.0.type: the contract has no contact event"),
        ("contact.initiated", "contact.initated",
         "m.yaml:16: events.0.type: the contract has no contact event 'contact.initated'; did you mean contact.initiated?"),
        ("{rating: {present: true}}", "{stars: five}", "m.yaml:17: events.1.when.stars: no column is called 'stars'"),
        ("{present: true}", "{present: true, not: [x]}", "m.yaml:17: events.1.when.rating: give exactly one of is, not"),
        ("{good: 5,", "{1: 5,", "m.yaml:17: events.1.data.score.lookup.values.1.[key]: Input should be a valid string"),
        ("{rating: {present: true}}", "{caller: unknown}", "m.yaml:17: events.1.when.caller: no value of caller is 'unknown': it means"),
        ("{rating: {present: true}}", "{caller: {not: [a, unknown]}}", "m.yaml:17: events.1.when.caller: no value of caller is 'unknown'"),
        ("{rating: {present: true}}", '{rating: ""}', "m.yaml:17: events.1.when.rating: no value of rating is ''"),
        ("{rating: {present: true}}", '{rating: ["good "]}', "m.yaml:17: events.1.when.rating: no value is 'good ': blanks"),
        ("bad: 1}", '" bad": 1}', "m.yaml:17: events.1.data.score.values. bad: no value is ' bad': blanks at both ends"),
        ("[unknown]", '["unknown "]', "m.yaml:7: columns.caller.absent: no value is 'unknown ': blanks at both ends"),
        ("rating: text", 'rating: {kind: boolean, is_true: [J], absent: [J]}', "m.yaml:10: columns.rating.is_true: no value is 'J'"),
        ("  wait: seconds", "  wait: seconds\n  wait: text", "m.yaml:10: the key 'wait' occurs twice"),
        ("name: calls", "name: [", "m.yaml:3: not YAML"),
        (GOOD, "- a list", "m.yaml:1: expected a YAML mapping"),
        (GOOD, "", "m.yaml:1: expected a YAML mapping"),
    ],
)  # fmt: skip
def test_faults_name_the_line_and_what_is_expected(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = faults(GOOD.replace(old, new))
    assert found[0].startswith(expected), found


def test_unquoted_values_get_a_hint() -> None:
    assert faults(GOOD.replace("absent: [unknown]", "absent: [0]")) == [
        "m.yaml:7: columns.caller.absent.0: Input should be a valid string, not 0 (put it in quotes)"
    ]


def test_nothing_is_executed() -> None:
    assert faults(GOOD.replace("name: calls", "name: !!python/object/apply:os.getcwd []"))[0].startswith(
        "m.yaml:1: not YAML"
    )


def test_another_format(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    text = (
        "id;caller;start;wait;rating;note\n"
        '1;"+49 30 1;2";28.02.2026 10:00;12.5;good;Grüße\n'
        "2;unknown;28.02.2026 10:05;0;;\n"
        "3;;28.02.2026 10:06;;bad;\n"
    )
    path.write_text(text, encoding="latin-1")
    found = read_log(path, parse_mapping(GOOD, "m.yaml"))
    assert [(fault.line, fault.message) for fault in found.faults] == [
        (4, "feedback.given: none of the times for 'served' is present")
    ]
    common = {"channel": "voice", "queue": "service"}
    first = common | {"contact_id": "call-1", "identifiers": [{"kind": "phone", "value": "+49 30 1;2"}]}
    assert [(event["time"], event["data"]) for _, event in found.events("x")] == [
        ("2026-02-28T09:00:00.000Z", first),
        ("2026-02-28T09:00:12.500Z", first | {"metric": "csat", "score": 5}),
        ("2026-02-28T09:05:00.000Z", common | {"contact_id": "call-2"}),
    ]


def test_bytes_outside_the_encoding_cost_their_row_only(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(
        b"\xef\xbb\xbfid;caller;start;wait;rating\r1;\xff;28.02.2026 10:00;1;\r2;\xc3\xa4;28.02.2026 10:00;1;\r"
    )
    found = read_log(path, parse_mapping(GOOD.replace("latin-1", "utf-8"), "m.yaml"))
    assert [(fault.line, fault.message) for fault in found.faults] == [
        (2, "bytes that are not in the file's encoding, utf-8; file: {encoding: …} says it")
    ]
    assert [event["data"]["contact_id"] for _, event in found.events("x")] == ["call-2"]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("id;begin;wait\n1;2;3\n")
    with pytest.raises(InputError) as caught:
        read_log(path, parse_mapping(GOOD, "m.yaml"))
    assert str(caught.value) == (
        f"{path}: column missing: caller, start, rating; the file has: id, begin, wait"
        " (cut at ';'; is calls the right mapping?)"
    )


def test_names_in_quotes_are_told_from_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text('id;"caller";"start";wait;rating\n')
    with pytest.raises(InputError) as caught:
        read_log(path, parse_mapping(GOOD.replace(""", quote: '"'""", ""), "m.yaml"))
    assert str(caught.value).endswith("""(its names are in quotes: file: {quote: '"'})""")


def test_missing_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file not found: .*none\.csv"):
        read_log(tmp_path / "none.csv", load_mapping("bank"))
    (tmp_path / "empty.csv").write_text("\n\n")
    with pytest.raises(InputError, match="is empty: expected a header line with vru"):
        read_log(tmp_path / "empty.csv", load_mapping("bank"))
    with pytest.raises(MappingError, match=r"mapping not found: other: .*shipped mappings \(bank.yaml\)"):
        load_mapping("other")
