"""Changes single settings of topics and leaves the others as they are.

aiokafka alters a topic with a request that takes back every setting that it does not name, so the one that does not
(IncrementalAlterConfigs, version 0) is written down here.
"""

import asyncio
import time
from collections.abc import Iterable
from itertools import groupby

from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from streams.engine import metadata
from streams.engine.connection import Connection
from streams.engine.demands import Departure
from streams.kafka.connection import open_admin, open_consumer
from streams.kafka.topics import KNOWN_SECONDS, TopicsError

_SET = 0


class _Response(Response):
    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class _Struct(RequestStruct):
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = _Response
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(("name", String("utf-8")), ("config_operation", Int8), ("value", String("utf-8"))),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class _Request(Request[_Struct]):
    API_KEY = 44

    def __init__(self, changes: Iterable[Departure], *, only_check: bool) -> None:
        by_topic = groupby(sorted(changes, key=lambda each: each.topic), key=lambda each: each.topic)
        self._resources = [
            (ConfigResourceType.TOPIC, topic, [(each.demand.setting, _SET, each.mended) for each in some])
            for topic, some in by_topic
        ]
        self._only_check = only_check

    def build(self, request_struct_class: type[_Struct]) -> _Struct:
        return request_struct_class(self._resources, self._only_check)


async def alter(connection: Connection, changes: Iterable[Departure], *, only_check: bool = False) -> None:
    """Give each setting the value that mends it, and wait until that holds; ``only_check``: ask the broker whether it
    would. Raises `TopicsError`, which names the topics that it refused; the others are altered.
    """
    changes = list(changes)
    async with open_admin(connection, TopicsError) as admin:
        response = await admin._send_request(_Request(changes, only_check=only_check))  # noqa: SLF001 - see above
    refused = [f"{name}: {why or for_code(code).__name__}" for code, why, _, name in response.responses if code]
    if refused:
        raise TopicsError(f"the broker refuses to alter {'; '.join(refused)}")
    if not only_check:
        await _holds(connection, changes)


async def _holds(connection: Connection, changes: Iterable[Departure]) -> None:
    """Wait until the broker that is asked knows the new values: it answers before it does."""
    until, left = time.monotonic() + KNOWN_SECONDS, list(changes)
    async with open_consumer(connection, TopicsError) as consumer:
        while left:
            names, wanted = {each.topic for each in left}, {each.demand.setting for each in left}
            told = await metadata.settings(consumer, names, wanted)
            left = [each for each in left if told.get(each.topic, {}).get(each.demand.setting) != each.mended]
            if left and time.monotonic() > until:
                raise TopicsError(f"{left[0].topic}: {left[0].demand.setting} was altered and is not {left[0].mended}")
            await asyncio.sleep(0.05)
