"""The JSON Schemas of the rule files: what is shipped and what documents show fits them, and mistakes do not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from streams.base.document import parse
from streams.cli import main as cli
from streams.rules import FILES, describing
from streams.rules.fields import allowed
from streams.rules.source import CASES, SHIPPED

ROOT = Path(__file__).parents[3]
DOCS = {
    "alert-rules.md": ("alerts", CASES),
    "operations.md": ("nobody",),
    "segmentation.md": ("tiers",),
    "initiative.md": ("outreach",),
    "quality.md": ("behaviours", "quality"),
    "hours.md": ("hours",),
}
"""Page → which files its examples are of, one after the other."""


def wrong(name: str, text: str) -> list[str]:
    """Where the text does not fit the schema of the file, as an editor reads it."""
    values = json.loads(json.dumps(_as_json(parse(text).values)))
    return [error.json_path for error in Draft202012Validator(describing.schema(name)).iter_errors(values)]


def _as_json(value: Any) -> Any:
    """Keys and dates are texts."""
    if isinstance(value, dict):
        return {str(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def examples() -> Iterator[tuple[str, str]]:
    for page, names in DOCS.items():
        text = (ROOT / "docs" / page).read_text()
        yield from zip(names, re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE), strict=True)


def test_there_is_one_for_each_file_and_it_is_current() -> None:
    assert [*FILES, "policy", CASES] == list(describing.TYPES)
    assert describing.stale() == [], "run make schemas"
    files = {path.name for path in describing.EXPORT.iterdir()}
    assert files == {f"{name}.json" for name in describing.TYPES}


@pytest.mark.parametrize("name", describing.TYPES)
def test_it_is_a_schema_with_the_fields_that_the_check_knows_and_no_others(name: str) -> None:
    schema = describing.schema(name)
    Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == set(allowed(describing.TYPES[name], ()))
    assert schema["additionalProperties"] is False
    assert "_ms" not in json.dumps(schema), "a file says it without the unit"


@pytest.mark.parametrize("path", sorted(SHIPPED.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_file_fits_its_schema(path: Path) -> None:
    assert wrong("policy" if path.parent.name == "policies" else path.stem, path.read_text()) == []


@pytest.mark.parametrize(("name", "text"), list(examples()))
def test_examples_of_the_documents_fit_theirs(name: str, text: str) -> None:
    assert wrong(name, text) == []


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("kpis", "windows: [{length: 5m, every: 60}]", "$.windows[0].every"),
        ("kpis", "windows: [{length: 5 min, every: 1m}]", "$.windows[0].length"),
        ("kpis", "windows: [{length: day, every: 0s}]", "$.windows[0].every"),
        ("kpis", "windows: [{length: day, every: 1h}]\nlatenes: 1h", "$"),
        ("kpis", "windows: [{length: day, every: 1h}]\ntiers: [gold]", "$"),
        ("kpis", "windows: [{length: day, every: 1h}]\ndetails: never", "$.details"),
        ("tiers", "tiers: {gold: {order: high}}", "$.tiers.gold.order"),
        ("tiers", "tiers: {}", "$.tiers"),
        ("outreach", 'quiet_hours: {from: "25:00", until: "08:00"}', "$.quiet_hours"),
        (
            "hours",
            "calendars: {office: {time_zone: UTC, weekly: {monday: [9-17]}}}",
            "$.calendars.office.weekly.monday",
        ),
        ("hours", "calendars: {office: {time_zone: UTC, weekly: {someday: closed}}}", "$.calendars.office.weekly"),
        ("quality", "queues: {cards: {transfers: [185]}}", "$.queues.cards.transfers[0]"),
        ("behaviours", "behaviours: {curt: {human: -2}}", "$.behaviours.curt.human"),
        ("alerts", "rules: [{name: A B, subject: contact, when: {waiting: {above: 1s}}}]", "$.rules[0].name"),
        ("alerts", "rules: [{name: a, subject: contact, when: {waitin: {above: 1s}}}]", "$.rules[0].when"),
        ("alerts", "rules: [{name: a, subject: queue, when: {waiting: {above: 1s}}}]", "$.rules[0].when.waiting"),
        (
            "alerts",
            "rules: [{name: a, subject: contact, when: {waiting: {above: 120}}}]",
            "$.rules[0].when.waiting.above",
        ),
        (
            "alerts",
            "rules: [{name: a, subject: contact, when: {all: [{not: {waiting: {over: 1s}}}]}}]",
            "$.rules[0].when.all[0].not.waiting",
        ),
        ("alerts", "rules: [{name: a, subject: customer, queues: [x], when: {quiet: {above: 1d}}}]", "$.rules[0]"),
        (
            "alerts",
            "rules: [{name: a, subject: contact, runbook: 'http://x', when: {transfers: 3}}]",
            "$.rules[0].runbook",
        ),
        (
            "alerts",
            "rules: [{name: a, subject: contact, when: {transfers: 3}}]\ninhibitions: [{source: [x], target: [a=b]}]",
            "$.inhibitions[0].source[0]",
        ),
        ("alerts", "wait: []", "$"),
    ],
)
def test_mistakes_do_not_fit(name: str, text: str, where: str) -> None:
    assert where in wrong(name, text)


def test_the_command_prints_one_and_writes_all_of_them(tmp_path: Path) -> None:
    run = CliRunner()
    shown = run.invoke(cli.app, ["rules", "schema", "alerts.yaml"])
    assert json.loads(shown.output) == describing.schema("alerts")
    assert run.invoke(cli.app, ["rules", "schema", "--check", "--to", str(tmp_path)]).exit_code == 1
    written = run.invoke(cli.app, ["rules", "schema", "--to", str(tmp_path / "new")])
    assert written.output.splitlines() == [f"{name}.json: written" for name in describing.TYPES]
    assert run.invoke(cli.app, ["rules", "schema", "--to", str(tmp_path / "new")]).output == ""
    assert run.invoke(cli.app, ["rules", "schema", "--check", "--to", str(tmp_path / "new")]).exit_code == 0
    (tmp_path / "new" / "kpis.json").write_text("{}")
    stale = run.invoke(cli.app, ["rules", "schema", "--check", "--to", str(tmp_path / "new")])
    assert (stale.exit_code, "kpis.json" in stale.output) == (1, True)
    unknown = run.invoke(cli.app, ["rules", "schema", "alert"])
    assert (unknown.exit_code, "there are tiers, alerts" in unknown.output) == (1, True)
