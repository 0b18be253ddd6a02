"""How large a record the broker takes, so that one that is too large costs its record or row and not the batch."""

import logging
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from streams.engine.kafka import FRAMING_BYTES, LARGEST_RECORD

log = logging.getLogger(__name__)

SETTING = "max.message.bytes"


async def largest_record(bootstrap: str, topics: Iterable[str]) -> int:
    """Most bytes of a record's key and value that all these topics take, at most `LARGEST_RECORD`; that too when the
    broker does not tell (it wants the right to describe configurations).
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic, {SETTING: ""}) for topic in topics]
    try:
        await admin.start()
        told = {
            resource[3]: int(entry[1])
            for response in await admin.describe_configs(asked)
            for resource in response.resources
            for entry in resource[4]
            if entry[0] == SETTING and entry[1]
        }
    except KafkaError as error:
        log.warning("how large a record may be is not known (%s): %s bytes it is", error, LARGEST_RECORD)
        told = {}
    finally:
        await admin.close()
    name = min(told, key=lambda topic: told[topic], default="")
    largest = min(told.get(name, LARGEST_RECORD + FRAMING_BYTES) - FRAMING_BYTES, LARGEST_RECORD)
    if largest < LARGEST_RECORD:
        log.warning("%s takes records of %s bytes at most: rows and outputs are held to that", name, largest)
    return max(largest, 1)
