"""What rules about KPIs may not ask: each mistake with file and line."""

from pathlib import Path

import pytest

from streams.rules import RulesError, load

LEVEL = "service_level/reached_threshold"


def of(test: str, kpi: str = LEVEL) -> str:
    return f"rules:\n  - name: a\n    subject: kpi\n    kpis: [{kpi}]\n    when:\n      {test}\n"


MISTAKES = [
    (of("value: {below: 0.7, window: 15m}", "service_levl"), 4, "kpis.0: 'service_levl' is not a kpi"),
    (of("value: {below: 0.7, window: 20m}"), 6, "when.value.window: 20m is no window of kpis.yaml; there are 1m, 5m, 15m, 1h, day, week, month"),
    (of("value: {below: 0.7, window: 15m, min_cases: 0}"), 6, "when.value.min_cases: expected from 1, not 0"),
    (of("value: {below: 0.7, window: 15m, by: tier}"), 6, "when.value.by: 'tier' is no group of kpis.yaml (it has none)"),
    (of("value: {above: 3, window: 5m}", "queue_depth"), 6, "queue_depth is told of the shortest window alone, 1m"),
    (of("value: {above: 0.2, window: 1h}", "transfer_rate"), 6, "transfer_rate is told of days, weeks and months alone (details: days in kpis.yaml)"),
    (of("value: {below: 0.2, window: 1h}", "fcr"), 6, "fcr is told of days, weeks and months alone"),
    (of("value: {below: 0.2, window: 1m}", "occupancy"), 6, "occupancy is told of windows that are made of slots of 5m"),
    (of("value: {below: 0.2, window: 15m}", "service_level/answered_only_business"), 6, "is of queues with opening hours, and hours.yaml has none"),
    (of("value: {below: 5, window: 15m, min_cases: 3}", "legs_entered"), 6, "when.value.min_cases: legs_entered is a number of things, and has no cases"),
    (of("anomaly: {at_or_below: 1, window: 5m}"), 6, "when.anomaly.window: expected a window of 15m or longer that divides 24h, not 5m"),
    (of("anomaly: {at_or_below: 1, window: 24h}"), 6, "when.anomaly.window: expected a window of 15m or longer that divides 24h, not day"),
    (of("anomaly: {at_or_below: 1, direction: left}"), 6, "when.anomaly.direction: expected one of up, down, both, not 'left'"),
    (of("anomaly: {at_or_below: 1, weeks: 4, min_weeks: 6}"), 6, "when.anomaly.min_weeks: must be at most weeks, 4"),
    (of("anomaly: {at_or_above: 4}"), 6, "when.anomaly.at_or_above: is the wrong way"),
    (of("anomaly: {at_or_below: 0}"), 6, "when.anomaly.at_or_below: must be above 0"),
    (of("anomaly: {at_or_below: 1, weeks: 2}"), 6, "when.anomaly.weeks: expected from 4 to 16, not 2"),
    (of("any: [{value: {below: 0.7, window: 15m}}, {anomaly: {at_or_below: 1, window: 20m}}]"), 6, "when.any.1.anomaly.window: 20m is no window"),
    ("rules:\n  - name: a\n    subject: kpi\n    for_everybody: true\n    when: {anomaly: {at_or_below: 1}}\n", 2, "names no KPI"),
    ("rules:\n  - name: a\n    subject: connector\n    when:\n      dead_letters: {above: 1, window: 30s}\n", 5, "window: the duration must be at least 1m, not '30s'"),
    ("rules:\n  - name: a\n    subject: connector\n    when:\n      dead_letters: {above: 1, window: 2h}\n", 5, "window: the duration must be at most 1h, not '2h'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES)
def test_what_there_is_not_is_refused_with_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    file = tmp_path / "alerts.yaml"
    file.write_text(text)
    with pytest.raises(RulesError) as error:
        load(tmp_path)
    [said] = [each for each in str(error.value).splitlines() if message in each]
    assert said.strip().startswith(f"{file}:{line}: "), said


def test_what_there_is_is_taken(tmp_path: Path) -> None:
    (tmp_path / "kpis.yaml").write_text(
        "windows: [{length: 1m, every: 1m, by: [channel, queue]}, {length: 15m, every: 5m}, {length: day, every: 1h}]\n"
        "groups: [[tier], [channel, agent_group]]\ndetails: everywhere\n"
    )
    rules = "\n".join(
        f"  - {{name: r{number}, subject: kpi, kpis: [{kpi}], when: {when}}}"
        for number, (kpi, when) in enumerate(
            [
                (LEVEL, "{value: {below: 0.7, window: 15m, min_cases: 1}}"),
                ("transfer_rate", "{value: {above: 0.2, window: 15m, by: tier}}"),
                ("abandonment/of_left", "{value: {above: 0.2, window: 15m, by: agent_group+channel}}"),
                ("queue_depth/now", "{value: {above: 9, window: 1m}}"),
                ("csat/mean_score", "{value: {below: 3500, window: 24h}}"),
                ("speed_of_answer/p90", "{anomaly: {at_or_below: 1, window: 15m, direction: up}}"),
            ]
        )
    )
    (tmp_path / "alerts.yaml").write_text(f"rules:\n{rules}\n")
    assert len(load(tmp_path).customers.alerts.of("kpi")) == 6
