"""Where dead letters are put."""

import asyncio
import logging

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from schemas.notify import NotifyDeadLetter
from streams.engine.connection import Connection, Producer
from streams.engine.kafka import MAX_REQUEST_BYTES
from streams.notify.letters import encoded

log = logging.getLogger(__name__)


class LetterBox:
    """Writes to the topic `notify.dead-letters`, until the broker has it."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection, self._topic = connection, topic
        self._producer: Producer

    async def start(self) -> None:
        """Raises `KafkaError`."""
        self._producer = self._connection.producer(
            enable_idempotence=True, compression_type="gzip", linger_ms=0, max_request_size=MAX_REQUEST_BYTES
        )
        await self._producer.start()

    async def put(self, letter: NotifyDeadLetter) -> None:
        """However long it takes: what is given up must not be lost."""
        while True:
            key, value = encoded(letter)
            try:
                await self._producer.send_and_wait(self._topic, value, key)
                return
            except (MessageSizeTooLargeError, RecordListTooLargeError):
                if not letter.events:
                    log.exception("%s: its dead letter is too large even without its steps", letter.id[:200])
                    return
                kept = letter.events[len(letter.events) // 2 + 1 :]  # the latest
                gone = letter.left_out + len(letter.events) - len(kept)
                letter = letter.model_copy(update={"events": kept, "left_out": gone})
            except KafkaError as error:
                log.warning("a dead letter of %s could not be written yet: %r", letter.target, error)
                await asyncio.sleep(1)

    async def stop(self) -> None:
        """What was put is on the broker."""
        await self._producer.stop()
