"""What the doctor says, and which broker is chosen, on machines that have and lack things."""

import subprocess
from pathlib import Path

import pytest

from streams.base.errors import BrokerError
from streams.engine.demands import Departure, Effect, exactly
from streams.inspect import machine as doctor
from streams.inspect.machine import Finding, Status
from streams.kafka.topics import Report
from streams.local import bootstrap
from streams.local.bootstrap import Found, resolve_bootstrap
from streams.local.broker import Broker, Running


class Pretended(Broker):
    """A broker that starts nothing."""

    def __init__(self, home: Path, *, runs: bool = False):
        super().__init__("pretended", home=home)
        self.runs = runs

    def running(self) -> Running | None:
        return Running(1, 0.0, 19092, 19093) if self.runs else None

    def start(self, *, timeout: float = 60.0) -> str:
        self.runs = True
        return "127.0.0.1:19092"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What this machine has: words out of java, compose, and addresses that answer."""
    there: set[str] = set()
    for module in (bootstrap, doctor):
        monkeypatch.setattr(module, "has_java", lambda: "java" in there)
        monkeypatch.setattr(module, "has_compose", lambda: "compose" in there)
    monkeypatch.setattr(bootstrap, "answers", lambda address: address in there)
    monkeypatch.setattr(bootstrap, "_succeeds", lambda *_: "compose" in there)
    return there


# The order of choice


def test_a_named_broker_comes_first(machine: set[str], tmp_path: Path) -> None:
    machine |= {"kafka:9092", "java", "compose"}
    broker = Pretended(tmp_path, runs=True)
    found = resolve_bootstrap(broker=broker, environment={"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"})
    assert found == Found("kafka:9092", "environment")


def test_a_named_broker_that_is_silent_is_an_error_and_no_other_is_taken(machine: set[str], tmp_path: Path) -> None:
    machine |= {"java"}
    with pytest.raises(BrokerError, match="no broker answers at kafka:9092; is KAFKA_BOOTSTRAP_SERVERS right"):
        resolve_bootstrap(broker=Pretended(tmp_path), environment={"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"})


def test_a_running_local_one_comes_second(machine: set[str], tmp_path: Path) -> None:
    machine |= {"java", "compose"}
    found = resolve_bootstrap(broker=Pretended(tmp_path, runs=True), environment={})
    assert found == Found("127.0.0.1:19092", "running")


def test_java_comes_third_and_the_caller_may_stop_what_was_started(machine: set[str], tmp_path: Path) -> None:
    machine |= {"java", "compose"}
    broker = Pretended(tmp_path)
    assert resolve_bootstrap(broker=broker, environment={}) == Found("127.0.0.1:19092", "java", broker)


def test_compose_comes_last(machine: set[str], tmp_path: Path) -> None:
    machine |= {"compose"}
    assert resolve_bootstrap(broker=Pretended(tmp_path), environment={}) == Found("127.0.0.1:19092", "docker")


def test_with_nothing_the_error_says_what_to_install(machine: set[str], tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="apt-get install default-jdk-headless maven"):
        resolve_bootstrap(broker=Pretended(tmp_path), environment={})


def test_nothing_is_started_when_that_is_not_wanted(machine: set[str], tmp_path: Path) -> None:
    machine |= {"java"}
    broker = Pretended(tmp_path)
    with pytest.raises(BrokerError, match="start one with `contact-streams broker start`") as error:
        resolve_bootstrap(broker=broker, environment={}, start=False)
    assert "apt-get" not in str(error.value)
    assert not broker.runs


def test_without_java_but_with_docker_the_way_that_is_named_is_compose(machine: set[str], tmp_path: Path) -> None:
    machine |= {"compose"}
    with pytest.raises(BrokerError, match=r"--wait kafka` and KAFKA_BOOTSTRAP_SERVERS=127\.0\.0\.1:19092"):
        resolve_bootstrap(broker=Pretended(tmp_path), environment={}, start=False)
    _, finding = doctor.reachable(Pretended(tmp_path), "")
    assert finding.status is Status.NOTE
    assert "contact-streams broker start" not in finding.advice


# The doctor


def program_says(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if text is None:
            raise FileNotFoundError(command[0])
        return subprocess.CompletedProcess(command, 0, "", text)

    monkeypatch.setattr(subprocess, "run", run)


@pytest.mark.parametrize(("version", "status"), [((3, 10, 9), Status.FAILED), ((3, 11, 0), Status.OK)])
def test_python(version: tuple[int, int, int], status: Status) -> None:
    assert doctor.python(version).status is status


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('openjdk version "17.0.15" 2025-04-15', Status.OK),
        ('openjdk version "21" 2023-09-19', Status.OK),
        ('openjdk version "11.0.2" 2019-01-15', Status.FAILED),
        ('java version "1.8.0_411"', Status.FAILED),
        (None, Status.FAILED),
    ],
)
def test_java(monkeypatch: pytest.MonkeyPatch, machine: set[str], text: str | None, status: Status) -> None:
    program_says(monkeypatch, text)
    assert doctor.java("").status is status


def test_java_and_maven_are_only_worth_a_note_where_another_broker_serves(
    monkeypatch: pytest.MonkeyPatch, machine: set[str]
) -> None:
    program_says(monkeypatch, None)
    assert doctor.maven("").status is Status.FAILED
    assert doctor.maven("kafka:9092").status is Status.NOTE
    machine |= {"compose"}
    assert doctor.java("").status is Status.NOTE
    assert doctor.docker("").status is Status.OK


def test_docker_is_only_worth_a_note_where_java_serves(machine: set[str]) -> None:
    assert doctor.docker("").status is Status.FAILED
    machine |= {"java"}
    assert doctor.docker("").status is Status.NOTE


def test_a_full_disk(tmp_path: Path) -> None:
    assert doctor.disk(tmp_path / "not" / "yet").status is Status.OK
    finding = doctor.disk(tmp_path, least_gb=1e9)
    assert finding.status is Status.FAILED
    assert "broker stop --delete" in finding.advice


def test_a_broker_that_was_not_started_yet_is_a_note_and_a_named_silent_one_a_failure(
    machine: set[str], tmp_path: Path
) -> None:
    machine |= {"java"}
    broker = Pretended(tmp_path)
    assert doctor.reachable(broker, "") == (
        None,
        Finding("broker", Status.NOTE, "none runs", "contact-streams broker start"),
    )
    bootstrap_servers, finding = doctor.reachable(broker, "kafka:9092")
    assert (bootstrap_servers, finding.status) == (None, Status.FAILED)
    assert finding.found == "none answers at kafka:9092"
    assert "contact-streams doctor" not in finding.advice


def test_topics_and_clock_are_looked_at_only_where_a_broker_answers(machine: set[str], tmp_path: Path) -> None:
    asked: list[str] = []

    def topics(address: str) -> list[Finding]:
        asked.append(address)
        return doctor.topics(Report(created=["kpis"]))

    broker = Pretended(tmp_path)
    machine |= {"java"}
    findings = doctor.examine(broker, servers="", topics=topics, clock=lambda _: [doctor.clock([])])
    assert [finding.check for finding in findings] == ["Python", "Java", "Maven", "Docker", "disk", "broker"]
    broker.runs = True
    *_, topic_finding, clock_finding = doctor.examine(
        broker, servers="", topics=topics, clock=lambda _: [doctor.clock([])]
    )
    assert asked == ["127.0.0.1:19092"]
    assert topic_finding == Finding("topics", Status.FAILED, "missing: kpis", "contact-streams topics create")
    assert clock_finding.status is Status.OK


def test_each_thing_that_can_be_done_has_a_row_and_only_what_stops_workers_is_a_failure() -> None:
    def departure(effect: Effect) -> Departure:
        return Departure("x.t", "1", exactly("a.b", "2", "it breaks", effect))

    report = Report(
        created=["x.new"],
        departures=[departure(Effect.WARNED), departure(Effect.REFUSED)],
        counts=["x.log has 4 partitions and x.in 8"],
        shortened=["x.log begins late"],
        untold=["x.secret"],
    )
    assert [(each.status, each.found, each.advice) for each in doctor.topics(report)] == [
        (Status.FAILED, "missing: x.new", "contact-streams topics create"),
        (Status.FAILED, "x.t: a.b is 1, allowed is 2: it breaks", "contact-streams topics alter"),
        (Status.FAILED, "x.log has 4 partitions and x.in 8", doctor.HELP),
        (Status.NOTE, "x.t: a.b is 1, allowed is 2: it breaks", "contact-streams topics alter --all"),
        (Status.NOTE, "x.log begins late", doctor.HELP),
        (Status.NOTE, "how they are kept is not told: x.secret", "give this principal DESCRIBE_CONFIGS on them"),
    ]
    assert doctor.topics(Report(present=["x.t"])) == [Finding("topics", Status.OK, "as wanted")]
