"""The demo from its first event to its last ✓: simulate, publish, show, wait, compare."""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from streams.demo.before import days_within
from streams.demo.check import compare
from streams.demo.feed import Feed
from streams.demo.parts import HOUR_MS, SECOND_MS
from streams.demo.publish import Pace, Publisher, publish, topics
from streams.demo.show import Show
from streams.demo.simulator import Emission, Settings, Simulation
from streams.demo.state import BoardState
from streams.demo.summary import as_json, print_commands, print_summary
from streams.engine.connection import Connection
from streams.local.text import Terminal, echo
from streams.replay.publish import ReplayPublisher
from streams.rules import Rules

DRAIN_S = 60.0
OPENING_HOUR = 10
NIGHT_MS = 6 * HOUR_MS
"""Nothing was told for longer."""

StartWorker = Callable[[], AbstractAsyncContextManager[object]]
"""Gives a context in which a worker runs (ready when entered, stopped when left)."""
WaitDrained = Callable[[float], Awaitable[bool]]
"""Waits up to so many seconds until the pipeline has worked off all that was published; whether it has."""


@dataclass(frozen=True)
class Options:
    """``duration``: seconds of wall time; ``speed``: times as fast; ``rules``: those the worker decides by."""

    rules: Rules
    duration: float = 120.0
    speed: float = 10.0
    seed: int = 7
    plain: bool = False
    as_json: bool = False
    """The figures as one line of JSON on stdout; what else is said goes to stderr."""

    def __post_init__(self) -> None:
        if not 0 < self.duration <= 86_400 or not 0 < self.speed <= 1000:
            given = f"duration {self.duration:g} s, speed {self.speed:g}"
            raise ValueError(f"{given}: expected 0 < duration ≤ 86400 and 0 < speed ≤ 1000")


async def run(
    options: Options, connection: Connection, prefix: str, start_worker: StartWorker, wait_drained: WaitDrained
) -> int:
    """Run the demo on an existing broker and topics; the exit code: 1 when a figure is wrong or events are left over.

    Raises PublishError, BrokerError or TopicMissing when the broker or a topic is missing.
    """
    console = Terminal(stderr=options.as_json)
    opens = datetime.now().astimezone().replace(hour=OPENING_HOUR, minute=0, second=0, microsecond=0)
    start_ms = int(opens.timestamp() * 1000)
    line = f"demo-{options.seed}-{datetime.now(UTC):%Y%m%dt%H%M%S}"
    days = days_within(options.rules.customers.contacts)
    settings = Settings(line, start_ms, options.rules, seed=options.seed, hour=OPENING_HOUR, days_before=days)
    simulation, state = Simulation(settings), BoardState(line, opened=start_ms)
    console.print(
        f"line {line}: what the {settings.days_before} days before left over, then {options.duration:g} s at "
        f"{options.speed:g} times real time; Ctrl-C ends it early",
        highlight=False,
    )
    async with start_worker(), Feed(connection, prefix, state) as feed:
        async with ReplayPublisher(connection, prefix, line, topics(), started_at=settings.begin_ms - 1) as publisher:
            emissions = simulation.emissions(int(options.duration * options.speed * 1000))
            drained = True
            # Customers are known before they get in touch, and before the doors open: a call that overtakes the profile
            # would have no tier.
            for moment in (settings.begin_ms, start_ms):
                emissions = await publish_before(emissions, publisher, moment)
                await publisher.flush()
                drained = drained and await wait_drained(DRAIN_S)
            pace = Pace(start_ms, options.speed, time.monotonic)
            show = Show(state, pace, options.speed, opens.tzinfo or UTC)
            with _interrupt(simulation.stop):
                await _show_while(
                    show,
                    is_plain(options.plain or options.as_json),
                    console,
                    pace.run(emissions, publisher, simulation),
                )
            end_ms = simulation.end_ms or pace.now
            await publisher.end(end_ms, {})
        console.print("the doors are closed; waiting for the pipeline …", style="grey62")
        drained = drained and await wait_drained(DRAIN_S) and await feed.catch_up(DRAIN_S)
    if not drained:
        console.print(
            f"✗ not everything is worked off after {DRAIN_S:g} s: the last events may be missing below", style="red"
        )
    checks = compare(simulation.truth, state)
    right = print_summary(console, checks, simulation.truth)
    known = [each["customer"] for each in state.newest_journeys() if each["customer"].startswith("customer:")]
    print_commands(console, connection.servers, prefix, line, (settings.begin_ms, end_ms), *known[:1])
    if options.as_json:
        echo(json.dumps({**as_json(checks, line), "drained": drained}))
    return 0 if right and drained else 1


def is_plain(plain: bool) -> bool:
    """Lines instead of the board: when asked for, and where there is no terminal."""
    return plain or not sys.stdout.isatty()


async def publish_before(emissions: Iterator[Emission], publisher: Publisher, start_ms: int) -> Iterator[Emission]:
    """Publish what comes up to ``start_ms``, as the profiles and the days before; the others are returned.

    Time comes along night by night, so that what rests for too long is taken for over before it goes on.
    """
    said = None
    for emission in emissions:
        if emission.time > start_ms:
            emissions = chain((emission,), emissions)
            break
        if said is not None and emission.time - said > NIGHT_MS:
            await publisher.progress(emission.time // SECOND_MS * SECOND_MS - 1)
        said = emission.time
        await publish(publisher, emission)
    await publisher.progress(start_ms - 1)
    return emissions


async def _show_while(show: Show, plain: bool, console: Terminal, work: Awaitable[None]) -> None:
    """Show the demo until the work is done; an error on either side ends both."""
    viewer = show.lines(console) if plain else show.board(console)
    watching, working = asyncio.ensure_future(viewer), asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait((watching, working), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (watching, working):
            task.cancel()
        await asyncio.gather(watching, working, return_exceptions=True)


@contextlib.contextmanager
def _interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """While inside, Ctrl-C ends the simulation instead of the program."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or not this platform
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
