"""Business time: around changes of the clock, holidays and weekends, and against a count minute by minute."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.hours.calendars import WEEKDAYS, Calendar, Day, Holidays
from streams.hours.clock import PART_MS, BusinessClock

OFFICE = dict.fromkeys(WEEKDAYS[:5], ((9 * 60, 18 * 60),))
ALWAYS = dict.fromkeys(WEEKDAYS, ((0, 24 * 60),))
NIGHTS = dict.fromkeys(WEEKDAYS, ((22 * 60, 30 * 60),))
EARLY = dict.fromkeys(WEEKDAYS, ((2 * 60, 4 * 60),))


def clock(zone: str, weekly: object = OFFICE, **more: object) -> BusinessClock:
    calendar = Calendar(ZoneInfo(zone), weekly, **more)  # type: ignore[arg-type]
    return BusinessClock(calendar.time_zone, calendar.day)


def ms(text: str, zone: str) -> int:
    """Local time; of one that comes twice the first, of one that is left out the one an hour later."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


BERLIN, NEW_YORK, KOLKATA, APIA = "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"


@pytest.mark.parametrize(
    ("zone", "weekly", "start", "end", "hours"),
    [
        # A week-end: Friday evening to Monday morning.
        (BERLIN, OFFICE, "2026-07-03T17:30", "2026-07-06T09:30", 1),
        (BERLIN, OFFICE, "2026-07-03T18:00", "2026-07-06T09:00", 0),
        (BERLIN, OFFICE, "2026-07-04T10:00", "2026-07-05T20:00", 0),
        (BERLIN, OFFICE, "2026-06-29T00:00", "2026-07-06T00:00", 45),
        # Europe/Berlin 2026: 02:00 is 03:00 on 29 March, 03:00 is 02:00 on 25 October.
        (BERLIN, OFFICE, "2026-03-27T17:00", "2026-03-30T10:00", 2),
        (BERLIN, OFFICE, "2026-10-23T17:00", "2026-10-26T10:00", 2),
        (BERLIN, ALWAYS, "2026-03-29T00:00", "2026-03-30T00:00", 23),
        (BERLIN, ALWAYS, "2026-10-25T00:00", "2026-10-26T00:00", 25),
        (BERLIN, EARLY, "2026-03-28T00:00", "2026-03-29T00:00", 2),
        (BERLIN, EARLY, "2026-03-29T00:00", "2026-03-30T00:00", 1),
        (BERLIN, EARLY, "2026-10-25T00:00", "2026-10-26T00:00", 3),
        (BERLIN, NIGHTS, "2026-03-28T12:00", "2026-03-29T12:00", 7),
        (BERLIN, NIGHTS, "2026-10-24T12:00", "2026-10-25T12:00", 9),
        # America/New_York 2026: 02:00 is 03:00 on 8 March, 02:00 is 01:00 on 1 November.
        (NEW_YORK, OFFICE, "2026-03-06T17:00", "2026-03-09T10:00", 2),
        (NEW_YORK, OFFICE, "2026-10-30T17:00", "2026-11-02T10:00", 2),
        (NEW_YORK, ALWAYS, "2026-03-08T00:00", "2026-03-09T00:00", 23),
        (NEW_YORK, ALWAYS, "2026-11-01T00:00", "2026-11-02T00:00", 25),
        (NEW_YORK, EARLY, "2026-03-08T00:00", "2026-03-09T00:00", 1),
        (NEW_YORK, EARLY, "2026-11-01T00:00", "2026-11-02T00:00", 2),
        # A zone without changes, at half an hour.
        (KOLKATA, OFFICE, "2026-03-27T17:00", "2026-03-30T10:00", 2),
        (KOLKATA, ALWAYS, "2026-01-01T00:00", "2027-01-01T00:00", 365 * 24),
        # A zone that left out a whole day: 30 December 2011, a Friday.
        (APIA, OFFICE, "2011-12-29T17:00", "2012-01-02T10:00", 2),
    ],
)  # fmt: skip
def test_business_time_between_two_moments(zone: str, weekly: object, start: str, end: str, hours: float) -> None:
    assert clock(zone, weekly).between(ms(start, zone), ms(end, zone)) == hours * HOUR_MS


def test_hours_that_come_twice_count_twice_and_those_left_out_not_at_all() -> None:
    early, first = clock(BERLIN, dict.fromkeys(WEEKDAYS, ((60, 150),))), ms("2026-10-25T01:00", BERLIN)
    # 01:00-02:30, closed to 03:00, which is 02:00 again: open once more to 02:30.
    assert [(at - first) // MINUTE_MS for at in range(first, first + 4 * HOUR_MS, MINUTE_MS) if early.is_open(at)] == [
        *range(90),
        *range(120, 150),
    ]
    gone = clock(BERLIN, dict.fromkeys(WEEKDAYS, ((120, 150),)))
    assert gone.between(ms("2026-03-29T00:00", BERLIN), ms("2026-03-30T00:00", BERLIN)) == 0
    assert gone.next_opening(ms("2026-03-29T00:00", BERLIN)) == ms("2026-03-30T02:00", BERLIN)


def test_holidays_and_special_days() -> None:
    more = {
        "holidays": Holidays("DE", "BY"),
        "special": {
            date(2026, 12, 24): ((540, 720),),
            date(2026, 12, 27): ((540, 600),),
            date(2027, 1, 6): ((540, 660),),
        },
    }
    berlin = clock(BERLIN, **more)
    # 24 December is short, 25 a holiday, 26 a Saturday, 27 a Sunday that is open for an hour.
    assert berlin.between(ms("2026-12-24T00:00", BERLIN), ms("2026-12-28T09:00", BERLIN)) == 4 * HOUR_MS
    # Epiphany is a holiday in Bavaria, and has hours of its own; in Berlin it is none.
    assert berlin.between(ms("2027-01-06T00:00", BERLIN), ms("2027-01-07T00:00", BERLIN)) == 2 * HOUR_MS
    for state, hours in (("BY", 0), ("BE", 9), (None, 9)):
        plain = clock(BERLIN, holidays=Holidays("DE", state))
        assert plain.between(ms("2027-01-06T00:00", BERLIN), ms("2027-01-07T00:00", BERLIN)) == hours * HOUR_MS
    # Independence Day of 2026 is a Saturday: the Friday before is kept.
    new_york = clock(NEW_YORK, holidays=Holidays("US", "NY"))
    assert new_york.between(ms("2026-07-02T17:00", NEW_YORK), ms("2026-07-06T10:00", NEW_YORK)) == 2 * HOUR_MS
    # And New Year of 2028, another Saturday, is kept in the year before.
    assert new_york.between(ms("2027-12-31T00:00", NEW_YORK), ms("2028-01-01T00:00", NEW_YORK)) == 0


def test_next_opening_and_the_end_of_an_amount_of_business_time() -> None:
    berlin = clock(BERLIN, holidays=Holidays("DE"))
    friday, monday = ms("2026-07-03T17:30", BERLIN), ms("2026-07-06T09:00", BERLIN)
    assert berlin.is_open(friday) and berlin.next_opening(friday) == friday
    assert not berlin.is_open(ms("2026-07-03T18:00", BERLIN))
    assert berlin.next_opening(ms("2026-07-03T18:00", BERLIN)) == monday
    assert berlin.after(friday, 0) == friday
    assert berlin.after(friday, HOUR_MS // 2) == ms("2026-07-03T18:00", BERLIN)
    assert berlin.after(friday, HOUR_MS // 2 + 1) == monday + 1
    assert berlin.after(friday, HOUR_MS) == ms("2026-07-06T09:30", BERLIN)
    # Eight hours over the change of the clock, from Thursday 15:00 on: Good Friday and Easter Monday are closed.
    assert berlin.after(ms("2026-04-02T15:00", BERLIN), 8 * HOUR_MS) == ms("2026-04-07T14:00", BERLIN)
    never = clock(BERLIN, {}, special={date(2026, 1, 1): ((540, 600),)})
    assert never.next_opening(ms("2026-01-02T00:00", BERLIN)) is None
    assert never.after(ms("2026-01-01T09:30", BERLIN), HOUR_MS) is None


def test_times_at_the_ends_of_the_calendar_are_closed_or_counted_and_never_an_error() -> None:
    tokyo = clock("Asia/Tokyo", ALWAYS)
    first, last = -62_135_596_800_000, 253_402_300_799_999  # years 1 and 9999
    assert tokyo.between(first, first + DAY_MS) == 0
    assert tokyo.between(last - DAY_MS, last) == 0
    assert not tokyo.is_open(last + 400 * DAY_MS)
    assert tokyo.between(5, 5) == tokyo.between(9, 5) == 0


ZONES = [BERLIN, NEW_YORK, KOLKATA, "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Chatham"]
CHANGES = [
    "2026-03-08",
    "2026-03-29",
    "2026-04-05",
    "2026-10-04",
    "2026-10-25",
    "2026-11-01",
    "2026-12-24",
    "2026-02-15",
]


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    def day(last: int) -> st.SearchStrategy[Day]:
        cuts = st.lists(st.integers(0, last // 15), max_size=6, unique=True).map(sorted)
        return cuts.map(lambda found: tuple((15 * a, 15 * b) for a, b in list(pairwise(found))[::2]))

    weekly = {name: draw(day(24 * 60)) for name in draw(st.sets(st.sampled_from(WEEKDAYS)))}
    nights = draw(st.booleans())
    if nights:
        weekly |= dict.fromkeys(("friday", "saturday"), ((22 * 60 + 30, 26 * 60 + 30),))
        weekly |= dict.fromkeys(("sunday",), ())
    special = draw(st.dictionaries(st.sampled_from([date.fromisoformat(each) for each in CHANGES]), day(24 * 60)))
    place = draw(st.sampled_from([None, Holidays("DE", "BY"), Holidays("US")]))
    return Calendar(ZoneInfo(draw(st.sampled_from(ZONES))), weekly, place, special)


def is_open(calendar: Calendar, at: int) -> bool:
    """By the clock on the wall, one moment looked at."""
    wall = datetime.fromtimestamp(at // 1000, calendar.time_zone)
    minute, today = 60 * wall.hour + wall.minute, wall.date()
    yesterday = date.fromordinal(today.toordinal() - 1)

    def covers(day: Sequence[tuple[int, int]], minute: int) -> bool:
        return any(begin <= minute < end for begin, end in day)

    return covers(calendar.day(today), minute) or covers(calendar.day(yesterday), minute + 24 * 60)


@settings(max_examples=60, deadline=None)
@given(
    calendars(), st.sampled_from(CHANGES), st.integers(-2000, 2000), st.integers(0, 3 * 1440), st.integers(0, 59_999)
)
def test_it_is_what_a_count_minute_by_minute_says(
    calendar: Calendar, around: str, minutes: int, span: int, extra: int
) -> None:
    found = BusinessClock(calendar.time_zone, calendar.day)
    start = ms(f"{around}T00:00", "UTC") + minutes * MINUTE_MS
    count, opened = 0, []
    for at in range(start, start + span * MINUTE_MS, MINUTE_MS):
        opened.append(is_open(calendar, at))
        assert found.is_open(at) == opened[-1] == found.is_open(at + extra)
        count += opened[-1]
    end = start + span * MINUTE_MS
    assert found.between(start, end) == count * MINUTE_MS
    # Within a minute it goes on evenly, or not at all.
    assert found.between(start, end + extra) == count * MINUTE_MS + is_open(calendar, end) * extra
    first = found.next_opening(start)
    if True in opened:
        assert first == start + opened.index(True) * MINUTE_MS
    else:
        assert first is None or first >= end


moments = st.integers(ms("1969-01-01T00:00", "UTC"), ms("2031-01-01T00:00", "UTC"))


@settings(max_examples=100, deadline=None)
@given(calendars(), moments, st.integers(0, 100 * DAY_MS), st.integers(0, 100 * DAY_MS))
def test_spans_add_up_and_an_amount_is_over_as_soon_as_it_has_passed(
    calendar: Calendar, start: int, first: int, second: int
) -> None:
    found = BusinessClock(calendar.time_zone, calendar.day)
    middle, end = start + first, start + first + second
    assert found.between(start, end) == found.between(start, middle) + found.between(middle, end)
    passed = found.between(start, end)
    over = found.after(start, passed)
    assert over is not None and over <= end
    assert found.between(start, over) == passed
    if passed:
        assert found.between(start, over - 1) == passed - 1


def test_the_edges_of_the_parts_do_not_show() -> None:
    always, edge = clock(BERLIN, ALWAYS), 640 * PART_MS
    assert always.between(edge - 5, edge + 5) == 10
    assert always.between(edge - 3 * PART_MS - 5, edge) == 3 * PART_MS + 5
    assert always.after(edge - 5, 10) == edge + 5
    assert always.is_open(edge) and always.next_opening(edge) == edge
