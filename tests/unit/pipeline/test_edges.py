"""What the door does with times at the edges of the calendar, and with sums that leave what JSON can hold."""

from typing import Any

import msgspec
import orjson
import pytest

from schemas.events import EVENTS
from schemas.registry import topics
from streams.base.records import Fact, Line, Progress
from streams.intake.normalise import Policy, event_record
from streams.rules import shipped_nobody
from tests.support.offline import NOW, fetched, hops, the_ingest
from tests.support.records import record
from tests.support.system import event, home

DAY = 86_400
YEAR_1, YEAR_10000 = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"


def letters(task: Any) -> list[tuple[str, str | None]]:
    return [(letter["reason"], letter["path"]) for letter in task.on("contacts.dead-letters")]


@pytest.mark.parametrize("time", [YEAR_1, YEAR_10000])
@pytest.mark.parametrize("line", ["", "old"])
def test_a_time_that_no_format_can_write_is_refused(time: str, line: str) -> None:
    """168 bytes that stopped `track` for good: the door took them and `iso` could not write them."""
    task = the_ingest()
    poison = {**event("contact.initiated", "c1"), "time": time} | ({"replayid": line} if line else {})
    task.batch(fetched([poison, event("contact.initiated", "c2", NOW / 1000)]))
    assert letters(task) == [("wrong-type", "time")]
    assert [v["contact"] for v in task.on("contact.normalised")] == ["c2"]


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "2100-01-01T14:00:00+14:00"])
def test_a_replay_at_the_edges_goes_all_the_way(time: str) -> None:
    """Through every agent, with all that is written of it when the line ends."""
    first, tasks = the_ingest(), hops()
    about = {"queue": "q", "customer_id": "u", "tier": "gold"}
    kinds = ("contact.queued", "contact.connected", "contact.ended", "contact.wrapped_up")
    told: dict[str, dict[str, Any]] = {
        "contact.wrapped_up": {"duration_ms": 7 * DAY * 1000},
        "contact.ended": {"by": "customer"},
    }
    events = [{**event(k, "c1", 0, **about, **told.get(k, {})), "time": time, "replayid": "r"} for k in kinds]
    first.batch(fetched(events))
    assert first.on("contacts.dead-letters") == []
    waiting = [(key, value) for where, key, value in first.sent if where == "contact.normalised" and key is not None]
    steps = (("identify", "contact.normalised", "contact.interactions"),
             ("track", "contact.interactions", "contact.measurements"), ("measure", "contact.measurements", ""))  # fmt: skip
    for hop, topic, following in steps:
        end = msgspec.json.encode(Progress("up-0", 1, {"r": Line(4_102_444_800_000 + 30 * DAY * 1000, True)}))
        read = [record(topic=topic, offset=n, key=k, value=orjson.dumps(v)) for n, (k, v) in enumerate(waiting)]
        tasks[hop].batch([*read, record(topic=topic, offset=len(read), value=end)])
        waiting = [(k, v) for where, k, v in tasks[hop].sent if where == following and k is not None]
    assert {each["line"] for each in tasks["track"].on("journeys") if each is not None} == {"r"}
    days = [each for each in tasks["measure"].on("kpis") if each["window"]["length_ms"] == DAY * 1000]
    assert days[-1]["status"] == "final"


@pytest.mark.parametrize(
    ("kind", "more", "field"),
    [
        ("contact.callback_requested", {}, "scheduled_for"),
        ("alert.commanded", {"alert_id": "a@customer:u", "action": "snooze"}, "until"),
    ],
)
@pytest.mark.parametrize(("days", "taken"), [(365, True), (367, False)])
def test_a_plan_reaches_a_year(kind: str, more: dict[str, Any], field: str, days: int, taken: bool) -> None:
    task = the_ingest() if kind.startswith("contact.") else the_ingest("alert.commands")
    planned = event("x", "c", NOW / 1000 + days * DAY)["time"]
    one = event(kind, "c1", NOW / 1000, **more, **{field: planned})
    task.batch(fetched([one]))
    assert letters(task) == ([] if taken else [("in-the-future", f"data.{field}")])
    assert home(one)[0] == task.info.topics[0]
    replayed = the_ingest(*task.info.topics)
    replayed.batch(fetched([{**one, "replayid": "r"}]))
    assert letters(replayed) == []


@pytest.mark.parametrize("timestamp", [-1, 2**63 - 1, -(2**63)])
def test_a_record_with_any_timestamp_becomes_a_dead_letter(timestamp: int) -> None:
    task = the_ingest()
    task.batch([record(topic="contacts.voice", key=b"k", value=b"{", timestamp=timestamp)])
    assert letters(task) == [("unreadable", None)]


def test_sums_that_cannot_be_written_are_written_as_the_largest_number_and_counted() -> None:
    """Once 2,100 times 2**53-1 ms: msgspec refused the row, and `measure` was lost for good."""
    measure = hops()["measure"]
    facts = [
        Fact("contact_handled", f"c{n}", NOW - 60_000, "voice", "q", "gold", wrap_ms=2**53 - 1) for n in range(3000)
    ]
    log = [*facts, Progress("up-0", 1, {"": Line(NOW + 30 * DAY * 1000)})]
    measure.batches([record(offset=n, value=msgspec.json.encode(f)) for n, f in enumerate(log)], [(1000, True)])
    wraps = [
        r for k in measure.on("kpis") for r in k["readings"] if (r["kpi"], r["variant"]) == ("handle_time", "wrap")
    ]
    assert {r["numerator"] for r in wraps} == {3000 * 366 * DAY * 1000}
    assert {k["sums"].get("wrap_ms", 0) for k in measure.on("kpis")} == {0, 3000 * 366 * DAY * 1000}
    more = hops()["measure"]
    more.batch([record(value=msgspec.json.encode(facts[0]))])
    ((key, pane),) = more.tables["panes"].items()
    more.tables["panes"][key] = {**pane, "wrap_ms": 2**70}
    more.batch([record(offset=1, value=msgspec.json.encode(log[-1]))])
    wraps = [r for k in more.on("kpis") for r in k["readings"] if (r["kpi"], r["variant"]) == ("handle_time", "wrap")]
    assert {(r["numerator"], r["value"]) for r in wraps} == {(2**53 - 1, 2**53 - 1)}
    assert more.processor.notes.registry.get_sample_value("contact_streams_saturated_total") >= 1


def test_what_the_contract_does_not_know_ends_at_the_door() -> None:
    """470 unknown fields of 1.9 KB on three events of one contact were a row no broker took."""
    task, owners = the_ingest(), hops()["identify"]
    extra = {f"x{n}": "y" * 1900 for n in range(470)}
    kinds = ("contact.queued", "contact.connected", "message.sent")
    more = {"message.sent": {"direction": "inbound", "author": "agent", "text": "hello"}}
    events = [event(k, "c1", NOW / 1000, queue="q", **more.get(k, {}), **extra) for k in kinds]
    events[0]["data"]["identifiers"] = [{"kind": "email", "value": "a@b.de", "x": "y"}]
    task.batch(fetched(events))
    sent = [(key, value) for where, key, value in task.sent if where == "contact.normalised" and key is not None]
    assert [value.get("data", {}).keys() for _, value in sent] == [
        set(),
        set(),
        {"direction", "author", "text", "behaviours"},
    ]
    assert len(orjson.dumps([value for _, value in sent])) < 1000
    owners.batch([record(offset=n, key=key, value=orjson.dumps(value)) for n, (key, value) in enumerate(sent)])
    assert sum(map(len, owners.changelog.values())) < 1500
    other = {**events[0], "data": {**events[0]["data"], "x1": "z"}}
    task.batch(fetched([events[0], other], offset=10))
    assert letters(task) == [("id-reused", "id")], "the content is that of the whole event"


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_every_field_of_every_type_is_passed_on(kind: str) -> None:
    """As many as the contract shows: an example of each type, as it lies on its topic."""
    for spec in topics().values():
        for example in spec.examples if spec.direction == "input" else ():
            value = example.value
            if value["type"] != kind or kind.startswith("replay."):
                continue
            told = msgspec.structs.asdict(event_record(value, 0, "", Policy(shipped_nobody())))
            words = {str(v) for v in value["data"].values() if not isinstance(v, list | dict)}
            kept = {str(v) for v in (*told.values(), *told.get("data", {}).values())}
            if kind == "customer.erased":  # who asked stays on its topic
                kept |= {told["owner"].removeprefix("customer:"), value["data"]["by"]}
            moments = ("scheduled_for", "until", "starts", "ends", "due", "contract_until", "customer_since")
            times = {value["data"].get(name) for name in moments}
            lost = words - kept - times - {value["data"].get("reason"), value["data"].get("phone")}
            if value["data"].get("tier_withdrawn"):
                assert told["tier"] == ""
                lost -= {"True"}
            if kind == "alert.rules.applied":
                lost -= {"alerts.yaml"}  # there is no other file
            assert not lost
