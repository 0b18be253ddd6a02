"""What is said of each KPI: all of it is there, and its numbers are those of its own formula."""

import io
import re

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.inspect.catalogue import KPIS, explain, find, page, terms, windows
from streams.inspect.readings import QueryError
from streams.local.text import Terminal
from streams.metrics.accumulators import ACCUMULATORS
from streams.metrics.catalogue import CATALOGUE, INSTANT, Kpi
from streams.metrics.definitions import DEFINITIONS
from streams.metrics.formulas import NOTHING, Formula, count, longest, per, percentile
from streams.metrics.rules import KpiPolicy, ServiceLevel, Window
from streams.metrics.terms import TERMS, Definition
from streams.rules import load
from tests.support.kpi_facts import POLICY


@pytest.mark.parametrize("kpi", CATALOGUE + INSTANT, ids=lambda kpi: f"{kpi.name}-{kpi.variant}")
def test_every_kpi_has_a_definition_an_example_and_a_source(kpi: Kpi) -> None:
    assert kpi.name in DEFINITIONS, f"say in definitions.py what {kpi.name} is"
    definition = DEFINITIONS[kpi.name]
    assert definition.said(kpi.variant), f"say in definitions.py what is particular to {kpi.name} {kpi.variant}"
    assert definition.says.endswith(".")
    assert definition.source
    (found,) = [each for each in find(kpi.name)[2] if each.kpi == kpi]
    totals = {**NOTHING, **definition.amounts(kpi.formula.histogram)}
    assert kpi.formula.above(totals) != 0, "the example says nothing of what is above the line"
    assert kpi.formula.below(totals) != 0, "the example says nothing of what is below the line"
    assert "–" not in found.example
    assert kpi.formula.names <= terms([found]).keys() | {kpi.formula.histogram}


def test_nothing_is_described_that_is_not_there() -> None:
    assert DEFINITIONS.keys() == KPIS.keys()
    for name, kpis in KPIS.items():
        assert DEFINITIONS[name].variants.keys() <= {kpi.variant for kpi in kpis}, name
        assert DEFINITIONS[name].example.keys() <= NOTHING.keys(), name
    assert TERMS.keys() <= NOTHING.keys()
    assert ACCUMULATORS.keys() <= TERMS.keys(), "say in terms.py what it is"


def test_percentiles_and_business_time_need_no_words_of_their_own() -> None:
    definition = Definition("Something.", {"all": "all of it"}, "us", {})
    assert definition.said("p90") == "what 90 % of them do not exceed"
    assert definition.said("all_p50") == "what 50 % of them do not exceed: all of it"
    assert definition.said("all_business") == "all of it, by business time"
    assert definition.said("p95_business") == "what 95 % of them do not exceed, by business time"
    assert [definition.said(each) for each in ("other", "other_p50", "other_business", "p")] == [""] * 4
    assert definition.amounts("answered_waits")["answered"] == 10


def test_vector_1_and_2_are_the_examples() -> None:
    said = {each.kpi.variant: each.example for each in find("service_level")[2]}
    assert said == {
        "reached_threshold": "860 / (1,000 + 60 + 30) = 78.90 %",
        "abandon_in_time_is_hit": "(860 + 20) / (1,000 + 60) = 83.02 %",
        "answered_only": "860 / 1,000 = 86.00 %",
        "all_abandons_count": "860 / (1,000 + 60) = 81.13 %",
        "in_threshold_abandons_excluded": "860 / (1,000 + 60 - 20) = 82.69 %",
        "short_abandons_positive": "(860 + 10) / (1,000 + 60) = 82.08 %",
        "short_abandons_excluded": "860 / (1,000 + 60 - 10) = 81.90 %",
        "answered_only_business": "860 / 1,000 = 86.00 %",
        "all_abandons_count_business": "860 / (1,000 + 60) = 81.13 %",
    }
    assert find("csat")[2][0].example == "74 / 107 = 69.16 %"
    assert find("nps")[2][0].example == "100 × (40 - 0 - 30 + 0) / (100 - 0) = +10"
    assert find("nps")[2][1].example == "100 × (40 - 30) / 100 = +10"
    assert find("queue_depth")[2][0].example == "7"
    assert find("longest_wait")[2][0].example == "1 × 95 s, 2 × 40 s: 95.00 s"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (per("entered", "answered"), "entered / answered"),
        (per("entered - answered", "answered + left"), "(entered - answered) / (answered + left)"),
        (per("nps_promoters", "nps", times=100), "100 × nps_promoters / nps"),
        (count("entered + left"), "entered + left"),
        (longest("longest"), "largest of longest"),
        (percentile(90, "answered_waits"), "percentile 90 of answered_waits"),
    ],
)
def test_a_formula_can_be_read(formula: Formula, text: str) -> None:
    assert formula.text == text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("service_levle", "there is no KPI service_levle; did you mean service_level?"),
        ("longest", "did you mean longest_wait"),
        ("zzz", "there is no KPI zzz; there are contacts_offered, contacts_contained, "),
    ],
)
def test_an_unknown_name_suggests_the_nearest(name: str, said: str) -> None:
    done = CliRunner().invoke(app, ["kpis", "explain", name])
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr
    with pytest.raises(QueryError, match=said[:20]):
        find(name)


def test_windows_come_shortest_first_and_the_backlog_is_of_days_alone() -> None:
    assert windows(load(None).kpis).startswith("1 min every 1 min, all tiers together; 5 min every 5 min, all tiers")
    assert windows(load(None).kpis, KPIS["backlog"]) == "calendar day of UTC, read every 60 min"
    assert "week" in windows(load(None).kpis, KPIS["quality"])


def test_a_terminal_is_shown_no_links_and_the_dimensions_that_agents_have() -> None:
    said = explained("occupancy")
    assert "](" not in said
    assert "(how)" not in said
    assert [line.split() for line in said.splitlines() if line.startswith("dimensions")] == [
        ["dimensions", "queue,", "agent_group"]
    ]


def explained(name: str, policy: KpiPolicy = POLICY) -> str:
    out = io.StringIO()
    explain(name, policy, Terminal(file=out, width=240))
    return out.getvalue()


def test_it_goes_by_the_rules_of_the_deployment() -> None:
    own = KpiPolicy((Window(120_000, 60_000),), service_level=ServiceLevel(30_000, {"loans": 45_000}))
    said = explained("service_level", own)
    for label, value in (
        ("t", "30 s, loans 45 s"),
        ("short abandon", "within 5 s"),
        ("dimensions", "channel, queue, tier"),
        ("windows", "2 min every 1 min"),
        ("source", "G. Koole, Call Center Optimization (2013)"),
    ):
        (row,) = [line for line in said.splitlines() if line.startswith(f"{label} ")]
        assert row.removeprefix(label).strip().startswith(value)
    assert "what comes within 60 min behind it amends it" in said
    assert "860 / (1,000 + 60 + 30) = 78.90 %" in said
    assert re.search(r"^answered_in_time +legs answered within t", said, re.MULTILINE)


def test_what_holds_at_one_moment_is_in_the_shortest_window_alone() -> None:
    assert windows(POLICY, INSTANT) == "the shortest alone, 1 min"
    assert windows(POLICY, KPIS["longest_wait"]).endswith(
        "; now: the shortest alone, 1 min; now_business: the shortest alone, 1 min"
    )
    assert "\n- windows: the shortest alone, 1 min\n" in page(POLICY) + "\n"


def test_the_page_has_a_section_for_each() -> None:
    sections = [line.removeprefix("## ") for line in page(POLICY).splitlines() if line.startswith("## ")]
    assert sections == list(KPIS)


def test_without_a_span_kpis_says_what_to_give() -> None:
    done = CliRunner().invoke(app, ["kpis"])
    assert done.exit_code == 1
    assert "--from DATE --to DATE" in done.stderr
