"""A replay from beginning to end: the events of a call log, at full speed or paced by their times."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from streams.replay.errors import InputError
from streams.replay.publish import ReplayPublisher
from streams.replay.reader import CallLog

PROGRESS_EVENTS = 2000
"""At full speed, the watermark is published every so many events …"""
PROGRESS_SECONDS = 1.0
"""… and, paced, every so many seconds of wall time."""
_SHORTEST_SLEEP_S = 0.005


@dataclass(frozen=True)
class Report:
    """What a replay published; times in ms since the epoch, None when there was no event."""

    replay_id: str
    rows: int
    published: int
    left_out: dict[str, int]
    unreadable: int
    seconds: float
    first_time: int | None
    last_time: int | None
    replayed: int = 0
    """Rows whose events were published: rows = replayed + left out + unreadable."""


@dataclass(frozen=True)
class Clock:
    """Wall time in seconds, and waiting; a test gives its own."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]


def wall_clock() -> Clock:
    """The clock of the running event loop."""
    return Clock(asyncio.get_running_loop().time, asyncio.sleep)


class Watcher(Protocol):
    """Told how far the replay is, about once a second."""

    def __call__(self, published: int, time: int) -> None: ...


def parse_speed(text: str) -> float | None:
    """``max`` → None; a number → that many times real time. Raises InputError."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise InputError(f"speed {text!r}: expected max, or how many times real time (1, 60, 0.5)")
    return speed


async def replay_log(
    log: CallLog, publisher: ReplayPublisher, speed: float | None, watch: Watcher, clock: Clock | None = None
) -> Report:
    """Publish the whole log and the end of its line; ``publisher`` is open and of the log's topics."""
    pacer = _Pacer(publisher, speed, watch, clock or wall_clock())
    before = publisher.published
    for time, event in log.events(publisher.replay_id):
        await pacer.reach(time)
        await publisher.publish(event)
    counts = {"rows": log.rows, "left_out": dict(log.left_out), "unreadable": log.unreadable}
    await publisher.end(log.last_time or 0, counts)
    pacer.report(log.last_time or 0)
    return Report(
        replay_id=publisher.replay_id,
        rows=log.rows,
        published=publisher.published - before,
        left_out=dict(log.left_out),
        unreadable=log.unreadable,
        seconds=pacer.elapsed(),
        first_time=log.first_time,
        last_time=log.last_time,
        replayed=log.replayed,
    )


class _Pacer:
    """Decides when the next event is due and when progress is."""

    def __init__(self, publisher: ReplayPublisher, speed: float | None, watch: Watcher, clock: Clock) -> None:
        self._publisher = publisher
        self._speed = speed
        self._watch = watch
        self._clock = clock
        self._start = self._said = self._shown = clock.now()
        self._said_at_count = publisher.published
        self._first: int | None = None

    def elapsed(self) -> float:
        return self._clock.now() - self._start

    def report(self, time: int) -> None:
        self._shown = self._clock.now()
        self._watch(self._publisher.published, time)

    async def reach(self, time: int) -> None:
        """Return when an event of ``time`` is due; say progress meanwhile. Every earlier event is published."""
        if self._first is None:
            self._first = time
        if self._speed is None:
            if self._publisher.published - self._said_at_count >= PROGRESS_EVENTS:
                await self._progress(time - 1)
            return
        while (wait := (time - self._first) / 1000 / self._speed - self.elapsed()) > 0:
            await self._publisher.dispatch()
            until_said = self._said + PROGRESS_SECONDS - self._clock.now()
            await self._clock.sleep(max(_SHORTEST_SLEEP_S, min(wait, until_said)))
            if self._said + PROGRESS_SECONDS <= self._clock.now():
                await self._progress(min(time - 1, self._first + int(self.elapsed() * 1000 * self._speed)))
        if self._said + PROGRESS_SECONDS <= self._clock.now():  # behind its pace: it never waits
            await self._progress(time - 1)

    async def _progress(self, time: int) -> None:
        await self._publisher.progress(time)
        self._said = self._clock.now()
        self._said_at_count = self._publisher.published
        if self._said - self._shown >= PROGRESS_SECONDS:
            self.report(time)
