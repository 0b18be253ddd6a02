"""Topics that are kept in another way than the engine needs: refused, warned about, told."""

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition

from streams.engine import LostState, topology
from streams.engine.demands import CHANGELOG, READ, Demand, Effect, at_least, exactly
from streams.engine.errors import MadeAnew, SettingsDiffer
from tests.support.engine import PARTITIONS, Pipeline, admin, keep, until
from tests.support.topology import ended, handle, outputs

pytestmark = pytest.mark.usefixtures("looks_often")


def demanded(pipeline: Pipeline) -> dict[str, tuple[Demand, ...]]:
    early = at_least("retention.ms", 604_800_000, "subscribers were told more", Effect.WARNED)
    return {pipeline.input: READ, pipeline.changelog: CHANGELOG, pipeline.output: (early,)}


COSTS: dict[str, tuple[str, dict[str, str], str]] = {
    "an input that is compacted": (
        "input",
        {"cleanup_policy": "compact"},
        "in: cleanup.policy is compact, allowed is d",
    ),
    "a changelog that is deleted": (
        "changelog",
        {"cleanup_policy": "delete"},
        "cleanup.policy is delete, allowed is com",
    ),
    "a changelog that forgets removals": (
        "changelog",
        {"cleanup_policy": "compact", "delete_retention_ms": "1"},
        "delete.retention.ms is 1, allowed is 86400000 (24 h) or more",
    ),
    "a changelog that takes small rows": (
        "changelog",
        {"cleanup_policy": "compact", "max_message_bytes": "999999"},
        "max.message.bytes is 999999, allowed is 1000000 or more",
    ),
}


@pytest.mark.parametrize("what", COSTS)
async def test_a_topic_that_is_kept_in_a_way_that_costs_state_is_refused(pipeline: Pipeline, what: str) -> None:
    name, values, words = COSTS[what]
    topic = getattr(pipeline, name)
    await keep(pipeline.bootstrap, topic, **values)
    with pytest.raises(SettingsDiffer) as error:
        async with pipeline.run(demands=demanded(pipeline)):
            pass
    assert topic in str(error.value)
    assert words in str(error.value)
    assert str(error.value).endswith("`contact-streams topics alter` shows what it would change, and asks")


async def test_what_only_weakens_a_promise_is_warned_about(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    await keep(pipeline.bootstrap, pipeline.output, retention_ms="3600000")
    async with pipeline.run(demands=demanded(pipeline)) as source:
        await handle(pipeline, b"k", PARTITIONS)
        found = {(each.topic, each.demand.setting) for each in source.topology.departures}
        assert {each for each in found if each[1] not in ("segment.ms", "max.compaction.lag.ms")} == {
            (pipeline.output, "retention.ms"), (pipeline.changelog, "message.timestamp.type")
        }  # fmt: skip
        assert source.topology.refused == []
    assert "out: retention.ms is 3600000, allowed is 604800000 or more: subscribers were told more" in caplog.text


async def test_a_setting_that_is_altered_under_a_worker_is_told_and_ends_nobody(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    async with pipeline.run(demands=demanded(pipeline)) as source:
        await handle(pipeline, b"before", PARTITIONS)
        assert source.topology.refused == []
        await keep(pipeline.bootstrap, pipeline.changelog, cleanup_policy="delete")
        await until(lambda: source.topology.refused)
        assert str(source.topology.refused[0]).startswith(f"{pipeline.changelog}: cleanup.policy is delete")
        await handle(pipeline, b"meanwhile", 2 * PARTITIONS)
        await keep(pipeline.bootstrap, pipeline.changelog, cleanup_policy="compact")
        await until(lambda: not source.topology.refused)
        await handle(pipeline, b"after", 3 * PARTITIONS)
        assert source.crash_reason is None
        assert source.topology.why == ()
    assert caplog.text.count("cleanup.policy is delete") == 1, "it is said once"
    assert "cleanup.policy is as it has to be again" in caplog.text


async def test_what_the_broker_does_not_tell_is_not_demanded(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The right to describe configurations may be missing, at the start or from some moment on."""
    real, hidden = topology.settings, {pipeline.changelog}

    async def partly(consumer: Any, names: Any, wanted: Any) -> Any:
        return {name: found for name, found in (await real(consumer, names, wanted)).items() if name not in hidden}

    monkeypatch.setattr(topology, "settings", partly)
    demands = {
        pipeline.input: (exactly("cleanup.policy", "compact", "x", Effect.WARNED),),
        pipeline.changelog: CHANGELOG,
    }
    async with pipeline.run(demands=demands) as source:
        await handle(pipeline, b"k", PARTITIONS)
        assert [each.topic for each in source.topology.departures] == [pipeline.input]
        hidden.add(pipeline.input)
        asked = source.topology._weighed
        await until(lambda: source.topology._weighed != asked)
        assert [each.topic for each in source.topology.departures] == [pipeline.input], "nobody said that it was mended"
    assert f"it takes DESCRIBE_CONFIGS on them: {pipeline.changelog}" in caplog.text


async def test_a_changelog_of_which_a_part_was_deleted_is_told_at_the_start(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    async with pipeline.run():
        await handle(pipeline, b"before", PARTITIONS)
    assert "deleted from its beginning" not in caplog.text
    await keep(pipeline.bootstrap, pipeline.changelog, cleanup_policy="delete")
    async with admin(pipeline.bootstrap) as client:
        await client.delete_records({TopicPartition(pipeline.changelog, 1): RecordsToDelete(before_offset=1)})
    await keep(pipeline.bootstrap, pipeline.changelog, cleanup_policy="compact")
    async with pipeline.run(demands=demanded(pipeline)):
        await handle(pipeline, b"after", 2 * PARTITIONS)
    assert f"{pipeline.changelog}: records were deleted from its beginning" in caplog.text
    assert "it begins in partition 1 at 1" in caplog.text


@pytest.mark.parametrize("part", ["all", "all but a mark"])
async def test_a_partition_of_a_changelog_that_lost_all_it_held_is_refused(pipeline: Pipeline, part: str) -> None:
    """Kept with `delete` for longer than its retention, then put right: to begin would publish everything again."""
    async with pipeline.run():
        await handle(pipeline, b"before", PARTITIONS)
    log = TopicPartition(pipeline.changelog, 1)
    await keep(pipeline.bootstrap, pipeline.changelog, cleanup_policy="delete")
    async with AIOKafkaConsumer(bootstrap_servers=pipeline.bootstrap) as consumer:
        end = (await consumer.end_offsets([log]))[log]
    async with admin(pipeline.bootstrap) as client:
        await client.delete_records({log: RecordsToDelete(before_offset=end if part == "all" else end - 1)})
    await keep(pipeline.bootstrap, pipeline.changelog, cleanup_policy="compact")
    if part == "all":
        with pytest.raises(LostState, match="all that a partition held was deleted; the state is gone"):
            async with pipeline.run():
                pass
    else:
        async with pipeline.run() as source:
            reason = await ended(source)
        assert isinstance(reason, MadeAnew)
        assert f"{pipeline.changelog}-1: all that it held was deleted" in str(reason)
    assert await outputs(pipeline) == PARTITIONS
