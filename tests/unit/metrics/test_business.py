"""Business time in the readings of queues that have opening hours, and in no others."""

from msgspec.structs import replace

from streams.base.records import Fact
from streams.metrics.accumulators import LONGEST_MS, step_of
from streams.metrics.formulas import Waiting
from streams.metrics.kpis import Snapshot, readings
from streams.metrics.panes import EMPTY, Pane, merge
from streams.metrics.rules import KpiPolicy
from tests.support.kpi_facts import OFFICE, POLICY, T0, add, at, fact, kpi_policy, leg, taken_back


def by_name(snapshot: Snapshot, instant: bool = False) -> dict[tuple[str, str], tuple[float | None, int | None, int]]:
    found = readings(snapshot, instant)
    return {(each["kpi"], each["variant"]): (each["value"], each["numerator"], each["denominator"]) for each in found}


IN_HOURS = kpi_policy(hours=OFFICE)
"""The queue sales is open from Monday to Friday, 9 to 18 o'clock UTC; T0 is a Monday, 9 o'clock."""


def counted(policy: KpiPolicy, *facts: Fact) -> Pane:
    pane = EMPTY
    for each in facts:
        pane = add(pane, each, policy)
    return pane


FRIDAY, MONDAY = 4 * 86_400 + 8.5 * 3600, 7 * 86_400
"""17:30, and Monday at 9 o'clock, in seconds after T0."""
OVER_THE_WEEK_END = (
    *leg("a", FRIDAY, MONDAY + 1800),
    *leg("b", MONDAY - 3600, MONDAY + 20),
    *leg("c", MONDAY, MONDAY + 60, "abandoned"),
    *leg("d", FRIDAY, MONDAY - 600, "flow_out"),
    *leg("e", FRIDAY + 1740, MONDAY + 30, "abandoned"),
    fact("journey_solved", "f", FRIDAY + 600, entered=at(FRIDAY - 86_400), variant="once", outcome="stays"),
    fact("journey_resolved", "f", MONDAY + 600, entered=at(FRIDAY - 86_400), value=1, contacts=2),
    *(
        fact("first_response", variant, MONDAY + 900, variant=variant, value=round((MONDAY + 900 - FRIDAY) * 1000))
        for variant in ("any", "human_from_start", "human_from_handoff", "after_reopen")
    ),
    fact("next_response", "e", FRIDAY + 3600, value=7_200_000),
    fact("contact_handled", "f", FRIDAY + 3600, talk_ms=7_200_000, hold_ms=60_000, wrap_ms=0),
)


def test_both_clocks_are_kept_where_a_queue_has_opening_hours() -> None:
    pane = counted(IN_HOURS, *OVER_THE_WEEK_END)
    found = by_name(Snapshot(pane, clock=OFFICE.clock("voice", "sales")))
    half, hour = 1_800_000, 3_600_000
    week_end = round((MONDAY - FRIDAY) * 1000)
    assert found["speed_of_answer", "answered_legs"][1:] == (week_end + half + hour + 20_000, 2)
    assert found["speed_of_answer", "answered_legs_business"] == ((hour + 20_000) / 2, hour + 20_000, 2)
    assert found["speed_of_answer", "p50_business"] == (step_of(20_000), None, 2)
    assert found["speed_of_answer", "p95_business"] == (step_of(hour), None, 2)
    assert found["service_level", "answered_only"] == (0, 0, 2)
    assert found["service_level", "answered_only_business"] == (0.5, 1, 2)
    assert found["service_level", "all_abandons_count_business"] == (1 / 4, 1, 4)
    # One gave up after a minute, one came a minute before closing and left half a minute after opening.
    assert found["time_to_abandon", "mean"] == ((week_end - 1_650_000) / 2, week_end - 1_650_000, 2)
    assert found["time_to_abandon", "mean_business"] == (75_000, 150_000, 2)
    # From Thursday 17:30 to Friday 17:40, and to Monday 9:10.
    assert found["resolution_time", "first_business"] == (33_000_000, 33_000_000, 1)
    assert found["resolution_time", "full_business"] == (34_800_000, 34_800_000, 1)
    assert found["longest_wait", "left"][0] == week_end + half
    assert found["longest_wait", "left_business"][0] == hour
    for variant in ("any", "human_from_start", "human_from_handoff", "after_reopen"):
        assert found["first_response", variant][1:] == (week_end + 900_000, 1)
        assert found["first_response", f"{variant}_business"] == (half + 900_000, half + 900_000, 1)
    # From 16:30 to 18:30: work after closing is work, waiting after it is not counted.
    assert found["next_response", "human_business"] == (5_400_000, 5_400_000, 1)
    assert found["handle_time", "talk"] == (7_200_000, 7_200_000, 1)
    assert ("handle_time", "talk_business") not in found
    back = counted(IN_HOURS, *OVER_THE_WEEK_END, *(taken_back(each) for each in OVER_THE_WEEK_END))
    assert back == EMPTY


def test_without_opening_hours_nothing_is_added() -> None:
    others = [replace(each, queue="support") for each in OVER_THE_WEEK_END]
    pane = counted(IN_HOURS, *others)
    assert pane == counted(POLICY, *OVER_THE_WEEK_END)
    assert not any(name.startswith("business") for name in pane)
    found = readings(Snapshot(pane, Waiting(1, T0, 1), T0), instant=True)
    assert not any("business" in each["variant"] for each in found)
    assert not any("business" in name for name in found.histograms)


def test_who_waits_does_so_by_business_time_too() -> None:
    clock = OFFICE.clock("voice", "sales")
    found = by_name(Snapshot(EMPTY, Waiting(2, at(FRIDAY), 2), at(MONDAY + 60), clock=clock), instant=True)
    assert found["longest_wait", "now_business"] == (1_860_000, 1_860_000, 1)
    assert by_name(Snapshot(EMPTY, clock=clock), instant=True) == {}


def test_a_queue_that_gets_opening_hours_divides_by_those_counted_since() -> None:
    """The sums of a day in which it got them: answered legs of before are not among those of business time."""
    pane = merge((counted(POLICY, *leg("a", 0, 30)), counted(IN_HOURS, *leg("b", 0, 10))))
    found = by_name(Snapshot(pane, clock=OFFICE.clock("voice", "sales")))
    assert found["speed_of_answer", "answered_legs"] == (20_000, 40_000, 2)
    assert found["speed_of_answer", "answered_legs_business"] == (10_000, 10_000, 1)
    assert found["speed_of_answer", "p90_business"] == (step_of(10_000), None, 1)


def test_a_wait_of_years_counts_as_its_first_year() -> None:
    pane = counted(IN_HOURS, *leg("a", 0, 20 * 366 * 86_400))
    year = OFFICE.clock("voice", "sales")
    assert year is not None
    assert pane["business_answered_ms"] == year.between(T0, T0 + LONGEST_MS)


def test_journeys_by_business_time_are_told_of_days_alone_and_nobody_gives_up_a_letter() -> None:
    pane, clock = counted(IN_HOURS, *OVER_THE_WEEK_END), OFFICE.clock("voice", "sales")
    names = {(each["kpi"], each["variant"]) for each in readings(Snapshot(pane, clock=clock), details=False)}
    assert ("resolution_time", "first_business") not in names
    assert ("time_to_abandon", "mean_business") in names
    written = readings(Snapshot(pane, clock=clock, can_abandon=False))
    assert ("time_to_abandon", "mean_business") not in {(each["kpi"], each["variant"]) for each in written}
