"""Dates and times: fractions and zones of every spelling, several formats, and what is refused."""

import contextlib
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.formats import Format, Stamp, reader

DAY = date(2024, 3, 4).toordinal()
NINE_FIFTEEN = (9 * 60 + 15) * 60_000
SECONDS = "%Y-%m-%d %H:%M:%S"
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("pattern", "text", "ms"),
    [
        (SECONDS, "2024-03-04 09:15:00", 0),
        (SECONDS, "2024-03-04 09:15:00.1", 100),
        (SECONDS, "2024-03-04 09:15:00.120", 120),
        (SECONDS, "2024-03-04 09:15:00,120", 120),
        (SECONDS, "2024-03-04 09:15:00.1234567", 123),
        (SECONDS, "2024-03-04 09:15:00.999999999", 999),
        (SECONDS, "2024-03-04 9:15:00", 0),
        (SECONDS + ".%f", "2024-03-04 09:15:00", 0),
        (SECONDS + ".%f", "2024-03-04 09:15:00.1234567", 123),
        (SECONDS + ",%f", "2024-03-04 09:15:00.5", 500),
        ("%Y-%m-%d %H:%M:%S:%f", "2024-03-04 09:15:00:120", 120),
        ("%Y%m%d%H%M%S", "20240304091500", 0),
        ("%Y%m%d%H%M%S", "20240304091500.25", 250),
        ("%Y%m%d%H%M%S%f", "20240304091500250", 250),
        ("%d.%m.%Y %H.%M.%S", "04.03.2024 09.15.00", 0),
        ("%d.%m.%Y %H.%M.%S", "04.03.2024 09.15.00.5", 500),
        ("%d.%m.%y %H:%M", "4.3.24 9:15", 0),
        ("%d %b %Y %I:%M %p", "4 Mar 2024 09:15 am", 0),
        ("%d %B %Y %I:%M %p", "4 MARCH 2024 9:15 a.m.", 0),
        ("%A, %d. %B %Y, %H:%M", "Monday, 4. March 2024, 09:15", 0),
        ("%Y-%j %H:%M", "2024-064 09:15", 0),
    ],
)
def test_spellings_of_one_moment(pattern: str, text: str, ms: int) -> None:
    assert Format(pattern).read(text) == Stamp(DAY, NINE_FIFTEEN + ms, None)


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("Z", 0), ("z", 0), ("UTC", 0), ("+00:00", 0), ("-00:00", 0), ("+01:00", HOUR), ("+0100", HOUR), ("+01", HOUR),
        ("-08:00", -8 * HOUR), ("+05:45", 5 * HOUR + HOUR * 3 // 4), ("+13:45", 13 * HOUR + HOUR * 3 // 4),
        ("GMT", 0), ("GMT+1", HOUR), ("UTC+01:00", HOUR), ("GMT-0330", -7 * HOUR // 2), ("+02:00[Europe/Berlin]", 2 * HOUR), ("Z[Etc/UTC]", 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fraction", ["", ".5", ",123456789"])
def test_zones(zone: str, offset: int, fraction: str) -> None:
    ms = int(fraction[1:].ljust(3, "0")[:3] or "0")
    found = Format("%Y-%m-%dT%H:%M:%S%z").read(f"2024-03-04T09:15:00{fraction}{zone}")
    assert found == Stamp(DAY, NINE_FIFTEEN + ms, offset)


ENDS = ["Z", " UTC", " GMT", "+00:00", "+0100", "-08:00", " (UTC)"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("pattern", ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M"])
def test_a_zone_that_ends_a_format_counts(end: str, pattern: str) -> None:
    """Who copies ``…%SZ`` from a program means UTC: as a mere letter it would be local time, hours off in silence."""
    clock = "2024-03-04T09:15:00" if "%S" in pattern else "2024-03-04T09:15"
    offset = {"+0100": HOUR, "-08:00": -8 * HOUR}.get(end, 0)
    assert Format(pattern + end).is_zoned
    assert reader([pattern + end])(clock + end) == Stamp(DAY, NINE_FIFTEEN, offset)


@given(st.integers(1_000_000_000_000, 4_102_444_799_999))
def test_time_since_1970(ms: int) -> None:
    seconds, rest = divmod(ms, 1000)
    day, of_day = divmod(ms, 86_400_000)
    expected = Stamp(day + date(1970, 1, 1).toordinal(), of_day, 0)
    for text in (str(ms), f"{ms}000", f"{seconds}.{rest:03}", f"{seconds},{rest:03}000"):
        assert reader(["%s"])(text) == expected
    assert reader(["%s"])(str(seconds)) == expected._replace(of_day=of_day - rest)


@pytest.mark.parametrize("text", ["0", "-1", "1", "17095401001", "170954010012345678", "", "1709540100.", "2024-03-04"])
def test_what_is_no_time_since_1970(text: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        reader(["%s"])(text)


@pytest.mark.parametrize(
    "text",
    ["2024-03-04 24:00:00", "2024-03-04 09:60:00", "2024-03-04 09:15:60", "2024-03-04", "2024-03-04 09:15:00.", "2024-03-04 09:15:00 x",
     "2024-03-04 09:15:00.1234567890", "04.03.2024 09:15:00", "2024-13-04 09:15:00", "٢٠٢٤-03-04 09:15:00", "45355.385416667", ""],
)  # fmt: skip
def test_what_does_not_fit_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=f"time data .* does not match format '{SECONDS}'"):
        reader([SECONDS])(text)


def test_a_day_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="day is out of range for month"):
        reader(["%d.%m.%Y"])("30.02.2024")
    with pytest.raises(ValueError, match="day is out of range for year"):
        reader(["%Y-%j"])("2023-366")
    with pytest.raises(ValueError, match="is no offset"):
        reader([SECONDS + "%z"])("2024-03-04 09:15:00+99:00")


def test_signs_without_anything_between_have_two_digits() -> None:
    assert Format("%y%m%d").read("240304") == Stamp(DAY, 0, None)
    assert [Format("%y%m%d").read(text) for text in ("24111", "24034", "2434")] == [None, None, None]


def test_of_several_formats_the_one_that_fits() -> None:
    read = reader([SECONDS, "%d.%m.%Y %H:%M", SECONDS + "%z"])
    assert read("2024-03-04 09:15:00") == read("04.03.2024 09:15") == Stamp(DAY, NINE_FIFTEEN, None)
    assert read("2024-03-04 09:15:00Z").offset == 0
    with pytest.raises(ValueError, match=r"does not match format '.*' or '.*' or '"):
        read("yesterday")


def test_formats_that_disagree_are_not_guessed_between() -> None:
    read = reader(["%d/%m/%Y", "%m/%d/%Y"])
    assert read("03/03/2024").day == DAY - 1
    assert read("13/02/2024").day == date(2024, 2, 13).toordinal()
    with pytest.raises(ValueError, match="says different things by the formats '%d/%m/%Y' and '%m/%d/%Y'"):
        read("03/04/2024")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("%Y %Z", "names of zones such as CET"), ("%c", "%c is no sign that is read"), ("%Y %Y", "%Y occurs twice")],
)
def test_formats_that_cannot_be_used(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be read back: {words}"):
        Format(pattern)


@given(
    st.dates(date(1971, 1, 1), date(2068, 12, 31)),
    st.times(),
    st.sampled_from(
        [SECONDS, SECONDS + ".%f", "%d.%m.%Y %H:%M:%S,%f", "%d %b %Y %I:%M:%S.%f %p", "%y%m%d%H%M%S.%f", "%j/%Y %H-%M-%S.%f", "%B %d, %Y %H:%M:%S"]
    ),
)  # fmt: skip
def test_a_time_reads_back_as_it_was_written(day: date, clock: time, pattern: str) -> None:
    moment = datetime.combine(day, clock)
    exact = moment if "%f" in pattern else moment.replace(microsecond=0)
    of_day = ((exact.hour * 60 + exact.minute) * 60 + exact.second) * 1000 + exact.microsecond // 1000
    assert reader([pattern])(moment.strftime(pattern)) == Stamp(day.toordinal(), of_day, None)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        reader([SECONDS + "%z", "%d.%m.%y"])(text)
