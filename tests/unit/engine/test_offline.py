"""Tasks without a broker: what is sent is read on, a restart goes on from the changelog, a failure leaves nothing."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from streams.engine import Failure, Inlet, Processor, Record, Rest, Table, TableSpec, TaskInfo
from streams.engine.changelog import POSITION
from streams.engine.offline import Offline
from streams.engine.outputs import Outputs


class Counter(Processor):
    """Counts by key, passes each count on, tells at every tick that everything was read."""

    def __init__(self, info: TaskInfo, tables: Mapping[str, Table[Any]]) -> None:
        self.counts, self.onward = tables["counts"], "b" if info.inlet == "first" else "c"

    def handle(self, record: Record, out: Outputs) -> None:
        key = (record.key or b"").decode()
        self.counts[key] = self.counts.get(key, 0) + 1
        if record.value == b"raise":
            raise ValueError(key)
        size = 2_000_000 if record.value == b"large row" else 0
        if size:
            self.counts[key + "x" * size] = 1
        out.send(self.onward, record.key or b"", orjson.dumps(self.counts[key]))

    def finish(self, out: Outputs) -> Rest:
        if len(out.caught_up) == 1 and out.mark() == 0:
            out.broadcast("ticks", None, b"1")
        return Rest.NOTHING


def bury(failure: Failure, out: Outputs) -> None:
    out.send("dead", b"", str(failure.error).encode())


def two_stages(size: int) -> Offline:
    specs = (TableSpec("counts", orjson.dumps, orjson.loads),)
    inlets = [Inlet("first", ("a",), Counter, bury, specs), Inlet("second", ("b",), Counter, bury, specs)]
    return Offline(inlets, dict.fromkeys(("a", "b", "c", "ticks", "dead"), 2), size)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("restart", [True, False])
def test_what_one_stage_sends_the_next_one_reads_however_it_is_cut(size: int, restart: bool) -> None:
    deployment = two_stages(size)
    for number in range(10):
        deployment.publish("a", b"even" if number % 2 == 0 else b"odd", b"raise" if number == 5 else b"", 7, number % 2)
        deployment.run(1000 + number)
        if restart:
            deployment.restart()
    told = sorted((record.key, record.value) for record in deployment.on("c"))
    assert told == sorted(
        (key, str(n).encode())
        for key, n in [*((b"even", n + 1) for n in range(5)), *((b"odd", n + 1) for n in range(4))]
    )
    assert [record.value for record in deployment.on("dead")] == [b"odd"]
    assert sum(task.failed for task in deployment.tasks) == 1
    assert deployment.run(2000) == 0
    assert {record.timestamp for record in deployment.on("ticks")} >= {2000}, "everything is read, and they know it"


def test_a_record_that_makes_a_row_no_broker_takes_becomes_a_dead_letter() -> None:
    deployment = two_stages(10)
    deployment.publish("a", b"k", b"", 0)
    deployment.run(0)
    before = dict(deployment.task("first").changelog)
    deployment.publish("a", b"k", b"large row", 0)
    deployment.run(0)
    (letter,) = deployment.on("dead")
    assert letter.value == b"a row of table 'counts': RowTooLarge"
    for _ in range(2):
        task = deployment.task("first")
        assert {**task.changelog, POSITION: b""} == {**before, POSITION: b""}
        assert (dict(task.tables["counts"]), task.position, task.aside) == ({"k": 1}, {"a": 2}, 0)
        deployment.restart("first")
    assert len(deployment.on("c")) == 1
