"""`demo story`: its exit codes, its JSON, what it shows, and whose rules and topics it takes."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams import rules
from streams.base.errors import BrokerError
from streams.cli import story as command
from streams.cli.main import app
from streams.demo.story_parts import Act
from streams.demo.story_records import Finding, Record, Shown
from streams.demo.story_run import ActResult, Check
from streams.demo.story_show import Printed
from streams.local.text import Terminal
from tests.support.told_story import Change, again, with_value

WRONG = with_value("outreach", {"reason": "quiet-hours"}, until="2025-02-22T00:00:00.000Z")


def run(*words: str, **env: str) -> Result:
    return CliRunner().invoke(app, ["demo", "story", *words], env={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", **env})


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """The story is told of what was recorded, with records that are changed."""

    def given(change: Change) -> None:
        async def told(settings: Any, count: int, keep: bool, show: Any, *_: Any) -> Any:
            results = await again(change, show)
            show.summary(results)
            return results

        monkeypatch.setattr(command, "_ask", lambda _: None)
        monkeypatch.setattr(command, "_told", told)

    return given


def test_every_step_proved_is_0_and_each_is_a_line(telling: Callable[[Change], None]) -> None:
    telling(lambda record: record)
    done = run("--json")
    *steps, last = map(json.loads, done.stdout.splitlines())
    assert (done.exit_code, last) == (0, {"steps": 10, "proved": 10})
    assert [(each["step"], each["proved"]) for each in steps] == [(number, True) for number in range(1, 11)]
    signs_in = steps[1]["acts"][1]["checks"][0]["records"][0]
    assert (signs_in["topic"], signs_in["value"]["to"]) == ("identity.changes", "customer:nora-1001")


def test_a_step_that_does_not_hold_is_1_and_says_what_was_found_instead(telling: Callable[[Change], None]) -> None:
    telling(WRONG)
    done = run("--json")
    *steps, last = map(json.loads, done.stdout.splitlines())
    assert (done.exit_code, last) == (1, {"steps": 10, "proved": 9})
    assert [each["step"] for each in steps if not each["proved"]] == [8]
    wrong = next(check for act in steps[7]["acts"] for check in act["checks"] if not check["proved"])
    assert '"until":"2025-02-21T23:00:00.000Z"' in wrong["said"]
    assert wrong["records"][0]["value"]["until"] == "2025-02-22T00:00:00.000Z"


def test_people_see_each_step_with_the_records_that_prove_it(telling: Callable[[Change], None]) -> None:
    telling(WRONG)
    done = run(COLUMNS="1000")
    assert done.exit_code == 1
    said = done.stdout
    assert "1/10  Somebody unknown chats" in said
    assert "✓ the old owner has taken both back" in said
    assert "✗ the word of ours is held back: quiet hours, until 08:00 in Tokyo" in said
    assert "found instead: 1 records" in said
    assert "✗ 9 of 10 steps proved by records of the output topics" in said
    assert "not: 8 An outreach waits for the morning" in said


def test_what_others_named_is_shown_as_text() -> None:
    hostile = "[bold red]x[/]\x1b[31m"
    out = io.StringIO()
    shown = Shown(Record("t", 0, 0, hostile, {}), {"a": hostile})
    Printed(Terminal(file=out)).acted(ActResult(Act("", ()), [Check("", Finding(False, (shown,), hostile))]))
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().count("[bold red]x[/]\\x1b[31m") == 2


@pytest.mark.parametrize("words", [(), ("--json",), ("--bootstrap-servers", "127.0.0.1:2")])
def test_no_broker_is_2_and_a_sentence(words: tuple[str, ...]) -> None:
    done = run(*words)
    where = words[1] if len(words) > 1 else "127.0.0.1:1"
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"contact-streams: no broker answers at {where}; ")


def test_no_broker_that_could_be_started_is_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> Any:
        raise BrokerError("no broker, and none can be started")

    monkeypatch.setattr(command, "with_broker", none)
    done = run()
    assert (done.exit_code, done.stderr) == (2, "contact-streams: no broker, and none can be started\n")


def test_what_is_stopped_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_ask", stopped)
    done = run()
    assert (done.exit_code, done.stderr) == (130, "contact-streams: stopped\n")


def test_it_has_topics_and_a_key_of_its_own_and_the_shipped_rules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONTACT_STREAMS_TOPIC_PREFIX", "live.")
    monkeypatch.setenv("CONTACT_STREAMS_ERASURE_KEY", "the key of the deployment")
    monkeypatch.setenv("CONTACT_STREAMS_RULES_DIR", str(tmp_path))
    one, two = (command._settings("127.0.0.1:1") for _ in range(2))
    assert one.topic_prefix != two.topic_prefix
    assert one.topic_prefix.startswith("story-")
    assert one.rules_dir == Path(rules.__file__).parent
    keys = {each.erasure_key.get_secret_value() for each in (one, two) if each.erasure_key}
    assert len(keys) == 2
    assert "the key of the deployment" not in keys


def test_it_needs_no_package_of_the_simulated_centre() -> None:
    modules = ", ".join(f"streams.demo.{name}" for name in ("story", "story_run", "story_show", "story_wire"))
    subprocess.run([sys.executable, "-c", f"import sys; sys.modules['simpy'] = None; import {modules}"], check=True)


def test_help_has_examples() -> None:
    said = run("--help").stdout
    assert "contact-streams demo story --json" in said
    assert "--bootstrap-servers" in said


def test_logs_go_when_nobody_wants_them_and_are_named_else() -> None:
    out = io.StringIO()
    with command._logs(Terminal(file=out)) as logs:
        (logs.folder / "worker-1.log").write_text("all is well")
        logs.wanted = False
    assert (logs.folder.exists(), out.getvalue()) == (False, "")
    with pytest.raises(BrokerError), command._logs(Terminal(file=out)) as logs:
        raise BrokerError("it is gone")
    assert logs.folder.exists()
    assert out.getvalue() == f"the logs of the workers are kept in {logs.folder}\n"
    logs.folder.rmdir()


def test_the_proof_of_the_erasure_is_shown_with_its_date(telling: Callable[[Change], None]) -> None:
    telling(lambda record: record)
    *steps, _ = map(json.loads, run("--json").stdout.splitlines())
    checks = [check for act in steps[8]["acts"] for check in act["checks"]]
    (proof,) = [record for check in checks for record in check["records"] if record["topic"] == "privacy.proofs"]
    assert proof["value"]["until"] < proof["value"]["erased_at"] < proof["value"]["nothing_left_after"]


def test_the_help_of_all_commands_mentions_the_story() -> None:
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout
    (line,) = [line for line in said.splitlines() if line.lstrip("│ ").startswith("demo ")]
    assert "demo story" in line
