"""What the door says of a record that it refuses before the models look at it."""

from types import SimpleNamespace
from typing import Any

import pytest

from schemas.events import parse
from streams.agents.checks import Checks, Rejected
from streams.domain.times import DAY_MS, HOUR_MS, iso
from streams.settings import Settings
from tests.support.offline import NOW

CHECKS = Checks(Settings(), (1, 5))


def record(**given: Any) -> Any:
    return SimpleNamespace(**{"value": b"{}", "headers": (), "timestamp": NOW, **given})


@pytest.mark.parametrize(
    ("headers", "ends"),
    [
        ([("content-type", b"application/avro")], '; its content-type is "application/avro", and only JSON is read'),
        (
            [("Content-Type", b"text/\x1b[31m\xff")],
            '; its content-type is "text/\\x1b[31m\ufffd", and only JSON is read',
        ),
        ([("content-type", b"application/cloudevents+json")], "line 1 column 1 (char 0)"),
        ([("content-type", None)], "line 1 column 1 (char 0)"),
        ([], "line 1 column 1 (char 0)"),
    ],
)
def test_what_is_no_json_is_told_with_what_it_says_it_is(headers: Any, ends: str) -> None:
    with pytest.raises(Rejected) as refused:
        CHECKS.decode(record(value=b"\0\0\0\0\x07avro", headers=headers))
    assert refused.value.reason == "unreadable"
    assert refused.value.message.startswith("not JSON in UTF-8: ")
    assert refused.value.message.endswith(ends)


@pytest.mark.parametrize(
    ("time", "begins"),
    [
        (0, f"time is 1970-01-01T00:00:00.000Z, {NOW / DAY_MS:.0f} days before the arrival; at most 24 h are taken"),
        (NOW - 30 * HOUR_MS, f"time is {iso(NOW - 30 * HOUR_MS)}, 30.0 h before the arrival"),
        (NOW + 90_000, f"time is {iso(NOW + 90_000)}, 90 s after the arrival; 60 s are tolerated"),
        (NOW + 400 * DAY_MS, f"time is {iso(NOW + 400 * DAY_MS)}, 400 days after the arrival"),
    ],
)
def test_a_time_out_of_range_is_told_as_a_date_and_how_far_off_it_is(time: int, begins: str) -> None:
    event = parse(
        {
            "specversion": "1.0", "id": "1", "source": "s", "type": "contact.held", "time": iso(time),
            "data": {"contact_id": "c", "channel": "voice"},
        }
    )  # fmt: skip
    with pytest.raises(Rejected) as refused:
        CHECKS.live(record(), event, time)
    assert refused.value.message.startswith(begins)
