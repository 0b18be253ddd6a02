"""Alerts about queues, KPIs and connectors, and the one that always fires: through all agents, without a broker."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from streams import rules as rule_files
from streams.base.times import MINUTE_MS, iso
from streams.engine.offline import Offline
from tests.support.offline import NOW, deployment
from tests.support.system import home

RULES = """
rules:
  - {name: full, subject: queue, queues: [cards], when: {waiting: {above: 2}}}
  - {name: lost, subject: kpi, kpis: [abandonment/of_left], when: {value: {above: 0.5, window: 1m, min_cases: 2}}}
  - {name: silent, subject: connector, sources: [/pbx], when: {silence: {above: 5m}}}
  - {name: refused, subject: connector, when: {dead_letters: {above: 3, window: 1m}}}
  - {name: watchdog, subject: system, severity: info, when: {watchdog: true}}
"""
START = NOW - NOW % MINUTE_MS
SECOND = 1000


def event(number: int, at: int, kind: str, contact: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/pbx",
        "type": kind,
        "time": iso(at),
        "data": {"contact_id": contact, "channel": "voice", **data},
    }


@pytest.fixture
def run(tmp_path: Path) -> Offline:
    (tmp_path / "alerts.yaml").write_text(RULES)
    return deployment(rules=rule_files.load(tmp_path))


def go(run: Offline, since: int, until: int, step: int = 5 * SECOND) -> None:
    for now in range(since, until, step):
        while run.run(now):
            pass


def said(run: Offline, rule: str) -> list[tuple[str, str, float | None]]:
    """(state, because, value) of each step."""
    found = [orjson.loads(each.value or b"") for each in run.on("alert.events")]
    return [
        (each["alert"]["state"], each["because"], each["alert"]["value"])
        for each in found
        if each["alert"]["rule"] == rule
    ]


def tell(run: Offline, one: dict[str, Any], at: int) -> None:
    run.publish(*home(one), orjson.dumps(one), at)


@pytest.mark.parametrize("restart", [False, True])
def test_an_alert_of_each_kind_through_all_agents(run: Offline, restart: bool) -> None:
    for number in range(4):
        at = START + number * SECOND
        tell(run, event(number, at, "contact.queued", f"c{number}", queue="cards"), at)
    go(run, START + 4 * SECOND, START + 30 * SECOND)
    assert said(run, "full") == [("firing", "fired", 3)]
    if restart:
        run.restart()
    for number in range(4):
        at = START + 30 * SECOND + number
        tell(run, event(10 + number, at, "contact.ended", f"c{number}", by="customer"), at)
    for number in range(5):
        run.publish("contacts.voice", b"k", orjson.dumps({"source": "/bad", "id": str(number)}), START + 31 * SECOND)
    go(run, START + 31 * SECOND, START + 2 * MINUTE_MS)
    assert [step[:2] for step in said(run, "full")] == [("firing", "fired"), ("resolved", "recovered")]
    assert said(run, "lost")[0] == ("firing", "fired", 1.0)
    assert said(run, "refused")[0] == ("firing", "fired", 5)
    if restart:
        run.restart()
    go(run, START + 2 * MINUTE_MS, START + 8 * MINUTE_MS, 20 * SECOND)
    assert said(run, "silent") == [("firing", "fired", 5 * MINUTE_MS + 1)]
    assert said(run, "refused")[-1][:2] == ("resolved", "recovered")
    assert said(run, "lost")[-1][:2] == ("resolved", "quiet")
    steps = said(run, "watchdog")
    assert steps[0][:2] == ("firing", "fired")
    assert {step[:2] for step in steps[1:]} == {("firing", "amended")}
    assert len(steps) >= 7
    counted = [each for each in run.on("alert.conditions") if b'"pulse"' in (each.value or b"")]
    told = [orjson.loads(each.value or b"")["of"] for each in counted]
    assert sum(each[3] for some in told for each in some) == 8
    assert sum(each[4] for some in told for each in some) == 5


def test_a_replay_is_no_pulse(run: Offline) -> None:
    one = event(1, START, "contact.queued", "c1", queue="cards") | {"replayid": "r"}
    tell(run, one, START)
    go(run, START, START + 20 * SECOND)
    assert not [each for each in run.on("alert.conditions") if b'"pulse"' in (each.value or b"")]
