"""What is demanded of a topic's settings, and what is said where they are otherwise."""

import pytest

from streams.engine import demands as module
from streams.engine.demands import CHANGELOG, EVERY, READ, Demand, Effect, at_least, departures, exactly

KEPT = {"cleanup.policy": "compact", "delete.retention.ms": "86400000", "max.message.bytes": "1048588"}


def found(demands: tuple[Demand, ...], replicas: int = 1, **settings: str) -> list[tuple[str, str]]:
    values = {name.replace("_", "."): value for name, value in settings.items()}
    return [(each.demand.setting, each.value) for each in departures("t", demands, values, replicas)]


@pytest.mark.parametrize("policy", ["delete", "compact,delete", "delete,compact", ""])
def test_a_changelog_is_compacted_and_nothing_else(policy: str) -> None:
    assert found(CHANGELOG, **KEPT) == []
    assert found(CHANGELOG, **KEPT | {"cleanup.policy": policy}) == [("cleanup.policy", policy)]


@pytest.mark.parametrize("policy", ["compact", "compact,delete", "delete,compact"])
def test_what_is_read_is_never_compacted(policy: str) -> None:
    assert found(READ, cleanup_policy="delete") == []
    assert found(READ, cleanup_policy=policy) == [("cleanup.policy", policy)]


@pytest.mark.parametrize(
    ("value", "fine"), [("-1", True), ("100", True), ("101", True), ("99", False), ("0", False), ("-2", False)]
)
def test_minus_one_is_without_a_limit(value: str, fine: bool) -> None:
    assert (found((at_least("retention.ms", 100, "x"),), retention_ms=value) == []) is fine


@pytest.mark.parametrize(
    ("replicas", "in_sync", "unclean", "broken"),
    [
        (1, "1", "false", set()),
        (1, "1", "true", set()),
        (1, "2", "false", {"min.insync.replicas"}),
        (2, "1", "false", set()),
        (2, "2", "true", {"unclean.leader.election.enable"}),
        (3, "1", "false", {"min.insync.replicas"}),
        (3, "2", "false", set()),
        (3, "3", "false", set()),
        (3, "4", "true", {"min.insync.replicas", "unclean.leader.election.enable"}),
    ],
)
def test_what_replicas_are_worth_hangs_on_how_many_there_are(
    replicas: int, in_sync: str, unclean: str, broken: set[str]
) -> None:
    values = {"min_insync_replicas": in_sync, "unclean_leader_election_enable": unclean}
    assert {setting for setting, _ in found(EVERY, replicas, **values)} == broken


@pytest.mark.parametrize(
    ("version", "fine"),
    [
        ("0.10.2-IV0", False),
        ("0.9.0", False),
        ("0.11.0-IV2", True),
        ("0.11.0", True),
        ("2.8-IV1", True),
        ("3.0-IV1", True),
        ("4", True),
    ],
)
def test_a_record_format_without_transactions_is_refused(version: str, fine: bool) -> None:
    assert (found(EVERY, message_format_version=version) == []) is fine


def test_of_two_demands_on_one_setting_the_first_that_is_not_met_is_told() -> None:
    both = (at_least("retention.ms", 10, "lost"), at_least("retention.ms", 100, "early", Effect.WARNED))
    assert [(e.demand.breaks, e.demand.effect) for e in departures("t", both, {"retention.ms": "5"}, 1)] == [
        ("lost", Effect.REFUSED)
    ]
    assert [e.demand.breaks for e in departures("t", both, {"retention.ms": "50"}, 1)] == ["early"]


def test_what_the_broker_does_not_tell_is_no_departure() -> None:
    assert departures("t", CHANGELOG, {}, 3) == []


def test_a_departure_says_topic_setting_value_what_is_allowed_and_what_breaks() -> None:
    (each,) = departures(
        "x.t", (exactly("cleanup.policy", "compact", "state is lost"),), {"cleanup.policy": "delete"}, 1
    )
    assert str(each) == "x.t: cleanup.policy is delete, allowed is compact: state is lost"
    assert each.mended == "compact"


@pytest.mark.parametrize("replicas", range(1, 6))
def test_what_mends_a_demand_meets_it(replicas: int) -> None:
    for demand in (*CHANGELOG, *READ, module.LARGE_ENOUGH):
        assert demand.meets(demand.mend(replicas), replicas), demand.setting
