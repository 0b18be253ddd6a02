"""Contacts follow what their identifiers stand for: through the real agents, without a broker, on two partitions."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from zlib import crc32

import orjson
import pytest

from streams.engine.offline import Offline, OfflineTask
from tests.reference.owners import NEAR, NOBODY
from tests.support.links_story import ago_of, event, expected, held_by, history, profile, word
from tests.support.offline import NOW, deployment, settle
from tests.support.system import home

PARTITIONS = 2


def tell(run: Offline, *events: dict[str, Any], now: int = NOW) -> None:
    for each in events:
        topic, key = home(each)
        run.publish(topic, key, orjson.dumps(each), now, crc32(key) % PARTITIONS)
    settle(run, now)


@pytest.fixture
def run() -> Offline:
    return deployment(partitions=PARTITIONS)


def held(run: Offline) -> dict[str, str]:
    """Contact → who has its events in the end."""
    return held_by(orjson.loads(record.value or b"{}") for record in run.on("contact.interactions"))


def ever(run: Offline) -> set[str]:
    """Everyone who had an event."""
    docs = (orjson.loads(record.value or b"{}") for record in run.on("contact.interactions"))
    return {doc["owner"] for doc in docs if doc["kind"] == "event"}


def changes(run: Offline) -> list[dict[str, Any]]:
    return [orjson.loads(record.value or b"") for record in run.on("identity.changes")]


def test_a_known_visitor_is_the_customers_from_the_first_event_on(run: Offline) -> None:
    tell(run, event(1, "a", "email:anna@example.com", customer="7"))
    tell(run, event(2, "b", "email:anna@example.com"), event(3, "b"))
    assert held(run) == {"a": "customer:7", "b": "customer:7"}
    assert ever(run) == {"customer:7"}
    assert alone(run) == [("email:anna@example.com", "anonymous:email:anna@example.com", "customer:7", None)]
    assert len(changes(run)) == 1


def test_what_was_learnt_of_one_contact_moves_the_other(run: Offline) -> None:
    tell(run, event(1, "a", "cookie:k1"), event(2, "b", "cookie:k1"))
    assert held(run) == {"a": "anonymous:cookie:k1", "b": "anonymous:cookie:k1"}
    tell(run, event(3, "b", customer="7"))
    assert held(run) == {"a": "customer:7", "b": "customer:7"}
    signed_in, followed = [each for each in changes(run) if each["contact_id"]]
    assert (signed_in["contact_id"], signed_in["rule"], signed_in["path"]) == ("b", "customer-id", [])
    assert (followed["contact_id"], followed["rule"], followed["from"], followed["to"], followed["identifier"]) == (
        ("a", "linked", "anonymous:cookie:k1", "customer:7", "cookie:k1")
    )
    assert followed["evidence"] == {"event_id": "e3", "source": "/webchat"}
    assert followed["path"] == [{"identifier": "customer:7", "event_id": "e3", "source": "/webchat"}]


def test_a_familys_tablet_stands_for_nobody(run: Offline) -> None:
    tell(run, event(1, "a", "device:tablet", customer="7"), event(2, "x", "device:tablet"))
    tell(run, event(3, "b", "device:tablet", customer="8"))
    tell(run, event(4, "y", "device:tablet"))
    assert held(run) == {"a": "customer:7", "b": "customer:8", "x": "contact:chat:x", "y": "contact:chat:y"}
    (change,) = [each for each in changes(run) if each["contact_id"]]
    assert (change["contact_id"], change["rule"], change["to"]) == ("x", "shared", "contact:chat:x")
    assert change["reason"] == "device:tablet is shared by 2 customers"


def test_a_correction_takes_the_evidence_back(run: Offline) -> None:
    tell(run, event(1, "a", "phone:+442079460123", customer="7", ago=90), event(2, "b", "phone:+442079460123"))
    assert held(run)["b"] == "customer:7"
    tell(run, event(3, "a", customer="8", ago=30))
    assert held(run) == {"a": "customer:8", "b": "customer:8"}


def test_two_systems_with_contacts_of_one_name_link_no_strangers(run: Offline) -> None:
    other = event(2, "1001", "email:bob@example.com", ago=30) | {"source": "/crm"}
    tell(run, event(1, "1001", "email:anna@example.com"), other)
    tell(run, event(3, "c", "email:bob@example.com"))
    assert held(run)["c"] == "anonymous:email:bob@example.com"


def test_names_of_an_anonymous_customer_come_from_the_strongest(run: Offline) -> None:
    tell(run, event(1, "a", "cookie:k1"), event(2, "b", "cookie:k1", "email:z@example.com"))
    assert held(run) == dict.fromkeys("ab", "anonymous:email:z@example.com")
    (change,) = [each for each in changes(run) if each["contact_id"]]
    assert (change["rule"], change["to"]) == ("linked", "anonymous:email:z@example.com")


def alone(run: Offline, rule: str | None = None) -> list[tuple[str, str, str, str | None]]:
    """What was told of identifiers: which, from, to, why."""
    return [
        (each["identifier"], each["from"], each["to"], each["reason"])
        for each in changes(run)
        if not each["contact_id"] and rule in (None, each["rule"])
    ]


PHONE, MAIL = "phone:+442079460123", "email:anna@example.com"


def test_a_cut_undoes_a_merge_as_if_it_had_never_been(run: Offline) -> None:
    tell(run, event(1, "a", PHONE, customer="7"), event(2, "b", PHONE))
    assert held(run)["b"] == "customer:7"
    tell(run, word(3, "cut", PHONE, "customer:7"))
    assert held(run) == {"a": "customer:7", "b": f"anonymous:{PHONE}"}
    tell(run, event(4, "c", PHONE, customer="7", ago=5), event(5, "d", PHONE, ago=4))  # whatever is seen from then on
    assert held(run)["d"] == f"anonymous:{PHONE}"
    tell(run, word(6, "linked", "customer:7", "phone:0044 20 7946 0123", ago=1))
    assert held(run) == dict.fromkeys("abcd", "customer:7")
    assert alone(run, "cut") == [(PHONE, "customer:7", f"anonymous:{PHONE}", "ann: they said so")]
    assert alone(run, "link") == [(PHONE, f"anonymous:{PHONE}", "customer:7", "ann: they said so")]


def test_a_word_from_which_nothing_follows_says_why(run: Offline) -> None:
    tell(run, event(1, "a", PHONE, customer="7"))
    tell(run, word(2, "linked", PHONE, "customer:7", ago=9), word(3, "cut", PHONE, MAIL, ago=8))
    tell(run, word(4, "cut", PHONE, "customer:7", ago=20))
    assert [told[1:] for told in alone(run, "link")] == [
        ("customer:7", "customer:7", "ann: they said so; they were linked already")
    ]
    assert [told[1:] for told in alone(run, "cut")] == [
        ("customer:7", "customer:7", "ann: they said so; they were not linked, and will not be"),
        ("customer:7", "customer:7", "ann: they said so; a later word on the two holds"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "path", "what"),
    [
        (PHONE, "phone:+44 20 7946 0123", "data.other", "the same"),
        ("customer:7", "customer:8", "data.other", "two customers"),
        ("customer:7", "phone:anonymous", "data.other", "names nobody"),
        ("email:anna", PHONE, "data.identifier", "form of its kind"),
        ("fax:1234567", PHONE, "data.identifier", "data.identifier"),
    ],
)
def test_a_word_that_cannot_be_is_a_dead_letter(run: Offline, one: str, other: str, path: str, what: str) -> None:
    tell(run, word(1, "linked", one, other))
    (letter,) = [orjson.loads(record.value or b"") for record in run.on("contacts.dead-letters")]
    assert (letter["reason"], letter["path"], letter["hop"]) == ("wrong-type", path, "ingest")
    assert what in letter["message"]


def test_a_profile_says_whose_identifiers_are_and_takes_them_back(run: Offline) -> None:
    tell(run, event(1, "a", PHONE), profile(2, "7", PHONE, MAIL))
    tell(run, event(3, "b", MAIL))
    assert held(run) == {"a": "customer:7", "b": "customer:7"}
    tell(run, profile(4, "7", MAIL, ago=5), profile(5, "7", PHONE, ago=30))  # the second came late
    assert held(run) == {"a": f"anonymous:{PHONE}", "b": "customer:7"}
    tell(run, profile(6, "8", PHONE, source="/shop"))
    assert held(run)["a"] == "customer:8"


def test_a_number_that_was_given_to_another_person(run: Offline) -> None:
    """Two customers say it: it is shared, until a word takes it from one of them."""
    tell(run, profile(1, "7", PHONE), event(2, "a", PHONE), profile(3, "8", PHONE))
    assert held(run)["a"] == "contact:chat:a"
    assert alone(run, "shared") == [(PHONE, "customer:7", NOBODY, f"{PHONE} is shared by 2 customers")]
    tell(run, word(4, "cut", PHONE, "customer:7"))
    assert held(run)["a"] == "customer:8"


@contextmanager
def without(run: Offline, down: OfflineTask | None) -> Iterator[None]:
    """While nobody has a task's partition: longer than an answer is waited for."""
    tasks = list(run.tasks)
    run.tasks[:] = [task for task in tasks if task is not down]
    yield
    run.tasks[:] = tasks


@pytest.mark.parametrize("seed", range(40))
def test_any_order_any_cut_and_any_restart_come_to_what_a_search_finds(seed: int) -> None:
    random = Random(seed)
    told = history(random)
    want = expected(told)
    for _ in range(2):
        run = deployment(size=random.choice([1, 7, 4000]), partitions=PARTITIONS)
        random.shuffle(told)
        parts, now = [told[n::3] for n in range(3)], NOW
        for part in parts:
            for each in part:
                topic, key = home(each)
                run.publish(topic, key, orjson.dumps(each), now, crc32(key) % PARTITIONS)
            down = run.task("identify", random.randrange(PARTITIONS)) if random.random() < 0.4 else None
            with without(run, down):
                run.run(now)
                now += random.choice([1, 1000, 6000])
                run.run(now)
            if random.random() < 0.5:
                run.restart("identify")
        settle(run, now)
        assert held(run) == want
        waiting = [row for task in run.tasks if task.inlet.name == "identify" for row in task.tables["waiting"].items()]
        assert waiting == []
    assert NEAR == 3


@pytest.mark.parametrize("seed", range(30))
def test_a_replay_ends_when_the_last_contact_of_it_has_moved(seed: int) -> None:
    """And then for everybody: what identifiers tell each other takes a while, here a record at a time."""
    random = Random(seed)
    told = [each | {"replayid": "week"} for each in history(random)]
    want = expected(told)
    run = deployment(size=random.choice([1, 2, 5]), partitions=PARTITIONS)
    topics = sorted({home(each)[0] for each in told})
    _mark(run, topics, "started", 301)
    for each in told:
        topic, key = home(each)
        run.publish(topic, key, orjson.dumps(each), NOW, crc32(key) % PARTITIONS)
    _mark(run, topics, "ended", 0)
    for step in range(20):
        run.run(NOW + step * 1000)
        if random.random() < 0.5:
            run.restart("identify")
    assert held(run) == want
    for partition in range(PARTITIONS):
        docs = [orjson.loads(record.value or b"{}") for record in run.topics["contact.interactions", partition]]
        lines = [doc["lines"].get("week", {}) if doc["kind"] == "progress" else {} for doc in docs]
        ends = [place for place, line in enumerate(lines) if line.get("ended")]
        assert len({docs[place]["origin"] for place in ends}) == PARTITIONS
        assert all(doc["kind"] == "progress" for doc in docs[ends[0] :])


def _mark(run: Offline, topics: list[str], kind: str, ago: float) -> None:
    for topic in topics:
        made = {
            "specversion": "1.0", "id": f"week:{kind}", "source": "/centre", "type": f"replay.{kind}", "replayid": "week",
            "time": ago_of(ago), "data": {"replay_id": "week", "topics": topics},
        }  # fmt: skip
        for partition in range(PARTITIONS):
            run.publish(topic, b"replay:week", orjson.dumps(made), NOW, partition)
