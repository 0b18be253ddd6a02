"""The quality of contacts, from their events to the topic, through all four agents."""

from random import Random
from typing import Any

import orjson
import pytest

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.engine.offline import Offline
from tests.support.transcripts import CURT, KIND, LANGUAGES, SHOWN, at, run_of, talk


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
