from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.metrics.erlang import UNSTABLE, Queue, erlang_a, erlang_c
from streams.metrics.staffing import (
    INTERVAL_MS,
    Arrivals,
    Known,
    Measured,
    Need,
    Needs,
    Plan,
    Staffed,
    Target,
    arrivals,
    interval_of,
    measured,
    needs,
    together,
)

BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
CARDS = ("voice", "cards")
WEEK_MS = 7 * DAY_MS


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1000


NINE = at("2026-03-09T09:00")
BUSY = Measured(offered=360, handled=350, handle_ms=350 * 240_000, abandoned=12, waited_ms=12 * 180_000)


def plan(start: int = NINE, intervals: int = 1, zone: ZoneInfo = BERLIN, **more: object) -> Plan:
    return Plan(start, intervals, zone, **more)  # type: ignore[arg-type]


WHOLE = Known(NINE - 5 * WEEK_MS, NINE)


def one(found: Needs) -> Need:
    assert found.refused is None
    (need,) = found.needs
    return need


def staffed(said: Staffed | str) -> tuple[int, int, Queue]:
    assert isinstance(said, Staffed)
    assert said.queue is not None
    return said.agents, said.scheduled, said.queue


def test_the_same_weekday_and_hour_of_the_weeks_at_hand_with_their_spread() -> None:
    history = {NINE - week * WEEK_MS: Measured(entered) for week, entered in ((1, 30), (2, 42), (3, 36), (5, 999))}
    found = arrivals(history, WHOLE, NINE, plan())
    assert found is not None
    assert found == Arrivals(27, 0, 42, found.deviation, "weekday", tuple(NINE - k * WEEK_MS for k in (1, 2, 3, 4)))
    assert found.deviation == pytest.approx(348**0.5)
    assert arrivals(history, WHOLE, NINE, plan(weeks=1)) == Arrivals(30, 30, 30, None, "weekday", (NINE - WEEK_MS,))


def test_weeks_before_the_readings_began_do_not_count_as_empty() -> None:
    history = {NINE - WEEK_MS: Measured(30)}
    found = arrivals(history, Known(NINE - 10 * DAY_MS, NINE), NINE, plan())
    assert found == Arrivals(30, 30, 30, None, "weekday", (NINE - WEEK_MS,))


def test_the_hour_is_that_of_the_local_clock() -> None:
    """Berlin changes to summer time on 29 March 2026: that week has 167 hours."""
    after = at("2026-03-30T09:00")
    before = at("2026-03-23T09:00")
    assert after - before == WEEK_MS - HOUR_MS
    found = arrivals({before: Measured(7)}, Known(before - HOUR_MS, after), after, plan(after))
    assert found == Arrivals(7, 7, 7, None, "weekday", (before,))
    assert interval_of(before + 29 * MINUTE_MS, INTERVAL_MS, BERLIN) == before
    calcutta = ZoneInfo("Asia/Kolkata")
    assert interval_of(at("2026-03-09T09:15", calcutta), INTERVAL_MS, calcutta) == at("2026-03-09T09:00", calcutta)


def test_without_a_week_the_last_intervals_count() -> None:
    history = {NINE - k * INTERVAL_MS: Measured(10 * k) for k in range(1, 9)}
    found = arrivals(history, Known(NINE - 8 * INTERVAL_MS, NINE), NINE + DAY_MS, plan())
    assert found is not None
    assert (found.expected, found.least, found.most, found.basis, len(found.of)) == (25, 10, 40, "recent", 4)
    assert arrivals(history, Known(NINE - INTERVAL_MS, NINE), NINE, plan()) is None
    assert arrivals({}, Known(NINE, NINE - INTERVAL_MS), NINE, plan()) is None


def test_vector_3_as_a_question_of_staff() -> None:
    history = {NINE - WEEK_MS: BUSY}
    need = one(needs(CARDS, history, WHOLE, plan(weeks=1, shrinkage=0.3), 15_000))
    assert (need.load, need.handle_ms, need.handle_of) == (48, 240_000, "interval")
    agents, scheduled, queue = staffed(need.c)
    assert (agents, scheduled) == (55, 79)
    assert queue.service_level > 0.8
    fewer = erlang_c(360, INTERVAL_MS, 240_000, 54, 15_000)
    assert isinstance(fewer, Queue)
    assert fewer.service_level < 0.8
    agents, _, queue = staffed(need.a)
    assert agents < 55
    assert queue == erlang_a(360, INTERVAL_MS, 240_000, agents, 15_000, 180_000)
    assert queue.service_level >= 0.8 > erlang_a(360, INTERVAL_MS, 240_000, agents - 1, 15_000, 180_000).service_level


def test_given_agents_are_judged_and_a_load_they_cannot_carry_is_a_word() -> None:
    history = {NINE - WEEK_MS: BUSY}
    need = one(needs(CARDS, history, WHOLE, plan(weeks=1, agents=55), 15_000))
    _, _, queue = staffed(need.c)
    assert round(100 * queue.service_level, 2) == 84.59
    need = one(needs(CARDS, history, WHOLE, plan(weeks=1, agents=48), 15_000))
    assert need.c == UNSTABLE == "unstable"
    _, _, queue = staffed(need.a)
    assert 0 < queue.abandonment < 1


def test_every_target_that_is_given_holds() -> None:
    history = {NINE - WEEK_MS: BUSY}
    for target in (Target(asa_ms=5_000), Target(occupancy=0.7), Target(0.9, 10_000, 8_000, 0.85)):
        need = one(needs(CARDS, history, WHOLE, plan(weeks=1, target=target), 15_000))
        for said, patience in ((need.c, None), (need.a, 180_000)):
            agents, _, queue = staffed(said)
            assert target.met(queue)
            within = target.within_ms or 15_000
            fewer = (
                erlang_c(360, INTERVAL_MS, 240_000, agents - 1, within)
                if patience is None
                else erlang_a(360, INTERVAL_MS, 240_000, agents - 1, within, patience)
            )
            assert isinstance(fewer, str) or not target.met(fewer)


def test_patience_is_measured_or_given_or_missing_in_words() -> None:
    history = {NINE - WEEK_MS: BUSY}
    assert needs(CARDS, history, WHOLE, plan(weeks=1), 15_000).patience_ms == 180_000
    assert needs(CARDS, history, WHOLE, plan(weeks=1, patience_ms=60_000), 15_000).patience_ms == 60_000
    few = {NINE - WEEK_MS: BUSY._replace(abandoned=9)}
    found = needs(CARDS, few, WHOLE, plan(weeks=1), 15_000)
    assert found.patience_ms == one(found).a == "9 abandoned legs are too few for a patience: it takes 10, or say one"
    staffed(one(found).c)


def test_the_handle_time_of_an_interval_with_few_contacts_is_that_of_the_queue() -> None:
    history = {NINE - WEEK_MS: Measured(40, 29, 29), NINE - DAY_MS: Measured(0, 71, 71 * 200_000)}
    need = one(needs(CARDS, history, WHOLE, plan(weeks=1), 15_000))
    assert need.handle_of == "queue"
    assert need.handle_ms == (29 + 71 * 200_000) / 100


def test_nobody_is_needed_where_nobody_is_expected() -> None:
    need = one(needs(CARDS, {NINE - DAY_MS: BUSY}, WHOLE, plan(), 15_000))
    assert need.c == need.a == Staffed(0, 0, None)


def test_what_is_too_little_is_said_in_words() -> None:
    few = needs(CARDS, {NINE - WEEK_MS: Measured(29, 29, 29)}, WHOLE, plan(), 15_000)
    assert (few.needs, few.refused) == ((), "29 handled contacts are too few for a mean handle time: it takes 30")
    begun = needs(CARDS, {NINE - INTERVAL_MS: BUSY}, Known(NINE - INTERVAL_MS, NINE), plan(), 15_000)
    assert begun.refused == "readings of 30 min are too few: it takes a week, or the last 2 intervals of 30 min"
    mail = needs(("email", "cards"), {NINE - WEEK_MS: BUSY}, WHOLE, plan(), 15_000)
    assert mail.refused == "nobody sits and waits on email, so neither model holds; go by its backlog"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Target(service_level=1.0), "above 0 % and below 100 %"),
        (lambda: Target(service_level=float("nan")), "above 0 % and below 100 %"),
        (lambda: Target(within_ms=-1), "must not be negative"),
        (lambda: Target(asa_ms=0), "longer than 0"),
        (lambda: Target(asa_ms=float("nan")), "longer than 0"),
        (lambda: Target(occupancy=1.1), "at most 100 %"),
        (lambda: plan(shrinkage=1.0), "below 100 %"),
        (lambda: plan(patience_ms=0), "longer than 0"),
        (lambda: plan(agents=0), "at least one agent"),
    ],
)
def test_targets_that_cannot_be_are_refused(make: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()  # type: ignore[operator]


def test_what_the_readings_of_a_record_say() -> None:
    readings = {
        ("contacts_offered", "all"): (12, 1),
        ("handle_time", "all"): (900, 9),
        ("speed_of_answer", "answered_legs"): (70, 10),
        ("time_to_abandon", "mean"): (30, 2),
        ("abandonment", "of_left"): (2, 12),
    }
    assert measured(readings) == Measured(12, 9, 900, 2, 100)
    del readings["time_to_abandon", "mean"]
    assert measured(readings) == Measured(12, 9, 900), "of an earlier version"
    del readings["abandonment", "of_left"]
    assert measured(readings) == Measured(12, 9, 900, 0, 70), "nobody gave up"
    assert measured({}) == Measured()
    assert together([Measured(1, 2, 3, 4, 5), Measured(1, 1, 1, 1, 1)]) == Measured(2, 3, 4, 5, 6)


@given(
    st.integers(1, 3_000), st.integers(1_000, 900_000), st.floats(0.5, 0.99), st.integers(0, 60_000), st.floats(0, 0.6)
)
def test_the_least_number_that_reaches_the_target(
    entered: int, handle_ms: int, share: float, within: int, shrinkage: float
) -> None:
    history = {NINE - WEEK_MS: Measured(entered, 100, 100 * handle_ms, 10, 10 * 60_000)}
    need = one(needs(CARDS, history, WHOLE, plan(weeks=1, target=Target(share), shrinkage=shrinkage), within))
    for said, model in (
        (need.c, lambda n: erlang_c(entered, INTERVAL_MS, handle_ms, n, within)),
        (need.a, lambda n: erlang_a(entered, INTERVAL_MS, handle_ms, n, within, 60_000)),
    ):
        agents, scheduled, queue = staffed(said)
        assert queue.service_level >= share
        assert scheduled * (1 - shrinkage) >= agents - 1e-6
        if agents > 1:
            fewer = model(agents - 1)
            assert isinstance(fewer, str) or fewer.service_level < share
