"""From states of agents to occupancy, through all agents: live and in a replay, whatever the batches and restarts."""

from typing import Any

import orjson
import pytest

from streams.base.times import HOUR_MS, MINUTE_MS, iso
from tests.support.offline import NOW, deployment, mark, settle

M = MINUTE_MS
START = (NOW // HOUR_MS - 2) * HOUR_MS


def state(minutes: float, what: str, agent: str = "ann", **more: Any) -> dict[str, Any]:
    time = START + round(minutes * M)
    data = {"agent_id": agent, "state": what, "queues": ["cards", "loans"]} | more
    ident = f"{agent}-{minutes}"
    return {
        "specversion": "1.0",
        "id": ident,
        "source": "/wfm",
        "type": "agent.state_changed",
        "time": iso(time),
        "data": data,
    }


SHIFTS = [
    state(0, "available"), state(10, "busy"), state(1, "available", "bob", queues=["cards"]), state(31, "wrap-up"),
    state(16, "busy", "bob", queues=None), state(40, "available"), state(46, "offline", "bob", queues=["cards"]),
    state(55, "offline"),
]  # fmt: skip


def occupancy(run: Any) -> dict[tuple[str, int, str], tuple[int, int]]:
    """(queue, length in minutes, end) → minutes on contacts, and ready ones."""
    newest = {each.key: orjson.loads(each.value) for each in run.on("kpis")}
    return {
        (each["dimensions"]["queue"], each["window"]["length_ms"] // M, each["window"]["end"][11:16]): (
            one["numerator"] // M, one["denominator"] // M,
        )
        for each in newest.values() for one in each["readings"]
        if one["kpi"] == "occupancy" and (each["dimensions"]["channel"], each["dimensions"]["tier"]) == ("all", "none")
    }  # fmt: skip


def publish(run: Any, events: list[dict[str, Any]], line: str = "") -> None:
    for one in events:
        given = one | {"replayid": line} if line else one
        run.publish("agents.state", one["data"]["agent_id"].encode(), orjson.dumps(given), NOW)


@pytest.mark.parametrize(("size", "restart"), [(100, False), (1, True), (3, False)])
def test_a_replay(size: int, restart: bool) -> None:
    run, topics = deployment(size=size), ["agents.state"]
    mark(run, "r", "started", START - 1, topics)
    for at in range(0, len(SHIFTS), size):
        publish(run, SHIFTS[at : at + size], "r")
        run.run(NOW)
        if restart:
            run.restart()
    mark(run, "r", "ended", START + 57 * M, topics)
    settle(run, NOW)
    found, hour = occupancy(run), iso(START + HOUR_MS)[11:16]
    assert found["loans", 60, hour] == (30, 55)
    assert found["cards", 60, hour] == (30 + 30, 55 + 45)
    assert found["cards", 15, iso(START + 15 * M)[11:16]] == (5, 15 + 14)
    assert found["cards", 15, iso(START + 45 * M)[11:16]] == (25, 15 + 15)
    assert not list(run.on("contacts.dead-letters"))


def test_a_call_counts_while_it_goes_on() -> None:
    run = deployment()
    busy = state(0, "busy") | {"time": iso(NOW - 20 * M)}
    publish(run, [busy])
    for minute in range(20):
        run.run(NOW + minute * M)
    facts = [
        orjson.loads(each.value) for each in run.on("contact.measurements") if b"agent_time" in (each.value or b"")
    ]
    assert {each["queue"] for each in facts} == {"all", "cards", "loans"}
    assert 30 * M <= sum(each["talk_ms"] for each in facts if each["queue"] == "cards") <= 40 * M
    assert {length for _, length, _ in occupancy(run)} >= {15}
