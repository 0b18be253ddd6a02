"""Whose contact it is, through the whole product: ids that two channels share, other sources, crowds, the report."""

import asyncio
import json
import signal
import time
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import pytest
from typer.testing import CliRunner

from streams import rules
from streams.base.times import iso
from streams.cli.main import app
from streams.settings import Settings, environment
from tests.support.links_story import expected, held_by, history
from tests.support.offline import NOW
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
    journeys = await system.journeys()
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
    assert Counter(each["rule"] for each in changes if each["contact_id"]) == {
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
        found = await customer(system, "phone:0044 20 7946 0021")
        assert (found["identifier"], found["owner"]) == (number, "customer:anna")
        assert [(each["identifier"], each["to"], each["source"]) for each in found["path"]] == [
            (number, "customer:anna", "/tests")
        ]
        assert found["published"]["journeys"][0]["counts"]["contacts"] == 2
        assert found["published"]["segments"][0]["customer"] == "customer:anna"
        assert found["published"]["alerts"] == []
        again = await customer(system, "anna")
        assert (again["owner"], again["published"]) == ("customer:anna", found["published"])
        await system.events(event("contact.queued", "c3", now + 2, queue="cards", customer_id="bob", **phone))
        await system.drained()
    shared = await customer(system, number)
    assert (shared["owner"], shared["reason"]) == ("nobody", f"{number} is shared by 2 customers")
    assert {each["to"] for each in shared["links"]} == {"customer:anna", "customer:bob"}
    journeys = await system.journeys()
    assert {owner: [each["contact_id"] for each in journey["contacts"]] for owner, journey in journeys.items()} == {
        "customer:anna": ["c1"],
        "customer:bob": ["c3"],
        "contact:voice:c2": ["c2"],
    }
    changes = await system.read("identity.changes")
    alone = [(each["from"], each["to"], each["reason"]) for each in changes if not each["contact_id"]]
    assert alone == [
        (f"anonymous:{number}", "customer:anna", None),
        ("customer:anna", "nobody", f"{number} is shared by 2 customers"),
    ]
    (change,) = [each for each in changes if each["contact_id"]]
    assert (change["contact_id"], change["rule"], change["identifier"], change["from"], change["to"]) == (
        ("c2", "shared", number, "customer:anna", "contact:voice:c2")
    )
    assert change["reason"] == f"{number} is shared by 2 customers"
    assert change["evidence"]["event_id"].startswith("c3")
    await system.check_contract()


async def test_a_persons_word_links_and_cuts_and_is_answered(system: System) -> None:
    now = time.time() - 60
    phone = {"identifiers": [{"kind": "phone", "value": "+442079460022"}]}
    pair = ("phone:+44 20 7946 0022", "customer:anna")
    async with system.run():
        await system.events(event("contact.queued", "c1", now, queue="cards", **phone))
        await system.drained()
        said = await word(system, "link", *pair)
        assert (said["change"]["rule"], said["change"]["from"], said["change"]["to"]) == (
            ("link", "anonymous:phone:+442079460022", "customer:anna")
        )
        await system.drained()
        assert (await system.journeys())["customer:anna"]["contacts"][0]["contact_id"] == "c1"
        said = await word(system, "cut", *pair)
        assert (said["change"]["to"], said["change"]["reason"]) == (
            "anonymous:phone:+442079460022",
            "ann: they said so",
        )
        refused = await asyncio.to_thread(run_word, system, "link", "customer:anna", "customer:bob")
        assert refused.exit_code == 1
        assert "B: both are customers" in refused.stderr
        await system.drained()
    journeys = await system.journeys()
    assert {owner for owner, each in journeys.items() if each["contacts"]} == {"anonymous:phone:+442079460022"}
    await system.check_contract()


async def customer(system: System, identifier: str) -> dict[str, Any]:
    env = {**environment(system.settings), "COLUMNS": "200"}
    done = await asyncio.to_thread(CliRunner().invoke, app, ["customer", "show", identifier, "--json"], env=env)
    assert done.exit_code == 0, done.output
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["customer", "show", identifier], env=env)
    assert "journeys" in shown.stdout
    return dict(json.loads(done.stdout))


async def word(system: System, what: str, *pair: str) -> dict[str, Any]:
    done = await asyncio.to_thread(run_word, system, what, *pair)
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def run_word(system: System, what: str, *pair: str) -> Any:
    env = {**environment(system.settings), "COLUMNS": "200"}
    return CliRunner().invoke(
        app, ["identity", what, *pair, "--reason", "they said so", "--by", "ann", "--json"], env=env
    )


@pytest.mark.parametrize("seed", [1, 2])
async def test_three_workers_and_kills_come_to_what_a_search_finds(system: System, seed: int) -> None:
    """The histories of tests/unit/pipeline/test_links.py on a broker."""
    random = Random(seed)
    told = [each for part in range(4) for each in named(history(random), f"{part}")]
    want = expected(told)
    shift = time.time() - NOW / 1000
    for each in told:
        each["time"] = iso(int((datetime.fromisoformat(each["time"]).timestamp() + shift) * 1000))
    random.shuffle(told)
    async with system.run(3):
        for at in range(0, len(told), 12):
            await system.events(*told[at : at + 12])
            if at % 24 == 12:
                await random.choice(system.workers).stop(signal.SIGKILL)
                await system.add_worker()
        await system.drained(120)
    assert held_by(await system.read("contact.interactions")) == want
    assert len(want) > 20
    await system.check_contract()


def named(told: list[dict[str, Any]], part: str) -> list[dict[str, Any]]:
    """A history among others: its names are its own."""
    for each in told:
        data = each["data"]
        each["id"] = f"{part}-{each['id']}"
        for field in ("contact_id", "customer_id"):
            if data.get(field):
                data[field] = f"{data[field]}x{part}"
        for one in data.get("identifiers", ()):
            one["value"] = own(one["value"], part)
        for field in ("identifier", "other"):
            if field in data:
                data[field] = f"{data[field]}x{part}" if data[field].startswith("customer:") else own(data[field], part)
    return told


def own(value: str, part: str) -> str:
    return value.replace("7k", f"7k{part}").replace("anna", f"anna{part}").replace("+442079460", f"+44207{part}460")
