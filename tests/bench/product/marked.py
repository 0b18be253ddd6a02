"""A worker whose stacks say which hop they work for: the same worker, started by the benchmark to be sampled.

Every hop's work goes through a function that carries its name (``hop_track``), also what runs in tasks that the hop's
producers start. It costs a call per batch and per fetched partition.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from types import FunctionType
from typing import Any

import uvloop
from aiokafka.consumer.fetcher import FetchResult

from schemas import flow
from streams.cli.main import main
from streams.engine.batch import Batch
from streams.engine.takeover import TakeOver
from streams.engine.task import Task

CURRENT: ContextVar[str | None] = ContextVar("hop", default=None)
INTERNAL = {topic: hop for hop in flow.stages() for topic in flow.inputs(hop) if topic in flow.between()}


def _call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


async def _await(work: Coroutine[Any, Any, Any]) -> Any:
    return await work


def _named(function: Any, hop: str) -> Any:
    """A function of its own that does the same under the hop's name."""
    name = f"hop_{hop}"
    code = function.__code__.replace(co_name=name, co_qualname=name)
    return FunctionType(code, function.__globals__, name)


CALL = {hop: _named(_call, hop) for hop in flow.stages()}
AWAIT = {hop: _named(_await, hop) for hop in flow.stages()}


def mark() -> None:
    """Put the names in: batches, the start of a task's producer with all the tasks that start makes, fetched records."""
    process, start, getall, new_loop = Batch.process, TakeOver._start, FetchResult.getall, uvloop.new_event_loop

    async def named_process(self: Batch) -> None:
        await _under(self.task.info.inlet, process(self))

    async def named_start(self: TakeOver, task: Task) -> None:
        await _under(task.info.inlet, start(self, task))

    def named_getall(self: Any, max_records: int | None = None) -> Any:
        return CALL[_reader_of(self._topic_partition.topic)](getall, self, max_records)

    def new_event_loop() -> Any:
        loop = new_loop()
        loop.set_task_factory(_task)
        return loop

    Batch.process = named_process  # type: ignore[method-assign]
    TakeOver._start = named_start  # type: ignore[method-assign]
    FetchResult.getall = named_getall
    uvloop.new_event_loop = new_event_loop  # type: ignore[assignment]


def _reader_of(topic: str) -> str:
    """The hop that reads a topic; whatever no agent writes is an input of the first."""
    if topic.endswith("-changelog"):
        return topic.split("-")[-2]
    return next((hop for name, hop in INTERNAL.items() if topic.endswith(name)), "ingest")


async def _under(hop: str, work: Coroutine[Any, Any, Any]) -> None:
    before = CURRENT.set(hop)
    try:
        await AWAIT[hop](work)
    finally:
        CURRENT.reset(before)


def _task(loop: Any, work: Any, **given: Any) -> Any:
    hop = CURRENT.get()
    return asyncio.Task(AWAIT[hop](work) if hop and asyncio.iscoroutine(work) else work, loop=loop, **given)


if __name__ == "__main__":
    mark()
    main()
