"""The transition table: total, and what it says about the ordinary courses of a contact."""

import itertools
from pathlib import Path
from typing import get_args

import pytest

import schemas
from schemas.events import ContactEvent
from streams.contacts import lifecycle
from streams.contacts.lifecycle import STATES, TABLE, TRIGGERS, Verdict


def test_the_table_is_total_and_leads_to_known_states() -> None:
    assert set(TABLE) == set(itertools.product(STATES, TRIGGERS))
    assert {move.state for move in TABLE.values()} == set(STATES)


def test_what_is_illegal_changes_nothing() -> None:
    assert all(move.state == state for (state, _), move in TABLE.items() if move.verdict is Verdict.ILLEGAL)


def test_every_contact_event_of_the_contract_has_a_row() -> None:
    types = {get_args(model.model_fields["type"].annotation)[0] for model in get_args(ContactEvent)}
    assert types == {trigger.split(":", maxsplit=1)[0] for trigger in TRIGGERS}


@pytest.mark.parametrize(
    ("course", "state"),
    [
        ("initiated queued offered missed offered connected held resumed ended wrapped_up", "ended"),
        (
            "initiated connected:bot handed_off queued connected transferred queued offered connected wrapped_up ended",
            "ended",
        ),
        ("initiated connected:self-service queued callback_requested connected", "connected"),
        ("initiated turned_away queued left_queue turned_away queued offered left_queue transferred ended", "ended"),
        ("initiated queued callback_requested ended queued offered connected ended", "ended"),
        ("initiated assigned connected assigned ended reopened assigned connected wrapped_up ended", "ended"),
    ],
)
def test_ordinary_courses_are_legal(course: str, state: str) -> None:
    now = lifecycle.START
    for name in course.split():
        now, verdict = lifecycle.move(now, f"contact.{name}")
        assert verdict is Verdict.LEGAL, name
    assert now == state


GOES_ON = {
    "contact.initiated": "new",
    "contact.reopened": "new",
    "message.sent:customer": "new",
    "post.made": "new",
    "post.answered:customer": "new",
    "contact.connected:self-service": "self-service",
    "contact.connected:bot": "bot",
    "contact.handed_off": "transferring",
    "contact.queued": "queued",
    "contact.offered": "offered",
    "contact.connected": "connected",
}
"""What opens an ended contact again, and in which state."""


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_after_an_end_a_contact_goes_on_or_is_told_a_late_word(trigger: str) -> None:
    """Only a hold of nobody cannot be; nothing else that comes late is refused."""
    state, verdict = lifecycle.move("ended", trigger)
    assert state == GOES_ON.get(trigger, "ended")
    assert (verdict is Verdict.ILLEGAL) == (trigger in ("contact.held", "contact.resumed"))


@pytest.mark.parametrize("trigger", [*GOES_ON, "contact.assigned", "contact.turned_away", "message.changed"])
def test_what_was_late_a_moment_ago_is_legal_when_the_contact_is_open_again(trigger: str) -> None:
    """After-contact work and the end itself may follow whatever opened the contact again."""
    state = lifecycle.move("ended", trigger).state
    for late in ("contact.wrapped_up", "contact.wrapped_up:other", "contact.ended", "feedback.given", "case.solved"):
        assert lifecycle.move(state, late).verdict is not Verdict.ILLEGAL


@pytest.mark.parametrize("state", STATES)
def test_who_is_on_whose_list_and_what_became_of_a_message_move_nothing(state: str) -> None:
    for trigger in ("contact.assigned", "message.changed", "contact.turned_away", "contact.left_queue:other"):
        move = lifecycle.move(state, trigger)
        assert (move.state, move.verdict is Verdict.ILLEGAL) == (state, False)


def test_a_left_queue_is_between_two_parties_and_takes_nobody_from_an_agent() -> None:
    left = {state: lifecycle.move(state, "contact.left_queue").state for state in STATES}
    assert {state for state, after in left.items() if after != state} == {"new", "queued", "offered"}
    assert left["queued"] == "transferring"


def test_missing_events_are_tolerated() -> None:
    assert lifecycle.move("bot", "contact.connected") == ("connected", Verdict.TOLERATED)
    assert lifecycle.move("connected", "contact.queued") == ("queued", Verdict.TOLERATED)
    assert lifecycle.move("ended", "contact.ended") == ("ended", Verdict.TOLERATED)


def test_what_cannot_be_is_illegal_and_so_is_an_unknown_event() -> None:
    assert lifecycle.move("queued", "contact.held") == ("queued", Verdict.ILLEGAL)
    assert lifecycle.move("ended", "contact.held") == ("ended", Verdict.ILLEGAL)
    assert lifecycle.move("new", "contact.exploded") == ("new", Verdict.ILLEGAL)


def test_the_contract_shows_the_table() -> None:
    guide = Path(schemas.__file__).parents[1] / "docs" / "contract.md"
    assert lifecycle.markdown() in guide.read_text(encoding="utf-8")


def test_the_table_as_markdown() -> None:
    lines = lifecycle.markdown().splitlines()
    assert len(lines) == 2 + len(TRIGGERS)
    assert {line.count("|") for line in lines} == {len(STATES) + 2}
    [held] = [line for line in lines if "`contact.held`" in line]
    assert held == "| `contact.held` | ✗ | ✗ | ✗ | ✗ | ✗ | → held | (·) | (·) | ✗ | ✗ | ✗ |"
