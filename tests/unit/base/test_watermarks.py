"""Stream time: never ahead of what is still to come, never back."""

from collections.abc import Mapping

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.base.records import LIVE, Line, Progress
from streams.base.times import HOUR_MS
from streams.base.watermarks import Watermarks
from streams.intake.clock import InputClock, LineClock


def says(origin: str, of: int = 2, **lines: Line) -> Progress:
    return Progress(origin, of, {"" if name == "live" else name: line for name, line in lines.items()})


def test_stream_time_is_the_smallest_of_all_origins() -> None:
    marks = Watermarks({})
    assert marks.stream_time(LIVE) is None
    marks.note(says("a", live=Line(10)))
    assert marks.stream_time(LIVE) is None
    marks.note(says("b", live=Line(7)))
    assert marks.stream_time(LIVE) == 7
    marks.note(says("b", live=Line(5)))
    assert marks.stream_time(LIVE) == 7
    marks.note(says("b", live=Line(12)))
    assert marks.stream_time(LIVE) == 10


def test_a_line_ends_when_all_origins_end_it() -> None:
    marks = Watermarks({})
    marks.note(says("a", live=Line(1), r1=Line(3, ended=True)))
    marks.note(says("b", live=Line(1), r1=Line(2)))
    assert not marks.ended("r1")
    marks.note(says("b", live=Line(2), r1=Line(3, ended=True)))
    marks.note(says("b", live=Line(3)))
    assert marks.ended("r1")
    assert marks.stream_time("r1") == 3
    assert not marks.ended(LIVE)
    assert marks.lines() == [LIVE, "r1"]
    marks.forget("r1")
    assert marks.lines() == [LIVE]
    assert not marks.ended("r1")
    assert marks.stream_time("r1") is None


def test_a_new_origin_holds_the_time_until_it_speaks() -> None:
    marks = Watermarks({})
    marks.note(says("a", of=1, live=Line(10)))
    assert marks.stream_time(LIVE) == 10
    marks.note(says("a", of=2, live=Line(11)))
    assert marks.stream_time(LIVE) is None
    marks.note(says("b", of=2, live=Line(8)))
    assert marks.stream_time(LIVE) == 8


def test_a_progress_that_says_nothing_new_is_not_written() -> None:
    table: dict[str, Progress] = {}
    marks = Watermarks(table)
    marks.note(says("a", live=Line(10)))
    before = table["a"]
    marks.note(says("a", live=Line(9)))
    assert table["a"] is before


def test_the_first_to_declare_a_replay_says_whose_it_is_and_what_it_uses() -> None:
    clock = InputClock({}, 0)
    clock.event("r1", "voice", 5)
    assert clock.declare("r1", "/a", ["voice", "chat"]) == ("/a", {"voice", "chat"})
    assert clock.declare("r1", "/b", ["forum"]) == ("/a", {"voice", "chat"})
    assert clock.declare("r1", "/a", ["forum"]) == ("/a", {"voice", "chat"})
    before = InputClock({"r2": LineClock(declared=("voice",))}, 0)
    assert before.declare("r2", "/a", ["chat"]) == ("/a", {"voice", "chat"}), "a row of the version before"


D = 24 * HOUR_MS


def test_lines_have_a_limit_and_a_life() -> None:
    table: dict[str, LineClock] = {}
    clock = InputClock(table, 0)
    assert clock.quiet(32 * D, 2) == [], "nothing is known of the time"
    assert [clock.admit(line, 100 * D + HOUR_MS // 2, 2) for line in ("r1", "r2", "r3", "r1")] == [
        True,
        True,
        False,
        True,
    ]
    written = table["r1"]
    assert clock.admit("r1", 100 * D + HOUR_MS - 1, 2)
    assert table["r1"] is written, "written once an hour"
    clock.admit("r1", 110 * D, 2)
    clock.watermark(LIVE, 132 * D)
    assert clock.quiet(32 * D, 2) == []
    clock.watermark(LIVE, 132 * D + HOUR_MS)
    again = InputClock(dict(table), 0)
    assert clock.quiet(32 * D, 2) == again.quiet(32 * D, 2) == ["r2"]
    clock.forget("r2")
    assert clock.admit("r3", 132 * D, 2)
    assert clock.quiet(32 * D, 2) == [], "looked for once an hour"


def test_many_lines_of_the_version_before_go_and_few_stay() -> None:
    def of_before(count: int) -> InputClock:
        table = {f"x{n:05}": LineClock(times={"forum": 5}, watermark=3) for n in range(count)}
        clock = InputClock(table, 0)
        clock.watermark(LIVE, 1000 * D)
        return clock

    few, many = of_before(50), of_before(8000)
    assert not many.admit("new", 1000 * D, 50)
    for _ in range(100):
        assert few.quiet(32 * D, 50) == []
        assert many.quiet(32 * D, 50) == []
    assert many.admit("x00007", 1000 * D, 50), "in use after all"
    few.watermark(LIVE, 1000 * D + 2 * HOUR_MS)
    many.watermark(LIVE, 1000 * D + 2 * HOUR_MS)
    gone: list[str] = []
    while found := many.quiet(32 * D, 50):
        assert len(found) <= 200
        gone += found
        for line in found:
            many.forget(line)
    assert few.quiet(32 * D, 50) == []
    assert len(gone) == 7999
    assert many.replays() == ["x00007"]
    few.watermark(LIVE, 1033 * D)
    assert len(few.quiet(32 * D, 50)) == 50


def test_a_line_is_gone_when_nobody_speaks_of_it_any_more() -> None:
    table: dict[str, Progress] = {}
    marks = Watermarks(table)
    gone = Line(0, forgotten=True)
    for origin in "ab":
        marks.note(says(origin, live=Line(1), r1=Line(5, ended=True), r2=Line(5)))
    marks.note(says("a", r1=gone, r3=gone))
    assert marks.forgotten() == ["r3"], "the other one still speaks of r1"
    assert (marks.stream_time("r1"), marks.ended("r1"), marks.lines()) == (None, False, [LIVE, "r1", "r2"])
    marks.note(says("b", r1=gone))
    assert marks.forgotten() == Watermarks(dict(table)).forgotten() == ["r1", "r3"]
    assert marks.lines() == [LIVE, "r2"]
    for line in ("r1", "r3"):
        marks.forget(line)
    assert marks.forgotten() == []
    assert table["a"].lines.keys() == {LIVE, "r2"}
    marks.note(says("a", r1=Line(7)))
    marks.note(says("b", r1=Line(9)))
    assert (marks.stream_time("r1"), marks.ended("r1")) == (7, False), "it begins anew"


def test_a_line_that_comes_again_before_all_have_forgotten_it_begins_anew() -> None:
    marks = Watermarks({})
    for origin in "ab":
        marks.note(says(origin, r1=Line(50, ended=True)))
    marks.note(says("a", r1=Line(0, forgotten=True)))
    marks.note(says("a", r1=Line(7)))
    assert marks.forgotten() == []
    assert (marks.stream_time("r1"), marks.ended("r1")) == (7, False)


lines = st.dictionaries(st.sampled_from(["live", "r1"]), st.builds(Line, st.integers(0, 20), st.booleans()), max_size=2)


@given(st.lists(st.tuples(st.sampled_from("abc"), lines), max_size=20))
def test_watermarks_against_a_model(told: list[tuple[str, Mapping[str, Line]]]) -> None:
    table: dict[str, Progress] = {}
    reached: dict[str, dict[str, int]] = {LIVE: {}, "r1": {}}
    ends: set[tuple[str, str]] = set()
    for origin, said in told:
        Watermarks(table).note(says(origin, of=3, **said))
        for name, line in says(origin, of=3, **said).lines.items():
            reached[name][origin] = max(line.watermark, reached[name].get(origin, 0))
            if line.ended:
                ends.add((name, origin))
        for name, marks in reached.items():
            assert Watermarks(table).stream_time(name) == (min(marks.values()) if len(marks) == 3 else None)
            assert Watermarks(table).ended(name) == all((name, origin) in ends for origin in "abc")


def test_live_and_caught_up_follows_the_wall_clock() -> None:
    clock = InputClock({}, 2000)
    assert clock.watermark(LIVE, 10_000) == Line(8000)
    clock.event(LIVE, "voice", 11_000)
    assert clock.watermark(LIVE, 12_000) == Line(10_000)


def test_live_and_behind_follows_the_events_of_the_topics_behind() -> None:
    clock = InputClock({}, 2000)
    clock.event(LIVE, "voice", 50_000)
    clock.event(LIVE, "chat", 30_000)
    assert clock.watermark(LIVE, 100_000, ["voice", "chat"]) == Line(28_000)
    assert clock.watermark(LIVE, 100_000, ["voice"]) == Line(48_000)
    assert clock.watermark(LIVE, 100_000, ["mail"]) == Line(48_000)
    assert clock.watermark(LIVE, 100_000) == Line(98_000)
    assert clock.watermark(LIVE, 100_000, ["chat"]) == Line(98_000)


def test_an_event_from_the_future_does_not_carry_the_watermark_beyond_now() -> None:
    clock = InputClock({}, 2000)
    clock.event(LIVE, "voice", 500_000)
    assert clock.watermark(LIVE, 100_000, ["voice"]) == Line(98_000)


def test_a_topic_never_read_holds_the_live_line() -> None:
    assert InputClock({}, 2000).watermark(LIVE, 100_000, ["voice"]) is None


def test_a_replay() -> None:
    clock = InputClock({}, 2000)
    clock.event("r1", "voice", 5000)
    assert clock.watermark("r1", 10**12) is None
    assert clock.declare("r1", "/replay", ["voice", "chat"]) == ("/replay", {"voice", "chat"})
    clock.marker("r1", "voice", 1000)
    assert clock.watermark("r1", 10**12) is None
    clock.marker("r1", "chat", 1000)
    assert clock.watermark("r1", 10**12) == Line(-1000)
    clock.event("r1", "chat", 4000)
    assert clock.watermark("r1", 10**12) == Line(2000)
    clock.marker("r1", "chat", 9000, ended=True)
    assert clock.watermark("r1", 10**12) == Line(3000)
    clock.event("r1", "voice", 8500)
    assert clock.watermark("r1", 10**12) == Line(6500)
    clock.marker("r1", "voice", 9000, ended=True)
    assert clock.watermark("r1", 10**12) == Line(9000, ended=True)
    clock.event("r1", "voice", 100)
    assert clock.watermarks(20_000) == {LIVE: Line(18_000), "r1": Line(9000, ended=True)}
    assert clock.replays() == ["r1"]
    clock.forget("r1")
    clock.forget("r1")
    assert clock.watermarks(20_000) == {LIVE: Line(18_000)}


def test_a_clock_goes_on_from_its_table() -> None:
    table: dict[str, LineClock] = {}
    clock = InputClock(table, 2000)
    clock.watermark(LIVE, 100_000)
    clock.declare("r1", "/replay", ["voice"])
    clock.marker("r1", "voice", 5000, ended=True)
    clock.watermark("r1", 0)
    packed = {key: msgspec.json.encode(value) for key, value in table.items()}
    again = InputClock({key: msgspec.json.decode(value, type=LineClock) for key, value in packed.items()}, 2000)
    assert again.watermarks(100, ["voice"]) == {LIVE: Line(98_000), "r1": Line(5000, ended=True)}


TOPICS = ("voice", "chat")
steps = st.tuples(
    st.sampled_from(["event", "marker", "end"]),
    st.sampled_from(TOPICS),
    st.sampled_from([LIVE, "r1", "r2"]),
    st.integers(0, 50),
)


@given(st.lists(st.tuples(steps, st.integers(0, 60), st.sets(st.sampled_from(TOPICS))), max_size=30), st.integers(0, 5))
def test_input_clock_against_a_model(
    history: list[tuple[tuple[str, str, str, int], int, set[str]]], out_of_orderness: int
) -> None:
    clock = InputClock({}, out_of_orderness)
    times: dict[tuple[str, str], int] = {}
    marked: set[tuple[str, str]] = set()
    ends: set[tuple[str, str]] = set()
    given_out: dict[str, Line] = {}
    for (what, topic, line, time), now, behind in history:
        if what == "event" or line == LIVE:
            clock.event(line, topic, time)
        else:
            clock.declare(line, "/replay", TOPICS)
            clock.marker(line, topic, time, ended=what == "end")
            marked.add((line, topic))
            if what == "end":
                ends.add((line, topic))
        times[line, topic] = max(time, times.get((line, topic), 0))
        for name, said in clock.watermarks(now, behind).items():
            before = given_out.get(name)
            assert before is None or (said.watermark >= before.watermark and said.ended >= before.ended)
            assert said.ended == (name != LIVE and all((name, other) in ends for other in TOPICS))
            bounds = [times.get((name, other)) for other in TOPICS if name == LIVE or (name, other) not in ends]
            if name == LIVE:
                limit = now - out_of_orderness
            elif said.ended:
                limit = max(times[name, other] for other in TOPICS)
            else:
                limit = min(bound for bound in bounds if bound is not None) - out_of_orderness
            assert said.watermark <= max(limit, before.watermark if before else limit)
            given_out[name] = said
        if any(one == "r1" for one, _ in marked) and all(("r1", other) in times for other in TOPICS):
            assert "r1" in given_out
