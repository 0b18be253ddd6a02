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
        "staff --hours 1",
        "merges",
        "drivers",
        "policies compare tiered one-size-fits-all --from 2026-01-01 --to 2026-01-02",
        "rules backtest",
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


@pytest.mark.parametrize(
    ("name", "value"),
    [("POLICY", "nope"), ("RULES_DIR", "nowhere"), ("SENTIMENT_SCORER", "nope"), ("STORE", "rocksdb")],
)
@pytest.mark.parametrize("broker", ["", NOWHERE])
def test_a_wrong_setting_of_a_worker_is_named_before_the_broker(
    tmp_path: Path, broker: str, name: str, value: str
) -> None:
    wrong = {f"CONTACT_STREAMS_{name}": value, "KAFKA_BOOTSTRAP_SERVERS": broker}
    done = run("worker --port 0", tmp_path, **wrong)
    assert done.returncode == 1
    assert value in done.stderr
    assert "roker" not in done.stderr


def test_a_worker_warns_of_tiers_that_its_policy_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "tiers.yaml").write_text("tiers: {vip: {order: 2}, std: {order: 1}}\n")
    (tmp_path / "alerts.yaml").write_text("rules: []\n")
    said = run("worker --port 0", tmp_path, CONTACT_STREAMS_RULES_DIR=str(tmp_path)).stderr
    assert "the policy tiered was made for other tiers than those of tiers.yaml" in said


def test_what_the_client_logs_is_not_shown_by_a_command(tmp_path: Path) -> None:
    assert len(run("topics create", tmp_path).stderr.splitlines()) == 1


def test_a_web_address_that_does_not_exist_is_the_last_line_and_no_traceback(tmp_path: Path) -> None:
    done = run("worker", tmp_path, CONTACT_STREAMS_WEB_HOST="nohost.invalid")
    assert done.returncode == 1, done.stderr[-2000:]
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("contact-streams: CONTACT_STREAMS_WEB_HOST = 'nohost.invalid': ")
    assert "Error while stopping" not in done.stderr
    assert "Traceback" not in done.stderr
