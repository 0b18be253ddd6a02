"""A broker that answers and knows no leader is not asked without pause."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.engine.kafka import patient
from tests.support.engine import create_topics, until


async def test_a_topic_that_is_gone_costs_few_questions(bootstrap: str, prefix: str) -> None:
    gone = prefix + "gone"
    await create_topics(bootstrap, {gone: 1})
    consumer, asked = AIOKafkaConsumer(bootstrap_servers=bootstrap), 0
    client: Any = consumer._client
    update = client._metadata_update

    async def counted(*given: Any) -> bool:
        nonlocal asked
        asked += 1
        return bool(await update(*given))

    client._metadata_update = counted
    patient(client)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(gone, 0)])  # nothing else: a fetch that waits would hold the questions up
        await consumer.seek_to_end()
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.delete_topics([gone])
        await admin.close()
        await until(lambda: client.cluster.partitions_for_topic(gone) is None)
        before = asked
        await asyncio.sleep(2)  # time is the subject: how often it asks in that
        assert 2 <= asked - before <= 60, "as quickly as it answers it would be 1,700"
    finally:
        await consumer.stop()
