"""The backlog of a day: how many journeys are open when it is read, and how old; the same in any order."""

import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.base.records import Fact
from streams.base.times import DAY_MS, HOUR_MS, iso
from streams.metrics.query import ends_at, merge_readings
from streams.metrics.tables import Tables
from streams.metrics.windows import advance, arrived, record_key
from tests.support.kpi_facts import T0, Record, fact, fold, kpi_policy, taken_back, value

H, D = HOUR_MS, DAY_MS
MIDNIGHT = 15
"""Hours from T0."""
POLICY = kpi_policy(lateness_ms=H)


def stay(ident: str, since: float, until: float | None, began: float | None = None, **more: object) -> list[Fact]:
    """Facts of a journey that is open in one place, in hours from T0."""
    at, start = since * 3600, T0 + round((since if began is None else began) * H)
    entered = fact("journey_opened", ident, at, value=start, **more)
    if until is None:
        return [entered]
    return [entered, fact("journey_left", ident, until * 3600, value=start, entered=entered.time, **more)]


def count(tables: Tables, *facts: Fact) -> list[str]:
    return [fold(tables, each, POLICY) for each in facts]


def days(tables: Tables, hours: float, ended: bool = False) -> list[Record]:
    return [
        each
        for each in advance(tables, "", T0 + round(hours * H), ended, POLICY)
        if each["window"]["length_ms"] == D
    ]  # fmt: skip


def told(record: Record) -> tuple[Any, ...]:
    """Status, how many are open, p50 and p90 of their ages in hours (within 1 %)."""
    ages = [value(record, "backlog", f"age_p{n}") for n in (50, 90)]
    return record["status"], value(record, "backlog", "open"), *(age and round(age / H) for age in ages)


def test_a_day_says_how_many_are_open_when_it_is_read_and_how_old() -> None:
    tables = Tables()
    count(tables, *stay("a", 0, 3.5), *stay("b", 2.5, None, began=-10), *stay("c", 16, None))
    count(tables, fact("sentiment", "m", 60, value=1))
    assert [told(each) for each in days(tables, 4.5)] == [
        ("provisional", 1, 1, 1), ("provisional", 2, 3, 13), ("provisional", 1, 14, 14),
    ]  # fmt: skip
    assert not days(tables, 14.5), "that they grow older is not told by the hour"
    assert [told(each) for each in days(tables, 15)] == [("final", 1, 25, 25)]


def test_a_day_without_anything_else_is_read_at_its_end() -> None:
    tables = Tables()
    count(tables, *stay("a", 0, 40))
    assert [told(each) for each in days(tables, 80)] == [("final", 1, 15, 15), ("final", 1, 39, 39)]


def test_windows_of_fixed_length_say_nothing_of_it() -> None:
    tables = Tables()
    count(tables, *stay("a", 0, None))
    assert not advance(tables, "", T0 + 10 * H, ended=False, policy=POLICY)
    assert not tables.panes and not tables.days


@pytest.mark.parametrize("late", [0.5, 30.0])
def test_what_comes_late_amends_the_days_at_whose_end_it_was_open(late: float) -> None:
    tables = Tables()
    count(tables, *stay("a", 10, None))
    days(tables, MIDNIGHT + late)
    assert count(tables, *stay("b", 11, 20)[: 1 if late < 1 else 2]) == ["amends_day"] * (1 if late < 1 else 2)
    amended, *others = days(tables, MIDNIGHT + late + 0.01)
    assert all(told(each) == ("final", 1, 29, 29) for each in others), "it was thought to be open for a moment"
    assert (told(amended), amended["revision"]) == (("amended", 2, 4, 5), 2)
    assert amended["window"]["end"] == iso(T0 + MIDNIGHT * H)


def test_what_proves_wrong_leaves_no_trace() -> None:
    """Also when it was forgotten long ago that it had left."""
    tables = Tables()
    facts = stay("a", 0, 20)
    count(tables, *facts, *stay("b", 1, None))
    days(tables, 60)
    assert len(tables.backlog) == 1
    count(tables, taken_back(facts[1]), fact("journey_left", "a", 50 * 3600, value=T0, entered=T0))
    (amended,) = days(tables, 60.1)
    assert (told(amended)[:2], amended["window"]["end"]) == (("amended", 2), iso(T0 + (MIDNIGHT + 24) * H))
    count(tables, *map(taken_back, stay("a", 0, 50)))
    assert [told(each)[1] for each in days(tables, 60.2)] == [1, 1]
    days(tables, 90)
    assert len(tables.backlog) == 1


def test_a_line_that_ends_reads_its_days_and_forgets() -> None:
    tables = Tables()
    count(tables, *stay("a", 0, None), fact("sentiment", "m", 60, value=1))
    assert told(days(tables, 5, ended=True)[-1])[:2] == ("final", 1)
    assert not tables.backlog


@pytest.mark.parametrize("most", [1, 5, 40])
def test_a_line_that_ends_in_portions_reads_its_last_day_too(most: int) -> None:
    """Its time is moved beyond what it was before its last windows are read."""
    said = []
    for portion in (None, most):
        tables = Tables()
        count(tables, *stay("a", 0, None), fact("sentiment", "m", 60, value=1, queue="support"))
        days(tables, 2)
        records: list[Record] = []
        while not arrived(tables, "", T0 + 2 * H, ended=True):
            records += advance(tables, "", T0 + 2 * H, True, POLICY, portion)
        said.append([(record_key(each), value(each, "backlog", "open")) for each in records])
    assert said[1] == said[0]
    assert ("|voice|sales|gold|1999-02-01T00:00:00.000Z|86400000", 1) in said[0]


def test_what_lacks_its_start_is_refused() -> None:
    for wrong in (fact("journey_opened", "a", 0), fact("journey_left", "a", 0, value=T0)):
        with pytest.raises(ValueError, match="does not say since when"):
            fold(Tables(), wrong, POLICY)


def test_several_days_have_the_backlog_of_the_last_and_several_queues_that_of_all() -> None:
    tables = Tables()
    count(tables, *stay("a", 0, None), *stay("b", 20, None), *stay("c", 30, None, queue="support"))
    records = [each for each in days(tables, 40) if each["status"] == "final"]
    found = {
        each["variant"]: each["value"]
        for each in merge_readings(records, ends_at(T0 + (MIDNIGHT + 24) * H)) if each["kpi"] == "backlog"
    }  # fmt: skip
    assert found["open"] == 3
    assert (round(found["age_p50"] / H), round(found["age_p90"] / H)) == (19, 39)


stays = st.lists(
    st.tuples(
        st.integers(0, 60), st.none() | st.integers(0, 40), st.integers(0, 30), st.sampled_from(["sales", "support"])
    ),
    max_size=6,
)


@settings(max_examples=80, deadline=None)
@example([(39, None, 0, "sales")], random.Random(0), {0: 39})
@given(stays, st.randoms(use_true_random=False), st.dictionaries(st.integers(0, 20), st.integers(0, 70), max_size=5))
def test_any_order_and_cut_says_the_same(story: list[Any], rng: random.Random, cuts: dict[int, int]) -> None:
    """Facts of one journey in order, those of several in any; many of them days late, some taken back."""
    by_journey = []
    for number, (since, lasts, age, queue) in enumerate(story):
        facts = stay(str(number), since, None if lasts is None else since + lasts + 0.5, since - age, queue=queue)
        if rng.random() < 0.3:
            facts = [*facts, *map(taken_back, facts), *(facts if rng.random() < 0.5 else [])]
        by_journey.append(facts)
    said = []
    for shuffled in (False, True):
        tables, newest = Tables(), dict[str, Record]()
        order = [number for number, facts in enumerate(by_journey) for _ in facts]
        left = [list(facts) for facts in by_journey]
        if shuffled:
            rng.shuffle(order)
        for step, number in enumerate(order):
            if shuffled and step in cuts:
                newest |= {record_key(each): each for each in days(tables, cuts[step])}
            count(tables, left[number].pop(0))
        newest |= {record_key(each): each for each in days(tables, 130)}
        said.append({
            key: [one for one in each["readings"] if one["kpi"] == "backlog"]
            for key, each in newest.items() if any(one["kpi"] == "backlog" for one in each["readings"])
        })  # fmt: skip
        left_open = sum(facts[-1].sign > 0 and facts[-1].fact == "journey_opened" for facts in by_journey)
        assert len(tables.backlog) == left_open
    assert said[0] == said[1]
