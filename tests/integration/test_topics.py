"""Topics on the broker: what is created, what is said of those that are there, and what mends them."""

import asyncio

import orjson
import pytest
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition
from typer.testing import CliRunner, Result

from streams import settings as settings_module
from streams.cli.main import app
from streams.engine.changelog import POSITION, encode_position
from streams.engine.demands import Effect
from streams.inspect import machine as doctor
from streams.inspect.lost_state import StateGone, settle
from streams.kafka.altering import alter
from streams.kafka.connection import connection_of
from streams.kafka.topics import Report, TopicsError, create, existing, wanted
from streams.settings import Settings, environment
from tests.support.engine import admin, keep, kept, publish, read_all, until


@pytest.fixture
def settings(bootstrap: str, prefix: str) -> Settings:
    return settings_module.load(bootstrap_servers=bootstrap, topic_prefix=prefix)


OF_SEGMENTS = ("segment.ms", "max.compaction.lag.ms")
"""How soon what was deleted is gone: `keep` leaves them out with all that it does not name."""


async def delete(settings: Settings, *topics: str) -> None:
    async with admin(settings.bootstrap_servers) as client:
        await client.delete_topics(list(topics))

    async def are_gone() -> bool:
        return not set(topics) & set(await existing(connection_of(settings)))

    await until(are_gone)


async def look(settings: Settings) -> Report:
    return await create(connection_of(settings), wanted(settings), dry_run=True)


def advice(report: Report) -> dict[str, doctor.Status]:
    return {finding.advice: finding.status for finding in doctor.topics(report)}


async def run(settings: Settings, *words: str, answer: str = "") -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), input=answer, env=environment(settings))


async def test_what_is_created_is_as_wanted_and_a_choice_at_the_start_is_no_difference(settings: Settings) -> None:
    connection = connection_of(settings)
    report = await create(connection, wanted(settings, 6), follow=False)
    assert (report.departures, report.counts, report.untold, report.shortened) == ([], [], [], [])
    assert advice(await look(settings)) == {"": doctor.Status.OK}
    before = {name: n for name, n in (await existing(connection)).items() if name.startswith(settings.topic_prefix)}
    gone = [
        f"{settings.group}-track-changelog",
        settings.topic_prefix + "contacts.forum",
        settings.topic_prefix + "kpis",
    ]
    await delete(settings, *gone)
    assert advice(await look(settings)) == {"contact-streams topics create": doctor.Status.FAILED}
    done = await run(settings, "topics", "create")
    assert done.exit_code == 0, done.stderr
    after = {name: n for name, n in (await existing(connection)).items() if name.startswith(settings.topic_prefix)}
    assert after == before
    assert advice(await look(settings)) == {"": doctor.Status.OK}


async def test_what_the_doctor_advises_for_settings_helps_and_touches_nothing_else(settings: Settings) -> None:
    connection, prefix = connection_of(settings), settings.topic_prefix
    await create(connection, wanted(settings))
    voice, log, out, between = (
        prefix + "contacts.voice", f"{settings.group}-track-changelog", prefix + "kpis", prefix + "contact.interactions"
    )  # fmt: skip
    await keep(
        settings.bootstrap_servers,
        voice,
        message_timestamp_type="CreateTime",
        retention_ms="-1",
        segment_bytes="7340032",
    )
    await keep(
        settings.bootstrap_servers,
        log,
        cleanup_policy="compact,delete",
        delete_retention_ms="1000",
        segment_ms="600000",
    )
    await keep(settings.bootstrap_servers, out, retention_ms="3600000", max_message_bytes="500000")
    await keep(settings.bootstrap_servers, between, cleanup_policy="compact", message_timestamp_type="LogAppendTime")
    report = await look(settings)
    assert {(each.topic, each.demand.setting) for each in report.of(Effect.REFUSED)} == {
        (voice, "message.timestamp.type"), (log, "cleanup.policy"), (log, "delete.retention.ms"),
        (out, "max.message.bytes"), (between, "cleanup.policy"),
    }  # fmt: skip
    warned = {(each.topic, each.demand.setting) for each in report.of(Effect.WARNED)}
    assert {each for each in warned if each[1] not in OF_SEGMENTS} == {
        (out, "retention.ms"), (log, "message.timestamp.type")
    }  # fmt: skip
    assert advice(report) == {
        "contact-streams topics alter": doctor.Status.FAILED,
        "contact-streams topics alter --all": doctor.Status.NOTE,
    }

    shown = await run(settings, "topics", "alter", "--dry-run")
    assert shown.exit_code == 0, shown.stderr
    assert f"{voice}: message.timestamp.type CreateTime -> LogAppendTime" in shown.stdout
    assert "5 to change" in shown.stdout
    refused = await run(settings, "topics", "alter", answer="n\n")
    assert refused.exit_code == 1
    departures = (await look(settings)).departures
    assert len([each for each in departures if each.demand.setting not in OF_SEGMENTS]) == 7, "nothing was changed yet"

    done = await run(settings, "topics", "alter", answer="y\n")
    assert done.exit_code == 0, done.stderr
    assert "5 changed" in done.stdout
    assert advice(await look(settings)) == {"contact-streams topics alter --all": doctor.Status.NOTE}
    done = await run(settings, "topics", "alter", "--all", "--yes")
    assert done.exit_code == 0, done.stderr
    assert advice(await look(settings)) == {"": doctor.Status.OK}
    assert await kept(settings.bootstrap_servers, voice, "retention.ms", "segment.bytes") == {
        "retention.ms": "-1", "segment.bytes": "7340032"
    }  # fmt: skip
    assert await kept(settings.bootstrap_servers, log, "segment.ms") == {"segment.ms": "600000"}
    done = await run(settings, "topics", "alter", "--all", "--yes")
    assert (done.exit_code, done.stdout.strip()) == (0, "0 to change")


async def test_topics_create_says_what_mends_the_settings(settings: Settings) -> None:
    await create(connection_of(settings), wanted(settings))
    voice = settings.topic_prefix + "contacts.voice"
    await keep(settings.bootstrap_servers, voice, cleanup_policy="compact", message_timestamp_type="LogAppendTime")
    done = await run(settings, "topics", "create")
    assert done.exit_code == 0
    assert f"refused: {voice}: cleanup.policy is compact, allowed is delete: records are removed" in done.stderr
    assert "`contact-streams topics alter` mends it" in done.stderr
    assert await kept(settings.bootstrap_servers, voice, "cleanup.policy") == {"cleanup.policy": "compact"}, (
        "it changes nothing"
    )


async def test_partitions_beyond_what_there_is_state_for_are_not_created(settings: Settings) -> None:
    await create(connection_of(settings), wanted(settings))
    forum = settings.topic_prefix + "contacts.forum"
    await delete(settings, forum)
    done = await run(settings, "topics", "create", "--partitions", "8")
    assert done.exit_code == 1
    assert (
        f"{forum} with 8 partitions: {settings.group}-ingest-changelog has 4, and no worker would start" in done.stderr
    )
    assert forum not in await existing(connection_of(settings))


async def test_a_topic_between_agents_that_is_gone_under_state_takes_a_rebuild(settings: Settings) -> None:
    await create(connection_of(settings), wanted(settings))
    between, log = settings.topic_prefix + "contact.interactions", f"{settings.group}-track-changelog"
    await delete(settings, between)
    assert advice(await look(settings)) == {"contact-streams topics create": doctor.Status.FAILED}, "there is no state"
    await publish(settings.bootstrap_servers, log, [(2, POSITION, encode_position({between: 7}, "state"))])
    report = await look(settings)
    (said,) = report.counts
    assert said.startswith(f"{between} was deleted, and {log} holds the state of what was read of it")
    assert advice(report) == {
        "contact-streams topics create": doctor.Status.FAILED, doctor.HELP: doctor.Status.FAILED
    }  # fmt: skip
    done = await run(settings, "topics", "create")
    assert "no worker starts on a new one. Rebuild: docs/operations.md" in done.stderr


async def test_a_changelog_of_which_a_part_was_deleted_is_told(settings: Settings) -> None:
    await create(connection_of(settings), wanted(settings))
    log = f"{settings.group}-track-changelog"
    await publish(settings.bootstrap_servers, log, [(2, b"customers\0a", b"1"), (2, b"customers\0b", b"1")])
    await keep(settings.bootstrap_servers, log, cleanup_policy="delete", message_timestamp_type="LogAppendTime")
    async with admin(settings.bootstrap_servers) as client:
        await client.delete_records({TopicPartition(log, 2): RecordsToDelete(before_offset=1)})
    done = await run(settings, "topics", "alter", "--yes")
    assert done.exit_code == 0, done.stderr
    report = await look(settings)
    (said,) = report.shortened
    assert said.startswith(f"{log}: records were deleted from its beginning")
    assert said.endswith("it begins in partition 2 at 1")
    assert advice(report) == {
        doctor.HELP: doctor.Status.NOTE,
        "contact-streams topics alter --all": doctor.Status.NOTE,  # what `keep` left out
    }


async def test_a_broker_that_refuses_names_the_topic(settings: Settings) -> None:
    await create(connection_of(settings), wanted(settings))
    voice = settings.topic_prefix + "contacts.voice"
    await keep(settings.bootstrap_servers, voice, cleanup_policy="compact", message_timestamp_type="LogAppendTime")
    changes = (await look(settings)).of(Effect.REFUSED)
    await delete(settings, voice)
    with pytest.raises(TopicsError, match=f"the broker refuses to alter {voice}: "):
        await alter(connection_of(settings), changes)


async def test_only_the_partition_whose_state_is_gone_begins_anew(settings: Settings) -> None:
    await create(connection_of(settings), wanted(settings))
    log = f"{settings.group}-track-changelog"
    position = encode_position({settings.topic_prefix + "contact.interactions": 7}, "state")
    await publish(settings.bootstrap_servers, log, [(1, POSITION, position), (2, POSITION, position)])
    assert await settle(settings, None) == []
    await keep(settings.bootstrap_servers, log, cleanup_policy="delete", message_timestamp_type="LogAppendTime")
    async with admin(settings.bootstrap_servers) as client:
        await client.delete_records({TopicPartition(log, 2): RecordsToDelete(before_offset=1)})
    with pytest.raises(StateGone, match=f"the state of {log} is gone"):
        await settle(settings, None)
    assert await settle(settings, "go-on") == [log]
    records = await read_all(settings.bootstrap_servers, log)
    assert [(record.partition, record.offset) for record in records] == [(1, 0), (2, 1)]
    assert orjson.loads(records[0].value)["offsets"] == {settings.topic_prefix + "contact.interactions": 7}
    assert await settle(settings, None) == []
