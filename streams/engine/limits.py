"""How large a record the broker takes, so that one that is too large costs its record or row and not the batch."""

import logging
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from streams.engine import metadata
from streams.engine.kafka import FRAMING_BYTES, LARGEST_RECORD

log = logging.getLogger(__name__)

SETTING = "max.message.bytes"


async def largest_record(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> int:
    """Most bytes of a record's key and value that all these topics take, at most `LARGEST_RECORD`; that too when the
    broker does not tell (it wants the right to describe configurations).
    """
    try:
        told = await metadata.settings(consumer, topics, [SETTING])
    except KafkaError as error:
        log.warning("how large a record may be is not known (%s): %s bytes it is", error, LARGEST_RECORD)
        told = {}
    limits = {topic: int(found[SETTING]) for topic, found in told.items() if SETTING in found}
    name = min(limits, key=lambda topic: limits[topic], default="")
    largest = min(limits.get(name, LARGEST_RECORD + FRAMING_BYTES) - FRAMING_BYTES, LARGEST_RECORD)
    if largest < LARGEST_RECORD:
        log.warning("%s takes records of %s bytes at most: rows and outputs are held to that", name, largest)
    return max(largest, 1)
