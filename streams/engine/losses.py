"""Which changelogs have lost what they held, as the broker tells."""

from collections.abc import Collection, Iterable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.changelog import hollow
from streams.engine.connection import Connection
from streams.engine.kafka import meet, stable_ends


async def lost_changelogs(
    connection: Connection, consumer: AIOKafkaConsumer, inputs: Mapping[TopicPartition, Iterable[str]]
) -> list[TopicPartition]:
    """Partitions of changelogs of which the state is gone, and of which an empty one would have everything published
    again: those from which all was deleted; and all of a changelog that is empty, although the group has read what it
    is made of.

    ``inputs``: each partition of each changelog, and the topics its task reads there. ``consumer`` is of the group.
    """
    await meet(consumer, inputs)
    ends = await consumer.end_offsets(list(inputs))
    begins = await consumer.beginning_offsets(list(inputs))
    gone = [tp for tp in ends if 0 < begins[tp] == ends[tp]]
    empty = await hollow(connection, {tp: ends[tp] - begins[tp] for tp in ends})
    read = [TopicPartition(topic, tp.partition) for tp in ends if tp.topic in empty for topic in inputs[tp]]
    if not read:
        return sorted(gone)
    # One request for all; the public call takes one for each partition.
    told = await consumer._coordinator.fetch_committed_offsets(read)  # noqa: SLF001
    await meet(consumer, read)
    firsts = await consumer.beginning_offsets(read) if told else {}
    lasts = await consumer.end_offsets(read) if told else {}
    again = {tp for tp in told if firsts[tp] < told[tp].offset <= lasts[tp]}
    lost = {tp.topic for tp in ends if any(TopicPartition(topic, tp.partition) in again for topic in inputs[tp])}
    lost &= empty
    if lost:
        # Asked once more: another worker's very first commits may have come in between, or not be marked yet.
        ends = await stable_ends(consumer, [tp for tp in inputs if tp.topic in lost])
        lost = await hollow(connection, {tp: ends[tp] - begins[tp] for tp in ends})
    return sorted({*gone, *(tp for tp in inputs if tp.topic in lost)})


async def shortened(consumer: AIOKafkaConsumer, changelogs: Collection[TopicPartition]) -> list[str]:
    """Changelogs from whose beginning something was deleted, with the places. Compaction leaves the beginning at 0;
    only another policy, or somebody with a tool, moves it.
    """
    await meet(consumer, changelogs)
    begins = await consumer.beginning_offsets(list(changelogs))
    places: dict[str, list[str]] = {}
    for tp, begin in sorted(begins.items()):
        if begin:
            places.setdefault(tp.topic, []).append(f"{tp.partition} at {begin}")
    return [
        f"{topic}: records were deleted from its beginning, and with them rows that had not changed since; it begins "
        f"in partition {', '.join(found)}"
        for topic, found in places.items()
    ]
