"""Live time at the door while one topic has records that nobody can use, and after."""

from typing import Any

import orjson
from aiokafka import TopicPartition

from streams.engine.errors import BatchTooLarge
from streams.engine.inlet import Unfetchable
from tests.support.offline import NOW, TaskUnderTest, fetched, the_ingest
from tests.support.records import Fetched, record
from tests.support.system import event

S = 1000
VOICE, CHAT = TopicPartition("contacts.voice", 0), TopicPartition("contacts.chat", 0)


def rubbish(offset: int, now: int) -> list[Fetched]:
    return [record(topic="contacts.chat", key=b"k", value=b"\xff" * 10, offset=offset, timestamp=now)]


def bombs(offset: int, now: int) -> list[Unfetchable]:
    """Ten batches that inflate beyond the limit, of a thousand records each."""
    why = BatchTooLarge("it inflates to more than is taken")
    at = offset * 10_000
    return [Unfetchable("contacts.chat", 0, at + n * 1000 + 999, now, why, first=at + n * 1000) for n in range(10)]


def live(task: TaskUnderTest) -> int | None:
    time: int | None = task.processor.live_time()
    return time


def flooded(seconds: int, **settings: float) -> tuple[TaskUnderTest, list[int | None]]:
    """A second at a time: chat is full of rubbish, voice is read to its end."""
    task = the_ingest(**settings)
    task.batch([], now=NOW, caught_up=True)
    times = []
    for second in range(1, seconds + 1):
        now = NOW + second * S
        task.task.batch(rubbish(second, now), now, {VOICE: now})
        times.append(live(task))
    return task, times


def test_a_flood_holds_time_for_the_limit_and_no_longer() -> None:
    task, times = flooded(80, time_hold_s=30)
    assert times[:30] == [NOW - 2 * S] * 30
    assert times[30:] == [NOW + (second - 2) * S for second in range(31, 81)]
    assert task.processor.notes.time_released.labels("contacts.chat")._value.get() == 1
    assert task.processor.held() == {"contacts.voice": 0.0, "contacts.chat": 79.0}


def test_batches_that_are_taken_back_meanwhile_do_not_begin_its_time_anew() -> None:
    """Each of them makes a fresh processor; one every half minute held time for ever."""
    task, times = flooded(20, time_hold_s=30)
    task.task.renew()
    for second in range(21, 41):
        now = NOW + second * S
        task.task.batch(rubbish(second, now), now, {VOICE: now})
        times.append(live(task))
        if second % 5 == 0:
            task.task.renew()
    assert times[:30] == [NOW - 2 * S] * 30
    assert times[30:] == [NOW + (second - 2) * S for second in range(31, 41)]


def test_what_comes_behind_the_flood_is_taken() -> None:
    task, _ = flooded(40, time_hold_s=30)
    now = NOW + 41 * S
    late = [event("contact.initiated", "c1", (NOW + S) / 1000) | {"data": {"contact_id": "c1", "channel": "chat"}}]
    records = fetched(late, offset=100)
    task.sent.clear()
    for (topic, _), items in task.task.batch(records, now, {VOICE: now, CHAT: now}).items():
        task.sent += [(topic, key, orjson.loads(value or b"")) for key, value in items]
    (normalised,) = task.on("contact.normalised")
    assert (normalised["contact"], normalised["time"]) == ("c1", NOW + S)
    assert live(task) == now - 2 * S


def test_a_backlog_of_events_holds_time_beyond_the_limit() -> None:
    task = the_ingest(time_hold_s=30)
    task.batch([], now=NOW, caught_up=True)
    for second in range(1, 80):
        now = NOW + second * S
        one = event("contact.initiated", f"c{second}", (NOW - 100 * S + second * 100) / 1000)
        task.task.batch(fetched([one], second), now, {CHAT: now})
        assert live(task) == NOW - 2 * S


def test_nothing_is_released_while_the_broker_says_nothing() -> None:
    task = the_ingest(time_hold_s=30)
    task.batch([], now=NOW, caught_up=True)
    for second in range(1, 100):
        task.task.batch([], NOW + second * S, {VOICE: NOW, CHAT: NOW})
        assert live(task) == NOW - 2 * S
    for second in range(100, 200):
        task.task.batch([], NOW + second * S, {})
        assert live(task) == NOW - 2 * S


def test_a_partition_that_the_broker_no_longer_answers_for_holds_time_for_the_limit() -> None:
    task = the_ingest(time_hold_s=30)
    task.batch([], now=NOW, caught_up=True)
    for second in range(1, 100):
        now = NOW + second * S
        task.task.batch([], now, {VOICE: now, CHAT: NOW})
        assert (live(task) or 0) >= (NOW - 2 * S if second < 60 else now - 2 * S)
        assert second >= 30 or live(task) == NOW - 2 * S


def test_a_flood_of_bombs_with_an_event_now_and_then_holds_time_for_the_limit() -> None:
    task = the_ingest(time_hold_s=30)
    task.batch([], now=NOW, caught_up=True)
    for second in range(1, 80):
        now = NOW + second * S
        records: list[Any] = [*bombs(second, now)]
        if second % 3 == 0:
            one = event("contact.initiated", f"c{second}", (NOW - 100 * S + second * 100) / 1000)
            one["data"]["channel"] = "chat"
            records += fetched([one], second * 10_000 + 9_999)
        task.task.batch(records, now, {VOICE: now})
        assert live(task) == (NOW - 2 * S if second < 33 else now - 2 * S)
    assert task.task.failed == 0
