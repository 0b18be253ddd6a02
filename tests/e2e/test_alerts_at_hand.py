"""Alerts at hand, with a worker that obeys: from an event to an alert, and from a command over HTTP to its step."""

import asyncio
import json
import shlex
import time
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from schemas import registry
from streams.base.times import iso
from streams.cli.main import app
from streams.desk.reading import now_ms
from streams.settings import environment
from tests.support.api import events, serving
from tests.support.system import System, event
from tests.support.waiting import until

RULE, HOUR = "high-tier-wait", 3_600_000


async def test_a_supervisor_from_a_firing_alert_to_its_end(system: System, tmp_path: Path) -> None:
    waiting = event("contact.queued", "call-1", time.time() - 130, queue="cards", customer_id="7", tier="gold")
    other = event("contact.queued", "call-2", time.time() - 130, queue="loans", customer_id="8", tier="gold")

    async def run(words: str, code: int = 0) -> Result:
        env = environment(system.settings)
        done = await asyncio.to_thread(CliRunner().invoke, app, ["alerts", *shlex.split(words)], env=env)
        assert done.exit_code == code, done.output
        return done

    async with system.run(), serving(system.settings, tmp_path) as api:

        async def alerts(query: str = "") -> Any:
            return (await api.get(f"/alerts?rule={RULE}{query}"))["alerts"]

        await system.events(waiting, other)
        assert len(await until(lambda: both(alerts), 120)) == 2
        (alert,) = await alerts("&queue=cards")
        short = alert["fingerprint"].partition("@")[0]
        shown = (await run(f"show {short}")).stdout
        assert "name: high-tier-wait" in shown
        assert "voice call-1, cards: open" in shown
        async with api.web.get(f"{api.base}/stream?customer=7", headers=api.head()) as response:
            told = events(response)
            body = {"action": "acknowledge", "note": "on it"}
            await api.ask("POST", f"/alerts/{short}/commands", "operator", 202, body)
            step = json.loads((await asyncio.wait_for(anext(told), 90)).data)
            assert (step["because"], step["by"], step["note"]) == ("acknowledged", "operator", "on it")
            said = (await run(f"assign {short} --to ann --by sam")).stdout
            assert "acknowledged → acknowledged, assigned, by sam" in said
            assert json.loads((await asyncio.wait_for(anext(told), 90)).data)["alert"]["assigned_to"] == "ann"
        body = {"matchers": ["queue=loans"], "ends": iso(now_ms() + HOUR), "reason": "repair"}
        silence = await api.ask("POST", "/silences", "operator", 202, body)
        assert silence["matches"] == 1
        await until(lambda: is_(alerts, "silenced"), 90)
        await api.ask("DELETE", f"/silences/{silence['target']}", "operator", 202)
        await until(lambda: is_(alerts, "firing"), 90)
        await run(f"close {short} --note done --by sam")
        await until(lambda: gone(alerts), 90)
        steps = (await api.get(f"/alerts/{short}/history"))["steps"]
        assert [each["because"] for each in steps] == ["fired", "acknowledged", "assigned", "closed"]
        assert "the alert is over (resolved" in (await run(f"ack {short}", 1)).stderr
    audit = await system.read("api.audit")
    assert [registry.topics()["api.audit"].check(each) for each in audit] == [None] * 3
    assert [(each["who"], each["action"], each["result"]) for each in audit] == [
        ("operator", "acknowledge", "accepted"), ("operator", "silence", "accepted"), ("operator", "end-silence", "accepted")
    ]  # fmt: skip
    assert await system.read("contacts.dead-letters") == []


async def both(alerts: Any) -> Any:
    found = await alerts()
    return found if len(found) == 2 else None


async def is_(alerts: Any, state: str) -> bool:
    return [each["state"] for each in await alerts("&queue=loans")] == [state]


async def gone(alerts: Any) -> bool:
    return not await alerts("&queue=cards")
