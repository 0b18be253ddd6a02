import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.metrics.accumulators import ACCUMULATORS, HISTOGRAMS, SUMS, step_of
from streams.metrics.catalogue import BUSINESS_INSTANT, INSTANT, SPANS, counting
from streams.metrics.formulas import NOBODY, NOTHING, Waiting, per
from streams.metrics.kpis import MOST, Snapshot, encode, readings
from streams.metrics.panes import EMPTY, Pane, merge
from tests.support.kpi_facts import OFFICE, POLICY, add, at, fact, leg, one_fact


def by_name(snapshot: Snapshot, instant: bool = False) -> dict[tuple[str, str], tuple[float | None, int | None, int]]:
    found = readings(snapshot, instant)
    return {(each["kpi"], each["variant"]): (each["value"], each["numerator"], each["denominator"]) for each in found}


def answers(metric: str, scores: dict[int, int]) -> Pane:
    pane = EMPTY
    for score, n in scores.items():
        for i in range(n):
            pane = add(pane, fact("feedback", f"{score}.{i}", 0, variant=metric, value=score * 1000), POLICY)
    return pane


WEEK = {"answered": 1000, "answered_in_time": 860, "abandoned": 60, "abandoned_in_time": 20, "short_abandoned": 10}


def levels(pane: Pane, waiting: Waiting = NOBODY) -> dict[str, float | None]:
    """Percent by variant."""
    found = by_name(Snapshot(pane, waiting))
    said = {variant: value for (kpi, variant), (value, *_) in found.items() if kpi == "service_level"}
    return {variant: None if value is None else round(100 * value, 2) for variant, value in said.items()}


def test_vector_1_all_seven_variants() -> None:
    assert levels(WEEK) == {
        "reached_threshold": 81.13,
        "abandon_in_time_is_hit": 83.02,
        "answered_only": 86.00,
        "all_abandons_count": 81.13,
        "in_threshold_abandons_excluded": 82.69,
        "short_abandons_positive": 82.08,
        "short_abandons_excluded": 81.90,
    }


def test_vector_1_with_30_of_40_still_waiting_for_20_s_or_longer() -> None:
    assert levels(WEEK, Waiting(40, 0, 30)) == levels(WEEK) | {"reached_threshold": 78.90}


def test_vector_2_from_the_answers() -> None:
    satisfied = by_name(Snapshot(answers("csat", {5: 50, 4: 24, 3: 20, 1: 13})))
    assert satisfied["csat", "satisfied"] == (74 / 107, 74, 107)
    assert round(100 * 74 / 107, 2) == 69.16
    assert satisfied["csat", "mean_score"] == (419_000 / 107, 419_000, 107)
    nps = by_name(Snapshot(answers("nps", {10: 40, 8: 30, 5: 30})))
    assert nps["nps", "every_answer"] == nps["nps", "last_answer"] == (10, 1000, 100)


def test_of_a_customers_answers_in_a_window_the_last_one_counts() -> None:
    """10, then 3 a minute later, then 8: of the whole time the 8, of the first minute the 10."""
    told = [
        fact("feedback", "a", 0, variant="nps", value=10_000),
        fact("feedback", "b", 60, variant="nps", value=3_000),
        fact("nps_superseded", "a", 60, entered=at(0), value=10_000),
        fact("feedback", "c", 90, variant="nps", value=8_000),
        fact("nps_superseded", "b", 90, entered=at(60), value=3_000),
    ]
    for start, end, said in [
        (0, 100, (0, 0, 1)), (0, 60, (100, 100, 1)), (0, 90, (-100, -100, 1)), (60, 100, (0, 0, 1)), (90, 100, (0, 0, 1)),
    ]:  # fmt: skip
        pane = EMPTY
        for each in told:
            pane = add(pane, each, POLICY) if at(start) <= each.time < at(end) else pane
        found = readings(Snapshot(pane, start=at(start)))
        assert by_name(Snapshot(pane, start=at(start)))["nps", "last_answer"] == said, (start, end)
        assert sum(found.histograms.get("superseded", {}).values()) == (start in (60, 90))


def test_vector_4_an_empty_window_has_no_values() -> None:
    for (kpi, variant), reading in by_name(Snapshot(EMPTY), instant=True).items():
        counts = kpi.startswith(("contacts_", "journeys_")) or (kpi, variant) in {
            ("legs_entered", "all"),
            ("queue_depth", "now"),
        }
        above = None if variant.rpartition("_")[2] in PERCENTILES else 0
        assert reading == ((0, 0, 1) if counts else (None, above, 0)), (kpi, variant)


def test_vector_6_a_leg_that_has_waited_longer_than_the_threshold_lowers_the_service_level() -> None:
    pane = {"answered": 1, "answered_in_time": 1}
    found = [by_name(Snapshot(pane, waiting=Waiting(1, 0, reached))) for reached in (0, 1)]
    assert [each["service_level", "reached_threshold"] for each in found] == [(1, 1, 1), (0.5, 1, 2)]


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
        fact("contact_handled", "a", 99, talk_ms=50_000, hold_ms=10_000, wrap_ms=5_000, value=2),
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
        *(fact("contact_by_machine", ident, 9, outcome="contained") for ident in "ef"),
        fact("contact_by_machine", "g", 9),
        fact("callback_requested", "g", 9, outcome="kept"),
        *(fact("callback_requested", ident, 9) for ident in "hi"),
        fact("contact_reopened", "a/1", 9),
        fact("journey_solved", "a", 50, entered=at(20), outcome="stays", variant="once"),
        fact("journey_resolved", "a", 50, entered=at(20), contacts=1),
        fact("journey_solved", "b", 60, entered=at(0), outcome="reopened", variant="again"),
        fact("journey_resolved", "b", 90, entered=at(0), value=2, contacts=4, transfers=1),
        fact("turned_away", "h/9", 9, outcome="full"),
        fact("feedback", "a", 99, variant="ces", value=6_000),
        fact("sentiment", "m", 1, value=-500),
        fact("sentiment", "n", 2, value=100),
        fact("quality", "a", 99, business=1_000, human=600, hidden=0),
        fact("quality", "b", 99, business=500, hidden=None),
        fact("quality", "c", 99, business=-1, human=1_001),
    ]:
        pane = add(pane, each, POLICY)
    found = by_name(Snapshot(pane))
    durations = {
        ("speed_of_answer", ""): [10_000, 30_000],
        ("speed_of_answer", "all_contacts_"): [0, 10_000, 30_000],
        ("handle_time", "all_"): [0, 65_000],
        ("handle_time", "talk_"): [0, 50_000],
        ("handle_time", "hold_"): [0, 10_000],
        ("handle_time", "wrap_"): [0, 5_000],
        ("first_response", "any_"): [1_000],
        ("first_response", "human_from_start_"): [9_000],
        ("first_response", "human_from_handoff_"): [7_000],
        ("first_response", "after_reopen_"): [4_000],
        ("next_response", "human_"): [3_000, 5_000],
        ("resolution_time", "first_"): [30_000, 60_000],
        ("resolution_time", "full_"): [30_000, 90_000],
    }
    for (kpi, of), took in durations.items():
        for variant, percent in PERCENTILES.items():
            exact = took[math.ceil(len(took) * percent / 100) - 1]
            assert found.pop((kpi, f"{of}{variant}")) == (step_of(exact), None, len(took))
    assert found == {
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
        ("time_to_abandon", "mean"): (4_000, 4_000, 1),
        ("flow_out", "of_left"): (1 / 4, 1, 4),
        ("speed_of_answer", "answered_legs"): (20_000, 40_000, 2),
        ("speed_of_answer", "all_contacts"): (40_000 / 3, 40_000, 3),
        ("answered_in_time", "of_offered"): (2 / 5, 2, 5),
        ("answered_in_time", "of_answered"): (2 / 3, 2, 3),
        ("handle_time", "all"): (32_500, 65_000, 2),
        ("handle_time", "talk"): (25_000, 50_000, 2),
        ("handle_time", "hold"): (5_000, 10_000, 2),
        ("handle_time", "wrap"): (2_500, 5_000, 2),
        ("transfer_rate", "of_handled"): (1 / 2, 1, 2),
        ("containment", "of_machine"): (2 / 3, 2, 3),
        ("callbacks_kept", "of_requested"): (1 / 3, 1, 3),
        ("first_response", "any"): (1_000, 1_000, 1),
        ("first_response", "human_from_start"): (9_000, 9_000, 1),
        ("first_response", "human_from_handoff"): (7_000, 7_000, 1),
        ("first_response", "after_reopen"): (4_000, 4_000, 1),
        ("next_response", "human"): (4_000, 8_000, 2),
        ("resolution_time", "first"): (45_000, 90_000, 2),
        ("resolution_time", "full"): (60_000, 120_000, 2),
        ("resolution_rate", "not_reopened"): (1 / 2, 1, 2),
        ("fcr", "of_solved"): (1 / 2, 1, 2),
        ("journeys_reopened", "all"): (2, 2, 1),
        ("effort", "contacts"): (2_500, 5_000, 2),
        ("effort", "transfers"): (500, 1_000, 2),
        ("ces", "easy"): (1, 1, 1),
        ("sentiment", "mean"): (-200, -400, 2),
        ("quality", "business"): (750, 1_500, 2),
        ("quality", "human"): (600, 600, 1),
        ("quality", "hidden"): (0, 0, 1),
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
    names = [(kpi.name, kpi.variant) for kpi in SPANS + INSTANT + BUSINESS_INSTANT]
    assert len(set(names)) == len(names)


def test_a_kpi_names_accumulators_or_who_waits() -> None:
    assert all(kpi.formula.names <= NOTHING.keys() for kpi in SPANS + INSTANT + BUSINESS_INSTANT)
    read = frozenset[str]().union(*(kpi.formula.names for kpi in SPANS))
    assert ACCUMULATORS.keys() - read == {"nps_superseded", "superseded"}, "what nobody reads is not to be counted"
    with pytest.raises(ValueError, match="answred in 'answred - abandoned' is no accumulator"):
        per("answred - abandoned", "entered")


@pytest.mark.parametrize("name", sorted(HISTOGRAMS.keys() - {"open_ages"}))
def test_what_a_histogram_counts_is_told_by_a_kpi_of_every_record(name: str) -> None:
    """By what stands below its line, and not by its place or its name: several records' histograms are complete by it."""
    sums = HISTOGRAMS[name].counted_by
    assert counting(sums).formula.below({**NOTHING, sums: 7}) == 7
    assert {counting(sums).formula.below({**NOTHING, other: 7}) for other in SUMS - {sums}} == {0}
    found = {
        (each["kpi"], each["variant"])
        for each in readings(Snapshot({sums: 7}, can_abandon=False, clock=OFFICE.clock("voice", "sales")))
        if each["denominator"] == 7
    }
    assert (counting(sums).name, counting(sums).variant) in found


def test_a_kpi_that_counts_is_one_of_a_sum_alone_on_every_channel() -> None:
    assert (counting("first_any").name, counting("first_any").variant) == ("first_response", "any")
    assert (counting("first_after_reopen").name, counting("first_after_reopen").variant) == (
        "first_response",
        "after_reopen",
    )
    for name in ("abandoned", "abandoned_wait_ms"):
        with pytest.raises(LookupError, match=f"no KPI of the catalogue is of {name}"):
            counting(name)


PERCENTILES = {"p50": 50, "p90": 90, "p95": 95}
waits = st.lists(st.integers(0, 4_000_000) | st.sampled_from([0, 1, 99, 100, 101, 20_000]), min_size=1, max_size=60)


def answered(given: list[int]) -> Pane:
    return merge(add(EMPTY, leg(str(i), 0, wait / 1000)[1], POLICY) for i, wait in enumerate(given))


@given(waits)
def test_percentiles_are_within_1_percent_of_the_wait_of_their_rank(given: list[int]) -> None:
    found = by_name(Snapshot(answered(given)))
    for variant, percent in PERCENTILES.items():
        exact = sorted(given)[math.ceil(len(given) * percent / 100) - 1]
        value, above, of = found["speed_of_answer", variant]
        assert (above, of) == (None, len(given))
        assert value is not None
        assert abs(value - exact) <= exact / 100


def test_the_percentiles_of_a_hundred_waits() -> None:
    found = by_name(Snapshot(answered([1000 * n for n in range(1, 101)])))
    assert [found["speed_of_answer", p][0] for p in PERCENTILES] == [step_of(50_000), step_of(90_000), step_of(95_000)]
    assert [found["speed_of_answer", p][0] for p in PERCENTILES] == [50_466, 90_141, 95_714]


def test_percentiles_of_rows_that_an_earlier_version_wrote_are_not_told() -> None:
    """It counted the leg, and did not keep how long it had waited."""
    before = {"answered": 1, "answered_wait_ms": 9000, "longest": ((9000, 1),)}
    for pane in (before, merge((before, answered([5000])))):
        found = readings(Snapshot(pane))
        said = {
            each["variant"]: (each["value"], each["denominator"]) for each in found if each["variant"] in PERCENTILES
        }
        assert said == {}
        assert found.histograms == {}
    assert readings(Snapshot(answered([5000, 5000]))).histograms == {"answered_waits": {str(step_of(5000)): 2}}


def test_a_number_beyond_what_json_keeps_says_this_or_more_and_its_value_stays_right() -> None:
    found = readings(Snapshot({"handled": 2**40, "talk_ms": 2**62, "hold_ms": 2**62, "wrap_ms": 2**62}))
    reading = {each["variant"]: each for each in found if each["kpi"] == "handle_time"}
    assert reading["all"]["numerator"] == reading["talk"]["numerator"] == MOST == 2**53 - 1
    assert reading["all"]["value"] == 3 * 2**22
    assert found.saturated == 4
    assert orjson.loads(encode({"readings": found}))["readings"][0]["kpi"] == "handle_time"
    assert readings(Snapshot({"handled": 1, "talk_ms": MOST})).saturated == 0


@given(st.dictionaries(st.sampled_from(sorted(SUMS)), st.integers(-(2**63), 2**63 - 1).filter(bool)))
def test_whatever_a_row_holds_its_readings_can_be_written(pane: dict[str, int]) -> None:
    found = readings(Snapshot(pane, waiting=Waiting(3, 0, 2)), instant=True)
    assert all(abs(each["numerator"] or 0) <= MOST and each["denominator"] <= MOST for each in found)
    assert all(each["value"] is None or math.isfinite(each["value"]) for each in found)
    assert len(orjson.loads(encode({"readings": found}))["readings"]) == len(found) >= len(INSTANT)
