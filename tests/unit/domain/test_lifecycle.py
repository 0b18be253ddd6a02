"""The transition table: total, and what it says about the ordinary courses of a contact."""

import itertools
from pathlib import Path
from typing import get_args

import pytest

import schemas
from schemas.events import ContactEvent
from streams.domain import lifecycle
from streams.domain.lifecycle import STATES, TABLE, TRIGGERS, Verdict


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
    ],
)
def test_ordinary_courses_are_legal(course: str, state: str) -> None:
    now = lifecycle.START
    for name in course.split():
        now, verdict = lifecycle.move(now, f"contact.{name}")
        assert verdict is Verdict.LEGAL, name
    assert now == state


def test_missing_events_are_tolerated() -> None:
    assert lifecycle.move("bot", "contact.connected") == ("connected", Verdict.TOLERATED)
    assert lifecycle.move("connected", "contact.queued") == ("queued", Verdict.TOLERATED)
    assert lifecycle.move("ended", "contact.ended") == ("ended", Verdict.TOLERATED)


def test_what_cannot_be_is_illegal_and_so_is_an_unknown_event() -> None:
    assert lifecycle.move("queued", "contact.held") == ("queued", Verdict.ILLEGAL)
    assert lifecycle.move("ended", "contact.connected") == ("ended", Verdict.ILLEGAL)
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
