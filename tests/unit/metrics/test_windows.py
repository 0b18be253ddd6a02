"""Rolling windows and days by hand: which records they give, late facts, ends of lines."""

import random
from collections import Counter

import pytest
from msgspec.structs import replace

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, iso
from streams.metrics.queues import queue_states
from streams.metrics.rules import Window
from streams.metrics.tables import TABLE_TYPES, Tables
from streams.metrics.windows import advance, record_key
from tests.support import kpi_facts
from tests.support.kpi_facts import (
    POLICY,
    T0,
    WINDOWS,
    Record,
    at,
    count,
    fact,
    fold,
    kpi_policy,
    leg,
    move,
    of_length,
    taken_back,
    value,
)

LATE_HOUR = kpi_policy(lateness_ms=HOUR_MS)


def test_a_record_in_full() -> None:
    tables = Tables()
    count(tables, leg("a", 12, 15))
    record = of_length(move(tables, 21.5), MINUTE_MS)[0]
    readings = record.pop("readings")
    assert record == {
        "dimensions": {"channel": "voice", "queue": "sales", "tier": "gold"},
        "window": {
            "start": "1999-02-01T08:59:20.000Z",
            "end": "1999-02-01T09:00:20.000Z",
            "length_ms": 60_000,
            "every_ms": 10_000,
        },
        "watermark": "1999-02-01T09:00:21.500Z",
        "status": "final",
        "revision": 1,
        "lateness_ms": 600_000,
        "line": "",
        "sums": {"answered": 1, "answered_in_time": 1},
        "histograms": {"answered_waits": {"3007": 1}},
    }
    assert readings[1] == {
        "kpi": "service_level",
        "variant": "reached_threshold",
        "grain": "leg",
        "value": 1,
        "numerator": 1,
        "denominator": 1,
        "unit": "ratio",
    }
    assert record_key(record) == "|voice|sales|gold|1999-02-01T08:59:20.000Z|60000"


def test_names_with_the_separator_have_keys_of_their_own() -> None:
    record = {
        "line": "r",
        "dimensions": {"channel": "chat", "queue": "a|b%", "tier": "c"},
        "window": {"start": "s", "length_ms": 1},
    }
    assert record_key(record) == "r|chat|a%7Cb%25|c|s|1"


def test_a_window_that_reads_like_the_one_before_has_no_record_and_the_first_empty_one_has() -> None:
    tables = Tables()
    count(tables, leg("a", 12, 15))
    records = [record for seconds in range(0, 7200, 7) for record in move(tables, seconds)]
    ends = {
        length: [each["window"]["end"][11:19] for each in of_length(records, length * MINUTE_MS)]
        for length in (1, 5, 15, 60)
    }
    assert ends == {
        1: ["09:00:20", "09:01:20"],
        5: ["09:01:00", "09:06:00"],
        15: ["09:05:00", "09:20:00"],
        60: ["09:15:00", "10:15:00"],
    }
    assert [bool(each["readings"]) for each in of_length(records, MINUTE_MS)] == [True, False]
    assert {each["revision"] for each in records if each["window"]["length_ms"] < DAY_MS} == {1}
    assert [each["window"]["end"] for each in records] != []


def test_a_jump_of_days_gives_the_same_records_as_small_steps() -> None:
    facts = [each for i in range(40) for each in leg(str(i), i * 977 % 5000, i * 977 % 5000 + i * 3)]
    slow, fast = Tables(), Tables()
    count(slow, facts)
    count(fast, facts)
    stepwise = [record for seconds in range(0, 3 * 86_400, 10) for record in move(slow, seconds)]
    at_once = move(fast, 3 * 86_400 - 10)
    assert [without_watermark(each) for each in at_once] == [without_watermark(each) for each in stepwise]


def without_watermark(record: Record) -> Record:
    return {name: each for name, each in record.items() if name != "watermark"}


def test_records_come_in_order_of_their_ends() -> None:
    tables = Tables()
    count(tables, [*leg("a", 0, 100), *leg("b", 50, 90, queue="support"), *leg("c", 700, 800, tier="none")])
    records = of_length(move(tables, 4000), 5 * MINUTE_MS)
    assert len(records) > 10
    keys = [(each["window"]["end"], each["dimensions"]["queue"], each["dimensions"]["tier"]) for each in records]
    assert keys == sorted(keys)


def test_vector_6_a_waiting_leg_lowers_the_service_level_once_it_has_waited_for_the_threshold() -> None:
    tables = Tables()
    count(tables, [*leg("a", 1, 5), *leg("b", 5, None)])
    levels = [value(each, "service_level", "reached_threshold") for each in of_length(move(tables, 40), MINUTE_MS)]
    assert levels == [1, 1, 0.5, 0.5]


def test_who_waits_is_in_every_window_with_data_and_makes_none_of_its_own() -> None:
    tables = Tables()
    count(tables, [*leg("a", 5, None), *leg("b", 8, 25), fact("feedback", "c", 150, variant="nps", value=10_000)])
    records = of_length(move(tables, 300), MINUTE_MS)
    assert [(value(each, "queue_depth", "now"), value(each, "longest_wait", "now")) for each in records] == [
        (2, 5_000),
        (2, 15_000),
        *((1, seconds * 1000 - 5_000) for seconds in (30, 40, 50, 60, 70, 80)),
        (0, None),
        *((1, seconds * 1000 - 5_000) for seconds in (160, 170, 180, 190, 200, 210)),
        (0, None),
    ]
    assert [n for n, each in enumerate(records) if not each["readings"]] == [8, 15], "nothing is left in them"
    assert [value(each, "longest_wait", "left") for each in records[:3]] == [None, None, 17_000]


def test_a_leg_that_waits_for_days_costs_the_windows_it_entered_in_and_the_day_readings() -> None:
    """Once it was 7.3 records a minute: 42 MB a day of one event of 209 bytes."""
    tables = Tables()
    count(tables, leg("a", 0, None))
    records = move(tables, 72 * 3600)
    assert Counter(each["window"]["length_ms"] // MINUTE_MS for each in records) == {1: 7, 5: 6, 15: 4, 60: 5, 1440: 4}
    assert [each["status"] for each in of_length(records, 24 * HOUR_MS)] == ["provisional", *["final"] * 3]
    count(tables, [fact("leg_closed", "a", 72 * 3600 + 1, entered=T0, outcome="answered")])
    assert len(move(tables, 75 * 3600)) == 8 + 1


def test_a_late_leg_amends_no_window_without_data() -> None:
    """55 minutes late, in a queue of its own: what an event in time costs while it waits; 85 records once."""
    tables = Tables()
    assert move(tables, 3600) == []
    assert count(tables, leg("a", 300, None), LATE_HOUR) == ["amends"]
    assert len(move(tables, 3600, policy=LATE_HOUR)) == 18 + 3
    assert count(tables, leg("b", 301, None), LATE_HOUR) == ["amends"]
    assert len(move(tables, 3600, policy=LATE_HOUR)) == 18 + 3


def test_only_the_shortest_window_says_who_waits_now() -> None:
    tables = Tables()
    count(tables, leg("a", 0, None))
    with_depth = {
        each["window"]["length_ms"]
        for each in move(tables, 7200)
        if any(r["kpi"] == "queue_depth" for r in each["readings"])
    }
    assert with_depth == {MINUTE_MS}


def test_a_late_fact_amends_each_window_that_holds_it_once_and_the_one_after_them() -> None:
    tables = Tables()
    count(tables, leg("a", 12, 15))
    move(tables, 120)
    late = [fact("contact_offered", ident, 14, outcome="answered", value=0) for ident in "xyz"]
    assert count(tables, late) == ["amends"] * 3
    amended = move(tables, 120)
    assert [(each["window"]["end"][11:19], each["status"], each["revision"]) for each in amended] == [
        *(
            (f"09:0{at}", "amended", 2)
            for at in ("0:20", "0:30", "0:40", "0:50", "1:00", "1:00", "1:10", "1:20", "2:00")
        ),
    ]
    assert [value(each, "contacts_offered", "all") for each in amended] == [*[3] * 7, 0, 3]
    assert count(tables, [taken_back(late[0])]) == ["amends"]
    assert [(each["revision"], value(each, "contacts_offered", "all")) for each in move(tables, 120)] == [
        *[(3, 2)] * 7,
        (3, 0),
        (3, 2),
    ]
    assert move(tables, 120) == []


def test_a_leg_that_left_earlier_than_was_known_amends_the_moments_at_which_it_was_thought_to_wait() -> None:
    tables = Tables()
    opened, closed = leg("a", 5, 12)
    count(tables, [opened])
    assert [value(each, "queue_depth", "now") for each in of_length(move(tables, 40), MINUTE_MS)] == [1, 1, 1, 1]
    count(tables, [closed])
    amended = of_length(move(tables, 40), MINUTE_MS)
    assert [(each["window"]["end"][17:19], value(each, "queue_depth", "now")) for each in amended] == [
        ("20", 0),
        ("30", 0),
        ("40", 0),
    ]


def test_the_end_of_a_line_closes_every_window_and_forgets_the_line() -> None:
    tables = Tables()
    count(tables, [replace(each, line="replay-1") for each in leg("a", 12, 15)])
    count(tables, leg("live", 12, 15))
    records = advance(tables, "replay-1", at(16), True, POLICY)
    assert [
        len(of_length(records, length)) for length in (MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, DAY_MS)
    ] == [2, 2, 2, 2, 1]
    assert {(each["line"], each["status"]) for each in records} == {("replay-1", "final")}
    queue_states(tables, "replay-1")
    assert all("replay-1" not in key for name in TABLE_TYPES if name != "lines" for key in getattr(tables, name))
    assert len(tables.panes) == 1
    assert fold(tables, replace(fact("sentiment", "m", 0, value=1), line="replay-1"), POLICY) == "too_late"
    assert advance(tables, "replay-1", at(10_000), True, POLICY) == []


def test_lines_have_their_own_time() -> None:
    tables = Tables()
    count(tables, [replace(each, line="r") for each in leg("a", 12, 15)])
    assert move(tables, 86_400) == []
    assert count(tables, [replace(fact("sentiment", "m", 0, value=1), line="r")]) == ["counted"]


def test_what_no_window_can_change_any_more_is_forgotten() -> None:
    tables = Tables()
    rng = random.Random(4)
    for hour in range(100):
        facts = [
            each
            for i in range(20)
            for each in leg(f"{hour}.{i}", hour * 3600 + rng.randrange(3600), hour * 3600 + 3700)
        ]
        count(tables, facts)
        move(tables, hour * 3600 + 3600)
        count(tables, [fact("sentiment", "m", hour * 3600 + 3500, value=1)])
        move(tables, hour * 3600 + 3600)
    move(tables, 110 * 3600)
    assert {name: len(getattr(tables, name)) for name in TABLE_TYPES} == {
        "panes": 0,
        "days": 4 + 1,
        "weeks": 0,
        "months": 0,
        "legs": 0,
        "left": 0,
        "backlog": 0,
        "published": 4 + 1,
        "lines": 1,
        "late": 0,
        "queues": 0,
        "flows": 1,
    }
    move(tables, 500 * 3600)
    assert not tables.flows
    assert not tables.days
    assert not tables.published


def test_a_fact_that_cannot_be_counted_changes_nothing() -> None:
    tables = Tables()
    for wrong in [
        fact("leg_closed", "a", 0, outcome="answered"),
        fact("leg_closed", "a", 0, entered=T0, outcome="?"),
        fact("?", "a", 0),
    ]:
        with pytest.raises(ValueError, match="a"):
            fold(tables, wrong, POLICY)
    assert tables == Tables()


def test_a_fact_at_the_sealed_moment_itself_amends_who_waits_then() -> None:
    tables = Tables()
    count(tables, leg("a", 0, None))
    assert [value(each, "queue_depth", "now") for each in of_length(move(tables, 10), MINUTE_MS)] == [1]
    assert count(tables, leg("b", 10, None)) == ["counted"]
    (amended,) = of_length(move(tables, 10), MINUTE_MS)
    assert (amended["revision"], value(amended, "queue_depth", "now")) == (2, 2)


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (((60_000, 15_000),), "multiple of 10s"),
        (((60_000, 40_000),), "multiple of its step"),
        (((60_000, 0),), "multiple of 10s"),
        (((None, HOUR_MS),), "at least one"),
        (((60_000, 10_000), (60_000, 20_000)), "different lengths"),
        (((24 * HOUR_MS, HOUR_MS),), "12 hours"),
    ],
)
def test_impossible_windows_are_refused(windows: tuple[tuple[int | None, int], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kpi_policy(windows=tuple(Window(length, every) for length, every in windows))


def test_iso() -> None:
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(951_782_399_999) == "2000-02-28T23:59:59.999Z"
    assert iso(-1) == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize("moments", [(30,), (30, 100)])
def test_what_is_told_of_days_alone_makes_no_rolling_window(moments: tuple[int, ...]) -> None:
    """However many panes it is in, and whatever tier comes first."""
    policy = kpi_policy(windows=(Window(5 * MINUTE_MS, MINUTE_MS, ("channel", "queue")), *WINDOWS[2:]))
    tables = Tables()
    solved = [fact("journey_solved", f"j{n}", n, entered=T0 - 1000, outcome="stays", variant="once") for n in moments]
    count(tables, [*leg("w", 5, None, tier="silver"), *solved], policy)
    records = of_length(move(tables, 400, policy=policy), 5 * MINUTE_MS)
    assert [value(each, "legs_entered", "all") for each in records] == [1, 1, 1, 1, 1, 0]
    assert [bool(each["readings"]) for each in records] == [True] * 5 + [False]
    gold = [each for each in move(tables, 4 * 3600, policy=policy) if each["dimensions"]["tier"] == "gold"]
    assert {each["window"]["length_ms"] for each in gold} <= {DAY_MS}


def test_who_waited_at_a_window_before_is_known_however_short_the_lateness_is() -> None:
    """A leg that left was told late, beyond the lateness: the hour that ended before is still amended by it."""
    policy = kpi_policy(lateness_ms=5 * MINUTE_MS)
    tables, said = Tables(), []
    opened, closed = leg("a", 31 * 60, 40 * 60)
    count(tables, [opened], policy)
    said += move(tables, 57 * 60, policy=policy)
    count(tables, [closed], policy)
    said += move(tables, 2 * 3600, policy=policy)
    stands = kpi_facts.standing(said)
    key = record_key({**said[0], "window": {"start": iso(T0), "length_ms": HOUR_MS}})
    reached = [each for each in stands[key] if each["variant"] == "reached_threshold"]
    assert [(each["numerator"], each["denominator"]) for each in reached] in ([], [(0, 0)])
