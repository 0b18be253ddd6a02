"""What the pure rooms make is what the contract promises."""

from typing import get_args

import msgspec
import orjson
import pytest
from msgspec.structs import replace

from schemas.alerts import AlertState, AlertSubject, Because
from schemas.outputs import Alert, AlertEvent, Reading
from schemas.registry import topics
from streams.alerts import episodes as alerts
from streams.alerts import records
from streams.alerts.board import Board, Tables
from streams.alerts.handling import Handling, Handlings
from streams.alerts.machine import CLOSED, STEPS, Step
from streams.customers.watched.moods import QUIET
from streams.customers.watched.scenes import RECOVERED
from streams.metrics.catalogue import CATALOGUE
from streams.metrics.formulas import Waiting
from streams.metrics.kpis import Snapshot, nothing, readings
from streams.metrics.kpis import reading as kpi_reading
from streams.metrics.panes import EMPTY
from streams.metrics.windows import record_key

TOPICS = topics()
SUBJECT = alerts.Subject("call-1", "call-1", "voice", "cards", "gold")
FIRING = alerts.Alert("a", "gold-wait", "waiting", "warning", SUBJECT, 60_000, 60_000, since=1000, fired=2000)
REASONS = (
    "answered",
    "abandoned",
    "flow_out",
    RECOVERED,
    QUIET,
    alerts.MOVED,
    alerts.WITHDRAWN,
    CLOSED,
    alerts.ERASED,
)


def test_every_reading_of_the_catalogue_fits() -> None:
    found = readings(Snapshot(EMPTY, waiting=Waiting(2, 1000, 1), end=5000), instant=True)
    assert len(found) == 3
    for reading in (*found, *(kpi_reading(kpi, *nothing(kpi)) for kpi in CATALOGUE)):
        Reading.model_validate(reading)
        assert reading.keys() | {"status"} == Reading.model_fields.keys()


def test_the_key_of_readings() -> None:
    example = TOPICS["kpis"].examples[0]
    assert record_key(example.value) == example.key == TOPICS["kpis"].key_of(example.value)


@pytest.mark.parametrize(
    ("kind", "unit", "about"),
    [("waiting", "ms", "contact"), ("sentiment", "sentiment", "customer"), ("age", "ms", "journey")],
)
def test_conditions_and_alerts_fit(kind: str, unit: str, about: str) -> None:
    holds = alerts.condition(replace(FIRING, kind=kind, unit=unit, about=about), "customer:c", "", "7f3a")
    assert TOPICS["alert.conditions"].check(orjson.loads(msgspec.json.encode(holds))) is None
    (step,) = Board(Tables({}, {}, {}), Handlings()).take(holds, 2000)
    assert isinstance(step, Step)
    told = records.event(step, Handling("gold-wait"))
    assert TOPICS["alert.events"].check(told) is None and TOPICS["alerts"].check(told["alert"]) is None
    assert (told.keys(), told["alert"].keys()) == (AlertEvent.model_fields.keys(), Alert.model_fields.keys())
    assert told["alert"]["subject"].keys() == AlertSubject.model_fields.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_an_alert_fits(reason: str) -> None:
    over = replace(FIRING, resolved=3000, reason=reason)
    board = Board(Tables({}, {}, {}), Handlings())
    told = [
        *board.take(alerts.condition(FIRING, "customer:c", "week-1"), 2000),
        *board.take(alerts.condition(over, "customer:c", "week-1"), 3000),
    ]
    steps = [each for each in told if isinstance(each, Step)]
    assert [each.because for each in steps] == ["fired", reason]
    assert TOPICS["alert.events"].check(records.event(steps[-1], Handling("r"))) is None


def test_the_contract_names_what_the_machine_knows_and_no_more() -> None:
    assert {*get_args(AlertState)} == {state for each in STEPS.values() for state in each}
    assert {*REASONS} <= {*get_args(Because)}
