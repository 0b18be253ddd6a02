"""Figures from samples, answers from counts, ratios from medians."""

from collections import Counter

import pytest

from tests.bench.audit import compare_counts, compare_values, pane_key
from tests.bench.load import Answers
from tests.bench.measure import Figures, Sample, Throughput, figures
from tests.bench.report import Result, notes, percentile, ratios
from tests.bench.systems import chosen, ours, quix


def test_time_and_cpu_run_from_the_first_output_to_the_last() -> None:
    samples = [
        Sample(0.0, cpu=1.0, broker_cpu=5.0, records=0),
        Sample(1.0, cpu=2.0, broker_cpu=6.0, records=10),
        Sample(3.0, cpu=5.0, broker_cpu=7.0, records=900),
        Sample(5.0, cpu=6.0, broker_cpu=7.5, records=1000),
        Sample(8.0, cpu=9.0, broker_cpu=9.0, records=1000),
    ]
    assert figures(samples, 2_000) == Figures(events_per_second=500.0, cpu=2000.0, broker_cpu=750.0)


def test_a_record_answers_as_many_events_of_its_pane_as_it_counts() -> None:
    answers, pane = Answers(), ("chat|q1", 0)
    answers.send(pane, 1.0, measured=False)
    answers.send(pane, 2.0, measured=True)
    answers.send(pane, 3.0, measured=True)
    answers.answer(pane, 2, at=2.5)
    answers.answer(pane, 2, at=2.75)
    answers.answer(("chat|q2", 0), 1, at=3.0)
    assert answers.latencies == [0.5] and answers.measured == 2
    answers.close()
    assert not answers.all.is_set()
    answers.answer(pane, 3, at=3.25)
    assert answers.latencies == [0.5, 0.25] and answers.all.is_set()


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile([7.0], 99)) == (50.0, 99.0, 7.0)


@pytest.mark.parametrize("start", ["1795341600000", "2026-11-22T10:00:00", "2026-11-22T10:00:00.000Z"])
def test_a_pane_may_start_at_a_number_or_at_a_time(start: str) -> None:
    assert pane_key(f"chat|q1|{start}".encode()) == ("chat|q1", 1_795_341_600_000)


def test_the_first_difference_is_named() -> None:
    assert compare_counts("alerts", Counter("ab"), Counter("ab")) is None
    assert compare_counts("alerts", Counter("abb"), Counter("ac")) == (
        "alerts: 1 missing, 2 too many of 2; first missing: c"
    )
    assert compare_values("pane", {1: "a"}, {1: "a"}) is None
    assert compare_values("pane", {1: "a", 3: "c"}, {1: "b", 2: "b"}) == "pane 1: a instead of b (3 of 2 differ)"


def result(system: str, speeds: list[float], difference: str | None = None) -> dict[str, object]:
    found = Result(quix() if system == "quix" else ours(1), 1000)
    found.runs = [Throughput(Figures(speed, 10.0, 5.0), difference) for speed in speeds]
    return found.as_json()


def test_ratios_compare_medians_with_their_targets() -> None:
    figures = {"ours-1": result("ours", [50.0, 60.0, 10.0]), "quix-1": result("quix", [10.0, 9.0, 100.0])}
    assert ratios(figures) == [
        {
            "figure": "events_per_second",
            "ratio_of": "ours-1 / quix-1",
            "events": [1000, 1000],
            "ratio": 5.0,
            "target": ">= 6.0",
            "met": False,
        }
    ]


def test_a_run_that_differs_is_not_exact_and_says_where() -> None:
    found = result("quix", [1.0], "pane 1: absent")
    assert found["exact"] is False
    assert notes({"quix-1": found}) == ["quix-1: pane 1: absent"]
    assert result("quix", [])["exact"] is False


def test_systems_are_chosen_by_base_or_by_name_and_a_wrong_name_is_refused() -> None:
    assert [system.name for system in chosen("ours,kafka-streams-2")] == ["ours-1", "ours-2", "kafka-streams-2"]
    assert len(chosen("")) == 9
    with pytest.raises(LookupError, match="kafka-stream:"):
        chosen("kafka-stream")


def test_a_broker_elsewhere_has_no_cpu_figure() -> None:
    samples = [Sample(0.0, 1.0, None, 1), Sample(1.0, 2.0, None, 5)]
    assert figures(samples, 1_000_000) == Figures(1_000_000.0, 1.0, None)
    found = Result(ours(1), 10)
    found.runs = [Throughput(figures(samples, 10), None)]
    assert "broker_cpu_s_per_million" not in found.as_json() and "cpu_s_per_million" in found.as_json()
