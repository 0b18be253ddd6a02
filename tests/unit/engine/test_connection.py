"""Every Kafka client is made by a connection, and every one that it makes goes where the connection goes."""

import re
from pathlib import Path
from typing import Any

import pytest

import streams
from streams.engine.connection import Connection

ROOT = Path(streams.__file__).parent
MAKES = ROOT / "engine" / "connection.py"
CLIENT = re.compile(r"\bAIOKafka(?:Consumer|Producer|AdminClient|Client)\b")
"""The client's own classes; Faust's consumer thread is none of them."""


def test_no_client_is_made_past_it() -> None:
    """The rooms above the engine do not even name the client's classes, under which they could be made."""
    for file in ROOT.rglob("*.py"):
        text = "" if file == MAKES else file.read_text()
        assert not re.search(CLIENT.pattern + r"\(", text), f"{file} makes a client: ask a `Connection` for it"
        if file.parent != MAKES.parent:
            assert not CLIENT.search(text), f"{file} names a client's class: {MAKES} has names for them"


async def test_all_of_them_go_where_it_goes() -> None:
    connection = Connection("a.example:9092,b.example:9093")
    consumer, producer = connection.consumer(group_id="g"), connection.producer()
    transactional, admin = connection.transactional_producer("t"), connection.admin()
    clients: list[Any] = [consumer._client, producer.client, transactional.client, admin._client]
    for client in (*clients, connection.client("c")):
        assert {host[:2] for host in client.hosts} == {("a.example", 9092), ("b.example", 9093)}
    for each in (consumer, producer, transactional):
        await each.stop()
    await admin.close()


async def test_where_it_goes_is_not_for_whoever_asks_for_a_client() -> None:
    with pytest.raises(TypeError, match="bootstrap_servers"):
        Connection("a.example:9092").consumer(bootstrap_servers="b.example:9092")
