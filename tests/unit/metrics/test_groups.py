"""KPIs by one or two dimensions alone."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.base.records import SEP, Fact
from streams.base.times import DAY_MS, MINUTE_MS
from streams.metrics.groups import ALL, dimensions_of, in_key, is_group, key_of, named
from streams.metrics.query import merge_readings
from streams.metrics.queues import queue_states
from streams.metrics.rules import KpiPolicy, ServiceLevel, Vocabulary
from streams.metrics.tables import Tables
from streams.metrics.vocabulary import NEVER_USED, Name, forget_old, place
from streams.metrics.windows import fold_all, record_key, standing
from tests.support.kpi_facts import (
    T0,
    Record,
    count,
    entered,
    fact,
    kpi_policy,
    leg,
    move,
    of_length,
    one_fact,
    taken_back,
    value,
)

POLICY = kpi_policy(groups=(("channel", "tier"), ("tier",)), service_level=ServiceLevel(20_000, {"support": 30_000}))


def counted(facts: list[Fact], group: str, policy: KpiPolicy = POLICY) -> list[Record]:
    tables = Tables()
    fold_all(tables, facts, policy, group)
    return move(tables, 7200, policy=policy)


def plain(records: list[Record]) -> list[Any]:
    """Without where it is of, and expected waits, which are of queues."""
    found = []
    for each in records:
        said = [one for one in each["readings"] if one["kpi"] != "wait_forecast"]
        found.append({**each, "readings": said, "dimensions": None, "by": None, "sums": None})
    return sorted(found, key=repr)


@settings(max_examples=60, deadline=None)
@given(st.lists(one_fact(), max_size=20), st.randoms(use_true_random=False))
def test_of_one_queue_a_group_says_what_the_queue_says(facts: list[Fact], rng: random.Random) -> None:
    """But of legs that fit no opening, whose names differ."""
    facts = [replace(each, queue="sales") for each in facts if not each.fact.startswith("leg")]
    facts += leg("a", 10, rng.choice([None, 40, 3000]), tier="gold") + leg("b", 20, 45, "abandoned", tier="none")
    shuffled = rng.sample(facts, len(facts))
    by_queue, by_group = counted(facts, ""), counted(shuffled, "channel+tier")
    assert plain(by_group) == plain(by_queue)
    assert {each["dimensions"]["queue"] for each in by_group} == {ALL}
    assert all(each["by"] == ["channel", "tier"] for each in by_group)


@settings(max_examples=60, deadline=None)
@given(st.lists(one_fact(), max_size=30), st.lists(st.integers(1, 10), min_size=1, max_size=8))
def test_facts_together_count_like_one_by_one(facts: list[Fact], sizes: list[int]) -> None:
    one_by_one, together = Tables(), Tables()
    told = count(one_by_one, facts, POLICY)
    outcomes, at = [], 0
    while at < len(facts):
        size = sizes[at % len(sizes)]
        outcomes += fold_all(together, facts[at : at + size], POLICY)
        at += size
    assert outcomes == told
    assert together == one_by_one
    assert move(together, 3600, policy=POLICY) == move(one_by_one, 3600, policy=POLICY)


def test_each_leg_of_a_group_has_the_threshold_of_its_queue() -> None:
    facts = leg("a", 0, None, queue="sales") + leg("b", 0, None, queue="support") + leg("c", 0, None, queue="support")
    facts += [replace(each, id=f"{each.id}-web", channel="chat") for each in leg("a", 2, None, queue="sales")]
    facts += leg("d", 1, 26, queue="sales") + leg("e", 1, 26, queue="support")
    tables = Tables()
    fold_all(tables, facts, POLICY, "tier")
    records = {each["window"]["end"]: each for each in move(tables, 30) if each["window"]["length_ms"] == 60_000}
    (now,) = [each for end, each in records.items() if end.startswith("1999-02-01T09:00:30")]
    assert now["dimensions"] == {"channel": ALL, "queue": ALL, "tier": "gold"}
    # d waited 25 s of 20, e 25 s of 30; of those that wait for 30 s and 28 s all but nobody have reached theirs.
    [level] = [each for each in now["readings"] if each["variant"] == "reached_threshold"]
    assert (level["numerator"], level["denominator"]) == (1, 6)
    assert value(now, "queue_depth", "now") == 4
    assert queue_states(tables, "") == []


def test_a_group_of_all_channels_has_no_rate_of_abandonment() -> None:
    """On some of them nobody can give up."""
    facts = leg("a", 0, 9, "abandoned") + [replace(each, channel="email") for each in leg("b", 0, 9)]
    of_all, of_voice = counted(facts, "tier"), counted(facts, "channel+tier")
    assert {value(each, "abandonment", "of_left") for each in of_all} == {None}
    assert 1.0 in {value(each, "abandonment", "of_left") for each in of_voice}


def test_nor_has_the_span_of_several_of_its_windows() -> None:
    """Of rolling windows the records have the sums in place of the details."""
    facts = leg("a", 0, 3, "abandoned") + leg("b", 0, 9)
    for group, known in (("tier", set()), ("channel+tier", {"of_left", "short"})):
        minutes = of_length(counted(facts, group), MINUTE_MS)
        said = merge_readings([each for each in minutes if each["sums"]][:1], lambda _: True)
        patient = {each["variant"] for each in said if each["kpi"] == "abandonment" and each["denominator"]}
        assert patient == known


def test_where_a_contact_is_taken_back_short_windows_say_so_though_an_agent_was_there() -> None:
    """Whole slots alone tell of agents: to the others the pane is gone."""
    tables, policy = Tables(), kpi_policy(groups=(("queue",),))
    time = fact("agent_time", "ann", 299, channel=ALL, tier="none", value=60_000, talk_ms=240_000)
    offered = fact("contact_offered", "a", 295, outcome="answered", value=0)
    fold_all(tables, [time, offered], policy, "queue")
    first = of_length(move(tables, 400, policy=policy), MINUTE_MS)
    assert "1999-02-01T09:05:00.000Z" in {each["window"]["end"] for each in first if each["readings"]}
    fold_all(tables, [taken_back(offered)], policy, "queue")
    again = of_length(move(tables, 400, policy=policy), MINUTE_MS)
    assert [each["readings"] for each in again if each["window"]["end"] == "1999-02-01T09:05:00.000Z"] == [[]]


@pytest.mark.parametrize("group", ["channel+queue", "queue"])
def test_what_a_group_knows_of_legs_changes_nothing_of_what_is_expected_in_the_queue(group: str) -> None:
    """Its keys begin like those of the queue."""
    early = leg("a", 0, 20) + leg("b", 30, 45) + leg("c", 50, 90)
    late = [*(taken_back(each) for each in leg("b", 30, 45)), *leg("b", 30, 70), *leg("d", 60, 80)]
    alone, beside = Tables(), Tables()
    for tables in (alone, beside):
        for facts in (early, late):
            fold_all(tables, facts, POLICY)
            if tables is beside:
                fold_all(tables, facts, POLICY, group)
            move(tables, 200)
    assert beside.flows == alone.flows
    assert {key: each for key, each in {**beside.legs, **beside.left}.items() if not is_group(key)} == (
        {**alone.legs, **alone.left}
    )
    assert not any(name.startswith("forecast") for key, day in beside.days.items() if is_group(key) for name in day)


def test_where_a_fact_of_a_group_counts() -> None:
    one = fact("turned_away", "a", 0, service_type="consultative")
    for group, key in (
        ("tier", "tier|gold"),
        ("channel+service_type", "channel+service_type|voice|consultative"),
        ("agent_group", "agent_group|none"),
    ):
        dims = dimensions_of(one, group)
        said, by = named(dims)
        assert is_group(dims)
        assert ("+".join(by), key_of(one, group)) == (group, key)
        assert dims.endswith(in_key(said, by))
    assert not is_group(dimensions_of(one))
    assert named(dimensions_of(one)) == ({"channel": "voice", "queue": "sales", "tier": "gold"}, ())


def test_records_of_groups_have_keys_of_their_own() -> None:
    facts = leg("a", 0, 9, queue=ALL, tier=ALL, channel="voice")
    records = [each for group in ("", "channel", "channel+tier") for each in counted(facts, group)]
    assert len({record_key(each) for each in records}) == len(records)
    key = record_key(
        {**records[0], "by": ["agent_group"], "dimensions": {**records[0]["dimensions"], "agent_group": "a|b"}}
    )
    assert key.endswith("|agent_group|all|a%7Cb")


def test_what_a_group_read_last_can_be_asked_for() -> None:
    tables = Tables()
    fold_all(tables, leg("a", 0, 9), POLICY, "tier")
    move(tables, 60)
    assert [(each["by"], entered(each)) for each in standing(tables, "", POLICY)] == [(["tier"], 1)] * 3


def test_a_connector_that_puts_ids_where_a_team_belongs_makes_no_window_for_each() -> None:
    policy = kpi_policy(vocabulary=Vocabulary(max_series=3))
    names: dict[str, Name] = {}
    teams = []
    for number in range(6):
        found = place(names, (), fact("turned_away", "a", number, agent_group=f"t{number}"), policy, "agent_group")
        names.update(found.kept)
        teams.append(found.fact.agent_group)
    assert teams == ["t0", "t1", "t2", "other", "other", "other"]
    assert not place(names, (), fact("turned_away", "a", 0), policy).other, "queues and tiers have limits of their own"
    forget_old(names, "", T0 + 40 * DAY_MS, 15 * DAY_MS)
    assert names == {f"{SEP}groups": Name(NEVER_USED, 0)}
    # Each task has its own, but the one where the name itself lives.
    tasks = [policy.shared(task, 4) for task in range(4)]
    reserved = [fact("turned_away", "a", 0, agent_group="other-2")] * 4
    found_there = [
        place({}, (), one, task, "agent_group").fact.agent_group for one, task in zip(reserved, tasks, strict=True)
    ]
    assert sorted(found_there) == sorted({"other", *(f"other-{task}" for task in range(4))} & {*found_there})
    assert len({*found_there}) == 4
