"""Agents' time from their states: slots, late states, and windows of whole slots alone."""

import random
from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.base.records import AgentState, Fact
from streams.base.times import HOUR_MS, MINUTE_MS
from streams.metrics.occupancy import (
    ALL_QUEUES,
    KEPT_MS,
    LONGEST_STATE_MS,
    MAX_QUEUES,
    Agent,
    came,
    counts_in,
    ended,
    passed,
)
from streams.metrics.tables import Tables
from streams.metrics.windows import advance
from tests.support.kpi_facts import POLICY, T0, fold, value

M = MINUTE_MS
LATENESS = HOUR_MS
Spent = dict[tuple[int, str, str | None], tuple[int, int, int]]
"""(end of the slot, minutes from T0; queue; group) → seconds on contacts, in after-contact work, idle."""


def state(minutes: float, what: str, *queues: str, group: str | None = None) -> AgentState:
    time = T0 + round(minutes * M)
    return AgentState(f"{time}{what}", "/wfm", "ann", what, time, queues=queues, agent_group=group)


class Desk:
    """One agent's row, and what is left of the facts that came of it."""

    def __init__(self) -> None:
        self.row: Agent | None = None
        self.now: int | None = None
        self.facts: Counter[Fact] = Counter()
        self.late = 0

    def _note(self, facts: tuple[Fact, ...]) -> None:
        for fact in facts:
            self.facts[replace(fact, sign=1)] += fact.sign

    def take(self, *told: AgentState) -> "Desk":
        for each in told:
            found = came("ann", self.row, each, self.now, LATENESS)
            self.row, self.late = found.agent, self.late + found.late
            self._note(found.facts)
        return self

    def until(self, minutes: float) -> "Desk":
        """Stream time comes to it: the row is looked after when it is due."""
        self.now = T0 + round(minutes * M)
        while self.row is not None and self.row.due[""] < self.now:
            found = passed("ann", self.row, self.now, LATENESS)
            assert found.agent is None or found.agent.due[""] >= self.now
            self.row = found.agent
            self._note(found.facts)
        return self

    @property
    def spent(self) -> Spent:
        """In each queue."""
        return {key: each for key, each in self.counted.items() if key[1] != ALL_QUEUES}

    @property
    def once(self) -> Spent:
        """Whatever the queues."""
        return {key: each for key, each in self.counted.items() if key[1] == ALL_QUEUES}

    @property
    def counted(self) -> Spent:
        assert set(self.facts.values()) <= {0, 1}
        return {
            ((fact.time + 1 - T0) // M, fact.queue, fact.agent_group): (
                fact.talk_ms // 1000, fact.wrap_ms // 1000, (fact.value or 0) // 1000,
            )
            for fact, count in self.facts.items() if count
        }  # fmt: skip


def test_what_comes_before_stream_time_is_known_is_never_late() -> None:
    """The first state that is read of a replay says nothing of how far the replay is."""
    told = [state(0, "busy", "cards"), state(90, "available"), state(200, "offline")]
    in_time, reverse, known = Desk().take(*told), Desk().take(*told[::-1]), Desk().take(told[2]).until(0)
    known.take(told[1], told[0])
    for desk in (reverse, known):
        assert desk.late == 0
        assert desk.until(300).spent == in_time.until(300).spent
        assert sum(busy for busy, _, _ in desk.spent.values()) == 90 * 60


def test_a_shift_is_told_slot_by_slot_when_each_is_over() -> None:
    desk = Desk().until(0).take(state(1, "available", "cards"), state(3, "busy"), state(7, "wrap-up"))
    assert desk.until(4.99).spent == {}
    assert desk.until(5).spent == {(5, "cards", None): (120, 0, 120)}, "the call goes on, and counts"
    desk.take(state(8, "available"), state(9, "break"), state(12, "available"))
    assert desk.until(15).spent == {
        (5, "cards", None): (120, 0, 120), (10, "cards", None): (120, 60, 60), (15, "cards", None): (0, 0, 180),
    }  # fmt: skip


def test_each_queue_and_group_that_the_agent_serves_gets_the_time() -> None:
    desk = Desk().until(0).take(state(0, "busy", "cards", "loans", group="north"), state(4, "available", "loans"))
    assert desk.until(5).spent == {(5, "cards", "north"): (240, 0, 0), (5, "loans", "north"): (240, 0, 60)}
    assert desk.once == {(5, "all", "north"): (240, 0, 60)}, "whatever the number of queues"
    assert Desk().take(state(0, "busy")).until(5).spent == {(5, "none", None): (300, 0, 0)}
    many = Desk().take(state(0, "busy", *map(str, range(60)))).until(5)
    assert len(many.spent) == MAX_QUEUES


def test_a_late_state_takes_back_what_it_makes_wrong() -> None:
    desk = Desk().until(0).take(state(0, "available", "cards")).until(20)
    desk.take(state(8, "busy"), state(12, "available"))
    assert desk.spent == {
        (5, "cards", None): (0, 0, 300), (10, "cards", None): (120, 0, 180), (15, "cards", None): (120, 0, 180),
        (20, "cards", None): (0, 0, 300),
    }  # fmt: skip
    before = dict(desk.spent)
    desk.until(90).take(state(29, "busy"))
    assert desk.late == 1
    assert {key: desk.spent[key] for key in before} == before, "later than the lateness"


def test_a_state_that_nothing_follows_is_believed_for_half_a_day() -> None:
    desk = Desk().until(0).take(state(0, "available", "cards")).until(3 * 24 * 60)
    assert sum(idle for *_, idle in desk.spent.values()) == LONGEST_STATE_MS // 1000
    assert desk.row is not None and len(desk.row.states) == 1
    desk.take(state(3 * 24 * 60, "available")).until(3 * 24 * 60 + 5)
    assert desk.spent[3 * 24 * 60 + 5, "cards", None] == (0, 0, 300), "the queue is known"
    assert desk.until(3 * 24 * 60 + KEPT_MS / M + 1).row is None


def test_old_states_are_forgotten() -> None:
    desk = Desk().until(0)
    for minute in range(0, 600, 2):
        desk.until(minute).take(state(minute, ("busy", "available")[minute % 4 // 2], "cards"))
    assert desk.row is not None and len(desk.row.states) <= 35


def test_the_end_of_a_line_tells_the_rest() -> None:
    desk = Desk().until(0).take(state(1, "busy", "cards"), state(4, "offline"))
    assert desk.row is not None and not desk.spent
    desk._note(ended("ann", desk.row, T0 + 4 * M))
    assert desk.spent == {(5, "cards", None): (180, 0, 0)}


WHAT = ("available", "busy", "wrap-up", "break", "offline", "training")
stories = st.lists(
    st.tuples(st.integers(0, 50 * 60), st.sampled_from(WHAT), st.sampled_from(["", "cards", "loans"])),
    max_size=12,
    unique_by=lambda each: each[0],
)


def by_definition(states: list[AgentState], until: int) -> dict[tuple[int, str], list[int]]:
    """Second by second: (end of the slot, queue) → seconds busy, wrapping up, idle."""
    found: dict[tuple[int, str], list[int]] = {}
    ordered = sorted(states, key=lambda each: each.time)
    queue = "none"
    for one, after in pairwise([*ordered, AgentState("", "", "ann", "", T0 + until * M)]):
        queue = one.queues[0] if one.queues else queue
        for second in range(one.time, after.time, 1000):
            if one.state in WHAT[:3]:
                slot = (second - T0) // (5 * M) * 5 + 5
                counted = found.setdefault((slot, queue), [0, 0, 0])
                counted[("busy", "wrap-up", "available").index(one.state)] += 1
    return found


@settings(max_examples=60, deadline=None)
@given(stories, st.randoms(use_true_random=False), st.dictionaries(st.integers(0, 12), st.integers(0, 55), max_size=4))
def test_any_order_and_cut_inside_the_lateness_says_the_same(
    story: list[Any], rng: random.Random, cuts: dict[int, int]
) -> None:
    states = [state(second / 60, what, *([queue] if queue else [])) for second, what, queue in story]
    expected = {(*key, None): tuple(each) for key, each in by_definition(states, 55).items()}
    rng.shuffle(states)
    desk = Desk()
    for number, each in enumerate(states):
        if number in cuts and cuts[number] * M >= (desk.now or T0) - T0:
            desk.until(cuts[number])
        desk.take(each)
    assert desk.until(55).spent == expected
    total: dict[int, list[int]] = {}
    for (slot, _, _), each in expected.items():
        total[slot] = [a + b for a, b in zip(total.get(slot, [0, 0, 0]), each, strict=True)]
    assert desk.once == {(slot, "all", None): tuple(each) for slot, each in total.items()}


def test_groups_of_queues_count_each_queue_and_others_each_agent_once() -> None:
    facts = [*Desk().take(state(0, "busy", "cards", "loans", group="north")).until(5).facts]
    by = {group: sorted(f.queue for f in facts if counts_in(f, group)) for group in (("agent_group",), ("queue",))}
    assert by == {("agent_group",): ["all"], ("queue",): ["cards", "loans"]}
    assert not any(counts_in(each, ("tier",)) for each in facts)


def test_windows_of_whole_slots_tell_it_and_others_do_not() -> None:
    tables = Tables()
    for slot in range(1, 13):
        end = T0 + slot * 5 * M
        more = {"channel": "all", "queue": "cards", "tier": "none", "talk_ms": 4 * M, "wrap_ms": M // 2}
        assert fold(tables, Fact("agent_time", "ann", end - 1, value=M // 2, **more), POLICY) == "counted"  # type: ignore[arg-type]
    records = advance(tables, "", T0 + HOUR_MS, ended=False, policy=POLICY)
    told = {each["window"]["length_ms"] // M for each in records}
    assert told == {15, 60, 24 * 60}
    assert {tuple(each["dimensions"].values()) for each in records} == {("all", "cards", "none")}
    assert {value(each, "occupancy", "of_ready_time") for each in records} == {0.9}
    hour = next(
        each
        for each in records
        if each["window"]["length_ms"] == HOUR_MS and each["window"]["end"].endswith("10:00:00.000Z")
    )
    (reading,) = hour["readings"]
    assert (reading["numerator"], reading["denominator"]) == (54 * M, 60 * M)


def test_beside_other_facts_short_windows_tell_these_alone() -> None:
    tables = Tables()
    place = {"channel": "voice", "queue": "cards", "tier": "none"}
    fold(tables, Fact("agent_time", "ann", T0 + 5 * M - 1, value=M, talk_ms=M, **place), POLICY)  # type: ignore[arg-type]
    fold(tables, Fact("sentiment", "m", T0 + M, value=5, **place), POLICY)  # type: ignore[arg-type]
    records = advance(tables, "", T0 + 20 * M, ended=False, policy=POLICY)
    for each in records:
        said = {reading["kpi"] for reading in each["readings"]}
        assert ("occupancy" in said) <= (each["window"]["length_ms"] >= 15 * M)
    assert any("occupancy" in {reading["kpi"] for reading in each["readings"]} for each in records)
