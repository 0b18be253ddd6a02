"""Another order in a queue: what holds for every record."""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.policies.figures import Outcome, outcome
from streams.policies.queues import Waiting, taken
from streams.policies.record import Record as Whole
from streams.policies.record import Recorded, Stay
from streams.rules.policies import Known, policy

HANDLE = 7


def waiting(name: str, entered: int, left: int, answered: bool, priority: int = 0) -> Waiting:
    return Waiting((("voice", name, "o", 0), 0), priority, entered, left, answered)


Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def any_record(draw: Draw, most: int = 25) -> list[Waiting]:
    """Stays in any order of answers."""
    found = []
    for number in range(draw(st.integers(0, most))):
        entered = draw(st.integers(0, 60))
        found.append(
            waiting(
                f"c{number:02}",
                entered,
                entered + draw(st.integers(0, 40)),
                bool(draw(st.integers(0, 2))),
                draw(st.integers(0, 3)),
            )
        )
    return found


@st.composite
def first_come_first_served(draw: Draw, most: int = 25) -> list[Waiting]:
    """A queue as agents work it off: each takes who came first and still waits; customers have patience."""
    count, agents = draw(st.integers(0, most)), [0] * draw(st.integers(1, 3))
    entered = sorted(draw(st.integers(0, 80)) for _ in range(count))
    patience = [draw(st.integers(0, 30)) for _ in range(count)]
    found = []
    for number, at in enumerate(entered):
        free = max(at, agents[0])
        answered = free < at + patience[number] or free == at
        if answered:
            heapq.heapreplace(agents, free + draw(st.integers(1, 20)))
        found.append(waiting(f"c{number:02}", at, free if answered else at + patience[number], answered))
    return found


@given(first_come_first_served())
def test_equal_priorities_give_a_record_that_was_first_come_first_served(record: list[Waiting]) -> None:
    assert taken(record, HANDLE) == {each.name: each.left for each in record if each.answered}


@given(any_record(), st.randoms(use_true_random=False), st.integers(0, 30))
def test_the_order_of_the_input_does_not_matter(record: list[Waiting], random: Random, handle: int) -> None:
    shuffled = list(record)
    random.shuffle(shuffled)
    assert taken(shuffled, handle) == taken(record, handle)


@given(any_record(), st.integers(0, 30))
def test_nobody_who_was_answered_is_lost_and_nobody_is_taken_out_of_time(record: list[Waiting], handle: int) -> None:
    found = taken(record, handle)
    assert {each.name for each in record if each.answered} <= found.keys()
    for each in record:
        if (at := found.get(each.name)) is not None:
            assert at >= each.entered
            assert each.answered or at < each.left, "who had left by then is not taken"


@given(any_record(), st.integers(0, 30))
def test_agents_do_no_more_than_they_did_but_for_those_who_had_left(record: list[Waiting], handle: int) -> None:
    """An agent is free as often as in the record, and once more after each who had left."""
    found = taken(record, handle)
    rescued = [found[each.name] + handle for each in record if not each.answered and each.name in found]
    free = sorted([*(each.left for each in record if each.answered), *rescued])
    assert len(found) == len([each for each in record if each.answered]) + len(rescued)
    left = list(free)
    for at in sorted(found.values()):
        left.remove(at)
    # A moment at which an agent is free goes unused only while nobody waits.
    for at in left:
        for each in record:
            gone = found.get(each.name, each.left)
            assert not (each.entered <= at < gone), f"{each.name} waits at {at}"


@given(any_record(), st.data())
def test_who_alone_has_a_higher_priority_never_waits_longer(record: list[Waiting], data: st.DataObject) -> None:
    if not record:
        return
    equal = [each._replace(priority=1) for each in record]
    one = data.draw(st.sampled_from(equal))
    raised = [each._replace(priority=2) if each.name == one.name else each for each in equal]
    lowered = [each._replace(priority=0) if each.name == one.name else each for each in equal]
    before, after, last = taken(equal, HANDLE), taken(raised, HANDLE), taken(lowered, HANDLE)
    assert after.get(one.name, one.left) <= before.get(one.name, one.left)
    assert last.get(one.name, one.left) >= before.get(one.name, one.left)


def test_of_one_moment_who_was_answered_first_comes_first() -> None:
    record = [waiting("a", 0, 20, True), waiting("b", 0, 10, True), waiting("c", 0, 15, False)]
    assert taken(record, HANDLE) == {record[0].name: 20, record[1].name: 10}


def test_who_had_left_takes_an_agent_for_the_mean_handle_time() -> None:
    """``c`` would have left at 15; at 10 it is taken, and the agent is free again at 17, when ``b`` is."""
    record = [waiting("a", 0, 10, True), waiting("b", 0, 30, True), waiting("c", 5, 15, False, priority=1)]
    assert taken(record, HANDLE) == {record[2].name: 10, record[0].name: 17, record[1].name: 30}


def test_a_moment_for_which_nobody_is_left_goes_unused() -> None:
    record = [waiting("a", 0, 10, True), waiting("c", 0, 11, False, priority=1)]
    assert taken(record, HANDLE) == {record[1].name: 10, record[0].name: 17}
    assert taken([*record, waiting("z", 40, 50, True)], HANDLE) == {
        record[1].name: 10, record[0].name: 17, (("voice", "z", "o", 0), 0): 50,
    }  # fmt: skip


# Whole records


@st.composite
def records(draw: Draw) -> list[Recorded]:
    found = []
    for number, stay in enumerate(draw(any_record(12))):
        left, result = stay.left * 1000, "answered" if stay.answered else "abandoned"
        found.append(
            Recorded(
                f"c{number}",
                ("voice", "chat", "email")[draw(st.integers(0, 2))],
                f"customer:{draw(st.integers(0, 4))}",
                stay.entered * 1000,
                result,
                (Stay("q", stay.entered * 1000, left, result),),
                tier=("platinum", "gold", "red", "none")[draw(st.integers(0, 3))],
                type=("none", "value", "service")[draw(st.integers(0, 2))],
                answered=left if stay.answered else None,
                handle_ms=draw(st.integers(0, 300_000)) if stay.answered else 0,
            )
        )
    return found


TIERED = policy("tiered", Known(("platinum", "gold", "silver", "red")))


def under(record: list[Recorded]) -> Outcome:
    return outcome(Whole(tuple(record)), "tiered", TIERED, 4000)


@given(records(), st.randoms(use_true_random=False))
def test_figures_do_not_depend_on_the_order_of_the_record(record: list[Recorded], random: Random) -> None:
    shuffled = list(record)
    random.shuffle(shuffled)
    assert under(shuffled) == under(record)


@given(records())
def test_figures_add_up(record: list[Recorded]) -> None:
    found = under(record)
    for groups in (found.services, found.tiers, found.types):
        for name in ("contacts", "offered", "answered", "abandoned", "broken", "customers", "cost", "at_risk"):
            assert sum(getattr(sums, name) for sums in groups.values()) == getattr(found.total, name)
    assert sum(sums.cost for sums in found.channels.values()) == found.total.cost
    assert found.total.customers == len({each.owner for each in record})
    answered = sum(each.offered and each.outcome == "answered" for each in record)
    assert sum(sums.rescued for sums in found.channels.values()) == found.total.rescued
    assert found.total.answered + found.total.abandoned == found.total.offered
    mails = sum(each.channel == "email" and each.outcome == "answered" for each in record)
    rescued = sum(found.channels[channel].rescued for channel in ("voice", "chat") if channel in found.channels)
    assert found.total.answered == answered - mails + rescued
