"""What a worker does when its topics are deleted, made anew or given partitions, while it runs and while it does not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.structs import TopicPartition

from streams.engine import Inlet, LostState, MissingTopics, Source, TopologyError, topology
from streams.engine.demands import CHANGELOG, READ, Demand, Effect, at_least, exactly
from streams.engine.errors import MadeAnew, PartitionsDiffer, SettingsDiffer, TopicsChanged
from tests.support.engine import PARTITIONS, Count, Pipeline, create_topics, keep, publish, read_all, until


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(topology, "SETTINGS_SECONDS", 0.3)


@pytest.fixture
async def pipeline(bootstrap: str, prefix: str) -> Pipeline:
    return await Pipeline(bootstrap, prefix).create()


@asynccontextmanager
async def admin(pipeline: Pipeline) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=pipeline.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def delete(pipeline: Pipeline, topic: str) -> None:
    async with admin(pipeline) as client:
        await client.delete_topics([topic])
        while topic in await client.list_topics():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


async def extend(pipeline: Pipeline, topic: str, count: int) -> None:
    async with admin(pipeline) as client:
        await client.create_partitions({topic: NewPartitions(count)})
        while len((await client.describe_topics([topic]))[0]["partitions"]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def handle(pipeline: Pipeline, key: bytes, total: int) -> None:
    """One more record in each partition, until all ``total`` are counted in the position."""
    await publish(pipeline.bootstrap, pipeline.input, [(p, key, b"v") for p in range(PARTITIONS)])
    await until(lambda: pipeline.drained(total))


async def outputs(pipeline: Pipeline) -> int:
    return len(await read_all(pipeline.bootstrap, pipeline.output))


async def ended(source: Source) -> BaseException | None:
    await until(lambda: source.crash_reason)
    return source.crash_reason


Change = Callable[[Pipeline], Awaitable[Any]]
FATAL: dict[str, tuple[Change, str]] = {
    "partitions added to an input": (
        lambda it: extend(it, it.input, 2 * PARTITIONS),
        "in has 4 partitions and had 2: nobody reads the others",
    ),
    "partitions added to an output": (
        lambda it: extend(it, it.output, 2 * PARTITIONS),
        "out has 4 partitions and had 2: the next start uses all of them",
    ),
    "an input deleted": (lambda it: delete(it, it.input), "in was deleted: `contact-streams topics create`"),
    "an output deleted": (lambda it: delete(it, it.dead), "dead was deleted: `contact-streams topics create`"),
    "a changelog deleted": (
        lambda it: delete(it, it.changelog),
        "app-count-changelog was deleted, and with it the state of its agent",
    ),
}


@pytest.mark.parametrize("what", FATAL)
async def test_a_worker_that_cannot_go_on_says_why_halts_and_ends(pipeline: Pipeline, what: str) -> None:
    change, words = FATAL[what]
    async with pipeline.run() as source:
        await handle(pipeline, b"before", PARTITIONS)
        assert source.topology.why == ()
        await change(pipeline)
        await until(lambda: source.topology.why)
        assert words in source.topology.why[0]
        assert source._due()[0] == [], "nothing is begun that could not be committed, or be right"
        reason = await ended(source)
    assert isinstance(reason, TopicsChanged)
    assert words in str(reason)


async def test_what_changes_nothing_does_not_end_a_worker(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    async with pipeline.run() as source:
        await handle(pipeline, b"before", PARTITIONS)
        await extend(pipeline, pipeline.changelog, 2 * PARTITIONS)
        await delete(pipeline, pipeline.output)
        await create_topics(pipeline.bootstrap, {pipeline.output: PARTITIONS})
        await until(lambda: caplog.text.count("nothing here depends on it") == 2)
        await handle(pipeline, b"after", 2 * PARTITIONS)
        assert source.topology.why == ()
    assert await outputs(pipeline) == PARTITIONS


async def test_a_broker_that_is_slow_to_know_a_topic_ends_nobody(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, gone = topology.topics, [True]

    async def forgetful(consumer: Any, names: Any) -> Any:
        found = await real(consumer, names)
        if gone[0]:
            found[pipeline.input] = topology.Topic(0, "", topology.UNKNOWN_TOPIC)
        return found

    async with pipeline.run() as source:
        await until(lambda: len(source.tasks.ready) == PARTITIONS)
        monkeypatch.setattr(topology, "topics", forgetful)
        await until(lambda: source.topology.why)
        gone[0] = False
        await handle(pipeline, b"after", PARTITIONS)
        assert source.topology.why == ()
        assert source.crash_reason is None


async def test_partitions_added_to_an_input_are_refused_at_the_start(pipeline: Pipeline) -> None:
    await extend(pipeline, pipeline.input, 4)
    with pytest.raises(PartitionsDiffer, match=r"changelog has 2 partitions, its inputs need 4: \S+in was given more"):
        async with pipeline.run():
            pass


async def test_an_output_with_more_partitions_is_used_whole_after_a_restart(pipeline: Pipeline) -> None:
    async with pipeline.run():
        await handle(pipeline, b"before", PARTITIONS)
    await extend(pipeline, pipeline.output, 4)
    async with pipeline.run() as source:
        assert source.topology.partitions[pipeline.output] == 4
        await handle(pipeline, b"after", 2 * PARTITIONS)


async def test_an_input_made_anew_is_read_from_its_beginning(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    """However long the new one is: the position tells the two apart by their ids."""
    async with pipeline.run() as source:
        await handle(pipeline, b"before", PARTITIONS)
        await delete(pipeline, pipeline.input)
        assert isinstance(await ended(source), TopicsChanged)
    with pytest.raises(MissingTopics):
        async with pipeline.run():
            pass
    await create_topics(pipeline.bootstrap, {pipeline.input: PARTITIONS})
    await publish(pipeline.bootstrap, pipeline.input, [(p, b"after", b"v") for p in range(PARTITIONS)] * 3)
    async with pipeline.run():
        await until(lambda: pipeline.drained(3 * PARTITIONS))
    assert await pipeline.counts() == {"before": 1, "after": 3}  # per partition, and both hold the same keys
    assert "was made anew, the state stood at offset 1: it is read from its beginning" in caplog.text
    caplog.clear()
    async with pipeline.run() as source:
        await until(lambda: len(source.tasks.ready) == PARTITIONS)
    assert "made anew" not in caplog.text, "it is said once"
    assert await outputs(pipeline) == 4 * PARTITIONS


async def test_a_topic_between_agents_that_was_made_anew_is_refused(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pipeline.run():
        await handle(pipeline, b"before", PARTITIONS)
    await delete(pipeline, pipeline.input)
    await create_topics(pipeline.bootstrap, {pipeline.input: PARTITIONS})
    async with pipeline.run() as source:
        source.topology.layout = replace(source.layout, outputs=(*source.layout.outputs, pipeline.input))
        reason = await ended(source)
    assert isinstance(reason, MadeAnew)
    assert "it was deleted and made anew. Rebuild: docs/operations.md" in str(reason)


async def mark(pipeline: Pipeline) -> None:
    """What the broker leaves of a worker's open transaction, once that ends."""
    async with AIOKafkaProducer(
        bootstrap_servers=pipeline.bootstrap, transactional_id=f"{pipeline.prefix}m"
    ) as producer:
        with pytest.raises(RuntimeError):
            async with producer.transaction():
                await producer.send_and_wait(pipeline.changelog, b"row", b"count\0k", 0)
                raise RuntimeError
    async with AIOKafkaConsumer(bootstrap_servers=pipeline.bootstrap) as consumer:
        log = TopicPartition(pipeline.changelog, 0)
        await until(lambda: ends_at(consumer, log, 2))


async def ends_at(consumer: AIOKafkaConsumer, log: TopicPartition, offset: int) -> bool:
    return (await consumer.end_offsets([log]))[log] == offset


@pytest.mark.parametrize("how", ["while it ran", "while it did not", "with a mark in it"])
async def test_a_changelog_made_anew_is_refused_and_nothing_is_published_twice(pipeline: Pipeline, how: str) -> None:
    async def anew() -> None:
        await delete(pipeline, pipeline.changelog)
        await create_topics(pipeline.bootstrap, {}, {pipeline.changelog: PARTITIONS})

    running = how == "while it ran"
    async with pipeline.run() as source:
        await handle(pipeline, b"before", PARTITIONS)
        await source.telling.tell()
        if running:
            await anew()
            assert isinstance(await ended(source), TopologyError)
    if not running:
        await anew()
    if how == "with a mark in it":
        await mark(pipeline)
    with pytest.raises(LostState, match="the state is gone"):
        async with pipeline.run():
            pass
    assert await outputs(pipeline) == PARTITIONS


async def test_a_changelog_made_anew_that_holds_a_part_of_the_state_is_refused(pipeline: Pipeline) -> None:
    """The client writes by name: what it commits before the next look lies in the new topic, without the rows of
    before.
    """
    async with pipeline.run() as source:
        await handle(pipeline, b"before", PARTITIONS)
        old = source.topology.topics[pipeline.changelog].id[: topology.DIGITS]
    await delete(pipeline, pipeline.changelog)
    await create_topics(pipeline.bootstrap, {}, {pipeline.changelog: PARTITIONS})
    position = {"version": 1, "id": "s", "offsets": {pipeline.input: 1}, "topics": {pipeline.changelog: old}}
    await publish(pipeline.bootstrap, pipeline.changelog, [(0, b"\0position", orjson.dumps(position))])
    async with pipeline.run() as source:
        reason = await ended(source)
    assert isinstance(reason, MadeAnew)
    assert "holds a part of the state only" in str(reason)


async def test_a_position_of_the_version_before_is_read(pipeline: Pipeline) -> None:
    await publish(pipeline.bootstrap, pipeline.input, [(p, b"k", b"v") for p in range(PARTITIONS)] * 2)
    position = orjson.dumps({"version": 1, "id": "s", "offsets": {pipeline.input: 1}})
    await publish(pipeline.bootstrap, pipeline.changelog, [(p, b"\0position", position) for p in range(PARTITIONS)])
    async with pipeline.run():
        await until(lambda: pipeline.drained(2 * PARTITIONS))
    assert await outputs(pipeline) == PARTITIONS


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
        assert {(each.topic, each.demand.setting) for each in source.topology.departures} == {
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
    async with admin(pipeline) as client:
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
    async with admin(pipeline) as client:
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


class TwoInputs(Pipeline):
    """Reads a second topic beside the first one."""

    @property
    def other(self) -> str:
        return self.prefix + "other"

    def inlet(self, processor: Callable[..., Any] = Count) -> Inlet:
        return replace(super().inlet(processor), topics=(self.input, self.other))


async def test_an_input_that_lacked_a_partition_for_a_time_is_known_when_it_is_made_anew(
    bootstrap: str, prefix: str
) -> None:
    """The state of a partition that is not there keeps the id beside its position."""
    pipeline = TwoInputs(bootstrap, prefix)
    await pipeline.create()
    await create_topics(bootstrap, {pipeline.other: PARTITIONS})
    async with pipeline.run():
        await handle(pipeline, b"before", PARTITIONS)
    await delete(pipeline, pipeline.input)
    await create_topics(bootstrap, {pipeline.input: PARTITIONS - 1})
    await publish(bootstrap, pipeline.other, [(p, b"meanwhile", b"v") for p in range(PARTITIONS)])
    async with pipeline.run():
        await until(lambda: counted(pipeline, "meanwhile", 1))
    await delete(pipeline, pipeline.input)
    await create_topics(bootstrap, {pipeline.input: PARTITIONS})
    await publish(bootstrap, pipeline.input, [(p, b"after", b"v") for p in range(PARTITIONS)] * 3)
    async with pipeline.run():
        await until(lambda: pipeline.drained(3 * PARTITIONS))
    assert await outputs(pipeline) == 5 * PARTITIONS


async def counted(pipeline: Pipeline, key: str, times: int) -> bool:
    found = [record for record in await read_all(pipeline.bootstrap, pipeline.output) if record.key == key.encode()]
    return len(found) == times * PARTITIONS
