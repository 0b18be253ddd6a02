"""Records that kill the process: how they are found and set aside.

The first batch after a take-over is small and announced in the changelog (a *trial*); batches then double in size. A
worker that dies in a trial leaves it behind with no position after it. The next owner then takes the records of that
trial one at a time, each announced on its own. A record whose owner died alone with it is tried once more, alone and
before all others; when that owner dies too, it is set aside as a dead letter. So a record is set aside after it was in
flight at three deaths in a row: in a trial, alone, and alone again (four when the worker was busy before: then the
first one was in a batch that nobody announced).

Once would not be enough: as long as records are taken one at a time, whoever kills the worker from outside hits one.
The same record again is one short moment, which is hit practically never, as long as nothing else is at work in it: a
record of another partition that kills the worker is in a batch that nobody announced, again and again.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from streams.engine.errors import EngineError
from streams.engine.inlet import Record

FIRST = 64
"""Records of the first batch after a take-over."""
TOGETHER = 8
"""First batches at work at once. Whatever is at work when the process dies is taken one by one afterwards."""
DEATHS_ALONE = 2
"""A record is set aside when so many workers in a row died alone with it."""

PROCESS = uuid.uuid4().hex
"""Names this run of the program: a task taken over again by the same process did not die."""


class KilledWorker(EngineError):
    """A record was in flight whenever the worker died; it was set aside without being handled."""


class Turns:
    """Who may be at work: batches beside each other, several first batches among them, or one record in doubt."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(TOGETHER)
        self._doors, self._all_doors = asyncio.Lock(), asyncio.Lock()
        self._beside = 0
        self._left = asyncio.Event()

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """A batch that nobody announced, beside all but a record whose next death decides."""
        async with self._all_doors:
            self._beside += 1
        try:
            yield
        finally:
            self._beside -= 1
            self._left.set()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Beside other first batches."""
        async with self._doors:  # whoever wants to be alone and waits for places lets nobody in after it
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    @asynccontextmanager
    async def alone(self, *, decides: bool) -> AsyncIterator[None]:
        """With no other announced batch; ``decides``: with no other batch at all. If the process dies, it was this
        record.
        """
        taken = 0
        async with self._doors:
            try:
                while taken < TOGETHER:
                    await self._places.acquire()
                    taken += 1
                if not decides:
                    yield
                    return
                async with self._all_doors:  # nobody comes in, and those at work come to their end
                    while self._beside:
                        self._left.clear()
                        await self._left.wait()
                    yield
            finally:
                for _ in range(taken):
                    self._places.release()


@dataclass
class Trial:
    """What a task must be careful about. ``limit`` = most records of the next batch (``None``: any)."""

    limit: int | None = FIRST
    until: dict[str, int] = field(default_factory=dict)
    """Careful (one record at a time) for offsets below these, by topic."""
    suspect: tuple[str, int] | None = None
    """The record (topic, offset) that was alone in flight when the previous owner died."""
    deaths: int = 0
    """How many owners in a row died alone with the suspect."""

    @classmethod
    def after(cls, left: bytes | None, position: Mapping[str, int]) -> "Trial":
        """What the changelog's last trial means, given the position the tables stand at.

        Whoever hands a task over half-way, or loses it without dying, leaves the rest of the records in doubt as well.
        """
        if left is None:
            return cls()
        trial = orjson.loads(left)
        moved = any(position.get(topic, offset) != offset for topic, offset in trial["position"].items())
        died = not moved and trial["process"] != PROCESS
        if trial["alone"] is None:
            return cls(1, trial["until"]) if died else cls()
        doubtful = {topic: until for topic, until in trial["until"].items() if position.get(topic, 0) < until}
        if not doubtful:
            return cls()
        if moved:
            return cls(1, doubtful)
        topic, offset, *known = trial["alone"]
        deaths = known[0] if known else 1  # older programs did not count
        return cls(1, doubtful, (topic, offset), deaths if died else deaths - 1)

    @property
    def careful(self) -> bool:
        """Is the next record one that was in flight when the previous owner died?"""
        return bool(self.until)

    @property
    def decisive(self) -> bool:
        """Is the suspect set aside if the worker dies once more?"""
        return self.suspect is not None and self.deaths == DEATHS_ALONE - 1

    @property
    def announced(self) -> bool:
        """Must the next batch be written to the changelog before it is handled?"""
        return self.limit is not None and self.limit <= FIRST

    def announcement(self, position: Mapping[str, int], records: list[Record]) -> bytes:
        """The changelog record to write before handling ``records``."""
        until = self.until or {r.topic: r.offset + 1 for r in records}
        alone = None
        if self.until:
            first = (records[0].topic, records[0].offset)
            alone = [*first, self.deaths + 1 if first == self.suspect else 1]
        return orjson.dumps({"process": PROCESS, "position": dict(position), "until": until, "alone": alone})

    def first(self, records: list[Record]) -> list[Record]:
        """While careful, those in doubt come first, the suspect before all: no busy topic may keep them waiting."""
        if not self.until:
            return records
        return sorted(
            records, key=lambda r: ((r.topic, r.offset) != self.suspect, r.offset >= self.until.get(r.topic, 0))
        )

    def refuse(self, record: Record) -> None:
        """Raises `KilledWorker` for the record that was alone in flight when the previous owners died."""
        if self.deaths >= DEATHS_ALONE and self.suspect == (record.topic, record.offset):
            raise KilledWorker("the worker died three times in a row while it handled this record")

    def passed(self, records: list[Record]) -> None:
        """A batch was committed: be less careful."""
        if self.suspect == (records[-1].topic, records[-1].offset):
            self.suspect, self.deaths = None, 0
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
