"""What workers must have alike: each setting and rule that changes results is told apart, and no other."""

import json
import os
import subprocess
import sys
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams import rules as rule_files
from streams.app import inlets
from streams.customers.rules import CustomerRules
from streams.customers.worth import Bounds
from streams.engine.group import differences
from streams.identity.rules import IdentityRules
from streams.rules import Rules
from streams.settings import Settings, load, variable
from streams.worker import features as module
from streams.worker.features import OWN, features
from streams.worker.metrics import Metrics


def of(rules: Rules | None = None, **settings: Any) -> dict[str, str]:
    chosen, held = load(**settings), rules or rule_files.load()
    return features(chosen, held, inlets(chosen, held, Metrics(), None))


ELSEWHERE = """
import json
from streams import rules
from streams.app import inlets
from streams.settings import load
from streams.worker.features import features
from streams.worker.metrics import Metrics
settings, held = load(worker_name="w"), rules.load()
print(json.dumps(features(settings, held, inlets(settings, held, Metrics(), None)), sort_keys=True))
"""


def changed(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_age_h", 12.0),
        ("dedup_horizon_h", 30.0),
        ("future_tolerance_s", 30.0),
        ("out_of_orderness_ms", 1000),
        ("max_event_bytes", 500_000),
        ("phone_region", "DE"),
        ("sentiment_scorer", "none"),
        ("topic_prefix", "x."),
        ("app_id", "other"),
    ],
)
def test_a_setting_that_changes_results_is_named(name: str, value: object) -> None:
    assert changed(of(), of(**{name: value})) == {variable(name)}
    assert of(**{name: value})[variable(name)] == str(value)


def test_alert_rules_that_were_applied_count_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("rules: []\n")
    held, other = rule_files.load(), rule_files.load(tmp_path)
    assert changed(of(held), of(other)) == {"rules.alerts"}
    assert module.other_parts(held, other) == []
    chosen = load()
    some = [features(chosen, each, inlets(chosen, each, Metrics(), None), applied=True) for each in (held, other)]
    assert some[0] == some[1]
    assert differences(some[0], of(other)) == []


def test_a_secret_is_compared_and_not_told() -> None:
    one, other = of(erasure_key="the key of one deployment"), of(erasure_key="the key of another one")
    assert {name for name in one if one[name] != other[name]} == {"CONTACT_STREAMS_ERASURE_KEY"}
    assert one == of(erasure_key="the key of one deployment")
    assert "key of" not in json.dumps(one)


def test_a_policy_is_named_by_its_setting() -> None:
    one, named = of(), of(policy="tiered")
    assert one == named, "the default, said or not"
    assert one["CONTACT_STREAMS_POLICY"].startswith("tiered (")
    assert changed(one, of(rule_files.load(policy="premium-for-all"), policy="premium-for-all")) == {
        "CONTACT_STREAMS_POLICY"
    }


def test_settings_of_one_worker_are_not_compared() -> None:
    assert set(Settings.model_fields) >= OWN, "a setting that is named here has gone"
    own = {"worker_name": "w9", "web_port": 1, "log_level": "error", "commit_interval_ms": 7, "cache_rows": 1000}
    assert changed(of(), of(**own)) == set()


def test_every_part_of_the_rules_is_compared_by_its_values(tmp_path: Path) -> None:
    rules = rule_files.load()
    customers, others = rules.customers, {"tiers": {}, "nobody": replace(rules.nobody, words=frozenset({"x"}))}
    others["intents"] = replace(rules.intents, names=("x",))
    others["kpis"] = replace(rules.kpis, lateness_ms=1)
    kinds = rules.identity.kinds
    others["identity"] = IdentityRules(dict(reversed(kinds.items())))  # the order is the strength
    others["behaviours"] = replace(rules.behaviours, names=("x",))
    others["deadlines"] = replace(rules.deadlines, promises=frozenset())
    others["signals"] = replace(rules.signals, min_history=1)
    assert {*others, "customers", "handlings"} == {part.name for part in fields(Rules)}, "handlings follow from alerts"
    for name, other in others.items():
        assert changed(of(), of(replace(rules, **{name: other}))) == {f"rules.{name}"}
    changes: dict[str, Any] = {
        "contacts": replace(customers.contacts, timeout=1),
        "journeys": replace(customers.journeys, need_ms=1_800_000, repeat_ms=1),
        "segments": replace(customers.segments, loyal_from=1.0),
        "silence": replace(customers.silence, factor=1.0),
        "outreach": replace(customers.outreach, rules=()),
        "worth": replace(customers.worth, ladder=(("gold", Bounds(2, 1)),)),
        "services": replace(customers.services, half_at=1.0),
        "policy": None,
        "quality": replace(customers.quality, human={"apology": 1.0}),
        "groups": ("tier",),
    }
    assert changes.keys() | {"alerts", "policy_name", "reader"} == {
        part.name for part in fields(CustomerRules) if part.init
    }
    for name, other in changes.items():
        own = replace(rules, customers=replace(customers, **{name: other}))
        assert changed(of(), of(own)) == {variable(name) if name == "policy" else f"rules.{name}"}
    fewer = replace(customers.alerts, file=replace(customers.alerts.file, rules=()))
    assert changed(of(), of(replace(rules, customers=replace(customers, alerts=fewer)))) == {"rules.alerts"}
    shipped = (rule_files.SHIPPED / "alerts.yaml").read_text()
    (tmp_path / "alerts.yaml").write_text(f"# the same, with a comment\n{shipped}")
    assert changed(of(), of(rule_files.load(tmp_path))) == set()


def test_the_zone_is_compared_with_what_it_means() -> None:
    berlin = of(rule_files.load(None, {"kpis.time_zone": "Europe/Berlin"}))
    assert berlin["time_zone"].startswith("Europe/Berlin (")
    assert changed(of(), berlin) == {"time_zone", "rules.kpis"}


def test_calendars_are_compared_with_what_they_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    office = {"time_zone": "Europe/Berlin", "weekly": {"monday": ["09:00-18:00"]}, "holidays": {"country": "DE"}}

    def said(**more: object) -> dict[str, str]:
        return of(rule_files.load(None, {"hours.calendars": {"office": office | more}}))

    assert said()["rules.kpis"] != said(weekly={"monday": ["09:00-17:00"]})["rules.kpis"]
    assert changed(of(), said()) == {"rules.kpis", "calendars"}
    before = said()
    monkeypatch.setattr(module, "in_year", lambda *place: {})
    assert changed(before, said()) == {"calendars"}, "another release of the library"


def test_two_releases_of_the_zone_differ_when_an_offset_does() -> None:
    class Later(ZoneInfo):
        """Summer time was abolished from 2030 on."""

        def utcoffset(self, dt: datetime | None) -> timedelta | None:
            return timedelta(hours=1) if dt is not None and dt.year >= 2030 else super().utcoffset(dt)

    assert module._offsets(ZoneInfo("Europe/Berlin")) != module._offsets(Later("Europe/Berlin"))


def test_a_release_that_only_mends_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for version in ("0.1.2", "0.1.3", "0.2.0"):
        monkeypatch.setattr(module, "version", lambda name, version=version: version)
        found.append(of())
    assert changed(found[0], found[1]) == set()
    assert changed(found[0], found[2]) == {"version"}


def test_it_is_the_same_in_every_process() -> None:
    """Sets have another order in each."""
    said = {
        subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert [json.loads(each) for each in said] == [of(worker_name="w")]
