"""Contacts that rest and go on: idle time, ends, late words; the same whether stream time has passed or not."""

from collections import Counter
from typing import Any

import pytest

from streams.base.records import Event
from tests.support.track_story import D, H, M, S, Task, event, play, said


def facts(task: Task) -> list[tuple[str, str | None, str, int | None]]:
    """(fact, outcome or variant, queue, value or wait) of what holds, but for messages' moods, entering
    and machines."""
    return sorted(
        (each.fact, each.outcome or each.variant, each.queue, each.time - each.entered if each.entered else each.value)
        for each in task.of_contacts
        if each.fact not in ("sentiment", "leg_opened", "contact_by_machine")
    )


def both(*events: Event, until: int) -> Task:
    """The events at once, and with stream time following them: the same facts and journeys."""
    once = play(*events, until=until)
    paced = Task()
    for each in events:
        paced.until(each.time - events[0].time).take(each)
    paced.until(until)
    assert once.net == paced.net
    assert once.last_journeys() == paced.last_journeys()
    return paced


def chat(kind: str, at: int, **more: Any) -> Event:
    return event(kind, at, **{"channel": "messaging"} | more)


def wrote(at: int, author: str = "customer", **more: Any) -> Event:
    return said(at, author=author, **{"channel": "messaging", "contact": "c1"} | more)


def test_an_answer_on_monday_to_a_message_of_saturday() -> None:
    task = both(chat("contact.initiated", 0), wrote(S), wrote(47 * H, "agent"), until=80 * H)
    assert facts(task) == [
        ("contact_offered", "answered", "none", 0),
        ("contact_reopened", None, "none", None),
        ("first_response", "any", "none", 47 * H - S),
        ("first_response", "human_from_start", "none", 47 * H - S),
    ]
    [journey] = task.last_journeys().values()
    assert [(each["contact_id"], each["outcome"], each["messages"]) for each in journey["contacts"]] == [
        ("c1", "answered", 2)
    ]
    assert journey["counts"] == {"contacts": 1, "answered": 1, "abandoned": 0, "messages": 2, "transfers": 0}


def test_who_waits_over_the_weekend_is_answered_once_from_the_queue() -> None:
    events = (wrote(0), chat("contact.queued", S, queue="cards", tier="gold"), wrote(47 * H, "agent"))
    task = both(*events, chat("contact.ended", 48 * H, by="agent"), until=80 * H)
    assert facts(task) == [
        ("contact_offered", "answered", "cards", 47 * H - S),
        ("contact_reopened", None, "cards", None),
        ("first_response", "any", "cards", 47 * H),
        ("first_response", "human_from_start", "cards", 47 * H),
        ("leg_closed", "answered", "cards", 47 * H - S),
    ]
    assert {each.tier for each in task.net} == {"gold"}


def test_while_nothing_comes_an_idle_contact_has_flowed_out() -> None:
    task = play(chat("contact.queued", 0, queue="cards"), until=30 * H)
    assert facts(task) == [
        ("contact_offered", "flow_out", "cards", 24 * H),
        ("leg_closed", "flow_out", "cards", 24 * H),
    ]


@pytest.mark.parametrize("hours", [2, 25, 13 * 24])
def test_a_survey_belongs_to_its_contact_for_the_whole_horizon(hours: int) -> None:
    call = (
        event("contact.queued", 0, queue="cards", tier="gold"),
        event("contact.connected", 10 * S, agent="a1"),
        event("contact.ended", 100 * S, by="customer"),
    )
    survey = event("feedback.given", hours * H, metric="csat", score=5)
    task = both(*call, survey, until=hours * H + 5 * H)
    [feedback] = task.of("feedback")
    assert (feedback.queue, feedback.tier, feedback.value) == ("cards", "gold", 5000)
    assert Counter(each.fact for each in task.of_contacts) == {
        "leg_opened": 1,
        "leg_closed": 1,
        "contact_offered": 1,
        "contact_handled": 1,
        "feedback": 1,
    }
    assert [each["counts"]["contacts"] for each in task.last_journeys().values()] == [1]


def test_the_last_answer_of_a_survey_takes_the_earlier_one_back() -> None:
    call = (event("contact.connected", 0), event("contact.ended", 10 * S, by="agent"))
    answers = [
        event("feedback.given", at, metric="csat", score=score) for at, score in ((M, 1), (5 * H, 3), (9 * D, 5))
    ]
    task = both(*call, *answers, until=10 * D)
    assert [each.value for each in task.of("feedback")] == [5000]
    nps = event("feedback.given", 2 * M, metric="nps", score=9)
    assert sorted(each.value or 0 for each in both(*call, answers[0], nps, until=D).of("feedback")) == [1000, 9000]


@pytest.mark.parametrize("after", [20 * M, 65 * M, 3 * D])
def test_after_contact_work_counts_once_however_late_it_is_told(after: int) -> None:
    call = (event("contact.connected", 0, agent="a1"), event("contact.ended", 100 * S, by="customer"))
    task = both(*call, event("contact.wrapped_up", 100 * S + after, agent="a1", duration_ms=30 * S), until=5 * D)
    [handled] = task.of("contact_handled")
    assert (handled.talk_ms, handled.wrap_ms, handled.time - call[0].time) == (100 * S, 30 * S, 100 * S)


def test_a_customer_who_comes_back_asks_again() -> None:
    bot = (
        event("contact.connected", 0, channel="chat", party="bot"),
        said(S),
        said(2 * S, author="bot"),
        event("contact.ended", 10 * S, channel="chat", by="bot", reason="self-served"),
    )
    task = both(*bot, said(5 * H), said(5 * H + 10 * M, author="agent"), until=30 * H)
    assert facts(task) == [
        ("contact_offered", "answered", "none", 0),
        ("contact_reopened", None, "none", None),
        ("first_response", "after_reopen", "none", 10 * M),
        ("first_response", "any", "none", S),
        ("first_response", "human_from_start", "none", 10 * M),
        ("next_response", None, "none", 10 * M),
    ]


def test_replies_after_the_first_have_the_time_since_the_oldest_message_without_one() -> None:
    talk = (said(0), said(10 * S, author="agent"), said(20 * S), said(30 * S), said(50 * S, author="agent"))
    task = play(*talk, said(55 * S, author="agent"))
    assert [each.value for each in task.of("next_response")] == [30 * S]


def test_a_call_back_under_the_same_id_counts_its_talk_and_no_second_contact() -> None:
    call = (
        event("contact.queued", 10 * S, queue="cards"),
        event("contact.callback_requested", 180 * S),
        event("contact.ended", 185 * S, by="customer"),
        event("contact.offered", 33 * M, agent="a1"),
        event("contact.connected", 33 * M + 20 * S, agent="a1"),
        event("contact.ended", 38 * M + 20 * S, by="customer"),
    )
    task = both(*call, until=5 * H)
    [handled] = task.of("contact_handled")
    assert handled.talk_ms == 5 * M
    assert [(each.outcome, each.value) for each in task.of("contact_offered")] == [("answered", 170 * S)]
    [journey] = task.last_journeys().values()
    assert [each["outcome"] for each in journey["contacts"]] == ["answered"]


def test_an_id_that_comes_again_after_the_horizon_is_another_contact() -> None:
    call = (
        event("contact.queued", 0, queue="cards"),
        event("contact.connected", S),
        event("contact.ended", M, by="agent"),
    )
    again = (event("contact.queued", 15 * D, queue="loans"), event("contact.connected", 15 * D + S))
    task = both(*call, *again, until=15 * D + H)
    assert [(each.queue, each.outcome) for each in task.of("contact_offered")] == [
        ("cards", "answered"),
        ("loans", "answered"),
    ]
