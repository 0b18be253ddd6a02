"""What the demo's summary compares: nothing of the catalogue is forgotten, and what it counts is right."""

from collections import Counter

import pytest

from streams.demo import texts
from streams.demo.check import KPIS, Check, compare, excused
from streams.demo.counts import Counts, Times, times, together
from streams.demo.measures import MEASURES, MOMENTS, NOT_COMPARED
from streams.demo.simulator import Settings, Simulation
from streams.demo.summary import as_json, groups
from tests.support.product import RULES, state_of

LINE, START = "demo-7-x", 1_772_445_600_000
COMPARED = Counter((each.kpi, each.variant) for each in (*MEASURES, *MOMENTS))


def test_every_kpi_of_the_catalogue_is_compared_once_or_excused_with_a_reason() -> None:
    told = [f"{kpi}.{variant}" for kpi, variant in KPIS if not COMPARED[kpi, variant] and not excused(kpi, variant)]
    assert told == [], "to be compared in streams/demo/measures.py, or excused there"
    assert set(COMPARED.values()) == {1}
    assert COMPARED.keys() <= KPIS.keys()
    assert [name for name in COMPARED if excused(*name)] == []
    assert all(len(why) > 20 for why in NOT_COMPARED.values())


def test_a_morning_has_something_to_compare_of_every_kpi() -> None:
    simulation = Simulation(Settings(LINE, START, RULES, seed=9))
    checks = compare(simulation.truth, state_of(simulation, simulation.emissions(8 * 60_000)))
    assert [str(check) for check in checks if not check.right] == []
    said = {check.name for check in checks if check.where is not None and check.truth}
    silent = [f"{kpi}.{variant}" for kpi, variant in COMPARED if f"{kpi}.{variant}" not in said]
    assert silent == ["handle_time.hold_p50"], "most calls have no hold"
    found = as_json(checks, LINE)
    assert found["figures"] == found["agree"] == len(checks) > 1000
    assert found["wrong"] == []
    assert sum(each["figures"] for each in found["groups"].values()) == len(checks)
    assert set(found["groups"]) >= {"fcr", "effort", "callbacks_kept", "quality", "containment", "nps", "sentiment"}


def test_a_percentile_may_be_one_percent_away_and_nothing_else_may() -> None:
    assert Check("p90", None, 1000, 1010, percent=1).right
    assert Check("p90", None, 1000, 990, percent=1).right
    assert not Check("p90", None, 1000, 1011, percent=1).right
    assert not Check("mean", None, 1000, 1001).right
    assert not Check("p90", None, 0, 1, percent=1).right


def test_what_is_wrong_is_named_in_the_json_with_both_figures() -> None:
    checks = [Check("fcr.of_solved", ("voice", "cards"), 3, 2, "fcr"), Check("alerts", None, 1, 1, "alerts")]
    found = as_json(checks, LINE)
    wrong = {"figure": "fcr.of_solved", "where": ["voice", "cards"], "simulator": 3, "pipeline": 2}
    assert (found["figures"], found["agree"], found["wrong"]) == (2, 1, [wrong])
    assert found["groups"] == {"fcr": {"figures": 1, "agree": 0}, "alerts": {"figures": 1, "agree": 1}}
    assert [group.name for group in groups(checks)] == ["fcr", "alerts"]
    assert [group.name for group in groups([*checks, Check("x", None, 1, 1, "effort")])] == ["fcr", "effort", "alerts"]


@pytest.mark.parametrize(("percent", "rank"), [(50, 20), (90, 40), (95, 90), (100, 90)])
def test_percentiles_are_by_nearest_rank(percent: int, rank: int) -> None:
    assert Times({10: 3, 20: 2, 30: 0, 40: 4, 90: 1}).rank(percent) == rank
    assert Times().rank(percent) == 0


def test_counts_add_up_and_are_taken_back() -> None:
    one, other = Counts(offered=1, waits=times(5, None, 7)), Counts(offered=2, waits=times(5))
    total = together((one, other))
    assert (total.offered, total.waits, total.waits.count, total.waits.ms) == (3, {5: 2, 7: 1}, 3, 17)
    total.add(other, -1)
    assert total == one
    total.add(one, -1)
    assert (total, total.longest_ms) == (Counts(), 0)


@pytest.mark.parametrize("line", [line for turn in texts.REPLIES for line in turn])
def test_agents_show_what_their_texts_were_written_to_show(line: texts.Line) -> None:
    text, shows = line
    assert set(RULES.behaviours.of(text, "en") or ()) == {*shows}
