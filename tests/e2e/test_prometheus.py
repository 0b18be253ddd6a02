"""What monitoring sees: a worker, the real Prometheus with the shipped rules, the real Alertmanager."""

import asyncio
import json
import re
import time
import uuid
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client import generate_latest

from streams import settings as settings_module
from streams.base.times import iso
from streams.notify.metrics import Metrics as NotifyMetrics
from streams.rules import SHIPPED
from tests.support.monitoring import DEPLOY, Api, Prometheus, alertmanager, needs, prometheus
from tests.support.system import System, event

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES = """
rules:
  - {name: high-tier-wait, subject: contact, tiers: [gold], when: {waiting: {above: 1s}}, severity: critical}
  - {name: long-wait, subject: contact, tiers: [platinum], when: {waiting: {above: 1s}}, severity: warning}
"""
LOANS = 'channel="voice", queue="loans", tier="all", window="1m"'
HOPS = {"ingest", "identify", "track", "measure", "alert"}
# What stands for people in everything that is published here.
MARK = "zebra"


def call(number: int, entered: float, waits: float, **more: Any) -> list[dict[str, Any]]:
    """A call to the queue loans that is answered after ``waits`` seconds, or given up when ``by`` says by whom."""
    contact = f"{MARK}-contact-{number}"
    known = {"queue": "loans", "customer_id": f"{MARK}-customer-{number}", "tier": "silver"}
    known["identifiers"] = [{"kind": "email", "value": f"{MARK}.{number}@example.org"}]
    left = entered + waits
    start = [event("contact.initiated", contact, entered, **known), event("contact.queued", contact, entered, **known)]
    if more:
        return [*start, event("contact.ended", contact, left, **known, **more)]
    known["agent_id"] = f"{MARK}-agent"
    return [
        *start,
        event("contact.connected", contact, left, **known),
        event("contact.ended", contact, left + 0.5, by="customer", **known),
    ]


def waiting(contact: str, tier: str, queue: str) -> dict[str, Any]:
    contact = f"{MARK}-{contact}"
    return event("contact.queued", contact, queue=queue, customer_id=f"{contact}-customer", tier=tier)


@dataclass
class Watched:
    """A running system with its monitoring; ``published`` records were sent at the start."""

    system: System
    prometheus: Prometheus
    alertmanager: Api
    published: int

    async def metrics(self) -> str:
        port = self.system.workers[0].port
        async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{port}/metrics") as response:
            return await response.text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    needs("prometheus", "prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("monitoring")
    (folder / "rules").mkdir()
    (folder / "rules/alerts.yaml").write_text(RULES)
    kpis = (SHIPPED / "kpis.yaml").read_text().replace("threshold: 20s", "threshold: 2s")
    assert "{length: 1m, every: 1m," in kpis
    (folder / "rules/kpis.yaml").write_text(kpis.replace("{length: 1m, every: 1m,", "{length: 1m, every: 10s,"))
    settings = settings_module.load(
        bootstrap_servers=bootstrap, topic_prefix=f"t{uuid.uuid4().hex[:6]}.", rules_dir=folder / "rules",
        session_timeout_ms=6000, log_format="json",
    )  # fmt: skip
    system = await System(settings, folder).create()
    async with system.run() as running:
        published = await publish_known(system)
        ports = [worker.port for worker in running.workers]
        async with alertmanager(folder) as (alerting, port), prometheus(folder, ports, port) as monitor:
            await monitor.becomes('up{job="contact-streams"}', 1)
            yield Watched(system, monitor, alerting, published)


async def publish_known(system: System) -> int:
    """Five calls within one pane of ten seconds, one event twice, two records that are no events; how many records."""
    if (gone := time.time() % 10) > 7:
        await asyncio.sleep(10 - gone)  # the next pane begins: nobody but the clock says when
    pane = time.time() // 10 * 10
    calls = [*(call(number, pane, 1) for number in range(3)), call(3, pane, 5)]
    calls += [call(4, pane, 3, by="customer", reason="abandoned")]
    events = [each for one in calls for each in one]
    await system.events(*events, events[0])
    await system.publish([("contacts.voice", b"x", b"not json"), ("contacts.voice", b"x", b"{}")])
    return len(events) + 3


async def test_figures_of_known_events_come_out_of_prometheus(watched: Watched) -> None:
    await watched.system.events(waiting("vip", "platinum", "mortgages"))
    becomes = watched.prometheus.becomes
    await becomes(f'contact_kpi{{kpi="service_level", variant="reached_threshold", {LOANS}}}', 0.6)
    await becomes(f'contact_kpi{{kpi="contacts_offered", {LOANS}}}', 5)
    await becomes(f'contact_kpi{{kpi="abandonment", variant="of_left", {LOANS}}}', 0.2)
    await becomes(f'contact_kpi{{kpi="speed_of_answer", variant="answered_legs", {LOANS}}}', 2000)
    await becomes('contact_alerts_open{rule="long-wait"}', 1)
    await becomes('contact_alerts_total{rule="long-wait", state="firing"}', 1)
    await becomes('contact_queue_depth{channel="voice", queue="mortgages"}', 1)
    await becomes('contact_queue_longest_wait_seconds{queue="mortgages"} > bool 1', 1)
    await becomes('sum(contact_streams_records_total{hop="ingest"})', watched.published + 1)
    await becomes("contact_streams_duplicates_total", 1)
    await becomes('contact_streams_dead_letters_total{reason="unreadable"}', 1)
    await becomes('contact_streams_dead_letters_total{reason="missing-field"}', 1)
    await becomes("count(contact_streams_tasks_ready == 4)", 4)
    await becomes("sum(contact_streams_restore_remaining_records)", 0)
    await becomes("count(contact_streams_lag_seconds > 1 < 10)", 5)
    await becomes("count(contact_streams_unread_seconds < 5)", 5)


async def test_a_series_is_there_before_anything_happens(watched: Watched) -> None:
    """A rate over a series that appears with its first event does not see that event."""
    query = watched.prometheus.query
    reasons = {each["metric"]["reason"] for each in await query("contact_streams_dead_letters_total == 0")}
    assert {"processing", "too-old", "id-reused"} <= reasons
    for counter in ("tasks_lost_total == 0", "failed_records_total == 0", "late_total"):
        hops = {each["metric"]["hop"] for each in await query(f"contact_streams_{counter}")}
        assert hops == HOPS, counter
    (build,) = await query("contact_streams_build_info")
    assert build["metric"]["version"]
    assert await query("process_resident_memory_bytes > 1e6")
    assert await query("process_cpu_seconds_total > 0")
    assert len(await query("python_gc_collections_total")) == 3


async def test_promtool_has_no_complaint(watched: Watched) -> None:
    needs("promtool")
    text = await watched.metrics()
    process = await asyncio.create_subprocess_exec(
        "promtool", "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate(text.encode())
    assert (process.returncode, said.decode()) == (0, "")


async def test_labels_name_nobody_and_series_do_not_grow_with_customers(watched: Watched) -> None:
    entered = f'contact_kpi{{kpi="legs_entered", {LOANS}}}'
    await watched.prometheus.becomes(f"{entered} >= bool 5", 1)
    before = await watched.prometheus.series()
    now = time.time() - 3
    await watched.system.events(*(each for number in range(10, 210) for each in call(number, now, 0.2)))
    await watched.prometheus.becomes(f"{entered} >= bool 200", 1)
    after = await watched.prometheus.series()
    assert _without_windows(after) == _without_windows(before)
    assert MARK not in json.dumps(after)
    assert MARK not in await watched.metrics()


def _without_windows(series: list[dict[str, str]]) -> set[frozenset[tuple[str, str]]]:
    """Longer windows end later: their series appear while a test runs, whoever calls. So do those of other tests' queues,
    and the longest wait now, when somebody waits just as a window ends.
    """
    ours = (s for s in series if s.get("queue", "loans") == "loans" and s.get("variant") != "now")
    return {frozenset((name, value) for name, value in labels.items() if name != "window") for labels in ours}


async def test_every_expression_of_the_dashboard_is_valid_and_asks_for_what_is_there(watched: Watched) -> None:
    dashboard = json.loads((DEPLOY / "grafana/dashboards/contact-streams.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    asked = [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    expressions += [re.fullmatch(r"label_values\((.+), \w+\)", query)[1] for query in asked]
    assert len(expressions) > 20
    known = exposed(await watched.metrics()) | exposed(generate_latest(NotifyMetrics(["desk"]).registry).decode())
    for expression in expressions:
        plain = expression.replace("$__rate_interval", "1m").replace("$window", "5m")
        plain = re.sub(r"\$\w+", ".*", plain)
        await watched.prometheus.query(plain)
        names = set(re.findall(r"\b(?:contact|process|python)_\w+", expression))
        assert names <= known, expression


def exposed(text: str) -> set[str]:
    """The names of all series of an exposition, those without a sample yet too."""
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + part for name, kind in types.items() for part in parts.get(kind, ("",))}


async def test_every_shipped_rule_is_evaluated_without_error(watched: Watched) -> None:
    until = time.monotonic() + 15
    while True:
        groups = (await watched.prometheus.get("/api/v1/rules"))["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        if all(rule["health"] != "unknown" for rule in rules):
            break
        assert time.monotonic() < until
        await asyncio.sleep(0.2)
    assert {(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"} == set()
    assert len(rules) > 20


async def test_a_customer_who_waits_reaches_alertmanager_and_leaves_it(watched: Watched) -> None:
    queued = waiting("caller", "gold", "cards")
    await watched.system.events(queued)
    alert = await _alert(watched, "HighTierCustomersWaiting", "high-tier-wait")
    assert alert["labels"]["severity"] == "warning"
    assert alert["receivers"] == [{"name": "supervisors"}]
    assert alert["status"]["state"] == "active"
    assert alert["annotations"]["summary"] == "1 high-value customers wait beyond the limit (high-tier-wait)"
    assert set(alert["annotations"]) == {"summary", "description", "action"}
    assert MARK not in json.dumps(alert)
    await watched.system.events(
        {**queued, "id": "answered", "type": "contact.connected", "time": iso(round(time.time() * 1000))}
    )
    await watched.prometheus.becomes('contact_alerts_open{rule="high-tier-wait"}', 0)
    firing = 'count(ALERTS{alertname="HighTierCustomersWaiting", rule="high-tier-wait"}) or vector(0)'
    await watched.prometheus.becomes(firing, 0)


async def _alert(watched: Watched, name: str, rule: str) -> dict[str, Any]:
    until = time.monotonic() + 30
    while True:
        alerts = await watched.alertmanager.get("/api/v2/alerts")
        for alert in alerts:
            if (alert["labels"]["alertname"], alert["labels"].get("rule")) == (name, rule):
                found: dict[str, Any] = alert
                return found
        assert time.monotonic() < until, alerts
        await asyncio.sleep(0.2)
