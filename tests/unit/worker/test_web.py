"""What a worker's web says of a source as it is, without a broker."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from streams.engine import Connection, Lag, Options, Source
from streams.engine.app import engine_app
from streams.worker.metrics import Metrics
from streams.worker.web import Web, WebOptions
from tests.support.tasks import COUNT


@pytest.fixture
def source() -> Source:
    return engine_app("x.app", Connection("broker:1"), [COUNT], Options("w1"))[1]


async def test_it_names_its_worker_and_its_group(source: Source) -> None:
    web, request = Web(source, Metrics({"wait": "critical"}), WebOptions("127.0.0.1", 0, 10)), SimpleNamespace()
    body: Any = (await web._healthz(request)).body  # type: ignore[arg-type]
    assert orjson.loads(body) == {"status": "alive", "worker": "w1", "group": "x.app"}


async def test_it_is_ready_when_what_the_group_wants_is_restored_and_time_goes_on(source: Source) -> None:
    web = Web(source, Metrics({"wait": "critical"}), WebOptions("127.0.0.1", 0, 10))
    assert web.not_ready({}) == ["no partitions assigned yet"]
    source.tasks.assigned([("count", 0), ("count", 1)])
    assert web.not_ready({}) == ["2 of 2 partitions are not restored yet"]
    source.tasks.assigned([])
    assert web.not_ready({"count": Lag(10, 1.0)}) == []
    assert web.not_ready({"count": Lag(11, 1.0)}) == ["more than 10 records unread: count 11 (1 s)"]
    stands: Any = SimpleNamespace(info=SimpleNamespace(name="count-0"), unfinished=ValueError(), state=None)
    source.tasks.owned["count", 0] = stands
    assert web.not_ready({}) == ["time stands for count-0: ValueError at the end of its batches"]
