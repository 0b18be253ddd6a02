"""The states of a task, and the ways from one to the next."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.engine.doubt import Doubt
from streams.engine.errors import IllegalTransition
from streams.engine.life import NEXT, Life, State
from streams.engine.task import Task
from streams.engine.tasks import Tasks
from tests.support.tasks import INPUT, Changelogs, a_task

WAYS: dict[State, tuple[str, ...]] = {
    State.CREATED: (),
    State.RESTORING: ("restore",),
    State.SUSPENDED: ("restore", "restored"),
    State.READY: ("restore", "restored", "begin"),
    State.LOST: ("lose",),
    State.CLOSED: ("lose", "close"),
}
LEADS_TO = {
    "restore": State.RESTORING,
    "restored": State.SUSPENDED,
    "begin": State.READY,
    "suspend": State.SUSPENDED,
    "lose": State.LOST,
    "close": State.CLOSED,
}


async def ask(task: Task, name: str) -> None:
    """Call the method that leads to another state."""
    if name == "restore":
        await task.restore(lambda done, total: None, 1000)
    elif name == "begin":
        task.begin({INPUT: 3})
    elif name == "close":
        await task.close()
    else:
        getattr(task, name)()


async def in_state(state: State) -> Task:
    task = a_task()
    for name in WAYS[state]:
        await ask(task, name)
    assert task.state is state
    return task


@pytest.mark.usefixtures("changelogs")
@pytest.mark.parametrize("name", LEADS_TO)
@pytest.mark.parametrize("state", State)
async def test_a_method_leads_where_a_way_is_and_raises_elsewhere(state: State, name: str) -> None:
    task = await in_state(state)
    if LEADS_TO[name] in NEXT[state]:
        await ask(task, name)
        assert task.state is LEADS_TO[name]
    else:
        with pytest.raises(IllegalTransition, match=f"count-0 is {state.value} and cannot become"):
            await ask(task, name)
        assert task.state is state


@pytest.mark.usefixtures("changelogs")
async def test_every_way_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the life of tasks as the take-over leads it: none of the ways is there for nobody."""
    seen = set[tuple[State, State]]()
    become = Life.become

    def watched(life: Life, state: State) -> None:
        was = life.state
        become(life, state)
        seen.add((was, state))

    monkeypatch.setattr(Life, "become", watched)
    lives = (
        ("lose", "close"),
        ("restore", "lose", "close"),
        ("restore", "restored", "lose", "close"),
        ("restore", "restored", "begin", "suspend", "begin", "lose", "close"),
    )
    for life in lives:
        task = a_task()
        for name in life:
            await ask(task, name)
    assert seen == {(state, after) for state, ways in NEXT.items() for after in ways}


def test_every_state_is_reached_and_only_the_last_has_no_way_on() -> None:
    assert set(NEXT) == set(State)
    assert {after for ways in NEXT.values() for after in ways} == set(State) - {State.CREATED}
    assert [state for state, ways in NEXT.items() if not ways] == [State.CLOSED]
    assert [state for state in State if state.gone] == [State.LOST, State.CLOSED]


@pytest.mark.usefixtures("changelogs")
@pytest.mark.parametrize("state", State)
async def test_a_batch_begins_in_a_ready_task_alone_and_one_at_a_time(state: State) -> None:
    task = await in_state(state)
    if state is State.READY:
        task.hand([], wall=0.0, again=0.0)
        assert task.at_work
    with pytest.raises(IllegalTransition, match="no batch may begin"):
        task.hand([], wall=0.0, again=0.0)
    with pytest.raises(IllegalTransition, match="no batch may begin"):
        task.hold()


@pytest.mark.usefixtures("changelogs")
@pytest.mark.parametrize("meanwhile", ["suspend", "lose"])
async def test_a_batch_ends_whatever_became_of_its_task(meanwhile: str) -> None:
    task = await in_state(State.READY)
    task.hand([], wall=0.0, again=0.0)
    await ask(task, meanwhile)
    waiting = asyncio.ensure_future(task.at_rest())
    await asyncio.sleep(0)
    assert not waiting.done()
    task.done()
    await asyncio.wait_for(waiting, 1)
    assert (task.state, task.at_work) == (LEADS_TO[meanwhile], False)


@pytest.mark.usefixtures("changelogs")
async def test_what_is_held_gets_no_batch_until_it_is_released() -> None:
    task = await in_state(State.READY)
    task.hold()
    assert (task.state, task.at_work) == (State.READY, True)
    task.release()
    task.hand([], wall=0.0, again=0.0)
    assert task.at_work


async def test_a_restored_task_is_fenced_and_stands_where_its_changelog_does(changelogs: Changelogs) -> None:
    task = a_task()
    await ask(task, "restore")
    assert changelogs.told == ["fence app-count-0", "read app-count-changelog-0"]
    assert (task.position, task.state_id) == ({"in": 5}, "s")
    assert task.stands_at(changelogs.end)
    assert not task.stands_at(changelogs.end + 1), "somebody else wrote"
    task.restored(Doubt(limit=3))
    task.begin({INPUT: 9})
    assert (task.position, task.trial.limit, task.doubt.limit) == ({"in": 5}, 3, 3), "what was committed counts"
    task.lose()
    await task.close()
    assert changelogs.told[-1] == "stop app-count-0"


@pytest.mark.usefixtures("changelogs")
async def test_an_input_made_anew_is_read_from_where_it_begins_and_its_id_is_kept() -> None:
    task = a_task()
    await ask(task, "restore")
    task.trial.until = {"in": 6}
    task.adopt({})
    assert (task.position, task.trial.until, task.known) == ({"in": 5}, {"in": 6}, {"in": "now"})
    task.adopt({"in": 2})
    assert (task.position, task.trial.until) == ({"in": 2}, {}), "what was in doubt is no longer there"


@pytest.mark.usefixtures("changelogs")
async def test_ticks_fall_on_full_seconds_and_a_clock_set_back_does_not_silence_them() -> None:
    task = await in_state(State.READY)
    assert task.ticks(100.4)
    task.hand([], wall=100.4, again=9.0)
    task.done()
    assert [task.ticks(wall) for wall in (100.5, 100.999, 101.0, 99.0)] == [False, False, True, True]
    assert task.due == 0.0, "a tick keeps no records waiting"
    task.hurry()
    assert task.ticks(100.5)
    record: Any = SimpleNamespace(topic="in", timestamp=1)
    task.hand([record], wall=100.5, again=9.0)
    assert task.due == 9.0


@pytest.mark.usefixtures("changelogs")
async def test_suspending_lets_batches_end_and_outdates_what_was_begun() -> None:
    tasks = Tasks()
    for partition, state in enumerate((State.READY, State.READY, State.SUSPENDED, State.CREATED)):
        tasks.owned["count", partition] = await in_state(state)
    busy, free = tasks.owned["count", 0], tasks.owned["count", 1]
    busy.hand([], wall=0.0, again=0.0)
    assert tasks.ready == {("count", 0), ("count", 1)}
    assert tasks.due()[0] == [free]
    tasks.assigned([("count", 0)])
    tasks.revoked()
    assert (tasks.generation, tasks.ready, tasks.joined, tasks.settled) == (2, set(), True, False)
    assert [task.state for task in tasks.owned.values()] == [*[State.SUSPENDED] * 3, State.CREATED]
    assert tasks.due()[0] == []
    with pytest.raises(TimeoutError):
        await tasks.quiesce(0.01)
    busy.done()
    await tasks.quiesce(1)


@pytest.mark.usefixtures("changelogs")
async def test_the_next_batch_comes_when_its_task_is_due() -> None:
    tasks = Tasks()
    task = tasks.owned["count", 0] = await in_state(State.READY)
    record: Any = SimpleNamespace(topic="in", timestamp=1)
    now = asyncio.get_running_loop().time()  # of the same clock
    task.hand([record], wall=0.0, again=now + 0.05)
    task.done()
    due, wait = tasks.due()
    assert due == []
    assert 0 < wait <= 0.05
    await asyncio.sleep(wait)
    assert tasks.due()[0] == [task]
