from itertools import chain
from typing import Any

from streams.base.times import to_ms
from streams.demo.publish import Pace, publish, topics
from streams.demo.run import publish_before
from streams.demo.show import Rate
from streams.demo.simulator import Emission, Settings, Simulation
from tests.support.product import RULES

START = 1_772_445_600_000


class Clock:
    """Wall time that only passes in sleep."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Recorder:
    """A publisher that notes what it is told, with the wall time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.calls: list[tuple[float, str, Any]] = []

    async def publish(self, event: dict[str, Any]) -> None:
        self.calls.append((self.clock.now, "event", event))

    async def publish_raw(self, topic: str, key: str, value: bytes) -> None:
        self.calls.append((self.clock.now, "raw", value))

    async def progress(self, time: int) -> None:
        self.calls.append((self.clock.now, "progress", time))


async def run(minutes: float, speed: float) -> tuple[Clock, Recorder, list[Emission], Pace]:
    simulation, clock = Simulation(Settings("demo-7-x", START, RULES)), Clock()
    emissions = simulation.emissions(int(minutes * 60_000))
    first = next(emission for emission in emissions if emission.time > START)  # what comes before is published before
    today = [first, *Simulation(Settings("demo-7-x", START, RULES)).emissions(int(minutes * 60_000))]
    recorder, pace = Recorder(clock), Pace(START, speed, clock, clock.sleep)
    await pace.run(chain((first,), emissions), recorder, simulation)
    return clock, recorder, [first, *today[today.index(first, 1) + 1 :]], pace


async def test_everything_is_published_once_in_order_and_takes_the_time_it_should() -> None:
    clock, recorder, emissions, pace = await run(2, 10)
    published = [what for _, kind, what in recorder.calls if kind != "progress"]
    assert published == [emission.event or emission.raw for emission in emissions]
    assert pace.published == len(emissions)
    assert 12.0 <= clock.now - 100 < 12.1


async def test_events_come_at_their_time_and_progress_never_runs_ahead_of_them() -> None:
    _, recorder, emissions, _ = await run(2, 10)
    times = iter(emission.time for emission in emissions)
    due, reached = next(times, None), 0
    for wall, kind, what in recorder.calls:
        if kind == "progress":
            assert due is None or what < due
            assert what >= reached
            reached = what
        else:
            assert due is not None
            assert to_ms((what or {})["time"]) > reached if kind == "event" else due > reached
            assert 0 <= START + (wall - 100) * 10_000 - due <= 520
            due = next(times, None)
    assert reached > START + 115_000


async def test_the_days_before_are_published_first_and_time_comes_along_night_by_night() -> None:
    simulation, recorder = Simulation(Settings("demo-7-x", START, RULES)), Recorder(Clock())
    rest = list(await publish_before(simulation.emissions(60_000), recorder, START))
    told = [what for _, kind, what in recorder.calls if kind != "progress"]
    assert [*told, *(emission.event or emission.raw for emission in rest)] == [
        emission.event or emission.raw for emission in Simulation(Settings("demo-7-x", START, RULES)).emissions(60_000)
    ]
    assert all(emission.time > START for emission in rest)
    reached, marks = 0, []
    for _, kind, what in recorder.calls:
        if kind == "progress":
            assert what > reached
            marks.append(reached := what)
        else:
            assert to_ms(what["time"]) > reached, "what is told later bears no time that was said to be over"
    assert 5 <= len(marks) <= 20
    assert marks[-1] == START - 1


async def test_raw_bytes_go_to_their_topic() -> None:
    recorder = Recorder(Clock())
    await publish(recorder, Emission("contacts.chat", "k", 0, raw=b"{"))
    assert recorder.calls == [(100.0, "raw", b"{")]


def test_the_topics_are_all_the_simulation_uses() -> None:
    used = {emission.topic for emission in Simulation(Settings("demo-7-x", START, RULES)).emissions(1_200_000)}
    assert used == set(topics())


def test_a_rate_is_over_the_last_seconds() -> None:
    rate = Rate()
    assert rate(0.0, 0) == 0.0
    assert rate(1.0, 10) == 10.0
    assert rate(2.0, 40) == 20.0
    assert rate(12.0, 1000) == 0.0
    assert rate(13.0, 1050) == 50.0
