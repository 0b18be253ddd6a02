"""What is deployed fits together: versions, files, ports, and every metric name that a rule or a panel asks for."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
METRIC = re.compile(r"\bcontact_[a-z_]+")
# What Prometheus appends to the names of counters and histograms.
SUFFIX = re.compile(r"_(total|bucket|sum|count)$")


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def exposed() -> set[str]:
    return {SUFFIX.sub("", name) for name in METRIC.findall((ROOT / "streams/ops/metrics.py").read_text())}


def expressions() -> list[tuple[str, str]]:
    dashboard = json.loads((DEPLOY / "grafana/dashboards/contact-streams.json").read_text())
    panels = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", [])]
    groups = load("deploy/prometheus/rules.yml")["groups"]
    return panels + [
        (rule.get("alert", "a recorded series"), rule["expr"]) for group in groups for rule in group["rules"]
    ]


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_every_metric_asked_for_is_exposed(where: str, expression: str) -> None:
    wanted = {SUFFIX.sub("", name) for name in METRIC.findall(expression)}
    assert wanted <= exposed(), where


def test_no_label_of_a_panel_names_a_person() -> None:
    text = (DEPLOY / "grafana/dashboards/contact-streams.json").read_text()
    assert not re.search(r"\b(customer|contact_id|agent)_?(id)?=", text)


def test_compose_and_the_embedded_broker_are_the_same_kafka() -> None:
    pom = (DEPLOY / "kafka/pom.xml").read_text()
    (version,) = re.findall(r"<kafka\.version>(.+)</kafka\.version>", pom)
    assert load("docker-compose.yml")["services"]["kafka"]["image"] == f"apache/kafka:{version}"


def test_compose_files_exist_and_every_service_is_watched() -> None:
    services = load("docker-compose.yml")["services"]
    mounts = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])]
    assert all((ROOT / mount).is_dir() for mount in mounts if mount.startswith("./"))
    assert [name for name, service in services.items() if "healthcheck" not in service] == ["topics"], "a job, ends"


def test_compose_publishes_ports_on_this_machine_only_and_none_of_the_workers() -> None:
    services = load("docker-compose.yml")["services"]
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", []))
    assert "ports" not in services["worker"], "several workers could not share one"


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("promtool", ["check", "config", "prometheus/prometheus.yml"]),
        ("promtool", ["test", "rules", "prometheus/rules_test.yml", "prometheus/rules_week_test.yml"]),
        ("amtool", ["check-config", "alertmanager/alertmanager.yml"]),
    ],
)
def test_prometheus_and_alertmanager_accept_their_files(program: str, command: list[str]) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian packages prometheus, prometheus-alertmanager)")
    done = subprocess.run([program, *command], cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
