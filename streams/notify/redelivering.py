"""Dead letters, listed and sent again: what the commands do.

Letters are marked to be sent again in one transaction of a producer whose name all such commands share. Its start ends
that of every other one, and only then letters are read: so no letter is marked twice, whoever asks at the same time.
The process that delivers to the target reads the mark, and sends it like any other message.
"""

import asyncio
from collections.abc import Iterable, Sequence

from aiokafka.errors import KafkaError, ProducerFenced

from schemas.notify import NotifyDeadLetter
from streams.alerts.matching import Matcher
from streams.kafka.connection import connection_of
from streams.kafka.reading import read_to_end
from streams.local.probe import unreachable
from streams.notify.errors import NotifyError
from streams.notify.letters import TOPIC, again, chosen, decoded, encoded, latest
from streams.settings import Settings


async def letters(settings: Settings) -> dict[str, NotifyDeadLetter]:
    """Id → how the letter stands. Raises `BrokerError`, `TopicMissing`."""
    records = read_to_end(connection_of(settings), [settings.topic_prefix + TOPIC])
    found = [decoded(record.value) async for record in records]
    return latest(each for each in found if each is not None)


async def redeliver(
    settings: Settings, targets: Sequence[str], where: Sequence[Matcher], by: str, now: int
) -> list[NotifyDeadLetter]:
    """Have the dead letters of some targets, with a step that fits, sent once more; which. Raises `BrokerError`,
    `TopicMissing`, `NotifyError`."""
    producer = connection_of(settings).transactional_producer(f"{settings.group}-notify-redeliver")
    try:
        await producer.start()
        found = chosen((await letters(settings)).values(), targets, where)
        await _mark(producer, settings.topic_prefix + TOPIC, (again(each, by, now) for each in found))
    except KafkaError as error:
        if isinstance(error, ProducerFenced):
            raise NotifyError("nothing is sent again: another redelivery took over") from error
        why = await asyncio.to_thread(unreachable, settings.bootstrap_servers, error)
        raise NotifyError(f"nothing is sent again: {why}") from error
    finally:
        await producer.stop()
    return found


async def _mark(producer: object, topic: str, marked: Iterable[NotifyDeadLetter]) -> None:
    some = [encoded(each) for each in marked]
    if not some:
        return
    async with producer.transaction():  # type: ignore[attr-defined]
        for key, value in some:
            await producer.send_and_wait(topic, value, key)  # type: ignore[attr-defined]
