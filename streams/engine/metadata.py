"""What the broker says of topics: how many partitions, and the id, which a topic that is deleted and made anew has not
kept. aiokafka asks in a version of the request that knows no ids, so the one that does (12) is written down here.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

NO_ERROR, UNKNOWN_TOPIC, NOT_AUTHORIZED = 0, 3, 29


class Topic(NamedTuple):
    """A topic as the broker has it; one that does not exist has no partitions."""

    partitions: int
    id: str
    """32 hexadecimal digits; empty for a topic that does not exist."""
    error: int = NO_ERROR


class _Uuid:
    """16 bytes, as hexadecimal digits."""

    @staticmethod
    def encode(value: str) -> bytes:
        return UUID(hex=value).bytes

    @staticmethod
    def decode(data: Any) -> str:
        return UUID(bytes=data.read(16)).hex


_NO_ID = UUID(int=0).hex
_id: Any = _Uuid


class _Response(Response):
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString()),
                ("port", Int32),
                ("rack", CompactString()),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString()),
                ("topic_id", _id),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Struct(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _Response
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _id), ("topic", CompactString()), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Request(Request[_Struct]):
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = list(topics)

    def build(self, request_struct_class: type[_Struct]) -> _Struct:
        return request_struct_class([(_NO_ID, topic, {}) for topic in self._topics], False, False, {})


async def topics(consumer: AIOKafkaConsumer, names: Iterable[str]) -> dict[str, Topic]:
    """These topics as the broker has them now; none is created by asking. Raises `KafkaError`."""
    client = consumer._client  # noqa: SLF001 - a consumer has no public way to ask
    node = client.get_random_node()
    if node is None:
        raise NodeNotReadyError("no broker is known")
    response = await client.send(node, _Request(names))
    return {
        name: Topic(len(partitions), "" if topic_id == _NO_ID else topic_id, error)
        for error, name, topic_id, _, partitions, *_ in response.topics
    }
