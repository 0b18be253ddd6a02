"""Whose settings hold in a group of workers, and what a worker that differs is told."""

import asyncio
import gc
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.assignor import RendezvousAssignor
from streams.engine.group import ANY, Door, Member, agreed, are_alike, differences, own_failures

A, B = {"rules": "a", "zone": "UTC"}, {"rules": "b", "zone": "UTC"}
CLUSTER = SimpleNamespace(partitions_for_topic=lambda topic: {0, 1, 2, 3})
names = st.text("abc", max_size=3)
members_ = st.lists(
    st.builds(Member, names, st.none() | st.dictionaries(names, names, max_size=2), st.integers(0, 3)), max_size=6
)


def given_out(leader: Door, doors: dict[str, Door | bytes]) -> dict[str, tuple[int, bytes]]:
    """Member → how many partitions it got, and what it was told."""
    bound = RendezvousAssignor.bind(leader, {"in": ("t",)})
    tell = {member: door if isinstance(door, bytes) else door.metadata() for member, door in doors.items()}
    members = {member: SimpleNamespace(user_data=data) for member, data in tell.items()}
    found = bound.assign(CLUSTER, members)  # type: ignore[arg-type]
    return {m: (sum(len(ps) for _, ps in it.assignment), it.user_data) for m, it in found.items()}


@given(members_)
def test_what_is_agreed_on_is_what_some_member_of_the_newest_round_has(members: list[Member]) -> None:
    newest = max((member.round for member in members), default=0)
    held = [member.features for member in members if member.round == newest]
    found = agreed(members)
    assert found in held or not members or (newest == 0 and found is None)
    assert agreed(reversed(members)) == found, "whoever leads comes to the same, unless it is a draw it is part of"


@given(members_)
def test_a_member_is_read_as_it_was_written(members: list[Member]) -> None:
    for member in members:
        assert Member.decode(member.encode()) == member


def test_those_that_are_there_hold_against_more_that_come() -> None:
    assert agreed([Member("old", A, 1), Member("new-1", B), Member("new-2", B)], B) == A
    assert agreed([Member("came back", A, 3), Member("since", B, 4)], A) == B


def test_of_those_that_begin_together_most_hold_and_in_a_draw_the_leaders() -> None:
    assert agreed([Member("1", A), Member("2", B), Member("3", B)], A) == B
    assert agreed([Member("1", A), Member("2", B)], A) == A
    assert agreed([Member("1", A), Member("2", B)], B) == B


def test_a_version_that_tells_nothing_holds_unless_others_were_there_before_it() -> None:
    assert agreed([Member("old"), Member("new", A)], A) is None
    assert agreed([Member("old"), Member("new", A, 1)], A) == A


def test_one_that_differs_gets_nothing_and_is_told_in_what() -> None:
    first, other = Door("first", A), Door("other", B)
    first.answer(Member("", A, 4).encode())
    found = given_out(first, {"m1": first, "m2": other})
    assert [found[m][0] for m in ("m1", "m2")] == [4, 0]
    for door, member in ((first, "m1"), (other, "m2")):
        door.answer(found[member][1])
    assert first.refusal is None
    assert first.round == 5
    assert other.refusal is not None
    assert other.refusal.differences == ["rules is b here and a there"]
    assert "worker other would give other results" in str(other.refusal)


def test_members_of_the_version_before_keep_their_partitions() -> None:
    new = Door("new", A)
    found = given_out(new, {"m1": b"old-worker", "m2": new})
    assert [found[m][0] for m in ("m1", "m2")] == [4, 0]
    new.answer(found["m2"][1])
    assert new.refusal is not None
    assert "of a version that does not tell its settings" in str(new.refusal)


def test_an_assignment_of_the_version_before_is_no_agreement() -> None:
    door = Door("new", A)
    door.answer(b"")
    assert door.refusal is not None


def test_a_static_member_asks_again_before_it_believes_an_old_assignment() -> None:
    door = Door("w", B, static=True)
    before = door.metadata()
    door.answer(Member("", A, 3).encode())
    assert (door.again, door.refusal) == (True, None)
    assert door.metadata() != before, "only what is new makes the broker ask the others"
    door.answer(Member("", A, 4).encode())
    assert door.refusal is not None
    alone = Door("w", B, static=True)
    alone.answer(Member("", A, 3).encode())
    alone.answer(given_out(alone, {"m": alone})["m"][1])
    assert (alone.refusal, alone.round) == (None, 1)


def test_strangers_in_the_group_get_nothing_and_break_nothing() -> None:
    first = Door("first", A)
    first.answer(Member("", A, 1).encode())
    strange = [b"", b"\xff\xfe", b"[]", json.dumps({"worker": "x", "features": 3, "round": "y"}).encode()]
    found = given_out(first, {"m": first} | {f"s{n}": data for n, data in enumerate(strange)})
    assert {member: count for member, (count, _) in found.items() if count} == {"m": 4}


def test_what_is_decided_elsewhere_is_like_every_other_one() -> None:
    free = {**A, "rules": ANY}
    assert differences(free, A) == differences(B, free) == []
    assert differences(free, {**A, "zone": "CET"}) == ["zone is UTC here and CET there"]
    assert are_alike(free, A) and not are_alike(A, B) and not are_alike(free, None)
    leader, late, other = Door("a", A), Door("late", free), Door("other", {**free, "zone": "CET"})
    found = given_out(leader, {"1": leader, "2": late, "3": other})
    assert sorted(count for count, _ in found.values()) == [0, 2, 2]
    assert found["3"][0] == 0


def test_differences_are_named_with_both_values() -> None:
    assert differences({"a": "1", "b": "2"}, {"b": "3", "c": "4"}) == [
        "a is 1 here and absent there",
        "b is 2 here and 3 there",
        "c is absent here and 4 there",
    ]
    assert differences(A, dict(A)) == []


async def test_a_failure_of_the_group_is_not_reported_for_each_waiter_of_the_client() -> None:
    subscription, reported = SubscriptionState(), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    subscription.register_fetch_waiters(set())  # as the fetcher does
    own_failures(SimpleNamespace(_subscription=subscription))  # type: ignore[arg-type]
    for _ in range(300):
        subscription.wait_for_assignment()
    asked = subscription.wait_for_assignment()
    subscription.abort_waiters(KafkaError("no more"))
    subscription._assignment_waiters.clear()
    gc.collect()
    assert reported == []
    with pytest.raises(KafkaError, match="no more"):
        await asked
