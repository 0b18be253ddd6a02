"""What the simulator counts of its own intentions, and what the product makes of its events: the same, in every figure."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.demo.askings import Askings, Replies
from streams.demo.check import compare
from streams.demo.counts import Counts, times
from streams.demo.parts import DAY_MS, HOUR_MS, Contact
from streams.demo.simulator import Settings, Simulation
from streams.demo.truth import Truth
from streams.demo.world import World
from tests.support.product import RULES, state_of

LINE = "demo-7-x"
START = 1_772_445_600_000  # Monday, 2026-03-02 10:00 UTC
NIGHT = 6 * HOUR_MS


def wrong(simulation: Simulation, minutes: float, every_ms: int | None) -> list[str]:
    state = state_of(simulation, simulation.emissions(int(minutes * 60_000)), every_ms)
    assert state.final()
    return [str(check) for check in compare(simulation.truth, state) if not check.right]


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    seed=st.integers(0, 10**6),
    weekday=st.integers(0, 6),
    hour=st.integers(8, 20),
    minutes=st.sampled_from((0.5, 3, 6)),
    every_ms=st.sampled_from((5_000, 60_000, NIGHT)),
)
def test_the_product_says_what_the_simulator_meant_at_every_seed_day_and_pace(
    seed: int, weekday: int, hour: int, minutes: float, every_ms: int | None
) -> None:
    start = START + weekday * DAY_MS + (hour - 10) * HOUR_MS
    assert wrong(Simulation(Settings(LINE, start, RULES, seed=seed, hour=hour)), minutes, every_ms) == []


def test_all_of_it_may_lie_there_before_time_comes_along() -> None:
    assert wrong(Simulation(Settings(LINE, START, RULES, seed=9)), 2, None) == []


@pytest.mark.xfail(
    reason="contacts that are over when their identifiers turn out to be shared are with their group's owner, and one of "
    "them that goes on is counted as another contact (docs/identity.md)"
)
@pytest.mark.parametrize("seed", [4, 13])
def test_also_when_what_is_over_turns_out_to_be_shared(seed: int) -> None:
    assert wrong(Simulation(Settings(LINE, START, RULES, seed=seed)), 2, None) == []


@pytest.mark.xfail(
    reason="where days lie there before time comes along, a contact that rested and went on may have a record of quality "
    "that says it is over at its next time-out, though the line ends before that"
)
@pytest.mark.parametrize("seed", [14, 17])
def test_nor_is_a_contact_over_before_its_time(seed: int) -> None:
    assert wrong(Simulation(Settings(LINE, START, RULES, seed=seed)), 2, None) == []


def test_without_days_before_and_without_customers() -> None:
    assert wrong(Simulation(Settings(LINE, START, RULES, days_before=0)), 6, 60_000) == []
    assert wrong(Simulation(Settings(LINE, START, RULES, customers=0)), 3, 60_000) == []


def test_a_long_day_that_goes_over_a_night() -> None:
    late = Settings(LINE, START + 13 * HOUR_MS, RULES, seed=3, hour=23, customers=60)
    assert wrong(Simulation(late), 75, 300_000) == []


def test_a_line_that_was_stopped_early() -> None:
    simulation = Simulation(Settings(LINE, START, RULES, seed=5))
    emissions = simulation.emissions(3_600_000)
    early = []
    for emission in emissions:
        early.append(emission)
        if emission.time > START + 100_000:
            simulation.stop()
    assert simulation.end_ms == START + 110_000
    assert [check for check in compare(simulation.truth, state_of(simulation, early)) if not check.right] == []


def test_the_board_shows_of_the_day_what_the_days_say_at_the_end() -> None:
    running, over = (Simulation(Settings(LINE, START, RULES, days_before=0)) for _ in range(2))
    live = state_of(running, running.emissions(360_000), 10_000, ended=False)
    end = state_of(over, over.emissions(360_000))
    for pair, counts in over.truth.counts.items():
        assert live.so_far("contacts_offered", "all", pair).numerator == counts.offered
        assert end.of_days("contacts_offered", "all", pair).numerator == counts.offered
        assert (live.queues[pair].depth if pair in live.queues else 0) == counts.legs_waiting


# Askings


def test_a_reply_of_monday_to_a_message_of_saturday_took_two_days() -> None:
    askings = Askings()
    askings.wrote(0)
    askings.wrote(HOUR_MS)
    assert askings.reply(2 * DAY_MS) == Replies(any=2 * DAY_MS, first=2 * DAY_MS)
    assert askings.reply(2 * DAY_MS + 5) == Replies()
    askings.wrote(3 * DAY_MS)
    assert askings.reply(3 * DAY_MS + 7) == Replies(next=7)


def test_the_hours_between_an_end_and_the_next_message_are_nobodys() -> None:
    askings = Askings()
    askings.wrote(0)
    askings.reply(10)
    askings.over()
    askings.over()
    assert askings.reply(500) == Replies(), "nothing was asked"
    askings.wrote(1000)
    assert askings.reply(1030) == Replies(again=30, next=30)
    askings.wrote(2000)
    assert askings.reply(2001) == Replies(next=1)


def test_a_first_reply_may_come_in_a_later_asking() -> None:
    askings = Askings()
    askings.wrote(0)
    askings.over()
    askings.wrote(100)
    assert askings.reply(140) == Replies(any=40, first=40, again=40, next=40)


def test_a_bots_reply_is_a_reply_and_no_persons() -> None:
    askings = Askings()
    askings.wrote(0)
    assert askings.bot(5) == Replies(any=5)
    askings.wrote(6)
    assert askings.bot(9) == Replies()
    askings.hand_over(20)
    askings.hand_over(30)
    assert askings.reply(50) == Replies(first=50, handed=30)
    askings.wrote(60)
    assert askings.reply(61) == Replies(next=1)


# What a contact has once


def test_an_answer_takes_the_place_of_what_came_of_a_contact_before() -> None:
    truth = Truth(RULES)
    truth.came_out("c", "voice", "cards", "flow_out")
    truth.came_out("c", "voice", "cards", "abandoned")
    assert truth.total() == Counts(offered=1, flowed_out=1)
    truth.came_out("c", "voice", "loans", "answered")
    truth.came_out("c", "voice", "loans", "abandoned")
    assert truth.total() == truth.of("voice", "loans") == Counts(offered=1, answers=times(0), answered_within=1)


def test_the_last_answer_to_a_survey_and_the_last_handling_count() -> None:
    truth = Truth(RULES)
    for score in (2, 5):
        truth.rated("c", ("voice", "cards"), score)
    truth.handled("c", ("voice", "cards"), (10, 1, 0))
    truth.handled("c", ("voice", "loans"), (30, 1, 4), 1)
    assert truth.of("voice", "cards") == Counts(csat=1, csat_satisfied=1, csat_sum=5)
    loans = Counts(handles=times(35), talks=times(30), holds=times(1), wraps=times(4), transferred=1)
    assert truth.of("voice", "loans") == loans


@pytest.mark.parametrize(("rest_h", "went_on"), [(71, 0), (73, 1)])
def test_a_rest_is_a_rest_when_it_is_longer_than_the_rules_allow(rest_h: int, went_on: int) -> None:
    world = World(Settings(LINE, START, RULES))
    contact = Contact("c", "email", None, False, None, 0.0)
    world.tell(contact, "contact.initiated")
    world.env.run(until=world.env.now + rest_h * HOUR_MS)
    world.tell(contact, "message.sent", direction="inbound", author="customer", text="Any news?")
    assert world.truth.total().went_on == went_on
