"""The quality of contacts, from their events to the topic, through all four agents."""

from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.engine.offline import Offline
from streams.quality.rules import QueueRules
from streams.rules import Rules
from tests.support.offline import RULES
from tests.support.transcripts import CURT, KIND, LANGUAGES, SHOWN, WITHIN_TWO_HOURS, at, run_of, talk


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


def of_cards(usual: QueueRules) -> Rules:
    customers = RULES.customers
    scored = replace(customers.quality, queues={"cards": usual})
    return replace(RULES, customers=replace(customers, quality=scored))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_differs_is_the_human_side_alone(language: str) -> None:
    """The case is solved at the same second, after a transfer each, slower than half of the queue's contacts are: all of
    that weighs the same, whatever the words.
    """
    rules = of_cards(QueueRules({10: MINUTE_MS, 50: 3 * MINUTE_MS, 90: 5 * MINUTE_MS}, (60, 90)))
    events = []
    for name, texts in (("curt", CURT[language]), ("kind", KIND[language])):
        events += talk(name, language, texts, name)
        events += [
            at("contact.transferred", name, 40 * SECOND_MS, agent_id="a-1"),
            at("contact.connected", name, 41 * SECOND_MS, agent_id="a-2"),
            at("case.solved", name, 235 * SECOND_MS, case_id=f"case of {name}"),
        ]
    found = standing(run_of(sorted(events, key=lambda each: each["time"]), rules=rules))
    curt, kind = found["curt"], found["kind"]
    for doc in (curt, kind):
        evidence = {each["what"]: each["weight"] for each in doc["business"]["evidence"]}
        assert evidence == {"need met": 0.6, "time": round(0.25 * (1 - 0.5 - 0.4 * 55 / 120), 4), "transfers": 0.06}
    assert curt["business"] == kind["business"] and 0.6 < curt["business"]["score"] < 0.75
    assert curt["hidden"] == kind["hidden"] and curt["time_ms"] == kind["time_ms"] == 235 * SECOND_MS
    assert kind["human"]["score"] - curt["human"]["score"] > 0.8
    same = ("human", "behaviours", "quality_id", "contact_id", "customer", "customer_id", "revision")
    assert {**kind, **dict.fromkeys(same)} == {**curt, **dict.fromkeys(same)}


def test_readings_of_the_day_are_the_means_of_its_records() -> None:
    events = [
        *talk("c1", "en", CURT["en"]),
        *talk("c2", "de", KIND["de"], "bob", start=10 * MINUTE_MS),
        at("contact.queued", "c4", 34 * MINUTE_MS, customer_id="eve", queue="cards"),
        at("contact.ended", "c4", 38 * MINUTE_MS, by="customer", reason="abandoned"),
    ]
    run = run_of(events, end=3 * DAY_MS)
    records = standing(run).values()
    days = [orjson.loads(each.value) for each in run.on("kpis") if b'"length_ms":86400000' in each.value]
    newest = {(each["window"]["start"], each["dimensions"]["queue"]): each for each in days}
    said: dict[str, list[int]] = {}
    for doc in newest.values():
        for each in doc["readings"]:
            if each["kpi"] == "quality":
                above, below = said.get(each["variant"], (0, 0))
                said[each["variant"]] = [above + each["numerator"], below + each["denominator"]]
    for side in ("business", "human", "hidden"):
        scores = [round(1000 * doc[side]["score"]) for doc in records if doc[side]["score"] is not None]
        assert said[side] == [sum(scores), len(scores)], side
    assert len(records) == 3 and said["human"][1] == 2
    rolling = [orjson.loads(each.value) for each in run.on("kpis")]
    assert not any(
        each["kpi"] == "quality" for doc in rolling for each in doc["readings"] if doc["window"]["length_ms"] < DAY_MS
    )


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


CALL = {"channel": "voice", "customer_id": "anna", "opened_by": "agent", "direction": "outbound"}


@pytest.mark.parametrize(("language", "promise"), WITHIN_TWO_HOURS.items())
def test_a_promise_is_held_against_the_deadline_that_it_names(language: str, promise: str) -> None:
    def kept(*more: dict[str, Any], end: int) -> set[float]:
        doc = standing(run_of([*talk("c1", language, ["-", promise, "-"]), *more], end=end))["c1"]
        return {each["weight"] > 0 for each in doc["hidden"]["evidence"] if each["what"] in ("callback", "deadline")}

    assert kept(end=2 * HOUR_MS) == set(), "its time is not over"
    assert kept(end=2 * HOUR_MS + 2 * MINUTE_MS) == {False}
    assert kept(at("contact.initiated", "v1", HOUR_MS, **CALL), end=3 * HOUR_MS) == {True}
    assert kept(at("contact.initiated", "v1", 3 * HOUR_MS, **CALL), end=4 * HOUR_MS) == {False}


def test_a_promise_is_kept_or_not() -> None:
    says = ["Hello Anna, here I am.", "I will call you back tomorrow.", "Thank you for waiting."]

    def kept(*more: dict[str, Any], end: int = 30 * HOUR_MS) -> float | None:
        doc = standing(run_of([*talk("c1", "en", says), *more], end=end))["c1"]
        found = [each["weight"] for each in doc["hidden"]["evidence"] if each["what"] == "callback"]
        return found[0] if found else None

    call = CALL
    assert kept(end=6 * HOUR_MS) is None, "its time is not over"
    assert kept() == 0.0
    assert kept(at("contact.initiated", "v1", 20 * HOUR_MS, **call)) > 0.4
    assert kept(at("contact.initiated", "v1", 29 * HOUR_MS, **call)) == 0.0
