"""Where the latest journey of each customer lies, against all of the topic."""

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.base.times import iso
from streams.customers.journey_names import journey_id
from streams.desk.journeys import At, Journeys, _at, _whose
from streams.engine.connection import Connection
from tests.support.alerts import T0, journey

OWNERS = ("customer:7", "anonymous:email:a@example.com")


def test_owner_and_line_stand_in_a_journeys_name() -> None:
    for owner in OWNERS:
        for line in ("", "winter-1"):
            assert _whose(journey_id(owner, line, T0)) == (owner, line)
            assert _whose(journey_id(owner, line, T0) + "#1a2b3c4d") == (owner, line)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(OWNERS), st.sampled_from(["", "winter"]), st.integers(0, 2), st.integers(0, 9) | st.none()
    ),
    max_size=30,
)


@given(STEPS)
def test_the_latest_is_known(steps: list[tuple[str, str, int, int | None]]) -> None:
    """A journey that is over is removed only once no other of its customer was heard of later: so names are removed."""
    index, standing = made(100), dict[bytes, dict[str, Any]]()
    for offset, (owner, line, number, updated) in enumerate(steps):
        name = journey_id(owner, line, T0 + number)
        if updated is None:
            others = [each for each in standing.values() if (each["customer"], each["line"]) == (owner, line)]
            latest = max(others, key=_heard, default=None)
            if latest is None or (latest["journey_id"] == name and len(others) > 1):
                continue
            standing.pop(name.encode(), None)
            index.take(SimpleNamespace(key=name.encode(), value=None, partition=0, offset=offset))
            continue
        mine = standing.get(name.encode())
        moved = max(updated, mine["minute"] if mine else 0)
        doc = journey(name, owner, line=line, updated=iso(T0 + 60_000 * moved), minute=moved, offset=offset)
        standing[name.encode()] = doc
        index.take(SimpleNamespace(key=name.encode(), value=orjson.dumps(doc), partition=0, offset=offset))
    for owner in OWNERS:
        for line in ("", "winter"):
            others = [each for each in standing.values() if (each["customer"], each["line"]) == (owner, line)]
            found = index.at(line, owner)
            assert (found is None) == (not others)
            if found is not None:
                assert iso(found.updated) == max(each["updated"] for each in others)
                assert found.offset in {each["offset"] for each in others}


def _heard(doc: dict[str, Any]) -> tuple[str, int]:
    return doc["updated"], doc["offset"]


def made(most: int) -> Journeys:
    async def make() -> Journeys:
        return Journeys(Connection("127.0.0.1:1"), "", most)

    return asyncio.run(make())


def test_of_too_many_those_heard_of_longest_ago_go() -> None:
    index = made(2)
    for offset, owner in enumerate(("a", "b", "a", "c")):
        doc = journey(journey_id(owner, "", T0), owner, updated=iso(T0 + offset))
        index.take(SimpleNamespace(key=doc["journey_id"].encode(), value=orjson.dumps(doc), partition=0, offset=offset))
    index.take(SimpleNamespace(key=b"x", value=b"{", partition=0, offset=9))
    index.take(SimpleNamespace(key=None, value=b"{}", partition=0, offset=10))
    known = [index.at("", owner) for owner in "abc"]
    assert [at and at.offset for at in known] == [2, None, 3]
    assert not index._complete


@given(st.integers(0, 2**45), st.integers(0, 2**15), st.integers(0, 2**62), st.integers(0, 2**64 - 1))
def test_a_place_is_packed_and_taken_apart(updated: int, partition: int, offset: int, name: int) -> None:
    at = At(updated, partition, offset, name)
    assert _at(at.packed) == at
