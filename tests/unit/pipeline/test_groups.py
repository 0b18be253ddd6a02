"""KPIs by team and by type of service, from contact events."""

from typing import Any

import orjson
import pytest

from streams import rules as rule_files
from streams.base.times import to_ms
from streams.engine.offline import Offline
from streams.rules import RulesError
from tests.support.offline import NOW, SETTINGS, inlets, mark, names, settle
from tests.support.system import event, home

START = to_ms("2026-03-02T09:00:00Z")
RULES = rule_files.load(overrides={"kpis.groups": [["agent_group"], ["channel", "service_type"]]})
TOPICS = ["contacts.voice", "contacts.chat"]


def told(*events: dict[str, Any], topics: list[str] = TOPICS) -> dict[tuple[str, ...], dict[tuple[str, str], Any]]:
    """(by, its values) → what the last record of its day says."""
    run = Offline(list(inlets(SETTINGS, RULES).values()), dict.fromkeys(names(), 1))
    mark(run, "r", "started", START - 1000, topics)
    for each in events:
        run.publish(*home(each), orjson.dumps(each | {"replayid": "r"}), NOW)
    mark(run, "r", "ended", START + 86_400_000, topics)
    settle(run, NOW)
    found = {}
    for record in run.on("kpis"):
        doc = orjson.loads(record.value or b"{}")
        if doc.get("by") and doc["window"]["length_ms"] == 86_400_000:
            where = ("+".join(doc["by"]), *(doc["dimensions"][each] for each in doc["by"]))
            found[where] = {(each["kpi"], each["variant"]): each["value"] for each in doc["readings"]}
    return found


def call(contact: str, at: float, team: str | None, intent: str | None, channel: str = "voice") -> list[dict[str, Any]]:
    about = {"channel": channel, "customer_id": f"c-{contact}", **({"intent": intent} if intent else {})}
    of_team = {"agent_id": "a1", **({"agent_group": team} if team else {})}
    begin = START / 1000 + at
    return [
        event("contact.queued", contact, begin, queue="loans", **about),
        event("contact.connected", contact, begin + 10, **about, **of_team),
        event("contact.ended", contact, begin + 70, by="agent", **about),
    ]


def test_contacts_count_by_team_and_by_what_their_intents_speak_for() -> None:
    types = RULES.customers.services.by_intent
    kind, intents = next((kind, weights) for kind, weights in types.items() if weights)
    intent = max(intents, key=lambda each: intents[each])
    assert RULES.customers.contacts.kind_of([intent]) == kind
    found = told(
        *call("a", 0, "north", intent),
        *call("b", 5, "south", None),
        *call("c", 9, "north", intent, "chat"),
        *call("d", 12, None, None),
    )
    offered = {where: said["contacts_offered", "all"] for where, said in found.items()}
    assert offered == {
        ("agent_group", "north"): 2,
        ("agent_group", "south"): 1,
        ("agent_group", "none"): 1,
        ("channel+service_type", "voice", kind): 1,
        ("channel+service_type", "chat", kind): 1,
        ("channel+service_type", "voice", "none"): 2,
    }
    assert found["agent_group", "north"]["fcr", "of_solved"] == 1
    assert found["agent_group", "north"]["handle_time", "talk"] == 60_000


def test_a_contact_that_another_team_takes_counts_there_alone() -> None:
    about = {"customer_id": "c1", "agent_id": "a2"}
    moved = event("contact.connected", "a", START / 1000 + 40, agent_group="south", **about)
    found = told(*call("a", 0, "north", None), moved)
    assert {where: said["contacts_offered", "all"] for where, said in found.items() if where[0] == "agent_group"} == {
        ("agent_group", "south"): 1
    }


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ([["team"]], "'channel', 'queue', 'tier', 'service_type' or 'agent_group'"),
        ([["channel", "queue", "tier"]], "at most 2"),
        ([[]], "at least 1"),
        ([["tier", "tier"]], "each dimension once"),
        ([["tier", "channel"], ["channel", "tier"]], "each group once"),
    ],
)
def test_a_group_that_cannot_be_is_refused_at_start(groups: list[list[str]], why: str) -> None:
    with pytest.raises(RulesError, match=why.replace("'", ".")) as error:
        rule_files.load(overrides={"kpis.groups": groups})
    assert "groups" in str(error.value)


def test_agents_count_once_in_their_team_whatever_queues_they_serve() -> None:
    states = [
        {**event("agent.state_changed", name, START / 1000 + at), "data": {"agent_id": name, "state": state, **more}}
        for name, at, state, more in (
            ("ann", 0, "busy", {"queues": ["cards", "loans"], "agent_group": "north"}),
            ("ann", 600, "available", {}),
            ("ann", 1200, "offline", {}),
            ("bob", 0, "available", {"queues": ["cards"], "agent_group": "south"}),
            ("bob", 300, "offline", {}),
        )
    ]
    found = told(*call("a", 0, "north", None), *states, topics=[*TOPICS, "agents.state"])
    assert found["agent_group", "north"]["occupancy", "of_ready_time"] == 0.5
    assert found["agent_group", "south"]["occupancy", "of_ready_time"] == 0
