"""What the group is told of positions: for those who watch its lag. The engine reads it only to know whether state that
is not there was ever there (`topology`).

A position says which records are done. Where they leave more to be done than a batch takes, the offset's metadata says
so: `UNFINISHED`. Both are of the same commit.
"""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from mode import Service
from mode.utils.logging import get_logger

from streams.engine.tasks import Tasks

log = logging.getLogger(__name__)

TELL_SECONDS = 0.25
"""How often the group is told of positions that moved."""
ANSWER_SECONDS = 2.0
UNFINISHED = "unfinished"
"""Metadata of an offset below which all records are done, but not all that comes of them."""

Told = tuple[int, str]
"""Position and metadata."""


class Telling(Service):
    """Commits to the group, now and then, where the tables of the tasks stand."""

    logger = get_logger(__name__)

    def __init__(self, consumer: AIOKafkaConsumer, tasks: Tasks) -> None:
        super().__init__()
        self.consumer, self.tasks = consumer, tasks
        self.told: dict[TopicPartition, Told] = {}

    @Service.task
    async def _now_and_then(self) -> None:
        while not self.should_stop:
            await self.sleep(TELL_SECONDS)
            await self.tell()

    async def tell(self) -> None:
        """Tell what has changed."""
        if not self.tasks.settled:
            # It would be refused; the client then forgets who it is and joins anew, which it would never finish.
            return
        ours = self.consumer.assignment()
        positions = {
            tp: (position, UNFINISHED if task.rest else "")
            for task in self.tasks.owned.values()
            for tp in task.inputs
            if tp in ours and (position := task.position.get(tp.topic)) is not None
        }
        moved = {tp: position for tp, position in positions.items() if self.told.get(tp) != position}
        if not moved:
            return
        try:
            await asyncio.wait_for(self.consumer.commit(moved), ANSWER_SECONDS)
            self.told.update(moved)
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            # A rebalance, or a broker that is away: the next time will do.
            log.info("the group was not told of positions: %s %s", type(error).__name__, error)
