"""Each alert of Prometheus tells whoever is woken what to do, goes to somebody, and has a test in which it fires."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.pages import anchors

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
IDS = [f"{rule['alert']}-{rule['labels']['severity']}" for rule in ALERTS]


def test_names_and_severities_are_unique() -> None:
    assert len(IDS) > 20
    assert sorted(set(IDS)) == sorted(IDS)


@pytest.mark.parametrize("rule", ALERTS, ids=IDS)
def test_an_alert_says_what_happened_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    says = {"summary", "description", "action"}
    if rule["labels"]["component"] == "pipeline":
        says.add("runbook")
        page, _, section = rule["annotations"]["runbook"].partition("#")
        assert section in anchors(DEPLOY.parent / page)
    assert set(rule["annotations"]) == says
    assert all(text.strip() for text in rule["annotations"].values())
    assert len(rule["annotations"]["summary"]) < 120
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["labels"]["component"] in ("pipeline", "service")


@pytest.mark.parametrize("rule", ALERTS, ids=IDS)
def test_an_alert_has_a_test_in_which_it_fires(rule: dict[str, Any]) -> None:
    tests = "".join(file.read_text() for file in sorted((DEPLOY / "prometheus").glob("*_test.yml")))
    fired = re.findall(r'ALERTS\{alertname="(\w+)", alertstate="firing", .*?severity="(\w+)"', tests)
    assert (rule["alert"], rule["labels"]["severity"]) in fired


def alternatives(pattern: str) -> list[str]:
    """``A(B|C)`` → AB, AC; ``A|B`` → A, B."""
    start, opened, rest = pattern.partition("(")
    return [start + end for end in rest.rstrip(")").split("|")] if opened else pattern.split("|")


def test_alertmanager_inhibits_only_alerts_that_exist_and_knows_every_receiver() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager/alertmanager.yml").read_text())
    rules = config["inhibit_rules"]
    matchers = [text for rule in rules for end in ("source_matchers", "target_matchers") for text in rule[end]]
    named = [re.fullmatch(r'alertname *(?:=~|!=|=) *"?([^"]+)"?', text) for text in matchers]
    asked = [name for found in named if found for name in alternatives(found[1])]
    assert len(asked) > 5
    assert set(asked) <= {rule["alert"] for rule in ALERTS}
    routes = [config["route"], *config["route"]["routes"]]
    assert {route["receiver"] for route in routes} == {receiver["name"] for receiver in config["receivers"]}
