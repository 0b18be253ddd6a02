"""Who may hold live time: whoever brings events, for as long as it takes; whoever brings none, for the limit."""

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.holding import Holders

S = 1000
LIMIT = 60 * S


def held(holders: Holders, now: int, times: dict[str, int] | None = None) -> bool:
    return "flood" not in holders.released(["flood"], times or {}, now)


def test_a_topic_that_brings_nothing_holds_time_for_the_limit() -> None:
    holders = Holders(LIMIT)
    for second in range(60):
        assert held(holders, second * S)
        holders.refused("flood")
    assert holders.released(["flood"], {}, 60 * S) == {"flood": True}
    assert holders.released(["flood"], {}, 61 * S) == {"flood": False}
    assert holders.held() == {"flood": 61.0}
    assert holders.released([], {}, 62 * S) == {}
    assert holders.held() == {}
    assert held(holders, 63 * S), "and anew when it is behind again"


def test_a_backlog_of_events_holds_time_for_as_long_as_it_takes() -> None:
    holders = Holders(LIMIT)
    for second in range(600):
        assert held(holders, second * S, {"flood": second * 2 * S - 3_600_000})
        holders.took("flood")
        holders.refused("flood")
        holders.refused("flood")


def test_a_load_of_events_that_is_more_than_can_be_read_holds_time_too() -> None:
    """It falls behind, but nearly all of it counts: to go on without it would raise alerts for waits that ended."""
    holders = Holders(LIMIT)
    for second in range(600):
        assert held(holders, second * S, {"flood": second * S // 2})
        holders.took("flood")


def test_a_flood_with_an_event_now_and_then_holds_time_for_the_limit() -> None:
    holders = Holders(LIMIT)
    released = 0
    for second in range(600):
        released += not held(holders, second * S, {"flood": second * S // 2})
        for _ in range(100):
            holders.refused("flood")
        if second % 7 == 0:
            holders.took("flood")
    assert released >= 500


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans(), st.integers(0, 5 * S)), max_size=300))
def test_nobody_holds_time_longer_than_the_limit_without_an_event(
    steps: list[tuple[int, int, bool, int]],
) -> None:
    holders, now, quiet = Holders(LIMIT), 0, None
    for taken, refused, unread, passed in steps:
        now += passed
        released = holders.released(["flood"] if unread else [], {"flood": 0}, now)
        quiet = (now if quiet is None else quiet) if unread else None
        if quiet is not None and now - quiet >= LIMIT:
            assert "flood" in released
        if taken:
            quiet = None
        for _ in range(taken):
            holders.took("flood")
        for _ in range(refused):
            holders.refused("flood")
