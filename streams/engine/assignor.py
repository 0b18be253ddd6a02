"""Who owns which partition: bounded rendezvous hashing over stable worker names.

No memory and no generation to carry: the same workers always give the same placement, every inlet is spread evenly, and
a worker that joins or leaves moves little more than its own share. Partition *n* of every topic of an inlet goes to the
same worker, because one task reads them all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import ClassVar

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from streams.engine.group import Door, Member, agreed, are_alike


def _weight(worker: str, unit: str) -> bytes:
    return blake2b(f"{worker}\0{unit}".encode(), digest_size=8).digest()


def place(inlets: Mapping[str, int], workers: Iterable[str]) -> dict[tuple[str, int], str]:
    """Owner of every (inlet, partition), for ``inlets`` {name: partitions}.

    Each worker gets ``n // m`` partitions of an inlet, or one more; a partition goes to the worker with the highest
    hash that has room.
    """
    names = sorted(workers)
    owners: dict[tuple[str, int], str] = {}
    total: dict[str, int] = dict.fromkeys(names, 0)
    for inlet, partitions in sorted(inlets.items()):
        floor, extra = divmod(partitions, len(names))
        # Who takes one more: those with the least so far, so that several small inlets do not pile their remainders on
        # one worker.
        generous = set(sorted(names, key=lambda w: (total[w], _weight(w, inlet)))[:extra])
        room = {w: floor + (w in generous) for w in names}
        for partition in range(partitions):
            best = max((w for w in names if room[w]), key=lambda w: _weight(w, f"{inlet}\0{partition}"))
            owners[inlet, partition] = best
            room[best] -= 1
            total[best] += 1
    return owners


class RendezvousAssignor(AbstractPartitionAssignor):
    """`place` as a consumer-group assignor, among the workers that agree (`group`); `bind` gives it the worker's door
    and the topology.
    """

    name = "contact-streams-rendezvous"
    door: ClassVar[Door]
    inlets: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @classmethod
    def bind(cls, door: Door, inlets: Mapping[str, tuple[str, ...]]) -> type["RendezvousAssignor"]:
        return type("BoundAssignor", (cls,), {"door": door, "inlets": dict(inlets)})

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        counts = {
            topic: len(cluster.partitions_for_topic(topic) or ()) for topics in cls.inlets.values() for topic in topics
        }
        known = {member: Member.decode(meta.user_data) for member, meta in members.items()}
        features = agreed(known.values(), cls.door.features)
        # Two processes with one name would share a share: the member id keeps them apart.
        named = {f"{it.worker}\0{member}": member for member, it in known.items() if are_alike(it.features, features)}
        stable = {full.partition("\0")[0]: full for full in sorted(named)}
        workers = dict(stable) if len(stable) == len(named) else {full: full for full in named}
        owners = place({inlet: max(counts[t] for t in topics) for inlet, topics in cls.inlets.items()}, workers)
        given: dict[str, dict[str, list[int]]] = {member: defaultdict(list) for member in members}
        for (inlet, partition), worker in owners.items():
            for topic in cls.inlets[inlet]:
                if partition < counts[topic]:
                    given[named[workers[worker]]][topic].append(partition)
        told = Member("", features, 1 + max(it.round for it in known.values())).encode()
        return {
            member: ConsumerProtocolMemberAssignment(0, sorted(topics.items()), told)
            for member, topics in given.items()
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(0, list(topics), cls.door.metadata())

    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
        """What was agreed on; whether it is what this worker would do is asked when its partitions come."""
        cls.door.answer(assignment.user_data)
