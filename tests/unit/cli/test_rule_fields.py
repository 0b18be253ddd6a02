"""``contact-streams rules fields``: every field that an alert rule may look at."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from streams.alerts.fields import FIELDS, SUBJECTS, Field
from streams.alerts.reading import SIGNS, condition
from streams.cli.main import app


def said(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["rules", "fields", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    return done.output


def test_as_a_table_with_unit_parameters_and_example() -> None:
    text, everything = said("customer"), said()
    for part in ("sentiment", "half_life: 30m (a message", "{sentiment: {at_or_below:", "It grows with time."):
        assert part in text
    assert "longest_wait" not in text
    assert all(name in everything for fields in FIELDS.values() for name in fields)


def test_as_json() -> None:
    rows = json.loads(said("--json"))
    assert [(row["subject"], row["field"]) for row in rows] == [(of, name) for of in SUBJECTS for name in FIELDS[of]]
    [value] = [row for row in rows if row["subject"] == "kpi" and row["field"] == "value"]
    assert value == {
        "subject": "kpi",
        "field": "value",
        "type": "number",
        "unit": None,
        "grows": False,
        "parameters": {
            "window": {
                "type": "duration",
                "default": "1h",
                "about": "Of which window of kpis.yaml, by its length; the day is 24h, the week 7d, the month 30d.",
            },
            "min_cases": {
                "type": "count",
                "default": 20,
                "about": "A reading of fewer cases is no value; numbers of things have none.",
            },
            "by": {
                "type": "word",
                "default": "",
                "about": "A group of kpis.yaml, such as channel+agent_group; left out: as the window is.",
            },
        },
        "about": "The latest reading of the KPI, in its unit: durations, shares from 0 to 1, counts.",
        "example": "value: {below: 0.7, min_cases: 20}",
    }


def test_the_page_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "alert-fields.md"
    assert said("--page") == page.read_text(), "contact-streams rules fields --page > docs/alert-fields.md"


def test_a_subject_that_is_not_there() -> None:
    text = said("custmer", code=1)
    assert "'custmer' is no subject; there are contact, customer" in text and "did you mean customer?" in text


EVERY = [(subject, field) for subject in SUBJECTS for field in FIELDS[subject].values()]


@pytest.mark.parametrize(("subject", "field"), EVERY, ids=[f"{subject}-{field.name}" for subject, field in EVERY])
def test_each_field_is_explained_and_its_example_can_be_read(subject: str, field: Field) -> None:
    assert field.about.endswith(".") and len(field.about) < 200
    found, problems = condition(subject, yaml.safe_load(f"{{{field.example}}}"))  # type: ignore[arg-type]
    assert not problems and found is not None
    for parameter in field.parameters:
        assert parameter.name not in SIGNS and parameter.about.endswith(".")
        test = {"above": yaml.safe_load(field.example)[field.name].get("above", 1), parameter.name: parameter.written}
        if field.type == "score":
            test = {"at_or_above": field.least, parameter.name: parameter.written}
        if parameter.default == "":
            continue
        assert condition(subject, {field.name: test})[1] == [], "a default can be written"  # type: ignore[arg-type]
