"""What the command says when something is wrong, without a broker."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from tests.unit.replay.bank import COLUMNS, row


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["replay", *(str(argument) for argument in arguments)])
    return result.exit_code, result.output.strip()


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    path = tmp_path / "calls.tsv"
    path.write_text("\t".join(COLUMNS) + "\n" + row() + "\n" + row(call_id="2", date="?") + "\n")
    return path


def test_file_not_found(tmp_path: Path) -> None:
    path = tmp_path / "none.tsv"
    assert run(path, "--mapping", "bank.yaml") == (1, f"contact-streams: file not found: {path}")


def test_mapping_not_found(calls: Path) -> None:
    assert run(calls, "--mapping", "bnak.yaml") == (
        1,
        "contact-streams: mapping not found: bnak.yaml: neither a file nor one of the shipped mappings (bank.yaml)",
    )


def test_column_missing(calls: Path) -> None:
    calls.write_text(calls.read_text().replace("q_time", "queue_time"))
    code, output = run(calls, "--mapping", "bank.yaml")
    assert code == 1
    assert output.startswith(f"contact-streams: {calls}: column missing: q_time; the file has: vru+line, call_id, ")


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--speed", "fast", "contact-streams: speed 'fast': expected max, or how many times real time (1, 60, 0.5)"),
        (
            "--replay-id",
            "Week 1",
            "contact-streams: replay id 'Week 1': expected 1 to 100 lower-case letters, digits or hyphens, and not all or live",
        ),
        (
            "--replay-id",
            "live",
            "contact-streams: replay id 'live': expected 1 to 100 lower-case letters, digits or hyphens, and not all or live",
        ),
    ],
)
def test_wrong_options(calls: Path, option: str, value: str, expected: str) -> None:
    assert run(calls, "--mapping", "bank.yaml", option, value) == (1, expected)


def test_no_events(calls: Path) -> None:
    calls.write_text("\t".join(COLUMNS) + "\n")
    code, output = run(calls, "--mapping", "bank.yaml")
    assert code == 0
    assert output.startswith("0 rows: 0 events; left out: none; unreadable: 0\nreplay bank-")


@pytest.mark.parametrize(("tolerate", "expected"), [("0", 2), ("1", 2), ("2", 0)])
def test_no_row_that_can_be_read(calls: Path, tolerate: str, expected: int) -> None:
    calls.write_text("\n".join(["\t".join(COLUMNS), row(date="?"), row(outcome="PHANTOM"), "one field"]) + "\n")
    code, output = run(calls, "--mapping", "bank.yaml", "--tolerate", tolerate)
    assert code == expected
    lines = output.splitlines()
    assert lines[0] == "3 rows: 0 events; left out: 1 phantom; unreadable: 2"
    assert lines[-2] == "3 rows = 0 published + 1 left out + 2 unreadable"


def test_no_broker(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        servers = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
        code, output = run(calls, "--mapping", "bank.yaml")
    lines = output.splitlines()
    assert code == 1
    assert lines[:2] == [
        "2 rows: 3 events; left out: none; unreadable: 1",
        "  line 3: date: time data '?' does not match format '%y%m%d'",
    ]
    assert lines[-1].startswith(f"contact-streams: no broker answers at {servers}; ")
    assert "contact-streams doctor" in lines[-1]
