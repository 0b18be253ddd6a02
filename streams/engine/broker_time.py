"""Compares this worker's clock with the broker's, before it takes part."""

import logging
from datetime import UTC, datetime

from streams.engine.clock import ALLOWED_SECONDS, Clock
from streams.engine.connection import Connection
from streams.engine.errors import WrongClock

log = logging.getLogger(__name__)
APPEND_TIME = 1
"""The type of a timestamp that the broker gave."""


async def compare(connection: Connection, topic: str, name: str, clock: Clock) -> None:
    """Ask the broker for its time: write a record in a transaction, which is aborted, so that nobody ever reads it.

    ``topic``: one whose records the broker stamps; ``name``: the transactional id. Raises `WrongClock`.
    """
    producer = connection.transactional_producer(name)
    try:
        await producer.start()
        await producer.begin_transaction()
        sent = clock.steady()
        written = await producer.send_and_wait(topic, key=b"clock", value=b"", partition=0)
        answered = clock.steady()
        await producer.abort_transaction()
    finally:
        await producer.stop()
    if written.timestamp_type != APPEND_TIME:
        log.warning("the broker does not stamp %s (LogAppendTime): this worker's clock is not compared with it", topic)
        return
    clock.heard(sent, written.timestamp, answered)
    ahead = clock.ahead() or 0.0
    if abs(ahead) > ALLOWED_SECONDS:
        ours = datetime.fromtimestamp(written.timestamp / 1000 + ahead, UTC)
        theirs = datetime.fromtimestamp(written.timestamp / 1000, UTC)
        raise WrongClock(ours.isoformat("T", "milliseconds"), theirs.isoformat("T", "milliseconds"), ahead)
