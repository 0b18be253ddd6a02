"""Progress is believed only where it can be true: forged records stop nobody's time and let nobody's run ahead."""

from contextlib import suppress
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.progress import AHEAD_MS, LAST_MS, Implausible, Origins
from streams.base.records import LIVE, Line, Progress
from streams.base.watermarks import Watermarks
from streams.engine import changelog
from streams.engine.offline import Offline
from streams.intake.clock import InputClock, LineClock
from tests.support.offline import NOW, inlets, names

TOPICS = {"identify": "contact.normalised", "track": "contact.interactions", "measure": "contact.measurements"}
BEFORE = {"identify": "ingest", "track": "identify", "measure": "track"}
S = 1000


def deployment() -> Offline:
    pipeline = Offline(list(inlets().values()), dict.fromkeys(names(), 2))
    for second in range(3):
        pipeline.run(NOW + second * S)
    return pipeline


def live_times(pipeline: Offline) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for task in pipeline.tasks:
        found[task.info.name] = task.processor.live_time()  # type: ignore[union-attr]
    return found


FORGED = {
    "one of a thousand": lambda stage: Progress(f"{stage}-0", 1000, {LIVE: Line(0)}),
    "one of one": lambda stage: Progress(f"{stage}-0", 1, {LIVE: Line(NOW)}),
    "a stranger": lambda stage: Progress("evil", 2, {LIVE: Line(0)}),
    "a task too many": lambda stage: Progress(f"{stage}-2", 2, {LIVE: Line(0)}),
    "a number that is none": lambda stage: Progress(f"{stage}-01", 2, {LIVE: Line(0)}),
    "the year 2100": lambda stage: Progress(f"{stage}-0", 2, {LIVE: Line(LAST_MS)}),
    "a minute ahead": lambda stage: Progress(f"{stage}-0", 2, {LIVE: Line(NOW + 63 * S)}),
    "the live line ended": lambda stage: Progress(f"{stage}-0", 2, {LIVE: Line(0, True)}),
    "a replay beyond 2100": lambda stage: Progress(f"{stage}-0", 2, {"r": Line(LAST_MS + 1)}),
}


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("kind", FORGED)
@pytest.mark.parametrize("agent", TOPICS)
def test_a_progress_that_cannot_be_true_is_a_dead_letter(agent: str, kind: str, restart: bool) -> None:
    forged, honest = deployment(), deployment()
    said = FORGED[kind](BEFORE[agent])
    for partition in range(2):
        forged.publish(TOPICS[agent], None, msgspec.json.encode(said), NOW + 3 * S, partition)
    for second in range(3, 6):
        forged.run(NOW + second * S)
        honest.run(NOW + second * S)
        if restart:
            forged.restart()
            honest.restart()
    forged.run(NOW + 6 * S)
    honest.run(NOW + 6 * S)
    assert live_times(forged) == live_times(honest)
    assert None not in live_times(forged).values()
    letters = [orjson.loads(record.value or b"") for record in forged.on("contacts.dead-letters")]
    assert [(letter["hop"], letter["reason"], letter["topic"]) for letter in letters] == [
        (agent, "processing", TOPICS[agent])
    ] * 2
    assert all("Implausible" in letter["message"] for letter in letters)


@pytest.mark.parametrize("agent", TOPICS)
def test_state_that_was_poisoned_before_is_healed(agent: str) -> None:
    """A version that believed everything wrote it; the next owner drops it and time goes on."""
    poisoned, honest = deployment(), deployment()
    for task in poisoned.tasks:
        if task.inlet.name == agent:
            for said in (
                Progress("evil", 1000, {LIVE: Line(0)}),
                Progress(f"{BEFORE[agent]}-0", 1000, {LIVE: Line(LAST_MS, True)}),
            ):
                task.changelog[changelog.encode_key("watermarks", said.origin)] = msgspec.json.encode(said)
        if task.inlet.name == "ingest":
            ahead = msgspec.json.encode(LineClock({"contacts.voice": NOW}, watermark=NOW + 3 * 3600 * S))
            task.changelog[changelog.encode_key("clocks", LIVE)] = ahead
    poisoned.restart()
    honest.restart()
    for second in range(3, 8):
        poisoned.run(NOW + second * S)
        honest.run(NOW + second * S)
    assert live_times(poisoned) == live_times(honest)
    for task in poisoned.tasks:
        if task.inlet.name == agent:
            assert sorted(task.tables["watermarks"]) == [f"{BEFORE[agent]}-0", f"{BEFORE[agent]}-1"]


says = st.builds(
    Progress,
    st.sampled_from(["up-0", "up-1", "up-2", "up-", "up-00", "other-0", ""]),
    st.integers(-1, 4),
    st.dictionaries(st.sampled_from([LIVE, "r"]), st.builds(Line, st.integers(-(10**15), 10**15), st.booleans())),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(says, st.integers(0, 10 * S)), max_size=20))
def test_whatever_is_said_live_time_stays_behind_the_brokers_clock(told: list[tuple[Progress, int]]) -> None:
    marks = Watermarks({}, Origins("up", 2))
    latest = 0
    for said, appended in told:
        latest = max(latest, appended)
        with suppress(Implausible):
            marks.note(said, appended)
        time = marks.stream_time(LIVE)
        assert time is None or time <= latest + AHEAD_MS
        assert not marks.ended(LIVE)
    for number in range(2):
        marks.note(Progress(f"up-{number}", 2, {LIVE: Line(latest)}), latest)
    assert (marks.stream_time(LIVE) or 0) >= latest


def test_the_door_takes_back_a_watermark_that_a_wrong_clock_has_put_ahead() -> None:
    table = {LIVE: LineClock({"voice": NOW - S}, watermark=NOW + 3 * 3600 * S)}
    clock = InputClock(table, 2 * S)
    clock.heal(NOW)
    assert clock.watermark(LIVE, NOW) == Line(NOW - 2 * S)
    untouched = {LIVE: LineClock({"voice": NOW - S}, watermark=NOW - 2 * S)}
    InputClock(untouched, 2 * S).heal(NOW)
    assert untouched == {LIVE: LineClock({"voice": NOW - S}, watermark=NOW - 2 * S)}
