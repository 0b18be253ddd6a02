"""Kafka's record batches as bytes: their header, their records one by one, and the older formats 0 and 1.

Here is what the client's decoder cannot do: go on behind a record that cannot be read, and refuse a batch by what its
header says. Offsets are those of the partition, times ms.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from aiokafka.record.default_records import DefaultRecord

from streams.engine.errors import BatchTooLarge, UnreadableRecord
from streams.engine.inflating import inflate

MAX_RECORDS = 200_000
"""Most records of one batch. What a batch may inflate to would hold 2.4 million empty ones."""
MAX_HEADERS = 100
"""Most headers of one record. An empty one is two bytes of a batch and 64 of memory."""
LARGE = 4096
"""Bytes of a record that may hold enough headers to matter: 16 MB of them would take over 600 MB and a second."""
FRAME = struct.Struct(">qi")
"""Base offset, and the length of what follows."""
HEADER = struct.Struct(">qiibIhiqqqhii")
MAGIC, CRC_FROM = 16, 21
CODEC, APPEND_TIME, TRANSACTIONAL, CONTROL = 0x07, 0x08, 0x10, 0x20
LEAST = 14
"""Fewest bytes behind a frame, in any format."""
_ATTRIBUTES = 22
"""Where their lower byte is."""
_MESSAGE = struct.Struct(">qiIbb")
_LENGTH = struct.Struct(">i")


class Header(NamedTuple):
    """Of a batch of format 2. ``delta``: from the first to the last offset."""

    base: int
    length: int
    epoch: int
    magic: int
    crc: int
    attributes: int
    delta: int
    first_time: int
    max_time: int
    producer: int
    producer_epoch: int
    sequence: int
    records: int


class Unreadable(NamedTuple):
    """In place of records that cannot be read: their offsets, why, and what could be read of a single one."""

    first: int
    last: int
    why: str
    key: bytes | None = None
    value: bytes | None = None
    large: bool = False
    """Is it refused for what reading it would cost?"""


def inflated(header: Header, data: memoryview) -> Any:
    """The batch as if it had never been compressed. Raises `BatchTooLarge`, `UnreadableRecord`."""
    if not 0 <= header.records <= MAX_RECORDS:
        raise BatchTooLarge(f"the batch says it has {header.records} records; at most {MAX_RECORDS} are taken")
    codec = header.attributes & CODEC
    if not codec:
        return data
    head = bytearray(data[: HEADER.size])
    head[_ATTRIBUTES] &= ~CODEC
    return b"".join((head, *inflate(codec, data[HEADER.size :])))


def is_abort(data: memoryview) -> bool:
    """Does a batch with a marker end an aborted transaction? One that cannot be read says so: what follows is read."""
    try:
        for record in singly(Header(*HEADER.unpack_from(data)), data, 0):
            return not isinstance(record, Unreadable) and struct.unpack_from(">HH", record.key) == (0, 0)
    except (struct.error, TypeError):
        pass
    return True


def singly(header: Header, data: Any, start: int) -> Iterator[Any]:
    """The records of an inflated batch from offset ``start`` on; what cannot be read as `Unreadable` in between."""
    last, at, following = header.base + header.delta, HEADER.size, max(header.base, start)
    for _ in range(header.records):
        try:
            length, at = _length(data, at)
        except (UnreadableRecord, IndexError) as error:
            if following <= last:
                yield Unreadable(following, last, said(error))
            return
        record = _record(header, memoryview(data)[at : at + length], following)
        at += length
        offset = record.last if type(record) is Unreadable else record.offset
        if offset < start:
            continue
        if not following <= offset <= last:
            if following > last:
                return
            record, offset = Unreadable(following, following, f"the record says that its offset is {offset}"), following
        following = offset + 1
        yield record
    if at < len(data) and following <= last:
        yield Unreadable(following, last, f"{len(data) - at} bytes lie behind the records of the batch")


def _record(header: Header, data: memoryview, expected: int) -> Any:
    offset, key, value = expected, None, None
    try:
        delta, at = _varint(data, 1)
        time = header.max_time if header.attributes & APPEND_TIME else header.first_time + delta
        delta, at = _varint(data, at)
        offset = header.base + delta
        key, at = _bytes(data, at)
        value, at = _bytes(data, at)
        count, at = _varint(data, at)
        if count > MAX_HEADERS:
            raise BatchTooLarge(too_many(count))
        headers = []
        for _ in range(count):
            name, at = _bytes(data, at)
            content, at = _bytes(data, at)
            headers.append(((name or b"").decode(), content))
        _ends(data, at, count)
        return DefaultRecord(offset, time, int(bool(header.attributes & APPEND_TIME)), key, value, headers)
    except (UnreadableRecord, IndexError, UnicodeDecodeError, OverflowError) as error:
        return Unreadable(offset, offset, said(error), key, value, large=isinstance(error, BatchTooLarge))


def too_many(headers: int) -> str:
    """Why a record is refused."""
    return f"the record says it has {headers} headers; at most {MAX_HEADERS} are taken"


def crowded(header: Header, data: Any) -> bool:
    """Must an inflated batch be read one by one, because a large record in it has too many headers, or is damaged?

    The client's decoder makes all headers of a record before anybody can ask how many there are.
    """
    at, size = HEADER.size, len(data)
    try:
        for _ in range(header.records):
            low, high = data[at], data[at + 1]
            if low < 0x80:
                length, at = low >> 1, at + 1
            elif high < 0x80:
                length, at = (low & 0x7F | high << 7) >> 1, at + 2
            else:
                length, at = _varint(data, at)
            if length > LARGE and _headers(data, at) > MAX_HEADERS:
                return True
            at += length
            if length < 0 or at > size:
                return True
    except (UnreadableRecord, IndexError):
        return True
    return False


def _headers(data: Any, at: int) -> int:
    """How many headers the record has whose attributes are at ``at``."""
    _, at = _varint(data, at + 1)
    _, at = _varint(data, at)
    for _ in range(2):
        length, at = _varint(data, at)
        at += max(length, 0)
    return _varint(data, at)[0]


def _length(data: Any, at: int) -> tuple[int, int]:
    length, at = _varint(data, at)
    if not 0 < length <= len(data) - at:
        raise UnreadableRecord(f"a record of {length} bytes, of which {len(data) - at} are there")
    return length, at


def _ends(data: memoryview, at: int, headers: int) -> None:
    if headers < 0 or at != len(data):
        raise UnreadableRecord(f"a record of {len(data)} bytes with {headers} headers ends at byte {at}")


def said(error: Exception) -> str:
    """What an error says, with its name when it is not ours."""
    return str(error) if isinstance(error, UnreadableRecord) else f"{type(error).__name__}: {error}"


def _bytes(data: memoryview, at: int) -> tuple[bytes | None, int]:
    length, at = _varint(data, at)
    if length < 0:
        return None, at
    if length > len(data) - at:
        raise UnreadableRecord(f"a field of {length} bytes, of which {len(data) - at} are there")
    return bytes(data[at : at + length]), at + length


def _varint(data: Any, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
    raise UnreadableRecord("a number of more than 10 bytes")


def messages(data: memoryview, *, check: bool) -> list[Any]:
    """The records of a message of format 0 or 1, which may hold others, compressed together. ``check``: the checksum.

    Raises `UnreadableRecord`.
    """
    (outer, attributes), *_ = _messages(data)
    if check and zlib.crc32(data[MAGIC:]) != _MESSAGE.unpack_from(data)[2]:
        raise UnreadableRecord("the message is damaged (checksum)")
    codec = attributes & CODEC
    if not codec:
        return [outer]
    if outer.value is None:
        raise UnreadableRecord("a compressed message without a value")
    inner = [record for record, _ in _messages(memoryview(b"".join(inflate(codec, memoryview(outer.value)))))]
    # Inside, format 1 counts from 0; the outer offset is that of the last one.
    shift = outer.offset - inner[-1].offset if data[MAGIC] == 1 and inner else 0
    stamp = outer.timestamp if attributes & APPEND_TIME else None
    return [
        DefaultRecord(r.offset + shift, r.timestamp if stamp is None else stamp, 0, r.key, r.value, []) for r in inner
    ]


def _messages(data: memoryview) -> list[tuple[Any, int]]:
    found: list[tuple[Any, int]] = []
    at = 0
    try:
        while at < len(data):
            if len(found) == MAX_RECORDS:
                raise BatchTooLarge(f"the batch has more than {MAX_RECORDS} records, the most that are taken")
            offset, length, _, magic, attributes = _MESSAGE.unpack_from(data, at)
            end = at + FRAME.size + length
            if length < LEAST or end > len(data):
                raise UnreadableRecord(f"a message of {length} bytes, of which {len(data) - at - FRAME.size} are there")
            at += _MESSAGE.size
            time = -1
            if magic == 1:
                time, at = struct.unpack_from(">q", data, at)[0], at + 8
            key, at = _sized(data[:end], at)
            value, at = _sized(data[:end], at)
            found.append((DefaultRecord(offset, time, 0, key, value, []), attributes))
            at = end
    except struct.error as error:
        raise UnreadableRecord(f"the message is damaged: {error}") from error
    return found


def _sized(data: memoryview, at: int) -> tuple[bytes | None, int]:
    length, at = _LENGTH.unpack_from(data, at)[0], at + _LENGTH.size
    if length < 0:
        return None, at
    if length > len(data) - at:
        raise UnreadableRecord(f"a field of {length} bytes, of which {len(data) - at} are there")
    return bytes(data[at : at + length]), at + length
