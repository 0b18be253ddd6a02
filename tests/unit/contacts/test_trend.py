"""How a customer's feeling goes: slope, negative streak and turning point, by hand and by the definition."""

import random
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contacts.trend import BESIDE, MAX_FEELINGS, Feelings, Trend, felt, latest, together, trend, trend_record
from streams.customers.customers import Customer
from tests.support.track_story import RULES, T0, D, H, M, S, Task, arrivals, ended, event, in_order, play, said

FEELINGS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([-1000, -201, -200, -199, 0, 300, 1000])), max_size=20
)


def of(*scores: float) -> Trend | None:
    return trend(tuple((place, round(1000 * score)) for place, score in enumerate(scores)))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((), None),
        ((-0.2,), None),
        ((0.0, -0.2), (-0.2, 1, 1, None, None)),
        ((0.5, -0.19), (-0.69, 0, None, None, None)),
        ((0.9, -0.3, -0.6), (-0.75, 2, 1, None, None)),
        ((0.5, 0.5, 0.5, 0.5), (0.0, 0, None, None, None)),
        ((0.6, 0.4, -0.5, -0.7), (-0.48, 2, 2, 2, -1.1)),
        ((-1, 0.8, 0.6, 0.7, 0.9, 0.8), (0.269, 0, None, 2, 0.85)),
        ((-0.5, -0.5, 0.5, 0.5, -0.5, -0.5), (0.0, 2, 4, 2, 0.5)),
    ],
)
def test_trend(scores: tuple[float, ...], expected: tuple[Any, ...] | None) -> None:
    assert of(*scores) == expected


@given(FEELINGS, st.randoms(use_true_random=False))
def test_it_is_of_the_latest_ones_however_they_came(feelings: list[tuple[int, int]], rnd: random.Random) -> None:
    known: Feelings = ()
    for each in rnd.sample(feelings, len(feelings)):
        known = felt(known, each)
    assert known == latest(feelings) == tuple(sorted(feelings))[-MAX_FEELINGS:]
    found = trend(known)
    if found is None:
        assert len(known) < 2
        return
    times, scores = [at for at, _ in known], [Fraction(milli, 1000) for _, milli in known]
    tail = scores[len(scores) - found.negatives :]
    assert all(score <= Fraction(-1, 5) for score in tail)
    assert len(tail) == len(scores) or scores[-len(tail) - 1] > Fraction(-1, 5)
    assert found.since == (times[-len(tail)] if tail else None)
    middle = Fraction(len(scores) - 1, 2)
    spread = sum((place - middle) ** 2 for place in range(len(scores)))
    above = sum(((place - middle) * score for place, score in enumerate(scores)), Fraction())
    assert found.slope == (pytest.approx(float(above / spread), abs=0.0006))
    turns = {
        times[at]: sum(scores[at:], Fraction()) / (len(scores) - at) - sum(scores[:at], Fraction()) / at
        for at in range(BESIDE, len(scores) - BESIDE + 1)
        if times[at] > times[at - 1]
    }
    most = max((abs(turn) for turn in turns.values()), default=Fraction())
    first = min((at for at, turn in turns.items() if abs(turn) == most and most), default=None)
    assert found.turned == first
    assert found.turn == (None if first is None else pytest.approx(float(turns[first]), abs=0.0006))


def test_messages_and_answers_of_a_contact_and_of_the_whole_journey() -> None:
    survey = event("feedback.given", 4 * M, "c1", "chat", metric="csat", score=1)
    nobody = event("feedback.given", 5 * M, "c1", "chat", metric="wishes", score=1)
    chat = (said(0, 0.5), said(M, 0.4), said(2 * M, -0.5), said(3 * M, author="agent"), survey, nobody)
    task = play(*chat, said(9 * M, -0.6, contact="c2"), said(10 * M, contact="c3"))
    record = task.journeys[-1]
    assert [each["sentiment_trend"] for each in record["contacts"]] == [
        {
            "slope": -0.54,
            "negative_streak": 2,
            "negative_since": "2026-01-01T09:02:00.000Z",
            "turned": "2026-01-01T09:02:00.000Z",
            "turn": -1.2,
        },
        None,
        None,
    ]
    assert record["sentiment_trend"] == {
        "slope": -0.36,
        "negative_streak": 3,
        "negative_since": "2026-01-01T09:02:00.000Z",
        "turned": "2026-01-01T09:02:00.000Z",
        "turn": -1.15,
    }


def test_it_goes_on_with_a_contact_that_had_come_to_rest() -> None:
    task = play(said(0, 0.5, contact="m", channel="email"), until=12 * D)
    assert task.customer is not None and task.customer.lines[""].rested
    task.take(said(13 * D, -0.5, contact="m", channel="email"))
    [found] = task.journeys[-1]["contacts"]
    assert (found["sentiment_trend"]["slope"], found["sentiment_trend"]["negative_streak"]) == (-1.0, 1)


@given(st.tuples(FEELINGS, FEELINGS, FEELINGS))
def test_the_latest_of_several_sets_are_those_of_all_however_they_are_joined(each: tuple[list[Any], ...]) -> None:
    one, two, three = (latest(set(some)) for some in each)
    whole = latest({*each[0], *each[1], *each[2]})
    assert together(together(one, two), three) == together(three, together(two, one)) == whole
    assert together(whole, two) == whole


def test_a_customers_is_of_all_contacts_long_after_they_are_condensed() -> None:
    survey = event("feedback.given", 2 * M, "c1", "chat", metric="csat", score=5)
    task = play(said(0, 0.8), said(M, 0.6), survey, ended(3 * M, "c1", channel="chat"), until=29 * D)
    assert task.customer is not None and not task.customer.lines[""].histories
    task.take(said(29 * D, -0.5, contact="c2"), said(29 * D + M, -0.7, contact="c2")).until(29 * D + H)
    assert task.journeys[-1]["sentiment_trend"]["slope"] == -0.2
    assert task.segments[-1]["sentiment_trend"] == {
        "slope": -0.41,  # 0.8, 0.6, 1, −0.5, −0.7
        "negative_streak": 2,
        "negative_since": "2026-01-30T09:00:00.000Z",
        "turned": "2026-01-30T09:00:00.000Z",
        "turn": -1.4,
    }


def feelings_of(events: list[Any]) -> Feelings:
    """The customer's by the definition."""
    found = set()
    for each in events:
        if each.type == "message.sent":
            found.add((each.time, round(1000 * each.data["sentiment"])))
        elif each.type == "feedback.given":
            found.add((each.time, 200 * each.data["score"] - 1000))
    return latest(found)


@st.composite
def conversations(draw: st.DrawFn) -> list[Any]:
    """Up to three contacts with messages and answers, some at one moment; far enough apart for parts of one."""
    events = []
    for number in range(draw(st.integers(1, 3))):
        time, contact = draw(st.sampled_from([0, 40 * M, 30 * H])), f"c{number}"
        for index in range(draw(st.integers(1, 16))):
            time += draw(st.sampled_from([0, 1, 20 * S, 50 * M, 25 * H]))
            name = {"id": f"{number}-{index}", "contact": contact, "channel": "chat"}
            kind = draw(st.sampled_from(["said", "said", "said", "asked", "ended"]))
            if kind == "said":
                events.append(said(time, draw(st.sampled_from([-0.9, -0.2, 0.0, 0.7])), **name))
            elif kind == "asked":
                events.append(event("feedback.given", time, metric="nps", score=draw(st.integers(0, 10)), **name))
            else:
                events.append(ended(time + 1, **name))
                time += 2
    return sorted(events, key=lambda each: (each.time, each.id))


def trends(task: Task) -> dict[str, Any]:
    """Of each journey and of its contacts, as last told."""
    return {
        name: (its["sentiment_trend"], [each["sentiment_trend"] for each in its["contacts"]])
        for name, its in task.last_journeys().items()
    }


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_order_and_cut(data: st.DataObject) -> None:
    """Shuffled and twice, with a restart between any two."""
    events = data.draw(conversations())
    told = data.draw(arrivals([*events, *events], RULES.contacts.lateness_ms // 2))
    task = Task()
    for record, now in told:
        task.until(now - T0 - 1).take(record)
        task.customer = msgspec.json.decode(msgspec.json.encode(task.customer), type=Customer)
    end = 20 * D
    assert trends(task.until(end)) == trends(in_order(events, end)) != {}
    if task.segments:
        assert task.segments[-1]["sentiment_trend"] == trend_record(trend(feelings_of(events)))
