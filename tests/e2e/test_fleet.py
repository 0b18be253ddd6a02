"""Workers that differ, and topics that are changed under workers: what they say, how they end, and that what they advise
helps.
"""

import asyncio
import os
import re
import time
from pathlib import Path

import aiohttp
import pytest
from aiokafka.admin import NewPartitions
from click.testing import Result
from typer.testing import CliRunner

from schemas import flow
from streams.cli.main import app
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.local.processes import WorkerProcess, start_worker
from streams.settings import Settings, environment
from tests.support.engine import admin, keep
from tests.support.system import System, event
from tests.support.waiting import until

HELP = "docs/operations.md, Topics and partitions"
QUICK = Path(__file__).parent / "quick"


@pytest.fixture(autouse=True)
def look_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(QUICK), os.environ.get("PYTHONPATH")])))


async def delete(system: System, *names: str) -> None:
    connection = connection_of(system.settings)
    await topics.delete(connection, names)

    async def are_gone() -> bool:
        return not set(names) & set(await topics.existing(connection))

    await until(are_gone)


async def extend(system: System, topic: str, count: int) -> None:
    async with admin(system.settings.bootstrap_servers) as client:
        await client.create_partitions({topic: NewPartitions(count)})


async def create_topics(system: System, *options: str, word: str = "create") -> Result:
    return await run(system, "topics", word, *options)


async def run(system: System, *words: str) -> Result:
    """A command, in a thread of this process for its own event loop: a process of its own takes seconds to begin."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), env=environment(system.settings))


async def contacts(system: System, name: str, count: int = 40) -> None:
    await system.events(*(event("contact.initiated", f"{name}{n}", customer_id=f"{name}{n}") for n in range(count)))


async def journeys(system: System, name: str) -> list[str]:
    """Customers of this name, once for each first revision that was published: one that comes twice was doubled."""
    found = [each for each in await system.read("journeys") if each["revision"] == 1]
    return sorted(each["customer"] for each in found if each["customer"].startswith(f"customer:{name}"))


def once(name: str, count: int = 40) -> list[str]:
    return sorted(f"customer:{name}{n}" for n in range(count))


async def not_ready(worker: WorkerProcess, why: str, seconds: float = 30) -> None:
    """Wait until `/readyz` says no, for this reason among others."""
    latest, said = time.monotonic() + seconds, []
    async with aiohttp.ClientSession() as session:
        while not any(why in each for each in said):
            assert time.monotonic() < latest, f"/readyz says {said}"
            async with session.get(f"http://127.0.0.1:{worker.port}/readyz") as response:
                said = (await response.json())["why"]
            await asyncio.sleep(0.1)


async def ends(worker: WorkerProcess, seconds: float = 60) -> int:
    return await asyncio.wait_for(worker.process.wait(), seconds)


async def test_a_worker_with_other_rules_is_refused_and_the_first_goes_on(system: System, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "alerts.yaml").write_text("rules: []\n")
    ours = system.settings
    async with system.run() as running:
        system.settings = ours.model_copy(update={"rules_dir": rules, "max_age_h": 12.0, "phone_region": "DE"})
        other = await system.add_worker()
        assert await ends(other) == 4
        said = other.last_words().strip().splitlines()[-1]
        assert (
            "CONTACT_STREAMS_MAX_AGE_H is 12.0 here and 24.0 there; CONTACT_STREAMS_PHONE_REGION is DE here and None "
            "there; rules.alerts is" in said
        )
        system.settings = ours
        await contacts(running, "a")
        await system.drained()
    assert await journeys(system, "a") == once("a")


async def test_a_second_worker_of_one_static_name_takes_the_place_of_the_first(system: System, tmp_path: Path) -> None:
    system.settings = system.settings.model_copy(update={"static_membership": True})
    first = await start_worker(system.settings, "twin", tmp_path / "first.log")
    await first.wait_ready()
    second = await start_worker(system.settings, "twin", tmp_path / "second.log")
    try:
        assert await ends(first) == 5
        said = first.log.read_text()
        assert "another worker with the name twin has joined and taken its place" in said.strip().splitlines()[-1]
        assert "never retrieved" not in said
        assert len(said.splitlines()) < 100, "it does not fill its log"
        await second.wait_ready()
        await contacts(system, "a")
        await system.drained()
    finally:
        await second.stop()
    assert await journeys(system, "a") == once("a")


async def test_partitions_added_to_an_input_and_what_helps(system: System) -> None:
    voice = system.topic("contacts.voice")
    async with system.run():
        await contacts(system, "a")
        await system.drained()
        (worker,) = system.workers
        await extend(system, voice, 8)
        await not_ready(worker, f"{voice} has 8 partitions and had 4: nobody reads the others. {HELP}")
        assert await ends(worker) == 3
        assert f"{voice} has 8 partitions" in worker.last_words().strip().splitlines()[-1]
    await contacts(system, "b")  # to all eight
    refused = await system.add_worker()
    assert await ends(refused) == 3
    assert f"its inputs need 8: {voice} was given more" in refused.last_words()
    system.workers.clear()
    # As advised: that topic anew, and what came since the change once more.
    await delete(system, voice)
    assert (await create_topics(system)).exit_code == 0
    await contacts(system, "b")
    async with system.run():
        await system.drained()
        assert "was made anew, the state stood at offset" in system.workers[0].last_words()
    assert (await journeys(system, "a"), await journeys(system, "b")) == (once("a"), once("b"))


async def test_a_deployment_is_rebuilt_with_more_partitions(system: System) -> None:
    voice = system.topic("contacts.voice")
    async with system.run():
        await contacts(system, "a")
        await system.drained()
    await extend(system, voice, 8)
    await contacts(system, "b")
    changelogs = [f"{system.settings.group}-{agent}-changelog" for agent in flow.stages()]
    await delete(system, *changelogs, *(system.topic(topic) for topic in (*flow.published(), *flow.between())))
    done = await create_topics(system, "--partitions", "8", "--lost-state", "repeat")
    assert done.exit_code == 0, done.stderr
    async with system.run():
        await system.drained()
    assert (await journeys(system, "a"), await journeys(system, "b")) == (once("a"), once("b"))


async def test_a_changelog_that_is_gone_and_what_helps(system: System) -> None:
    changelog = f"{system.settings.group}-track-changelog"
    async with system.run():
        await contacts(system, "a")
        await system.drained()
        (worker,) = system.workers
        await delete(system, changelog)
        await not_ready(worker, f"{changelog} was deleted, and with it the state of its agent")
        assert await ends(worker) == 3
    await contacts(system, "b")
    refused = await system.add_worker()
    assert await ends(refused) == 3
    assert f"topics missing on the broker: {changelog}" in refused.last_words()
    asked = await create_topics(system)
    assert asked.exit_code == 1
    assert f"the state of {changelog} is gone" in asked.stderr
    refused = await system.add_worker()
    assert await ends(refused) == 3
    assert "To begin would publish everything again" in refused.last_words()
    told = await run(system, "doctor")
    assert told.exit_code == 1
    assert "contact-streams topics create --lost-state" in " ".join(re.sub("[│ \n]+", " ", told.stdout).split())
    system.workers.clear()
    done = await create_topics(system, "--lost-state", "go-on")
    assert done.exit_code == 0, done.stderr
    assert f"{changelog} begins anew: go-on" in done.stdout
    async with system.run():
        await system.drained()
        await contacts(system, "c")
        await system.drained()
    assert [await journeys(system, name) for name in "abc"] == [once(name) for name in "abc"]


async def test_an_input_deleted_stops_all_until_it_is_there_again(system: System, settings: Settings) -> None:
    forum = system.topic("contacts.forum")
    async with system.run():
        await system.events(event("contact.initiated", "f1", channel="forum", customer_id="f1"))
        await system.drained()
        (worker,) = system.workers
        await delete(system, forum)
        await not_ready(worker, f"{forum} was deleted: `contact-streams topics create`")
        assert await ends(worker) == 3
    assert (await create_topics(system)).exit_code == 0
    async with system.run():
        await system.events(event("contact.initiated", "f2", channel="forum", customer_id="f2"))
        await contacts(system, "a")
        await system.drained()
    assert await journeys(system, "f") == ["customer:f1", "customer:f2"]
    assert await journeys(system, "a") == once("a")


KEPT = {
    "an input stamped by its producers": ("contacts.voice", {"message_timestamp_type": "CreateTime"}),
    "a changelog that is deleted": ("changelog", {"cleanup_policy": "delete"}),
    "a changelog that is deleted too": ("changelog", {"cleanup_policy": "compact,delete"}),
    "a topic between agents that is compacted": ("contact.interactions", {"cleanup_policy": "compact"}),
    "an input that is kept for an hour": (
        "contacts.chat", {"message_timestamp_type": "LogAppendTime", "retention_ms": "3600000"}
    ),
    "an output that takes small records": ("journeys", {"cleanup_policy": "compact", "max_message_bytes": "100000"}),
}  # fmt: skip


async def test_topics_that_are_kept_otherwise_are_refused_and_what_is_advised_helps(system: System) -> None:
    names = {"changelog": f"{system.settings.group}-track-changelog"}
    for name, values in KEPT.values():
        topic = names.get(name, system.topic(name))
        await keep(system.settings.bootstrap_servers, topic, **values)
        refused = await system.add_worker()
        assert await ends(refused) == 3, name
        last = refused.last_words().strip().splitlines()[-1]
        assert last.startswith(f"contact-streams: {topic}: "), last
        assert all(f"is {value}, allowed is" in last for value in list(values.values())[-1:])
        assert last.endswith("`contact-streams topics alter` shows what it would change, and asks")
        done = await create_topics(system, "--yes", word="alter")
        assert done.exit_code == 0, done.stderr
    system.workers.clear()
    async with system.run():
        await contacts(system, "a")
        await system.drained()
    assert await journeys(system, "a") == once("a")


async def test_a_setting_altered_under_workers_makes_them_not_ready_until_it_is_mended(system: System) -> None:
    changelog = f"{system.settings.group}-measure-changelog"
    async with system.run():
        (worker,) = system.workers
        await keep(
            system.settings.bootstrap_servers,
            changelog,
            cleanup_policy="delete",
            message_timestamp_type="LogAppendTime",
        )
        await not_ready(worker, f"{changelog}: cleanup.policy is delete, allowed is compact: rows", 60)
        await contacts(system, "a")
        await system.drained()
        assert worker.process.returncode is None
        assert (await create_topics(system, "--yes", word="alter")).exit_code == 0
        await worker.wait_ready(60)
        await contacts(system, "b")
        await system.drained()
    assert [await journeys(system, name) for name in "ab"] == [once(name) for name in "ab"]
