"""When the heart beats for the event loop, and for whom. Its work on a broker is in the integration tests."""

import logging
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalGenerationError, NotCoordinatorForGroupError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest

from streams.engine import heart
from streams.engine.heart import STUCK_SECONDS, Heart

INTERVAL = 1.0


class Group:
    """In place of the connection and of the client that it makes: what it is asked, what it answers, how often it was connected."""

    def __init__(self) -> None:
        self.answers: list[int | Exception] = []
        self.asked: list[tuple[int, str]] = []
        self.connected = self.closed = 0

    def client(self, client_id: str) -> "Group":
        return self

    async def bootstrap(self) -> None:
        self.connected += 1

    async def close(self) -> None:
        self.closed += 1

    async def coordinator_lookup(self, kind: int, group: str) -> int:
        assert group == "app"
        return 7

    async def send(self, node: int, request: HeartbeatRequest) -> Any:
        assert node == 7
        self.asked.append((request._generation_id, request._member_id))
        answer = self.answers.pop(0) if self.answers else 0
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(error_code=answer)


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def member() -> SimpleNamespace:
    return SimpleNamespace(group_id="app", member_id="w1-x", generation=3)


@pytest.fixture
def beating(group: Group, member: SimpleNamespace) -> Heart:
    return Heart(group, SimpleNamespace(_coordinator=member), INTERVAL)  # type: ignore[arg-type]


async def test_it_beats_only_while_the_loop_is_silent_and_not_stuck(beating: Heart, group: Group) -> None:
    for silent in (0.0, 1.9, STUCK_SECONDS + 1):
        await beating.look(silent)
    assert (group.asked, group.connected) == ([], 0), "a worker with time to spare has no connection for it"
    for silent in (2.0, 100.0, STUCK_SECONDS):
        await beating.look(silent)
    assert group.asked == [(3, "w1-x")] * 3
    assert group.connected == 1
    await beating.look(0.1)
    assert group.closed == 1


@pytest.mark.parametrize("who", [{"member_id": ""}, {"generation": -1}])
async def test_who_is_not_in_a_group_has_nothing_to_tell(
    beating: Heart, group: Group, member: SimpleNamespace, who: dict[str, Any]
) -> None:
    vars(member).update(who)
    await beating.look(5)
    assert group.asked == []


async def test_a_group_that_waits_for_the_worker_is_told_that_it_lives(beating: Heart, group: Group) -> None:
    group.answers = [RebalanceInProgressError.errno] * 2
    await beating.look(5)
    await beating.look(5)
    assert (len(group.asked), group.connected) == (2, 1)


async def test_a_group_that_has_gone_on_is_left_alone_until_the_loop_has_joined_anew(
    beating: Heart, group: Group, member: SimpleNamespace
) -> None:
    group.answers = [IllegalGenerationError.errno]
    for _ in range(3):
        await beating.look(5)
    assert group.asked == [(3, "w1-x")]
    member.generation = 4
    await beating.look(5)
    assert group.asked[1:] == [(4, "w1-x")]


@pytest.mark.parametrize(
    "failure", [NotCoordinatorForGroupError.errno, NotCoordinatorForGroupError(), OSError(), AssertionError()]
)
async def test_whatever_fails_is_tried_on_a_new_connection_and_said_once(
    beating: Heart, group: Group, failure: int | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    group.answers = [failure] * 3
    for _ in range(4):
        await beating.look(5)
    assert (len(group.asked), group.connected, group.closed) == (4, 4, 3)
    said = [record for record in caplog.records if record.name == heart.__name__]
    assert [record.levelno for record in said] == [logging.WARNING]
    await beating.look(0)
    group.answers = [failure]
    await beating.look(5)
    assert len([record for record in caplog.records if record.name == heart.__name__]) == 2, "another silence"


def test_it_stops_at_once(beating: Heart) -> None:
    beating.start()
    began = time.monotonic()
    beating.stop()
    assert time.monotonic() - began < INTERVAL / 4
    assert not beating._thread.is_alive()


async def test_a_stuck_loop_is_said_once(beating: Heart, caplog: pytest.LogCaptureFixture) -> None:
    for more in range(1, 5):
        await beating.look(STUCK_SECONDS + more)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
