"""What is remembered of a task whose batches the broker refuses: it is lost and taken over again each time."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streams.engine.inlet import Record

RETRY_SECONDS = 60.0
"""How long the end of batches is left out before it is tried again."""
TICKS = 3
"""Refusals of ticks after which the end of batches is left out."""


@dataclass
class Doubt:
    """Batches are halved until one record is left, which is then set aside without being handled."""

    limit: int | None = None
    """Most records of the next batch."""
    refused: dict[tuple[str, int], Exception] = field(default_factory=dict)
    """Records (topic, offset) that are not to be handled."""
    ticks: int = 0
    finish: Exception | None = None
    """The end of batches is left out for this reason."""
    again: float = 0.0
    """When a tick tries it once more, monotonic."""

    def learn(self, records: Sequence[Record], error: Exception) -> None:
        """A batch of these records was refused."""
        if len(records) > 1:
            self.limit = max(len(records) // 2, 1)
        elif records and (where := (records[0].topic, records[0].offset)) not in self.refused:
            self.limit, self.refused[where] = 1, error
        else:  # nothing was handled: it is what the end of the batch sends
            self.ticks += 1
            if self.ticks >= TICKS:
                self.finish, self.again = error, time.monotonic() + RETRY_SECONDS

    def left_out(self, records: Sequence[Record]) -> Exception | None:
        """Why the end of a batch of these records is left out. Only a tick tries it again: no record is to blame."""
        return self.finish if records or time.monotonic() < self.again else None

    def passed(self) -> None:
        """A batch was committed with its end."""
        self.ticks, self.finish = 0, None

    def past(self, position: Mapping[str, int]) -> bool:
        """Is all of it over, with the inputs read up to here?"""
        return self.finish is None and all(offset < position.get(topic, 0) for topic, offset in self.refused)
