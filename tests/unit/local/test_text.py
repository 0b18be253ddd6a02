"""Names of others are shown as text, whatever a terminal, rich or a spreadsheet would take them for."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

import streams
from streams.local.text import Terminal, as_json, cell, shown

HOSTILE = [
    "[/nope]",
    "[link=https://x.example]click[/link]",
    "\x9b31mred",
    "\x1b]0;title\x07",
    "a\u202eb",
    ":boom:",
    "a\nb",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_terminal_shows_a_name_and_obeys_it_in_nothing(name: str) -> None:
    out = io.StringIO()
    console = Terminal(file=out, width=200)
    table = Table("queue")
    table.add_row(name)
    console.print(table)
    console.print(name)
    console.fail(name)
    console.json({"queue": name})
    text = out.getvalue()
    if name.isprintable():
        assert text.count(name) == 4
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_where_it_is_piped_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table, out = Table("value"), io.StringIO()
    table.add_row("x" * 200)
    Terminal(file=out).print(table)
    assert "x" * 200 in out.getvalue()
    monkeypatch.setenv("COLUMNS", "60")
    assert Terminal(file=out).width == 60


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", " =1", "a;=1"])
def test_a_spreadsheet_computes_nothing(name: str) -> None:
    assert "'" in str(cell(name))
    assert cell(-5) == -5


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("Kredite & Karten", "予約", "👩‍👩‍👧", "loans-2", "a|b%c"):
        assert shown(name) == cell(name) == name
        assert name in as_json({"queue": name})


@given(st.text(max_size=30))
def test_nothing_that_is_shown_is_hidden(name: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown(name))
    assert shown(shown(name)) == shown(name)


def test_no_command_writes_past_it() -> None:
    """Every console is a `Terminal`, and nothing is printed beside one."""
    past = re.compile(r"(?<![\w.])(?:print|Console|typer\.echo|print_json)\(")
    for file in Path(streams.__file__).parent.rglob("*.py"):
        if file.name != "text.py":
            assert not past.search(file.read_text()), f"{file} writes past streams/local/text.py"
