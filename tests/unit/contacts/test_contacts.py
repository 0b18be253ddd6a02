"""Queue legs, outcomes, the times of humans, first responses: exact values."""

from typing import Any

import pytest

from streams.base.records import Event, Fact
from tests.support.track_story import T0, H, M, S, connected, ended, event, handled, legs, play, queued, said


def offered(*events: Event) -> list[tuple[str | None, str, int, int | None]]:
    """(outcome, queue, time, waited)."""
    return [(each.outcome, each.queue, each.time - T0, each.value) for each in play(*events).of("contact_offered")]


def outcome(*events: Event) -> str:
    [contact] = play(*events).journeys[-1]["contacts"]
    return str(contact["outcome"])


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (connected(30 * S), "answered"),
        (ended(30 * S, reason="abandoned"), "abandoned"),
        (ended(30 * S), "abandoned"),
        (ended(30 * S, "system", "abandoned"), "abandoned"),
        (ended(30 * S, "system", "voicemail"), "flow_out"),
        (ended(30 * S, "customer", "callback"), "flow_out"),
        (ended(30 * S, "system", "error"), "flow_out"),
        (ended(30 * S, "agent"), "flow_out"),
        (event("contact.callback_requested", 30 * S), "flow_out"),
        (event("contact.transferred", 30 * S), "flow_out"),
        (queued(30 * S, "loans"), "flow_out"),
    ],
)
def test_how_a_leg_ends(end: Event, expected: str) -> None:
    assert legs(queued(10 * S), end) == [("cards", 10 * S, 30 * S, expected)]


@pytest.mark.parametrize(
    "event_", [queued(20 * S), event("contact.offered", 20 * S, agent="a1"), connected(20 * S, party="bot")]
)
def test_what_does_not_end_a_leg(event_: Event) -> None:
    assert legs(queued(0), event_) == []


@pytest.mark.parametrize("channel", ["email", "messaging"])
def test_mail_and_messaging_have_no_abandonment(channel: str) -> None:
    events = (queued(0, channel=channel), ended(S, reason="abandoned", channel=channel))
    assert [each[3] for each in legs(*events)] == ["flow_out"]
    assert [each[0] for each in offered(*events)] == ["flow_out"]


def test_a_transfer_opens_a_leg_of_its_own_and_the_first_outcome_counts() -> None:
    events = (
        queued(0),
        connected(40 * S),
        event("contact.transferred", 100 * S, kind="cold"),
        queued(100 * S, "loans"),
        ended(160 * S, reason="abandoned"),
    )
    assert legs(*events) == [("cards", 0, 40 * S, "answered"), ("loans", 100 * S, 160 * S, "abandoned")]
    assert offered(*events) == [("answered", "cards", 40 * S, 40 * S)]
    [handled] = play(*events).of("contact_handled")
    assert (handled.talk_ms, handled.queue, handled.time - T0) == (60 * S, "loans", 160 * S)


def test_waits_of_all_legs_before_the_outcome_add_up() -> None:
    assert offered(queued(0), queued(30 * S, "loans"), connected(50 * S)) == [("answered", "loans", 50 * S, 50 * S)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((ended(9 * S, reason="abandoned"),), [("abandoned", "none", 9 * S, 0)]),
        ((ended(9 * S, reason="completed"),), []),
        ((event("contact.offered", 2 * S), ended(9 * S)), [("abandoned", "none", 9 * S, 0)]),
        ((event("contact.handed_off", 2 * S), ended(9 * S, "system", "error")), [("flow_out", "none", 9 * S, 0)]),
        (
            (event("contact.turned_away", 2 * S, queue="q", reason="full"), ended(9 * S, "system")),
            [("flow_out", "q", 9 * S, 0)],
        ),
        (
            (
                queued(0),
                event("contact.left_queue", 5 * S, queue="cards", reason="key"),
                ended(9 * S, "system", "voicemail"),
            ),
            [("flow_out", "cards", 9 * S, 5 * S)],
        ),
        ((ended(9 * S, reason="self-served"),), []),
        ((ended(9 * S, "system", "timeout"),), []),
        ((ended(9 * S, "bot"),), []),
        ((connected(5 * S), ended(9 * S)), [("answered", "none", 5 * S, 0)]),
        ((queued(0), event("contact.callback_requested", 5 * S), ended(9 * S)), [("flow_out", "cards", 9 * S, 5 * S)]),
        ((queued(0), ended(9 * S, "system", "timeout")), [("flow_out", "cards", 9 * S, 9 * S)]),
        ((queued(0, channel="bot"), ended(9 * S, channel="bot")), [("abandoned", "cards", 9 * S, 9 * S)]),
        ((ended(9 * S, channel="social"),), []),
        ((queued(0), ended(9 * S, reason="self-served")), []),
    ],
)
def test_which_contacts_are_offered(events: tuple[Event, ...], expected: list[Any]) -> None:
    assert offered(*events) == expected


def test_the_first_named_queue_labels_what_has_no_leg() -> None:
    task = play(
        event("contact.initiated", 0), event("contact.ended", S, by="customer", reason="abandoned", queue="cards")
    )
    assert [each.queue for each in task.of("contact_offered")] == ["cards"]
    task = play(said(0, -0.5), said(S, 0.5, queue="help"))
    assert [each.queue for each in task.of("sentiment")] == ["help", "help"]


def test_outcomes_of_the_touchpoint() -> None:
    assert outcome(queued(0)) == "open"
    assert outcome(queued(0), connected(S)) == "answered"
    assert outcome(ended(S, reason="self-served")) == "contained"
    assert outcome(
        said(0, channel="email"), said(S, author="agent", channel="email"), ended(2 * S, "agent", channel="email")
    ) == ("answered")


def test_sentiment_and_feedback() -> None:
    task = play(
        said(0, -0.25),
        said(S),
        said(2 * S, 0.9, author="agent"),
        event("feedback.given", 3 * S, channel="chat", metric="nps", score=9.5),
        event("post.made", 4 * S, channel="chat", sentiment=1),
    )
    assert [(each.value, each.time - T0) for each in task.of("sentiment")] == [(-250, 0), (1000, 4 * S)]
    [feedback] = task.of("feedback")
    assert (feedback.variant, feedback.value) == ("nps", 9500)
    [contact] = task.journeys[-1]["contacts"]
    assert (contact["messages"], contact["sentiment"]) == (4, 0.375)


def test_a_fact_in_full() -> None:
    [fact] = [each for each in play(queued(0, tier="gold", line="r7")).facts if each.fact == "leg_opened"]
    assert fact == Fact("leg_opened", f"c1/{T0}-c1-contact.queued-0", T0, "voice", "cards", "gold", "r7")


def test_a_late_event_takes_back_what_it_proves_wrong() -> None:
    task = play(queued(0), ended(30 * S, reason="abandoned"))
    task.take(connected(20 * S))
    told = [each for each in task.facts if not each.fact.startswith(("journey_", "quality"))]
    changes = [(each.fact, each.outcome, each.sign) for each in told[3:]]
    assert changes == [
        ("leg_closed", "abandoned", -1),
        ("contact_offered", "abandoned", -1),
        ("leg_closed", "answered", 1),
        ("contact_offered", "answered", 1),
        ("contact_handled", None, 1),
    ]


def test_an_id_that_is_used_again_after_the_horizon_is_another_contact() -> None:
    day = 24 * H
    task = play(queued(0), connected(S), ended(2 * S), queued(15 * day), connected(15 * day + S))
    assert len(task.of("contact_offered")) == 2
    again = play(
        event("contact.initiated", 0), connected(S), ended(2 * S), event("contact.initiated", H), connected(H + S)
    )
    assert len(again.of("contact_offered")) == 1 and not again.illegal
    assert [each["counts"]["contacts"] for each in again.last_journeys().values()] == [1]


@pytest.mark.parametrize(
    ("kind", "data", "open_again"),
    [
        ("message.sent", {"author": "customer"}, True),
        ("message.sent", {"author": "agent"}, False),
        ("message.sent", {"author": "bot"}, False),
        ("post.made", {}, True),
        ("contact.reopened", {"by": "agent"}, True),
        ("contact.queued", {"queue": "cards"}, True),
        ("contact.connected", {}, True),
        ("contact.offered", {"agent": "a1"}, True),
        ("contact.handed_off", {}, True),
        ("contact.wrapped_up", {}, False),
        ("contact.assigned", {"agent": "a1"}, False),
        ("message.changed", {"message_id": "m", "change": "read"}, False),
        ("feedback.given", {"metric": "csat", "score": 5}, False),
        ("case.reopened", {"case_id": "k"}, False),
    ],
)
def test_what_goes_on_after_an_end_and_what_is_a_late_word(kind: str, data: dict[str, Any], open_again: bool) -> None:
    task = play(connected(0), ended(S), event(kind, M, **data))
    assert not task.illegal
    [contact] = task.journeys[-1]["contacts"]
    assert (contact["ended"] is None) is open_again
    again = play(connected(0), ended(S), event(kind, M, **data), ended(2 * M))
    [contact] = again.journeys[-1]["contacts"]
    assert contact["ended"] is not None


def test_a_survey_on_another_scale_counts_on_the_scale_of_the_metric() -> None:
    def value(metric: str, score: float, scale: str | None) -> int | None:
        given = {} if scale is None else {"scale": scale}
        [fact] = play(event("feedback.given", 0, metric=metric, score=score, **given)).of("feedback")
        return fact.value

    assert [value("csat", score, "good-bad") for score in (0, 1)] == [1000, 5000]
    assert [value("csat", score, "0-10") for score in (0, 7, 8, 10)] == [1000, 3800, 4200, 5000]
    assert [value("csat", score, "1-7") for score in (1, 5, 6, 7)] == [1000, 3667, 4333, 5000]
    assert [value("ces", score, "1-5") for score in (1, 4, 5)] == [1000, 5500, 7000]
    assert value("csat", 4, "1-5") == value("csat", 4, None) == 4000
    assert value("nps", 9, "0-10") == 9000


def test_who_asked_for_a_human_in_other_ways() -> None:
    assert offered(said(0, channel="email"), ended(S, "agent", channel="email")) == [("flow_out", "none", S, 0)]
    assert offered(event("contact.callback_requested", 0), ended(S)) == [("flow_out", "none", S, 0)]


def test_the_leaving_of_an_earlier_queue_ends_no_wait() -> None:
    late = event("contact.left_queue", 21 * S, queue="cards", reason="moved")
    events = (queued(0), queued(20 * S, "loans"), late, connected(50 * S))
    assert legs(*events) == [("cards", 0, 20 * S, "flow_out"), ("loans", 20 * S, 50 * S, "answered")]
    told = event("contact.left_queue", 9 * S, queue="cards", reason="timeout")
    assert legs(queued(0), told, queued(9 * S), connected(30 * S)) == [
        ("cards", 0, 9 * S, "flow_out"),
        ("cards", 9 * S, 30 * S, "answered"),
    ]


def test_the_same_queue_once_more() -> None:
    """While it waits it tells nothing new; after an agent missed it, at once neither, later it is another stay."""
    missed = (event("contact.offered", 10 * S, agent="a"), event("contact.missed", 30 * S, agent="a"))
    assert legs(queued(0), queued(180 * S), ended(278 * S, reason="abandoned")) == [("cards", 0, 278 * S, "abandoned")]
    assert legs(queued(0), *missed, queued(30 * S), connected(40 * S)) == [("cards", 0, 40 * S, "answered")]
    assert legs(queued(0), *missed, queued(31 * S), connected(60 * S)) == [
        ("cards", 0, 31 * S, "flow_out"),
        ("cards", 31 * S, 60 * S, "answered"),
    ]


def test_a_human_who_is_connected_a_moment_before_the_queue_is_told_answered_it() -> None:
    events = (connected(S), queued(1300), ended(300 * S))
    assert legs(*events) == [("cards", S, S, "answered")]
    assert handled(*events) == (299 * S, 0, 0, 300 * S)
    assert legs(connected(S), queued(4 * S), ended(9 * S)) == [("cards", 4 * S, 9 * S, "abandoned")]
    moved = (queued(0), connected(30 * S), queued(30 * S, "loans"), connected(300 * S))
    assert legs(*moved) == [("cards", 0, 30 * S, "answered"), ("loans", 30 * S, 300 * S, "answered")]
