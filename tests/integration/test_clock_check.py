"""The doctor's look at the clocks, on the broker."""

import time

from aiokafka import AIOKafkaProducer

from streams.engine.connection import Connection
from streams.inspect.machine import records_from_the_future
from tests.support.engine import create_topics


async def test_a_record_from_the_future_shows_a_wrong_clock(bootstrap: str, prefix: str) -> None:
    topics = [prefix + "right", prefix + "wrong", prefix + "empty"]
    await create_topics(bootstrap, dict.fromkeys(topics, 2))
    now = int(time.time() * 1000)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await producer.send_and_wait(prefix + "right", b"", partition=0, timestamp_ms=now)
    await producer.send_and_wait(prefix + "wrong", b"", partition=1, timestamp_ms=now + 600_000)
    await producer.stop()

    (problem,) = await records_from_the_future(Connection(bootstrap), [*topics, "not-there"])
    assert problem.startswith(f"{prefix}wrong holds a record stamped ")
    seconds = int(problem.split(" stamped ")[1].split()[0])
    assert 570 <= seconds <= 600
