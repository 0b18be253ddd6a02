"""One event counts little anew: labels that change and events out of order have an end, and the figures still add up."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from streams.base.records import Event, Left
from streams.contacts import histories
from streams.customers import customers
from tests.support.track_story import OWNER, RULES, H, S, Task, event, net, profile, said


def fold(task: Task, *records: Any) -> Counter[str]:
    """What was limited on the way."""
    limited: Counter[str] = Counter()
    for one in records:
        outcome = customers.fold(task.customer, one, task, RULES)
        task.customer = outcome.customer
        task.facts += outcome.facts
        task.late += outcome.late
        limited.update(outcome.limited)
    return limited


def messages(count: int, contact: str = "c1", **more: Any) -> list[Event]:
    return [said(n * S, 0.1, contact=contact, id=f"{contact}-{n}", **more) for n in range(count)]


def test_a_tier_that_alternates_with_every_event() -> None:
    """1,500 messages, gold and red in turns: 2.2 million facts without a limit."""
    task = Task()
    fold(task, *(msgspec.structs.replace(one, tier=("gold", "red")[n % 2]) for n, one in enumerate(messages(1500))))
    assert len(task.facts) < 1500 + 2 * sum(range(33)) + 100
    assert len(task.of("sentiment")) == 1500, "each counts once"
    fold(task, Left(OWNER, "c1", "chat", "customer:C2", 0))
    assert not net(task.facts)


def test_a_tier_is_the_last_one_said_as_long_as_few_were() -> None:
    task = Task()
    fold(task, *messages(100), said(200 * S, tier="gold"))
    assert {each.tier for each in task.of("sentiment")} == {"gold"}
    fold(task, said(201 * S, tier="red"))
    assert {each.tier for each in task.of("sentiment")} == {"red"}


def test_events_that_come_in_reverse_and_name_another_queue_each() -> None:
    """The first queue a contact ever names labels all its messages."""
    task = Task()
    fold(task, *messages(900))
    early = [event("contact.initiated", -n * S, channel="chat", queue=f"q{n}", id=f"e{n}") for n in range(1, 500)]
    limited = fold(task, *early)
    assert len(task.facts) < 900 + 5 * 1800
    assert limited["labels"] == 1
    assert task.late == len(early) - histories.MAX_RECOUNTS - 1
    assert len(task.of("sentiment")) == 900
    fold(task, *(said(n * S, 0.1, id=f"x{n}") for n in range(1000, 1010)))
    assert len(task.of("sentiment")) == 910, "what comes in order is counted"
    task.take()
    task.until(30 * H)


@pytest.mark.parametrize("open_contacts", [1, 60])
def test_a_profile_that_alternates(open_contacts: int) -> None:
    """60 contacts of 8 messages each and 300 profile events: 288,000 facts without a limit; 20 changes count all anew."""
    task = Task()
    for number in range(open_contacts):
        fold(task, *messages(480 // open_contacts, f"c{number}"))
    limited = fold(task, *(profile(("gold", "red")[n % 2], 5000 * S + n) for n in range(300)))
    assert len(task.facts) <= 480 + 20_000
    assert limited["labels"] == 1
    assert {each.tier for each in task.of("sentiment")} == {"red"}, "the twentieth is the last that counts them anew"
    fold(task, *messages(5, "new"))
    assert Counter(each.tier for each in task.of("sentiment") if each.id.startswith("new")) == {"red": 5}
    for number in range(open_contacts):
        fold(task, Left(OWNER, f"c{number}", "chat", "customer:C2", 0))
    assert set(net(task.facts).values()) <= {1}
    assert {each.id.split("-")[0] for each in task.net} == {"new"}
    task.take()
    task.until(100 * H)


def test_a_tier_counts_what_is_new_anew_again_the_next_day() -> None:
    task = Task(now=0)
    for day in range(2):
        task.now = day * 25 * H
        known = len(task.facts)
        fold(task, *messages(480, f"d{day}"))
        at = 5000 * S + day * 1000
        limited = fold(task, *(profile(("gold", "red")[n % 2], at + n) for n in range(100)))
        assert limited["labels"] == 1
        assert 18_000 < len(task.facts) - known - 480 <= 20_000
