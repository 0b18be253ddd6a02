"""Contacts that are over follow their identifiers: through the real agents, without a broker, on two partitions."""

from random import Random
from typing import Any
from zlib import crc32

import orjson
import pytest

from streams.base.times import HOUR_MS
from streams.engine.offline import Offline
from tests.support.offline import NOW, deployment, settle
from tests.support.system import event, home

PARTITIONS = 2
PHONE = "+442079460123"
OVER = NOW + 6 * HOUR_MS
"""By then contacts of `NOW` that have ended are over for good and no longer kept with their events."""


def tell(run: Offline, now: int, *events: dict[str, Any]) -> None:
    for each in events:
        topic, key = home(each)
        run.publish(topic, key, orjson.dumps(each), now, crc32(key) % PARTITIONS)
    settle(run, now)


def call(name: str, at: int, **more: Any) -> list[dict[str, Any]]:
    """One by the phone, that is answered and ends."""
    start = at / 1000 - 60
    named = {"identifiers": [{"kind": "phone", "value": PHONE}]} | more
    return [
        event("contact.initiated", name, start, **named),
        event("contact.queued", name, start + 1, queue="cards"),
        event("contact.connected", name, start + 11, agent_id="a"),
        event("contact.ended", name, start + 41, by="customer"),
    ]


def known(name: str, at: int, customer: str = "7") -> list[dict[str, Any]]:
    return call(name, at, customer_id=customer)


def word(what: str, at: int, name: str = "w") -> dict[str, Any]:
    data = {"identifier": f"phone:{PHONE}", "other": "customer:7", "reason": "x"}
    return event(f"identity.{what}", f"{name}{at}", at / 1000) | {"data": data}


def survey(name: str, at: int) -> dict[str, Any]:
    return event("feedback.given", name, at / 1000, metric="csat", score=5)


def rows(run: Offline) -> dict[str, Any]:
    """Owner → timeline of the live line."""
    tasks = [task for task in run.tasks if task.inlet.name == "track"]
    return {
        owner: row.lines[""] for task in tasks for owner, row in task.tables["customers"].items() if "" in row.lines
    }


def rested(run: Offline) -> dict[str, set[str]]:
    return {owner: set(each.rested) for owner, each in rows(run).items() if each.rested}


def interactions(run: Offline, *kinds: str) -> list[dict[str, Any]]:
    docs = (orjson.loads(record.value or b"") for record in run.on("contact.interactions"))
    return [doc for doc in docs if doc["kind"] in kinds]


@pytest.fixture
def run() -> Offline:
    return deployment(partitions=PARTITIONS)


def over(run: Offline, *names: str) -> None:
    """Calls by the phone that are over."""
    for name in names:
        tell(run, NOW, *call(name, NOW))
    settle(run, OVER)


def test_contacts_that_are_over_go_to_the_customer_that_their_number_turns_out_to_be(run: Offline) -> None:
    over(run, "a", "b")
    assert rested(run) == {f"anonymous:phone:{PHONE}": {"voice|a", "voice|b"}}
    tell(run, OVER, *known("c", OVER))
    assert rested(run) == {"customer:7": {"voice|a", "voice|b"}}
    (moved,) = interactions(run, "moved")
    (handed,) = interactions(run, "handed")
    assert (moved["owner"], moved["to"], handed["owner"], handed["before"]) == (
        f"anonymous:phone:{PHONE}", "customer:7", "customer:7", f"anonymous:phone:{PHONE}"
    )  # fmt: skip


def test_what_is_said_of_them_afterwards_is_sent_on(run: Offline) -> None:
    over(run, "a")
    tell(run, OVER, *known("c", OVER))
    tell(run, OVER + 1000, survey("a", OVER + 1000))
    assert [doc["owner"] for doc in interactions(run, "event") if doc["type"] == "feedback.given"] == [
        "customer:7",
        f"anonymous:phone:{PHONE}",
    ]
    assert rows(run)["customer:7"].histories.keys() == {"voice|a", "voice|c"}
    assert rows(run)[f"anonymous:phone:{PHONE}"].histories == {}


def test_a_cut_brings_them_back_and_a_link_again(run: Offline) -> None:
    over(run, "a", "b")
    tell(run, OVER, *known("c", OVER))
    for at, what, owner in (
        (1000, "cut", f"anonymous:phone:{PHONE}"),
        (2000, "linked", "customer:7"),
        (3000, "cut", f"anonymous:phone:{PHONE}"),
    ):
        tell(run, OVER + at, word(what, OVER + at))
        assert rested(run) == {owner: {"voice|a", "voice|b"}}
    tell(run, OVER + 4000, survey("a", OVER + 4000))
    assert [doc["owner"] for doc in interactions(run, "event") if doc["type"] == "feedback.given"] == [
        f"anonymous:phone:{PHONE}"
    ]


def test_of_a_number_that_two_share_they_go_to_nobodys_group_and_come_back(run: Offline) -> None:
    over(run, "a", "b")
    tell(run, OVER, *known("c", OVER))
    tell(run, OVER + 1000, *known("d", OVER + 1000, "8"))
    (name,) = {doc["group"] for doc in interactions(run, "moved")}
    assert rested(run) == {f"contact:{name}": {"voice|a", "voice|b"}}
    tell(run, OVER + 2000, word("cut", OVER + 2000))
    assert rested(run) == {"customer:8": {"voice|a", "voice|b"}}


def test_each_contact_of_a_shared_number_goes_from_itself(run: Offline) -> None:
    tell(run, NOW, *known("c", NOW), *known("d", NOW, "8"))
    over(run, "a", "b")
    assert rested(run)["contact:voice:a"] == {"voice|a"}
    tell(run, OVER, word("cut", OVER))
    assert rested(run) == {"customer:7": {"voice|c"}, "customer:8": {"voice|a", "voice|b", "voice|d"}}


def test_one_that_went_on_as_another_contact_stays_with_its_new_part(run: Offline) -> None:
    over(run, "a")
    tell(run, OVER, *call("a", OVER))
    tell(run, OVER + 1000, *known("c", OVER + 1000))
    assert rows(run)["customer:7"].histories.keys() == {"voice|a", "voice|c"}


@pytest.mark.parametrize("seed", range(25))
def test_any_order_of_links_and_cuts_any_cut_of_the_log_and_any_restart(seed: int) -> None:
    """In the end those that are over are where their number says, whole, and nobody else has anything of them."""
    random = Random(seed)
    run = deployment(size=random.choice([1, 3, 4000]), partitions=PARTITIONS)
    names = [f"n{number}" for number in range(random.randint(1, 5))]
    over(run, *names)
    words = [word(random.choice(["cut", "linked"]), OVER + number * 1000) for number in range(random.randint(1, 6))]
    told = [*known("c", OVER), *words]
    last = max(words, key=lambda each: each["time"])
    random.shuffle(told)
    now = OVER + 10_000
    while told:
        part, told = told[: (count := random.randint(1, 3))], told[count:]
        for each in part:
            topic, key = home(each)
            run.publish(topic, key, orjson.dumps(each), now, crc32(key) % PARTITIONS)
        run.run(now)
        now += 1000
        if random.random() < 0.5:
            run.restart(random.choice(["identify", "track"]))
    settle(run, now)
    owner = "customer:7" if last["type"] == "identity.linked" else f"anonymous:phone:{PHONE}"
    assert {who: them for who, them in rested(run).items() if them & {f"voice|{name}" for name in names}} == {
        owner: {f"voice|{name}" for name in names}
    }


def newest(run: Offline, topic: str) -> dict[str, dict[str, Any]]:
    """Owner → its newest record, without how often it was told and what was told before."""
    found, then = {}, ("revision", "before", "changed")
    for record in run.on(topic):
        if record.value is None:  # taken back, or the owner has nothing of it any more
            found.pop((record.key or b"").decode(), None)
            continue
        doc = orjson.loads(record.value)
        found[doc["customer"]] = {name: value for name, value in doc.items() if name not in then}
    return found


@pytest.mark.parametrize("names", [("a",), ("a", "b", "d")])
def test_what_they_contributed_comes_with_them(names: tuple[str, ...]) -> None:
    """As if it had been known before they began."""
    first, later = deployment(partitions=PARTITIONS), deployment(partitions=PARTITIONS)
    tell(first, NOW, word("linked", NOW))
    for run in (first, later):
        over(run, *names)
    tell(later, OVER, word("linked", OVER))
    for run in (first, later):
        tell(run, OVER + 1000, *known("c", OVER + 1000))
        settle(run, OVER + 2000)
    assert newest(later, "segments") == newest(first, "segments"), "what was told of the number is taken back"
    was, then = newest(later, "journeys")["customer:7"], newest(first, "journeys")["customer:7"]
    assert (
        was["counts"]
        == then["counts"]
        == {"contacts": len(names) + 1}
        | {name: then["counts"][name] for name in ("answered", "abandoned", "messages", "transfers")}
    )
    assert was["counts"]["answered"] == len(names) + 1


def test_groups_of_a_replay_follow_as_those_of_live_contacts_do(run: Offline) -> None:
    """Their rows lie by name and line, wherever that is."""
    for name in ("a", "b", "d", "e"):
        line = f"week-{name}"
        marked(run, line, "started", NOW - HOUR_MS)
        tell(run, NOW, *(each | {"replayid": line} for each in call(name, NOW)))
        marked(run, line, "progressed", OVER)
        settle(run, NOW)
        tell(run, NOW, *(each | {"replayid": line} for each in known("c", OVER)))
        owners = {
            owner: set(row.lines[line].rested)
            for task in run.tasks
            if task.inlet.name == "track"
            for owner, row in task.tables["customers"].items()
            if line in row.lines and row.lines[line].rested
        }
        assert owners == {"customer:7": {f"voice|{name}"}}


def marked(run: Offline, line: str, kind: str, at: int) -> None:
    marker = event(f"replay.{kind}", line, at / 1000) | {"replayid": line}
    marker["data"] = {"replay_id": line, "topics": ["contacts.voice"]}
    for partition in range(PARTITIONS):
        run.publish("contacts.voice", b"replay", orjson.dumps(marker), NOW, partition)


ANNAS = [call("x", NOW - 600_000), call("y", NOW - 590_000)]
BOBS = event("contact.initiated", "x", NOW / 1000 - 300, identifiers=[{"kind": "phone", "value": "+442079460999"}])
WORD = word("linked", NOW - 200_000)


@pytest.mark.parametrize(
    "story",
    [
        [*ANNAS, [BOBS], [WORD]],
        [*ANNAS, [WORD], [BOBS]],
        [[WORD], *ANNAS, [BOBS]],
        [[*ANNAS[0], *ANNAS[1], BOBS, WORD]],
    ],
)
def test_what_was_over_when_its_id_was_used_again_goes_with_its_identifiers(story: list[list[dict[str, Any]]]) -> None:
    """It stayed with its phone's anonymous owner where the phone was linked after the id was used again."""
    run = deployment(partitions=PARTITIONS)
    for part in story:
        tell(run, NOW, *part)
    settle(run, OVER)
    last = {record.key: record.value for record in run.on("journeys")}
    docs = [orjson.loads(value) for value in last.values() if value is not None]
    found = sorted((doc["customer"], each["contact_id"]) for doc in docs for each in doc["contacts"])
    assert found == [("anonymous:phone:+442079460999", "x"), ("customer:7", "x"), ("customer:7", "y")]
