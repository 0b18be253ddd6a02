"""Whose the simulated contacts are: against a search over all links by others, and against who the people really are."""

import random
from collections import Counter, defaultdict
from functools import cache
from itertools import combinations

import pytest

from streams.demo import centre
from streams.demo.people import People
from streams.demo.simulator import Settings, Simulation
from streams.demo.state import BoardState
from streams.demo.stitching import SORTS, stitched
from streams.demo.truth import Truth
from streams.demo.whose import Spoken, Told, Whose
from tests.reference.owners import LIMITS, of_contact, owners
from tests.support.product import RULES

LINE = "demo-7-x"
START = 1_772_445_600_000  # Monday, 2026-03-02 10:00 UTC
KINDS = tuple(LIMITS)


@cache
def truth_of(seed: int, minutes: int = 10) -> Truth:
    simulation = Simulation(Settings(LINE, START, RULES, seed=seed))
    for _ in simulation.emissions(minutes * 60_000):
        pass
    return simulation.truth


def found_by_others(told: Told) -> dict[str, str]:
    """The owners by the search of the tests."""
    links: set[tuple[str, str]] = set()
    nodes: set[str] = set()
    for spoken in told.contacts.values():
        said = [] if spoken.customer is None else [f"customer:{spoken.customer}"]
        links.update(combinations(sorted({*said, *spoken.named}), 2))
        nodes |= {*said, *spoken.named}
    for customer, listed in told.listed.items():
        links.update((f"customer:{customer}", name) for name in listed)
        nodes |= {f"customer:{customer}", *listed}
    links = {pair for pair in links if frozenset(pair) not in told.cut}
    standing = owners(nodes, links)
    return {
        name: f"customer:{spoken.customer}"
        if spoken.customer is not None
        else of_contact(f"contact:{spoken.channel}:{name}", spoken.named, standing, links)
        for name, spoken in told.contacts.items()
    }


def by_chance(seed: int) -> Told:
    """A few people whose identifiers are mixed up far more than the centre's are."""
    rng = random.Random(seed)
    names = [f"{kind}:{number}" for kind in KINDS for number in range(4)]
    told = Told()
    for number in range(rng.randint(3, 25)):
        spoken = Spoken("chat", customer=rng.choice((None, None, "1", "2", "3")))
        spoken.named.update(rng.sample(names, rng.randint(0, 4)))
        told.contacts[f"c{number}"] = spoken
    for customer in "123":
        told.listed[customer] = set(rng.sample(names, rng.randint(0, 2)))
    told.cut = {frozenset((rng.choice(names), f"customer:{rng.randint(1, 3)}")) for _ in range(rng.randint(0, 3))}
    return told


@pytest.mark.parametrize("seed", range(300))
def test_owners_are_those_that_another_search_finds(seed: int) -> None:
    told = by_chance(seed)
    whose = Whose(told, RULES.identity)
    assert {name: whose.of(name) for name in told.contacts} == found_by_others(told)


@pytest.mark.parametrize("seed", [1, 7, 8])
def test_so_are_those_of_the_simulated_centre(seed: int) -> None:
    assert truth_of(seed).people == found_by_others(truth_of(seed).told)


@pytest.mark.parametrize("seed", range(6))
def test_no_customer_gets_a_contact_of_somebody_else_and_no_two_strangers_are_one(seed: int) -> None:
    truth, people = truth_of(seed), defaultdict(set)
    for contact, owner in truth.people.items():
        people[owner].add(truth.told.contacts[contact].person)
    for owner, persons in people.items():
        assert len(persons) == 1, owner
        assert not owner.startswith("customer:") or persons == {owner.removeprefix("customer:")}


@pytest.mark.parametrize("seed", range(6))
def test_every_sort_of_contact_is_in_the_simulated_days(seed: int) -> None:
    sorts = {check.name: check.truth for check in stitched(truth_of(seed), BoardState(LINE)) if check.name in SORTS}
    assert len(sorts) == len(SORTS)
    assert min(sorts.values()) >= 1, sorts
    assert sorts["contacts whose customer follows from links"] >= 5


def test_people_have_several_identifiers_and_share_some() -> None:
    people = People(400)
    listed = Counter(each for person in people.customers for each in person.listed())
    shared = {each for each, count in listed.items() if count > 1}
    assert ("phone", centre.BRANCH_LINE) in shared
    assert sum(kind == "device" for kind, _ in shared) == 80, "a family of two in five customers"
    assert all(len(set(person.listed())) >= 3 for person in people.customers)
    assert not People(1).branch_line, "of one customer alone it would be that customer's"


@pytest.mark.parametrize("days_before", [0, 9])
def test_a_number_that_was_given_on_is_the_second_ones_alone(days_before: int) -> None:
    simulation = Simulation(Settings(LINE, START, RULES, days_before=days_before))
    events = [emission.event for emission in simulation.emissions(10_000) if emission.event is not None]
    first, second = (f"C{1000 + number}" for number in centre.GIVEN_ON)
    number = f"phone:+442079460{centre.GIVEN_ON[0]:03d}"
    told = simulation.truth.told
    assert number in told.listed[second]
    assert number not in told.listed[first]
    assert told.cut == {frozenset((number, f"customer:{first}"))}
    assert [event["type"] for event in events if event["subject"] == number] == ["identity.cut"]
    before = [
        contact for contact, spoken in told.contacts.items() if number in spoken.named and spoken.customer == first
    ]
    assert len(before) == (1 if days_before else 0)
    told.contacts["later"] = Spoken("voice", second, named={number})
    assert Whose(told, RULES.identity).of("later") == f"customer:{second}"


def test_a_contact_with_two_owners_or_none_is_wrong() -> None:
    truth, state = Truth(RULES), BoardState(LINE)
    truth.told.contacts |= {name: Spoken("chat", "C1", True, "C1") for name in "abc"}
    truth.close(0)

    def journey(owner: str, contacts: str, count: int) -> None:
        listed = [{"contact_id": each} for each in contacts]
        record = {"journey_id": owner, "customer": owner, "revision": 1, "line": LINE, "contacts": listed}
        state.apply("journeys", {**record, "counts": {"contacts": count}})

    def found() -> dict[str, int]:
        return {check.name: check.pipeline for check in stitched(truth, state) if not check.right}

    journey("customer:C1", "ab", 3)
    assert found() == {}, "the oldest ones of a long journey are known by the count"
    journey("customer:C1", "ab", 2)
    assert found()["contacts with a wrong owner"] == 1
    assert found()["customers whose journeys are theirs alone"] == 0
    journey("customer:C1", "abc", 3)
    journey("customer:C2", "a", 1)
    assert found()["contacts with a wrong owner"] == 1
    assert found()["contacts with a customer who is somebody else"] == 1
