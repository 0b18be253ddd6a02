import random
from typing import Any
from zlib import crc32

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.base.records import Fact
from streams.base.times import iso
from streams.metrics.formulas import Waiting
from streams.metrics.queues import fold_leg, forget_left, queue_states, settle_legs, until_of, waiting_at
from streams.metrics.tables import FOREVER, Leg, QueueShown, Tables
from streams.metrics.windows import advance
from tests.support.kpi_facts import POLICY, T0, at, fold, leg, taken_back

DIGEST = crc32(repr([at(1), at(2), at(3)]).encode())
KEY = f"\x1fvoice\x1fsales\x1fgold\x1f{T0}\x1fa"


def states(tables: Tables, seconds: float, ended: bool = False, line: str = "") -> list[dict[str, Any]]:
    advance(tables, line, at(seconds), ended, POLICY)
    return queue_states(tables, line)


def count(tables: Tables, facts: list[Fact]) -> None:
    for each in facts:
        fold(tables, each, POLICY)


def test_a_queue_in_full() -> None:
    tables = Tables()
    count(tables, [*leg("a", 1, None), *leg("b", 2, None, tier="none"), *leg("c", 3, None), *leg("d", 3, 9)])
    assert states(tables, 14) == [
        {
            "channel": "voice",
            "queue": "sales",
            "at": "1999-02-01T09:00:10.000Z",
            "depth": 3,
            "longest_wait_ms": 9_000,
            "oldest_entered": "1999-02-01T09:00:01.000Z",
            "line": "",
            "by_tier": {"gold": 2, "none": 1},
            "forecast": {"position_next": 4, "expected_ms": 18_000},
            "waiting": [
                {"entered": "1999-02-01T09:00:01.000Z", "place": 1, "expected_ms": 4_500},
                {"entered": "1999-02-01T09:00:02.000Z", "place": 2, "expected_ms": 9_000},
                {"entered": "1999-02-01T09:00:03.000Z", "place": 3, "expected_ms": 13_500},
            ],
        }
    ]
    assert tables.queues == {"\x1fvoice\x1fsales": QueueShown(at(1), (("gold", 2), ("none", 1)), DIGEST)}


def test_a_queue_is_published_when_it_changed_and_once_when_it_is_empty() -> None:
    tables = Tables()
    count(tables, [*leg("a", 1, 95), *leg("b", 45, 95)])
    found = [(state["at"][14:19], state["depth"]) for seconds in range(0, 200, 3) for state in states(tables, seconds)]
    assert found == [("00:10", 1), ("00:50", 2), ("01:40", 0)]
    assert tables.queues == {}


def test_who_comes_when_another_one_leaves_is_told() -> None:
    """As many wait as before, and the oldest is the same: their places are others."""
    tables = Tables()
    count(tables, [*leg("a", 1, None), *leg("b", 2, 14), *leg("c", 3, None), *leg("d", 15, None)])
    assert [[each["entered"][17:19] for each in state["waiting"]] for state in states(tables, 10)] == [
        ["01", "02", "03"]
    ]
    (state,) = states(tables, 20)
    assert [(each["entered"][17:19], each["place"]) for each in state["waiting"]] == [("01", 1), ("03", 2), ("15", 3)]
    assert (state["depth"], state["forecast"]["position_next"]) == (3, 4)
    assert states(tables, 30) == []


def test_of_many_who_wait_the_first_are_listed() -> None:
    tables = Tables()
    count(tables, [each for number in range(120) for each in leg(str(number), 1 + number / 20, None)])
    (state,) = states(tables, 10)
    assert [each["place"] for each in state["waiting"]] == list(range(1, 51))
    assert state["waiting"][49]["entered"] == iso(at(1 + 49 / 20))
    assert (state["depth"], state["forecast"]) == (120, {"position_next": 121, "expected_ms": "unknown"})
    assert {each["expected_ms"] for each in state["waiting"]} == {"unknown"}


def test_an_empty_queue_has_no_oldest_leg() -> None:
    tables = Tables()
    count(tables, leg("a", 1, 15))
    states(tables, 10)
    (state,) = states(tables, 20)
    assert (state["depth"], state["longest_wait_ms"], state["oldest_entered"], state["by_tier"]) == (0, 0, None, {})


def test_at_the_end_of_a_line_its_queues_stay_as_they_were() -> None:
    tables = Tables()
    count(tables, [replace(each, line="r") for each in leg("a", 1, None)])
    assert [state["depth"] for state in states(tables, 10, line="r")] == [1]
    count(tables, [replace(each, line="r") for each in leg("b", 11, None)])
    (last,) = states(tables, 22, ended=True, line="r")
    assert (last["depth"], last["oldest_entered"]) == (2, iso(at(1)))
    assert states(tables, 22, ended=True, line="r") == []
    assert not tables.legs
    assert not tables.queues


def test_a_line_that_is_not_known_has_no_queues() -> None:
    assert queue_states(Tables(), "nobody") == []


@given(st.permutations([*leg("a", 0, 5), *leg("a", 0, 9), *map(taken_back, leg("a", 0, 5))]))
def test_a_corrected_leg_is_the_same_in_any_order(facts: list[Fact]) -> None:
    tables = Tables()
    for each in facts:
        fold_leg(tables, KEY, each)
    assert tables.legs == {KEY: Leg(1, ((at(9), 1),), ((at(9), 1),))}


def test_a_leg_that_is_taken_back_is_gone() -> None:
    tables = Tables()
    for each in [*leg("a", 0, 5), *map(taken_back, leg("a", 0, 5))]:
        fold_leg(tables, KEY, each)
    assert tables == Tables()


@pytest.mark.parametrize(
    ("given_leg", "until"),
    [
        (Leg(1), FOREVER),
        (Leg(1, ((9, 1),)), 9),
        (Leg(0, ((9, 1),)), 5),
        (Leg(2, ((9, 1), (12, 1))), 12),
        (Leg(1, ((9, 1), (12, -1))), 9),
    ],
)
def test_until_when_a_leg_waits(given_leg: Leg, until: int) -> None:
    assert given_leg.until(5) == until


def test_legs_that_left_are_set_aside_and_still_found() -> None:
    tables = Tables()
    opened, closed = leg("a", 0, 9)
    fold_leg(tables, KEY, opened)
    fold_leg(tables, KEY, closed)
    settle_legs(tables, "", at(9), at(-100))
    assert KEY in tables.legs
    settle_legs(tables, "", at(10), at(-100))
    assert (list(tables.legs), list(tables.left)) == ([], [KEY])
    assert until_of(tables, KEY) == at(9)
    fold_leg(tables, KEY, taken_back(closed))
    assert (until_of(tables, KEY), list(tables.left)) == (FOREVER, [])
    fold_leg(tables, KEY, closed)
    settle_legs(tables, "", at(10), at(-100))
    forget_left(tables, "", at(9))
    assert KEY in tables.left
    forget_left(tables, "", at(9) + 1)
    assert tables == Tables()


def test_a_leg_whose_opening_never_comes_is_forgotten_in_the_end() -> None:
    tables = Tables()
    fold_leg(tables, KEY, leg("a", 0, 9)[1])
    settle_legs(tables, "", at(1000), at(8))
    assert KEY in tables.legs
    settle_legs(tables, "", at(1000), at(9))
    assert tables == Tables()


stays = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 30)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=12
)


@given(stays.map(sorted), st.sets(st.integers(0, 90)), st.integers(0, 20))
def test_who_waits_at_each_moment_is_what_the_definition_says(
    found: list[tuple[int, int]], moments: set[int], t: int
) -> None:
    expected = {}
    for moment in moments:
        if waiting := [entered for entered, until in found if entered <= moment < until]:
            expected[moment] = Waiting(len(waiting), min(waiting), sum(entered <= moment - t for entered in waiting))
    assert waiting_at(found, sorted(moments), t) == expected


def test_a_long_queue_is_read_at_many_moments_without_reading_it_through() -> None:
    rng = random.Random(1)
    found = sorted((rng.randrange(1000), 10_000_000) for _ in range(2000))
    assert waiting_at(found, range(0, 1_000_000, 100), 20)[999_900] == Waiting(2000, found[0][0], 2000)


def test_a_queue_of_very_many_tiers_names_those_of_which_most_wait() -> None:
    """1,400 tiers with names of 200 emoji once made a record of 1,101,972 bytes, which stopped the task for good."""
    tables = Tables()
    wide = [f"{number:06}" + "\U0001f600" * 194 for number in range(1400)]
    count(tables, [each for number, tier in enumerate(wide) for each in leg(f"l{number}", 1, None, tier=tier)])
    count(tables, [each for tier in wide[-3:] for each in leg(f"m{tier}", 2, None, tier=tier)])
    [record] = states(tables, 14)
    assert record["depth"] == 1403 == sum(record["by_tier"].values())
    assert list(record["by_tier"])[47:] == [*wide[-3:], "other"]
    assert (record["by_tier"]["other"], record["by_tier"][wide[-1]]) == (1403 - 47 - 6, 2)
    assert len(orjson.dumps(record)) < 50_000
    assert len(msgspec.json.encode(tables.queues["\x1fvoice\x1fsales"])) < 50_000
    assert states(tables, 24) == []


@given(
    st.permutations(
        [
            *leg("a", 0, 5),
            *leg("a", 0, 9),
            *leg("a", 0, 9, "abandoned"),
            *map(taken_back, leg("a", 0, 9) + leg("a", 0, 5)),
        ]
    )
)
def test_how_a_leg_left_is_the_same_in_any_order(facts: list[Fact]) -> None:
    tables = Tables()
    for each in facts:
        fold_leg(tables, KEY, each)
    assert tables.legs == {KEY: Leg(1, ((at(9), 1),))}
    assert tables.legs[KEY].answered(T0) is None
