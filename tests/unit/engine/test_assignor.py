"""Placement of partitions: even per inlet, stable, and a change moves little more than the share of who changed."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from streams.engine.assignor import RendezvousAssignor, place
from streams.engine.group import Door

INLETS = {"ingest": 12, "identify": 16, "track": 16, "measure": 8}
workers = st.lists(st.text("abcdef0123456789-", min_size=1, max_size=8), min_size=1, max_size=9, unique=True)


def loads(owners: dict[tuple[str, int], str], inlet: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for (name, _), worker in owners.items():
        if name == inlet:
            found[worker] = found.get(worker, 0) + 1
    return found


@given(workers)
def test_every_partition_has_one_owner_and_every_inlet_is_even(names: list[str]) -> None:
    owners = place(INLETS, names)
    assert set(owners) == {(inlet, p) for inlet, n in INLETS.items() for p in range(n)}
    for inlet, n in INLETS.items():
        counts = [loads(owners, inlet).get(name, 0) for name in names]
        assert max(counts) - min(counts) <= 1
        assert sum(counts) == n


@given(workers)
def test_it_depends_on_the_names_alone(names: list[str]) -> None:
    assert place(INLETS, names) == place(INLETS, reversed(names))


def test_a_worker_that_joins_or_leaves_moves_little_more_than_its_share() -> None:
    inlets = {"a": 64, "b": 64}
    for size in range(2, 8):
        names = [f"worker-{n}" for n in range(size)]
        before, after = place(inlets, names), place(inlets, [*names, "worker-new"])
        moved = sum(before[unit] != after[unit] for unit in before)
        share = 128 / (size + 1)
        assert moved <= 1.8 * share, (size, moved, share)


def test_small_inlets_do_not_pile_their_remainders_on_one_worker() -> None:
    owners = place({f"inlet-{n}": 1 for n in range(8)}, ["a", "b"])
    total = [sum(worker == name for worker in owners.values()) for name in ("a", "b")]
    assert total == [4, 4]


def test_partition_n_of_every_topic_of_an_inlet_goes_to_the_same_member() -> None:
    bound = RendezvousAssignor.bind(Door("w", {}), {"in": ("t1", "t2"), "next": ("t3",)})
    counts = {"t1": 4, "t2": 3, "t3": 4}
    cluster = SimpleNamespace(partitions_for_topic=lambda topic: set(range(counts[topic])))
    members = {
        f"member-{n}": RendezvousAssignor.bind(Door(f"worker-{n}", {}), {}).metadata(["t1", "t2", "t3"])
        for n in range(2)
    }
    given_out = {member: dict(assignment.assignment) for member, assignment in bound.assign(cluster, members).items()}
    for topics in given_out.values():
        assert set(topics.get("t2", [])) <= set(topics["t1"])
    assert sorted(p for topics in given_out.values() for p in topics["t1"]) == [0, 1, 2, 3]
    assert sorted(p for topics in given_out.values() for p in topics.get("t2", [])) == [0, 1, 2]


def test_two_workers_with_one_name_still_share_the_work() -> None:
    bound = RendezvousAssignor.bind(Door("w", {}), {"in": ("t",)})
    cluster = SimpleNamespace(partitions_for_topic=lambda topic: {0, 1, 2, 3})
    members = {f"m{n}": bound.metadata(["t"]) for n in range(2)}
    given_out = bound.assign(cluster, members)
    assert sorted(len(dict(a.assignment)["t"]) for a in given_out.values()) == [2, 2]
