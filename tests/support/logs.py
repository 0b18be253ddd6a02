"""Logs of a customer, cut into batches, and what came out of them."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.support.offline import TaskUnderTest
from tests.support.records import Fetched, record


def as_read(log: list[Any]) -> list[Fetched]:
    return [record(offset=n, key=b"k", value=msgspec.json.encode(each)) for n, each in enumerate(log)]


def run(task: TaskUnderTest, log: list[Any], cuts: list[tuple[int, bool]]) -> TaskUnderTest:
    return task.batches(as_read(log), cuts)


a_cut = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=20)


def by_key(task: TaskUnderTest, topic: str) -> dict[Any, list[Any]]:
    """By key, facts also by their own name: the order of what is due at the same moment says nothing."""
    found: dict[Any, list[Any]] = {}
    for where, key, value in task.sent:
        if where == topic and key is not None:
            found.setdefault((key, value.get("id") if value.get("kind") == "fact" else None), []).append(value)
    return found


def journeys_of(task: TaskUnderTest) -> dict[str, Any]:
    """The journeys that hold in the end, by name, without what tells how often they were published."""
    newest = {key: value for topic, key, value in task.sent if topic == "journeys" and key is not None}
    assert all(value is None or key == value["journey_id"].encode() for key, value in newest.items())
    return {each["journey_id"]: {**each, "revision": 0} for each in newest.values() if each is not None}
