"""Rules about KPIs out of bounds: by the readings as they are published."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Fact
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.metrics.rules import Window
from streams.metrics.windows import fold_all
from tests.support.kpi_facts import OFFICE, T0, at, fact, kpi_policy, leg, one_fact, taken_back
from tests.support.watched import Watcher, rule

LEFT = "abandonment/of_left"
LOST = rule(
    "kpi", {"value": {"above": 0.5, "clear_at_or_below": 0.25, "window": "5m", "min_cases": 3}}, "lost", kpis=[LEFT]
)


def gone(ident: str, seconds: float, outcome: str = "abandoned", **more: Any) -> list[Fact]:
    return leg(ident, seconds - 1, seconds, outcome, **more)


def test_a_kpi_out_of_bounds_in_full() -> None:
    watcher = Watcher(LOST)
    watcher.count([*gone("a", 10), *gone("b", 20)])
    assert watcher.move(60) == [], "two of two, and three are needed"
    watcher.count(gone("c", 70))
    (began,) = watcher.move(120)
    assert (began.rule, began.what, began.severity, began.unit) == ("lost", "value", "warning", "ratio")
    assert (began.since, began.at, began.until) == (at(120), at(120), None)
    assert (began.value, began.limit, began.clear) == (1.0, 0.5, 0.25)
    subject = began.subject
    assert (subject.type, subject.kpi, subject.channel, subject.queue, subject.tier) == (
        *("kpi", LEFT, "voice", "sales", "gold"),
    )
    assert began.fingerprint.endswith(f"@kpi:{LEFT}|channel=voice|queue=sales|tier=gold")
    watcher.count([each for n in range(6) for each in gone(f"d{n}", 130 + n, "answered")])
    assert watcher.move(180) == [], "3 of 9 is below what raises, and above what clears"
    watcher.count([each for n in range(6) for each in gone(f"e{n}", 190 + n, "answered")])
    (over,) = watcher.move(240)
    assert (over.episode, over.until, over.at, over.reason) == (began.episode, at(240), at(240), "recovered")


def test_a_kpi_of_which_nothing_is_told_any_more_is_over_and_forgotten() -> None:
    watcher = Watcher(LOST)
    watcher.count([each for n in range(4) for each in gone(f"a{n}", 10 + n)])
    (began,) = watcher.move(60)
    (over,) = watcher.move(4000)
    assert (over.episode, over.until, over.reason) == (began.episode, at(360), "quiet")
    watcher.move(9000)
    assert watcher.rows.kpi_watch == {}


def test_a_reading_stands_while_the_windows_read_the_same() -> None:
    """No record is published of windows that read like the one before."""
    watcher = Watcher(LOST)
    watcher.count([each for n in range(4) for each in gone(f"a{n}", 10 + n)])
    said = [each for second in range(10, 700, 10) for each in watcher.move(second)]
    assert [(each.since, each.until) for each in said] == [(at(60), None), (at(60), at(360))]


def test_a_late_fact_withdraws_an_episode_or_lets_it_begin_later() -> None:
    watcher = Watcher(LOST)
    watcher.count([each for n in range(3) for each in gone(f"a{n}", 10 + n)])
    (began,) = watcher.move(120)
    watcher.count([each for n in range(3) for each in gone(f"b{n}", 30 + n, "answered")])
    (over,) = watcher.move(130)
    assert (over.episode, over.reason, over.until) == (began.episode, "withdrawn", at(130))

    watcher = Watcher(LOST)
    watcher.count([each for n in range(3) for each in gone(f"a{n}", 10 + n)])
    watcher.count([each for n in range(9) for each in gone(f"c{n}", 70 + n)])
    (began,) = watcher.move(120)
    assert began.since == at(60)
    watcher.count([each for n in range(3) for each in gone(f"b{n}", 30 + n, "answered")])
    (amended,) = watcher.move(130)
    assert (amended.episode, amended.since, amended.until) == (began.episode, at(120), None)
    assert (amended.value, amended.at) == (12 / 15, began.at)


def test_a_day_counts_while_it_goes_on() -> None:
    lost = rule("kpi", {"value": {"above": 0.5, "window": "24h", "min_cases": 3}}, "lost", kpis=[LEFT])
    watcher = Watcher(lost)
    watcher.count([each for n in range(4) for each in gone(f"a{n}", 10 + n)])
    (began,) = watcher.move(3600)
    assert (began.since, began.value) == (at(3600), 1.0), "read at the next full hour"
    watcher.count([each for n in range(6) for each in gone(f"b{n}", 3700 + n, "answered")])
    (over,) = watcher.move(7200)
    assert (over.until, over.reason) == (at(7200), "recovered")


def test_what_has_not_settled_does_not_count() -> None:
    fcr = rule("kpi", {"value": {"below": 0.9, "window": "24h", "min_cases": 1}}, "fcr", kpis=["fcr"])
    watcher = Watcher(fcr)
    watcher.count([fact("journey_solved", "j", 10, entered=T0, variant="repeated", value=1)])
    assert [each for hour in range(1, 48) for each in watcher.move(3600 * hour)] == []


def test_a_number_of_things_is_0_where_nothing_is_told() -> None:
    few = rule("kpi", {"value": {"below": 1, "window": "5m"}}, "few", kpis=["legs_entered"])
    watcher = Watcher(few)
    watcher.count(gone("a", 10))
    assert watcher.move(120) == []
    said = [each for second in range(130, 4000, 10) for each in watcher.move(second)]
    assert [(each.since, each.value, each.until) for each in said] == [(at(360), 0, None)]
    watcher.count(gone("b", 4010))
    (over,) = watcher.move(4100)
    assert (over.until, over.reason) == (at(4020), "recovered")


def test_windows_that_lie_end_to_end_have_no_record_where_nothing_happens() -> None:
    policy = kpi_policy(windows=(Window(5 * MINUTE_MS, 5 * MINUTE_MS, ("channel", "queue")), Window("day", HOUR_MS)))
    few = rule("kpi", {"value": {"below": 1, "window": "5m"}}, "few", kpis=["legs_entered"])
    share = rule("kpi", {"value": {"above": 0.5, "window": "5m", "min_cases": 1}}, "share", kpis=[LEFT])
    watcher = Watcher(few, share, policy=policy)
    watcher.count(gone("a", 10))
    said = [each for second in range(10, 1300, 10) for each in watcher.move(second)]
    assert [(each.rule, each.since, each.until, each.reason) for each in said] == [
        ("share", at(300), None, None),
        ("share", at(300), at(600), "quiet"),
        ("few", at(600), None, None),
    ]
    assert (said[0].subject.queue, said[0].subject.tier) == ("sales", None)


def test_a_rule_by_a_group() -> None:
    policy = kpi_policy(groups=(("agent_group",), ("tier",)))
    when = {"value": {"above": "500ms", "window": "5m", "min_cases": 2, "by": "agent_group"}}
    watcher = Watcher(rule("kpi", when, "team", kpis=["speed_of_answer/answered_legs"]), policy=policy)
    facts = [each for n in range(3) for each in gone(f"a{n}", 10 + n, "answered", agent_group="north")]
    watcher.count(facts)
    assert watcher.move(60) == [], "by channel, queue and tier it is not asked for"
    fold_all(watcher.tables, facts, policy, "agent_group")
    (began,) = watcher.move(120)
    assert (began.subject.agent_group, began.subject.channel, began.subject.queue) == ("north", None, None)


def test_business_hours_count_for_the_beginning() -> None:
    when = {"value": {"below": 1, "window": "5m"}}
    watcher = Watcher(
        rule("kpi", when, "few", kpis=["legs_entered"], hours="business"), policy=kpi_policy(hours=OFFICE)
    )
    watcher.count(gone("a", 9 * 3600 - 100))
    said = [each for hour in range(1, 25) for each in watcher.move(hour * 3600)]
    assert [each.since for each in said] == [T0 + DAY_MS], "from 18 to 9 o'clock nobody is there"


RULES = (
    rule("kpi", {"value": {"above": 0.4, "window": "5m", "min_cases": 2}}, "lost", kpis=[LEFT]),
    rule("kpi", {"value": {"below": 2, "window": "1m"}}, "few", kpis=["legs_entered"]),
    rule("kpi", {"value": {"above": "20s", "window": "15m", "min_cases": 1}}, "slow", kpis=["speed_of_answer/answered_legs"]),
    rule("kpi", {"value": {"below": 200, "window": "24h", "min_cases": 1}}, "mood", kpis=["sentiment"]),
)  # fmt: skip
LATE = kpi_policy(lateness_ms=4_200_000)
stories = st.lists(one_fact(3600), max_size=25)


def played(facts: list[Fact], cuts: list[int]) -> Watcher:
    watcher = Watcher(*RULES, policy=LATE)
    left = sorted(facts, key=lambda each: each.time)
    for cut in [*sorted(cuts), 4200]:
        watcher.count([each for each in left if each.time < at(cut)])
        left = [each for each in left if each.time >= at(cut)]
        watcher.move(cut)
    return watcher


@settings(max_examples=15, deadline=None)
@given(stories, st.lists(st.integers(0, 4200), max_size=8))
def test_wherever_batches_are_cut_the_same_is_said(facts: list[Fact], cuts: list[int]) -> None:
    assert played(facts, cuts).stand() == played(facts, []).stand()


@settings(max_examples=15, deadline=None)
@given(stories, st.lists(st.integers(0, 4100), max_size=5), st.randoms(use_true_random=False))
def test_what_comes_late_leads_to_the_same_that_holds(facts: list[Fact], cuts: list[int], dice: random.Random) -> None:
    expected = played(facts, [])
    watcher = Watcher(*RULES, policy=LATE)
    shuffled = [*facts, *[each for one in facts for each in (one, taken_back(one))]]
    dice.shuffle(shuffled)
    for number, one in enumerate(shuffled):
        watcher.count([one])
        if number < len(cuts):
            watcher.move(sorted(cuts)[number])
    watcher.move(4200)
    for each in watcher.said:
        assert each.until is None or each.until >= each.since
    assert holding(watcher) == holding(expected)
    assert not [each for each in watcher.said if watcher.said.index(each) > over_at(watcher, each.episode)]


def holding(watcher: Watcher) -> list[tuple[str, str]]:
    """But for what is 0 at places at which nothing has happened after all, and the day, which is read once an hour."""
    some = (each for each in watcher.stand().values() if each.until is None and each.rule not in {"few", "mood"})
    return sorted((each.rule, each.fingerprint) for each in some)


def over_at(watcher: Watcher, episode: str) -> int:
    """Which record of an episode said that it is over."""
    over = [number for number, each in enumerate(watcher.said) if each.episode == episode and each.until is not None]
    return over[0] if over else len(watcher.said)
