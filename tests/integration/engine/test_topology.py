"""What a worker does when its topics are deleted, made anew or given partitions, while it runs and while it does not."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from streams.engine import Inlet, LostState, MissingTopics, TopologyError, topology
from streams.engine.errors import MadeAnew, PartitionsDiffer, TopicsChanged
from tests.support.engine import PARTITIONS, Count, Pipeline, create_topics, publish, read_all, until
from tests.support.topology import delete, ended, extend, handle, outputs

pytestmark = pytest.mark.usefixtures("looks_often")


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
