"""The quality of contacts, from their events to the topic, through all four agents."""

from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.engine.offline import Offline
from tests.chaos.audit import quality, state
from tests.chaos.audit.logs import Difference, Logs, Rec
from tests.support.offline import NOW, deployment, mark, settle
from tests.support.system import event, home
from tests.support.transcripts import CURT, KIND, SHOWN

LANGUAGES = ("en", "it", "es", "fr", "de", "zh")
T0 = NOW - 2 * HOUR_MS
LINE = "r"


def at(kind: str, contact: str, ms: int, channel: str = "chat", **data: Any) -> dict[str, Any]:
    told = event(kind, contact, (T0 + ms) / 1000, channel=channel, **data)
    return {**told, "id": f"{contact}-{kind}-{ms}", "replayid": LINE}


def talk(contact: str, language: str | None, texts: list[str], customer: str = "anna", start: int = 0) -> list[Any]:
    """A request that is queued, answered after 20 s and solved after four minutes, with a hold in the middle."""
    says = {"author": "agent", "direction": "outbound", "language": language}
    asks = {"author": "customer", "direction": "inbound", "text": "My card is blocked", "customer_id": customer}
    first, second, third = ({"text": text, **says} for text in texts)
    steps = [
        ("contact.initiated", 0, {"customer_id": customer}),
        ("message.sent", 1, asks),
        ("contact.queued", 2, {"queue": "cards"}),
        ("contact.connected", 20, {"agent_id": "a-1"}),
        ("message.sent", 30, first),
        ("message.sent", 60, second),
        ("contact.held", 62, {}),
        ("contact.resumed", 180, {}),
        ("message.sent", 182, third),
        ("contact.ended", 240, {"by": "customer"}),
    ]
    return [at(kind, contact, start + second_ * SECOND_MS, **data) for kind, second_, data in steps]


def run_of(events: list[dict[str, Any]], size: int = 50, end: int = 6 * HOUR_MS) -> Offline:
    """A replay of the events; afterwards its stream time passes ``end``, ms after the first one."""
    run, topics = deployment(), sorted({home(one)[0] for one in events} | {"contacts.task"})
    mark(run, LINE, "started", T0 - 1, topics)
    for start in range(0, len(events), size):
        for one in events[start : start + size]:
            run.publish(*home(one), orjson.dumps(one), NOW)
        run.run(NOW)
    mark(run, LINE, "progressed", T0 + end, topics)
    settle(run, NOW)
    return run


def standing(run: Offline) -> dict[str, dict[str, Any]]:
    """The records that are left after compaction, by contact."""
    newest = {each.key: each.value for each in run.on("contact.quality")}
    docs = [orjson.loads(value) for value in newest.values() if value is not None]
    return {doc["contact_id"]: doc for doc in docs}


def without_revision(run: Offline) -> dict[str, dict[str, Any]]:
    return {name: {**doc, "revision": 0, "service_type": ""} for name, doc in standing(run).items()}


@pytest.mark.parametrize("tagged", [True, False])
def test_the_same_request_served_in_two_ways(tagged: bool) -> None:
    events = []
    for number, language in enumerate(LANGUAGES):
        for name, texts in (("curt", CURT[language]), ("kind", KIND[language])):
            tag = language if tagged else None
            events += talk(f"{name}-{language}", tag, texts, f"{name}{number}")
    found = standing(run_of(events))
    assert len(found) == 2 * len(LANGUAGES)
    for language in LANGUAGES:
        curt, kind = found[f"curt-{language}"], found[f"kind-{language}"]
        assert curt["business"]["score"] == kind["business"]["score"] == 1.0
        assert curt["time_ms"] == kind["time_ms"] == 4 * MINUTE_MS and curt["wait_ms"] == 18 * SECOND_MS
        assert (curt["human"]["score"], kind["human"]["score"]) == (0.12, 1.0), language
        assert {name for name, seen in kind["behaviours"].items() if seen} == SHOWN
        assert {name for name, seen in curt["behaviours"].items() if seen} == {"curt"}
        (shown,) = (each for each in curt["human"]["evidence"] if each["what"] == "curt")
        assert shown == {"what": "curt", "weight": -0.18, "event_ids": [f"curt-{language}-message.sent-60000"]}
        assert [each["what"] for each in curt["human"]["evidence"]] == ["served", "curt", "hold without a word"]


def test_no_text_leaves_the_door() -> None:
    run = run_of(talk("c1", "en", KIND["en"]))
    for topic in ("contact.quality", "contact.measurements", "journeys", "segments"):
        assert not any(
            b"Rossi" in (each.value or b"") or b"deadline of" in (each.value or b"") for each in run.on(topic)
        )
    for task in run.tasks:
        if task.info.inlet != "ingest":
            assert not any(b"Rossi" in value or b"deadline of" in value for value in task.changelog.values())


def audited(run: Offline) -> list[Difference]:
    found = Logs({"contact.quality": [Rec(*place, **told) for place, told in _told(run)]})
    [track] = [task for task in run.tasks if task.info.inlet == "track"]
    head = b"customers\0"
    rows = {
        (0, "customers", key[len(head) :].decode()): state.row_of(row)
        for key, row in track.changelog.items()
        if key.startswith(head)
    }
    return list(quality.check(found, rows))


def _told(run: Offline) -> list[tuple[tuple[str, int, int, int], dict[str, Any]]]:
    return [
        ((each.topic, each.partition, each.offset, each.timestamp), {"key": each.key, "value": each.value})
        for each in run.on("contact.quality")
    ]


def test_the_audit_holds_the_topic_against_the_rows() -> None:
    run = run_of([*talk("c1", "en", KIND["en"]), *talk("c2", "de", CURT["de"], "bob")])
    assert audited(run) == []
    [log] = [log for (topic, _), log in run.topics.items() if topic == "contact.quality" and log]
    other = replace(log[-1], value=log[-1].value.replace(b'"transfers":0', b'"transfers":1'), offset=99)
    log.append(other)
    (difference,) = audited(run)
    assert "is not what was told last" in difference.what
    log.append(replace(other, key=b"r/customer:eve/1"))
    assert len(audited(run)) == 2
    log += [replace(other, value=None), replace(other, key=b"r/customer:eve/1", value=None)]
    (difference,) = audited(run)
    assert "is told by the row alone" in difference.what


def shuffled(events: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    dice = Random(seed)
    mixed = [*events, *dice.sample(events, len(events) // 3)]
    dice.shuffle(mixed)
    return mixed


@pytest.mark.parametrize("seed", range(6))
def test_the_records_that_stand_hang_on_the_events_alone(seed: int) -> None:
    """Shuffled, some twice, in other batches: the same, to the last field but revision and type of service."""
    events = [
        *talk("c1", "en", CURT["en"]),
        *talk("c2", "de", KIND["de"], start=10 * MINUTE_MS),
        *talk("c3", None, KIND["zh"], start=20 * MINUTE_MS),
        at("message.sent", "c2", 30 * MINUTE_MS, author="customer", direction="inbound", text="One more thing"),
        at("feedback.given", "c1", 31 * MINUTE_MS, metric="csat", score=2),
        at("feedback.given", "c1", 32 * MINUTE_MS, metric="nps", score=9),
        at("feedback.given", "c1", 33 * MINUTE_MS, metric="csat", score=4),
        at("contact.queued", "c4", 34 * MINUTE_MS, customer_id="anna", queue="loans"),
        at("contact.ended", "c4", 38 * MINUTE_MS, by="customer", reason="abandoned"),
        at("contact.initiated", "c5", 50 * MINUTE_MS, customer_id="anna", opened_by="agent", direction="outbound"),
    ]
    wanted = without_revision(run_of(events, 1000, 55 * MINUTE_MS))
    assert wanted.keys() == {"c1", "c3", "c4"}, "c2 goes on, and c5"
    assert (wanted["c1"]["csat"], wanted["c1"]["nps"], wanted["c1"]["ces"]) == (4.0, 9.0, None)
    assert wanted["c4"]["business"]["score"] == 0.2 and wanted["c4"]["human"]["score"] is None
    parts = {each["what"]: each["weight"] for each in wanted["c4"]["hidden"]["evidence"]}
    assert parts["wait as before"] == round(0.5 * (18 + 30) / (240 + 30), 4), "c1, c2 and c3 waited for 18 s"
    assert without_revision(run_of(shuffled(events, seed), 1 + 7 * seed, 55 * MINUTE_MS)) == wanted


def test_a_contact_goes_to_another_customer_and_takes_its_record_along() -> None:
    nameless = [{**one, "data": {**one["data"]}} for one in talk("c1", "en", KIND["en"])]
    for one in nameless:
        one["data"].pop("customer_id", None)
    named = at("contact.wrapped_up", "c1", 5 * MINUTE_MS, customer_id="bob", agent_id="a-1")
    run = run_of([*nameless, named])
    owners = {each.key for each in run.on("contact.quality")}
    (doc,) = standing(run).values()
    assert (doc["customer"], doc["customer_id"]) == ("customer:bob", "bob")
    assert all(key.startswith(b"r/customer:bob/") for key in owners) or len(owners) == 2


def test_a_record_is_final_after_a_week_and_removed_after_a_month() -> None:
    events = talk("c1", "en", CURT["en"])
    (doc,) = standing(run_of(events, end=6 * DAY_MS)).values()
    assert doc["status"] == "provisional"
    (doc,) = standing(run_of(events, end=8 * DAY_MS)).values()
    assert doc["status"] == "final"
    assert standing(run_of(events, end=32 * DAY_MS)) == {}
    (doc,) = standing(run_of(events[:-1], end=31 * DAY_MS)).values()
    assert (doc["status"], doc["business"]["score"]) == ("final", None), "it timed out, and nobody can tell"


def test_a_promise_is_kept_or_not() -> None:
    says = ["Hello Anna, here I am.", "I will call you back tomorrow.", "Thank you for waiting."]

    def kept(*more: dict[str, Any], end: int = 30 * HOUR_MS) -> float | None:
        doc = standing(run_of([*talk("c1", "en", says), *more], end=end))["c1"]
        found = [each["weight"] for each in doc["hidden"]["evidence"] if each["what"] == "callback"]
        return found[0] if found else None

    call = {"channel": "voice", "customer_id": "anna", "opened_by": "agent", "direction": "outbound"}
    assert kept(end=6 * HOUR_MS) is None, "its time is not over"
    assert kept() == 0.0
    assert kept(at("contact.initiated", "v1", 20 * HOUR_MS, **call)) > 0.4
    assert kept(at("contact.initiated", "v1", 29 * HOUR_MS, **call)) == 0.0
