"""Cutting a text into rows: what csv writes reads back, and a broken row costs itself and no other."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.replay.cut import MOST_LINES, Cut, Cutter
from streams.replay.errors import InputError
from streams.replay.mapping import parse_mapping
from streams.replay.model import FileFormat, Mapping
from streams.replay.reader import CallLog, read_log

FORM = FileFormat(delimiter=";", quote='"')
LETTERS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\x00\ufeff"), max_size=8
) | st.text(alphabet=";,\t|\"'\\ \n\rab", max_size=8)
MAPPING = """\
name: calls
source: urn:call-log:calls
time_zone: Europe/Berlin
file: {delimiter: ";", quote: '"'}
columns: {id: text, start: {kind: datetime, format: "%d.%m.%Y %H:%M:%S"}, wait: seconds, note: text}
contact: {id: "c-{id}", channel: voice, queue: sales}
times: {began: {first: [start]}, over: {first: [began + wait]}}
events:
  - {type: contact.initiated, at: began}
  - {type: contact.ended, at: over, data: {by: customer, reason: abandoned}}
"""
HEADER = "id;start;wait;note"


def cut(text: str, form: FileFormat = FORM) -> list[Cut]:
    return list(Cutter(io.StringIO(text, newline=""), form))


def rows(text: str, form: FileFormat = FORM) -> list[list[str]]:
    found = cut(text, form)
    assert [each.fault for each in found] == [None] * len(found)
    return [each.values or [] for each in found]


def line(number: int, note: str = "fine") -> str:
    return f"{number};04.03.2024 08:{number // 60:02}:{number % 60:02};10;{note}"


@pytest.fixture
def mapping() -> Mapping:
    return parse_mapping(MAPPING, "m.yaml")


def read(folder: Path, mapping: Mapping, text: str | bytes, **form: Any) -> CallLog:
    path = folder / "calls.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(form.get("encoding", "utf-8")))
    return read_log(path, mapping.model_copy(update={"file": mapping.file.model_copy(update=form)}))


def ids(log: CallLog) -> list[str]:
    return [event.contact["contact_id"] for event in log.planned if event.type == "contact.initiated"]


@given(
    table=st.lists(st.lists(LETTERS, min_size=2, max_size=5), min_size=1, max_size=6),
    signs=st.tuples(st.sampled_from(";,\t|"), st.sampled_from("\"'")),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    escaped=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
)
def test_what_csv_writes_reads_back(
    table: list[list[str]], signs: tuple[str, str], quoting: int, escaped: bool, end: str, encoding: str
) -> None:
    delimiter, quote = signs
    assume(all(any(value and not value.isspace() for value in row) for row in table))
    out = io.StringIO(newline="")
    escape = {"escapechar": "\\", "doublequote": False} if escaped else {}
    try:
        csv.writer(out, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=end, **escape).writerows(
            table
        )  # type: ignore[arg-type]
    except csv.Error:
        assume(False)
    # It writes some that nobody can read: a lone CR without quotes, an escape character that is not escaped.
    assume(
        list(csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=delimiter, quotechar=quote, **escape))
        == table
    )  # type: ignore[arg-type]
    form = FileFormat(delimiter=delimiter, quote=quote, escape="\\" if escaped else None)
    raw = io.TextIOWrapper(io.BytesIO(out.getvalue().encode(encoding)), encoding=encoding, newline="")
    assert [each.values for each in Cutter(raw, form)] == table


@given(
    st.lists(st.lists(st.text(alphabet='ab ;"\n\r\\\ufeff', max_size=5), max_size=4), max_size=8).map(
        lambda t: "\n".join(";".join(r) for r in t)
    )
)
def test_every_line_of_any_text_is_in_one_row_or_blank(text: str) -> None:
    """Rows follow one another without a gap, and what lies between them are blank lines."""
    lines = list(io.StringIO(text, newline=""))
    at = 0
    for each in cut(text):
        begins = each.line if each.values is not None else each.line - each.lines + 1
        assert all(not left.strip('\ufeff;" \r\n') for left in lines[at : begins - 1])
        at = begins - 1 + each.lines
    assert all(not left.strip('\ufeff;" \r\n') for left in lines[at:])


@given(
    table=st.lists(st.lists(LETTERS, min_size=2, max_size=5), min_size=1, max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_csv_writes_without_quotes_reads_back(table: list[list[str]], end: str) -> None:
    assume(all(any(value and not value.isspace() for value in row) for row in table))
    dialect: dict[str, Any] = {"delimiter": ";", "quoting": csv.QUOTE_NONE, "escapechar": "\\", "lineterminator": end}
    out = io.StringIO(newline="")
    csv.writer(out, **dialect).writerows(table)
    assume(list(csv.reader(io.StringIO(out.getvalue(), newline=""), **dialect)) == table)
    assert rows(out.getvalue(), FileFormat(delimiter=";", escape="\\")) == table


def test_a_quote_that_does_not_close_costs_its_row(tmp_path: Path, mapping: Mapping) -> None:
    text = "\n".join([HEADER, *(line(n, '"urgent, call back' if n == 20 else "fine") for n in range(1, 201))]) + "\n"
    log = read(tmp_path, mapping, text)
    assert (log.rows, log.replayed, log.unreadable) == (200, 199, 1)
    assert [(fault.line, fault.message) for fault in log.faults] == [(21, "a quote opens here that is not closed")]
    assert "c-20" not in ids(log)


@pytest.mark.parametrize(
    ("later", "costs"),
    [
        ({30: '"quoted"'}, [20]),
        ({30: 'a screen of 24"'}, [20]),
        ({21: 'a screen of 24"'}, [20]),
        ({30: '"two\nlines"', 31: '"again'}, [20, 31]),
        ({21: '"also open', 22: '"and this', 90: '""'}, [20, 21, 22]),
        ({100: "\ufeff"}, [20]),
    ],
)
def test_quotes_further_down_do_not_close_it(
    tmp_path: Path, mapping: Mapping, later: dict[int, str], costs: list[int]
) -> None:
    notes = {20: '"urgent, call back', **later}
    text = "\r\n".join([HEADER, *(line(n, notes.get(n, "fine")) for n in range(1, 101))]) + "\r\n"
    log = read(tmp_path, mapping, text)
    assert ids(log) == [f"c-{n}" for n in range(1, 101) if n not in costs]
    assert log.rows == 100
    assert log.faults[0].line == 21


def test_a_value_may_have_lines_of_its_own(tmp_path: Path, mapping: Mapping) -> None:
    note = '"line one\nline; two\r\n\rthe ""third"""'
    log = read(tmp_path, mapping, "\n".join([HEADER, line(1, note), line(2)]))
    assert (ids(log), log.rows, log.unreadable) == (["c-1", "c-2"], 2, 0)


def test_a_value_of_very_many_lines_is_an_open_quote(tmp_path: Path, mapping: Mapping) -> None:
    log = read(tmp_path, mapping, "\n".join([HEADER, line(1, '"x'), *(["x"] * MOST_LINES), 'x"', line(2)]))
    assert (log.faults[0].line, log.faults[0].message) == (2, "a quote opens here that is not closed")
    assert ids(log) == ["c-2"]
    assert (log.rows, log.unreadable) == (MOST_LINES + 3, MOST_LINES + 2)


def test_a_quote_in_the_header_stops_the_replay(tmp_path: Path, mapping: Mapping) -> None:
    with pytest.raises(InputError, match="line 1, the header: a quote opens here"):
        read(tmp_path, mapping, '"id;start;wait;note\n' + line(1))


def test_quotes_that_are_not_doubled_are_named(tmp_path: Path, mapping: Mapping) -> None:
    log = read(tmp_path, mapping, "\n".join([HEADER, line(1, '"he said "no""'), line(2, r'"he said \"no\"; twice"')]))
    assert [(fault.line, fault.message) for fault in log.faults] == [
        (2, "cannot be cut: ';' expected after '\"'"),
        (3, "cannot be cut: ';' expected after '\"'"),
    ]
    log = read(tmp_path, mapping, "\n".join([HEADER, line(2, r'"he said \"no\"; twice"')]), escape="\\")
    assert (ids(log), log.unreadable) == (["c-2"], 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("blank", ["", "\r\n"])
def test_byte_order_marks_before_the_header_and_between_files(
    tmp_path: Path, mapping: Mapping, encoding: str, quoted: bool, blank: str
) -> None:
    def part(*lines: str) -> str:
        values = [";".join(f'"{value}"' for value in each.split(";")) if quoted else each for each in lines]
        return "\ufeff" + blank + "\r\n".join(values) + "\r\n"

    log = read(tmp_path, mapping, part(HEADER, line(1)) + part(HEADER, line(2)) + part(line(3)), encoding=encoding)
    assert (ids(log), log.rows, log.unreadable) == (["c-1", "c-2", "c-3"], 3, 0)


def test_a_byte_order_mark_inside_the_quotes_of_the_first_value(tmp_path: Path, mapping: Mapping) -> None:
    first = HEADER.replace("id", '"\ufeffid"') + "\n" + line(1) + "\n"
    log = read(tmp_path, mapping, first + first.replace("\n1;", '\n"\ufeff2";'))
    assert (ids(log), log.rows, log.unreadable) == (["c-1", "c-2"], 2, 0)


INSIDE = "has a byte order mark inside"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (line(2).replace("2;", "\ufeff2;", 1).replace("\ufeff", " \ufeff"), f"id: {INSIDE}"),
        (line(2).replace(";10", ";\ufeff10"), f"wait: {INSIDE}"),
        (line(2).replace(";04", ';"\ufeff04').replace(":02;", ':02";'), f"start: {INSIDE}"),
        (f"{line(2)}\ufeff{HEADER}", f"7 fields, expected 4; {INSIDE}"),
        (f"{line(2)}\ufeff{line(4)}", f"7 fields, expected 4; {INSIDE}"),
    ],
)
def test_a_byte_order_mark_inside_a_row_is_named(tmp_path: Path, mapping: Mapping, row: str, why: str) -> None:
    log = read(tmp_path, mapping, f"{HEADER}\n{line(1)}\n{row}\n{line(3)}\n")
    assert [(fault.line, fault.message[: len(why)]) for fault in log.faults] == [(3, why)]
    assert ids(log) == ["c-1", "c-3"]


def test_a_byte_order_mark_inside_what_nobody_reads_costs_nothing(tmp_path: Path, mapping: Mapping) -> None:
    log = read(tmp_path, mapping, f"{HEADER}\n{line(1, 'a' + chr(0xFEFF) + 'b')}\n")
    assert (ids(log), log.unreadable) == (["c-1"], 0)


def test_a_byte_order_mark_inside_the_header_is_named(tmp_path: Path, mapping: Mapping) -> None:
    with pytest.raises(InputError, match=f"line 1, the header: wait {INSIDE}"):
        read(tmp_path, mapping, f"{HEADER.replace('wait', chr(0xFEFF) + 'wait')}\n{line(1)}\n")


@pytest.mark.parametrize(
    "header", ["id;start;w\u00e4it;note", "id;start;wa\u0308it;note", "i\u200bd;start; w\u00e4it\u2060 ;note"]
)
@pytest.mark.parametrize("name", ["w\u00e4it", "wa\u0308it"])
def test_names_of_columns_are_what_they_look_like(tmp_path: Path, header: str, name: str) -> None:
    given_ = parse_mapping(
        MAPPING.replace("wait: seconds", f"{name}: seconds").replace("+ wait", f"+ {name}"), "m.yaml"
    )
    assert ids(read(tmp_path, given_, f"{header}\n{line(1)}\n{header}\n{line(2)}\n")) == ["c-1", "c-2"]
    with pytest.raises(InputError, match="is there 2 times"):
        read(tmp_path, given_, f"{header};wa\u0308it\n{line(1)};1\n")


@pytest.mark.parametrize("header", ["start;id;wait;note", "id;start;wait;note;more", "note; id;wait;start "])
def test_joined_files_must_have_the_same_header(tmp_path: Path, mapping: Mapping, header: str) -> None:
    with pytest.raises(InputError, match="line 3 is another header line"):
        read(tmp_path, mapping, f"{HEADER}\n{line(1)}\n{header}\n{line(2)}\n")


@pytest.mark.parametrize(
    ("raw", "encoding", "words"),
    [
        (
            HEADER.encode("utf-8-sig"),
            "latin-1",
            "line 1 begins with the byte order mark of UTF-8, and the mapping says latin-1",
        ),
        (HEADER.encode("utf-8-sig"), "cp1252", "file: {encoding: utf-8}"),
        (HEADER.encode("utf-16"), "utf-8", "line 1 begins with the byte order mark of UTF-16"),
    ],
)
def test_a_mark_of_another_encoding_is_named(
    tmp_path: Path, mapping: Mapping, raw: bytes, encoding: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, mapping, raw + b"\n", encoding=encoding)
    assert words in str(caught.value)


def test_a_part_of_another_encoding_is_named_with_its_line(tmp_path: Path, mapping: Mapping) -> None:
    parts = f"{HEADER}\n{line(1)}\n".encode("latin-1") + f"{HEADER}\n{line(2)}\n".encode("utf-8-sig")
    log = read(tmp_path, mapping, parts, encoding="latin-1")
    assert [fault.line for fault in log.faults] == [3]
    assert "byte order mark" in log.faults[0].message
    assert ids(log) == ["c-1", "c-2"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("id;start;wait;note;wait", "the column wait is there 2 times, in places 3 and 5"),
        ("id;start;wait;note; wait ", "the column wait is there 2 times"),
        ("id;id;start;wait;note;id", "the column id is there 3 times, in places 1 and 2 and 6"),
    ],
)
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, mapping: Mapping, header: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, mapping, f"{header}\n1;1;1;1;1;1\n")
    assert words in str(caught.value)


def test_columns_that_nobody_reads_may_be_there_twice(tmp_path: Path, mapping: Mapping) -> None:
    log = read(tmp_path, mapping, f"{HEADER};x;x;;\n{line(1)};a;b;;\n")
    assert (ids(log), log.unreadable) == (["c-1"], 0)


@given(data=st.data())
def test_one_broken_row_of_many_costs_no_other(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Anything put anywhere into one row: the others are read, and every row is accounted for."""
    count = 12
    notes = data.draw(
        st.lists(
            st.sampled_from(["fine", '"quoted"', '"a ""b"" c"', '"two\nlines"', '24"', ""]),
            min_size=count,
            max_size=count,
        )
    )
    lines = [line(n, note) for n, note in enumerate(notes)]
    broken = data.draw(st.integers(0, count - 1))
    where = data.draw(st.integers(0, len(lines[broken])))
    what = data.draw(
        st.sampled_from(['"', ";", '""', "\\", "x", "\ufeff", '";', ';"', "\udcff", "'", " ", "\t", "\x00", "1", "-"])
    )
    lines[broken] = lines[broken][:where] + what + lines[broken][where:]
    text = "\n".join([HEADER, *lines]) + "\n"
    path = tmp_path_factory.mktemp("broken") / "calls.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    log = read_log(path, parse_mapping(MAPPING, "m.yaml"))
    assert log.rows == log.replayed + log.left_out.total() + log.unreadable
    assert log.rows >= count
    others = {f"c-{n}" for n in range(count) if n != broken}
    assert others - {name.partition("~")[0] for name in ids(log)} == set()
