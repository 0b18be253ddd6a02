"""Replays from the door to the last table: whose markers count, how many there are, and what is left of them."""

import logging
from typing import Any

import msgspec
import orjson
import pytest

from streams.base.records import Line, Progress
from streams.base.times import to_ms
from streams.engine.changelog import encode_key
from streams.engine.offline import Offline, OfflineTask
from streams.intake.clock import LineClock
from tests.support.offline import NOW, TaskUnderTest, deployment, fetched, the_ingest
from tests.support.records import Fetched, record
from tests.support.system import event, home

DAY_MS = 86_400_000
OLD = 978_310_800
"""2001-01-01T01:00:00Z."""


def marker(kind: str, replay: str, source: str = "/replay", **more: Any) -> dict[str, Any]:
    at, topics = more.get("at", OLD + 86_400), more.get("topics", ["contacts.voice"])
    value = event(f"replay.{kind}", f"{replay}-{kind}", at)
    return {**value, "source": source, "data": {"replay_id": replay, "topics": topics}}


def lying(value: dict[str, Any], topic: str = "contacts.voice", offset: int = 0) -> Fetched:
    return record(topic=topic, value=orjson.dumps(value), timestamp=NOW, offset=offset)


def refused(task: TaskUnderTest) -> list[tuple[str, str | None]]:
    return [(letter["reason"], letter["path"]) for letter in task.on("contacts.dead-letters")]


def told(task: TaskUnderTest) -> dict[str, dict[str, Any]]:
    """Line → what was said of it last."""
    found: dict[str, dict[str, Any]] = {}
    for where, key, value in task.sent:
        if where == "contact.normalised" and key is None:
            found |= value["lines"]
    return found


def test_markers_count_only_from_the_source_that_declared_the_replay() -> None:
    task = the_ingest("contacts.voice", "contacts.forum")
    task.batch([lying(marker("started", "r", at=OLD))])
    strangers = [
        (marker("ended", "r", "/forum", topics=["contacts.forum"]), "contacts.forum", "source"),
        (marker("ended", "r", "/forum"), "contacts.voice", "source"),
        (marker("progressed", "r", at=0, topics=["contacts.forum"]), "contacts.forum", "data.topics"),
        (marker("progressed", "r", at=0), "contacts.forum", "data.topics"),
    ]
    task.batch([lying(value, topic, offset) for offset, (value, topic, _) in enumerate(strangers)])
    assert [path for _, path in refused(task)] == [path for _, _, path in strangers]
    assert [reason for reason, _ in refused(task)] == ["replay-refused"] * 3 + ["wrong-type"]
    old = [{**event("contact.initiated", "c1", OLD + 60), "replayid": "r"}]
    task.batch([*fetched(old, 10), lying(marker("progressed", "r", at=OLD + 600), offset=11)], now=NOW + 1000)
    assert told(task)["r"] == {"watermark": (OLD + 600) * 1000 - 2000}, "nothing held it, nothing ended it"
    task.restart()
    task.batch([lying(marker("ended", "r", "/forum"), offset=12), lying(marker("ended", "r"), offset=13)])
    assert refused(task)[-1] == ("replay-refused", "source")
    assert told(task)["r"]["ended"]


@pytest.mark.parametrize("cuts", [[(99, False)], [(1, True)], [(4, False), (3, True)]])
def test_a_replay_without_a_marker_has_a_budget_of_events(cuts: list[tuple[int, bool]]) -> None:
    """Its time never begins, so nothing of it is ever forgotten: its state once had any size."""
    task = the_ingest(max_undeclared_events=10)
    many = [{**event("contact.initiated", f"c{n}", OLD + n), "replayid": "r"} for n in range(15)]
    twice = many[:10] + many  # what was taken is a duplicate, and no event of the budget
    task.batches(fetched(twice), cuts)
    assert len(task.on("contact.normalised")) == 10
    assert refused(task) == [("replay-refused", "replayid")] * 5
    limits = task.processor.notes.registry.get_sample_value
    assert limits("contact_streams_limits_total", {"hop": "ingest", "what": "undeclared"}) == 5
    live = [event("contact.initiated", f"l{n}", NOW / 1000) for n in range(30)]
    other = [{**each, "replayid": "s"} for each in many[:10]]
    task.batches(fetched(live + other, 100), cuts)
    assert len(task.on("contact.normalised")) == 50, "neither live events nor another replay's have to do with it"
    task.batches([lying(marker("started", "r", at=OLD), offset=200), *fetched(many * 2, 201)], cuts)
    assert len(task.on("contact.normalised")) == 55, "what was refused is taken when it is sent again"
    assert len(refused(task)) == 5
    assert task.tables["clocks"]["r"].early == 0


def test_a_declared_replay_has_no_budget_on_any_topic() -> None:
    task = the_ingest(max_undeclared_events=3)
    task.batch([lying(marker("started", "r", at=OLD, topics=["contacts.voice", "contacts.chat"]))])
    many = [
        {**each, "replayid": "r", "data": {**each["data"], "channel": channel}, "id": f"{channel}-{n}"}
        for n in range(9)
        for channel in ("voice", "chat")
        for each in [event("contact.initiated", f"c{n}", OLD + n)]
    ]
    task.batch(fetched(many, 1))
    assert refused(task) == []
    assert len(task.on("contact.normalised")) == 18


def test_what_comes_for_a_replay_that_has_ended_is_logged_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Four records at the right time made 18 of 18 events of another's replay vanish without a word."""
    task = the_ingest("contacts.voice", "contacts.forum")
    ends = [marker(kind, "1999-02", "/forum", topics=["contacts.forum"]) for kind in ("started", "ended")]
    task.batch([lying(value, "contacts.forum", n) for n, value in enumerate(ends)])
    real = [{**event("contact.initiated", f"c{n}", OLD + n), "replayid": "1999-02"} for n in range(18)]
    with caplog.at_level(logging.WARNING):
        task.batch([lying(marker("started", "1999-02", at=OLD)), *fetched(real[:9], 1)])
        task.batch(fetched(real[9:], 10))
    assert refused(task) == [("replay-refused", "source")]
    assert [r.getMessage() for r in caplog.records] == [
        "replay '1999-02' has ended: what still comes for it is left out, here first contacts.voice-0 offset 1"
    ]
    count = task.processor.notes.registry.get_sample_value("contact_streams_late_total", {"hop": "ingest"})
    assert count == 18


def test_there_are_at_most_so_many_replays_and_the_others_are_refused() -> None:
    """8,000 markers of replays that nobody ran, 2.2 MB, cost a third of a core for ever and the next start."""
    task = the_ingest(max_replays=3)
    names = [f"x{n}-{'a' * 90}" for n in range(8)]
    junk = [lying(marker("progressed", name), offset=n) for n, name in enumerate(names)]
    task.batch(junk)
    more = [{**event("contact.initiated", "c1", OLD), "replayid": name} for name in (names[0], names[7], "new")]
    task.restart()
    task.batch(fetched(more, 8))
    assert refused(task) == [("replay-refused", "data.replay_id")] * 5 + [("replay-refused", "replayid")] * 2
    assert [value["line"] for value in task.on("contact.normalised")] == [names[0]]
    assert len(task.tables["clocks"]) <= 4


def test_a_deployment_with_thousands_of_replays_starts_and_shrinks() -> None:
    task = the_ingest()
    for n in range(8000):
        clock = LineClock(times={"contacts.voice": 5}, declared=("contacts.voice",), watermark=3)
        task.changelog[encode_key("clocks", f"x{n:05}-{'a' * 93}")] = msgspec.json.encode(clock)
    task.restart()
    task.batch([], caught_up=True)
    sizes = [len(msgspec.json.encode(value)) for where, key, value in task.sent if where == "contact.normalised"]
    assert len(sizes) == 2 * 21
    assert max(sizes) < 64 * 1024
    sent = len(task.sent)
    for second in range(60):
        task.batch([], now=NOW + 1000 * second, caught_up=True)
    assert len(task.sent) == sent + 2 * 59, "one line moves, and one is told"
    for second in range(60):
        task.batch([], now=NOW + 2 * 3_600_000 + 1000 * second, caught_up=True)
    assert task.tables["clocks"].keys() == {""}
    assert sum(line != "" and state.get("forgotten", False) for line, state in told(task).items()) == 8000


def replayed(run: Offline, at: int, replay: str) -> None:
    """A replay of five calls on two partitions, live events beside it."""
    times = {"queued": 0, "connected": 30, "ended": 90}
    for contact in range(5):
        for kind, second in times.items():
            about = {"queue": f"q{contact % 2}", "customer_id": f"u{contact}", "tier": "gold"}
            by = {"by": "customer"} if kind == "ended" else {}
            old = event(f"contact.{kind}", f"c{contact}", OLD + second + contact, **about, **by)
            live = event(f"contact.{kind}", f"l{contact}-{at}", at / 1000 - 100 + second, **about, **by)
            waits = event("contact.queued", f"w{contact}", OLD + 500, **about)
            for number, one in enumerate(({**old, "replayid": replay}, live, {**waits, "replayid": replay})):
                topic, key = home({**one, "id": f"{one['id']}-{number}"})
                run.publish(topic, key, orjson.dumps(one), at, contact % 2)
    for kind, reached in (("started", OLD - 1), ("progressed", OLD + 900), ("ended", OLD + 3600)):
        at += 1000
        for tick in range(0, 900, 300):
            run.run(at + tick)
        for partition in range(2):
            run.publish("contacts.voice", None, orjson.dumps(marker(kind, replay, at=reached)), at, partition)


def rows_of(run: Offline, line: str) -> list[tuple[str, bytes]]:
    """Changelog rows of any agent that name the line anywhere."""
    name = line.encode()
    return [
        (task.info.name, key)
        for task in run.tasks
        for key, value in task.changelog.items()
        if name in key or name in value
    ]


@pytest.mark.parametrize("restart", [False, True])
def test_nothing_is_left_of_a_replay_after_its_life_and_it_can_come_again(restart: bool) -> None:
    """In no table of any agent; what came of it then is what came of it at first. Live rows stay as they are."""
    run = deployment(partitions=2)
    replayed(run, NOW, "week-1")
    for tick in range(4):
        run.run(NOW + 10_000 + 1000 * tick)
    first = outputs(run, "week-1", 0)
    assert {topic for topic, _ in first} >= {"journeys", "segments", "kpis", "queue.state"}
    assert {name.split("-")[0] for name, _ in rows_of(run, "week-1")} == {
        "ingest",
        "identify",
        "track",
        "measure",
        "alert",
    }
    later = NOW + 33 * DAY_MS
    for tick in range(8):
        run.run(later + 1000 * tick)
        if restart:
            run.restart()
    assert rows_of(run, "week-1") == []
    assert outputs(run, "week-1", later) == {}
    removed = {each.key for each in run.on("journeys") if each.value is None and b"~week-1" in (each.key or b"")}
    assert removed == {key for topic, key in first if topic == "journeys"}, "their names were in its rows alone"
    assert any(b"u1" in key for name, key in rows_of(run, "u1") if name.startswith("track")), (
        "the live customer is known"
    )
    replayed(run, later + 20_000, "week-1")
    for tick in range(4):
        run.run(later + 40_000 + 1000 * tick)
    assert outputs(run, "week-1", later) == first


OUTPUTS = ("journeys", "segments", "kpis", "queue.state", "alerts")


def outputs(run: Offline, line: str, since: int) -> dict[tuple[str, bytes | None], Any]:
    """The newest record of each key that a line made from a moment on."""
    found = {}
    for topic in OUTPUTS:
        for each in run.on(topic):
            if each.value is None:  # a name that stood for a moment, as the log was cut
                found.pop((topic, each.key), None)
                continue
            value = orjson.loads(each.value)
            if each.timestamp >= since and value.get("line") == line:
                for name in ("revision", "before", "changed"):  # what was told before depends on how the log was cut
                    value.pop(name, None)
                found[topic, each.key] = value
    return found


def test_lines_that_leave_go_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.pipeline.stage.MAX_DUE", 2)
    run = deployment(partitions=2)
    replayed(run, NOW, "week-1")
    for tick in range(40):
        run.run(NOW + 10_000 + 1000 * tick)
    assert len([row for row in rows_of(run, "week-1") if row[0].startswith("track")]) > 3
    for tick in range(40):
        run.run(NOW + 33 * DAY_MS + 1000 * tick)
    assert rows_of(run, "week-1") == []


@pytest.mark.parametrize("restart", [False, True])
def test_what_the_end_of_a_replay_releases_comes_in_portions(monkeypatch: pytest.MonkeyPatch, restart: bool) -> None:
    """8,000 calls before the first marker were 228,000 readings and 879 MB in one transaction."""
    whole = deployment(partitions=2)
    replayed(whole, NOW, "week-1")
    for tick in range(4):
        whole.run(NOW + 10_000 + 1000 * tick)
    monkeypatch.setattr("streams.pipeline.measure.MOST_RECORDS", 30)
    run, sizes, batch = deployment(partitions=2), list[int](), OfflineTask.batch

    def watched(task: OfflineTask, *given: Any) -> Any:
        sends = batch(task, *given)
        sizes.append(sum(len(items) for (topic, _), items in sends.items() if topic == "kpis"))
        return sends

    monkeypatch.setattr(OfflineTask, "batch", watched)
    replayed(run, NOW, "week-1")
    for tick in range(200):
        run.run(NOW + 10_000 + 1000 * tick)
        if restart and tick % 9 == 0:
            run.restart()
    parts = [outputs(each, "week-1", 0) for each in (whole, run)]
    for found in parts:
        for value in found.values():
            value.pop("watermark", None)
            if "oldest_entered" in value:  # who waits is looked at after each portion
                waited = to_ms(value.pop("at")) - to_ms(value["oldest_entered"])
                assert value.pop("longest_wait_ms") == waited <= 3_600_000
    assert parts[1] == parts[0]
    assert sum(1 for size in sizes if size) > 3
    assert max(sizes) < 50
    assert sum(sizes) > 40


def test_progress_of_the_version_before_is_read() -> None:
    progress = msgspec.json.decode(
        b'{"kind":"progress","origin":"a","of":1,"lines":{"r":{"watermark":5}}}', type=Progress
    )
    assert not progress.lines["r"].forgotten


@pytest.mark.parametrize("time", [-62_135_647_200_000, 253_402_350_399_000])
def test_a_deployment_that_the_year_1_or_10000_has_stopped_goes_on(time: int) -> None:
    """It came to every agent before anybody knew; the line is forgotten by all of them, and nothing raises."""
    run = deployment()
    run.run(NOW)
    clock = LineClock(
        times={"contacts.forum": time}, declared=("contacts.forum",), ended=("contacts.forum",), watermark=time
    )
    run.task("ingest").changelog[encode_key("clocks", "a")] = msgspec.json.encode(clock)
    for hop, origin in (("identify", "ingest-0"), ("track", "identify-0"), ("measure", "track-0")):
        said = Progress(origin, 1, {"": Line(NOW - 5000), "a": Line(time, ended=True)})
        run.task(hop).changelog[encode_key("watermarks", origin)] = msgspec.json.encode(said)
    run.restart()
    one = event("contact.queued", "c1", NOW / 1000, queue="q", customer_id="u")
    topic, key = home(one)
    run.publish(topic, key, orjson.dumps(one), NOW)
    for tick in range(30):
        run.run(NOW + 1000 * tick)
    assert run.on("contacts.dead-letters") == []
    assert {orjson.loads(each.value or b"")["customer"] for each in run.on("journeys")} == {"customer:u"}
    assert [orjson.loads(each.value or b"")["depth"] for each in run.on("queue.state")] == [1]
    for task in run.tasks:
        table = task.tables["clocks" if task.inlet.name == "ingest" else "watermarks"]
        assert "a" not in table
        assert all("a" not in getattr(row, "lines", ()) for row in table.values())
