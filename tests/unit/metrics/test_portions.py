"""What one move of a line's stream time publishes has a size, however far it is to go."""

from typing import Any

import pytest

from streams.base.records import Fact
from streams.base.times import DAY_MS, HOUR_MS
from streams.metrics.rules import Window
from streams.metrics.tables import Tables
from streams.metrics.windows import advance, arrived, record_key
from tests.support.kpi_facts import POLICY, at, fold, kpi_policy, leg

MOST = 400


def portions(tables: Tables, watermark: int, *, ended: bool = False) -> list[list[dict[str, Any]]]:
    found = []
    while not arrived(tables, "", watermark, ended):
        found.append(advance(tables, "", watermark, ended, POLICY, MOST))
        assert len(found) < 5000
    return found


def counted(facts: list[Fact]) -> Tables:
    tables = Tables()
    assert {fold(tables, each, POLICY) for each in facts} <= {"counted", "amends"}
    return tables


def keys(records: list[dict[str, Any]]) -> set[str]:
    return {record_key(record) for record in records}


CALLS = [each for n in range(300) for each in leg(f"c{n}", n * 7200, n * 7200 + 5, queue=f"q{n % 7}")]
"""One every two hours."""
CROWD = [each for n in range(150) for each in leg(f"c{n}", n % 9, n % 9 + 5, queue=f"q{n}")]
"""In 150 queues at once."""


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(("facts", "hours"), [(CALLS, 700), (CROWD, 30), (CALLS, 0), (CROWD, 0)])
def test_what_a_jump_releases_comes_in_portions(facts: list[Fact], hours: int, ended: bool) -> None:
    whole = advance(counted(facts), "", at(hours * 3600), ended, POLICY)
    found = portions(counted(facts), at(hours * 3600), ended=ended)
    assert max(map(len, found)) <= MOST + 8 * 150, "a minute of every queue is the least"
    assert keys([each for some in found for each in some]) == keys(whole)
    if len(whole) > 3 * MOST:
        assert len(found) > 3
        assert sum(map(len, found)) / len(found) > MOST / 3, "portions that are too small take for ever"


def test_what_is_counted_already_does_not_make_portions_small() -> None:
    """More panes of the last hour than readings of a batch: a busy line moved a minute at a time."""
    facts = [each for n in range(700) for each in leg(f"c{n}", n * 5, n * 5 + 2, queue=f"q{n % 2}")]
    tables = counted(facts)
    portions(tables, at(3500))
    assert len(tables.panes) > MOST
    assert [len(some) for some in portions(tables, at(3500 + 4 * 3600))] == [44]


def test_where_somebody_waits_every_window_that_holds_something_counts() -> None:
    """A leg that is never closed, a call every four hours, and windows of half a day that end every minute."""
    policy = kpi_policy(windows=(Window(12 * HOUR_MS, 60_000), Window("day", HOUR_MS)))
    facts = [*leg("w", 0, None), *(each for n in range(60) for each in leg(f"c{n}", n * 14_400, n * 14_400 + 5))]
    tables, sizes = Tables(), []
    assert {fold(tables, each, policy) for each in facts} == {"counted"}
    while not arrived(tables, "", at(11 * 86_400), False):
        sizes.append(len(advance(tables, "", at(11 * 86_400), False, policy, MOST)))
    assert sum(sizes) > 10_000
    assert max(sizes) < 2 * MOST


def test_somebody_who_waits_for_years_is_a_reading_a_day() -> None:
    facts = [each for n in range(3) for each in leg(f"c{n}", 0, None, queue=f"q{n}")]
    found = portions(counted(facts), at(0) + 2_000 * DAY_MS)
    assert max(map(len, found)) <= MOST
    assert 2 < len(found) < 200


def test_what_late_facts_amend_comes_queue_by_queue_before_time_goes_on() -> None:
    tables = counted([each for n in range(40) for each in leg(f"a{n}", n, n + 9, queue=f"q{n}")])
    now = at(1800)
    portions(tables, now)
    for n in range(40):
        for each in leg(f"b{n}", 1500 + n, 1509 + n, queue=f"q{n}"):
            assert fold(tables, each, POLICY) == "amends"
    found = portions(tables, now + HOUR_MS)
    amended = [len([each for each in some if each["status"] == "amended"]) for some in found]
    last = max(n for n, many in enumerate(amended) if many)
    assert last > 1, "some queues at a time"
    assert max(amended) <= MOST
    assert [len(some) for some in found[:last]] == amended[:last], "time waits for them"
