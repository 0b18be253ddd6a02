"""Logs of a customer, cut into batches, and what came out of them."""

from collections import Counter
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
    """By key, facts also by their own name: the order of what is due at the same moment says nothing. Without the facts
    that are told once a batch, as journeys are: see `left_of_published`."""
    found: dict[Any, list[Any]] = {}
    for where, key, value in task.sent:
        if where == topic and key is not None and value.get("fact") not in PUBLISHED:
            found.setdefault((key, value.get("id") if value.get("kind") == "fact" else None), []).append(value)
    return found


PUBLISHED = (
    "journey_solved", "journey_resolved", "journey_opened", "journey_left", "nps_superseded", "callback_requested",
    "quality",
)  # fmt: skip


def left_of_published(task: TaskUnderTest) -> Counter[str]:
    """Of the facts that are told once a batch what holds in the end."""
    found: Counter[str] = Counter()
    for _, _, value in task.sent:
        if value is not None and value.get("fact") in PUBLISHED:
            found[str(sorted((value | {"sign": 1}).items()))] += value.get("sign", 1)
    return Counter({fact: count for fact, count in found.items() if count})


def journeys_of(task: TaskUnderTest) -> dict[str, Any]:
    """The journeys that hold in the end, by name, without what tells how often they were published."""
    newest = {key: value for topic, key, value in task.sent if topic == "journeys" and key is not None}
    assert all(value is None or key == value["journey_id"].encode() for key, value in newest.items())
    return {each["journey_id"]: {**each, "revision": 0} for each in newest.values() if each is not None}
