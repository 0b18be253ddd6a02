"""How often a client tries to reach a broker that is away, and asks one that knows no leader."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.cluster import ClusterMetadata

from streams.engine import kafka
from streams.engine.kafka import patient


class Client:
    """In place of aiokafka's: how often it was asked to connect."""

    def __init__(self) -> None:
        self.there, self.tries = False, 0

    async def ready(self, node_id: int, *, group: Any = None) -> bool:
        self.tries += 1
        return self.there

    async def _metadata_update(self, cluster: Any, topics: Any) -> bool:
        return await self.ready(1)


def cluster(leaders: dict[str, list[int]]) -> ClusterMetadata:
    """As after an answer of the broker; topic → leader of each partition, -1 for none."""
    made, answer = ClusterMetadata(), SimpleNamespace(API_VERSION=1, brokers=[(1, "h", 1, None)], controller_id=1)
    answer.topics = [
        (0, topic, False, [(5 if leader == -1 else 0, n, leader, [1], [1]) for n, leader in enumerate(found)])
        for topic, found in leaders.items()
    ]
    made.update_metadata(answer)
    return made


def made() -> Any:
    client: Any = Client()
    patient(client)
    return client


async def hammer(asks: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asks()
        await asyncio.sleep(0.001)


async def test_a_node_that_is_away_is_tried_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "PAUSES", (0.02, 0.1))
    for asks in (lambda c: c.ready(1), lambda c: c._metadata_update(None, ())):
        client = made()
        await hammer(lambda asks=asks, client=client: asks(client), 0.2)
        assert 2 <= client.tries <= 10
        await hammer(lambda asks=asks, client=client: asks(client), 1.5)
        before = client.tries
        await hammer(lambda asks=asks, client=client: asks(client), 0.5)
        assert client.tries - before <= 6


async def test_a_node_that_is_back_is_not_waited_for() -> None:
    client = made()
    await hammer(lambda: client.ready(1), 0.1)
    client.there = True
    before = time.monotonic()
    for _ in range(100):
        assert await client.ready(1)
        assert await client._metadata_update(None, ())
    assert time.monotonic() - before < 0.2


async def test_one_node_that_is_away_slows_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "PAUSES", (60.0, 60.0))
    client = made()
    away = asyncio.ensure_future(client.ready(1))
    await asyncio.sleep(0)
    client.there = True
    assert await asyncio.wait_for(client.ready(2), 1)
    away.cancel()


@pytest.mark.parametrize("leaders", [{"a": [1, -1], "b": [1]}, {"b": [1]}], ids=["no leader", "not known"])
async def test_a_broker_that_knows_no_leader_is_asked_less_and_less_often(leaders: dict[str, list[int]]) -> None:
    client, known = made(), cluster(leaders)
    client.there = True
    await hammer(lambda: client._metadata_update(known, {"a", "b"}), 1.5)
    before = client.tries
    await hammer(lambda: client._metadata_update(known, {"a", "b"}), 0.5)
    assert 2 <= client.tries - before <= 6


async def test_what_nobody_asked_for_may_be_without_a_leader() -> None:
    client = made()
    client.there = True
    for known, topics in ((cluster({"a": [1], "b": [-1]}), {"a"}), (cluster({"a": [1]}), None), (cluster({}), set())):
        before = time.monotonic()
        for _ in range(100):
            assert await client._metadata_update(known, topics)
        assert time.monotonic() - before < 0.2


async def test_a_partition_that_has_a_leader_again_is_not_waited_for() -> None:
    client = made()
    client.there = True
    await hammer(lambda: client._metadata_update(cluster({"a": [-1]}), {"a"}), 0.3)
    before = time.monotonic()
    for _ in range(100):
        await client._metadata_update(cluster({"a": [1]}), {"a"})
    assert time.monotonic() - before < 0.2
