"""Records that kill the process: how they are found and set aside.

The first batch after a take-over is small and announced in the changelog (a *trial*); batches then double in size. A
worker that dies in a trial leaves it behind with no position after it. The next owner then takes the records of that
trial one at a time, each announced on its own; a record whose owner died again, alone with it, is set aside as a dead
letter. So a record is set aside after it was in flight at three deaths in a row: in a batch, in a trial, and alone. A
worker that is killed from outside hits the same two short moments, one after the other and at the same record,
practically never.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from streams.engine.errors import EngineError
from streams.engine.inlet import Record

KEY = b"\0trial"
FIRST = 256
"""Records of the first batch after a take-over."""

PROCESS = uuid.uuid4().hex
"""Names this run of the program: a task taken over again by the same process did not die."""


class KilledWorker(EngineError):
    """A record was in flight whenever the worker died; it was set aside without being handled."""


@dataclass
class Trial:
    """What a task must be careful about. ``limit`` = most records of the next batch (``None``: any)."""

    limit: int | None = FIRST
    until: dict[str, int] = field(default_factory=dict)
    """Careful (one record at a time) for offsets below these, by topic."""
    suspect: tuple[str, int] | None = None
    """The record (topic, offset) that was alone in flight when the previous owner died."""

    @classmethod
    def after(cls, left: bytes | None, position: Mapping[str, int]) -> "Trial":
        """What the changelog's last trial means, given the position the tables stand at."""
        if left is None:
            return cls()
        trial = orjson.loads(left)
        moved = any(position.get(topic, offset) != offset for topic, offset in trial["position"].items())
        if moved or trial["process"] == PROCESS:
            return cls()
        alone = trial["alone"]
        return cls(1, trial["until"], (alone[0], alone[1]) if alone else None)

    @property
    def announced(self) -> bool:
        """Must the next batch be written to the changelog before it is handled?"""
        return self.limit is not None and self.limit <= FIRST

    def announcement(self, position: Mapping[str, int], records: list[Record]) -> bytes:
        """The changelog record to write before handling ``records``."""
        until = self.until or {r.topic: r.offset + 1 for r in records}
        alone = [records[0].topic, records[0].offset] if self.until else None
        return orjson.dumps({"process": PROCESS, "position": dict(position), "until": until, "alone": alone})

    def first(self, records: list[Record]) -> list[Record]:
        """While careful, those in doubt come first, the suspect before all: no busy topic may keep them waiting."""
        if not self.until:
            return records
        return sorted(
            records, key=lambda r: ((r.topic, r.offset) != self.suspect, r.offset >= self.until.get(r.topic, 0))
        )

    def refuse(self, record: Record) -> None:
        """Raises `KilledWorker` for the record that was alone in flight when the previous owner died."""
        if self.suspect == (record.topic, record.offset):
            raise KilledWorker("the worker died three times in a row while it handled this record")

    def passed(self, records: list[Record]) -> None:
        """A batch was committed: be less careful."""
        if self.suspect == (records[-1].topic, records[-1].offset):
            self.suspect = None
        if self.limit is None:
            return
        if self.until:
            last = records[-1]
            if last.offset + 1 >= self.until.get(last.topic, 0):
                self.until.pop(last.topic, None)
            if not self.until:
                self.limit = FIRST
        else:
            self.limit = self.limit * 2 if self.limit < 8 * FIRST else None
