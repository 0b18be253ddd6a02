"""A customer's row that is made smaller while a batch runs: what comes out does not depend on where the log is cut."""

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.base.records import Event, Left, Line, Profile, Progress, output_key
from streams.customers import relief
from tests.support.journeys import nothing_is_removed
from tests.support.logs import a_cut, by_key, journeys_of, run
from tests.support.offline import TaskUnderTest, hops
from tests.support.track_story import OWNER, T0, D, H, M, S, event, said

SMALL = {"ROW_BYTES": 24_000, "ROW_KEPT": 17_000, "LINE_KEPT": 2_500}
"""A budget that twenty contacts use up."""
NOTHING_FITS = {"ROW_BYTES": 3_000, "ROW_KEPT": 2_000, "LINE_KEPT": 500}
"""A budget that two contacts use up: what cannot be made smaller stays above it."""


def segments_of(task: TaskUnderTest) -> dict[Any, Any]:
    """The segments that hold in the end, by key, without what came before. Of a line that was forgotten because the row
    was too large nothing is taken back, also when more comes of it later."""
    then = dict.fromkeys(("revision", "before", "changed"))
    last = {key: value for topic, key, value in task.sent if topic == "segments"}
    known = {
        output_key(line, key)
        for key, row in task.tables["customers"].items()
        for line, timeline in row.lines.items()
        if timeline.segments.score is not None
    }
    return {key: {**value, **then} for key, value in last.items() if value is not None and key in known}


def calls(count: int, apart: int, line: str = "") -> list[Any]:
    """Short calls of one customer, one after the other."""
    told: list[Any] = []
    for number in range(count):
        at = number * apart
        told.append(event("contact.initiated", at, f"c{number:04}", line=line))
        told.append(event("contact.ended", at + 5 * S, f"c{number:04}", by="customer", line=line))
    return told


@pytest.mark.parametrize("size", [1, 70, 10_000])
def test_every_journey_of_a_row_that_is_relieved_comes_out_closed(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of 4,000 contacts once left out 610 of 4,000 journeys, and one stayed open for ever."""
    nothing_is_removed(monkeypatch)
    for name, value in SMALL.items():
        monkeypatch.setattr(relief, name, value)
    log = [*calls(200, 8 * D, "r"), Progress("up-0", 1, {"r": Line(T0 + 400 * D * 10)})]
    task = run(hops()["track"], log, [(size, False)])
    found = journeys_of(task)
    assert len(found) == 200
    assert {each["status"] for each in found.values()} == {"closed"}
    assert {each["counts"]["contacts"] for each in found.values()} == {1}


def test_a_journey_keeps_its_contacts_while_one_of_them_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It once began anew with the contacts that were left, and its name stayed open for ever."""
    nothing_is_removed(monkeypatch)
    for name, value in SMALL.items():
        monkeypatch.setattr(relief, name, value)
    monkeypatch.setattr(relief, "ROW_BYTES", 20_000)
    monkeypatch.setattr(relief, "ROW_KEPT", 16_000)
    log = sorted(
        [
            *calls(60, 80 * H),
            *(event("message.sent", n * 40 * H, "long", "email", author="agent") for n in range(120)),
        ],
        key=lambda each: each.time,
    )
    log.append(Progress("up-0", 1, {"": Line(T0 + 4000 * D)}))
    for cuts in ([(1, False)], [(999, False)]):
        found = journeys_of(run(hops()["track"], log, cuts))
        assert [(each["counts"]["contacts"], each["status"]) for each in found.values()] == [(61, "closed")]


LINES = ["", "r", "x"], ["", "r"], ["x"]


@st.composite
def long_logs(draw: st.DrawFn) -> list[Any]:
    """Many contacts of one customer on two lines, close together or days apart, mostly in order, and progress; on a third
    line a few, most of which go to somebody else."""
    told: list[Any] = []
    at = 0
    for number in range(draw(st.integers(15, 40))):
        at += draw(st.sampled_from([M, 3 * H, 6 * D, 8 * D]))
        line, contact = draw(st.sampled_from(["", "", "", "r", "r", "x"])), f"c{number}"
        channel = draw(st.sampled_from(["voice", "chat"]))
        about: dict[str, Any] = {"line": line, "queue": "cards", "tier": draw(st.sampled_from([None, "gold"]))}
        about |= {"topic": draw(st.sampled_from([None, None, "X", "Y"]))}
        told.append(event("contact.queued", at, contact, channel, **about))
        if draw(st.booleans()):
            told.append(said(at + 20 * S, -0.9, contact=contact, **about | {"channel": channel}))
        if draw(st.booleans()):
            told.append(event("contact.connected", at + 150 * S, contact, channel, **about | {"agent": "a"}))
        if draw(st.integers(0, 3)):
            told.append(event("contact.ended", at + 200 * S, contact, channel, by="customer", line=line))
        if draw(st.integers(0, 9)) == 0:
            told.append(Profile(f"p{number}", "crm", "C1", T0 + at, line, tier=draw(st.sampled_from(["gold", "red"]))))
        if draw(st.integers(0, 9)) == 0:
            one = draw(st.sampled_from([each for each in told if isinstance(each, Event)]))
            told.append(Left(OWNER, one.contact, one.channel, "customer:C9", T0 + at, one.line))
        if line == "x" and draw(st.integers(0, 3)):
            told.append(Left(OWNER, contact, channel, "customer:C9", T0 + at, line))
        if draw(st.integers(0, 5)) == 0:
            swap = draw(st.integers(0, len(told) - 1))
            told[swap], told[-1] = told[-1], told[swap]
        if draw(st.booleans()):
            told.append(Progress("up-0", 1, dict.fromkeys(draw(st.sampled_from(LINES)), Line(T0 + at - M))))
    end = T0 + 4000 * D
    return [*told, Progress("up-0", 1, {"": Line(end), "r": Line(end, ended=True), "x": Line(end, ended=True)})]


def measured(
    log: list[Any], cuts: list[tuple[int, bool]], limits: dict[str, int], stays: bool = True
) -> tuple[TaskUnderTest, list[int]]:
    """The task after the log, and the bytes of the row each time they were more than it may have. ``stays``: records of
    journeys that are over are not removed.
    """
    measure, sizes = relief.measured, list[int]()

    def noted(*row: Any) -> int:
        size = measure(*row)
        if size > relief.ROW_BYTES:
            sizes.append(size)
        return size

    with pytest.MonkeyPatch.context() as patch:
        if stays:
            nothing_is_removed(patch)
        for name, value in limits.items():
            patch.setattr(relief, name, value)
        patch.setattr(relief, "measured", noted)
        return run(hops()["track"], log, cuts), sizes


def same(log: list[Any], limits: dict[str, int], *ways: list[tuple[int, bool]]) -> None:
    """What comes out is the same as one by one, and so are the sizes at which the row was made smaller: a few bytes more
    take another contact only in one log of some hundred."""
    one_by_one, sizes = measured(log, [(1, False)], limits)
    for cuts in ways:
        other, found = measured(log, cuts, limits)
        for topic in ("alerts", "contact.measurements"):
            assert by_key(other, topic) == by_key(one_by_one, topic)
        assert journeys_of(other) == journeys_of(one_by_one)
        assert segments_of(other) == segments_of(one_by_one)
        assert found == sizes


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
@given(long_logs(), a_cut, st.sampled_from([SMALL, SMALL, NOTHING_FITS]))
def test_what_comes_out_of_a_row_that_is_relieved_is_a_function_of_the_log(
    log: list[Any], cuts: list[tuple[int, bool]], limits: dict[str, int]
) -> None:
    same(log, limits, cuts, [(len(log), False)])


def test_a_line_of_which_nothing_is_left_counts_for_no_row() -> None:
    """Its contact went to another customer: a batch that saw it come and go measured a line that others forgot."""
    gone = [
        event("contact.queued", 0, "x", line="x", queue="cards"),
        Left(OWNER, "x", "voice", "customer:C9", T0 + S, "x"),
        Progress("up-0", 1, {"x": Line(T0 + 40 * D, ended=True)}),
    ]
    first, *others = calls(60, 8 * D)
    log = [first, *gone, *others, Progress("up-0", 1, {"": Line(T0 + 4000 * D)})]
    same(log, SMALL, *([(size, False)] for size in (3, 4, len(log))))
