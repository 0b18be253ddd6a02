"""What alerts.yaml may not say: each mistake with file, line and path, what is allowed, and what may be meant."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from streams.alerts.index import Index
from streams.alerts.rules import AlertsFile
from streams.base.document import parse
from streams.rules import FILES, RulesError, load
from streams.rules.alerts import mistakes
from streams.rules.files import Files
from streams.rules.source import SHIPPED, Source

HEAD = "rules:\n  - name: a\n    subject: contact\n"
"""Its rule goes on in line 4."""
WAITS = f"{HEAD}    when: {{waiting: {{above: 2m}}}}\n"
"""The same from line 5 on."""


HOURS = "calendars: {office: {time_zone: UTC, weekly: {monday: [08:00-18:00]}}}\n"


def of(subject: str, when: str) -> str:
    scope = {"queue": "queues: [x]", "kpi": "kpis: [contacts_offered]", "connector": "sources: [x]"}
    return f"rules:\n  - name: a\n    subject: {subject}\n    {scope.get(subject, 'tiers: [gold]')}\n    when: {when}\n"


MISTAKES = [
    # What a rule says of itself.
    ("rules:\n  - subject: contact\n    when: {waiting: {above: 2m}}\n", 2, "rules.0.name: is missing"),
    ("rules:\n  - name: a\n    when: {waiting: {above: 2m}}\n", 2, "rules.0.subject: is missing"),
    (HEAD, 2, "rules.0.when: is missing"),
    ("rules:\n  - name: A b\n    subject: contact\n    when: {transfers: 3}\n", 2, "rules.0.name: expected a name"),
    ("rules:\n  - name: a\n    subject: contct\n    when: {transfers: 3}\n", 3, "'contct' is no subject; there are contact, customer, journey, queue, kpi, connector, system; did you mean contact?"),
    ("rules:\n  - name: a\n    subject: 7\n    when: {transfers: 3}\n", 3, "rules.0.subject: Input should be 'contact'"),
    (f"{WAITS}    severty: high\n", 5, "rules.0.severty: is not known here; remove it or correct its name: name, subject, when, severity, enabled, tiers, service_types, policies, channels, queues, kpis, sources, for, keep_firing_for, hours, owner, runbook, labels, per_minute, expires, escalation, for_everybody; did you mean severity?"),
    (f"{WAITS}    severity: high\n", 5, "rules.0.severity: Input should be 'info', 'warning' or 'critical', not 'high'"),
    (f"{WAITS}    enabled: 1\n", 5, "rules.0.enabled: "),
    (f"{WAITS}    for: 5\n", 5, "rules.0.for: expected a duration: a whole number and ms, s, m, h or d, such as 120s, not 5"),
    (f"{WAITS}    for: 5m\n    expires: 5m\n", 6, "rules.0.expires: must be longer than for (5m), or it never fires, not 5m"),
    (f"{WAITS}    runbook: http://x.example\n", 5, "rules.0.runbook: expected a link that begins with https://"),
    (f"{WAITS}    labels: {{Team: x}}\n", 5, "expected the name of a label"),
    (f"{WAITS}    labels:\n      tier: x\n", 6, "rules.0.labels.tier: tier is what every alert has already"),
    (f"{WAITS}    per_minute: 0\n", 5, "rules.0.per_minute: Input should be greater than or equal to 1"),
    (f"{WAITS}    escalation:\n      - {{after: 5m, severity: critical}}\n      - {{after: 5m, severity: critical}}\n", 7, "escalation.1.after: must be later than the step before (5m), not 5m"),
    (f"{WAITS}    escalation:\n      - {{after: 5m}}\n", 6, "escalation.0: changes nothing; say a severity or labels"),
    (f"{WAITS}    expires: 1h\n    escalation:\n      - {{after: 2h, severity: critical}}\n", 7, "escalation.0.after: comes after it expires (1h)"),
    (f"{WAITS}    escalation:\n      - {{after: 5m, severity: critical, labels: {{queue: x}}}}\n", 6, "escalation.0.labels.queue: queue is what every alert has"),
    # Its scope.
    (f"{WAITS}    tiers:\n      - gold\n      - diamond\n", 7, "rules.0.tiers.1: 'diamond' is not a tier of tiers.yaml (gold, platinum, red, silver)"),
    (f"{WAITS}    tiers: [golt]\n", 5, "did you mean gold?"),
    (f"{WAITS}    tiers: low\n", 5, "rules.0.tiers: expected a list, not 'low'"),
    (f"{WAITS}    tiers: []\n", 5, "rules.0.tiers: "),
    (f"{WAITS}    channels: [fax]\n", 5, "rules.0.channels.0: Input should be 'voice'"),
    (f"{WAITS}    service_types: [price]\n", 5, "'price' is not a service type of services.yaml (convenience, relationship, service, value)"),
    (f"{WAITS}    policies: [best]\n", 5, "'best' is not a policy of the folder policies ("),
    (f"{WAITS}    sources: [x]\n", 5, "rules.0.sources: contact has no source; its scope may say tiers, service_types, policies, channels, queues"),
    ("rules:\n  - name: a\n    subject: system\n    when: {watchdog: true}\n    tiers: [gold]\n", 5, "system has no tier; it has no scope"),
    ("rules:\n  - name: a\n    subject: kpi\n    when: {anomaly: {above: 4}}\n    kpis: [service_levl]\n", 5, "'service_levl' is not a kpi of the catalogue of KPIs (see there)"),
    (f"{WAITS}    hours: busines\n", 5, "rules.0.hours: 'busines' is no calendar of hours.yaml (business); did you mean business?"),
    # Conditions.
    (of("contact", "5"), 5, "rules.0.when: expected a condition: {FIELD: test}, or all, any or not, not 5"),
    (of("contact", "{}"), 5, "rules.0.when: expected a condition"),
    (of("contact", "{waitin: {above: 2m}}"), 5, "rules.0.when.waitin: 'waitin' is no field of contact; there are waiting, first_response, next_response, promise_overdue, transfers, ping_pong, tier, service_type, policy, channel, queue; did you mean waiting?"),
    (of("contact", "{expected_wait: {above: 2m}}"), 5, "'expected_wait' is no field of contact, but of queue; there are"),
    (of("contact", "{all: [{waiting: {above: 2m}}], transfers: 3}"), 5, "rules.0.when: all stands alone; put transfers beside it into a list of all"),
    (of("contact", "{all: {waiting: {above: 2m}}}"), 5, "rules.0.when.all: expected a list of conditions"),
    (of("contact", "{any: []}"), 5, "rules.0.when.any: expected a list of conditions"),
    (of("contact", "\n      all:\n        - {waiting: {above: 2m}}\n        - not:\n            transfer: {above: 3}"), 9, "rules.0.when.all.1.not.transfer: 'transfer' is no field"),
    (of("contact", "{waiting: 2m}"), 5, "rules.0.when.waiting: expected a comparison such as {waiting: {above: 120s}}, not '2m'"),
    (of("contact", "{waiting: {}}"), 5, "rules.0.when.waiting: needs one of above, at_or_above, below, at_or_below, such as {waiting: {above: 120s}}"),
    (of("contact", "{waiting: {abov: 2m}}"), 5, "rules.0.when.waiting.abov: is not known here; allowed are above, at_or_above, below, at_or_below, clear_above, clear_at_or_above, clear_below, clear_at_or_below; did you mean above?"),
    (of("customer", "{sentiment: {below: 0, halflife: 1h}}"), 5, "rules.0.when.sentiment.halflife: is not known here; allowed are above, "),
    (of("customer", "{sentiment: {below: 0, halflife: 1h}}"), 5, "did you mean half_life?"),
    (of("customer", "{sentiment: {below: 0, half_life: 0s}}"), 5, "sentiment.half_life: the duration must be longer than 0, not '0s'"),
    (of("customer", "{sentiment: {below: 0, half_life: 3}}"), 5, "sentiment.half_life: expected a duration"),
    (of("customer", "{sentiment: {below: 0, min_messages: 51}}"), 5, "sentiment.min_messages: expected from 1 to 50, not 51"),
    (of("customer", "{sentiment: {below: 0, min_messages: 2.5}}"), 5, "sentiment.min_messages: expected a whole number, such as 3, not 2.5"),
    (of("contact", "{waiting: {above: 2m, below: 3m}}"), 5, "waiting.below: above and below are two comparisons: write each as a condition of all"),
    (of("contact", "{queue: {above: 2}}"), 5, "rules.0.when.queue: expected a word or a list of words such as {queue: [cards]}"),
    (of("contact", "{tier: [gold, diamond]}"), 5, "rules.0.when.tier.1: 'diamond' is not a tier of tiers.yaml"),
    (of("contact", "{tier: dimond}"), 5, "rules.0.when.tier: 'dimond' is not a tier"),
    (of("system", "{watchdog: 1}").replace("    tiers: [gold]\n", ""), 4, "watchdog: expected true or false such as {watchdog: true}, not 1"),
    ("rules:\n  - &again {name: a, subject: contact, when: &when {not: *when}}\n", 2, "conditions lie in each other, at most 8 deep"),
    # Bounds.
    (of("contact", "{waiting: {above: 120}}"), 5, "rules.0.when.waiting.above: expected a duration: a whole number and ms, s, m, h or d, such as 120s, not 120"),
    (of("contact", "{transfers: {above: 2m}}"), 5, "rules.0.when.transfers.above: expected a whole number: transfers has the unit count, not '2m'"),
    (of("contact", "{transfers: {above: 1.5}}"), 5, "expected a whole number"),
    (of("contact", "{transfers: {above: true}}"), 5, "expected a whole number"),
    (of("contact", f"{{transfers: {{above: {10**400}}}}}"), 5, "expected a whole number"),
    (of("customer", "{sentiment: {below: -45}}"), 5, "rules.0.when.sentiment.below: expected a value from -1 to 1, as sentiment has them, not -45"),
    (of("customer", "{sentiment: {below: .nan}}"), 5, "expected a number"),
    (of("customer", "{sentiment: {below: -1}}"), 5, "sentiment.below: can never hold: sentiment is never below -1"),
    (of("contact", "{waiting: {below: 0s}}"), 5, "waiting.below: can never hold: waiting is never below 0h"),
    (of("contact", "{waiting: {above: 2m, clear_below: 3m}}"), 5, "waiting.clear_below: must be at or below the bound to raise, 2m, not 3m"),
    (of("contact", "{waiting: {at_or_above: 2m, clear_at_or_below: 2m}}"), 5, "waiting.clear_at_or_below: must be below the bound to raise, 2m, not 2m"),
    (of("customer", "{sentiment: {at_or_below: 0, clear_at_or_above: -0.2}}"), 5, "sentiment.clear_at_or_above: must be above the bound to raise, 0, not -0.2"),
    (of("customer", "{sentiment: {below: 0, clear_below: -0.2}}"), 5, "sentiment.clear_below: does not clear below; expected clear_above or clear_at_or_above"),
    (of("contact", "{waiting: {above: 2m, clear_below: 1m, clear_at_or_below: 1m}}"), 5, "is a second bound to clear; one is enough"),
    (of("contact", "{waiting: {above: {by: tier, gold: 1m, diamond: 2m}}}"), 5, "waiting.above.diamond: 'diamond' is not a tier of tiers.yaml"),
    (of("contact", "{waiting: {above: {by: teir, gold: 1m}}}"), 5, "waiting.above.by: an attribute by which bounds differ: expected one of tier, service_type, policy, channel, queue, not 'teir'; did you mean tier?"),
    (of("contact", "{waiting: {above: {gold: 1m}}}"), 5, "waiting.above.by: an attribute by which bounds differ"),
    (of("contact", "{waiting: {above: {by: tier}}}"), 5, "waiting.above: names no bound"),
    (of("contact", "{waiting: {above: {by: tier, gold: 1}}}"), 5, "waiting.above.gold: expected a duration"),
    (of("contact", "{waiting: {above: {by: tier, gold: 1m, default: 5m}, clear_below: {by: queue, x: 1s}}}"), 5, "clear_below: goes by queue, and above by tier: both must go by one"),
    (of("contact", "{waiting: {above: {by: tier, gold: 1m, default: 5m}, clear_below: {by: tier, gold: 2m, default: 1m}}}"), 5, "must be at or below the bound to raise, 1m, not 2m (for gold)"),
    (of("contact", "{waiting: {above: {by: tier, gold: 1m, default: 5m}, clear_below: {by: tier, gold: 1m}}}"), 5, "clear_below: has no bound, and above has one"),
    (of("queue", "{waiting: {above: {by: tier, gold: 1}}}"), 5, "expected one of policy, channel, queue, not 'tier'"),
    (of("connector", "{silence: {above: {by: source, x: 1m}}}"), 5, "an attribute by which bounds differ: expected one of channel, not 'source'"),
    # KPIs.
    ("rules:\n  - name: a\n    subject: kpi\n    when: {value: {above: 3}}\n", 2, "rules.0: needs kpis: a value is held against a bound in the unit of its KPI"),
    (of("kpi", "{value: {above: 30s}}").replace("offered]", "offered/all]"), 5, "a value of contacts_offered/all has numbers in its unit, count, for bounds"),
    (of("kpi", "{value: {above: 3}}").replace("contacts_offered", "speed_of_answer/p95"), 5, "a value of speed_of_answer/p95 has durations, such as 30s, for bounds"),
    (of("kpi", "{value: {below: 70}}").replace("contacts_offered", "abandonment/of_left"), 5, "a value of abandonment/of_left is between 0 and 1"),
    (of("kpi", "{value: {above: 30s, clear_below: 3}}"), 5, "value.clear_below: has durations and numbers as bounds; a KPI has one unit"),
    # For everybody.
    (f"{HEAD}    when: {{not: {{transfers: 3}}}}\n", 4, "rules.0.when: would hold for everybody, whatever happens; give it a scope or a condition that can be false, or say for_everybody: true"),
    (f"{HEAD}    when: {{transfers: {{at_or_above: 0}}}}\n", 4, "would hold for everybody"),
    (f"{HEAD}    when: {{any: [{{transfers: 3}}, {{not: {{queue: x}}}}]}}\n", 4, "would hold for everybody"),
    (f"{HEAD}    when: {{all: [{{not: {{queue: y}}}}, {{not: {{queue: x}}}}]}}\n", 4, "would hold for everybody"),
    (f"{HEAD}    when: {{waiting: {{at_or_above: {{by: tier, gold: 0s, default: 1m}}}}}}\n", 4, "would hold for everybody"),
    ("rules:\n  - name: a\n    subject: customer\n    when: {sentiment: {at_or_below: 1}}\n", 4, "would hold for everybody"),
    # Rules beside each other.
    (f"{WAITS}  - name: a\n    subject: queue\n    when: {{waiting: {{above: 3}}}}\n", 5, "rules.1.name: two rules have the same name: a"),
    (f"{WAITS}inhibitions:\n  - {{source: [rule=b], target: [rule=a]}}\n", 6, "inhibitions.0.source: could never match: no rule has alerts that fit rule=b"),
    (f"{WAITS}inhibitions:\n  - {{source: [rule=a], target: [subject=queue]}}\n", 6, "inhibitions.0.target: could never match"),
    (f"{WAITS}inhibitions:\n  - {{source: [rule=a], target: [source=x]}}\n", 6, "inhibitions.0.target: could never match"),
    (f"{WAITS}    tiers: [gold]\ninhibitions:\n  - {{source: [rule=a], target: [tier!=gold]}}\n", 7, "inhibitions.0.target: could never match"),
    (f"{WAITS}inhibitions:\n  - {{source: [rule=a], target: [labl=a]}}\n", 6, "inhibitions.0.target.0: 'labl' is no attribute of an alert, and no label; there are channel, "),
    (f"{WAITS}inhibitions:\n  - {{source: [a], target: [rule=a]}}\n", 6, "inhibitions.0.source.0: 'a' is no matcher"),
    (f"{WAITS}inhibitions:\n  - {{source: [rule=a], target: [rule=a], equal: [queu]}}\n", 6, "inhibitions.0.equal.0: 'queu' is no attribute of an alert, and no label"),
    (f"{WAITS}inhibitions:\n  - {{source: [rule=a], target: [subject=contact]}}\n", 6, "inhibitions.0: goes in a circle, so that they could silence each other: a → a"),
    (f"{WAITS}  - {{name: b, subject: contact, when: {{transfers: 3}}}}\ninhibitions:\n  - {{source: [rule=a], target: [rule=b]}}\n  - {{source: [rule=b], target: [rule=a]}}\n", 8, "inhibitions.1: goes in a circle, so that they could silence each other: b → a → b"),
    (f"{WAITS}inhibitions:\n  - {{source: [], target: [rule=a]}}\n", 6, "inhibitions.0.source: "),
    # The format of before.
    ("wait:\n  - {name: a, limit: 2m}\n", 1, "wait: is the format of before; write `rules: [{name: …, subject: contact, tiers: [gold], channels: [voice], when: {waiting: {above: 120s}}, severity: critical}]`"),
    ("\nsentiment:\n  - {name: a, fire_at_or_below: 0}\n", 2, "fire_at_or_below is at_or_below, resolve_at_or_above is clear_at_or_above; left out, tiers are `tiers: high`"),
    ("rule: []\n", 1, "rule: is not known here; remove it or correct its name: rules, inhibitions; did you mean rules?"),
    ("rules: 5\n", 1, "rules: expected a list, not 5"),
    ("rules: [5]\n", 1, "rules.0: expected a mapping, key: value, not 5"),
]  # fmt: skip


def found(folder: Path, text: str) -> list[str]:
    (folder / "alerts.yaml").write_text(text)
    with pytest.raises(RulesError) as caught:
        load(folder)
    return str(caught.value).splitlines()


@cache
def shipped() -> Files:
    return Files(
        **{name: kind.validate_python(Source(SHIPPED / f"{name}.yaml").values()) for name, kind in FILES.items()}
    )


def quickly(source: Source) -> list[str]:
    """What `load` says of this file, without reading the twelve others each time."""
    try:
        file = FILES["alerts"].validate_python(source.values())
    except ValidationError as error:
        return list(source.mistakes(error, AlertsFile))
    wrong = mistakes(replace(shipped(), alerts=file), source.given, ["tiered"])
    return [source.at(path, what) for path, what in wrong]


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES)
def test_a_mistake_is_named_with_file_line_and_path(tmp_path: Path, text: str, line: int, message: str) -> None:
    file = tmp_path / "alerts.yaml"
    file.write_text(text)
    [said] = [each for each in quickly(Source(file)) if message in each]
    assert said.startswith(f"{file}:{line}: ")


def test_load_says_the_same(tmp_path: Path) -> None:
    for text, _, message in (MISTAKES[0], MISTAKES[len(MISTAKES) // 2], MISTAKES[-1]):
        assert message in "\n".join(found(tmp_path, text))


def test_mistakes_of_a_condition_stand_among_the_others(tmp_path: Path) -> None:
    text = "rules:\n  - {name: A, subject: contact, sources: [x],\n     when: {waitin: 3, transfers: {above: x}}}\n  - {name: b}\n"
    assert [line.split(": ")[1] for line in found(tmp_path, text)] == [
        "rules.0.sources",
        "rules.0.when.waitin",
        "rules.0.when.transfers.above",
        "rules.0.name",
        "rules.1.subject",
        "rules.1.when",
    ]


@pytest.mark.parametrize(
    "rule",
    [
        "{name: a, subject: contact, for_everybody: true, when: {not: {transfers: 3}}}",
        "{name: a, subject: contact, queues: [x], when: {not: {transfers: 3}}}",
        "{name: a, subject: contact, when: {all: [{not: {transfers: 3}}, {waiting: {above: 1m}}]}}",
        "{name: a, subject: contact, when: {waiting: {above: 0s}}}",
        "{name: a, subject: system, when: {watchdog: true}}",
        "{name: a, subject: contact, tiers: high, when: {transfers: 3}}, {name: b, subject: queue, when: {waiting: {above: 3}}}",
        "{name: a, subject: contact, when: {waiting: {above: {by: tier, gold: 1m}, clear_below: {by: tier, gold: 1m}}}}",
        "{name: a, subject: kpi, kpis: [speed_of_answer/p95], when: {value: {above: 30s, clear_below: 20s}}}",
    ],
)
def test_what_is_meant_is_taken(tmp_path: Path, rule: str) -> None:
    inhibition = "{source: [rule=b], target: [subject=contact, tier=gold]}" if "name: b" in rule else ""
    (tmp_path / "alerts.yaml").write_text(f"rules: [{rule}]\ninhibitions: [{inhibition}]\n")
    assert load(tmp_path).customers.alerts.file.rules[0].name == "a"


def test_a_calendar_of_hours_yaml_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "hours.yaml").write_text(HOURS)
    (tmp_path / "alerts.yaml").write_text(f"{WAITS}    hours: office\n")
    assert load(tmp_path).customers.alerts.index("contact").calendars.keys() == {"office"}
    assert "(business, office); did you mean office?" in found(tmp_path, f"{WAITS}    hours: offce\n")[0]
    business = f"{WAITS}    hours: business\n    queues: [cards, x]\n"
    assert ":6: rules.0.queues: cards, x: no opening hours in hours.yaml" in found(tmp_path, business)[0]
    (tmp_path / "hours.yaml").write_text(f"{HOURS}queues: {{cards: office}}\nchannels: {{chat: office}}\n")
    load(tmp_path)
    assert "rules.0.queues: x: no opening" in found(tmp_path, f"{business}    channels: [voice]\n")[0]
    (tmp_path / "hours.yaml").write_text("calendars: {office: {time_zone: Mars, weekly: {monday: [08:00-18:00]}}}\n")
    assert "expected a time zone of the tz database" in found(tmp_path, f"{WAITS}    hours: office\n")[0]


WORDS = [
    "name", "subject", "when", "all", "any", "not", "waiting", "sentiment", "transfers", "queue", "tier", "above", "below", "at_or_below", "clear_below",
    "clear_at_or_above", "by", "default", "gold", "half_life", "min_messages", "contact", "customer", "kpi", "kpis", "value", "window", "tiers", "high",
    "queues", "channels", "voice", "for", "expires", "labels", "escalation", "after", "severity", "critical", "hours", "business", "runbook", "rules",
    "inhibitions", "source", "target", "equal", "rule=a", "a", "wait", "120s", "1h", "", "x=~y|*",
]  # fmt: skip
LEAVES = st.one_of(st.sampled_from(WORDS), st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=3))
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.integers(0, 3), st.booleans()), inner, max_size=4),
    ),
    max_leaves=12,
)
A_RULE = st.builds(
    lambda given, when, more: {**given, "when": when, **more},
    st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "b"]), "subject": st.sampled_from(["contact", "customer", "kpi", "queue"])}
    ),
    st.one_of(
        st.dictionaries(
            st.sampled_from(["waiting", "sentiment", "transfers", "queue", "tier", "value", "all", "any", "not"]),
            ANYTHING,
        ),
        st.sampled_from([{"waiting": {"above": "1m"}}, {"queue": "x"}, {"tier": "gold"}, {"waiting": {"above": 3}}]),
    ),
    st.dictionaries(
        st.sampled_from([word for word in WORDS if word not in ("name", "subject", "when")]), ANYTHING, max_size=2
    ),
)
A_FILE = st.one_of(
    st.dictionaries(st.sampled_from(["rules", "inhibitions", "wait", "x"]), ANYTHING),
    st.fixed_dictionaries(
        {"rules": st.lists(A_RULE, max_size=3)},
        optional={
            "inhibitions": st.lists(
                st.fixed_dictionaries(
                    {
                        side: st.lists(st.sampled_from(["rule=a", "subject!=queue", "queue=x"]))
                        for side in ("source", "target")
                    }
                ),
                max_size=2,
            )
        },
    ),
)


@settings(max_examples=400, deadline=None)
@given(A_FILE)
def test_whatever_a_file_says_what_is_wrong_is_said_and_nothing_raises(given: dict[str, Any]) -> None:
    source = Source(SHIPPED / "alerts.yaml")
    source.document = parse(json.dumps({}))
    source.given = given
    try:
        file = FILES["alerts"].validate_python(given)
    except ValidationError as error:
        found = list(source.mistakes(error, AlertsFile))
    else:
        found = held_against_the_others(source, file)
    assert all(": " in each for each in found)


def held_against_the_others(source: Source, file: AlertsFile) -> list[str]:
    """What is wrong beside the other files; with nothing wrong it can be used."""
    wrong = mistakes(replace(shipped(), alerts=file), source.given, ["tiered"])
    found = [source.at(path, what) for path, what in wrong]
    if not found:
        assert len([Index([rule]) for rule in file.rules]) == len(file.rules)
        assert file.watching({"gold"}).handlings().version
    return found
