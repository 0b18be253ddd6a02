"""Pace and progress, on a clock that moves only when someone sleeps; and where an event goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from streams.replay.errors import InputError
from streams.replay.publish import ReplayPublisher
from streams.replay.reader import CallLog
from streams.replay.rows import Planned
from streams.replay.run import PROGRESS_EVENTS, Clock, parse_speed, replay_log

START = 1_000_000_000_000


@dataclass
class Time:
    """Wall time in seconds."""

    now: float = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Recorder:
    """A publisher that writes down (wall seconds, what, event time in s after the start)."""

    clock: Time
    replay_id: str = "r"
    published: int = 0
    calls: list[tuple[float, str, Any]] = field(default_factory=list)

    def _note(self, what: str, value: Any) -> None:
        self.calls.append((round(self.clock.now, 3), what, value))

    async def publish(self, event: dict[str, Any]) -> None:
        self.published += 1
        self._note("event", event["id"])

    async def progress(self, time: int) -> None:
        self._note("progress", (time - START) / 1000)

    async def dispatch(self) -> None: ...

    async def end(self, time: int, counts: Mapping[str, Any]) -> None:
        self._note("end", ((time - START) / 1000, dict(counts)))


def call_log(*times: int) -> CallLog:
    """One event at each of the times (ms after the start); contact ids c0, c1, …"""
    planned = [Planned(START + ms, "t", 0, {"contact_id": f"c{n}"}, {}) for n, ms in enumerate(times)]
    log = CallLog(replay_id="r", source="s", channel="voice", rows=len(times), planned=planned)
    log.left_out["phantom"] = 2
    return log


async def run(log: CallLog, speed: float | None) -> tuple[Recorder, list[tuple[int, int]]]:
    time, seen = Time(), list[tuple[int, int]]()
    recorder = Recorder(time)
    clock = Clock(lambda: time.now, time.sleep)
    report = await replay_log(
        log, cast(ReplayPublisher, recorder), speed, lambda published, ms: seen.append((published, ms)), clock
    )
    assert (report.published, report.first_time, report.last_time) == (len(log.planned), log.first_time, log.last_time)
    assert report.seconds == time.now
    return recorder, seen


async def test_paced_by_event_time_with_progress_every_second() -> None:
    recorder, _ = await run(call_log(0, 0, 15_000, 31_000), speed=10)
    assert recorder.calls == [
        (0.0, "event", "c0:t"),
        (0.0, "event", "c1:t"),
        (1.0, "progress", 10.0),
        (1.5, "event", "c2:t"),
        (2.0, "progress", 20.0),
        (3.0, "progress", 30.0),
        (3.1, "event", "c3:t"),
        (3.1, "end", (31.0, {"rows": 4, "left_out": {"phantom": 2}, "unreadable": 0})),
    ]


async def test_progress_stays_below_events_that_are_still_to_come() -> None:
    recorder, _ = await run(call_log(0, 10_000, 10_000), speed=10)
    assert recorder.calls[1:4] == [
        (1.0, "progress", 9.999),
        (1.0, "event", "c1:t"),
        (1.0, "event", "c2:t"),
    ]


async def test_full_speed_never_waits_and_says_progress_by_count() -> None:
    recorder, _ = await run(call_log(*range(0, 5000 * 60_000, 60_000)), speed=None)
    progress = [(when, value) for when, what, value in recorder.calls if what == "progress"]
    assert progress == [(0.0, PROGRESS_EVENTS * 60 - 0.001), (0.0, 2 * PROGRESS_EVENTS * 60 - 0.001)]
    assert recorder.calls[PROGRESS_EVENTS][1] == "progress"


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("1", 1.0), ("0.5", 0.5), ("3600", 3600.0)])
def test_speed(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "fast", "nan", "inf", ""])
def test_speed_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected max, or how many times real time"):
        parse_speed(text)
