"""`rules test` and `demo alerts`: the shipped cases, and what is said of a case that fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.alerts import AlertState
from streams import rules as rule_files
from streams.alerts.fields import FIELDS
from streams.cli.main import app
from streams.inspect import cases
from tests.support.offline import RULES, SETTINGS, scorer

_, SHIPPED = cases.read(None, RULES)
RULE = "rules:\n  - {name: wait, subject: contact, when: {waiting: {above: 1m}}}\n"
CASE = """cases:
  - name: somebody waits
    events:
      - {at: 0s, type: contact.queued, contact_id: c, channel: voice, queue: cards, customer_id: ann}
      - {at: 2m, type: contact.ended, contact_id: c, channel: voice, by: customer}
    transitions:
"""


@pytest.mark.parametrize("case", SHIPPED.cases, ids=[case.name for case in SHIPPED.cases])
def test_a_shipped_case_comes_as_it_says(case: Any) -> None:
    assert cases.run(case, SETTINGS, RULES, scorer(SETTINGS.sentiment_scorer)).problems == []


def test_there_is_a_case_of_every_shipped_rule() -> None:
    tried = {name for case in SHIPPED.cases for name in case.rules}
    assert tried == {rule.name for rule in RULES.customers.alerts.file.rules}


def said(folder: Path, *more: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["rules", "test", str(folder), *more], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "alerts.yaml").write_text(RULE)
    return tmp_path


def write(folder: Path, transitions: str, events: str = "") -> Path:
    text = CASE.replace("    transitions:\n", f"{events}    transitions:\n")
    (folder / "alerts.cases.yaml").write_text(text + transitions)
    return folder


FIRES = "      - {at: 1m, state: firing}\n"
ENDS = "      - {at: 2m, state: resolved, because: abandoned}\n"


def test_all_pass(folder: Path) -> None:
    assert said(write(folder, FIRES + ENDS)).splitlines() == ["passed  somebody waits", "1 passed, 0 failed"]


@pytest.mark.parametrize(
    ("transitions", "what"),
    [
        (FIRES, "one more step came: at 1m 59s, rule wait, state resolved, because abandoned"),
        (FIRES + ENDS + FIRES, "step 3 did not come: at 1m, state firing"),
        (
            FIRES.replace("firing", "firing, severity: critical") + ENDS,
            "expected at 1m, state firing, severity critical; came at 1m 1s, rule wait, state firing, because fired, sev",
        ),
    ],
)
def test_what_failed_is_said(folder: Path, transitions: str, what: str) -> None:
    out = said(write(folder, transitions), code=1)
    assert what in out
    assert out.endswith("0 passed, 1 failed\n")


def test_a_step_that_was_forgotten_makes_none_of_the_others_another_one(folder: Path) -> None:
    out = said(write(folder, ENDS), code=1)
    assert out.count("one more step came") == 1 and "otherwise" not in out


def test_words_that_are_none_are_named_before_anything_is_played(folder: Path) -> None:
    out = said(write(folder, FIRES.replace("state: firing", "state: fireing")), code=1)
    assert "state is one of pending, firing" in out and "did you mean firing?" in out
    (folder / "alerts.cases.yaml").write_text(CASE.replace("channel: voice", "chanel: voice") + FIRES)
    assert "(chanel is no field of it)" in said(folder, code=1)


def test_an_event_that_is_refused_fails_a_case_unless_it_is_meant(folder: Path) -> None:
    late = "      - {at: 90s, type: alert.commanded, alert: wait, action: snooze, by: me, until: +1m}\n"
    out = said(write(folder, FIRES + ENDS, late), code=1)
    assert "refused by alert: wrong-type: a snooze needs an end that lies ahead" in out
    assert "1 passed" in said(write(folder, FIRES + ENDS, late.replace("snooze", "snooze, refused: true")))
    fine = late.replace("+1m", "+1h").replace("snooze", "snooze, refused: true")
    assert "alert.commanded was to be refused and was not" in said(write(folder, FIRES + ENDS, fine), code=1)


def test_mistakes_are_named_with_file_and_line(folder: Path) -> None:
    (folder / "alerts.cases.yaml").write_text(CASE.replace("queue: cards", "queue: 7") + FIRES)
    out = said(folder, code=1)
    assert f"{folder / 'alerts.cases.yaml'}:4: cases.0.events.0: data.queue" in out


def test_a_folder_without_cases(folder: Path) -> None:
    assert "has no alerts.cases.yaml" in said(folder, code=1)


def test_a_file_of_cases_is_no_unknown_file_of_the_rules(folder: Path) -> None:
    assert rule_files.load(write(folder, FIRES + ENDS)).customers.alerts.names == ["wait"]


def test_as_json(folder: Path) -> None:
    [case] = json.loads(said(write(folder, FIRES + ENDS), "--json"))["cases"]
    assert (case["name"], case["passed"], case["problems"]) == ("somebody waits", True, [])
    assert [(step["alert"]["state"], step["alert"]["revision"]) for step in case["steps"]] == [
        ("firing", 1),
        ("resolved", 2),
    ]


def test_none_of_that_name(folder: Path) -> None:
    assert "no case has 'nobody' in its name; there are somebody waits" in said(
        write(folder, FIRES), "--case", "nobody", code=1
    )


def test_the_demonstration_shows_events_steps_and_records() -> None:
    done = CliRunner().invoke(app, ["demo", "alerts", "--case", "high-tier-wait"], env={"COLUMNS": "240"})
    assert done.exit_code == 0, done.output
    for part in (
        "2m 30s  alert.commands#0 alert.commanded acknowledge supervisor-2 I look",
        "alert.events#1 acknowledged (acknowledged by supervisor-2: I look) critical waiting 2m (limit 2m) customer:ann",
        "silenced (fired) critical waiting 2m (limit 2m) customer:ann call-1 cards gold → nobody",
        ": resolved (answered), revision 3",
        "cases: 3, kinds: 1, states: 4, steps: 8; 3 as they are described, 0 otherwise",
    ):
        assert part in done.output
    told = json.loads(CliRunner().invoke(app, ["demo", "alerts", "--case", "to and fro", "--json"]).output)["cases"][0]
    assert [each["topic"] for each in told["events"]] == ["contacts.voice"] * 5
    assert [each["value"]["alert"]["state"] for each in told["steps"]] == ["firing", "resolved"]
    assert told["alerts"][0]["value"]["fingerprint"] == told["steps"][0]["value"]["alert"]["fingerprint"]


def test_every_state_and_nearly_every_field_is_in_some_case() -> None:
    states = {step.says["state"] for case in SHIPPED.cases for step in case.transitions}
    assert states == set(AlertState.__args__)  # type: ignore[attr-defined]
    assert len(FIELDS) == 7
