"""A call log through the whole pipeline: its figures exactly, also after a kill half-way and a second replay.

The real log is read from the file that ``CALLS_FILE`` names; a synthetic one with the same traps is always there.
"""

import asyncio
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from streams.replay.mapping import load_mapping
from streams.replay.reader import CallLog, read_log
from streams.settings import Settings
from tests.support.replays import found, replay
from tests.support.system import System
from tests.support.waiting import until

COLUMNS = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time", "q_start", "q_exit",
    "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip

WEEK_1 = {
    "agent": 7429,
    "hang": 1519,
    "phantom": 59,
    "offered": 8948,
    "queued": 4522,
    "abandoned_of_offered": 16.98,
    "abandoned_of_queued": 18.73,
    "asa_all_s": 32.03,
    "asa_waited_s": 64.74,
    "within_20s_of_offered": 52.82,
    "within_20s_of_answered": 63.62,
    "mean_service_s": 167.94,
    "longest_wait_s": 676,
    "priority_wait_alerts": 201,
    "identified_customers": 1690,
}
"""Counted independently of the project, with the data."""


def clock(second: int) -> str:
    second %= 86_400
    return f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}"


def synthetic(file: Path, rows: int, seed: int) -> dict[str, Any]:
    """Write a log of ``rows`` calls around a midnight; returns the figures, counted while it is written."""
    dice = random.Random(seed)
    served = hung = phantom = queued = queued_hung = wait_all = in_time = service = longest = priority = 0
    customers = set()
    lines = ["\t".join(COLUMNS)]
    for number in range(rows):
        enter = 86_400 - 7200 + number * 10_000 // rows
        wait = dice.choice([0, 0, 0, dice.randrange(1, 20), 20, 21, 120, 121, dice.randrange(1, 700)])
        customer = dice.choice(["0", f"{dice.randrange(40)}", "6.02701E+11"])
        tier = "0" if customer == "0" else str(1 + sum(map(ord, customer)) % 2)
        outcome = dice.choices(["AGENT", "HANG", "PHANTOM"], [80, 18, 2])[0]
        talk = dice.choice([0, dice.randrange(1, 900)]) if outcome == "AGENT" else dice.randrange(300)
        vru = 10
        start = enter + vru + wait + dice.choice([-1, 0, 0, 3])
        lines.append(
            "\t".join(
                [
                    f"AA{number % 7:04d}", str(30_000 + number // 7), customer, tier, dice.choice(["PS", "NE", "TT"]),
                    "990131" if enter < 86_400 else "990201", clock(enter), clock(enter + vru), str(vru),
                    clock(enter + vru) if wait else "0:00:00", clock(enter + vru + wait) if wait else "0:00:00", str(wait), outcome,
                    clock(start) if outcome == "AGENT" else "0:00:00", clock(start + talk) if outcome == "AGENT" else "0:00:00",
                    str(talk), dice.choice(["ANNA", "NO_SERVER"]),
                ]
            )
        )  # fmt: skip
        if outcome == "PHANTOM":
            phantom += 1
            continue
        if customer != "0":
            customers.add(customer)
        queued += wait > 0
        longest = max(longest, wait)
        priority += tier == "2" and wait > 120
        if outcome == "AGENT":
            served, wait_all, in_time, service = served + 1, wait_all + wait, in_time + (wait <= 20), service + talk
        else:
            hung, queued_hung = hung + 1, queued_hung + (wait > 0)
    file.write_bytes(("\r\n".join(lines) + "\r\n").encode())
    offered, waited = served + hung, queued - queued_hung
    return {
        "agent": served,
        "hang": hung,
        "phantom": phantom,
        "offered": offered,
        "queued": queued,
        "abandoned_of_offered": round(100 * hung / offered, 2),
        "abandoned_of_queued": round(100 * queued_hung / queued, 2),
        "asa_all_s": round(wait_all / served, 2),
        "asa_waited_s": round(wait_all / waited, 2),
        "within_20s_of_offered": round(100 * in_time / offered, 2),
        "within_20s_of_answered": round(100 * in_time / served, 2),
        "mean_service_s": round(service / served, 2),
        "longest_wait_s": longest,
        "priority_wait_alerts": priority,
        "identified_customers": len(customers),
    }


def the_log(file: Path) -> CallLog:
    return read_log(file, load_mapping("bank.yaml"))


async def every_alert(system: System) -> list[dict[str, Any]]:
    """In an order of their own: partitions are read side by side."""
    return sorted(await system.read("alerts"), key=lambda alert: (alert["alert_id"], alert["revision"]))


async def exact_through_faults(system: System, log: CallLog, expected: dict[str, Any]) -> None:
    """Two workers; one is killed half-way and another comes; then everything is replayed once more."""
    async with system.run(2) as running:
        publishing = asyncio.create_task(replay(system, log))
        await until(lambda: system.read("journeys"), 60)
        await running.workers[0].stop(signal.SIGKILL)
        await running.add_worker()
        await publishing
        await system.drained(300)
        assert await found(system, log) == expected
        readings, alerts = len(await system.read("kpis")), await every_alert(system)
        await replay(system, log)
        await system.drained(300)
    assert await found(system, log) == expected
    assert len(await system.read("kpis")) == readings, "the second replay published readings"
    assert await every_alert(system) == alerts
    firing = [alert["alert_id"] for alert in alerts if alert["status"] == "firing"]
    resolved = [alert["alert_id"] for alert in alerts if alert["status"] == "resolved"]
    assert len(firing) == len(set(firing)) == expected["priority_wait_alerts"]
    assert sorted(resolved) == sorted(firing)


@pytest.mark.slow
async def test_a_synthetic_log_is_exact_through_a_kill_and_a_second_replay(system: System, tmp_path: Path) -> None:
    file = tmp_path / "calls.tsv"
    expected = synthetic(file, rows=3000, seed=5)
    await exact_through_faults(system, the_log(file), expected)
    counts = await system.check_contract()
    assert counts["alerts"] == 2 * expected["priority_wait_alerts"]
    assert counts["contacts.dead-letters"] == 0


@pytest.mark.slow
async def test_one_week_of_a_bank_is_exact_through_a_kill_and_a_second_replay(
    settings: Settings, tmp_path: Path
) -> None:
    file = os.environ.get("CALLS_FILE")
    if not file:
        pytest.skip("CALLS_FILE is not set: the real calls are not part of the project")
    system = await System(settings.model_copy(update={"time_zone": "Asia/Jerusalem"}), tmp_path).create()
    await exact_through_faults(system, the_log(Path(file)), WEEK_1)
