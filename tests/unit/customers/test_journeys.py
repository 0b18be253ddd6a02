"""Journeys: which contacts belong together, their names, their records."""

import json

import msgspec

from schemas.outputs import Journey as Contract
from streams.base.records import Left
from tests.support.track_story import OWNER, T0, D, H, M, S, Task, event, play, said

NAME = "customer:C1@2026-01-01T09:00:00.000Z"


def test_a_record_in_full() -> None:
    task = play(
        event("contact.initiated", 0, "a", tier="gold"),
        event("contact.queued", 5 * S, "a", queue="cards", topic="card lost"),
        event("contact.connected", 35 * S, "a", party="human"),
        event("contact.transferred", 60 * S, "a"),
        event("contact.ended", 95 * S, "a", by="system"),
        said(M + 40 * S, -0.5, contact="b"),
    )
    [record] = task.journeys
    assert record == {
        "journey_id": NAME,
        "customer": OWNER,
        "started": "2026-01-01T09:00:00.000Z",
        "updated": "2026-01-01T09:01:40.000Z",
        "status": "open",
        "line": "",
        "tier": "gold",
        "revision": 1,
        "contacts": [
            {
                "contact_id": "a",
                "channel": "voice",
                "queue": "cards",
                "started": "2026-01-01T09:00:00.000Z",
                "ended": "2026-01-01T09:01:35.000Z",
                "outcome": "answered",
                "wait_ms": 30 * S,
                "talk_ms": 25 * S,
                "sentiment": None,
                "sentiment_trend": None,
                "messages": 0,
                "transfers": 1,
                "level": "fully-assisted",
                "high_contact": True,
                "direction": "inbound",
                "author": "agent",
                "hold_ms": 0,
                "wrap_ms": 0,
                "handle_ms": 25 * S,
                "cases": [],
                "topic": "card lost",
                "intent": None,
                "stitched_by": None,
                "stitched_to": None,
            },
            {
                "contact_id": "b",
                "channel": "chat",
                "queue": "none",
                "started": "2026-01-01T09:01:40.000Z",
                "ended": None,
                "outcome": "open",
                "wait_ms": 0,
                "talk_ms": 0,
                "sentiment": -0.5,
                "sentiment_trend": None,
                "messages": 1,
                "transfers": 0,
                "level": "self-service",
                "high_contact": False,
                "direction": "inbound",
                "author": "none",
                "hold_ms": 0,
                "wrap_ms": 0,
                "handle_ms": 0,
                "cases": [],
                "topic": None,
                "intent": None,
                "stitched_by": "session",
                "stitched_to": "a",
            },
        ],
        "counts": {"contacts": 2, "answered": 1, "abandoned": 0, "messages": 1, "transfers": 1},
        "channels": ["voice", "chat"],
        "wait_ms": 30 * S,
        "sentiment": -0.5,
        "sentiment_trend": None,
        "state": "reopened",
        "waiting_for": None,
        "topic": "card lost",
        "intent": None,
        "cases": [],
        "first_solved": "2026-01-01T09:01:35.000Z",
        "last_solved": "2026-01-01T09:01:35.000Z",
        "reopens": 1,
        "switches": 1,
        "repeats": 1,
        "dead_ends": 0,
        "escalations": 0,
        "path": ["human"],
        "talk_ms": 25 * S,
        "handle_ms": 25 * S,
        "effort": {"contacts": 2, "transfers": 1, "repeats": 1, "minutes": 0.9},
        "first_contact_resolution": False,
        "contained": None,
        "others": [],
    }
    Contract.model_validate_json(json.dumps(record))


def visit(at: int, contact: str) -> list:  # type: ignore[type-arg]
    return [event("contact.initiated", at, contact), event("contact.ended", at + S, contact, by="customer")]


def test_contacts_belong_together_up_to_the_need() -> None:
    together = play(*visit(0, "a"), *visit(7 * D + S, "b"))
    assert [each["counts"]["contacts"] for each in together.journeys] == [2]
    apart = play(*visit(0, "a"), *visit(7 * D + S + 1, "b"))
    assert [(each["journey_id"], each["status"]) for each in apart.journeys] == [
        (NAME, "closed"),
        ("customer:C1@2026-01-08T09:00:01.001Z", "open"),
    ]


def test_a_journey_closes_by_itself() -> None:
    task = play(*visit(0, "a")).until(7 * D + S)
    assert [each["status"] for each in task.journeys] == ["open"]
    task.until(7 * D + S + 1)
    assert [(each["status"], each["revision"]) for each in task.journeys] == [("open", 1), ("closed", 2)]


def test_an_earlier_contact_renames_the_journey_and_takes_the_old_name_back() -> None:
    task = Task().take(*visit(10 * M, "b")).take(*visit(0, "a"))
    assert task.told == [
        ("2026-01-01T09:10:00.000Z", "open", 1),
        ("2026-01-01T09:10:00.000Z", None, 0),
        ("2026-01-01T09:00:00.000Z", "open", 1),
    ]
    assert [each["counts"]["contacts"] for each in task.journeys] == [1, 2]
    for record in task.journeys:
        Contract.model_validate_json(json.dumps(record))


def test_a_name_that_comes_back_long_after_it_was_taken_back_goes_on_from_its_revision() -> None:
    """It began with revision 1 again once it was forgotten, and readers by revision never heard of it."""
    task = Task().take(
        event("contact.initiated", 0, "a", "email"),
        event("contact.initiated", 20 * M, "b", "email", case="K1"),
        event("contact.ended", D, "b", "email", by="agent"),
    )
    task.until(2 * D).take(event("contact.initiated", 2 * D, "c", "email", case="K2"))  # b was heard of last
    task.take(said(2 * D + H, contact="a", channel="email"))  # now a, which has no case
    task.until(4 * D).take(said(4 * D, contact="a", channel="email"))
    task.take(event("feedback.given", 5 * D, "b", "email", metric="csat", score=5))  # and b again
    of_c = [told[1:] for told in task.told if told[0].startswith("2026-01-03")]
    assert of_c == [("open", 1), (None, 0), ("open", 2)]


def test_whose_contacts_all_went_and_came_back_days_later_goes_on_from_what_was_told() -> None:
    """A wrong link that is cut after days: the steps and the journey were told as revision 1 again."""
    story = visit(0, "a")
    task = Task().take(*story).take(Left(OWNER, "a", "voice", "customer:C9", T0 + M, ""))
    task.until(5 * D).take(*story)
    assert [told[1:] for told in task.told] == [("open", 1), (None, 0), ("open", 3)]
    steps = [each for each in task.steps if each["step"] == "opened"]
    assert [(each["holds"], each["revision"]) for each in steps] == [(True, 1), (False, 2), (True, 3)]


def test_what_was_told_of_whom_nothing_is_left_is_forgotten_after_a_month() -> None:
    task = Task().take(*visit(0, "a")).take(Left(OWNER, "a", "voice", "customer:C9", T0 + M, ""))
    task.until(30 * D)
    assert task.customer is not None
    assert len(msgspec.json.encode(task.customer)) < 300
    assert task.until(32 * D).customer is None


def test_a_contact_between_two_journeys_makes_them_one() -> None:
    task = Task().take(*visit(0, "a"), *visit(12 * D, "c")).take(*visit(6 * D, "b"))
    assert task.told[2:] == [("2026-01-13T09:00:00.000Z", None, 0), ("2026-01-01T09:00:00.000Z", "open", 2)]
    assert [each["counts"]["contacts"] for each in task.last_journeys().values()] == [3]


def test_a_journey_is_published_when_it_changes_and_not_when_another_one_does() -> None:
    """Each has a record of its own, so that none has to come behind the others."""
    task = Task().take(*visit(0, "a"), *visit(10 * D, "c"))
    task.take(event("feedback.given", H, "a", metric="csat", score=5))
    assert task.told[2:] == [("2026-01-01T09:00:00.000Z", "closed", 2)]
    assert {out.key.decode() for out in task.published if out.topic == "journeys"} == {*task.last_journeys()}


def test_nothing_new_nothing_published() -> None:
    task = Task().take(*visit(0, "a")).take(*visit(0, "a"))
    assert len(task.journeys) == 1


def test_only_the_latest_contacts_are_listed_and_all_are_counted() -> None:
    task = play(*(each for number in range(30) for each in visit(number * M, f"c{number:02}")))
    [record] = task.journeys
    assert [each["contact_id"] for each in record["contacts"]] == [f"c{number:02}" for number in range(10, 30)]
    assert record["counts"]["contacts"] == 30 and record["started"] == "2026-01-01T09:00:00.000Z"
