"""Whose contact it is, through the whole product: ids that two channels share, other sources, crowds, the report."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from typer.testing import CliRunner

from streams import rules
from streams.cli.main import app
from streams.settings import Settings, environment
from tests.support.system import System, event

LIMIT = 3
CROWD = 40


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "rules"
    folder.mkdir()
    shipped = (Path(rules.__file__).parent / "tracking.yaml").read_text()
    (folder / "tracking.yaml").write_text(
        shipped.replace("per_identifier_and_day: 200", f"per_identifier_and_day: {LIMIT}")
    )
    return settings.model_copy(update={"rules_dir": folder})


def of(source: str, made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "source": source}


async def merges(system: System, *arguments: str) -> list[dict[str, Any]]:
    env = {**environment(system.settings), "COLUMNS": "200"}
    done = await asyncio.to_thread(CliRunner().invoke, app, ["merges", "--format", "json", *arguments], env=env)
    assert done.exit_code == 0, done.output
    return list(json.loads(done.stdout)["merges"])


async def test_contacts_are_named_by_channel_and_taken_by_nobody_else(system: System) -> None:
    now = time.time() - 60
    message = {"channel": "chat", "direction": "inbound", "author": "customer"}
    phone = {"identifiers": [{"kind": "phone", "value": "+442079460010"}]}
    crowd = [event("contact.queued", f"k{n}", now + n / 100, queue="q", **phone) for n in range(CROWD)]
    async with system.run():
        await system.events(
            of("/chat", event("message.sent", "1001", now, customer_id="alice", text="my divorce lawyer", **message)),
            of("/pbx", event("contact.queued", "1001", now + 1, customer_id="bob", queue="loans")),
            of("/chat", event("message.sent", "7", now, **message)),
            of("/pbx", event("contact.queued", "7", now + 1, queue="loans")),
            of("/pbx", event("contact.queued", "call-2", now + 2, customer_id="victim", queue="cards", tier="gold")),
            of("/forum", event("post.made", "call-2", now + 3, channel="forum", customer_id="evil", text="hello")),
            *crowd,
        )
        await system.drained()
        await system.events(
            of("/pbx", event("contact.ended", "call-2", now + 20, by="customer")),
            of("/surveys", event("feedback.given", "call-2", now + 30, metric="csat", score=5, customer_id="other")),
        )
        await system.drained()
    journeys = await system.newest("journeys")
    listed = {
        owner: [(each["channel"], each["contact_id"]) for each in journey["contacts"]]
        for owner, journey in journeys.items()
        if not owner.startswith(("anonymous:", "contact:voice:k"))
    }
    assert listed == {
        "customer:alice": [("chat", "1001")],
        "customer:bob": [("voice", "1001")],
        "contact:chat:7": [("chat", "7")],
        "contact:voice:7": [("voice", "7")],
        "customer:victim": [("voice", "call-2")],
        "customer:evil": [("forum", "call-2")],
    }
    taken: dict[int, int] = defaultdict(int)
    for n in range(CROWD):
        taken[crc32(f"voice|k{n}".encode()) % 4] += 1
    together = sum(min(LIMIT, count) for count in taken.values())
    assert journeys["anonymous:phone:+442079460010"]["counts"]["contacts"] == together
    assert sum(owner.startswith("contact:voice:k") for owner in journeys) == CROWD - together
    changes = await system.read("identity.changes")
    assert Counter(each["rule"] for each in changes) == {
        "other-source": 1,
        "crowded-identifier": sum(count > LIMIT for count in taken.values()),
    }
    (refused,) = await merges(system, "--rule", "other-source")
    assert (refused["from"], refused["to"], refused["identifier"]) == (
        ("customer:victim", "customer:victim", "customer:other")
    )
    assert refused["changes"][0]["channel"] == "voice"
    assert await merges(system, "--to", "1999-01-01") == []
    await system.check_contract()


async def test_a_known_number_is_its_customers_until_it_is_shared(system: System) -> None:
    now = time.time() - 60
    number = "phone:+442079460021"
    phone = {"identifiers": [{"kind": "phone", "value": "+442079460021"}]}
    async with system.run():
        await system.events(event("contact.queued", "c1", now, queue="cards", customer_id="anna", **phone))
        await system.drained()
        await system.events(event("contact.queued", "c2", now + 1, queue="cards", **phone))
        await system.drained()
        told = await system.read("journeys")
        assert {each["customer"] for each in told} == {"customer:anna"}
        assert [each["contact_id"] for each in told[-1]["contacts"]] == ["c1", "c2"]
        await system.events(event("contact.queued", "c3", now + 2, queue="cards", customer_id="bob", **phone))
        await system.drained()
    journeys = await system.newest("journeys")
    assert {owner: [each["contact_id"] for each in journey["contacts"]] for owner, journey in journeys.items()} == {
        "customer:anna": ["c1"],
        "customer:bob": ["c3"],
        "contact:voice:c2": ["c2"],
    }
    (change,) = await system.read("identity.changes")
    assert (change["contact_id"], change["rule"], change["identifier"], change["from"], change["to"]) == (
        ("c2", "shared", number, "customer:anna", "contact:voice:c2")
    )
    assert change["reason"] == f"{number} is shared by 2 customers"
    assert change["evidence"]["event_id"].startswith("c3")
    await system.check_contract()
