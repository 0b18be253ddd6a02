"""The command group ``schemas``."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas import export
from schemas.registry import topics
from streams.cli.schemas import schemas_app

VALID = topics()["contacts.voice"].examples[0].value


def run(*arguments: str, stdin: str | bytes | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(schemas_app, list(arguments), input=stdin)
    return result.exit_code, result.output


def test_export_writes_and_checks(tmp_path: Path) -> None:
    code, output = run("export", "--check", "--to", str(tmp_path))
    assert code == 1
    assert "run contact-streams schemas export" in output
    code, output = run("export", "--to", str(tmp_path))
    assert (code, "asyncapi.json is missing: written" in output) == (0, True)
    assert run("export", "--check", "--to", str(tmp_path)) == (0, "The exported schemas are current.\n")


def test_list_and_show() -> None:
    code, output = run("list")
    assert code == 0
    assert len(output.splitlines()) == len(topics())
    code, output = run("show", "journeys")
    assert code == 0
    assert json.loads(output)["key"] == "{journey_id}"
    code, output = run("show", "journey")
    assert code == 2


def test_validate_lines() -> None:
    lines = [
        json.dumps(VALID),
        "",
        json.dumps({**VALID, "type": "contact.vanished"}),
        json.dumps(VALID)[:50],
        json.dumps({**VALID, "note": "a\u2028b"}, ensure_ascii=False),
        '{"type": NaN}',
    ]
    code, output = run("validate", "-", stdin="\n".join(lines))
    assert code == 1
    found = output.splitlines()
    assert found[0] == "1: OK"
    assert found[1].startswith('3: unknown-type type type "contact.vanished" is not one we know')
    assert found[2].startswith("4: unreadable - is not JSON: ")
    assert found[3] == "5: OK"
    assert found[4] == "6: unreadable - is not JSON: NaN is no JSON number"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (json.dumps(VALID, indent=2), "1: OK"),
        (json.dumps([VALID, 3]), "1: OK\n2: wrong-type - the value must be a JSON object, got a number"),
        ("[" * 100_000, "1: unreadable - nested too deeply"),
        ("", "1: unreadable - is empty: an event is a JSON object"),
        (" \n\n", "1: unreadable - is empty: an event is a JSON object"),
    ],
)
def test_validate_documents(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "events.json"
    file.write_text(text)
    assert run("validate", str(file))[1].rstrip("\n") == told


def test_validate_says_what_it_does_not_check() -> None:
    code, output = run("validate", "--help")
    assert code == 0
    assert "Not checked: age, size, key, the topic" in " ".join(output.split())


def test_validate_bytes_that_are_not_utf8() -> None:
    code, output = run("validate", "-", stdin=json.dumps(VALID).encode().replace(b"/telephony", b"\xff"))
    assert code == 1
    assert output.startswith("1: wrong-type source ")


def test_validate_records_of_an_output_topic(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    file.write_text("\n".join(json.dumps(e.value) for e in topics()["alerts"].examples))
    assert run("validate", str(file), "--topic", "alerts") == (0, "1: OK\n2: OK\n")
    assert run("validate", str(tmp_path / "absent.jsonl"))[0] == 2


def test_release_refuses_what_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BASELINE", tmp_path)
    export.write_baseline(tmp_path)
    released = tmp_path / "json" / "input" / "contact.held.json"
    schema = json.loads(released.read_text())
    schema["required"].remove("time")
    released.write_text(json.dumps(schema))
    code, output = run("release")
    assert code == 1
    assert "input/contact.held: time becomes required: that breaks connectors" in output
    assert json.loads(released.read_text()) == schema
