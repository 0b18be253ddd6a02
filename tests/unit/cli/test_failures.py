"""One way to fail: a sentence for what a person can mend, a traceback for a fault of ours."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from schemas import registry
from streams import rules
from streams import settings as settings_module
from streams.base.errors import BrokerError, TopicMissing, UserError
from streams.cli import main
from streams.engine import errors as engine
from streams.inspect import calls, changelogs, lost_state, readings
from streams.kafka import reading, topics
from streams.local import processes
from streams.replay import errors as replay
from streams.worker import plugins, process, storage, web

KPIS = ("kpis", "--from", "2026-01-01", "--to", "2026-01-02")
MENDABLE = [
    UserError, BrokerError, TopicMissing, settings_module.SettingsError, rules.RulesError, replay.InputError,
    replay.MappingError, replay.PublishError, readings.QueryError, calls.CallsError, changelogs.StateError,
    lost_state.StateGone, topics.TopicsError, reading.OpenTransaction, processes.WorkerFailed, plugins.PluginError,
    storage.StorageError, web.WebError, engine.ConfigurationError, engine.TopologyError, engine.StoreInUse,
    registry.RegistryError,
]  # fmt: skip
"""Each takes one text."""


def run(*words: str) -> Result:
    return CliRunner().invoke(main.app, words, env={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})


def raising(error: BaseException) -> Any:
    def raises(*_: object, **__: object) -> None:
        raise error

    return raises


@pytest.mark.parametrize("kind", MENDABLE)
def test_what_a_person_can_mend_is_a_sentence_on_stderr_and_1(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "load", raising(kind("what to do")))
    done = run(*KPIS)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "contact-streams: what to do\n")


@pytest.mark.parametrize("kind", [KeyError, IndexError, LookupError, ValueError, engine.TaskLost])
def test_a_fault_of_ours_is_a_traceback(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    fault = kind("queue")
    monkeypatch.setattr(rules, "load", raising(fault))
    assert run(*KPIS).exception is fault


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (KPIS, "streams.inspect.readings.collect"),
        (("staff",), "streams.inspect.staffing.collect"),
        (("merges",), "streams.inspect.merges.collect"),
        (("size", "--events-per-second", "1", "--customers", "1"), "streams.inspect.sizing.plan"),
        (("calls", "--file", "calls.tsv"), "streams.replay.reader.read_log"),
        (("replay", "calls.tsv", "--mapping", "bank.yaml"), "streams.replay.file.read_log"),
        (("state", "show", "customer:7"), "streams.inspect.rows.find"),
        (("state", "stats"), "streams.inspect.stats.statistics"),
        (("state", "verify"), "streams.inspect.verify.running"),
        (("topics", "create"), "streams.kafka.topics.create"),
        (("topics", "alter"), "streams.kafka.topics.create"),
        (("topics", "list"), "schemas.registry.topics"),
        (("rules", "check"), "streams.rules.load"),
        (("doctor",), "streams.inspect.machine.examine"),
        (("demo",), "streams.kafka.topics.create"),
        (("broker", "status"), "streams.local.broker.Broker.running"),
        (("schemas", "list"), "schemas.registry.topics"),
        (("worker",), "streams.worker.process.at_start"),
    ],
)
def test_no_command_takes_a_fault_for_something_else(
    words: tuple[str, ...], where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missing key deep inside was once told as a missing topic."""
    monkeypatch.chdir(tmp_path)
    fault = KeyError("queue")
    monkeypatch.setattr(where, raising(fault))
    done = run(*words)
    assert done.exception is fault, done.output


def test_a_worker_that_could_not_start_ends_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "run", lambda _: (3, "topics missing on the broker"))
    done = run("worker")
    assert (done.exit_code, done.stderr) == (3, "contact-streams: topics missing on the broker\n")


@pytest.mark.parametrize(
    ("words", "where", "said"),
    [
        (("demo",), "streams.kafka.topics.create", "contact-streams: stopped\n"),
        (
            ("replay", "calls.tsv", "--mapping", "bank.yaml"),
            "streams.replay.file.read_log",
            "contact-streams: stopped; the line stays open until the same replay is run to its end\n",
        ),
    ],
)
def test_what_is_stopped_says_what_became_of_it(
    words: tuple[str, ...], where: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, raising(KeyboardInterrupt()))
    done = run(*words)
    assert (done.exit_code, done.stderr) == (130, said)


def test_help_is_quick_as_nothing_is_loaded_for_it() -> None:
    heavy = {"aiokafka", "faust", "numpy", "pydantic", "streams.engine", "streams.settings", "schemas"}
    found = subprocess.run(
        [sys.executable, "-c", "import sys, streams.cli.main; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert heavy & set(found) == set()


def test_the_demo_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("streams.demo.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "simpy", None)
    done = run("demo")
    assert done.exit_code == 1
    assert "pip install 'simpy>=4.1'" in done.stderr
