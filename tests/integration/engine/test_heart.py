"""A record that takes longer than the session time-out costs a worker nothing; one that never ends does."""

import time

import pytest

from streams.engine import Outputs, Record, heart
from tests.support.engine import Count, Pipeline, Recorder, admin, publish, read_all, until

SESSION_MS = 6000


class Rebalances(Recorder):
    """Counts the assignments that came."""

    def __init__(self) -> None:
        super().__init__()
        self.assigned = 0

    def rebalanced(self, assigned: int) -> None:
        self.assigned += 1


class Dear(Count):
    """Works on some records for seconds, without a turn for anybody else."""

    def handle(self, record: Record, out: Outputs) -> None:
        super().handle(record, out)
        if (record.value or b"").startswith(b"dear "):
            end = time.monotonic() + float((record.value or b"").split()[1])
            while time.monotonic() < end:
                pass


async def is_settled(pipeline: Pipeline) -> bool:
    """Does the broker know one member, to which it has given partitions?"""
    async with admin(pipeline.bootstrap) as client:
        (_, _, state, _, _, members, *_), *_ = (await client.describe_consumer_groups([pipeline.app_id]))[0].groups
    return state == "Stable" and len(members) == 1


async def run(pipeline: Pipeline, seconds: float) -> Rebalances:
    """Assignments when one record takes so long."""
    recorder = Rebalances()
    async with pipeline.run(processor=Dear, observer=recorder, session_timeout_ms=SESSION_MS) as source:
        await until(lambda: len(source.tasks.ready) == 2)
        await publish(pipeline.bootstrap, pipeline.input, [(0, b"a", b"dear %.1f" % seconds), (0, b"b", b"v")])
        await until(lambda: pipeline.drained(2), seconds + 20)
        await until(lambda: is_settled(pipeline))  # one that was thrown out has joined anew by then
        await publish(pipeline.bootstrap, pipeline.input, [(1, b"c", b"v")])
        await until(lambda: pipeline.drained(3))
    assert await pipeline.counts() == {"a": 1, "b": 1, "c": 1}
    assert len(await read_all(pipeline.bootstrap, pipeline.output)) == 3
    return recorder


async def test_a_record_that_takes_long_costs_no_partition(bootstrap: str, prefix: str) -> None:
    recorder = await run(await Pipeline(bootstrap, prefix).create(), 2.2 * SESSION_MS / 1000)
    assert (recorder.lost, recorder.assigned) == ([], 1)


async def test_a_worker_that_is_stuck_is_given_up(bootstrap: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart, "STUCK_SECONDS", 2.0)
    recorder = await run(await Pipeline(bootstrap, prefix).create(), 2.2 * SESSION_MS / 1000)
    assert recorder.assigned > 1
