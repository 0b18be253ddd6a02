"""Identifiers that gather more contacts in a day than a person has."""

from collections import Counter
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.claims import mark_of
from streams.base.times import DAY_MS
from streams.identity import crowds
from streams.identity.crowds import Crowds, share

T0 = 20_000 * DAY_MS
LIMIT = 3


def test_contacts_beyond_the_limit_are_counted_by_identifier_line_and_day() -> None:
    found = Crowds({}, LIMIT)
    assert [found.gather("phone:0", "", T0 + at, None) for at in range(5)] == [-2, -1, 0, 1, 2]
    assert found.gather("phone:1", "", T0, None) == -2
    assert found.gather("phone:0", "replay", T0, None) == -2
    assert found.gather("phone:1", "", T0 + DAY_MS, None) == -2
    assert found.gather("phone:0", "", T0, None) == 3


def test_a_crowd_is_one_on_the_day_after_and_has_a_chance_after_a_quiet_day() -> None:
    found = Crowds({}, LIMIT)
    days = [[found.gather("phone:0", "", T0 + day * DAY_MS, T0 + day * DAY_MS) for _ in range(6)] for day in range(3)]
    assert days == [[-2, -1, 0, 1, 2, 3], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]], "told once a day: the one that is 1"
    quiet = [found.gather("phone:0", "", T0 + 3 * DAY_MS, None) for _ in range(LIMIT)]
    assert quiet == [1, 2, 3]
    assert found.gather("phone:0", "", T0 + 4 * DAY_MS, None) == -2
    assert found.gather("phone:0", "other", T0 + 3 * DAY_MS, None) == -2, "each line for itself"


def test_rows_of_days_that_are_over_are_forgotten_and_what_is_older_is_not_counted() -> None:
    rows: dict[str, int] = {}
    found = Crowds(rows, LIMIT)
    for day in range(3):
        found.gather("phone:0", "", T0 + day * DAY_MS, T0 + day * DAY_MS)
        found.gather("phone:0", "other", T0 + day * DAY_MS, T0)
    assert sorted(rows) == sorted(
        f"{line}\x1f{20_000 + day}\x1f{mark_of('phone:0')}" for line, day in
        (("", 1), ("", 2), ("other", 0), ("other", 1), ("other", 2))
    )  # fmt: skip
    assert [found.gather("phone:0", "", T0, T0 + 2 * DAY_MS) for _ in range(9)] == [0] * 9
    found.forget("other")
    assert len(rows) == 2


def test_rows_are_bounded_and_the_crowded_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "MAX_ROWS", 100)
    rows: dict[str, int] = {}
    found, beyond = Crowds(rows, 20), 0
    for number in range(5000):
        found.gather(f"phone:{number}", "", T0, None)
        if number % 20 == 0:
            beyond = max(beyond, found.gather("phone:0", "", T0, None))
        assert len(rows) <= 100
    assert beyond == 250 + 1 - 20, "one of twenty contacts is more than a fiftieth, so it was never among the fewest"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4), st.booleans()), max_size=60))
def test_what_is_answered_is_a_function_of_the_log(log: list[tuple[str, int, bool]]) -> None:
    """With a processor that lives on, and with one that is made anew from its rows."""
    rows: list[dict[str, int]] = [{}, {}]
    one, now = Crowds(rows[0], 2), T0
    for identifier, day, restarts in log:
        now = max(now, T0 + day * DAY_MS)
        other = Crowds(rows[1], 2) if restarts else other_of(rows[1])
        time = T0 + day * DAY_MS
        assert one.gather(identifier, "", time, now) == other.gather(identifier, "", time, now)
        assert rows[0] == rows[1]


def other_of(rows: dict[str, int]) -> Crowds:
    found = Crowds(rows, 2)
    found.undo()
    return found


def test_with_one_task_the_share_is_the_limit() -> None:
    assert share(200, 1) == 200
    assert share(1, 1) == 1


@pytest.mark.parametrize("tasks", [2, 4, 12, 32, 128, 384])
def test_an_identifier_at_its_limit_is_left_alone_wherever_its_contacts_lie(tasks: int) -> None:
    """200 identifiers of 200 contacts, spread as contact.normalised is; one of 600 and more is found with few tasks."""
    crowded = 0
    for identifier in range(200):
        spread = Counter(crc32(f"voice|c{identifier}-{n}".encode()) % tasks for n in range(200))
        crowded += max(spread.values()) > share(200, tasks)
    assert crowded == 0
    assert share(200, tasks) * tasks < (600 if tasks <= 12 else 2500)
