"""alerts.yaml: the rules that are shipped, what goes by which, and what the machine has to know of them."""

from pathlib import Path

import pytest

from streams.alerts.conditions import All, Any, Bound, Comparison, Equality, Not
from streams.alerts.fields import FIELDS, SUBJECTS
from streams.alerts.handling import EscalationStep, Handling, Inhibition
from streams.alerts.matching import Matcher
from streams.customers.rules import AlertRules
from streams.rules import Rules, load

HIGH = frozenset({"gold", "platinum"})


def of(folder: Path, text: str) -> Rules:
    (folder / "alerts.yaml").write_text(text)
    return load(folder)


def rule(folder: Path, text: str) -> AlertRules:
    return of(folder, f"rules: [{{name: a, {text}}}]\n").customers.alerts


def test_the_shipped_rules_in_force_are_the_two_of_before() -> None:
    alerts = load().customers.alerts
    (wait,), (mood,) = alerts.of("contact"), alerts.of("customer")
    assert (wait.tiers, wait.severity, wait.channels) == (HIGH, "critical", {"voice", "chat", "in-person"})
    assert wait.when == Comparison("waiting", (), "ms", "above", Bound(120_000), "at_or_below", Bound(120_000))
    assert isinstance(mood.when, Comparison) and (mood.tiers, mood.severity) == (HIGH, "warning")
    assert (mood.when.field, mood.when.sign, mood.when.clear_sign) == ("sentiment", "at_or_below", "at_or_above")
    assert (mood.when.bound, mood.when.clear) == (Bound(-0.45), Bound(-0.2))
    assert dict(mood.when.parameters) == {"half_life": 1_800_000, "min_messages": 3, "quiet_after": 7_200_000}
    assert alerts.names == ["high-tier-wait", "high-tier-sentiment"]
    assert [each.name for each in alerts.file.enabled] == alerts.names


def test_there_is_an_example_of_every_kind_and_none_is_in_force() -> None:
    rules = load().customers.alerts.file.rules
    assert {each.subject for each in rules} == set(SUBJECTS)
    text = (Path(load.__code__.co_filename).parent / "alerts.yaml").read_text()
    kinds = {
        "contact": ("waiting", "first_response", "next_response", "promise_overdue", "transfers", "ping_pong"),
        "customer": ("sentiment", "sentiment_streak", "sentiment_drop", "repeats", "waiting", "unanswered", "quiet"),
        "queue": ("waiting", "longest_wait", "expected_wait"),
        "kpi": ("value", "anomaly"),
        "connector": ("silence", "unusual_silence", "dead_letters"),
        "system": ("watchdog",),
    }
    for subject, names in kinds.items():
        for name in names:
            assert name in FIELDS[subject] and f"{name}: " in text, (subject, name)  # type: ignore[index]


def test_tiers_that_are_high(tmp_path: Path) -> None:
    (high,) = rule(tmp_path, "subject: contact, tiers: high, when: {waiting: {above: 1m}}").of("contact")
    (every,) = rule(tmp_path, "subject: contact, when: {waiting: {above: 1m}}").of("contact")
    assert (high.tiers, every.tiers) == (HIGH, frozenset())
    (tmp_path / "tiers.yaml").write_text("tiers: {vip: {order: 2, high: true}, std: {order: 1}}\n")
    (own,) = rule(tmp_path, "subject: contact, tiers: high, when: {waiting: {above: 1m}}").of("contact")
    assert own.tiers == {"vip"}


@pytest.mark.parametrize("subject", ["contact", "customer", "journey", "queue"])
@pytest.mark.parametrize("enabled", [True, False])
def test_what_is_enabled_is_in_the_index_of_its_subject(tmp_path: Path, subject: str, enabled: bool) -> None:
    field = (
        "age: {above: 7d}"
        if subject == "journey"
        else "waiting: {above: 3}"
        if subject == "queue"
        else "waiting: {above: 1m}"
    )
    alerts = rule(tmp_path, f"subject: {subject}, enabled: {str(enabled).lower()}, when: {{{field}}}")
    of = {each: [one.name for one in alerts.of(each)] for each in SUBJECTS}
    assert of == {each: ["a"] if enabled and each == subject else [] for each in SUBJECTS}
    assert {each: len(alerts.index(each).rules) for each in SUBJECTS} == {
        each: len(names) for each, names in of.items()
    }


def test_a_condition_as_it_is_written(tmp_path: Path) -> None:
    text = """rules:
  - name: a
    subject: contact
    for_everybody: true
    when:
      any:
        - {waiting: {above: {by: tier, gold: 1m, default: 5m}, clear_below: 30s}, queue: [cards, loans]}
        - not: {transfers: [0, 1]}
        - all: [{channel: voice}]
"""
    [found] = of(tmp_path, text).customers.alerts.of("contact")
    bound = Bound(300_000, "tier", (("gold", 60_000),))
    assert found.when == Any(
        (
            All(
                (
                    Comparison("waiting", (), "ms", "above", bound, "below", Bound(30_000)),
                    Equality("queue", (), "", frozenset({"cards", "loans"})),
                )
            ),
            Not(Equality("transfers", (), "count", frozenset({0, 1}))),
            Equality("channel", (), "", frozenset({"voice"})),
        )
    )


def test_the_example_of_the_document(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "alert-rules.md").read_text()
    found = of(tmp_path, page.partition("```yaml\n")[2].partition("```")[0])
    assert [each.name for each in found.customers.alerts.file.rules] == ["cards-wait", "queue-slow"]
    assert found.handlings.inhibitions[0].equal == ("channel", "queue")


def test_parameters_are_all_there(tmp_path: Path) -> None:
    [found] = rule(tmp_path, "subject: customer, when: {sentiment: {below: 0, half_life: 1h}}").of("customer")
    assert isinstance(found.when, Comparison)
    assert dict(found.when.parameters) == {"half_life": 3_600_000, "min_messages": 3, "quiet_after": 7_200_000}


def test_what_the_machine_has_to_know(tmp_path: Path) -> None:
    text = """rules:
  - name: a
    subject: contact
    when: {waiting: {above: 1m}}
    severity: critical
    for: 30s
    keep_firing_for: 1m
    owner: desk
    runbook: https://wiki.example/waits?x=1
    labels: {team: floor}
    per_minute: 60
    expires: 24h
    escalation: [{after: 5m, labels: {page: lead}}, {after: 10m, severity: critical}]
  - {name: b, subject: queue, when: {waiting: {above: 3}}}
  - {name: c, subject: queue, when: {waiting: {above: 3}}, enabled: false}
inhibitions:
  - {source: [rule=b], target: [subject=contact, team=floor], equal: [channel, queue]}
"""
    found = of(tmp_path, text).handlings
    assert dict(found.rules) == {
        "a": Handling(
            "a", "critical", 30_000, 60_000, 86_400_000, 60,
            (EscalationStep(300_000, None, {"page": "lead"}), EscalationStep(600_000, "critical")),
            "desk", "https://wiki.example/waits?x=1", {"team": "floor"},
        ),
        "b": Handling("b"),
    }  # fmt: skip
    assert found.inhibitions == (
        Inhibition(
            (Matcher("rule", "=", "b"),),
            (Matcher("subject", "=", "contact"), Matcher("team", "=", "floor")),
            ("channel", "queue"),
        ),
    )


def test_the_version_is_that_of_what_is_said(tmp_path: Path) -> None:
    def version(text: str) -> str:
        rules = of(tmp_path, text)
        assert rules.handlings.version == rules.customers.alerts.index("contact").version
        return rules.handlings.version

    first = version("rules: [{name: a, subject: contact, tiers: [gold, platinum], when: {waiting: {above: 1m}}}]\n")
    same = "# again\nrules:\n  - when: {waiting: {above: 60s}}\n    subject: contact\n    tiers: [platinum, gold]\n    name: a\n"
    assert version(same) == version(same.replace("[platinum, gold]", "high")) == first
    assert version(same.replace("60s", "61s")) != first and version(f"{same}    for: 1s\n") != first
