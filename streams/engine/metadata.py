"""What the broker says of topics: how many partitions, the id, which a topic that is deleted and made anew has not
kept, and the settings. aiokafka asks in a version of the request that knows no ids, so the one that does (12) is
written down here.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.admin import DescribeConfigsRequest
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
    replicas: int = 1
    """Of the partition that has the fewest."""


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
    response = await _ask(consumer, _Request(names))
    return {
        name: Topic(
            len(partitions),
            "" if topic_id == _NO_ID else topic_id,
            error,
            min([len(replicas) for _, _, _, _, replicas, *_ in partitions], default=1),
        )
        for error, name, topic_id, _, partitions, *_ in response.topics
    }


async def settings(
    consumer: AIOKafkaConsumer, names: Iterable[str], wanted: Collection[str]
) -> dict[str, dict[str, str]]:
    """Topic → the wanted settings that it has, the broker's defaults included. A topic of which this client may not
    ask (it takes DESCRIBE_CONFIGS), or that is not there, is left out. Raises `KafkaError`.
    """
    resources = [(ConfigResourceType.TOPIC, name, list(wanted)) for name in names]
    response = await _ask(consumer, DescribeConfigsRequest(resources))
    return {
        name: {entry[0]: entry[1] for entry in entries if entry[1] is not None}
        for error, _, _, name, entries in response.resources
        if error == NO_ERROR
    }


async def _ask(consumer: AIOKafkaConsumer, request: Request[Any]) -> Any:
    client = consumer._client  # noqa: SLF001 - a consumer has no public way to ask
    node = client.get_random_node()
    if node is None:
        raise NodeNotReadyError("no broker is known")
    return await client.send(node, request)
