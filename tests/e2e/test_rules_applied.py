"""Alert rules that are applied while two workers run: all of them change, whoever takes over goes on by them."""

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import aiohttp
from click.testing import Result
from typer.testing import CliRunner

from streams.cli.main import app
from streams.local.processes import WorkerProcess, start_worker
from streams.settings import environment
from tests.support.system import System, event
from tests.support.waiting import until

WAIT = "rules:\n  - {name: wait, subject: contact, queues: [cards], when: {waiting: {above: 1h}}}\n"
FULL = "  - {name: full, subject: queue, queues: [cards], when: {waiting: {above: 2}}}\n"


async def command(system: System, *words: str) -> Result:
    env = environment(system.settings) | {"COLUMNS": "200"}
    done = await asyncio.to_thread(CliRunner().invoke, app, words, env=env)
    assert done.exit_code == 0, done.output
    return done


async def rules(system: System, *words: str) -> Result:
    return await command(system, "rules", *words)


async def steps(system: System, count: int, rule: str = "wait") -> list[tuple[str, str, str]]:
    """(contact, state, because) of the steps of a rule, when there are so many."""

    async def enough() -> list[dict[str, Any]] | None:
        found = [each for each in await system.values("alert.events") if each["alert"]["rule"] == rule]
        return found if len(found) >= count else None

    found = await until(enough, 90)
    return [(each["alert"]["subject"]["contact_id"], each["alert"]["state"], each["because"]) for each in found]


async def metric(worker: WorkerProcess, name: str) -> float:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{worker.port}/metrics") as response,
    ):
        lines = (await response.text()).splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).split()[1])


async def test_applied_while_workers_run_and_one_is_killed(system: System, tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        folder.mkdir()
        (folder / "alerts.yaml").write_text(WAIT)
    system.settings = system.settings.model_copy(update={"rules_dir": own})
    waiting = [
        event("contact.queued", f"call-{n}", time.time() - 100, queue="cards", customer_id=str(n)) for n in range(8)
    ]
    async with system.run(2):
        await system.events(*waiting)
        await system.drained()
        assert "nothing was applied" in (await rules(system, "applied")).stdout
        (other / "alerts.yaml").write_text(WAIT.replace("1h", "60s") + FULL)
        assert "would be applied" in (await rules(system, "apply", str(other), "--dry-run")).stdout
        assert "nothing was applied" in (await rules(system, "applied")).stdout
        first = await rules(system, "apply", str(other), "--reason", "a bank holiday", "--by", "lead-3")
        assert "workers have taken it" in first.stdout
        assert sorted(await steps(system, 8)) == [(f"call-{n}", "firing", "fired") for n in range(8)]
        assert await steps(system, 1, "full") == [(None, "firing", "fired")]
        one = (await system.values("alerts"))[0]["fingerprint"]
        shown = (await command(system, "alerts", "show", one)).stdout
        assert "applied by lead-3" in shown and ("above: 60s" in shown or "above: 2" in shown)

        await system.workers.pop().stop(signal.SIGKILL)
        late = await start_worker(system.settings, "late", tmp_path / "late.log")
        system.workers.append(late)
        await late.wait_ready()
        assert "alerts go by version" in late.log.read_text(), "its own file says something else"
        again = await rules(system, "apply", str(other), "--reason", "once more")
        assert "is in force already" in again.stdout
        (other / "alerts.yaml").write_text(WAIT.replace("1h", "2h") + FULL.replace("2}", "5}"))
        told = json.loads((await rules(system, "apply", str(other), "--reason", "over", "--json")).stdout)
        assert told["number"] > int(first.stdout.partition("number ")[2].partition(":")[0])
        assert told["answer"]["what"] == "taken"
        assert [(each["rule"], each["what"], each["fields"]) for each in told["changes"]] == [
            ("full", "changed", ["when"]), ("wait", "changed", ["when"]),
        ]  # fmt: skip
        over = [each for each in await steps(system, 16) if each[1] != "firing"]
        assert sorted(over) == [(f"call-{n}", "resolved", "rule_changed") for n in range(8)]
        shown = (await rules(system, "applied")).stdout
        assert f"# version: {told['version']}" in shown and "above: 2h" in shown
    assert await system.dead_letters() == {}
    await system.check_contract()


async def test_sighup_applies_the_file_once_and_names_its_mistakes(system: System, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    file = own / "alerts.yaml"
    file.write_text(WAIT)
    system.settings = system.settings.model_copy(update={"rules_dir": own})
    async with system.run(2):
        await system.events(event("contact.queued", "call-1", time.time() - 100, queue="cards", customer_id="1"))
        await system.drained()
        file.write_text(WAIT.replace("1h", "nonsense"))
        one = system.workers[0]
        one.process.send_signal(signal.SIGHUP)

        async def refused() -> bool:
            return await metric(one, "contact_streams_rules_refused_total") == 1

        await until(refused, 60)
        assert f"{file}:2: rules.0.when.waiting.above" in one.log.read_text()
        assert await system.values("alert.rules") == []
        file.write_text(WAIT.replace("1h", "60s"))
        for worker in system.workers:
            worker.process.send_signal(signal.SIGHUP)
        assert await steps(system, 1) == [("call-1", "firing", "fired")]
        for worker in system.workers:
            worker.process.send_signal(signal.SIGHUP)

        async def both() -> bool:
            return all("says what is in force already" in worker.log.read_text() for worker in system.workers)

        await until(both, 60)
        versions = {each["data"]["version"] for each in await system.values("alert.rules")}
        event_ = (await system.values("alert.rules"))[0]
        assert len(versions) == 1
        assert event_["data"]["reason"] == "SIGHUP" and event_["data"]["by"].startswith("worker-")
        assert await steps(system, 1) == [("call-1", "firing", "fired")]
    assert await system.dead_letters() == {}
