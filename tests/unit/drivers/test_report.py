"""Known effects are found within their intervals, none where there is none, and what cannot be told is refused."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from streams.drivers.answers import ROW, Answers, Row
from streams.drivers.models import Effect, Scale, Untold
from streams.drivers.report import Part, Report, report
from tests.support.quality_story import BEHAVIOURS, World, answers

CSAT, NPS = Scale("csat", 4), Scale("nps", 9, 6)
NAMES = {
    "service_type": ("service", "value"),
    "tier": ("gold", "silver", "bronze"),
    "channel": ("voice", "chat", "email"),
}


def made(seed: int, customers: int = 60, each: int = 4, behaviours: int = 3) -> Answers:
    """Answers that nothing moves but the customer; scores and behaviours are the customer's own, too, for the most
    part.
    """
    chance = np.random.default_rng(seed)
    rows = np.zeros(customers * each, ROW)
    rows["customer"] = who = np.repeat(np.arange(customers), each)
    for name, names in NAMES.items():
        rows[name] = chance.integers(0, len(names), customers)[who]
    for name in ("business", "human", "hidden"):
        rows[name] = (chance.uniform(size=customers)[who] + 0.3 * chance.uniform(size=len(rows))) / 1.3
    for name, usual in (("csat", 3.0), ("nps", 6.0)):
        rows[name] = np.clip(np.round(usual + chance.normal(size=customers)[who] + chance.normal(size=len(rows))), 1, 5)
    shown = chance.uniform(size=(len(rows), behaviours)) < chance.uniform(0.1, 0.9, customers)[who, None]
    rows["told"] = 2**behaviours - 1
    rows["shown"] = shown @ (1 << np.arange(behaviours))
    return Answers(rows, NAMES, tuple(f"b{number}" for number in range(behaviours)))


def changed(found: Answers, **columns: Any) -> Answers:
    rows: Row = found.rows.copy()
    for name, column in columns.items():
        rows[name] = column
    return replace(found, rows=rows)


def effects(found: Report) -> Iterator[Effect]:
    for part in found.parts:
        yield from (each.effect for each in part.effects)


def whole(found: Answers, scale: Scale = CSAT, least: int = 50) -> Part:
    (part,) = report(found, [scale], [], least).parts
    return part


def why(part: Part) -> dict[str | None, str]:
    return {each.driver: each.why for each in part.untold}


SCORES = {"business": 0.02, "human": 0.05, "hidden": 0.01}
TRUE = SCORES | dict.fromkeys(BEHAVIOURS, SCORES["human"])
"""A behaviour is a tenth of the human score, and moves the answer by that."""
QUIET = World(customers=300, csat=SCORES, nps={"human": 0.3}, of_customer=0.2, of_contact=0.3)


def test_known_effects_are_found_within_their_intervals() -> None:
    hits = dict.fromkeys(TRUE, 0)
    for seed in range(20):
        for each in whole(answers(QUIET, seed)).effects:
            found, true = each.effect, TRUE[each.effect.driver]
            hits[found.driver] += found.low <= true <= found.high
            assert found.effect == pytest.approx(true, abs=0.15)
    assert sum(hits.values()) >= 0.9 * 20 * len(TRUE)
    assert min(hits.values()) >= 16


def test_what_moves_most_is_first_and_named() -> None:
    world = replace(QUIET, csat={"business": 0.03, "human": 0.06, "offers-to-stay": -0.3})
    part = whole(answers(world, 1))
    assert [each.effect.driver for each in part.effects[:3]] == ["human", "business", "hidden"]
    most = part.most("behaviour")
    assert most is not None
    assert most.effect.driver == "offers-to-stay"
    assert most.effect.low < -0.3 + 0.06 < most.effect.high
    assert part.most("dimension") == part.effects[0]


def test_an_apology_is_judged_beside_the_business_score() -> None:
    """People apologise where it went wrong: held against all others, apologies do harm."""
    found = answers(replace(QUIET, csat={"business": 0.08}), 2)
    said = {each.effect.driver: each.effect for each in whole(found).effects}
    assert said["apologises"].low < 0 < said["apologises"].high
    alone = whole(changed(found, business=np.nan))
    said = {each.effect.driver: each.effect for each in alone.effects}
    assert said["apologises"].high < -0.05
    assert why(alone) == {"business": "known of less than half of the answers"}


def test_the_metric_is_moved_in_its_own_points() -> None:
    """Answers of 3 and 5 by a coin that a behaviour loads: 20 points of CSAT more are 0.4 points of the answer."""
    found = made(3, customers=4000, each=1, behaviours=1)
    chance = np.random.default_rng(3)
    shown = found.rows["shown"].astype(bool)
    found = changed(found, csat=np.where(chance.uniform(size=4000) < 0.4 + 0.2 * shown, 5, 3))
    (effect,) = (each.effect for each in whole(found).effects if each.effect.kind == "behaviour")
    assert effect.points_low < 20 < effect.points_high
    assert effect.points == pytest.approx(50 * effect.effect)
    found = changed(found, nps=np.where(found.rows["csat"] == 5, 9, 6))
    (effect,) = (each.effect for each in whole(found, NPS).effects if each.effect.kind == "behaviour")
    assert effect.points_low < 40 < effect.points_high
    assert whole(found).answers == effect.answers == 4000
    assert effect.shown == shown.sum()


def test_where_nothing_moves_them_reports_have_a_star_in_one_of_twenty_at_most() -> None:
    """Customers answer four times in their own way. Held against chance: 200 reports, 5 % and 2.6 standard deviations;
    as if each answer were another customer's, a quarter of them would have a star.
    """
    marked = naive = small = tests = 0
    for seed in range(200):
        found = made(seed)
        said = report(found, [CSAT], [("channel",)] if seed % 4 == 0 else [], 50)
        marked += any(each.stands for part in said.parts for each in part.effects)
        small += sum(each.p < 0.05 for each in effects(said))
        tests += said.tests
        alone = report(changed(found, customer=np.arange(len(found.rows))), [CSAT], [], 50)
        naive += any(each.stands for part in alone.parts for each in part.effects)
    assert marked <= 200 * 0.09
    assert 0.02 <= small / tests <= 0.065
    assert naive >= 200 * 0.15


def test_few_with_a_behaviour_are_no_more_often_wrong() -> None:
    """Twelve customers of 200 have it."""
    small = 0
    for seed in range(200):
        found = made(seed, customers=200, each=1, behaviours=1)
        found = changed(found, shown=(found.rows["customer"] < 12).astype(np.uint64))
        small += sum(each.effect.p < 0.05 for each in whole(found).effects if each.effect.kind == "behaviour")
    assert 1 <= small <= 200 * 0.09


def test_an_interval_is_as_wide_as_the_smaller_side_makes_it() -> None:
    found = made(12)
    found = changed(found, shown=(found.rows["customer"] < 10).astype(int))
    *_, part = whole(found).effects
    effect = part.effect
    error = (effect.high - effect.effect) / stats.t.ppf(0.975, 9)
    assert effect.p == pytest.approx(2 * stats.t.sf(abs(effect.effect) / error, 9))
    assert effect.kind == "behaviour"
    first = whole(found).effects[0].effect
    error = (first.high - first.effect) / stats.t.ppf(0.975, 59)
    assert first.p == pytest.approx(2 * stats.t.sf(abs(first.effect) / error, 59))


def test_groups_are_all_and_each_value_by_their_answers() -> None:
    found = made(4, customers=120)
    said = report(found, [CSAT, NPS], [("tier",), ("tier", "channel")], 50)
    groups = [part.group for part in said.parts if part.answer == "csat"]
    assert groups[0] == ()
    assert {group[0][1] for group in groups[1:4]} == {"gold", "silver", "bronze"}
    assert len(groups) == 1 + 3 + 9
    assert all([name for name, _ in group] == ["tier", "channel"] for group in groups[4:])
    sizes = [part.answers for part in said.parts if part.answer == "csat"]
    assert sizes[1:4] == sorted(sizes[1:4], reverse=True)
    assert sum(sizes[1:4]) == sum(sizes[4:]) == sizes[0] == 480
    assert said.tests == len(list(effects(said)))
    one = report(changed(found, tier=0), [CSAT], [("tier",)], 50)
    assert [part.group for part in one.parts] == [()]
    assert one.alike == ((("tier", "gold"),),)


def test_a_group_is_adjusted_for_what_differs_in_it() -> None:
    """Chat is answered worse and has lower scores: within each channel scores do nothing."""
    found = made(5, customers=300)
    chat = found.rows["channel"] == 1
    found = changed(found, csat=found.rows["csat"] - 2 * chat, human=np.where(chat, 0.3, 0.7) * found.rows["human"])
    human = next(each.effect for each in whole(found).effects if each.effect.driver == "human")
    assert human.low < 0 < human.high
    same = next(each.effect for each in whole(changed(found, channel=0)).effects if each.effect.driver == "human")
    assert same.low > 0.05


def some(count: int, customers: int = 60) -> Answers:
    found = made(6, customers=customers)
    return replace(found, rows=found.rows[:count])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (some(49), "49 answers, at least 50 are needed"),
        (some(1), "1 answer, at least 50 are needed"),
        (changed(made(6), csat=np.nan), "0 answers, at least 50 are needed"),
        (changed(made(6), customer=7), "240 answers of one customer, at least 20 customers are needed"),
        (some(76), "76 answers of 19 customers, at least 20 customers are needed"),
        (changed(made(6), csat=5), "all 240 answers are 5"),
    ],
)
def test_too_little_is_refused_in_words(found: Answers, said: str) -> None:
    part = whole(found)
    assert part.effects == ()
    assert part.untold == (Untold(said),)


def drivers(found: Answers) -> dict[str | None, str]:
    """Why drivers are not told; the others have figures, and each is a number."""
    part = whole(found)
    for each in part.effects:
        effect = each.effect
        assert np.isfinite([effect.effect, effect.low, effect.high, effect.points, effect.p]).all()
        assert effect.low < effect.effect < effect.high
        assert 0 <= effect.p <= each.corrected <= 1
    assert len(part.effects) + len(part.untold) == 6
    return why(part)


def test_a_behaviour_is_refused_when_a_side_is_small() -> None:
    found = made(7)
    few = "of {} customers with it and {} without, at least 10 of each are needed"
    assert drivers(found) == {}
    assert drivers(changed(found, shown=0))["b0"] == few.format(0, 60)
    assert drivers(changed(found, shown=7))["b2"] == few.format(60, 0)
    assert drivers(changed(found, shown=(found.rows["customer"] < 9).astype(int)))["b0"] == few.format(9, 51)
    assert "b0" not in drivers(changed(found, shown=(found.rows["customer"] < 10).astype(int)))
    assert drivers(changed(found, told=6))["b0"] == few.format(0, 0)
    assert drivers(changed(found, told=np.where(np.arange(240) < 48, 7, 6)))["b0"].startswith("of ")


def test_what_cannot_be_told_apart_is_refused_in_words() -> None:
    found = made(8)
    business, channel = found.rows["business"], found.rows["channel"]
    follows = "follows from the other scores, service type, tier and channel: what it does by itself cannot be told"
    assert drivers(changed(found, human=0.5)) == {"human": "always 0.50"}
    assert drivers(changed(found, human=business)) == {"business": follows, "human": follows}
    assert drivers(changed(found, human=1 - business)) == {"business": follows, "human": follows}
    assert drivers(changed(found, human=channel / 4)) == {"human": follows}
    assert drivers(changed(found, shown=(channel == 0).astype(int)))["b0"] == follows
    assert drivers(changed(found, business=0.5, human=0.5, hidden=0)).keys() == {"business", "human", "hidden"}


def test_what_rests_on_one_customer_is_refused_in_words() -> None:
    found = made(9)
    human = np.where(found.rows["customer"] == 5, np.linspace(0, 1, 240), 0.5)
    assert drivers(changed(found, human=human)) == {"human": "rests on one customer: the others hardly differ in it"}


def test_scores_that_are_mostly_missing() -> None:
    found = made(10)
    sparse = np.where(np.arange(240) % 3 == 0, found.rows["hidden"], np.nan)
    assert drivers(changed(found, hidden=sparse)) == {"hidden": "known of less than half of the answers"}
    half = np.where(np.arange(240) % 2 == 0, found.rows["hidden"], np.nan)
    assert drivers(changed(found, hidden=half)) == {}
    assert {each.effect.answers for each in whole(changed(found, hidden=half)).effects} == {120, 240}
    few = "of those where business, human, hidden are known: 40 answers, at least 50 are needed"
    assert why(whole(replace(changed(found, hidden=half), rows=changed(found, hidden=half).rows[:80])))["human"] == few


def test_answers_that_follow_from_a_score_exactly() -> None:
    found = made(11)
    (first, *_) = whole(changed(found, csat=1 + 4 * found.rows["human"])).effects
    assert (first.effect.driver, first.stands) == ("human", True)
    assert first.effect.effect == pytest.approx(0.4)
