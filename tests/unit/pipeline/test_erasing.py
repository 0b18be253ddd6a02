"""Customers are erased: through the real agents, without a broker, on two partitions."""

from random import Random
from typing import Any

import orjson
import pytest

from schemas import registry
from streams.base.times import HOUR_MS, iso
from streams.customers.journey_telling import TOPIC
from streams.engine.offline import Offline
from streams.pipeline.erasing import OWN_KEY, owners_topics
from tests.support.erasure_story import (
    ANNA,
    COOKIE,
    MAIL,
    PARTITIONS,
    PHONE,
    TABLET,
    by,
    call,
    deeds,
    erased,
    erasing_deployment,
    hers,
    his,
    holding,
    profile,
    publish,
    rows,
    tell,
    word,
)
from tests.support.journeys import current
from tests.support.offline import NOW, RULES, settle
from tests.support.records import each_of
from tests.support.system import event, home

OVER = NOW + 6 * HOUR_MS


def journeys(run: Offline) -> dict[str, Any]:
    return current(newest(run, "journeys").values())


def newest(run: Offline, topic: str) -> dict[bytes, Any]:
    found = {record.key or b"": record.value for record in run.on(topic)}
    return {key: orjson.loads(value) for key, value in found.items() if value is not None}


@pytest.fixture
def run() -> Offline:
    return erasing_deployment()


def test_nothing_is_left_of_who_is_erased_and_nobody_else_loses_anything(run: Offline) -> None:
    tell(run, NOW, *hers(NOW), *his(NOW))
    assert len(holding(run, *ANNA)) > 20
    assert "customer:anna-77" in rows(run)
    tell(run, NOW + 2000, erased("anna-77", NOW))
    assert holding(run, *ANNA) == []
    alone = erasing_deployment()
    tell(alone, NOW, *his(NOW))
    assert journeys(run).keys() == journeys(alone).keys() == {"customer:bob-8"}
    assert newest(run, "segments")[b"customer:bob-8"]["score"] == newest(alone, "segments")[b"customer:bob-8"]["score"]
    (proof,) = newest(run, "privacy.proofs").values()
    assert proof["until"] < proof["erased_at"] < proof["nothing_left_after"]
    assert not run.on("contacts.dead-letters")


def test_contacts_that_are_over_go_too(run: Offline) -> None:
    tell(run, NOW, *hers(NOW), *his(NOW))
    settle(run, OVER)
    tell(run, OVER, erased("anna-77", OVER - 1000))
    assert holding(run, *ANNA) == []
    assert rows(run).keys() == {"customer:bob-8"}


def test_alerts_that_fire_are_resolved_and_queues_wait_for_nobody(run: Offline) -> None:
    tell(run, NOW, *hers(NOW))
    fired = {each["episode_id"] for each in newest(run, "alerts").values() if each["state"] == "firing"}
    assert fired
    tell(run, NOW + 2000, erased("anna-77", NOW))
    assert newest(run, "alerts") == {}
    last = {each["alert"]["episode_id"]: each for each in newest(run, "alert.events").values()}
    assert {(last[name]["because"], last[name]["alert"]["state"]) for name in fired} == {("erased", "resolved")}
    for seconds in range(10, 90, 10):
        run.run(NOW + 2000 + seconds * 1000)
    assert {each["depth"] for each in newest(run, "queue.state").values()} == {0}
    assert not any(len(task.tables["standings"]) for task in run.tasks if task.inlet.name == "alert")


def test_what_still_comes_of_the_time_before_is_left_out_and_what_comes_later_is_a_new_persons(run: Offline) -> None:
    tell(run, NOW, *hers(NOW))
    tell(run, NOW + 2000, erased("anna-77", NOW))
    late = [
        event("contact.queued", "c-anna-9", NOW / 1000 - 5, queue="cards", **by(PHONE)),
        event("contact.connected", "c-anna-4", NOW / 1000 - 5, agent_id="a"),
        event("contact.initiated", "c-anna-8", NOW / 1000 - 9, customer_id="anna-77"),
        profile("anna-77", NOW - 3, MAIL),
        *deeds("anna-77", NOW - 4),
        word("linked", NOW - 2, f"phone:{PHONE}", f"email:{MAIL}"),
    ]
    tell(run, NOW + 4000, *late)
    assert holding(run, *ANNA) == []
    tell(run, NOW + 6000, event("contact.queued", "c-new", NOW / 1000 + 5, queue="cards", customer_id="anna-77"))
    journey = journeys(run)["customer:anna-77"]
    assert [each["contact_id"] for each in journey["contacts"]] == ["c-new"]
    assert newest(run, "segments")[b"customer:anna-77"]["tier"] == "none"


def test_a_replay_of_older_data_is_suppressed_and_one_that_runs_is_erased(run: Offline) -> None:
    topics = sorted({home(each)[0] for each in hers(NOW)})
    before = [each | {"replayid": "old"} for each in (*hers(NOW - 9000), *his(NOW - 9000))]
    start(run, "old", topics)
    tell(run, NOW, *hers(NOW), *before)
    assert any("old" in row.lines for row in rows(run).values())
    tell(run, NOW + 2000, erased("anna-77", NOW))
    assert holding(run, *ANNA) == []
    start(run, "new", topics)
    tell(run, NOW + 4000, *(each | {"replayid": "new"} for each in (*hers(NOW), *his(NOW))))
    assert holding(run, *ANNA) == []
    assert {line for row in rows(run).values() for line in row.lines} == {"old", "new"}


def start(run: Offline, line: str, topics: list[str]) -> None:
    marked(run, line, "started", topics, NOW - 86_400_000)


def marked(run: Offline, line: str, kind: str, topics: list[str], at: int) -> None:
    """A marker of a replay on every partition of its topics."""
    marker = {
        "specversion": "1.0", "id": f"{line}:{kind}", "source": "/tests", "type": f"replay.{kind}", "replayid": line,
        "time": iso(at), "data": {"replay_id": line, "topics": topics},
    }  # fmt: skip
    for topic in topics:
        for partition in range(PARTITIONS):
            run.publish(topic, b"replay", orjson.dumps(marker), NOW, partition)


def test_a_contact_whose_end_came_first_is_taken_back_when_the_rest_names_her(run: Offline) -> None:
    """Its own row went before what it had brought there was taken back, and the figures kept a contact of nobody."""
    tell(run, NOW, event("contact.ended", "c-anna-9", NOW / 1000 - 20, by="customer"), profile("anna-77", NOW, MAIL))
    assert "contact:voice:c-anna-9" in rows(run)
    tell(run, NOW + 2000, erased("anna-77", NOW - 1000))
    tell(run, NOW + 4000, event("contact.initiated", "c-anna-9", NOW / 1000 - 21, **by(MAIL)))
    facts = [fact for each in run.on("contact.measurements") for fact in each_of(orjson.loads(each.value or b"{}"))]
    signs = [each.get("sign", 1) for each in facts if each.get("id") == "c-anna-9" and each["fact"] != "quality"]
    assert sorted(signs) == [-1, 1]


def test_a_shared_tablet_becomes_the_other_customers(run: Offline) -> None:
    asks = event("contact.queued", "c-who", NOW / 1000 - 3, queue="cards", **by(TABLET))
    tell(run, NOW, *hers(NOW), *his(NOW), asks)
    assert "contact:voice:c-who" in journeys(run)
    tell(run, NOW + 2000, erased("anna-77", NOW))
    assert [each["contact_id"] for each in journeys(run)["customer:bob-8"]["contacts"]][-1] == "c-who"


@pytest.mark.parametrize("seed", range(60))
def test_any_order_any_cut_and_any_restart_leave_nothing_of_her_and_all_of_others(seed: int) -> None:
    random = Random(seed)
    until = NOW - 1000
    asks = event("contact.queued", "c-bob-3", NOW / 1000 - 3, queue="cards", **by(TABLET))
    told = [*hers(NOW - 5000), erased("anna-77", until), asks]
    random.shuffle(told)
    run, now = erasing_deployment(random.choice([1, 7, 4000])), NOW
    publish(run, now, *his(NOW - 5000))
    while told:
        part, told = told[: (count := random.randint(1, 8))], told[count:]
        publish(run, now, *part)
        run.run(now)
        now += random.choice([10, 1000, 6000])
        if random.random() < 0.4:
            run.restart(random.choice(["identify", "track"]))
    settle(run, now)
    assert holding(run, *ANNA) == []
    his_own = journeys(run)["customer:bob-8"]["contacts"]
    assert [each["contact_id"] for each in his_own] == ["c-bob-1", "c-bob-2", "c-bob-3"]
    assert len(newest(run, "privacy.proofs")) == 1


@pytest.mark.parametrize("seed", range(30))
def test_whoever_comes_later_under_her_id_loses_nothing(seed: int) -> None:
    """Also what came before the erasure was read."""
    random = Random(seed)
    new = [
        event("contact.queued", "c-new-1", NOW / 1000 + 1, queue="cards", customer_id="anna-77", **by(TABLET)),
        event("contact.queued", "c-new-2", NOW / 1000 + 2, queue="cards", customer_id="anna-77"),
        event("contact.connected", "c-new-2", NOW / 1000 + 3, agent_id="a"),
        event("contact.connected", "c-anna-2", NOW / 1000 + 4, agent_id="b", customer_id="anna-77"),
    ]
    told = [*hers(NOW - 5000), erased("anna-77", NOW), *new]
    random.shuffle(told)
    run, now = erasing_deployment(random.choice([1, 7, 4000])), NOW + 5000
    while told:
        part, told = told[: (count := random.randint(1, 8))], told[count:]
        publish(run, now, *part)
        run.run(now)
        now += random.choice([10, 1000, 6000])
        if random.random() < 0.4:
            run.restart(random.choice(["identify", "track"]))
    settle(run, now)
    assert holding(run, (PHONE, MAIL, COOKIE), "c-anna-1") == []
    listed = journeys(run)["customer:anna-77"]["contacts"]
    assert sorted((each["contact_id"], each["outcome"]) for each in listed) == [
        ("c-anna-2", "answered"),
        ("c-new-1", "open"),
        ("c-new-2", "answered"),
    ]


def test_groups_of_contacts_that_are_over_are_forgotten_wherever_they_were(run: Offline) -> None:
    """They belonged to nobody known, then to another customer by a person's word, then to her."""
    tell(run, NOW, *call("c-anna-1", NOW, **by(PHONE)), *call("c-anna-2", NOW, **by(PHONE)), *his(NOW))
    settle(run, OVER)
    tell(run, OVER, word("linked", OVER, f"phone:{PHONE}", "customer:bob-8"))
    assert rows(run)["customer:bob-8"].lines[""].rested.keys() >= {"voice|c-anna-1", "voice|c-anna-2"}
    tell(run, OVER + 1000, word("cut", OVER + 1000, f"phone:{PHONE}", "customer:bob-8"))
    tell(run, OVER + 2000, word("linked", OVER + 2000, f"phone:{PHONE}", "customer:anna-77"))
    assert len(rows(run)["customer:anna-77"].lines[""].rested) == 2
    assert rows(run)["customer:bob-8"].lines[""].forwards
    tell(run, OVER + 4000, erased("anna-77", OVER + 3000))
    assert holding(run, *ANNA) == []
    assert not rows(run)["customer:bob-8"].lines[""].forwards
    survey = event("feedback.given", "c-anna-1", OVER / 1000 + 2.5, metric="csat", score=5)
    tell(run, OVER + 6000, survey)
    assert holding(run, *ANNA) == []


def test_a_replay_that_is_forgotten_is_taken_back_from_topics_too(run: Offline) -> None:
    track = [task for task in run.tasks if task.inlet.name == "track"]
    for task in track:
        task.processor.forget("of-last-year")  # type: ignore[union-attr]
    tell(run, NOW, *hers(NOW), erased("anna-77", NOW))
    for topic in ("segments", "journeys"):  # of these versions before had them under that key
        gone = {record.key for record in run.on(topic) if record.value is None}
        assert {b"customer:anna-77", b"of-last-year/customer:anna-77"} <= gone


@pytest.mark.parametrize("seed", range(20))
def test_the_end_of_a_replay_is_not_disturbed(seed: int) -> None:
    """While it runs, while it ends, or when it is over: behind its end nothing comes but words that rows are to go. Once
    the replay is known, which the first step makes sure of.
    """
    random = Random(seed)
    told = [each | {"replayid": "week"} for each in (*hers(NOW - 5000), *his(NOW - 5000))]
    topics = sorted({home(each)[0] for each in told})
    run, when = erasing_deployment(random.choice([1, 2, 5])), random.randrange(1, 12)
    marked(run, "week", "started", topics, NOW - 86_400_000)
    publish(run, NOW, *told)
    marked(run, "week", "ended", topics, NOW)
    for step in range(20):
        if step == when:
            publish(run, NOW, erased("anna-77", NOW - 1))
        run.run(NOW + step * 1000)
        if random.random() < 0.4:
            run.restart(random.choice(["identify", "track"]))
    settle(run, NOW + 20_000)
    assert holding(run, *ANNA) == []
    for partition in range(PARTITIONS):
        docs = [orjson.loads(record.value or b"{}") for record in run.topics["contact.interactions", partition]]
        lines = [doc["lines"].get("week", {}) if doc["kind"] == "progress" else {} for doc in docs]
        ends = [place for place, line in enumerate(lines) if line.get("ended")]
        assert len({docs[place]["origin"] for place in ends}) == PARTITIONS
        assert {doc["kind"] for doc in docs[ends[-1] :]} <= {"progress", "erase", "unforwarded"}


def test_every_compacted_topic_of_a_customer_is_taken_back() -> None:
    """One whose key is not the customer's needs the capability's word: `Follower.removed`."""
    topics = registry.topics().values()
    others = {each.topic for each in topics if each.compacted and "track" in each.producers and each.key != OWN_KEY}
    assert {"segments", "customer.quiet"} <= {*owners_topics()}
    assert others == {"privacy.proofs", TOPIC, "contact.quality"}, (
        "what else has another key must be taken back by Follower.removed"
    )
    assert [each.name for each in RULES.customers.asked["removed"]] == ["journeys", "quality"]
