"""What a worker makes of a topic that is no longer what it was, and of a broker that does not answer."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NodeNotReadyError

from streams.engine import topology as module
from streams.engine.layout import Layout
from streams.engine.metadata import NOT_AUTHORIZED, UNKNOWN_TOPIC, Topic
from streams.engine.topology import SILENT_SECONDS, Role, Topology, difference

WAS = Topic(4, "a" * 32)
GONE, HIDDEN = Topic(0, "", UNKNOWN_TOPIC), Topic(0, "", NOT_AUTHORIZED)
MORE, ANEW, ANEW_WITH_MORE = Topic(8, WAS.id), Topic(4, "b" * 32), Topic(8, "b" * 32)


@pytest.mark.parametrize(
    ("role", "now", "words"),
    [
        *((role, WAS, None) for role in Role),
        *((role, GONE, "was deleted") for role in Role),
        *((role, HIDDEN, "no longer lets this worker see it") for role in Role),
        *((role, Topic(0, "", 5), None) for role in Role),  # no leader at the moment
        (Role.INPUT, MORE, "has 8 partitions and had 4: nobody reads the others"),
        (Role.INPUT, ANEW, "made anew"),
        (Role.INPUT, ANEW_WITH_MORE, "made anew"),
        (Role.BETWEEN, MORE, "nobody reads the others. Rebuild: "),
        (Role.BETWEEN, ANEW, "what was not read of it is missing. Rebuild: "),
        (Role.BETWEEN, GONE, "Rebuild: "),
        (Role.OUTPUT, MORE, "the next start uses all of them"),
        (Role.OUTPUT, ANEW, None),
        (Role.OUTPUT, ANEW_WITH_MORE, "the next start uses all of them"),
        (Role.CHANGELOG, MORE, None),
        (Role.CHANGELOG, ANEW, "the state of its agent is gone"),
        (Role.CHANGELOG, ANEW_WITH_MORE, "the state of its agent is gone"),
    ],
)
def test_a_difference_is_told_where_the_worker_cannot_go_on(role: Role, now: Topic, words: str | None) -> None:
    said = difference("x.topic", role, WAS, now)
    if words is None:
        assert said is None
    else:
        assert said is not None
        assert said.startswith("x.topic")
        assert words in said


async def test_a_broker_is_silent_when_no_answer_came_for_longer_than_a_restart_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, answers = 1000.0, True

    async def topics(consumer: Any, names: Any) -> dict[str, Topic]:
        if not answers:
            raise NodeNotReadyError
        return {}

    monkeypatch.setattr(module, "topics", topics)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    watched = Topology(Layout.of("app", []), "broker:1", {})
    watched.consumer = None
    await watched.look()
    now += 3600
    assert watched.silent == 0, "nobody asked for an hour: that is no silence"
    answers = False
    await watched.look()
    now += SILENT_SECONDS
    await watched.look()
    assert watched.silent == 0
    now += 1
    assert watched.silent == SILENT_SECONDS + 1, "since the first question without an answer"
    answers = True
    await watched.look()
    assert watched.silent == 0
