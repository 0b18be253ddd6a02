"""How tasks come to life and are lost, without a broker: the order, and what a newer assignment does to an older one."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from streams.engine import Connection, Observer
from streams.engine import takeover as module
from streams.engine.errors import LostState
from streams.engine.layout import Layout
from streams.engine.life import State
from streams.engine.metadata import Topic
from streams.engine.tables import Storage
from streams.engine.takeover import TakeOver
from streams.engine.tasks import Tasks
from streams.engine.topology import Topology
from streams.engine.unpacking import Ration
from tests.support.tasks import COUNT, Changelogs
from tests.support.waiting import until

INPUTS = [TopicPartition("in", 0), TopicPartition("in", 1)]
KEYS = [("count", 0), ("count", 1)]


@dataclass
class Consumer:
    """Of a group: all inputs have offsets 0 to 100."""

    changelogs: Changelogs
    failures: list[Exception] = field(default_factory=list)
    """What the next questions for an input raise."""

    async def beginning_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        if self.failures:
            raise self.failures.pop(0)
        return dict.fromkeys(tps, 0)

    async def end_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.changelogs.end if tp.topic.endswith("changelog") else 100 for tp in tps}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.changelogs.told.append(f"seek {tp.topic}-{tp.partition} {offset}")


@dataclass
class Told(Observer):
    told: list[str]

    def task_ready(self, inlet: str, partition: int) -> None:
        self.told.append(f"ready {inlet}-{partition}")

    def task_lost(self, inlet: str, partition: int, error: BaseException) -> None:
        self.told.append(f"lost {inlet}-{partition}")

    def task_closed(self, inlet: str, partition: int) -> None:
        self.told.append(f"close {inlet}-{partition}")


class Quiet(Topology):
    """All topics are as they were; ``found`` raises what is found out after reading."""

    found: Exception | None = None

    async def confirm(self, task: Any, found: Any) -> None:
        if self.found is not None:
            raise self.found


@pytest.fixture
async def takeover(changelogs: Changelogs, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TakeOver]:
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.01,))
    topology = Quiet(Layout.of("app", [COUNT]), Connection("broker:1"), {})
    topology.topics = {name: Topic(2, f"{name:0<32}") for name in ("in", "app-count-changelog")}
    topology.partitions = {"in": 2, "app-count-changelog": 2}
    consumer: Any = Consumer(changelogs)
    made = TakeOver(consumer, Tasks(), topology, Storage(), Told(changelogs.told), Ration())
    yield made
    await made.close_all()


async def ready(takeover: TakeOver, keys: Iterable[tuple[str, int]] = KEYS) -> None:
    await until(lambda: takeover.tasks.ready == set(keys))


async def test_fence_read_seek_ready(takeover: TakeOver, changelogs: Changelogs) -> None:
    takeover.assign(INPUTS[:1])
    await ready(takeover, KEYS[:1])
    assert changelogs.told == ["fence app-count-0", "read app-count-changelog-0", "seek in-0 5", "ready count-0"]


async def test_a_task_is_suspended_by_a_rebalance_and_kept_without_being_read_again(
    takeover: TakeOver, changelogs: Changelogs
) -> None:
    takeover.assign(INPUTS)
    await ready(takeover)
    kept = dict(takeover.tasks.owned)
    await takeover.revoke()
    assert [task.state for task in kept.values()] == [State.SUSPENDED] * 2
    changelogs.told.clear()
    takeover.assign(INPUTS[1:])
    await ready(takeover, KEYS[1:])
    await until(lambda: takeover.tasks.owned == {KEYS[1]: kept[KEYS[1]]})
    assert kept[KEYS[0]].state is State.CLOSED
    assert changelogs.told == ["seek in-1 5", "ready count-1", "close count-0", "stop app-count-0"]


async def test_a_task_is_made_anew_when_somebody_else_wrote(takeover: TakeOver, changelogs: Changelogs) -> None:
    takeover.assign(INPUTS[:1])
    await ready(takeover, KEYS[:1])
    old = takeover.tasks.owned[KEYS[0]]
    await takeover.revoke()
    changelogs.end, changelogs.position = 9, 6
    changelogs.told.clear()
    takeover.assign(INPUTS[:1])
    await ready(takeover, KEYS[:1])
    assert old.state is State.CLOSED
    assert changelogs.told == [
        *("close count-0", "stop app-count-0"),
        *("fence app-count-0", "read app-count-changelog-0", "seek in-0 6", "ready count-0"),
    ]


async def test_a_changelog_is_read_by_one_take_over_at_a_time(takeover: TakeOver, changelogs: Changelogs) -> None:
    """A second one found the task that the first one had just made, and began to read it beside the first."""
    takeover.assign(INPUTS[:1])
    await ready(takeover, KEYS[:1])
    changelogs.end = 9
    changelogs.let_read.clear()
    await takeover.revoke()
    takeover.assign(INPUTS[:1])
    await until(lambda: changelogs.reading == 1)
    for _ in range(3):
        await takeover.revoke()
        takeover.assign(INPUTS[:1])
        await asyncio.sleep(0.01)
    changelogs.told.clear()
    changelogs.let_read.set()
    await ready(takeover, KEYS[:1])
    assert changelogs.most_reading == 1
    assert changelogs.told == ["seek in-0 5", "ready count-0"], "what the outdated one has read is of use"


@pytest.mark.parametrize("first", [0, 1])
async def test_a_task_found_by_two_take_overs_begins_once(
    takeover: TakeOver, changelogs: Changelogs, first: int
) -> None:
    """A commit fails as a rebalance ends: the task is read anew, and the take-over that looks for kept ones finds it."""
    looked, asked = asyncio.Event(), asyncio.Event()
    consumer: Any = takeover.consumer
    ends, begins = consumer.end_offsets, consumer.beginning_offsets
    lost, kept = INPUTS[first], INPUTS[1 - first]

    async def slow_ends(tps: list[TopicPartition]) -> Any:
        if tps[0] == TopicPartition("app-count-changelog", kept.partition):
            await looked.wait()
        return await ends(tps)

    async def slow_begins(tps: list[TopicPartition]) -> Any:
        if tps == [lost]:
            changelogs.told.append("asked")
            await asked.wait()
        return await begins(tps)

    takeover.assign(INPUTS)
    await ready(takeover)
    await takeover.revoke()
    consumer.end_offsets, consumer.beginning_offsets = slow_ends, slow_begins
    changelogs.told.clear()
    takeover.lose(takeover.tasks.owned[KEYS[first]], OSError("the broker"))
    takeover.assign(INPUTS)
    await until(lambda: "asked" in changelogs.told)
    assert takeover.tasks.owned[KEYS[first]].state is State.SUSPENDED
    looked.set()
    await asyncio.sleep(0.01)  # those who can ask have asked
    asked.set()
    await ready(takeover)
    await takeover.close_all()
    assert takeover.crash_reason is None
    assert changelogs.told.count(f"ready count-{first}") == changelogs.told.count(f"ready count-{1 - first}") == 1


async def test_what_fails_is_lost_and_taken_over_again(takeover: TakeOver, changelogs: Changelogs) -> None:
    changelogs.failures = [OSError("the disk")]
    changelogs.let_read.clear()
    takeover.assign(INPUTS[:1])
    await until(lambda: changelogs.reading == 1)
    failed = takeover.tasks.owned[KEYS[0]]
    changelogs.let_read.set()
    await ready(takeover, KEYS[:1])
    assert failed.state is State.CLOSED
    assert changelogs.told == [
        *("fence app-count-0", "read app-count-changelog-0", "lost count-0", "close count-0", "stop app-count-0"),
        *("fence app-count-0", "read app-count-changelog-0", "seek in-0 5", "ready count-0"),
    ]


async def test_a_kept_task_whose_input_cannot_be_asked_for_is_lost_too(
    takeover: TakeOver, changelogs: Changelogs
) -> None:
    takeover.assign(INPUTS[:1])
    await ready(takeover, KEYS[:1])
    old = takeover.tasks.owned[KEYS[0]]
    await takeover.revoke()
    consumer: Any = takeover.consumer
    consumer.failures = [KafkaConnectionError()]
    takeover.assign(INPUTS[:1])
    await until(lambda: old.state is State.CLOSED)
    await ready(takeover, KEYS[:1])
    assert changelogs.told.count("read app-count-changelog-0") == 2


async def test_a_task_lost_with_a_batch_at_work_is_over_at_once_and_its_batch_ends(takeover: TakeOver) -> None:
    takeover.assign(INPUTS[:1])
    await ready(takeover, KEYS[:1])
    task = takeover.tasks.owned[KEYS[0]]
    task.hand([], wall=0.0, again=0.0)
    takeover.lose(task, OSError("the disk"))
    takeover.lose(task, OSError("once more: it is lost already"))
    assert (task.state, task.at_work) == (State.LOST, True)
    await ready(takeover, KEYS[:1])
    assert takeover.tasks.owned[KEYS[0]] is not task
    task.done()
    assert (task.state, task.at_work) == (State.CLOSED, False)


async def test_nothing_begins_whose_topics_were_made_anew(takeover: TakeOver, changelogs: Changelogs) -> None:
    """Not even by a newer assignment: a task is suspended only when what it has read is confirmed."""
    topology: Any = takeover.topology
    topology.found = LostState(["app-count-changelog"])
    takeover.assign(INPUTS[:1])
    await until(lambda: takeover.crash_reason is not None)
    assert takeover.crash_reason is topology.found
    assert takeover.tasks.owned[KEYS[0]].state is State.RESTORING
    assert takeover.tasks.ready == set()
    await takeover.close_all()
    assert changelogs.told == ["fence app-count-0", "read app-count-changelog-0", "close count-0", "stop app-count-0"]


async def test_a_worker_that_stops_closes_every_task_in_whatever_state(
    takeover: TakeOver, changelogs: Changelogs
) -> None:
    takeover.assign(INPUTS[:1])
    await ready(takeover, KEYS[:1])
    changelogs.let_read.clear()
    takeover.assign(INPUTS)
    await until(lambda: changelogs.reading == 1)
    tasks = list(takeover.tasks.owned.values())
    assert {task.state for task in tasks} == {State.READY, State.RESTORING}
    await takeover.close_all()
    assert [task.state for task in tasks] == [State.CLOSED] * 2
    assert takeover.tasks.owned == {}
