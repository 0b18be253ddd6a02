"""What was to be expected of each leg, and how it came out: the readings of the day against the legs themselves."""

import random
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import SEP, Fact
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, iso, to_ms
from streams.metrics.forecast import UNKNOWN, Stay, walk
from streams.metrics.rules import KpiPolicy, Window
from streams.metrics.tables import FOREVER, Tables
from streams.metrics.windows import advance, arrived
from tests.support.kpi_facts import T0, Record, at, count, fold, kpi_policy, leg, move, standing, taken_back, value

SPAN = 4_200
LATE = kpi_policy(lateness_ms=2 * SPAN * 1000)
EVERYWHERE = kpi_policy(lateness_ms=2 * SPAN * 1000, details="everywhere")
JUDGED = ("forecast_judged", "forecast_error_ms", "forecast_absolute_ms", "forecast_unknown")
Numbers = dict[str, tuple[int, int]]
"""Variant → numerator and denominator."""


@st.composite
def story(draw: st.DrawFn) -> list[Fact]:
    """Legs of two queues and tiers, some of them told otherwise first and taken back."""
    moment = st.integers(0, SPAN // 10).map(lambda each: 10 * each) | st.integers(0, SPAN)
    facts: list[Fact] = []
    for ident in range(draw(st.integers(0, 14))):
        entered = draw(moment)
        more = {"tier": draw(st.sampled_from(["gold", "none"])), "queue": draw(st.sampled_from(["sales", "support"]))}
        outcome = st.sampled_from(["answered", "answered", "abandoned", "flow_out"])
        left = st.none() | st.integers(entered, min(entered + 900, SPAN))
        for wrong in draw(st.sampled_from([0, 0, 0, 1, 2])) * [True]:
            other = {**more, "tier": draw(st.sampled_from(["gold", "none"]))} if draw(st.booleans()) else more
            told = leg(str(ident), entered, draw(left), draw(outcome), **other)
            facts += told * wrong + [taken_back(each) for each in told]
        facts += leg(str(ident), entered, draw(left), draw(outcome), **more)
    return facts


def by_the_legs(facts: list[Fact], until: int = FOREVER) -> dict[str, Numbers]:
    """Tier and queue → the readings of the day, all legs of a queue gone through at once."""
    net: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for each in facts:
        net[each.queue, each.tier, each.id, each.fact, str(each.time), each.outcome or ""] += each.sign
    legs: defaultdict[str, dict[tuple[str, str], list[Any]]] = defaultdict(dict)
    for (queue, tier, ident, what, time, outcome), n in sorted(net.items()):
        if n:
            known = legs[queue].setdefault((tier, ident), [0, FOREVER, False])
            if what == "leg_opened":
                known[0] = int(time)
            else:
                known[1:] = int(time), outcome == "answered"
    found: dict[str, Numbers] = {}
    for queue, of_queue in legs.items():
        stays = [Stay(of[0], f"{ident}{SEP}{tier}", *of[1:]) for (tier, ident), of in of_queue.items()]
        _, said = walk([], stays, T0 - T0 % MINUTE_MS, FOREVER)
        for tier in ("gold", "none"):
            judged = [
                (said[each.id], each.left - each.entered)
                for each in stays
                if each.id.endswith(f"{SEP}{tier}") and each.answered and each.left < until and each.id in said
            ]
            errors = [wait - waited for wait, waited in judged if wait != UNKNOWN]
            found[f"{queue} {tier}"] = {
                "error": (sum(errors), len(errors)),
                "absolute_error": (sum(map(abs, errors)), len(errors)),
                "unknown": (len(judged) - len(errors), len(judged)),
            }
    return {lane: numbers for lane, numbers in found.items() if any(all_ for _, all_ in numbers.values())}


def told(records: list[Record]) -> dict[str, Numbers]:
    """The same by the newest records of the day."""
    days: dict[str, Record] = {}
    for each in records:
        if each["window"]["length_ms"] > HOUR_MS:
            lane = f"{each['dimensions']['queue']} {each['dimensions']['tier']}"
            if each["revision"] > days.get(lane, {"revision": 0})["revision"]:
                days[lane] = each
    found = {lane: numbers_of(day["readings"]) for lane, day in days.items()}
    return {lane: numbers for lane, numbers in found.items() if numbers}


def numbers_of(readings: list[Any]) -> Numbers:
    found = {
        each["variant"]: (each["numerator"], each["denominator"]) for each in readings if each["kpi"] == "wait_forecast"
    }
    nothing = (0, 0)
    return {name: found.get(name, nothing) for name in ("error", "absolute_error", "unknown")} if found else {}


def played(
    facts: list[Fact], cuts: dict[int, int], policy: KpiPolicy = LATE, most: int | None = None
) -> tuple[list[Record], Tables]:
    """``cuts``: after how many facts, stream time."""
    tables, records = Tables(), []

    def moved(seconds: int) -> None:
        while True:
            records.extend(advance(tables, "", at(seconds), False, policy, most))
            if arrived(tables, "", at(seconds), False):
                return

    for i, each in enumerate(facts):
        if i in cuts:
            moved(cuts[i])
        assert fold(tables, each, policy) in ("counted", "amends")
    moved(SPAN + 400)
    moved(86_400)
    return records, tables


@settings(max_examples=120, deadline=None)
@given(
    story(),
    st.randoms(use_true_random=False),
    st.dictionaries(st.integers(0, 60), st.integers(0, SPAN), max_size=6),
    st.none() | st.integers(1, 100),
)
def test_order_cuts_and_what_is_taken_back_change_nothing(
    facts: list[Fact], rng: random.Random, cuts: dict[int, int], most: int | None
) -> None:
    expected = by_the_legs(facts)
    assert told(played(sorted(facts, key=lambda each: each.time), {})[0]) == expected
    rng.shuffle(facts)
    records, tables = played(facts, cuts, most=most)
    assert told(records) == expected
    assert all(leg_.said is not None for leg_ in (*tables.legs.values(), *tables.left.values()) if leg_.opened > 0)


@settings(max_examples=40, deadline=None)
@given(
    story(), st.randoms(use_true_random=False), st.dictionaries(st.integers(0, 60), st.integers(0, SPAN), max_size=6)
)
def test_the_windows_tell_of_it_where_they_are_asked_for_details(
    facts: list[Fact], rng: random.Random, cuts: dict[int, int]
) -> None:
    """Those of an hour that lie end to end have what the day has."""
    rng.shuffle(facts)
    records, _ = played(facts, cuts, EVERYWHERE)
    sums: dict[str, Numbers] = {}
    for key, readings in standing(records).items():
        _, _, queue, tier, start, length = key.split("|")
        if int(length) == HOUR_MS and to_ms(start) % HOUR_MS == 0:
            lane = sums.setdefault(f"{queue} {tier}", {})
            for variant, (above, below) in numbers_of(readings).items():
                before = lane.get(variant, (0, 0))
                lane[variant] = before[0] + above, before[1] + below
    assert {lane: numbers for lane, numbers in sums.items() if numbers} == by_the_legs(facts) == told(records)


@settings(max_examples=40, deadline=None)
@given(story(), st.integers(0, SPAN))
def test_a_line_that_ends_judges_what_lies_behind_its_stream_time(facts: list[Fact], watermark: int) -> None:
    tables = Tables()
    count(tables, facts, LATE)
    records = advance(tables, "", at(watermark), True, LATE)
    assert told(records) == by_the_legs(facts)
    tables.forget_queues("")
    assert not (tables.legs or tables.flows or tables.left)


def test_one_queue_by_hand() -> None:
    """Nobody was answered before a; b finds 1 answer in 20 s with a queue: 10 s for each place."""
    tables = Tables()
    facts = [*leg("a", 0, 20), *leg("b", 30, 45), *leg("c", 35, 50, "abandoned"), *leg("d", 60, 60)]
    count(tables, facts)
    days = [each for each in move(tables, 15 * 3600) if each["window"]["length_ms"] > HOUR_MS]
    (day,) = [each for each in days if each["status"] == "final"]
    assert numbers_of(day["readings"]) == {"error": (-5_000, 1), "absolute_error": (5_000, 1), "unknown": (1, 2)}
    assert value(day, "wait_forecast", "error") == -5_000


def test_later_than_the_lateness_nothing_is_judged_anew() -> None:
    policy = kpi_policy(lateness_ms=10 * MINUTE_MS, windows=(Window(MINUTE_MS, 10_000), Window("day", HOUR_MS)))
    facts = [*leg("a", 0, 20), *leg("b", 30, 45)]
    late = [*leg("late", 10, 15), *(taken_back(each) for each in leg("b", 30, 45))]
    tables = Tables()
    count(tables, facts, policy)
    records = move(tables, 3_600, policy=policy)
    before = told(records)
    assert [fold(tables, each, policy) for each in late] == 4 * ["amends_day"]
    records += move(tables, 15 * 3600, policy=policy)
    assert told(records) == before == by_the_legs(facts)


def test_a_queue_that_rests_costs_no_rows() -> None:
    """Somebody waits for a day, and of that nothing is written but the coming."""
    tables = Tables()
    count(tables, [*leg("a", 0, None, queue="mail"), *leg("b", 0, 20)])
    move(tables, 60)
    written = dict(tables.flows)
    for seconds in range(70, 86_400, 600):
        move(tables, seconds)
    assert tables.flows == {f"{SEP}voice{SEP}mail": written[f"{SEP}voice{SEP}mail"]}


def test_points_are_kept_as_long_as_a_late_fact_may_ask_for_them() -> None:
    tables, policy = Tables(), kpi_policy(lateness_ms=10 * MINUTE_MS)
    for minute in range(300):
        count(tables, leg(str(minute), minute * 60, minute * 60 + 30), policy)
        move(tables, minute * 60 + 60, policy=policy)
    (flow,) = tables.flows.values()
    assert iso(flow.points[0].at) == iso(at(300 * 60 - policy.legs_ms // 1000 - 15 * 60))
    assert len(flow.points) == policy.legs_ms // MINUTE_MS + 15 + 1


@pytest.mark.parametrize("most", [None, 1, 7])
def test_a_contact_that_moves_to_another_tier_is_judged_there(most: int | None) -> None:
    told_first = [*leg("a", 0, 20), *leg("b", 30, 45)]
    moved = [*(taken_back(each) for each in leg("b", 30, 45)), *leg("b", 30, 45, tier="none")]
    records, tables = played([*told_first, *moved], {4: 100}, most=most)
    assert told(records) == {
        "sales gold": {"error": (0, 0), "absolute_error": (0, 0), "unknown": (1, 1)},
        "sales none": {"error": (-5_000, 1), "absolute_error": (5_000, 1), "unknown": (0, 1)},
    }
    (gold,) = [pane for key, pane in tables.days.items() if "gold" in key]
    assert {name: gold.get(name, 0) for name in JUDGED} == dict.fromkeys(JUDGED, 0) | {"forecast_unknown": 1}


def test_what_is_judged_anew_in_the_move_in_which_weeks_begin_to_be_counted_is_in_them() -> None:
    """A leg that comes late changes what was expected of the one behind it, on a day that is over by then."""
    early, late = leg("a", 0, 20) + leg("b", 30, 45), leg("d", 10, 25)
    windows = (Window(MINUTE_MS, MINUTE_MS), Window("day", HOUR_MS), Window("week", DAY_MS))
    days, weeks = (kpi_policy(windows=some, lateness_ms=2 * DAY_MS) for some in (windows[:2], windows))
    read = []
    for before in (days, weeks):
        tables, records = Tables(), list[Record]()
        for facts, hours, policy in ((early, 24, before), (late, 36, weeks), ([], 20 * 24, weeks)):
            count(tables, facts, policy)
            records += move(tables, hours * 3600, policy=policy)
        last = [each for each in records if each["window"]["length_ms"] == 7 * DAY_MS][-1]
        read.append((last["status"], numbers_of(last["readings"])))
    assert read[0] == read[1] == ("final", {"error": (-6_667, 1), "absolute_error": (6_667, 1), "unknown": (2, 3)})
