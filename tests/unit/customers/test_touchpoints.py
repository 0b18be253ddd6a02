"""How a contact and a journey stand, what they took, and what they came to."""

from typing import Any

import pytest

from streams.base.records import Event
from tests.support.track_story import D, H, M, S, Task, connected, ended, event, play, queued, said


def journey(*events: Event, until: int | None = None) -> dict[str, Any]:
    """The current one."""
    return play(*events, until=until).journeys[-1]


def state(*events: Event, until: int | None = None) -> tuple[str, str | None]:
    found = journey(*events, until=until)
    return found["state"], found["waiting_for"]


def mail(at: int, author: str = "customer", contact: str = "m", **more: Any) -> Event:
    return said(at, author=author, contact=contact, channel="email", **more)


CALL = (queued(0), connected(10 * S), ended(M))
CHAT = {"channel": "chat"}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((queued(0),), ("waiting_for_us", "us")),
        ((queued(0), connected(10 * S)), ("open", None)),
        (CALL, ("solved", None)),
        ((queued(0), ended(M)), ("abandoned", None)),
        ((queued(0), ended(M, reason="voicemail")), ("waiting_for_us", "us")),
        ((queued(0), event("contact.callback_requested", M)), ("waiting_for_us", "us")),
        ((mail(0),), ("waiting_for_us", "us")),
        ((mail(0), mail(H, author="agent")), ("waiting_for_customer", "customer")),
        ((mail(0), mail(H, author="bot")), ("waiting_for_customer", "customer")),
        ((mail(0), mail(H, author="agent"), mail(2 * H)), ("waiting_for_us", "us")),
        ((mail(0), event("case.solved", H, "m", "email", case="K")), ("solved", None)),
        ((*CALL, event("case.opened", 2 * M, case="K")), ("waiting_for_us", "us")),
        ((*CALL, event("case.opened", 2 * M, case="K"), event("case.solved", D, case="K")), ("solved", None)),
        (
            (mail(0), event("case.solved", H, "m", "email", case="K"), event("case.reopened", 2 * H, "m", "email", case="K")),
            ("reopened", "us"),
        ),
        ((*CALL, queued(D, contact="c2")), ("reopened", "us")),
        ((*CALL, queued(D, contact="c2"), ended(D + M, contact="c2")), ("abandoned", None)),
        ((*CALL, event("feedback.given", H, "other", metric="csat", score=5)), ("solved", None)),
        ((event("contact.initiated", 0, opened_by="agent", direction="outbound", channel="email"),
          mail(1, author="agent", contact="c1")), ("waiting_for_customer", "customer")),
    ],
)  # fmt: skip
def test_how_a_journey_stands(events: tuple[Event, ...], expected: tuple[str, str | None]) -> None:
    assert state(*events) == expected


def test_a_conversation_that_went_to_sleep_waits_for_whoever_did_not_write_last() -> None:
    assert state(mail(0), mail(H, author="agent"), until=5 * D) == ("waiting_for_customer", "customer")
    assert state(mail(0), mail(H, author="agent"), mail(2 * H), until=5 * D) == ("waiting_for_us", "us")


def test_solved_first_and_last_and_how_often_it_was_taken_up_again() -> None:
    case = {"channel": "email", "case": "K"}
    task = Task()
    for at, kind in ((H, "solved"), (2 * H, "reopened"), (3 * H, "solved"), (5 * H, "reopened"), (7 * H, "solved")):
        task.take(mail(0)) if at == H else None
        task.take(event(f"case.{kind}", at, "m", **case))
    found = task.journeys[-1]
    assert (found["first_solved"][11:16], found["last_solved"][11:16], found["reopens"]) == ("10:00", "16:00", 2)
    steps = [each[1] for each in task.last_steps()]
    assert [each for each in steps if not each.startswith("waiting")] == [
        "opened", "solved", "reopened", "solved", "reopened", "solved",
    ]  # fmt: skip
    assert found["first_contact_resolution"] is False


@pytest.mark.parametrize(
    ("events", "level", "high", "author"),
    [
        (CALL, "fully-assisted", True, "agent"),
        ((queued(0, **CHAT), connected(9 * S, **CHAT)), "assisted", True, "agent"),
        ((mail(0), mail(H, author="agent")), "assisted", False, "agent"),
        ((event("contact.connected", 0, party="bot", **CHAT),), "self-service", False, "bot"),
        ((event("contact.connected", 0, party="self-service"),), "self-service", False, "menu"),
        ((event("article.viewed", 0, channel="self-service"),), "self-service", False, "menu"),
        ((queued(0), ended(M)), "fully-assisted", True, "none"),
        ((event("contact.initiated", 0),), "self-service", False, "none"),
    ],
)
def test_level_of_contact(events: tuple[Event, ...], level: str, high: bool, author: str) -> None:
    [contact] = journey(*events)["contacts"]
    assert (contact["level"], contact["high_contact"], contact["author"]) == (level, high, author)


def test_time_of_bots_is_no_time_of_humans() -> None:
    bot = (event("contact.connected", 0, party="bot", **CHAT), event("contact.handed_off", 10 * M, **CHAT))
    human = (queued(10 * M, **CHAT), connected(11 * M, **CHAT), event("contact.held", 12 * M, **CHAT),
             event("contact.resumed", 14 * M, **CHAT), ended(15 * M, **CHAT),
             event("contact.wrapped_up", 16 * M, duration_ms=30 * S, agent="a1", **CHAT))  # fmt: skip
    found = journey(*bot, *human)
    assert (found["talk_ms"], found["handle_ms"]) == (2 * M, 4 * M + 30 * S)
    assert found["effort"] == {"contacts": 1, "transfers": 0, "repeats": 0, "minutes": 5.0}
    assert (found["path"], found["escalations"], found["contained"]) == (["bot", "human"], 1, False)


def test_from_self_service_over_a_bot_to_a_human_after_a_search_that_failed() -> None:
    web = (
        event("search.failed", 0, "w", "self-service"),
        event("contact.ended", M, "w", "self-service", by="customer"),
    )
    bot = (
        event("contact.connected", 5 * M, "b", "bot", party="bot"),
        event("contact.ended", 7 * M, "b", "bot", by="customer"),
    )
    call = (queued(20 * M), connected(21 * M), ended(25 * M))
    found = journey(*web, *bot, *call)
    assert [each["stitched_by"] for each in found["contacts"]] == [None, "session", "session"]
    assert (found["path"], found["escalations"]) == (["self-service", "bot", "human"], 2)
    assert (found["dead_ends"], found["switches"], found["repeats"], found["reopens"]) == (1, 2, 2, 1)
    assert journey(*web, *bot)["dead_ends"] == 0


def test_a_call_of_ours_that_reached_nobody_solves_nothing() -> None:
    ours = event("contact.initiated", 0, opened_by="agent", direction="outbound")
    missed = event("contact.ended", M, by="system", reason="timeout")
    tried = journey(ours, missed)
    assert (tried["state"], tried["waiting_for"], tried["first_solved"]) == ("waiting_for_us", "us", None)
    reached = journey(ours, event("contact.connected", S, party="human"), missed)
    assert (reached["state"], reached["first_solved"] is not None) == ("solved", True)
    by_bot = journey(ours, event("contact.connected", S, party="bot"), missed)
    assert by_bot["state"] == "solved"


def test_contained_is_solved_without_a_human_and_known_when_it_is_over() -> None:
    bot = (
        event("contact.connected", 0, channel="bot", party="bot"),
        said(S, channel="bot"),
        said(2 * S, author="bot", channel="bot"),
    )
    assert journey(*bot)["contained"] is None
    over = event("contact.ended", M, channel="bot", by="bot", reason="self-served")
    assert journey(*bot, over)["contained"] is True
    assert journey(*bot, event("contact.handed_off", M, channel="bot"))["contained"] is None
    assert journey(*CALL)["contained"] is None


def test_first_contact_resolution_is_final_when_the_need_is_over() -> None:
    task = play(*CALL)
    assert task.journeys[-1]["first_contact_resolution"] is None
    task.until(7 * D + M + 1)
    assert (task.journeys[-1]["status"], task.journeys[-1]["first_contact_resolution"]) == ("closed", True)
    again = journey(*CALL, queued(6 * D, contact="c2"))
    assert (again["repeats"], again["first_contact_resolution"]) == (1, False)
    assert journey(queued(0), ended(M), until=8 * D)["first_contact_resolution"] is None


def test_a_repeat_begins_after_an_earlier_contact_was_over() -> None:
    chat = (said(0, contact="x"), said(S, author="agent", contact="x"))
    assert journey(*chat, queued(M, contact="c2"))["repeats"] == 1
    long = (queued(0, contact="x"), connected(S, contact="x"), queued(M, contact="c2"), ended(2 * M, contact="x"))
    assert journey(*long)["repeats"] == 0
    ours = event("contact.initiated", D, "o", opened_by="agent", direction="outbound")
    assert (journey(*CALL, ours)["repeats"], journey(*CALL, ours)["contacts"][1]["direction"]) == (0, "outbound")


def test_two_needs_at_once_and_the_current_one_names_the_other() -> None:
    task = play(queued(0, topic="cards"), queued(H, contact="c2", topic="loans"))
    cards, loans = task.journeys
    assert (cards["topic"], loans["topic"], cards["others"]) == ("cards", "loans", [])
    assert loans["others"] == [
        {"journey_id": cards["journey_id"], "state": "waiting_for_us", "updated": cards["updated"]}
    ]
    task.take(connected(2 * H), ended(3 * H))
    told = {each["topic"]: bool(each["others"]) for each in task.journeys[2:]}
    assert told == {"loans": False, "cards": True}


def test_two_that_begin_in_one_moment_have_names_of_their_own() -> None:
    task = play(queued(0, topic="cards"), queued(0, contact="c2", topic="loans"))
    names = [each["journey_id"] for each in task.journeys]
    assert names[0] == "customer:C1@2026-01-01T09:00:00.000Z"
    assert names[1].startswith(names[0] + "#") and len(names[1]) == len(names[0]) + 9


def test_a_step_that_proves_wrong_is_taken_back_and_told_once() -> None:
    task = play(queued(0), ended(M))
    assert ("abandoned", "c1") in [each[1:3] for each in task.last_steps()]
    task.take(connected(30 * S))
    assert [each[1] for each in task.last_steps() if not each[1].startswith("waiting")] == ["opened", "solved"]
    [back] = [each for each in task.steps if not each["holds"]]
    assert (back["step"], back["revision"], back["journey_id"], back["contact_id"]) == ("abandoned", 2, None, None)
    before = len(task.steps)
    task.take(connected(30 * S), queued(0))
    assert len(task.steps) == before


def test_an_earlier_contact_gives_the_steps_another_journey() -> None:
    task = play(*CALL).take(queued(-H, contact="c0"), ended(-H + M, contact="c0"))
    steps = [each for each in task.last_steps() if not each[1].startswith("waiting")]
    assert {each[3] for each in steps} == {"customer:C1@2026-01-01T08:00:00.000Z"}
    assert [each[1:3] for each in steps] == [
        ("opened", "c0"), ("abandoned", "c0"), ("joined", "c1"), ("solved", "c1"),
    ]  # fmt: skip
