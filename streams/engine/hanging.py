"""A transaction of an owner before that has no mark in the changelog: how it ended is asked, and then it is ended."""

import logging
from collections.abc import Iterable

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streams.engine.changelog import Changelog
from streams.engine.connection import Connection
from streams.engine.coordinator import last_transaction
from streams.engine.errors import TaskLost

log = logging.getLogger(__name__)


async def was_committed(connection: Connection, transactional_id: str, changelog: Changelog) -> bool:
    """Did the owner before commit what has no mark in the changelog? Its coordinator forgets it when the next owner
    begins. A transaction that began before the last one that has its mark is not the one in question.
    """
    last = await last_transaction(connection, transactional_id)
    if last is None or not last.committed:
        return False
    marked = await changelog.last_marked()
    return marked is not None and last.started > marked


async def end_hanging(
    producer: AIOKafkaProducer, partitions: Iterable[TopicPartition], committed: bool, task: str
) -> None:
    """End a transaction that the broker takes for ended and has not marked: killed at the wrong moment, it leaves one
    behind. The next commit of this producer would end it as committed, long after it was done once more.

    ``partitions``: all that the task may write to. ``committed``: other partitions have its marks, and what was read
    there is not to be done once more: so it is committed here, too. A transaction that ends in the same partitions ends
    it; the broker begins none before all that it knows of has its marks, so what is only on its way is not touched.
    Raises `TaskLost`.
    """
    log.warning(
        "%s: a transaction of an owner before has no mark; it was %scommitted, and so is what is left of it",
        task,
        "" if committed else "not ",
    )
    try:
        await producer.begin_transaction()
        for tp in partitions:
            # A mark needs no records; the client has no public way to say so.
            producer._txn_manager.maybe_add_partition_to_txn(tp)  # noqa: SLF001
        await (producer.commit_transaction() if committed else producer.abort_transaction())
    except KafkaError as error:
        raise TaskLost(f"{task}: {type(error).__name__} {error}") from error
