"""The documents say what is there: links, commands, settings, metrics, KPIs, and the first event of the README."""

import ast
import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from pydantic_core import PydanticUndefined
from typer.testing import CliRunner

from schemas import events, routing
from streams import rules, settings
from streams.cli import main as cli
from streams.engine import RowFailure, TaskInfo
from streams.metrics.catalogue import BUSINESS, BUSINESS_INSTANT, CATALOGUE
from streams.pipeline.dead_letters import ROW_LIMIT, on_row
from streams.settings import Settings
from streams.worker.build import build
from tests.support.pages import CODE, ROOT, anchors, in_code, rows, section, text

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in LINK.findall(CODE.sub("", text(page))):
            if not re.match(r"[a-z]+:", target):
                yield page, target


@pytest.mark.parametrize(("page", "target"), list(links()), ids=lambda value: getattr(value, "name", value))
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    found = (page.parent / path).resolve() if path else page
    assert found.exists(), f"{page.name}: {target}: no such file"
    if anchor:
        assert anchor in anchors(found), f"{page.name}: {target}: no such heading"


def test_every_document_is_reached_from_the_readme() -> None:
    linked = {(page.parent / target.partition("#")[0]).resolve() for page, target in links()}
    assert [page.name for page in PAGES if page.name not in ("README.md", "CHANGELOG.md") and page not in linked] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    lines = re.findall(r"(?:^|`|\. )make ([a-z][a-z ]*[a-z-]*)", in_code(page), re.MULTILINE)
    named = {word for line in lines for word in line.split()}
    assert named <= targets, f"{page.name}: no target {sorted(named - targets)}"


def commands() -> set[tuple[str, ...]]:
    """Every command and group, as the words behind the program's name."""
    found: set[tuple[str, ...]] = set()
    root = typer.main.get_command(cli.app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        found |= {(name,), *((name, each) for each in getattr(command, "commands", ()))}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_exists(page: Path) -> None:
    known = commands()
    groups = {command[0] for command in known if len(command) == 2}
    for line in re.findall(r"contact-streams ([a-z][a-z .-]*)", in_code(page)):
        words = tuple(word for word in line.split()[:2] if not word.startswith("-"))
        command = words if words[0] in groups and len(words) == 2 else words[:1]
        assert command in known, f"{page.name}: contact-streams {' '.join(command)}"


def test_every_command_is_in_the_readme() -> None:
    readme = in_code(ROOT / "README.md")
    assert [name for name in {command[0] for command in commands()} if f"contact-streams {name}" not in readme] == []


def settings_table() -> list[str]:
    """The rows of the table, from the code."""

    def shown(default: object) -> str:
        if default is PydanticUndefined:
            return "host and process id"
        if default in ("", None):
            return "–"
        return f"`{str(default).lower() if isinstance(default, bool) else default}`"

    def allowed(name: str) -> str:
        return "–" if (words := settings.allowed(name)) == "text" else words

    fields = Settings.model_fields.items()
    return [
        f"| `{settings.variable(name)}` | {shown(field.get_default())} | {allowed(name)} | {field.description} |"
        for name, field in fields
    ]


def test_the_table_of_settings_is_current() -> None:
    page = text(ROOT / "docs" / "operations.md")
    table = settings_table()
    assert [row for row in table if row not in page] == [], "in docs/operations.md, the table is:\n" + "\n".join(table)
    variables = set(re.findall(r"CONTACT_STREAMS_[A-Z_]+", "\n".join(text(each) for each in PAGES)))
    known = {settings.variable(name) for name in Settings.model_fields} | {settings.PREFIX + "CONFIG"}
    assert {variable for variable in variables if not variable.endswith("_")} <= known


KCAT = "kcat -C -b $B -t contacts.dead-letters -e -q"


def recipe(marker: str, letters: list[dict[str, Any]], folder: Path) -> bytes:
    """What the one command of the page with these words prints, for these dead letters in place of the topic's."""
    lines = [line for line in text(ROOT / "docs" / "operations.md").splitlines() if line.startswith(KCAT)]
    (command,) = [line for line in lines if marker in line]
    (folder / "letters").write_text("".join(json.dumps(letter) + "\n" for letter in letters))
    command = command.replace(KCAT, "cat letters")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, capture_output=True, check=True
    ).stdout


def letter(name: str, payload: bytes = b"", **more: Any) -> dict[str, Any]:
    key = base64.b64encode(b"M\xfcller").decode()
    return {"id": name, "key": key, "payload": base64.b64encode(payload).decode(), **more}


@needs_jq
def test_the_original_of_a_dead_letter_comes_out_byte_for_byte(tmp_path: Path) -> None:
    original = '{"text": "Grüße"}\n'.encode("latin-1") + b"\x00\xff"
    letters = [letter("contacts.voice-3-17", original), letter("contacts.voice-3-18", b"another")]
    recipe("> letter.json", letters, tmp_path)
    assert (tmp_path / "letter.json").read_bytes() == original
    assert recipe(".key //", letters, tmp_path) == b"M\xfcller"
    assert recipe(".key //", [letter("contacts.voice-3-17") | {"key": None}], tmp_path) == b""


@needs_jq
def test_the_newest_dead_letters_are_the_newest(tmp_path: Path) -> None:
    times = [f"2026-03-02T09:{minute:02}:00.000Z" for minute in range(20)]
    letters = [letter(time, timestamp=time, reason="too-old", path=None) for time in times]
    shown = recipe("sort_by(.timestamp)", letters[::-1], tmp_path).splitlines()
    assert [json.loads(line)["id"] for line in shown] == times[-10:]


@needs_jq
def test_a_row_that_was_set_aside_is_listed_and_put_together(tmp_path: Path) -> None:
    row = b'\x02{"name": "' + b"x" * (2 * ROW_LIMIT) + b'"}'
    sent: list[bytes] = []
    out = SimpleNamespace(now=0, send=lambda topic, key, value: sent.append(value))
    info = TaskInfo("track", 1, 4, ("contact.interactions",))
    on_row("dead", "app")(RowFailure(info, "customers", "customer:7", row, ValueError("odd"), 5), out)
    letters = [json.loads(value) for value in sent]
    assert len(letters) == 3
    name = letters[0]["id"].removesuffix("-1")
    mixed = [letters[2], letter("contacts.voice-3-17", b"no row"), letters[0], letters[1]]
    listed = [json.loads(line) for line in recipe("select(.table) |", mixed, tmp_path).splitlines()]
    assert [(each["table"], each["part"], each["parts"]) for each in listed] == [("customers", n, 3) for n in (3, 1, 2)]
    named = [{**each, "id": each["id"].replace(name, "ID")} for each in mixed]
    recipe("> row", named, tmp_path)
    assert (tmp_path / "row").read_bytes() == row
    assert recipe("tr '", [{**letters[0], "id": "ID"}], tmp_path) == b"customers customer:7"
    assert b"ValueError: odd" in recipe(".traceback", [{**letters[0], "id": "ID"}], tmp_path)


def test_every_metric_is_described_and_no_other() -> None:
    application = build(settings.load(bootstrap_servers="127.0.0.1:1"), rules.load())
    families = list(application.metrics.registry.collect())
    exposed = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    ours = {name for name in exposed if name.startswith("contact_")}
    described = set(re.findall(r"^\| `(contact_[a-z_]+)", text(ROOT / "docs" / "operations.md"), re.MULTILINE))
    assert described == ours


def test_the_catalogue_of_kpis_is_current_and_its_service_levels_are_described() -> None:
    said = CliRunner().invoke(cli.app, ["kpis", "catalogue"]).stdout
    assert said == text(ROOT / "docs" / "kpi-catalogue.md"), "contact-streams kpis catalogue > docs/kpi-catalogue.md"
    levels = [cells[0] for cells in rows(section(ROOT / "docs" / "metrics.md", "The seven service levels"))]
    described = {word for each in levels for word in re.findall(r"`(\w+)`", each)}
    assert described == {kpi.variant for kpi in CATALOGUE if kpi.name == "service_level"}
    by_business_time = [
        (kpi.strip("`"), word, grain)
        for kpi, variants, grain, _ in rows(section(ROOT / "docs" / "hours.md", "The readings"))
        for word in re.findall(r"`(\w+)`", variants)
    ]
    assert by_business_time == [(kpi.name, kpi.variant, kpi.grain) for kpi in (*BUSINESS, *BUSINESS_INSTANT)]


def test_the_example_of_opening_hours_is_a_file_and_says_what_is_shown_of_it(tmp_path: Path) -> None:
    page = text(ROOT / "docs" / "hours.md")
    (example,) = re.findall(r"^```yaml\n(# hours.yaml\n.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "hours.yaml").write_text(example)
    ((asked, said),) = re.findall(r"^\$ contact-streams (hours .*?)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    done = CliRunner().invoke(cli.app, asked.split(), env={"CONTACT_STREAMS_RULES_DIR": str(tmp_path)})
    assert (done.exit_code, done.stdout) == (0, said)


def test_the_first_event_of_the_readme_is_accepted_and_its_program_has_five_lines() -> None:
    readme = text(ROOT / "README.md")
    (event,) = re.findall(r"^cat > event.json <<EOF\n(.*?)^EOF$", readme, re.DOTALL | re.MULTILINE)
    event = event.replace("$call", "call-1").replace("$(date -u +%FT%T.%3NZ)", "2026-03-02T09:15:04.120Z")
    assert events.check(json.loads(event)) is None
    (program,) = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert len(program.splitlines()) == 5
    ast.parse(program)


def test_the_line_that_erases_somebody_is_of_now_and_valid() -> None:
    (line,) = [
        each for each in text(ROOT / "docs" / "privacy.md").splitlines() if each.startswith("C=cust-1002; printf")
    ]
    said, _, sent = line.partition(" | kcat ")
    event = json.loads(subprocess.run(["bash", "-c", said], check=True, capture_output=True, text=True).stdout)
    assert events.check(event) is None
    assert abs(time.time() - datetime.fromisoformat(event["time"]).timestamp()) < 60
    topic, key = routing.route(event)
    assert f"-t {topic} " in sent
    assert key == event["data"]["customer_id"] == "cust-1002"
    assert sent.endswith('-k "$C"')
