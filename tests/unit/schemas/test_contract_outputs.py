"""What the pure rooms make is what the contract promises."""

from typing import Any, get_args

import pytest
from msgspec.structs import replace

from schemas.outputs import Alert, Reading
from schemas.registry import topics
from streams.alerts import episodes as alerts
from streams.customers import feelings, waits
from streams.metrics.catalogue import CATALOGUE
from streams.metrics.formulas import Waiting
from streams.metrics.kpis import Snapshot, nothing, readings
from streams.metrics.kpis import reading as kpi_reading
from streams.metrics.panes import EMPTY
from streams.metrics.windows import record_key

TOPICS = topics()
SUBJECT = alerts.Subject("call-1", "call-1", "voice", "cards", "gold")
FIRING = alerts.Alert("a", "gold-wait", "wait", "warning", SUBJECT, 60_000, 60_000, since=1000, fired=2000)
REASONS = (
    "answered",
    "abandoned",
    "flow_out",
    feelings.RECOVERED,
    feelings.QUIET,
    alerts.MOVED,
    alerts.WITHDRAWN,
    alerts.CLOSED,
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


@pytest.mark.parametrize(("kind", "unit"), [(waits.WAIT, waits.UNIT), (feelings.SENTIMENT, feelings.UNIT)])
def test_alerts_fit(kind: str, unit: str) -> None:
    fired: dict[str, Any] = alerts.record(replace(FIRING, kind=kind), "customer:c", "", unit)
    assert TOPICS["alerts"].check(fired) is None
    assert fired.keys() == Alert.model_fields.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_an_alert_fits(reason: str) -> None:
    over = alerts.Alert(
        "a", "r", "wait", "warning", SUBJECT, 1, 1, since=1000, fired=2000, resolved=3000, reason=reason
    )
    assert TOPICS["alerts"].check(alerts.record(over, "customer:c", "week-1", "ms")) is None


def test_the_contract_names_no_reason_that_cannot_be() -> None:
    annotation = Alert.model_fields["reason"].annotation
    named = {value for part in get_args(annotation) for value in get_args(part)}
    assert named == set(REASONS)
