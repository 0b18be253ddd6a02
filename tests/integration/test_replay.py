"""A replay on the real broker: what lies in the partitions afterwards."""

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from typer.testing import CliRunner

from schemas.events import check
from streams.base.errors import TopicMissing
from streams.cli.main import app
from streams.engine.connection import Connection
from streams.kafka.lanes import partition_of
from streams.replay.errors import PublishError
from streams.replay.file import publish_log
from streams.replay.mapping import parse_mapping
from streams.replay.publish import ReplayPublisher
from streams.replay.reader import CallLog, read_log
from streams.replay.refused import Target
from tests.support.engine import create_topics

MAPPING = """\
name: calls
source: urn:call-log:calls
time_zone: UTC
columns: {id: text, start: {kind: datetime}, wait: seconds}
contact: {id: "call-{id}", channel: voice, queue: service}
leave_out: {test call: {id: "0"}}
times: {began: {first: [start]}, over: {first: [start + wait]}}
events:
  - {type: contact.initiated, at: began}
  - {type: contact.ended, at: over, data: {by: customer, reason: abandoned}}
"""
PARTITIONS = 3
CALLS = 1500


@pytest.fixture
def mapping_file(tmp_path: Path) -> Path:
    path = tmp_path / "calls.yaml"
    path.write_text(MAPPING)
    return path


@pytest.fixture
def calls_file(tmp_path: Path) -> Path:
    """1,500 calls, one a second, of 90 s each; one test call and one row that cannot be read."""
    path = tmp_path / "calls.csv"
    rows = [f"{n},2026-03-01 10:{n // 60:02}:{n % 60:02},90" for n in range(1, CALLS + 1)]
    path.write_text("\n".join(["id,start,wait", "0,2026-03-01 09:00:00,5", *rows, "x,yesterday,5", ""]))
    return path


@pytest.fixture
def call_log(calls_file: Path) -> CallLog:
    return read_log(calls_file, parse_mapping(MAPPING, "calls.yaml"))


@pytest.fixture
async def topic(bootstrap: str, prefix: str) -> str:
    await create_topics(bootstrap, {prefix + "contacts.voice": PARTITIONS})
    return prefix + "contacts.voice"


async def stored(bootstrap: str, topic: str) -> list[list[Any]]:
    """All records of every partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[list[Any]] = [[] for _ in partitions]
        while sum(map(len, found)) < sum(ends.values()):
            for partition, records in (await consumer.getmany(timeout_ms=1000)).items():
                found[partition.partition] += records
        return found
    finally:
        await consumer.stop()


def ms(event: dict[str, Any]) -> int:
    return round(datetime.fromisoformat(event["time"]).timestamp() * 1000)


async def test_every_partition_from_its_start_to_its_end(
    bootstrap: str, topic: str, prefix: str, call_log: CallLog
) -> None:
    report = await publish_log(call_log, "run-1", None, Target(Connection(bootstrap), prefix), Console(quiet=True))
    assert (report.rows, report.published, report.left_out, report.unreadable) == (1502, 3000, {"test call": 1}, 1)
    assert (report.replay_id, report.first_time, report.last_time) == ("run-1", call_log.first_time, call_log.last_time)

    partitions = await stored(bootstrap, topic)
    ids: list[str] = []
    for number, records in enumerate(partitions):
        events = [json.loads(record.value) for record in records]
        assert [check(event) for event in events] == [None] * len(events)
        assert {event["replayid"] for event in events} == {"run-1"}
        kinds = [event["type"] for event in events]
        assert (kinds[0], kinds[-1]) == ("replay.started", "replay.ended")
        assert [kinds.count(kind) for kind in ("replay.started", "replay.progressed", "replay.ended")] == [1, 1, 1]
        for record, event in zip(records, events, strict=True):
            assert abs(record.timestamp - time.time() * 1000) < 3_600_000
            if event["type"].startswith("replay."):
                assert record.key == b"replay:run-1"
                assert event["data"]["topics"] == ["contacts.voice"]
            else:
                assert record.key == event["data"]["contact_id"].encode()
                assert partition_of(record.key, PARTITIONS) == number
                ids.append(event["id"])
        assert [ms(event) for event in events] == sorted(ms(event) for event in events)
        said = kinds.index("replay.progressed")
        assert all(ms(event) > ms(events[said]) for event in events[said + 1 :])
        assert (ms(events[0]), ms(events[-1])) == ((call_log.first_time or 0) - 1, call_log.last_time)
        assert events[-1]["data"]["counts"] == {
            "rows": 1502, "published": 3000, "left_out": {"test call": 1}, "unreadable": 1,
        }  # fmt: skip
    assert sorted(ids) == sorted(event["id"] for _, event in call_log.events("run-1"))


async def test_a_second_run_publishes_the_same_events_and_new_controls(
    bootstrap: str, topic: str, prefix: str, call_log: CallLog
) -> None:
    for _ in range(2):
        await publish_log(call_log, "run-1", None, Target(Connection(bootstrap), prefix), Console(quiet=True))
    events = [json.loads(record.value) for records in await stored(bootstrap, topic) for record in records]
    contacts = [event for event in events if not event["type"].startswith("replay.")]
    assert len(contacts) == 6000
    assert len({json.dumps(event) for event in contacts}) == 3000
    controls = [event["id"] for event in events if event["type"] == "replay.ended"]
    assert len(controls) == 2 * PARTITIONS and len(set(controls)) == 2


async def test_a_replay_that_breaks_off_is_not_ended(
    bootstrap: str, topic: str, prefix: str, call_log: CallLog
) -> None:
    with pytest.raises(RuntimeError, match="stop here"):
        async with ReplayPublisher(
            Connection(bootstrap), prefix, "run-1", ["contacts.voice"], started_at=0
        ) as publisher:
            for _, event in call_log.events("other"):
                await publisher.publish(event)
                if publisher.published == 2100:
                    raise RuntimeError("stop here")
    kinds = {json.loads(record.value)["type"] for records in await stored(bootstrap, topic) for record in records}
    assert "replay.started" in kinds
    assert "replay.ended" not in kinds


async def test_progress_reaches_every_partition_and_never_goes_back(bootstrap: str, topic: str, prefix: str) -> None:
    async with ReplayPublisher(
        Connection(bootstrap), prefix, "run-1", ["contacts.voice"], started_at=1000
    ) as publisher:
        for reached in (2000, 2000, 1500, 3000):
            await publisher.progress(reached)
        await publisher.end(2500, {})
    for records in await stored(bootstrap, topic):
        assert [ms(json.loads(record.value)) for record in records] == [1000, 2000, 3000, 3000]


async def test_topics_are_asked_for_before_anything_is_published(bootstrap: str, topic: str, prefix: str) -> None:
    topics = ["contacts.voice", "contacts.chat"]
    with pytest.raises(TopicMissing, match=rf"{prefix}contacts.chat: run contact-streams topics create"):
        async with ReplayPublisher(Connection(bootstrap), prefix, "run-1", topics, started_at=0):
            pass
    assert await stored(bootstrap, topic) == [[], [], []]


async def test_events_of_other_topics_are_refused(bootstrap: str, topic: str, prefix: str) -> None:
    event = {"type": "message.sent", "data": {"channel": "chat", "contact_id": "c"}}
    async with ReplayPublisher(Connection(bootstrap), prefix, "run-1", ["contacts.voice"], started_at=0) as publisher:
        with pytest.raises(PublishError, match=r"belongs to contacts\.chat, which is not among"):
            await publisher.publish(event)


def command(*arguments: str) -> tuple[int, str]:
    """Exit code and all output of the command."""
    result = CliRunner().invoke(app, ["replay", *arguments])
    return result.exit_code, result.output


@pytest.fixture
def _servers(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", bootstrap)


@pytest.mark.usefixtures("_servers", "topic")
async def test_command(prefix: str, calls_file: Path, mapping_file: Path) -> None:
    code, output = await asyncio.to_thread(
        command, str(calls_file), "--mapping", str(mapping_file),
        "--topic-prefix", prefix, "--replay-id", "run-1",
    )  # fmt: skip
    assert code == 2, output
    lines = output.splitlines()
    assert lines[0] == "1,502 rows: 3,000 events; left out: 1 test call; unreadable: 1"
    assert lines[1] == "  line 1503: start: time data 'yesterday' does not match format '%Y-%m-%d %H:%M:%S'"
    assert "refused: not known, as no worker reads; what is refused will be in contacts.dead-letters" in lines
    assert lines[-2] == "1,502 rows = 1,500 published + 1 left out + 1 unreadable"
    assert lines[-1].startswith("replay run-1: 3,000 events in ")
    assert lines[-1].endswith("2026-03-01T10:00:01.000Z to 2026-03-01T10:26:30.000Z")


@pytest.mark.usefixtures("_servers", "topic")
@pytest.mark.parametrize(("tolerate", "expected"), [("0", 2), ("1", 0), ("5", 0)])
async def test_unreadable_rows_are_tolerated_when_asked(
    prefix: str, calls_file: Path, mapping_file: Path, tolerate: str, expected: int
) -> None:
    code, output = await asyncio.to_thread(
        command, str(calls_file), "--mapping", str(mapping_file),
        "--topic-prefix", prefix, "--replay-id", "run-1", "--tolerate", tolerate,
    )  # fmt: skip
    assert code == expected, output


@pytest.mark.usefixtures("_servers")
async def test_command_without_its_topic(bootstrap: str, prefix: str, calls_file: Path, mapping_file: Path) -> None:
    code, output = await asyncio.to_thread(
        command, str(calls_file), "--mapping", str(mapping_file),
        "--topic-prefix", prefix,
    )  # fmt: skip
    assert code == 1
    assert output.splitlines()[-1] == (
        f"contact-streams: topic missing at {bootstrap}: {prefix}contacts.voice: run contact-streams topics create"
    )
