"""Signals of facts in any order and cut: what fires, with which examples, and when it is over."""

import random
from dataclasses import replace

import msgspec
import pytest

from streams.base.times import DAY_MS, HOUR_MS, to_ms
from streams.signals import watch
from streams.signals.rules import SignalRules
from streams.signals.tables import KEPT_EXAMPLES, Tables
from tests.support.signal_story import RULES, T0, judged, play, tale


def test_one_signal_fires_once_and_is_over_when_the_share_is_back() -> None:
    out, _ = play(tale(1))
    assert [(each["name"], each["status"], each["revision"]) for each in out] == [
        ("reader", "firing", 1),
        ("reader", "resolved", 2),
    ]
    fired, over = out
    assert fired["signal_id"] == over["signal_id"]
    assert T0 + 20 * DAY_MS < to_ms(fired["fired_at"]) < T0 + 26 * DAY_MS
    assert fired["share"] > 3 * fired["share_before"]
    assert over["reason"] == "recovered"
    assert T0 + 31 * DAY_MS <= to_ms(over["resolved_at"]) <= T0 + 34 * DAY_MS
    facts = {(fact.id, fact.event) for fact in tale(1) if fact.value and fact.about == "reader"}
    named = {(each["contact_id"], each["event_id"]) for each in fired["examples"]}
    assert len(named) == 5
    assert named <= facts


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_facts_and_the_cut_of_time_change_nothing(seed: int) -> None:
    facts = tale(seed % 2)
    dice = random.Random(seed)
    assert play(facts, dice) == play(facts)


def test_a_share_that_stays_up_becomes_the_usual_one() -> None:
    out, _ = play(tale(3, bad=(20, 99)))
    assert [each["reason"] for each in out] == [None, "usual"]


def test_a_product_of_which_nothing_is_heard_is_over_and_forgotten() -> None:
    facts = [fact for fact in tale(4) if fact.time < T0 + 26 * DAY_MS]
    out, tables = play(facts)
    assert [each["reason"] for each in out] == [None, "quiet"]
    out = list(watch.advance(tables, "", T0 + 90 * DAY_MS, False, RULES))
    assert (out, tables.subjects, tables.hours) == ([], {}, {})


def test_what_comes_after_its_hour_was_tested_is_too_late() -> None:
    tables = Tables()
    assert watch.fold(tables, judged(0, "reader", False, 1), RULES) == "counted"
    assert not list(watch.advance(tables, "", T0 + 2 * HOUR_MS - 1, False, RULES))
    assert watch.fold(tables, judged(5, "reader", False, 2), RULES) == "counted", "the lateness is not over"
    list(watch.advance(tables, "", T0 + 2 * HOUR_MS, False, RULES))
    assert watch.fold(tables, judged(9, "reader", False, 3), RULES) == "too_late"
    assert tables.subjects["\x1fproduct\x1freader"].today is not None


def test_names_beyond_the_limit_are_not_watched() -> None:
    tables, rules = Tables(), replace(RULES, max_names=2)
    found = [watch.fold(tables, judged(0, f"n{number}", True, number), rules) for number in range(4)]
    assert found == ["counted", "counted", "too_many", "too_many"]
    assert len(tables.subjects) == len(tables.hours) == 2


def test_a_replay_takes_no_names_of_the_live_line() -> None:
    tables, rules = Tables(), replace(RULES, max_names=2)
    told = [msgspec.structs.replace(judged(0, f"n{number}", True, number), line="r") for number in range(3)]
    assert [watch.fold(tables, each, rules) for each in told] == ["counted", "counted", "too_many"]
    live = [watch.fold(tables, judged(0, f"n{number}", True, number), rules) for number in range(3)]
    assert live == ["counted", "counted", "too_many"]


def test_rows_stay_small() -> None:
    """At most 2.5 KB of an hour and 6 KB of a product, with ids of 40 characters."""
    tables = Tables()
    for number in range(5000):
        watch.fold(tables, msgspec.structs.replace(judged(number, "p" * 40, True, number), id="c" * 40), RULES)
    (hour,) = tables.hours.values()
    assert len(hour.examples) == KEPT_EXAMPLES
    assert len(msgspec.json.encode(hour)) <= 2500
    _, tables = play(tale(1))
    assert max(len(msgspec.json.encode(row)) for row in tables.subjects.values()) <= 6000


def test_a_replay_is_tested_to_its_end_and_leaves_nothing() -> None:
    tables, facts = Tables(), [msgspec.structs.replace(fact, line="r") for fact in tale(1, days=26)]
    for fact in facts:
        watch.fold(tables, fact, RULES)
    out = list(watch.advance(tables, "r", T0, True, RULES))
    assert [(each["status"], each["line"]) for each in out] == [("firing", "r")]
    assert (tables.hours, tables.subjects) == ({}, {})
    assert watch.fold(tables, facts[0], RULES) == "too_late"


def test_days_off_end_no_quiet_and_count_nowhere() -> None:
    with pytest.raises(ValueError, match="whole days"):
        SignalRules(quiet_after=DAY_MS + 1)
