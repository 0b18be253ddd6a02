"""Queues and tiers are a bounded vocabulary: what is beyond counts as other, and is found there when it is taken back."""

import random
from collections import Counter
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from streams.base.records import Fact
from streams.base.times import DAY_MS
from streams.metrics.rules import KpiPolicy, Vocabulary
from streams.metrics.tables import Tables
from streams.metrics.vocabulary import Name, forget, forget_old, place
from streams.metrics.windows import advance
from tests.support.kpi_facts import T0, at, fold, kpi_policy, leg, taken_back

POLICY = kpi_policy(vocabulary=Vocabulary(frozenset({"cards"}), 3, 2, 5), tiers=frozenset({"gold"}))


class Known(Tables):
    """Tables with the names beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, Name] = {}


def take(tables: Known, *facts: Fact, policy: KpiPolicy = POLICY) -> list[tuple[str, str]]:
    """Where the facts were counted."""
    found = []
    for each in facts:
        spot = place(tables.names, tables.days, each, policy)
        fold(tables, spot.fact, policy)
        tables.names.update(spot.kept)
        found.append((spot.fact.queue, spot.fact.tier))
    return found


def entered(ident: str, queue: str, tier: str = "gold", second: float = 0) -> Fact:
    return leg(ident, second, None, queue=queue, tier=tier)[0]


def test_the_first_names_are_kept_the_others_are_other_and_the_rules_names_always_count() -> None:
    tables = Known()
    assert take(tables, *(entered(f"{n}", f"q{n}") for n in range(5))) == [
        ("q0", "gold"), ("q1", "gold"), ("q2", "gold"), ("other", "gold"), ("other", "gold"),
    ]  # fmt: skip
    assert take(tables, entered("a", "q1"), entered("b", "q4"), entered("c", "cards"), entered("d", "none")) == [
        ("q1", "gold"), ("other", "gold"), ("cards", "gold"), ("none", "other"),
    ]  # fmt: skip
    tables = Known()
    assert take(tables, *(entered(f"{n}", "cards", f"t{n}") for n in range(4)), entered("x", "cards")) == [
        ("cards", "t0"), ("cards", "t1"), ("cards", "other"), ("cards", "other"), ("cards", "gold"),
    ]  # fmt: skip


def test_combinations_are_bounded_too() -> None:
    tables = Known()
    policy = replace(POLICY, vocabulary=Vocabulary(frozenset({"cards"}), 100, 100, 5))
    spots = take(tables, *(entered(f"{n}", f"q{n // 4}", f"t{n % 4}") for n in range(12)), policy=policy)
    assert spots[:5] == [("q0", "t0"), ("q0", "t1"), ("q0", "t2"), ("q0", "t3"), ("q1", "t0")]
    assert set(spots[5:]) == {("q1", "other"), ("q2", "other")}


def test_what_is_taken_back_is_found_where_it_was_counted_and_nothing_is_left() -> None:
    tables = Known()
    facts = [entered(f"{n}", f"q{n % 9}", f"t{n % 5}", n) for n in range(60)]
    counted = take(tables, *facts)
    assert take(tables, *(taken_back(each) for each in facts)) == counted
    assert all("entered" not in pane for pane in (*tables.panes.values(), *tables.days.values()))
    assert not tables.legs


def test_a_place_is_free_again_when_nothing_that_became_other_can_be_taken_back() -> None:
    tables = Known()
    take(tables, *(entered(f"{n}", f"q{n}") for n in range(4)))
    assert take(tables, entered("x", "q3")) == [("other", "gold")]
    for days in range(1, 34):
        take(tables, entered(f"y{days}", "q0", second=days * 86_400))
        advance(tables, "", at(days * 86_400 + 10), False, POLICY)
        forget_old(tables.names, "", at(days * 86_400 + 10), POLICY.day_kept_ms)
        if days == 15:
            assert take(tables, entered("z", "q8", second=days * 86_400 + 20)) == [("other", "gold")]
    assert take(tables, entered("new", "q9", second=33 * 86_400 + 20)) == [("q9", "gold")]
    assert tables.names["\x1fqueues"].count == 2


def test_the_names_of_a_line_are_forgotten_with_it() -> None:
    tables = Known()
    take(tables, entered("a", "q0"), changed(entered("a", "q0"), line="r"))
    forget(tables.names, "r")
    assert {key.split("\x1f")[0] for key in tables.names} == {""}


def test_tasks_share_the_names_and_never_publish_under_the_same_one() -> None:
    names: Counter[str] = Counter()
    for task in range(4):
        policy = kpi_policy().shared(task, 4)
        assert policy.vocabulary == Vocabulary(frozenset(), 250, 250, 1000)
        tables = Known()
        spots = take(tables, *(entered(f"{n}", f"q{task}-{n}") for n in range(300)), policy=policy)
        assert take(tables, entered("x", "other-2"), policy=policy)[0][0] == spots[-1][0], "a reserved name"
        names.update({queue for queue, _ in spots})
    assert len(names) == 1000 + 4
    assert {name for name in names if name.startswith("other")} > {"other"}
    assert set(names.values()) == {1}


def test_what_the_version_before_counted_keeps_its_names() -> None:
    tables = Known()
    for n in range(20):
        fold(tables, entered(f"{n}", f"q{n}"), POLICY)
    assert take(tables, *(taken_back(entered(f"{n}", f"q{n}")) for n in range(20))) == [
        (f"q{n}", "gold") for n in range(20)
    ]


def test_nothing_is_kept_of_a_fact_that_cannot_be_counted() -> None:
    tables = Known()
    spot = place(tables.names, tables.days, changed(entered("a", "q0"), fact="?"), POLICY)
    with pytest.raises(ValueError, match="a"):
        fold(tables, spot.fact, POLICY)
    assert tables == Known()


chance = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(0, 4 * 86_400)), max_size=60)


@given(chance, st.randoms(use_true_random=False))
def test_inside_the_limits_the_order_does_not_matter(told: list[tuple[int, int, int]], rng: random.Random) -> None:
    policy = kpi_policy(vocabulary=Vocabulary(max_queues=13, max_tiers=7, max_series=91))
    facts = [entered(f"{n}", f"q{queue}", f"t{tier}", second) for n, (queue, tier, second) in enumerate(told)]
    for each in (facts, rng.sample(facts, len(facts))):
        tables = Known()
        assert take(tables, *each, policy=policy) == [(one.queue, one.tier) for one in each]
        days = {key: name.used for key, name in tables.names.items() if key.count("\x1f") == 3}
        assert all(used == max(one.time for one in facts if f"\x1fvoice\x1f{one.queue}\x1f{one.tier}" == key) // DAY_MS
                   for key, used in days.items())  # fmt: skip
        for kind in ("queue", "tier"):
            named = len([key for key in tables.names if key.startswith(f"\x1f{kind}\x1f")])
            assert tables.names.get(f"\x1f{kind}s", Name(0)).count == named
    assert T0 % DAY_MS


@given(chance, st.data())
def test_beyond_the_limits_a_fact_taken_back_leaves_nothing(
    told: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    facts = [entered(f"{n}", f"q{queue}", f"t{tier}", second) for n, (queue, tier, second) in enumerate(told)]
    tables = Known()
    waiting = list(facts)
    known: list[Fact] = []
    while waiting or known:
        if waiting and (not known or data.draw(st.booleans())):
            known.append(waiting.pop())
            take(tables, known[-1])
        else:
            take(tables, taken_back(known.pop(data.draw(st.integers(0, len(known) - 1)))))
        assert all(pane.get("entered", 0) >= 0 for pane in tables.panes.values())
    assert all("entered" not in pane for pane in tables.panes.values())


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
def test_names_in_use_are_not_forgotten_whatever_the_zone(zone: str) -> None:
    """A day of the zone may have begun before midnight UTC: its row is kept already when the first fact of the UTC day
    comes."""
    policy = replace(POLICY, time_zone=ZoneInfo(zone))
    tables = Known()
    for hour in range(24 * 20):
        take(tables, entered(f"{hour}", "q1", "red", hour * 3600), policy=policy)
        if hour % 24 == 23:
            forget_old(tables.names, "", T0 + hour * 3_600_000, policy.day_kept_ms)
    named = {key: name.used for key, name in tables.names.items() if not key.endswith("s")}
    assert set(named) == {"\x1fqueue\x1fq1", "\x1ftier\x1fred", "\x1fvoice\x1fq1\x1fred"}
    assert set(named.values()) == {(T0 + (24 * 20 - 1) * 3_600_000) // DAY_MS}


def test_a_count_that_was_set_aside_begins_anew() -> None:
    tables = Known()
    take(tables, entered("1", "q1"))
    for kind in ("queues", "tiers", "lanes"):
        tables.names.pop(f"\x1f{kind}", None)
    forget_old(tables.names, "", T0 + 40 * DAY_MS, POLICY.day_kept_ms)
    assert {name.count for name in tables.names.values()} == {0}
