"""Commands that ask a broker which does not answer say so in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOWHERE = "127.0.0.1:1"


def run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *command.split()],
        cwd=folder,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": NOWHERE, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        "kpis --from 2026-01-01 --to 2026-01-02",
        "merges",
        "policies compare tiered one-size-fits-all --from 2026-01-01 --to 2026-01-02",
        "topics create",
        "state stats",
        "state show customer:1",
        "worker --port 0",
        "demo",
    ],
)
def test_every_command_ends_with_the_same_sentence(command: str, tmp_path: Path) -> None:
    done = run(command, tmp_path)
    assert done.returncode == 1, done.stderr[-2000:]
    assert done.stderr.strip().splitlines()[-1].startswith(f"contact-streams: no broker answers at {NOWHERE}; ")
    assert "contact-streams doctor" in done.stderr
    assert "Traceback" not in done.stderr
    assert "KafkaConnectionError" not in done.stderr


def test_what_the_client_logs_is_not_shown_by_a_command(tmp_path: Path) -> None:
    assert len(run("topics create", tmp_path).stderr.splitlines()) == 1


def test_a_web_address_that_does_not_exist_is_the_last_line_and_no_traceback(tmp_path: Path) -> None:
    done = run("worker", tmp_path, CONTACT_STREAMS_WEB_HOST="nohost.invalid")
    assert done.returncode == 1, done.stderr[-2000:]
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("contact-streams: CONTACT_STREAMS_WEB_HOST = 'nohost.invalid': ")
    assert "Error while stopping" not in done.stderr
    assert "Traceback" not in done.stderr
