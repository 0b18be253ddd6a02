"""What is deployed fits together: versions, files, ports, and every metric name that a rule or a panel asks for."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.notify.metrics import Metrics as NotifyMetrics

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
METRIC = re.compile(r"\bcontact_[a-z_]+")
# What Prometheus appends to the names of counters and histograms.
SUFFIX = re.compile(r"_(total|bucket|sum|count)$")


def load(path: str) -> Any:
    return yaml.load((ROOT / path).read_text(), _Strict)


class _Strict(yaml.SafeLoader):
    """Refuses a name that comes twice, as Docker compose does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(names) == len(set(names)), f"{node.start_mark}: {names}"
        return super().construct_mapping(node, deep)


def exposed() -> set[str]:
    source = "".join((ROOT / f"streams/worker/{name}.py").read_text() for name in ("metrics", "gauges"))
    told = "".join(f"{family.name} " for family in NotifyMetrics(["desk"]).registry.collect())
    return {SUFFIX.sub("", name) for name in METRIC.findall(source + told)}


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


@pytest.mark.parametrize(("where", "expression"), [each for each in expressions() if "contact_kpi{" in each[1]])
def test_groups_do_not_count_twice(where: str, expression: str) -> None:
    assert expression.count("contact_kpi{") == expression.count('contact_kpi{by="",'), where


def test_no_label_of_a_panel_names_a_person() -> None:
    text = (DEPLOY / "grafana/dashboards/contact-streams.json").read_text()
    assert not re.search(r"\b(customer|contact_id|agent)_?(id)?=", text)


def test_compose_and_the_embedded_broker_are_the_same_kafka() -> None:
    pom = (DEPLOY / "kafka/pom.xml").read_text()
    (version,) = re.findall(r"<kafka\.version>(.+)</kafka\.version>", pom)
    assert load("docker-compose.yml")["services"]["kafka"]["image"].startswith(f"apache/kafka:{version}@")


def test_compose_files_exist_and_every_service_is_watched() -> None:
    services = load("docker-compose.yml")["services"]
    mounts = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])]
    assert all((ROOT / mount).is_dir() for mount in mounts if mount.startswith("./"))
    assert [name for name, service in services.items() if "healthcheck" not in service] == ["topics"], "a job, ends"


def test_compose_publishes_ports_on_this_machine_only_and_none_of_the_workers() -> None:
    services = load("docker-compose.yml")["services"]
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", []))
    assert "ports" not in services["worker"], "several workers could not share one"


def test_images_are_pinned_by_digest() -> None:
    images = [service["image"] for service in load("docker-compose.yml")["services"].values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(images) == 6
    assert all(re.fullmatch(r"[a-z/]+:[\w.-]+@sha256:[0-9a-f]{64}", image) for image in images)


def test_containers_may_do_little() -> None:
    for name, service in load("docker-compose.yml")["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["read_only"] is (name != "kafka"), name
        assert "monitoring" not in service["networks"] or name not in ("kafka", "topics"), name
    assert "GRAFANA_ADMIN_PASSWORD:?" in (ROOT / "docker-compose.yml").read_text(), "no password by default"


def test_the_image_gets_all_that_it_copies() -> None:
    """What .dockerignore does not let through is not there to be copied."""
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    lines = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    copied = {source for line in lines for source in line.split()[:-1]}
    assert "streams" in copied
    assert copied == admitted
    assert all((ROOT / source).exists() for source in copied)


def test_what_builds_the_image_is_pinned_by_hash() -> None:
    """The Dockerfile takes setuptools out of the lock with this expression."""
    (expression,) = re.findall(r"sed -n '(.+?)' requirements.lock", (ROOT / "Dockerfile").read_text())
    found = subprocess.run(
        ["sed", "-n", expression, "requirements.lock"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, *hashes = found.stdout.splitlines()
    assert re.fullmatch(r"setuptools==[\d.]+ \\", first)
    assert hashes
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes)


def test_the_image_has_what_workers_need_in_the_versions_that_were_tested_and_no_more() -> None:
    tested, shipped = (
        dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-runtime.lock")
    )
    assert shipped.items() <= tested.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = re.compile(r"[a-z0-9-]+")
    needed = {names.match(each.lower())[0] for each in project["dependencies"]}  # type: ignore[index]
    assert needed <= shipped.keys()
    extras = {
        name: {names.match(each)[0] for each in project["optional-dependencies"][name]}  # type: ignore[index]
        for name in ("demo", "drivers")
    }
    assert extras == {"demo": {"simpy"}, "drivers": {"matplotlib", "numpy", "scipy"}}
    assert set().union(*extras.values()) <= tested.keys() - shipped.keys()


def test_workers_and_commands_do_without_what_only_extras_have() -> None:
    rooms = "streams.worker.process, streams.cli.main, streams.inspect.calls, streams.inspect.machine"
    without = "; ".join(f"sys.modules[{name!r}] = None" for name in ("simpy", "numpy", "scipy", "matplotlib"))
    program = f"import sys; {without}; import {rooms}"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


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
