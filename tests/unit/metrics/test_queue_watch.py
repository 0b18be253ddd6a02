"""Rules about queues: what holds of who waits, wherever batches are cut and whatever comes late."""

import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.base.records import Fact
from streams.metrics.forecast import rates
from streams.metrics.queue_signals import longest_wait, waiting
from streams.metrics.tables import FOREVER
from tests.support.kpi_facts import T0, at, kpi_policy, leg, taken_back
from tests.support.watched import Watcher, rule

FULL = rule("queue", {"waiting": {"above": 2, "clear_at_or_below": 1}}, "full")
SLOW = rule("queue", {"longest_wait": {"above": "60s"}}, "slow")
LONG = rule("queue", {"expected_wait": {"above": "3m", "clear_below": "2m"}}, "long")


def test_the_signals_in_full() -> None:
    stays = [(10, 50), (20, 30), (40, FOREVER), (60, 70)]
    assert [each[:3] for each in waiting(stays, 15)] == [
        *((15, 20, 1), (20, 30, 2), (30, 40, 1), (40, 50, 2), (50, 60, 1), (60, 70, 2), (70, None, 1)),
    ]
    assert [(*each[:3], each.anchor) for each in longest_wait(stays, 15)] == [(15, 50, 5, "10"), (50, None, 10, "40")]
    assert waiting([], 15) == waiting([(1, 15)], 15)
    assert [each[:3] for each in waiting([], 15)] == [(15, None, 0)]


def test_a_queue_in_which_many_wait_in_full() -> None:
    watcher = Watcher(FULL)
    watcher.count([*leg("a", 1, 42), *leg("b", 2, 55), *leg("c", 13, 90)])
    (began,) = watcher.move(20)
    assert (began.rule, began.what, began.severity, began.unit) == ("full", "waiting", "warning", "count")
    assert (began.since, began.at, began.until) == (at(13), at(20), None)
    assert (began.value, began.limit, began.clear, began.version) == (3, 2, 1, "1")
    assert (began.subject.type, began.subject.channel, began.subject.queue) == ("queue", "voice", "sales")
    assert began.fingerprint.endswith("@queue:voice|sales")
    assert began.episode != began.fingerprint
    assert watcher.move(50) == [], "two still wait"
    (over,) = watcher.move(60)
    assert (over.episode, over.fingerprint) == (began.episode, began.fingerprint)
    assert (over.until, over.at, over.reason) == (at(55), at(60), "recovered")
    watcher.move(5000)
    assert watcher.rows.queue_watch == {}


def test_the_longest_wait_crosses_its_bound_with_no_event() -> None:
    watcher = Watcher(SLOW)
    watcher.count(leg("a", 5, None))
    assert watcher.move(60) == []
    (began,) = watcher.move(70)
    assert (began.since, began.at, began.limit, began.unit) == (at(65) + 1, at(70), 60_000, "ms")


def test_who_goes_just_in_time_raises_nothing() -> None:
    watcher = Watcher(SLOW)
    watcher.count([*leg("a", 5, 65), *leg("b", 6, 64)])
    assert watcher.move(600) == []


def test_an_expected_wait_warns_before_it_is_waited() -> None:
    """Answers come once a minute; suddenly nine more wait, of whom nobody has waited for long yet."""
    watcher = Watcher(LONG)
    watcher.count([fact for n in range(12) for fact in leg(f"a{n}", 60 * n, 60 * n + 60)])
    watcher.count([fact for n in range(9) for fact in leg(f"b{n}", 720 + n, None)])
    said = [each for second in range(0, 790, 10) for each in watcher.move(second)]
    (began,) = said
    assert (began.since, began.at) == (at(780), at(780))
    flow = watcher.tables.flows["\x1fvoice\x1fsales"]
    assert began.value == rates(flow.points, at(780)).wait(10)
    assert began.value > 180_000
    assert at(780) - at(720) < 180_000, "nobody has waited for three minutes"


def test_an_expected_wait_of_which_nothing_is_known_raises_nothing_and_ends_nothing() -> None:
    watcher = Watcher(LONG)
    watcher.count([fact for n in range(20) for fact in leg(f"w{n}", 0, None)])
    assert watcher.move(600) == [], "unknown"
    watcher = Watcher(LONG)
    watcher.count([*leg("a", 0, 30), *[fact for n in range(20) for fact in leg(f"w{n}", 0, None)]])
    (began,) = watcher.move(120)
    assert began.since == at(60)
    assert watcher.move(3000) == [], "nobody was answered for a quarter of an hour: it has not become better"
    watcher.count([fact for n in range(20) for fact in leg(f"w{n}", 0, 3030)[1:]])
    (over,) = watcher.move(3100)
    assert (over.until, over.reason) == (at(3060), "recovered")


def test_what_is_out_of_scope_is_not_looked_at() -> None:
    watcher = Watcher(rule("queue", {"waiting": {"above": 0}}, queues=["support"]))
    watcher.count(leg("a", 1, None))
    assert watcher.move(60) == []
    assert watcher.rows.queue_watch == {}


def test_a_late_event_withdraws_what_it_shows_to_be_wrong() -> None:
    watcher = Watcher(SLOW)
    watcher.count(leg("a", 5, None))
    (began,) = watcher.move(70)
    watcher.count(leg("a", 5, 30)[1:])
    (over,) = watcher.move(80)
    assert (over.episode, over.reason, over.until) == (began.episode, "withdrawn", at(80))
    assert watcher.move(90) == []


def test_a_late_event_amends_and_fires_nothing_anew() -> None:
    """Two had come before the third, so it began earlier."""
    watcher = Watcher(FULL)
    watcher.count([*leg("a", 1, None), *leg("b", 2, None), *leg("c", 33, None)])
    (began,) = watcher.move(40)
    watcher.count(leg("late", 11, None))
    (amended,) = watcher.move(50)
    assert amended.episode == began.episode
    assert (amended.since, amended.until, amended.at) == (at(11), None, began.at)


def test_what_is_over_stays_over_and_where_it_holds_still_is_another_one() -> None:
    watcher = Watcher(SLOW)
    watcher.count(leg("a", 0, 90))
    first = watcher.move(80)[0]
    assert watcher.move(100)[0].until == at(90)
    watcher.count([taken_back(leg("a", 0, 90)[1])])
    (again,) = watcher.move(110)
    assert again.episode != first.episode
    assert again.fingerprint == first.fingerprint
    assert (again.since, again.until) == (at(90), None)


def test_other_rules_are_for_what_goes_on_too() -> None:
    watcher = Watcher(FULL, SLOW)
    watcher.count([*leg("a", 1, None), *leg("b", 2, None), *leg("c", 3, None)])
    first = {each.rule: each for each in watcher.move(100)}
    assert first.keys() == {"full", "slow"}
    watcher.by(rule("queue", {"waiting": {"above": 1}}, "full", severity="critical"), version="2")
    after = {each.rule: each for each in watcher.move(110)}
    assert after["full"].episode == first["full"].episode
    assert (after["full"].severity, after["full"].since, after["full"].until) == ("critical", at(3), None)
    assert (after["slow"].until, after["slow"].reason) == (at(110), "rule_removed")
    watcher.by(rule("queue", {"waiting": {"above": 7}}, "full"), version="3")
    (gone,) = watcher.move(120)
    assert (gone.rule, gone.reason) == ("full", "rule_changed")
    watcher.by(version="4")
    assert watcher.move(130) == []


def test_a_replay_leaves_what_it_ends_with_and_live_events_are_apart() -> None:
    watcher = Watcher(FULL)
    many = {"line": "replay-1"}
    watcher.count([fact for n in range(3) for fact in leg(f"a{n}", n, None, **many)])
    (began,) = watcher.move(30, line="replay-1")
    assert began.line == "replay-1"
    assert watcher.move(30) == []
    assert watcher.move(60, ended=True, line="replay-1") == []
    assert watcher.rows.queue_watch == {}


@st.composite
def story(draw: st.DrawFn) -> list[Fact]:
    facts: list[Fact] = []
    for number in range(draw(st.integers(0, 8))):
        entered = draw(st.integers(0, 500))
        left = draw(st.none() | st.integers(entered, 600))
        more: dict[str, Any] = {"tier": draw(st.sampled_from(["gold", "none"]))}
        facts += leg(str(number), entered, left, draw(st.sampled_from(["answered", "abandoned"])), **more)
    return facts


RULES = (
    FULL,
    SLOW,
    rule("queue", {"expected_wait": {"above": "20s", "clear_below": "10s"}}, "long"),
    rule("queue", {"all": [{"waiting": {"above": 1}}, {"longest_wait": {"above": "30s"}}]}, "both"),
)
LATE = kpi_policy(lateness_ms=1000_000)


def played(facts: list[Fact], cuts: list[int]) -> Watcher:
    """Facts as they happen, and stream time at the cuts."""
    watcher = Watcher(*RULES, policy=LATE)
    left = sorted(facts, key=lambda each: each.time)
    for cut in [*sorted(cuts), 700]:
        watcher.count([each for each in left if each.time <= at(cut)])
        left = [each for each in left if each.time > at(cut)]
        watcher.move(cut)
    return watcher


@settings(max_examples=40, deadline=None)
@example([*leg("a", 0, 131), *[fact for n in range(4) for fact in leg(f"b{n}", 120, None)]], [150])
@given(story(), st.lists(st.integers(0, 700), max_size=12))
def test_wherever_batches_are_cut_the_same_is_said(facts: list[Fact], cuts: list[int]) -> None:
    one, other = played(facts, cuts), played(facts, [])
    assert one.stand() == other.stand()


@settings(max_examples=40, deadline=None)
@given(story(), st.lists(st.integers(0, 690), max_size=6), st.randoms(use_true_random=False))
def test_what_comes_late_or_twice_leads_to_the_same_episodes(
    facts: list[Fact], cuts: list[int], dice: random.Random
) -> None:
    """But for those that were told and withdrawn, and what was told as over."""
    expected = played(facts, [])
    watcher = Watcher(*RULES, policy=LATE)
    shuffled = [*facts, *[each for each in facts for each in (each, taken_back(each))]]
    dice.shuffle(shuffled)
    for number, fact in enumerate(shuffled):
        watcher.count([fact])
        if number < len(cuts):
            watcher.move(sorted(cuts)[number])
    watcher.move(700)
    for name in ("full", "slow", "long", "both"):
        want = [each.since for each in expected.stand().values() if each.rule == name and each.until is None]
        have = [each.since for each in watcher.stand().values() if each.rule == name and each.until is None]
        assert len(have) == len(want)
        assert have >= want, "where it was told as over, it goes on from there"
    for each in watcher.stand().values():
        assert each.until is None or each.until >= each.since
    told: dict[str, bool] = {}
    for each in watcher.said:
        assert not told.get(each.episode), "it was over"
        told[each.episode] = each.until is not None


@pytest.mark.parametrize("seconds", [10, 600])
def test_no_rules_cost_nothing(seconds: int) -> None:
    watcher = Watcher()
    watcher.count(leg("a", 1, None))
    assert watcher.watching.before(watcher.tables, "") is None
    assert watcher.move(seconds) == []
    assert at(0) == T0
