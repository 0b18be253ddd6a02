import math

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.metrics.kpis import CATALOGUE, INSTANT, MOST, Snapshot, Waiting, csat, encode, nps, readings
from streams.metrics.panes import EMPTY, NO_SUMS, Pane, add, pane_of
from streams.metrics.rules import KpiPolicy
from streams.metrics.service_level import VARIANTS
from tests.support.kpi_facts import fact, leg, one_fact

POLICY = KpiPolicy()


def by_name(snapshot: Snapshot, instant: bool = False) -> dict[tuple[str, str], tuple[float | None, int, int]]:
    found = readings(snapshot, instant)
    return {(each["kpi"], each["variant"]): (each["value"], each["numerator"], each["denominator"]) for each in found}


def answers(metric: str, scores: dict[int, int]) -> Pane:
    pane = EMPTY
    for score, n in scores.items():
        for i in range(n):
            pane = add(pane, fact("feedback", f"{score}.{i}", 0, variant=metric, value=score * 1000), POLICY)
    return pane


def test_vector_2_csat_and_nps() -> None:
    found = csat(74, 107)
    assert found is not None
    assert round(100 * found, 2) == 69.16
    assert nps(40, 30, 100) == 10
    assert csat(0, 0) is None
    assert nps(0, 0, 0) is None


def test_vector_2_from_the_answers() -> None:
    satisfied = by_name(Snapshot(answers("csat", {5: 50, 4: 24, 3: 20, 1: 13})))
    assert satisfied["csat", "satisfied"] == (74 / 107, 74, 107)
    assert satisfied["csat", "mean_score"] == (419_000 / 107, 419_000, 107)
    assert by_name(Snapshot(answers("nps", {10: 40, 8: 30, 5: 30})))["nps", "every_answer"] == (10, 1000, 100)


def test_vector_4_an_empty_window_has_no_values() -> None:
    for (kpi, variant), reading in by_name(Snapshot(EMPTY), instant=True).items():
        counts = kpi.startswith("contacts_") or (kpi, variant) in {("legs_entered", "all"), ("queue_depth", "now")}
        assert reading == ((0, 0, 1) if counts else (None, 0, 0)), (kpi, variant)


def test_vector_6_a_leg_that_has_waited_longer_than_the_threshold_lowers_the_service_level() -> None:
    pane = Pane(answered=1, answered_in_time=1)
    levels = [by_name(Snapshot(pane, waiting=Waiting(1, 0, reached))) for reached in (0, 1)]
    assert [each["service_level", "reached_threshold"] for each in levels] == [(1, 1, 1), (0.5, 1, 2)]


def test_who_waits_now() -> None:
    found = by_name(Snapshot(EMPTY, waiting=Waiting(3, 60_000, 2), end=90_000), instant=True)
    assert found["queue_depth", "now"] == (3, 3, 1)
    assert found["longest_wait", "now"] == (30_000, 30_000, 1)


def test_every_kpi_from_one_contact_of_each_kind() -> None:
    pane = EMPTY
    for each in [
        *leg("a", 0, 10),
        *leg("b", 0, 30),
        *leg("c", 0, 4, "abandoned"),
        *leg("d", 0, 60, "flow_out"),
        fact("contact_offered", "a", 10, outcome="answered", value=10_000),
        fact("contact_offered", "b", 30, outcome="answered", value=30_000),
        fact("contact_offered", "x", 30, outcome="answered", value=0),
        fact("contact_offered", "c", 4, outcome="abandoned", value=4_000),
        fact("contact_offered", "d", 60, outcome="flow_out", value=60_000),
        fact("contact_handled", "a", 99, talk_ms=50_000, hold_ms=10_000, wrap_ms=5_000),
        fact("contact_handled", "b", 99, talk_ms=0),
        fact("first_response", "m", 9, variant="any", value=1_000),
        fact("first_response", "m", 9, variant="human_from_start", value=9_000),
        fact("first_response", "m", 9, variant="human_from_handoff", value=7_000),
        fact("first_response", "m/2", 9, variant="after_reopen", value=4_000),
        fact("next_response", "m/3", 9, value=3_000),
        fact("next_response", "m/4", 9, value=5_000),
        fact("contact_unasked", "e", 9, outcome="contained"),
        fact("contact_unasked", "f", 9, outcome="contained"),
        fact("contact_unasked", "g", 9, outcome="left"),
        fact("contact_reopened", "a/1", 9),
        fact("turned_away", "h/9", 9, outcome="full"),
        fact("feedback", "a", 99, variant="ces", value=6_000),
        fact("sentiment", "m", 1, value=-500),
        fact("sentiment", "n", 2, value=100),
    ]:
        pane = add(pane, each, POLICY)
    assert by_name(Snapshot(pane, longest=60_000)) == {
        ("contacts_offered", "all"): (5, 5, 1),
        ("contacts_contained", "all"): (2, 2, 1),
        ("contacts_left", "all"): (1, 1, 1),
        ("contacts_reopened", "all"): (1, 1, 1),
        ("contacts_turned_away", "all"): (1, 1, 1),
        ("legs_entered", "all"): (4, 4, 1),
        ("service_level", "reached_threshold"): (1 / 3, 1, 3),
        ("service_level", "abandon_in_time_is_hit"): (2 / 3, 2, 3),
        ("service_level", "answered_only"): (1 / 2, 1, 2),
        ("service_level", "all_abandons_count"): (1 / 3, 1, 3),
        ("service_level", "in_threshold_abandons_excluded"): (1 / 2, 1, 2),
        ("service_level", "short_abandons_positive"): (2 / 3, 2, 3),
        ("service_level", "short_abandons_excluded"): (1 / 2, 1, 2),
        ("abandonment", "of_left"): (1 / 4, 1, 4),
        ("abandonment", "short"): (1 / 4, 1, 4),
        ("abandonment", "of_offered"): (1 / 5, 1, 5),
        ("flow_out", "of_left"): (1 / 4, 1, 4),
        ("speed_of_answer", "answered_legs"): (20_000, 40_000, 2),
        ("speed_of_answer", "all_contacts"): (40_000 / 3, 40_000, 3),
        ("answered_in_time", "of_offered"): (2 / 5, 2, 5),
        ("answered_in_time", "of_answered"): (2 / 3, 2, 3),
        ("handle_time", "all"): (32_500, 65_000, 2),
        ("handle_time", "talk"): (25_000, 50_000, 2),
        ("handle_time", "hold"): (5_000, 10_000, 2),
        ("handle_time", "wrap"): (2_500, 5_000, 2),
        ("first_response", "any"): (1_000, 1_000, 1),
        ("first_response", "human_from_start"): (9_000, 9_000, 1),
        ("first_response", "human_from_handoff"): (7_000, 7_000, 1),
        ("first_response", "after_reopen"): (4_000, 4_000, 1),
        ("next_response", "human"): (4_000, 8_000, 2),
        ("csat", "satisfied"): (None, 0, 0),
        ("csat", "mean_score"): (None, 0, 0),
        ("nps", "every_answer"): (None, 0, 0),
        ("ces", "easy"): (1, 1, 1),
        ("sentiment", "mean"): (-200, -400, 2),
        ("longest_wait", "left"): (60_000, 60_000, 1),
    }


@given(st.lists(one_fact(), max_size=20))
def test_shares_are_between_0_and_1(facts: list) -> None:  # type: ignore[type-arg]
    pane = EMPTY
    for each in facts:
        pane = add(pane, each, POLICY)
    for reading in readings(Snapshot(pane)):
        value = reading["value"]
        assert value is None or math.isfinite(value)
        assert reading["unit"] != "ratio" or value is None or 0 <= value <= 1, reading


def test_the_catalogue_names_each_kpi_once() -> None:
    names = [(kpi.name, kpi.variant) for kpi in CATALOGUE + INSTANT]
    assert len(set(names)) == len(names)
    assert {variant for name, variant in names if name == "service_level"} == set(VARIANTS)


def test_a_number_beyond_what_json_keeps_says_this_or_more_and_its_value_stays_right() -> None:
    found = readings(Snapshot(Pane(handled=2**40, talk_ms=2**62, hold_ms=2**62, wrap_ms=2**62)))
    reading = {each["variant"]: each for each in found if each["kpi"] == "handle_time"}
    assert reading["all"]["numerator"] == reading["talk"]["numerator"] == MOST == 2**53 - 1
    assert reading["all"]["value"] == 3 * 2**22
    assert found.saturated == 4
    assert orjson.loads(encode({"readings": found}))["readings"][0]["kpi"] == "contacts_offered"
    assert readings(Snapshot(Pane(handled=1, talk_ms=MOST))).saturated == 0


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=len(NO_SUMS), max_size=len(NO_SUMS)))
def test_whatever_a_row_holds_its_readings_can_be_written(values: list[int]) -> None:
    found = readings(Snapshot(pane_of(values), waiting=Waiting(3, 0, 2)), instant=True)
    assert all(abs(each["numerator"]) <= MOST and each["denominator"] <= MOST for each in found)
    assert all(each["value"] is None or math.isfinite(each["value"]) for each in found)
    assert len(orjson.loads(encode({"readings": found}))["readings"]) == len(CATALOGUE) + len(INSTANT)
