"""What connectors can make of state and outputs: bounded, said in a metric, and the same after a restart."""

from collections import Counter
from typing import Any

import msgspec
import orjson
import pytest

from streams import app
from streams.base.records import AgentState, Event, Fact, Line, Progress
from streams.base.times import iso
from streams.identity.owners import ContactOwner
from streams.worker.metrics import LIMITS, Metrics
from tests.support.offline import NOW, RULES, SETTINGS, TaskUnderTest, limited
from tests.support.records import Fetched, record

MINUTE = 60_000


def stage(hop: str, metrics: Metrics) -> TaskUnderTest:
    return TaskUnderTest(next(inlet for inlet in app.inlets(SETTINGS, RULES, metrics, None) if inlet.name == hop))


def read(told: list[Any]) -> list[Fetched]:
    return [record(offset=n, key=b"k", value=msgspec.json.encode(each)) for n, each in enumerate(told)]


def until(at: int) -> Fetched:
    return record(value=msgspec.json.encode(Progress("up-0", 1, {"": Line(at)})))


def event(ident: str, contact: str, time: int, **more: Any) -> Event:
    more = {"type": "contact.queued", "channel": "voice", "queue": "q"} | more
    return Event(id=ident, source="/pbx", time=time, contact=contact, **more)


def test_every_limit_is_a_series_from_the_start() -> None:
    metrics = Metrics()
    for hop, bounds in LIMITS.items():
        for what in bounds:
            assert metrics.registry.get_sample_value(
                "contact_streams_limits_total", {"hop": hop, "what": what}
            ) == 0  # fmt: skip


def test_a_contact_that_alternates_between_customers_makes_few_records() -> None:
    """3,000 events of 584 KB once made 4,008,129 interactions."""
    metrics = Metrics()
    task = stage("identify", metrics)
    told = [event(f"{n:04}", "flip", NOW + n, customer=f"own{n % 2}") for n in range(3000)]
    task.batches(read(told), [(500, True)])
    assert len(task.on("contact.interactions")) == 3000 + 55 + 10
    changes = [change["rule"] for change in task.on("identity.changes")]
    assert Counter(changes) == {"customer-id": 10, "too-many-changes": 1}
    assert limited(metrics) == {("identify", "owner"): 1, ("identify", "history"): 1}
    row = task.tables["owners"]["voice|flip"]
    assert isinstance(row, ContactOwner) and len(row.history) == 2000


def test_an_agent_of_very_many_queues_is_told_to_fifty_each_by_its_name() -> None:
    """10,000 names once made 10,000 records of all 10,000 names: 1.3 GB of 130 KB."""
    metrics = Metrics()
    task = stage("identify", metrics)
    told = [AgentState("a", "/wfm", "agent-1", "ready", NOW, queues=tuple(f"queue-{n:04}" for n in range(10_000)))]
    task.batches(read([*told, AgentState("b", "/wfm", "agent-1", "ready", NOW)]), [(9, False)])
    sent = [each.get("queues", []) for each in task.on("contact.measurements")]
    assert sorted(sent) == [[], *([f"queue-{n:04}"] for n in range(50))]
    assert limited(metrics) == {("identify", "queues"): 1}


def test_a_customer_of_very_many_contacts_keeps_its_row() -> None:
    metrics = Metrics()
    task = stage("track", metrics)
    wide = "\U0001f600" * 190
    told = [
        event(
            f"{n:06}{kind}{wide}"[:200],
            f"{n:06}{wide}",
            NOW + at,
            type=kind,
            owner="customer:hot",
            tier=wide,
            agent=wide,
        )
        for at, kind in enumerate(("contact.queued", "contact.offered", "contact.connected"))
        for n in range(150)
    ]
    task.batches(read(told), [(100, False), (90, True)])
    task.batch([until(NOW + 200 * MINUTE)])
    row = task.changelog[b"customers\0customer:hot"]
    assert len(row) < 772_000
    assert limited(metrics)["track", "row"] > 0
    offered = Counter[str]()
    for each in task.on("contact.measurements"):
        if each["fact"] == "contact_offered":
            offered[each["id"]] += each.get("sign", 1)
    assert set(offered.values()) == {1} and len(offered) == 150


def caught_up(task: TaskUnderTest) -> None:
    """What it publishes comes in batches of about 4,000 readings."""
    for _ in range(60):
        if task.processor.behind:
            task.batch([])
    assert not task.processor.behind


@pytest.mark.parametrize("cuts", [[(10_000, False)], [(70, True), (400, False)]])
def test_a_queue_and_a_tier_for_each_contact_are_counted_under_other(cuts: list[tuple[int, bool]]) -> None:
    metrics = Metrics()
    task = stage("measure", metrics)
    begin = NOW // MINUTE * MINUTE  # in one window
    told = [Fact("leg_opened", f"l{n}", begin + n, "voice", f"q{n}", f"t{n}", entered=begin + n) for n in range(1500)]
    task.batches(read(told), cuts)
    task.batch([until(NOW + MINUTE)])
    caught_up(task)
    queues = {each["queue"]: each["depth"] for each in task.on("queue.state")}
    assert (len(queues), queues["other"], sum(queues.values())) == (1001, 500, 1500)
    assert {each["dimensions"]["queue"] for each in task.on("kpis")} == set(queues)
    assert limited(metrics) == {("measure", "queue"): 500, ("measure", "tier"): 500}
    assert set(task.processor.queues_now()) == {("voice", queue) for queue in queues}
    task.batches(read([msgspec.structs.replace(each, sign=-1) for each in told]), cuts)
    task.batch([until(NOW + 2 * MINUTE)])
    caught_up(task)
    last = {each["queue"]: each["depth"] for each in task.on("queue.state")}
    assert set(last.values()) == {0} and set(last) == set(queues)


def test_the_lag_of_measure_is_that_of_its_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """While what stream time has passed is not out yet, it is not the time of which there are readings."""
    monkeypatch.setattr("streams.pipeline.measure.MOST_RECORDS", 5)
    task, start = stage("measure", Metrics()), NOW // MINUTE * MINUTE
    told = [Fact("leg_opened", f"l{n}", start, "voice", f"q{n % 4}", "gold", entered=start) for n in range(8)]
    task.batch([*read(told), until(start + 30 * MINUTE)])
    seen = [task.processor.live_time()]
    while task.processor.behind:
        ends = [each["window"]["end"] for each in task.on("kpis") if each["window"]["length_ms"] < 86_400_000]
        assert seen[-1] < start + 30 * MINUTE
        assert max(ends, default="") <= iso(seen[-1])
        task.batch([])
        seen.append(task.processor.live_time())
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert seen[-1] == start + 30 * MINUTE


def test_a_queue_state_of_very_many_tiers_fits() -> None:
    metrics = Metrics()
    task = stage("measure", metrics)
    wide = "\U0001f600" * 194
    told = [Fact("leg_opened", f"l{n}", NOW, "voice", "q", f"{n:06}{wide}", entered=NOW) for n in range(1400)]
    task.batches(read(told), [(1400, False)])
    task.batch([until(NOW + MINUTE)])
    caught_up(task)
    [state] = task.on("queue.state")
    assert (state["depth"], len(state["by_tier"]), len(orjson.dumps(state)) < 50_000) == (1400, 51, True)
    assert limited(metrics) == {("measure", "tier"): 400, ("measure", "by_tier"): 1}
    assert max(len(key) + len(row) for key, row in task.changelog.items()) < 52_000


def test_names_go_with_the_last_day_they_were_used_and_with_their_line() -> None:
    task = stage("measure", Metrics())
    day = 86_400_000
    for days in range(50):
        at = NOW + days * day
        told = [Fact("leg_opened", f"l{days}", at, "voice", f"q{days}", "gold"), Progress("up-0", 1, {"": Line(at)})]
        task.batch(read(told))
    kept = {key.split("\x1f")[2] for key in task.tables["names"] if "\x1fqueue\x1f" in key}
    assert kept == {f"q{days}" for days in range(1, 50)}
    replay = Fact("leg_opened", "l", NOW, "voice", "q", "gold", line="r")
    task.batch(read([replay, Progress("up-0", 1, {"r": Line(NOW)})]))
    assert [key for key in task.tables["names"] if key.startswith("r")]
    task.batch(read([Progress("up-0", 1, {"r": Line(NOW + MINUTE, ended=True)})]))
    assert not [key for key in task.tables["names"] if key.startswith("r")]
    task.batch(read([replay]))
    assert not [key for key in task.tables["names"] if key.startswith("r")], "too late"
