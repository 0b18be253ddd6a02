"""A customer is erased on a real broker: afterwards every topic, changelog, disk and log is searched for the person."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr
from typer.testing import CliRunner

from streams.base.records import SEP
from streams.cli.main import app
from streams.engine.demands import Departure, exactly
from streams.engine.rocks import RocksStore
from streams.identity.erased import mark
from streams.kafka.altering import alter
from streams.kafka.connection import connection_of
from streams.kafka.topics import Wanted, wanted
from streams.local import broker as brokers
from streams.local.broker import Broker
from streams.settings import Settings, environment
from tests.support.erasure_story import KEY, erased
from tests.support.system import System, event
from tests.support.waiting import until

PHONE, MAIL, COOKIE, CALL = "+442079460177", "anna.77@example.com", "k-anna-77", "c-anna"
NAMES = ("anna-77", PHONE, MAIL, COOKIE, CALL)
QUICK = """
log.retention.check.interval.ms=500
log.initial.task.delay.ms=500
log.segment.delete.delay.ms=100
log.cleaner.backoff.ms=200
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A broker that looks every half second for what it may delete or compact."""
    deploy = tmp_path / "deploy"
    shutil.copytree(brokers.DEPLOY, deploy)
    template = deploy / "server.properties.template"
    template.write_text(template.read_text() + QUICK)
    monkeypatch.setattr(brokers, "DEPLOY", deploy)
    broker = Broker("erasing", home=tmp_path / "kafka")
    broker.start()
    yield broker
    broker.destroy()


@pytest.fixture
def settings(settings: Settings, own: Broker, tmp_path: Path) -> Settings:
    given: dict[str, Any] = {"store": "rocksdb", "state_dir": tmp_path / "state", "erasure_key": SecretStr(KEY)}
    return settings.model_copy(update={"bootstrap_servers": own.start(), **given})


@pytest.fixture
def bootstrap(own: Broker) -> str:
    return own.start()


def by(**values: str) -> dict[str, Any]:
    return {"identifiers": [{"kind": kind, "value": value} for kind, value in values.items()]}


def story(now: float) -> list[dict[str, Any]]:
    """Hers, and a call of somebody else."""
    return [
        event("contact.queued", "c-anna-1", now - 300, queue="cards", tier="platinum", **by(phone=PHONE)),
        event("contact.initiated", "c-anna-2", now - 60, customer_id="anna-77", **by(phone=PHONE, email=MAIL)),
        event("contact.ended", "c-anna-2", now - 50, by="customer"),
        event("feedback.given", "c-anna-2", now - 45, metric="csat", score=1, product="reader"),
        event("contact.initiated", "c-anna-3", now - 40, channel="chat", direction="inbound", **by(email=MAIL, cookie=COOKIE)),
        event("contact.ended", "c-bad", now - 40, by="nobody at all", customer_id="anna-77"),
        event("contact.queued", "c-bob-1", now - 30, queue="cards", customer_id="bob-8"),
    ]  # fmt: skip


async def test_nothing_is_left_anywhere_by_the_proofs_date(system: System, own: Broker, tmp_path: Path) -> None:
    now = time.time()
    async with system.run(2):
        await system.events(*story(now))
        await system.drained()
        await system.ticks()
        await system.drained()
        exported = await command(system, "customer", "export", "anna-77")
        check_export(exported)
        assert {each for each in NAMES if each in json.dumps(await system.read("journeys"))} >= {"anna-77", CALL}
        await system.events(erased("anna-77", int(time.time() * 1000)))
        await system.drained()
        late = event("contact.queued", "c-anna-9", now - 20, queue="cards", **by(phone=PHONE))
        await system.events(late, event("contact.queued", "c-bob-2", time.time(), queue="cards", customer_id="bob-8"))
        await system.drained()
        await system.ticks()
        proof = await command(system, "customer", "proof", "anna-77")
        assert proof["subject"] == mark(KEY.encode(), "customer:anna-77")
        assert proof["until"] < proof["erased_at"] < proof["nothing_left_after"]
        await system.check_contract()
        left = await asyncio.to_thread(
            CliRunner().invoke, app, ["customer", "export", "anna-77"], env=environment(system.settings)
        )
        held = json.loads(left.stdout)
        assert (held["rows"], held["identifiers"], held["contacts"]) == ([], [], [])
    journeys = await system.journeys()
    assert [each["contact_id"] for each in journeys["customer:bob-8"]["contacts"]] == ["c-bob-1", "c-bob-2"]
    await time_passes(system)
    await until(lambda: compacted(system, own), 120)
    assert logs_that_name_her(tmp_path) == []
    assert rows_on_disk(system) > 10


async def command(system: System, *arguments: str) -> dict[str, Any]:
    done = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment(system.settings))
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def check_export(held: dict[str, Any]) -> None:
    """All of hers, and nothing of another person."""
    assert held["customer"] == "customer:anna-77"
    assert held["identifiers"] == [f"cookie:{COOKIE}", f"email:{MAIL}", f"phone:{PHONE}"]
    assert held["contacts"] == ["chat|c-anna-3", "voice|c-anna-1", "voice|c-anna-2"]
    assert {row["table"] for row in held["rows"]} >= {"customers", "nodes", "owners", "hours"}
    assert {"journeys", "segments", "alerts"} <= held["published"].keys()
    assert sorted(held["events"]) == ["contacts.chat", "contacts.dead-letters", "contacts.voice"]
    assert len(held["events"]["contacts.voice"]) == 5
    assert "bob-8" not in json.dumps(held)


async def time_passes(system: System) -> None:
    """As if the proof's date had come: records with retention are over, and what is compacted may be at once."""
    compacts = {"max.compaction.lag.ms": "500", "delete.retention.ms": "100", "min.cleanable.dirty.ratio": "0.01"}
    departures = [
        Departure(topic.name, "", exactly(setting, value, "time would stand"))
        for topic in wanted(system.settings)
        for setting, value in (compacts if is_compacted(topic) else {"retention.ms": "100"}).items()
    ]
    await alter(connection_of(system.settings), departures)


def is_compacted(topic: Wanted) -> bool:
    return topic.config["cleanup.policy"] == "compact"


async def compacted(system: System, own: Broker) -> bool:
    """One more record on each partition that is compacted, as work goes on; is then nothing found any more?"""
    topics = [topic for topic in wanted(system.settings) if is_compacted(topic)]
    producer = AIOKafkaProducer(bootstrap_servers=system.settings.bootstrap_servers)
    await producer.start()
    try:
        for topic in topics:
            for number in range(topic.partitions):
                await producer.send(topic.name, b"{}", key=b"a later record", partition=number)
        await producer.flush()
    finally:
        await producer.stop()
    await asyncio.sleep(1)
    return not [each async for each in searched(system)] and not files_that_name_her(own.folder / "data")


def files_that_name_her(folder: Path) -> list[Path]:
    """Of the broker. `measure` may know ids of contacts for a while."""
    files = [path for path in folder.rglob("*") if path.is_file() and readable(path)]
    found: dict[Path, set[str]] = {}
    for path in files:
        with suppress(FileNotFoundError):  # it was deleted meanwhile, which is the point
            found[path] = {*named(path.read_bytes())}
    return [path for path, names in found.items() if names - ({CALL} if "measure" in str(path) else set())]


def readable(path: Path) -> bool:
    return path.suffix in (".log", ".snapshot", ".txnindex")


async def searched(system: System) -> Any:
    """What of the records that are left names her, on any topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=system.settings.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        topics = wanted(system.settings)
        parts = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        left = set(parts)
        while left:
            for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
                for record in records:
                    for name in named((record.key or b"") + b"\n" + (record.value or b"")):
                        if not (name == CALL and tp.topic.endswith("measure-changelog")):
                            yield tp.topic, name
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()


def logs_that_name_her(folder: Path) -> list[Path]:
    return [log for log in folder.glob("*.log") if named(log.read_bytes())]


def named(data: bytes) -> list[str]:
    return [name for name in NAMES if name.encode() in data]


def rows_on_disk(system: System) -> int:
    """How many rows the folders of the workers hold; fails for one that names her."""
    count = 0
    assert system.settings.state_dir is not None
    for folder in {path.parent for path in system.settings.state_dir.rglob("CURRENT")}:
        store = RocksStore.read(folder)
        for table in store.tables():
            for key, value in store.scan(table):
                count += 1
                found = set(named(key.encode() + SEP.encode() + value))
                assert found <= ({CALL} if folder.name.startswith("measure") else set()), (folder, table, key)
        store.close()
    return count
