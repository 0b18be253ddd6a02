"""Contacts of a group go to another customer: scores, service types and tiers go with them, and nothing stays behind."""

from dataclasses import replace
from typing import Any

import pytest

from streams.base.records import Erase, Event, Grouped, Handed, Left, Moved, Record
from streams.customers import customers, erasing
from streams.customers.customers import Outcome
from streams.customers.rules import CustomerRules
from streams.customers.worth import Bounds, ContactWorth, Parts, WorthRules
from streams.pipeline.erasing import owners_topics
from tests.support.track_story import OWNER, RULES, T0, D, H, M, Task, connected, ended, net, play, profile, queued

STRANGER, GROUP = "anonymous:phone:+442079460123", "g1"
WORTH = WorthRules(
    (("silver", Bounds(150, 100, 0)), ("gold", Bounds(280, 200, 0))), Parts(1.0, contacts=ContactWorth(100))
)
OF_VALUE = replace(RULES, worth=WORTH)
THEN = ("revision", "before", "changed")


def call(number: int, at: int, owner: str = STRANGER, **more: Any) -> list[Event]:
    own = {"contact": f"c{number}", "owner": owner} | more
    return [queued(at, **own), connected(at + M, "a1", **own), ended(at + 2 * M, **own)]


def grouped(*numbers: int) -> list[Grouped]:
    return [Grouped(STRANGER, f"c{number}", "voice", GROUP) for number in numbers]


def fold(task: Task, *records: Record) -> list[Outcome]:
    """What each does, and then publishing."""
    found = []
    for record in records:
        found.append(customers.fold(task.customer, record, task, task.rules))
        task._note(found[-1])
    found.append(customers.publish(task.customer, task, task.rules))
    task._note(found[-1])
    return found


def a_stranger(*records: Event, rules: CustomerRules = OF_VALUE, until: int = D) -> Task:
    task = play(*records, rules=rules)
    fold(task, *grouped(*sorted({int(each.contact[1:]) for each in records})))
    return task.until(until)


def moved(task: Task) -> Handed:
    [sent] = [each for outcome in fold(task, Moved(STRANGER, GROUP, OWNER)) for each in outcome.sent]
    assert isinstance(sent, Handed)
    return sent


def standing(task: Task) -> dict[str, Any]:
    """The record that holds, without what came before."""
    return {**task.segments[-1], **dict.fromkeys(THEN)}


def tiers(task: Task) -> list[tuple[int, str]]:
    assert task.customer is not None
    return [(at - T0, tier) for at, _, tier in task.customer.lines[""].tiers]


@pytest.mark.parametrize("until", [3 * M, 2 * H, 20 * D, 300 * D])
def test_who_gets_contacts_stands_as_if_they_had_been_theirs_from_the_beginning(until: int) -> None:
    """Whether they are still open to late company, at rest, or long condensed."""
    task = a_stranger(*call(1, 0, intent="price"), *call(2, 10 * M, intent="quality"), until=until)
    assert tiers(task) == [(10 * M, "silver")]
    other = play(*call(3, H, OWNER), until=until, rules=OF_VALUE)
    assert tiers(other) == []
    fold(other, moved(task))
    own = [*call(1, 0, OWNER, intent="price"), *call(2, 10 * M, OWNER, intent="quality"), *call(3, H, OWNER)]
    whole = play(*own, until=until, rules=OF_VALUE)
    assert standing(other) == standing(whole)
    assert tiers(other) == tiers(whole) == [(10 * M, "silver"), (H, "gold")]


def test_of_whom_all_contacts_left_the_segment_is_taken_back() -> None:
    task = a_stranger(*call(1, 0))
    assert task.segments[-1]["customer"] == STRANGER
    moved(task)
    [last] = [out for out in task.published if out.topic == "segments"][-1:]
    assert (last.key, last.value) == (STRANGER.encode(), None)
    before = len(task.published)
    fold(task)
    assert len(task.published) == before, "once"
    fold(task, *call(2, D))
    assert (task.segments[-1]["customer"], task.segments[-1]["before"]) == (STRANGER, None)


def test_who_leaves_before_anything_is_published_is_not_taken_back() -> None:
    task = Task()
    fold(task, *call(1, 0), Left(STRANGER, "c1", "voice", OWNER, T0))
    assert [out for out in task.published if out.topic == "segments"] == []


def test_part_of_the_contacts_leave_the_others_count_as_if_alone() -> None:
    task = play(*call(1, 0), *call(2, M, intent="price"), *call(3, 2 * M), rules=OF_VALUE)
    fold(task, *grouped(2, 3))
    assert tiers(task.until(20 * D)) == [(M, "silver"), (2 * M, "gold")]
    moved(task)
    alone = play(*call(1, 0), until=20 * D, rules=OF_VALUE)
    assert tiers(task) == tiers(alone) == []
    assert standing(task) == standing(alone)


def test_the_tier_that_follows_holds_at_once_for_contacts_that_go_on() -> None:
    """Facts and alerts do not wait for stream time."""
    task = a_stranger(*call(1, 0), *call(2, M))
    other = play(*call(3, D - 3 * M, OWNER)[:1], until=D, rules=OF_VALUE)
    assert {each.tier for each in net(other.facts)} == {"none"}
    fold(other, moved(task))
    of_contacts = [each for each in net(other.facts) if not each.fact.startswith(("journey_", "quality"))]
    assert {each.tier for each in of_contacts} == {"gold"}
    assert other.customer is not None
    assert other.customer.lines[""].worth.next != 0


def test_what_is_given_holds_whatever_comes() -> None:
    task = a_stranger(*call(1, 0), *call(2, M))
    other = Task(OF_VALUE).take(profile("red", 0), *call(3, H, OWNER))
    fold(other, moved(task))
    assert (other.segments[-1]["tier"], other.segments[-1]["tier_from"]) == ("red", "crm")


def test_an_erasure_leaves_nothing_of_worth_and_takes_the_segment_back() -> None:
    task = Task(OF_VALUE).take(profile("gold", 0), *call(1, 0, OWNER))
    assert task.customer is not None and task.customer.lines[""].worth.points
    outcome = erasing.erase(task.customer, Erase(OWNER, T0 + D, "", True, "e1", "crm"), OF_VALUE, task)
    assert outcome.customer is None
    assert "segments" in owners_topics(), "which are taken back under the customer's own key"
