"""The workload is a function of its seed, and its recomputation follows the words of its definition."""

import json
from collections import Counter

import pytest

from tests.bench import workload
from tests.bench.workload import Generator, Message, expected, parse


def event(**changes: object) -> bytes:
    good = {
        "id": "a" * 32,
        "source": "ivr-eu",
        "type": "contact.message",
        "time": "2026-11-22T10:00:07.250Z",
        "contact_id": "k1",
        "customer_id": "c1",
        "channel": "chat",
        "queue": "q3",
        "sentiment": None,
        "wait_s": None,
        "text": "lorem",
    }
    return json.dumps({**good, **changes}).encode()


def run(*values: bytes) -> workload.Expected:
    return expected(Message(0, b"k", value) for value in values)


def test_the_same_seed_gives_the_same_events_and_another_one_others() -> None:
    assert list(Generator(100, seed=3).messages(500)) == list(Generator(100, seed=3).messages(500))
    assert list(Generator(100, seed=3).messages(500)) != list(Generator(100, seed=4).messages(500))


def test_events_have_the_shape_and_the_shares_of_the_definition() -> None:
    messages = list(Generator(500).messages(10_010))
    good = [found for message in messages if (found := parse(message.value))]
    assert len(messages) - len(good) == 10
    assert 340 <= sum(len(message.value) for message in messages) / len(messages) <= 365
    assert {one["type"] for one in good} == set(workload.TYPES)
    assert all((one["sentiment"] is not None) == (one["type"] == "contact.message") for one in good)
    assert all((one["wait_s"] is not None) == (one["type"] == "contact.connected") for one in good)
    waits = [one["wait_s"] for one in good if one["wait_s"] is not None]
    assert 28 <= sum(waits) / len(waits) <= 32
    assert good[0]["time"] == "2026-11-22T10:00:00.000Z"
    assert [message.key for message in messages[:6]] == [
        b"k0004000",
        b"k0003000",
        b"k0002000",
        b"k0001000",
        b"k0000000",
        b"k0004001",
    ]


def test_the_events_of_a_contact_are_five_of_one_customer_and_queue_5000_events_apart() -> None:
    found = [(number, parse(message.value)) for number, message in enumerate(Generator(500).messages(21_000))]
    mine = [(number, one) for number, one in found if one and one["contact_id"] == "k0004000"]
    assert [number for number, _ in mine] == [0, 5_001, 10_002, 15_003, 20_004]
    assert [one["type"] for _, one in mine] == list(workload.TYPES)
    assert len({(one["customer_id"], one["channel"], one["queue"]) for _, one in mine}) == 1


def test_all_events_of_a_customer_are_in_one_partition_and_all_partitions_are_used() -> None:
    where: dict[str, set[int]] = {}
    for message in Generator(200).messages(5_000):
        if found := parse(message.value):
            where.setdefault(found["customer_id"], set()).add(message.partition)
    assert all(len(partitions) == 1 for partitions in where.values())
    assert set.union(*where.values()) == {0, 1, 2, 3}


def test_every_form_of_a_malformed_event_is_refused() -> None:
    good = json.loads(event())
    assert parse(json.dumps(good).encode()) == good
    assert len({workload.spoil(good, turn) for turn in range(10)}) == 10
    assert all(parse(workload.spoil(good, turn)) is None for turn in range(10))


@pytest.mark.parametrize("changes", [{"wait_s": True}, {"wait_s": -0.1}, {"sentiment": -1.01}, {"text": 5}])
def test_values_out_of_range_are_malformed(changes: dict[str, object]) -> None:
    assert parse(event(**changes)) is None


def test_the_state_of_a_customer() -> None:
    found = run(
        event(type="contact.queued", time="2026-11-22T10:00:01Z"),
        event(type="contact.queued", contact_id="k2", time="2026-11-22T10:00:02Z"),
        event(type="contact.connected", wait_s=12.3),
        event(sentiment=-0.5),
        event(type="contact.ended", time="2026-11-22T10:00:05Z"),
        event(type="contact.feedback", channel="voice", time="2026-11-22T10:00:06Z"),
    )
    assert found.states == {
        "c1": {
            "n": 6,
            "last": "2026-11-22T10:00:06Z",
            "open": {"k2": "2026-11-22T10:00:02Z"},
            "ewma": -0.15,
            "wait_ms": 12_300,
            "touch": [
                "chat:contact.queued",
                "chat:contact.connected",
                "chat:contact.message",
                "chat:contact.ended",
                "voice:contact.feedback",
            ],
        }
    }


def test_an_alert_comes_when_the_average_falls_below_the_limit_and_again_after_it_rose() -> None:
    falls = [event(sentiment=-1)] * 5
    found = run(*falls, event(sentiment=1), *falls)
    assert sorted(n for _, _, n in found.alerts) == [3, 8]
    assert found.alerts["c1", 0.7 * (0.7 * (0.7 * 0.0 - 0.3) - 0.3) - 0.3, 3] == 1


def test_panes_count_waits_by_channel_queue_and_ten_seconds() -> None:
    found = run(
        event(wait_s=20.0),
        event(wait_s=20.1),
        event(wait_s=1.0, time="2026-11-22T10:00:10.000Z"),
        event(wait_s=1.0, queue="q4"),
    )
    start = 1_795_341_600_000
    assert found.panes == {
        ("chat|q3", start): (2, 40_100, 1),
        ("chat|q3", start + 10_000): (1, 1_000, 1),
        ("chat|q4", start): (1, 1_000, 1),
    }


def test_a_million_events_would_not_be_needed_to_see_alerts() -> None:
    messages = list(Generator(workload.customers_of(20_000)).messages(20_000))
    found = expected(messages)
    assert len(found.alerts) > 20
    assert found.dead == Counter({m.value: 1 for m in messages if parse(m.value) is None})
