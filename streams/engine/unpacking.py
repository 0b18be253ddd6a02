"""Takes fetched record batches apart, in place of the client's own way: with limits, and with an answer to everything.

The client stops for good at what it cannot take apart, and inflates whatever it is sent. Here a record that cannot be
read, or a batch that is damaged or too large, comes as `Unfetchable` in its place, and reading goes on behind it.
"""

import math
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import dropwhile, islice
from operator import lt
from typing import Any, NamedTuple, NoReturn

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import calc_crc32c

from streams.engine import formats
from streams.engine.errors import BatchTooLarge, UnreadableRecord
from streams.engine.formats import FRAME, Header, Unreadable
from streams.engine.inlet import Unfetchable

_SPECIAL = formats.TRANSACTIONAL | formats.CONTROL
_length = struct.Struct(">i").unpack_from
SLICE = 256
"""Records that are made before it is asked what their headers cost."""
SMALL, MIDDLE, DENSE = 64 << 10, 1 << 20, 32
"""An inflated batch is looked through for records with too many headers before any is made, if it has more bytes than
``MIDDLE``, or more than ``SMALL`` and came in a part of them that no events come in. What is not holds 32 MB of headers
at most, and who sent it had to send it.
"""
HEADER_BYTES = 64
"""Of memory, of an empty header."""


class Opened(NamedTuple):
    """A batch that is being read, inflated; the bytes it came in."""

    header: Header
    data: Any
    size: int


@dataclass
class Ration:
    """What the partitions of one consumer share: bytes of the record batches that are open. Beyond ``limit`` no further
    one is opened.
    """

    limit: float = math.inf
    lent: int = 0
    """Of polls before this one, still at work."""
    opened: dict[TopicPartition, int] = field(default_factory=dict)
    """In this poll."""
    spent: int = 0
    """Both together, and what polls before this one have opened and not read to its end."""
    doubted: dict[TopicPartition, int] = field(default_factory=dict)
    """Offsets of damaged batches that are fetched once more: it may have been the way here."""
    waiting: dict[TopicPartition, Any] = field(default_factory=dict)
    """What is fetched and not read to its end, with the batches that are read in portions."""

    def begin(self) -> None:
        """A poll begins."""
        self.opened.clear()
        self.spent = self.lent + sum([getattr(result, "inflated", 0) for result in self.waiting.values()])

    def forget(self, tps: Iterable[TopicPartition]) -> None:
        """What is fetched of these is thrown away: until they are sought again it holds no memory."""
        for tp in tps:
            self.waiting.pop(tp, None)

    def open(self, tp: TopicPartition, size: int) -> None:
        """A record batch was opened."""
        self.opened[tp] = self.opened.get(tp, 0) + size
        self.spent += size


class Batches:
    """The bytes of a fetch response, in place of the client's ``MemoryRecords``; `Unpacked` looks into them."""

    def __init__(self, data: bytes | None) -> None:
        self.data = data or b""

    def has_next(self) -> bool:
        return bool(self.data)

    def size_in_bytes(self) -> int:
        return len(self.data)


class Unpacked(PartitionRecords):
    """The records of one fetched partition. ``end``: where the partition ends, as the broker said."""

    next_fetch_offset: int

    def __init__(self, tp: TopicPartition, records: Batches, *rest: Any) -> None:
        super().__init__(tp, records, *rest)
        self.ration = Ration()
        self.end: int | None = None
        self.ended = False
        self._data, self._at = memoryview(records.data), 0
        self._fetched_from = self._next_offset = self.next_fetch_offset
        self._open: Iterator[Any] | None = None
        self._batch: Opened | None = None
        self.inflated = 0
        """Bytes of the batch that is open."""
        self._made: Any = None

    def __next__(self) -> Any:
        for record in self.take(1):
            return record
        raise StopIteration

    def take(self, most: int) -> list[Any]:
        """The next records; fewer at the end, or when the ration of this poll is spent. Never raises."""
        records: list[Any] = []
        while len(records) < most and (self._open is not None or self._advance()):
            known, start = len(records), self.next_fetch_offset
            want = min(most - known, SLICE)
            try:
                records.extend(islice(self._open or (), want))
                self._count_headers(records, known)
                offsets = [record.offset for record in records[known:]]
                if offsets and not (
                    start <= offsets[0] and offsets[-1] < self._next_offset and all(map(lt, offsets, offsets[1:]))
                ):
                    del records[known:]
                    self._lie()
            except Exception as error:  # noqa: BLE001 - whatever the decoder stumbled over, the others are wanted
                self._stumbled(records, known, error)
            else:
                if len(records) - known < want or records[-1].offset + 1 == self._next_offset:
                    self.next_fetch_offset, self._open, self._batch = self._next_offset, None, None
                    self.inflated = 0
                else:
                    self.next_fetch_offset = records[-1].offset + 1
        return records

    def _count_headers(self, records: list[Any], known: int) -> None:
        """They count to what is open; a record with too many is refused."""
        counts = [len(record.headers) for record in (records[known:] if known else records)]
        if not any(counts):
            return
        for number, count in enumerate(counts, known):
            if count > formats.MAX_HEADERS:
                record = records[number]
                what = Unreadable(record.offset, record.offset, formats.too_many(count), record.key, record.value)
                records[number] = self._fault(what, BatchTooLarge(what.why), self._batch)
        self.ration.open(self._tp, HEADER_BYTES * sum(counts))

    def _lie(self) -> NoReturn:
        raise UnreadableRecord("records say that they have offsets which they cannot have")

    def _stumbled(self, records: list[Any], known: int, error: Exception) -> None:
        """Read on in the batch one by one, from the first record that is not there yet."""
        whole = self.next_fetch_offset
        for number, record in enumerate(records[known:], known):
            if not whole <= record.offset < self._next_offset:
                del records[number:]
                break
            whole = record.offset + 1
        self.next_fetch_offset = whole
        self._count_headers(records, known)
        batch, self._batch = self._batch, None
        if batch is None:  # it was read one by one already
            self._pass_by(self._next_offset - 1, error)
        else:
            self._open = self._singly(batch)

    def _singly(self, batch: Opened) -> Iterator[Any]:
        for found in formats.singly(batch.header, batch.data, self.next_fetch_offset):
            if type(found) is Unreadable:
                kind = BatchTooLarge if found.large else UnreadableRecord
                yield self._fault(found, kind(found.why), batch)
            else:
                yield self._consumer_record(self._tp, found)

    def _advance(self) -> bool:
        """Open the next batch that has something for the reader; ``False``: there is none in this poll."""
        while not self.ended and self.ration.spent < self.ration.limit:
            at, left = self._at, len(self._data) - self._at
            stop = at + FRAME.size + _length(self._data, at + 8)[0] if left >= FRAME.size else at
            if formats.LEAST <= stop - at - FRAME.size <= left - FRAME.size:
                self._at = stop
                self._look_into(self._data[at:stop])
            elif self.next_fetch_offset > self._fetched_from:
                self.ended = True
            else:  # the broker sends whole batches: at least one
                self._damaged(self.next_fetch_offset, UnreadableRecord("no record batch begins here"))
            if self._open is not None:
                return True
        return False

    def _look_into(self, data: memoryview) -> None:
        """Open a batch, unless it is not for the reader; what is wrong with it as a whole costs all of it."""
        magic = data[formats.MAGIC]
        if magic < 2:
            self._legacy(data)
            return
        if magic > 2 or len(data) < formats.HEADER.size:
            error = UnreadableRecord(f"a record batch of format {magic} in {len(data)} bytes")
            self._damaged(self.next_fetch_offset, error)
            return
        header = Header._make(formats.HEADER.unpack_from(data))
        last = header.base + header.delta
        believable = header.delta >= 0 and (self.end is None or last < self.end)
        if not believable or (self._check_crcs and calc_crc32c(data[formats.CRC_FROM :]) != header.crc):
            near = believable and header.delta < formats.MAX_RECORDS and last >= self.next_fetch_offset
            error = UnreadableRecord("the record batch is damaged: its checksum or its offsets cannot be right")
            self._damaged(last if near else self.next_fetch_offset, error)
        elif last < self.next_fetch_offset:
            pass
        elif not header.attributes & _SPECIAL or self._wanted(header, data):
            self._begin(header, data, last)
        else:
            self.next_fetch_offset = last + 1

    def _wanted(self, header: Header, data: memoryview) -> bool:
        """Is it neither a marker nor of a transaction that was aborted?"""
        control = bool(header.attributes & formats.CONTROL)
        if self._isolation_level == READ_COMMITTED:
            self._consume_aborted_up_to(header.base)
            if control and formats.is_abort(data):
                self._aborted_producers.discard(header.producer)
            if header.attributes & formats.TRANSACTIONAL and header.producer in self._aborted_producers:
                return False
        return not control

    def _begin(self, header: Header, data: memoryview, last: int) -> None:
        start = self.next_fetch_offset
        try:
            batch = Opened(header, formats.inflated(header, data), len(data))
        except UnreadableRecord as error:
            self._pass_by(last, error, Opened(header, b"", len(data)))
            return
        self._next_offset = last + 1
        self.inflated = len(batch.data)
        self.ration.open(self._tp, self.inflated)
        if (
            self.inflated > SMALL
            and (self.inflated > MIDDLE or self.inflated > DENSE * batch.size)
            and formats.crowded(header, batch.data)
        ):
            self._open = self._singly(batch)
            return
        self._batch = batch
        records = iter(DefaultRecordBatch(batch.data))
        if header.base < start:
            records = dropwhile(lambda record: record.offset < start, records)
        if self._made is None:
            self._made = partial(self._consumer_record, self._tp)
        self._open = map(self._made, records)

    def _legacy(self, data: memoryview) -> None:
        start, last = self.next_fetch_offset, FRAME.unpack_from(data)[0]
        if self.end is not None and last >= self.end:
            why = f"a message with offset {last}, and the partition ends at {self.end}"
            self._damaged(start, UnreadableRecord(why))
            return
        try:
            found = formats.messages(data, check=self._check_crcs)
        except UnreadableRecord as error:
            self._damaged(last if start <= last < start + formats.MAX_RECORDS else start, error)
            return
        wanted = [r for r in found if start <= r.offset <= last]
        if wanted:
            self.inflated = sum([len(r.value or b"") for r in wanted])
            self.ration.open(self._tp, self.inflated)
            self._open, self._next_offset = map(partial(self._consumer_record, self._tp), wanted), last + 1

    def _damaged(self, last: int, error: UnreadableRecord) -> None:
        """Fetch it once more, it may have been the way here; then pass by up to ``last``."""
        start, doubted = self.next_fetch_offset, self.ration.doubted
        if doubted.get(self._tp) != start:
            doubted[self._tp] = start
            self.ended = True
            return
        if last == start:  # where it ends is not known: what comes behind is fetched again
            self._at = len(self._data)
        self._pass_by(last, error)

    def _pass_by(self, last: int, error: Exception, batch: Opened | None = None) -> None:
        self._open = iter([self._fault(Unreadable(self.next_fetch_offset, last, formats.said(error)), error, batch)])
        self._next_offset = last + 1

    def _fault(self, what: Unreadable, error: Exception, batch: Opened | None) -> Unfetchable:
        count = what.last - what.first + 1
        where = f"offset {what.first}" if count == 1 else f"{count} records, offsets {what.first} to {what.last},"
        packed = f" of a record batch of {batch.size} bytes" if batch else ""
        kind = type(error) if isinstance(error, UnreadableRecord) else UnreadableRecord
        stamp = batch.header.max_time if batch and batch.header.max_time > 0 else int(time.time() * 1000)
        place = (self._tp.topic, self._tp.partition, what.last, stamp, kind(f"{where}{packed}: {what.why}"))
        return Unfetchable(*place, what.key, what.value, first=what.first)


class Result(FetchResult):
    """What waits for a poll of one partition."""

    _partition_records: Unpacked | None

    def __init__(self, tp: TopicPartition, *, assignment: Any, partition_records: Unpacked, backoff: float) -> None:
        super().__init__(tp, assignment=assignment, partition_records=partition_records, backoff=backoff)
        partition_records.ration = vars(assignment).setdefault("ration", Ration())
        partition_records.end = assignment.state_value(tp).highwater

    @property
    def inflated(self) -> int:
        """Bytes of the batch that is open, while the partition is read."""
        waiting = self._partition_records
        return waiting.inflated if waiting is not None and self._assignment.active else 0

    def getall(self, max_records: int | None = None) -> list[Any]:
        waiting = self._partition_records
        if not self.check_assignment(self._topic_partition) or waiting is None:
            return []
        records: list[Any] = waiting.take(max_records or sys.maxsize)
        self._update_position()
        if waiting.ended:
            self._partition_records = None
        return records
