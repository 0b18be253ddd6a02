"""Times as text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.times import iso, to_ms


def test_iso_keeps_milliseconds_of_any_year() -> None:
    assert iso(-1) == "1969-12-31T23:59:59.999Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(-62_135_596_800_000) == "0001-01-01T00:00:00.000Z"
    with pytest.raises(ValueError, match="ordinal"):
        iso(-62_135_596_800_001)


@given(st.datetimes(timezones=st.just(UTC)))
def test_iso_is_what_the_standard_library_writes(moment: datetime) -> None:
    assert iso(to_ms(moment)) == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
