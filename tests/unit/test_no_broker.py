"""Commands that ask a broker which does not answer say so in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize(
    "command",
    [
        "kpis --from 2026-01-01 --to 2026-01-02",
        "topics create",
        "state stats",
        "state show customer:1",
    ],
)
def test_no_command_ends_in_a_traceback(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *command.split()],
        cwd=tmp_path,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": NOWHERE},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Kafka at " + NOWHERE in done.stderr
    assert "Traceback" not in done.stderr
