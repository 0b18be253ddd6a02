"""Times as text, and the windows of the calendar."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.times import MINUTE_MS, UNITS, calendar_bounds, calendar_unit, iso, to_ms


def test_iso_keeps_milliseconds_of_any_year() -> None:
    assert iso(-1) == "1969-12-31T23:59:59.999Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(-62_135_596_800_000) == "0001-01-01T00:00:00.000Z"
    with pytest.raises(ValueError, match="ordinal"):
        iso(-62_135_596_800_001)


@given(st.datetimes(timezones=st.just(UTC)))
def test_iso_is_what_the_standard_library_writes(moment: datetime) -> None:
    assert iso(to_ms(moment)) == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize(
    "zone", ["Pacific/Apia", "Africa/Cairo", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe"]
)
def test_windows_of_the_calendar_lie_end_to_end(zone: str) -> None:
    """Also where a date is left out, or the clock skips midnight."""
    where = ZoneInfo(zone)
    for unit in UNITS:
        moment = to_ms("2011-01-01T00:00:00Z")
        while moment < to_ms("2012-03-01T00:00:00Z"):
            start, end = calendar_bounds(unit, moment, where)
            assert start <= moment < end
            assert calendar_bounds(unit, end - 1, where) == (start, end)
            assert calendar_unit(end - start) == unit
            assert (end - start) % (15 * MINUTE_MS) == 0
            moment = end
