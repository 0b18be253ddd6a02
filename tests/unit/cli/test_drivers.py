"""``contact-streams drivers``: from a file to table, JSON and plot; what it refuses, before anything is read where it can."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.inspect.drivers import Query, collect
from tests.support.pages import ROOT, text
from tests.support.quality_story import SHOWN, World, records

PNG = b"\x89PNG\r\n\x1a\n"


def drivers(*arguments: object) -> tuple[int, str, str]:
    given = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "COLUMNS": "240"}
    done = CliRunner().invoke(app, ["drivers", *map(str, arguments)], env=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def file(path: Path, told: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in told))
    return path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set of the documents."""
    return file(tmp_path_factory.mktemp("drivers") / "quality.jsonl", list(records(SHOWN, 7)))


def test_the_page_shows_what_the_command_shows(shown: Path, tmp_path: Path) -> None:
    code, out, _ = drivers("--file", shown, "--by", "channel", "--plot", tmp_path / "drivers.png")
    assert code == 0
    page = text(ROOT / "docs" / "drivers.md")
    table = [line for line in page.splitlines() if line.startswith(("│", "CSAT, ", "NPS, "))]
    assert len(table) > 12
    said = out.splitlines()
    assert [line for line in table if line not in said] == []
    plot = (tmp_path / "drivers.png").read_bytes()
    assert plot.startswith(PNG)
    kept = (ROOT / "docs" / "images" / "drivers.png").read_bytes()
    assert kept.startswith(PNG)
    assert max(len(plot), len(kept)) <= 60_000
    assert kept[16:24] == plot[16:24]  # width and height


def test_as_json(shown: Path) -> None:
    code, out, err = drivers("--file", shown, "--by", "tier", "--by", "channel,tier", "--from", "2026-03-02", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["from"], found["line"], found["correction"]) == ("2026-03-02T00:00:00.000Z", "", "holm")
    csat = [each for each in found["groups"] if each["answer"] == "csat"]
    assert [len(each["group"]) for each in csat] == [0, 1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert csat[0]["moves_most"] == {"dimension": "human", "behaviour": "offers-to-stay"}
    (first, *_) = csat[0]["effects"]
    assert first["low"] < 0.2 < first["high"]
    assert first.keys() == {
        "kind", "driver", "effect", "low", "high", "points", "points_low", "points_high", "p", "p_corrected", "stands",
        "answers", "customers", "with_it",
    }  # fmt: skip
    assert found["tests"] == sum(len(each["effects"]) for each in found["groups"])


def test_the_same_plot_twice_is_the_same_file(shown: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.svg", tmp_path / "two.SVG"
    for path in (one, two):
        assert drivers("--file", shown, "--by", "channel", "--plot", path)[0] == 0
    assert one.read_bytes() == two.read_bytes()
    drawn = one.read_text()
    assert drawn.startswith("<?xml")
    for said in ("offers-to-stay", "channel chat", "points for a tenth", "interval of 95%"):
        assert said in drawn, said


def test_names_that_would_be_obeyed_are_text_on_the_plot_and_beside_it(tmp_path: Path) -> None:
    name = "$\\frac{1$ <b>&\x1b[31m[/nope] 早"
    told = list(records(World(customers=60), 1))
    for each in told:
        each["behaviours"] = {name: each["behaviours"]["apologises"]}
        each["tier"] = name if each["tier"] == "gold" else each["tier"]
    path = tmp_path / "plot.svg"
    code, out, _ = drivers(
        "--file", file(tmp_path / "q.jsonl", told), "--by", "tier", "--min-answers", 20, "--plot", path
    )
    assert code == 0
    shown_name = name.replace("\x1b", "\\x1b")
    assert shown_name in out
    assert "\x1b" not in out + path.read_text()
    assert shown_name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in path.read_text()


def test_groups_that_are_refused_are_named(tmp_path: Path) -> None:
    told = list(records(World(customers=60), 1))
    for each in told:
        each["tier"] = "gold" if each["customer_id"] == "customer-1" else "silver"
        each["channel"] = "voice"
        each["nps"] = None
    code, out, err = drivers("--file", file(tmp_path / "q.jsonl", told), "--by", "tier", "--by", "channel")
    assert (code, err) == (0, "")
    assert re.search(r"^CSAT, tier gold: not told: \d answers, at least 50 are needed\.$", out, re.MULTILINE)
    assert "NPS, all: not told: 0 answers, at least 50 are needed." in out
    assert "channel voice: that is all contacts, so it has no rows of its own." in out


def test_there_is_no_plot_of_nothing(tmp_path: Path) -> None:
    path = file(tmp_path / "q.jsonl", list(records(World(customers=5), 1)))
    code, out, _ = drivers("--file", path)
    assert code == 0
    assert "CSAT, all: not told: " in out
    code, _, err = drivers("--file", path, "--plot", tmp_path / "p.png")
    assert code == 1
    assert "there is no effect to draw" in err


def test_a_file_of_keys_and_values_removes_what_has_no_value(tmp_path: Path) -> None:
    told = list(records(World(customers=30), 1))
    path = tmp_path / "q.tsv"
    lines = [f"{each['contact_id']}\t{json.dumps(each)}\n" for each in told]
    path.write_text("".join(lines) + "".join(f"{each['contact_id']}\t\n" for each in told[10:]) + "\n")
    assert json.loads(drivers("--file", path, "--json")[1])["answers"] == 10


def test_lines_that_cannot_be_read_are_counted_and_named(tmp_path: Path) -> None:
    path = file(tmp_path / "q.jsonl", list(records(World(customers=30), 1)))
    path.write_bytes(b"nonsense\n" + path.read_bytes() + b'{"contact_id": 1}\n')
    code, out, err = drivers("--file", path)
    assert code == 0
    assert "2 records left out as unreadable: " in out
    assert f"{path}:1: JSON is malformed" in out
    path.write_bytes(b"nonsense\n")
    code, out, err = drivers("--file", path)
    assert (code, out) == (1, "")
    assert "has a score and an answer: 0 were read; 1 record left out as unreadable: " in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--file", "nowhere.jsonl"), "nowhere.jsonl: No such file or directory; give a file of records of"),
        (("--by", "queue"), "--by queue: there is no 'queue'; there are service_type, tier, channel"),
        (("--by", "tier,tier"), "--by tier,tier: name each once"),
        (("--line", "all"), "--line all: a replay may hold the same contacts once more; give live, or a replay's id"),
        (("--from", "soon"), "'soon' is neither a date such as 1999-02-01 nor a date-time"),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "is no time: --to lies before --from"),
        (("--plot", "p.pdf"), "--plot p.pdf: its name must end in .png or .svg"),
        (("--plot", "nowhere/p.png"), "--plot nowhere/p.png: there is no folder nowhere"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_read(arguments: tuple[str, ...], why: str) -> None:
    code, out, err = drivers(*arguments)
    assert (code, out) == (1, "")
    assert why in err


def test_a_line_that_is_not_there(shown: Path) -> None:
    code, _, err = drivers("--file", shown, "--line", "week-5")
    assert code == 1
    assert err.endswith("there is no line week-5 with scored contacts; there is live\n")


@pytest.mark.parametrize("package", ["scipy", "matplotlib", "numpy"])
def test_without_its_extra_it_says_what_to_install(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("streams.drivers", "streams.inspect.driver"))]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    code, out, err = drivers("--plot", "p.png")
    assert (code, out) == (1, "")
    assert f"need the package {package}, which workers do without: pip install " in err
    assert "'scipy>=1.15'" in err
    assert "the extra `drivers`" in err


def test_from_the_topic_records_without_a_value_remove() -> None:
    told = list(records(World(customers=3), 1))

    async def topic() -> AsyncIterator[Any]:
        for offset, each in enumerate(told):
            key, value = each["contact_id"].encode(), json.dumps(each).encode()
            yield SimpleNamespace(key=key, value=value, partition=0, offset=offset)
        yield SimpleNamespace(key=told[0]["contact_id"].encode(), value=None, partition=0, offset=99)
        yield SimpleNamespace(key=b"x", value=b"{", partition=2, offset=7)

    book = asyncio.run(collect(topic(), Query(0, 2**62, "", (), 50), lambda _: None))
    assert len(book.answers().rows) == len(told) - 1
    assert book.faults == ["contact.quality-2 at offset 7: Input data was truncated"]


def test_the_help_shows_how_it_is_called() -> None:
    assert "contact-streams drivers --from 2026-03-01 --to 2026-03-31 --plot march.png" in drivers("--help")[1]
