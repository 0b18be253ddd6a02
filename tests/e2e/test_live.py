"""Live events: alerts while the customer still waits, owners that become known, commands, what a worker says of itself."""

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest

from streams.local.processes import WorkerProcess
from streams.settings import Settings
from tests.support.system import System, event

SHORT_RULES = """
rules:
  - {name: wait, subject: contact, tiers: [gold, platinum], when: {waiting: {above: 3s}}, severity: critical}
  - {name: mood, subject: customer, tiers: [gold], severity: warning,
     when: {sentiment: {at_or_below: -0.4, clear_at_or_above: -0.1, half_life: 30m, min_messages: 2, quiet_after: 2h}}}
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "alerts.yaml").write_text(SHORT_RULES)
    return settings.model_copy(update={"rules_dir": rules})


async def alerts_when(system: System, count: int, seconds: float = 30) -> list[dict]:
    until = time.monotonic() + seconds
    while len(found := await system.read("alerts")) < count:
        assert time.monotonic() < until, f"{len(found)} alert records after {seconds} s, not {count}"
        await asyncio.sleep(0.2)
    return found


async def test_a_wait_alert_fires_by_itself_and_resolves_when_answered(system: System) -> None:
    async with system.run():
        entered = time.time()
        vip = {"customer_id": "c1", "tier": "gold", "queue": "loans"}
        await system.events(
            event("contact.initiated", "v1", entered, **vip),
            event("contact.queued", "v1", entered, **vip),
            event("contact.queued", "v2", entered, customer_id="c2", tier="silver", queue="loans"),
        )
        (fired,) = await alerts_when(system, 1)
        seen = time.time()
        await system.events(event("contact.connected", "v1", seen, **vip))
        _, resolved = await alerts_when(system, 2)
    assert fired["status"] == "firing"
    assert (fired["rule"], fired["kind"], fired["tier"], fired["contact_id"]) == ("wait", "waiting", "gold", "v1")
    assert fired["customer"] == "customer:c1"
    assert fired["limit"] == 3000
    # limit + allowed out-of-orderness of 2 s + a tick of each agent
    assert 5 <= seen - entered < 15
    assert resolved["alert_id"] == fired["alert_id"]
    assert (resolved["status"], resolved["reason"]) == ("resolved", "answered")
    assert (fired["revision"], resolved["revision"]) == (1, 2)
    await system.check_contract()


async def test_an_answer_in_time_raises_nothing_even_when_the_worker_lags(system: System) -> None:
    """Both events lie unread while no worker runs, longer than the limit: stream time, not the wall clock, decides."""
    entered = time.time() - 30
    vip = {"customer_id": "c1", "tier": "gold", "queue": "loans"}
    await system.events(
        event("contact.queued", "v1", entered, **vip),
        event("contact.connected", "v1", entered + 2.9, **vip),
        event("contact.queued", "v2", entered, **vip),
        event("contact.connected", "v2", entered + 3.1, **vip),
    )
    async with system.run():
        await alerts_when(system, 2)
        await system.drained()
        await system.ticks()
    found = await system.read("alerts")
    assert [(a["contact_id"], a["status"]) for a in found] == [("v2", "firing"), ("v2", "resolved")]


async def test_a_contact_that_becomes_known_moves_to_its_customer(system: System) -> None:
    now = time.time() - 20
    phone = [{"kind": "phone", "value": "+44 20 7946 0123"}]
    async with system.run():
        await system.events(
            event("contact.initiated", "v1", now, identifiers=phone),
            event("contact.queued", "v1", now + 1, queue="cards"),
        )
        await system.drained()
        before = await system.journeys()
        await system.events(
            event("contact.connected", "v1", now + 5, queue="cards", customer_id="c7", tier="gold"),
            event("contact.ended", "v1", now + 9, by="customer"),
        )
        await system.drained()
        await system.ticks(1)
        await system.drained()
    assert set(before) == {"anonymous:phone:+442079460123"}
    journeys = await system.journeys()
    (contact,) = journeys["customer:c7"]["contacts"]
    assert (contact["contact_id"], contact["outcome"], contact["wait_ms"]) == ("v1", "answered", 4000)
    assert "anonymous:phone:+442079460123" not in journeys
    (change,) = [each for each in await system.read("identity.changes") if each["contact_id"]]
    assert (change["from"], change["to"]) == ("anonymous:phone:+442079460123", "customer:c7")
    facts = [v for v in await system.read("contact.measurements") if v["kind"] == "fact"]
    net: dict[tuple[str, str], int] = {}
    for fact in facts:
        key = (fact["fact"], fact["tier"])
        net[key] = net.get(key, 0) + fact.get("sign", 1)
    assert {key: count for key, count in net.items() if count} == {
        ("leg_opened", "gold"): 1, ("leg_closed", "gold"): 1, ("contact_offered", "gold"): 1, ("contact_handled", "gold"): 1,
        ("journey_solved", "gold"): 1, ("journey_resolved", "gold"): 1, ("quality", "gold"): 1,
        ("journey_opened", "gold"): 1, ("journey_left", "gold"): 1,
    }  # fmt: skip
    await system.check_contract()


async def test_a_mood_alert_has_hysteresis_and_a_command_closes_one(system: System) -> None:
    now = time.time() - 60

    def says(number: int, score: float, contact: str = "chat-1", customer: str = "c1") -> dict:
        return event(
            "message.sent", contact, now + number, channel="chat", direction="inbound", author="customer",
            sentiment=score, text=str(number), customer_id=customer, tier="gold",
        )  # fmt: skip

    async with system.run():
        await system.events(says(1, -0.9), says(2, -0.8), says(3, 0.3), says(4, -0.9), says(5, 1.0), says(6, 1.0))
        fired, resolved = await alerts_when(system, 2)
        await system.events(says(1, -1.0, "chat-2", "c2"), says(2, -1.0, "chat-2", "c2"))
        other = (await alerts_when(system, 3))[-1]
        open_alert = next(a for a in await system.read("alerts") if a["customer"] == "customer:c2")
        await system.events(
            {
                **event("alert.commanded", "x"),
                "data": {"alert_id": open_alert["alert_id"], "action": "close", "by": "supervisor"},
            }
        )
        await alerts_when(system, 4)
        await system.drained()
    assert (fired["kind"], fired["status"], resolved["status"], resolved["reason"]) == (
        "sentiment", "firing", "resolved", "recovered",
    )  # fmt: skip
    assert other["kind"] == "sentiment"
    closed = [a for a in await system.read("alerts") if a["customer"] == "customer:c2"]
    assert [(a["status"], a["reason"]) for a in closed] == [("firing", None), ("resolved", "closed")]


async def test_a_worker_is_ready_serves_metrics_and_stops_in_time(system: System) -> None:
    async with system.run() as running:
        (worker,) = running.workers
        await system.events(
            event("contact.initiated", "secret-contact", customer_id="secret-customer", agent_id="secret-agent")
        )
        await system.drained()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{worker.port}") as web:
            for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200)):
                async with web.get(path) as response:
                    assert response.status == status, path
                    text = await response.text()
        assert "secret" not in text
        assert 'contact_streams_records_total{hop="ingest"} 1.0' in text
        assert 'contact_streams_tasks_ready{hop="measure"} 4.0' in text
        started = time.monotonic()
        assert await worker.stop() == 0
        assert time.monotonic() - started < 10
        assert "secret" not in worker.last_words()


async def test_two_workers_on_one_machine_share_the_partitions(system: System) -> None:
    hops = ("ingest", "identify", "track", "measure")

    async def ready(web: aiohttp.ClientSession, worker: WorkerProcess) -> list[float]:
        async with web.get(f"http://127.0.0.1:{worker.port}/metrics") as response:
            text = await response.text()
        return [_value(text, hop) for hop in hops]

    async with system.run(2) as running, aiohttp.ClientSession() as web:
        until = time.monotonic() + 30
        while (shares := [await ready(web, worker) for worker in running.workers]) != [[2.0] * 4, [2.0] * 4]:
            assert time.monotonic() < until, shares
            await asyncio.sleep(0.2)


def _value(text: str, hop: str) -> float:
    name = f'contact_streams_tasks_ready{{hop="{hop}"}} '
    return float(next(line.removeprefix(name) for line in text.splitlines() if line.startswith(name)))


async def test_a_worker_without_topics_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    nowhere = settings.model_copy(update={"topic_prefix": settings.topic_prefix + "none."})
    system = System(nowhere, tmp_path)
    worker = await system.add_worker()
    assert await asyncio.wait_for(worker.process.wait(), 20) == 3
    last = worker.last_words().strip().splitlines()[-1]
    assert last.startswith("contact-streams: topics missing on the broker")
    assert "contact-streams topics create" in last


async def test_a_wrong_setting_fails_at_start_with_its_name(settings: Settings, tmp_path: Path) -> None:
    system = System(settings.model_copy(update={"max_age_h": 900.0}), tmp_path)
    worker = await system.add_worker()
    assert await asyncio.wait_for(worker.process.wait(), 20) == 1
    said = worker.last_words()
    assert "CONTACT_STREAMS_MAX_AGE_H (900.0 hours)" in said
    assert "must be below CONTACT_STREAMS_DEDUP_HORIZON_H (26.0 hours)" in said
