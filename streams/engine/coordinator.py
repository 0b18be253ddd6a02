"""How the last transaction of a producer ended, as its coordinator says (KIP-664). The client has no such request."""

import asyncio
import logging
import time
from typing import NamedTuple

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

from streams.engine.connection import Connection

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
"""How long is waited for a coordinator that is just loading what it knows."""
COMMITTED = frozenset({"PrepareCommit", "CompleteCommit"})


class _Response(Response):
    API_KEY = 65
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "transactions",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", CompactString()),
                ("state", CompactString()),
                ("timeout_ms", Int32),
                ("start_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                (
                    "topics",
                    CompactArray(
                        ("topic", CompactString()), ("partitions", CompactArray(Int32)), ("tags", TaggedFields)
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Struct(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 65
    API_VERSION = 0
    RESPONSE_TYPE = _Response
    SCHEMA = Schema(("transactional_ids", CompactArray(CompactString())), ("tags", TaggedFields))


class _Request(Request[_Struct]):
    API_KEY = 65

    def __init__(self, name: str) -> None:
        self._name = name

    def build(self, request_struct_class: type[_Struct]) -> _Struct:
        return request_struct_class([self._name], {})


class Transaction(NamedTuple):
    """The last one of a producer."""

    committed: bool
    """The coordinator has decided to commit it, whatever its partitions say."""
    started: int
    """By the coordinator's clock, ms; −1 = it does not say."""


async def last_transaction(connection: Connection, name: str) -> Transaction | None:
    """Of the producer of this transactional id; ``None``: the coordinator knows of none, or does not say (brokers
    before 3.0, no permission)."""
    client = connection.client("coordinator")
    try:
        await client.bootstrap()
        return await _asked(client, name)
    except (KafkaError, NotImplementedError) as error:
        log.warning("how the last transaction of %s ended is not known: %s %s", name, type(error).__name__, error)
        return None
    finally:
        await client.close()


async def _asked(client: AIOKafkaClient, name: str) -> Transaction:
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            node = await client.coordinator_lookup(CoordinationType.TRANSACTION, name)
            response = await client.send(node, _Request(name))
            ((code, _, state, _, started, *_),) = response.transactions
            if code:
                raise for_code(code)(f"for {name}")
            return Transaction(state in COMMITTED, started)
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
