"""What a worker makes of a topic that is no longer what it was."""

import pytest

from streams.engine.metadata import NOT_AUTHORIZED, UNKNOWN_TOPIC, Topic
from streams.engine.topology import Role, difference

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
