"""Workers that differ from those that run are refused, and those are not disturbed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from streams.engine import Differs, NameTaken, Source
from streams.engine.assignor import RendezvousAssignor
from streams.engine.group import Door
from tests.support.engine import PARTITIONS, Pipeline, Recorder, publish, read_all, until

OURS, OTHER = {"rules": "a", "zone": "UTC"}, {"rules": "b", "zone": "UTC"}


@pytest.fixture
def open_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the other worker had come between the look and the joining."""

    async def knock(self: Door, consumer: AIOKafkaConsumer, group: str) -> None:
        """Nobody is looked at."""

    monkeypatch.setattr(Door, "knock", knock)


async def ready(source: Source, tasks: int = PARTITIONS) -> None:
    await until(lambda: source.door.round and len(source.tasks.ready) == tasks)


async def handle(pipeline: Pipeline, total: int) -> None:
    await publish(pipeline.bootstrap, pipeline.input, [(p, b"k", b"v") for p in range(PARTITIONS)])
    await until(lambda: pipeline.drained(total))


async def test_a_worker_with_other_rules_is_refused_before_it_joins(pipeline: Pipeline) -> None:
    recorder = Recorder()
    async with pipeline.run("w1", features=OURS, observer=recorder) as first:
        await ready(first)
        generation = first.tasks.generation
        with pytest.raises(Differs) as refused:
            async with pipeline.run("w2", features=OTHER):
                pass
        assert refused.value.differences == ["rules is b here and a there"]
        await handle(pipeline, PARTITIONS)
        assert first.tasks.generation == generation, "it was not even asked to rebalance"
    async with pipeline.run("w2", features=OTHER) as second:  # the first has left
        await ready(second)


@pytest.mark.usefixtures("open_door")
async def test_a_worker_with_other_rules_that_joins_gets_nothing_and_ends(pipeline: Pipeline) -> None:
    other = Recorder()
    async with pipeline.run("w1", features=OURS) as first:
        await ready(first)
        async with pipeline.run("w2", features=OTHER, observer=other) as second:
            await until(lambda: second.crash_reason)
            assert isinstance(second.crash_reason, Differs)
            assert second.tasks.owned == {}
            await handle(pipeline, PARTITIONS)
        await handle(pipeline, 2 * PARTITIONS)
        assert first.crash_reason is None
    assert other.batches == []
    assert len(await read_all(pipeline.bootstrap, pipeline.output)) == 2 * PARTITIONS


async def test_workers_that_agree_share_the_partitions(pipeline: Pipeline) -> None:
    async with pipeline.run("w1", features=OURS) as first:
        await ready(first)
        async with pipeline.run("w2", features=dict(reversed(OURS.items()))) as second:
            await ready(second, 1)
            await ready(first, 1)


class Old(RendezvousAssignor):
    """The version before: its metadata is its name, and its assignments tell nothing."""

    @classmethod
    def metadata(cls, topics: Any) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(0, list(topics), b"old")

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> dict[str, ConsumerProtocolMemberAssignment]:
        found = super().assign(cluster, members)
        return {m: ConsumerProtocolMemberAssignment(0, it.assignment, b"") for m, it in found.items()}

    @classmethod
    def on_assignment(cls, assignment: Any) -> None:
        """Nothing."""


@asynccontextmanager
async def old_worker(pipeline: Pipeline) -> AsyncIterator[AIOKafkaConsumer]:
    bound = type("OldBound", (Old,), {"door": Door("old", {}), "inlets": {"count": (pipeline.input,)}})
    consumer = AIOKafkaConsumer(
        pipeline.input,
        bootstrap_servers=pipeline.bootstrap,
        group_id=pipeline.app_id,
        enable_auto_commit=False,
        partition_assignment_strategy=[bound],
        session_timeout_ms=6000,
        heartbeat_interval_ms=600,
    )
    await consumer.start()
    polling = asyncio.ensure_future(consumer.getone())
    try:
        await until(consumer.assignment)
        yield consumer
    finally:
        polling.cancel()
        await consumer.stop()


async def test_beside_a_worker_of_the_version_before_a_new_one_is_refused(pipeline: Pipeline) -> None:
    async with old_worker(pipeline):
        with pytest.raises(Differs, match="of a version that does not tell its settings"):
            async with pipeline.run("w2", features=OURS):
                pass


@pytest.mark.usefixtures("open_door")
async def test_a_worker_of_the_version_before_that_leads_gives_no_agreement(pipeline: Pipeline) -> None:
    async with old_worker(pipeline), pipeline.run("w2", features=OURS) as second:
        await until(lambda: second.crash_reason)
        assert isinstance(second.crash_reason, Differs)
        assert second.tasks.owned == {}


async def test_a_static_worker_comes_back_with_other_rules(pipeline: Pipeline) -> None:
    """The broker hands it its old assignment, with what was agreed on then. Alone it begins anew with its own rules;
    beside another it is refused, and the other gets its partitions.
    """
    async with pipeline.run("w1", static=True, features=OURS) as first:
        await ready(first)
    async with pipeline.run("w1", static=True, features=OTHER) as again:
        await ready(again)
        assert again.door.features == OTHER
        async with pipeline.run("w2", static=True, features=OTHER) as second:
            await ready(second, 1)
        with pytest.raises(Differs):
            async with pipeline.run("w2", static=True, features=OURS):
                pass


@pytest.mark.usefixtures("open_door")
async def test_a_static_worker_that_comes_back_with_other_rules_is_refused(pipeline: Pipeline) -> None:
    async with pipeline.run("w1", static=True, features=OURS) as first:
        async with pipeline.run("w2", static=True, features=OURS) as second:
            await ready(second, 1)
            await ready(first, 1)
        async with pipeline.run("w2", static=True, features=OTHER) as second:
            await until(lambda: second.crash_reason)
            assert isinstance(second.crash_reason, Differs)
            assert second.tasks.owned == {}
        await ready(first)
        await handle(pipeline, PARTITIONS)


async def test_a_second_worker_of_one_static_name_ends_the_first_in_one_sentence(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    async with pipeline.run("w1", static=True, features=OURS) as first:
        await ready(first)
        async with pipeline.run("w1", static=True, features=OURS) as second:
            await until(lambda: first.crash_reason)
            assert isinstance(first.crash_reason, NameTaken)
            await ready(second)
            await handle(pipeline, PARTITIONS)
            assert second.crash_reason is None
    assert "never retrieved" not in caplog.text
