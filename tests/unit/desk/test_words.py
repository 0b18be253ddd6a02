"""What can be said of an alert and what cannot; silences as they are set and ended."""

from typing import Any

import orjson
import pytest

from schemas import routing
from schemas.events import check
from streams.base.times import DAY_MS, HOUR_MS, iso
from streams.customers.rules import AlertReader
from streams.desk import telling
from streams.desk.board import STATES, Board, read
from streams.desk.errors import CannotAsk, DeskError, Over, UnknownSilence
from streams.desk.rule_texts import rule_texts, rules_in_force
from streams.desk.silences import Silences
from streams.desk.words import ACTIONS, Asked, Speaker, commanded, ended, silenced
from streams.rules.applied import InForce
from tests.support.alerts import ANN, T0, alert
from tests.support.ruling import applied

NOW = T0 + HOUR_MS
SAM = Speaker("sam", "/tests")
FULL = {
    "acknowledge": Asked("acknowledge"), "assign": Asked("assign", to="ann"), "comment": Asked("comment", note="x"),
    "escalate": Asked("escalate"), "snooze": Asked("snooze", until=iso(NOW + 1)), "close": Asked("close", note="done"),
}  # fmt: skip
SILENCE = {"matchers": ["queue=cards"], "ends": iso(NOW + HOUR_MS), "reason": "repair"}


def said(asked: Asked, **changes: Any) -> dict[str, Any]:
    return commanded(read(orjson.dumps(alert(**changes))), asked, SAM, NOW)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_an_event_of_the_contract(action: str) -> None:
    event = said(FULL[action])
    assert check(event) is None
    assert routing.route(event) == ("alert.commands", alert()["episode_id"])
    assert (event["data"]["action"], event["data"]["by"], event["time"]) == (action, "sam", iso(NOW))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_what_can_be_said_in_which_state(action: str, state: str) -> None:
    over = state in ("resolved", "expired")
    early = state == "pending" and action not in ("comment", "assign", "close")
    if over or early:
        with pytest.raises(Over, match="the alert is over" if over else "the alert is pending"):
            said(FULL[action], state=state)
    else:
        assert check(said(FULL[action], state=state)) is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked("explode"), "'explode' is none; there are acknowledge, assign"),
        (Asked("snooze"), "until is missing"),
        (Asked("snooze", until=iso(NOW)), "until: .* is past"),
        (Asked("snooze", until=iso(NOW + 31 * DAY_MS)), "more than 30 days ahead"),
        (Asked("snooze", until="2026-03-02T09:00:00"), "is no time"),
        (Asked("close", until=iso(NOW + 1)), "until is of a snooze, not of close"),
        (Asked("assign"), "to is missing"),
        (Asked("assign", to=" "), "to is missing"),
        (Asked("acknowledge", to="ann"), "to is of assign"),
        (Asked("comment"), "note is missing"),
        (Asked("comment", note=" \n"), "note is missing"),
        (Asked("close", note="x" * 201), "^note must have at most 200 characters"),
        (Asked("assign", to="\x1b[2J"), "^to must not contain control characters"),
    ],
)
def test_what_is_not_complete_is_not_said(asked: Asked, why: str) -> None:
    with pytest.raises(CannotAsk, match=why):
        said(asked)


def test_nothing_is_said_to_a_replay() -> None:
    with pytest.raises(Over, match="the replay winter: it reaches nobody"):
        said(FULL["close"], line="winter")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"matchers": []}, "matchers are missing"),
        ({"matchers": ["queue"]}, "matchers: 'queue' is no matcher"),
        ({"matchers": ["a=b"] * 21}, "matchers must have at most 20"),
        ({"ends": None}, "a silence has an end"),
        ({"ends": iso(NOW)}, "is past"),
        ({"ends": iso(NOW + 31 * DAY_MS)}, "more than 30 days ahead"),
        ({"ends": 7}, "ends: 7 is no time"),
        ({"starts": iso(NOW + HOUR_MS)}, "does not lie behind the start"),
        ({"starts": "x"}, "starts: 'x' is no time"),
        ({"reason": ""}, "reason is missing"),
        ({"silence_id": "\x00"}, "^silence_id must not contain control characters"),
    ],
)
def test_a_silence_that_is_none(change: dict[str, Any], why: str) -> None:
    with pytest.raises(CannotAsk, match=why):
        silenced({**SILENCE, **change}, SAM, NOW)


def test_a_silence_from_its_beginning_to_its_end() -> None:
    known = Silences()
    first = silenced({**SILENCE, "silence_id": "s1"}, SAM, NOW)
    later = silenced({**SILENCE, "silence_id": "s2", "starts": iso(NOW + 1), "ends": iso(NOW + 2)}, SAM, NOW)
    for event in (first, later):
        assert routing.route(event) == ("alert.silences", event["data"]["silence_id"])
        known.apply(orjson.dumps(event))
    for odd in (
        b"",
        b"{}",
        b"[]",
        orjson.dumps(first | {"type": "alert.commanded"}),
        orjson.dumps(first | {"replayid": "w"}),
        None,
    ):
        known.apply(odd)
    bad = orjson.dumps({**first, "data": {**first["data"], "silence_id": "s3", "matchers": ["odd"]}})
    known.apply(bad)
    assert [(each.silence_id, each.state(NOW)) for each in known.those(NOW)] == [("s2", "pending"), ("s1", "active")]
    known.apply(orjson.dumps(ended(known.find("s1"), "repaired", SAM, NOW + 5)))
    assert list(known.those(NOW + 5)) == []
    assert [each.silence_id for each in known.those(NOW + 5, every=True)] == ["s2", "s1"]
    with pytest.raises(Over, match="the silence s1 is over since"):
        ended(known.find("s1"), None, SAM, NOW + 6)
    with pytest.raises(UnknownSilence):
        known.find("s3")
    known.apply(orjson.dumps(silenced({**SILENCE, "silence_id": "s1"}, SAM, NOW + 7)))  # set anew
    assert known.find("s1").doc(NOW + 7)["state"] == "active"


def test_whom_a_silence_would_hold() -> None:
    board = Board()
    for number, changes in enumerate(({}, {"state": "resolved"}, {"line": "winter"}, {"subject": {"queue": "loans"}})):
        board.apply(str(number).encode(), orjson.dumps(alert(f"r.{number:020}@customer:{number}", **changes)))
    assert telling.matched(["queue=cards"], board) == 1
    assert telling.matched(["tier=~g*|plat*", "team=floor"], board) == 2
    assert telling.attributes(alert())["contact"] == "call-1"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "waiting 2 min 0 s, limit 2 min 0 s"),
        ({"value": -0.61, "limit": -0.45, "clear_limit": -0.2, "unit": "sentiment", "kind": "sentiment"},
         "sentiment -0.61, limit -0.45, over at -0.2"),
        ({"value": 0.713, "limit": 0.8, "unit": "ratio", "kind": "kpi"}, "kpi 71.3%, limit 80.0%"),
        ({"value": 12, "limit": 10, "unit": "per_minute", "kind": "dead_letters"}, "dead_letters 12 per minute, limit 10 per minute"),
        ({"value": None, "limit": None, "kind": "watchdog"}, "watchdog"),
        ({"value": 90_000_000, "limit": 3_660_000}, "waiting 1 d 1 h, limit 1 h 1 min"),
    ],
)  # fmt: skip
def test_what_was_measured_in_words(changes: dict[str, Any], text: str) -> None:
    assert telling.measured(alert(**changes)) == text


def test_every_shipped_rule_has_its_text() -> None:
    found = rule_texts(None)
    assert "high-tier-wait" in found
    for name, rule in found.items():
        assert f"name: {name}" in rule.text
        assert rule.line is not None and rule.line > 1


def test_rules_that_were_applied_are_those_that_count() -> None:
    """Whatever the folder of who asks says."""
    assert rules_in_force(None, None) == rule_texts(None)
    known = InForce(AlertReader())
    for number, text in (
        (7, "rules: [{name: own, subject: contact, when: {waiting: {above: 90s}}}]"),
        (3, "rules: []"),
    ):
        known.take(orjson.dumps(applied(text, number)))
    known.take(b"{")
    found = rules_in_force(None, known.last)
    assert found.keys() == {"own"}
    assert found["own"].text == "- name: own\n  subject: contact\n  when:\n    waiting:\n      above: 90s"
    assert found["own"].line is None and "number 7" in found["own"].file


def test_errors_say_their_status() -> None:
    assert {each.status for each in (DeskError, CannotAsk, Over, UnknownSilence)} == {404, 409, 422}
    assert ANN.startswith("high-tier-wait.")
