"""A simulated line through all four agents without a broker, and what a board knows of it then."""

import json
from collections.abc import Iterable

from streams.demo.parts import SECOND_MS, Emission
from streams.demo.publish import topics
from streams.demo.simulator import Simulation
from streams.demo.state import TOPICS as SHOWN
from streams.demo.state import BoardState
from streams.engine.offline import Offline
from tests.support.offline import NOW, RULES, deployment, mark, settle

OUT_OF_ORDER_MS = 2_000
"""A line's time is so far behind what is told, for events that are out of order."""

__all__ = ["RULES", "state_of", "through"]


def through(
    simulation: Simulation, emissions: Iterable[Emission], every_ms: int | None = 60_000, ended: bool = True
) -> Offline:
    """All topics after the line. ``every_ms``: simulated time comes along with the events, so often; None = all of them lie there before it does.
    ``ended``: the line is; else its time has come to the end of the simulation.
    """
    settings, run, now = simulation.settings, deployment(), NOW
    said = settings.begin_ms - 1
    mark(run, settings.line, "started", said, topics())
    for emission in emissions:
        if every_ms is not None and emission.time > said + every_ms:
            said = emission.time // SECOND_MS * SECOND_MS - 1
            mark(run, settings.line, "progressed", said, topics())
            now += SECOND_MS
            run.run(now)
        value = emission.raw if emission.event is None else json.dumps(emission.event).encode()
        run.publish(emission.topic, emission.key.encode(), value, now)
    end = simulation.end_ms or said
    if ended:
        mark(run, settings.line, "ended", end, topics())
    else:
        mark(run, settings.line, "progressed", end + OUT_OF_ORDER_MS, topics())
    for _ in range(10):  # how far time has come is told from hop to hop
        now += SECOND_MS
        run.run(now)
    settle(run, now)
    return run


def state_of(
    simulation: Simulation, emissions: Iterable[Emission], every_ms: int | None = 60_000, ended: bool = True
) -> BoardState:
    """What a board knows after it, see `through`."""
    run = through(simulation, emissions, every_ms, ended)
    state = BoardState(simulation.settings.line, opened=simulation.settings.start_ms)
    for topic in SHOWN:
        for record in run.on(topic):
            if record.value is not None:
                state.apply(topic, json.loads(record.value))
            elif record.key is not None:
                state.remove(topic, record.key.decode())
    return state
