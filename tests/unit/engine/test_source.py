"""What the source hands out, without a broker."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.engine import Batch, Connection, Options, Source
from streams.engine.app import engine_app
from streams.engine.digest import TaskBusy, held
from tests.support.tasks import COUNT, a_ready_task


class Consumer:
    """Brings nothing; a poll ends when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.let.set()

    async def getmany(self, *tps: Any, **options: Any) -> dict[Any, list[Any]]:
        await self.let.wait()
        return {}

    def last_stable_offset(self, tp: Any) -> None:
        """Not known."""

    highwater = last_poll_timestamp = last_stable_offset


@pytest.fixture
def handed() -> list[Batch]:
    return []


@pytest.fixture
def source(handed: list[Batch]) -> Source:
    _, made = engine_app("app", Connection("broker:1"), [COUNT], Options("w1"))
    fake: Any = Consumer()
    made.consumer = fake

    async def put(batch: Batch) -> None:
        handed.append(batch)

    made.channels = {"count": SimpleNamespace(put=put)}
    return made


@pytest.mark.usefixtures("changelogs")
async def test_a_ready_task_gets_a_tick_and_no_other_before_that_has_ended(source: Source, handed: list[Batch]) -> None:
    task = source.tasks.owned["count", 0] = await a_ready_task()
    assert source._due()[0] == [task]
    assert await source._hand_out([task])
    assert [(batch.task, batch.records) for batch in handed] == [(task, [])]
    assert source._due()[0] == []
    assert not await source._hand_out([task]), "it was due a moment ago"
    handed[0]._done(handed[0], None)
    assert source._due()[0] == [task]


@pytest.mark.usefixtures("changelogs")
async def test_a_task_that_is_held_when_the_poll_has_its_turn_gets_nothing(source: Source, handed: list[Batch]) -> None:
    task = source.tasks.owned["count", 0] = await a_ready_task()
    async with held(source.tasks, "count", 0):
        assert not await source._hand_out([task])
        assert handed == []
    assert await source._hand_out([task])
    assert len(handed) == 1


@pytest.mark.usefixtures("changelogs")
@pytest.mark.parametrize("meanwhile", ["lost", "suspended"])
async def test_what_a_poll_brings_is_for_nobody_when_its_task_is_no_longer_ready(
    source: Source, handed: list[Batch], meanwhile: str
) -> None:
    task = source.tasks.owned["count", 0] = await a_ready_task()
    consumer: Any = source.consumer
    consumer.let.clear()
    polling = asyncio.ensure_future(source._hand_out([task]))
    await asyncio.sleep(0)
    if meanwhile == "lost":
        task.lose()
    else:
        source.tasks.revoked()
    consumer.let.set()
    assert not await polling
    assert handed == []
    with pytest.raises(TaskBusy, match="does not run here"):
        async with held(source.tasks, "count", 0):
            pass
