"""Inflates the payload of a record batch, up to a limit: 29 KB of zstd can be 900 MB, and the client has no bound.

Nothing beyond the limit is ever allocated. A format that says its size is believed only when it says too much; what
is written always goes into a place of the limit's size.
"""

import mmap
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import cramjam

from streams.engine.errors import BatchTooLarge, UnreadableRecord

LIMIT = 16 << 20
"""Most bytes a record batch may inflate to. A batch comes with at most ``message.max.bytes`` (1 MB by default)."""
PIECES = 16
"""Most members (gzip) or frames (zstd) of one payload; producers write one. Each costs the set-up of a decoder."""

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
_XERIAL = b"\x82SNAPPY\x00"
_ZSTD_MAGIC, _ZSTD_SKIPPABLE, _LZ4_MAGIC = 0xFD2FB528, 0x184D2A50, 0x184D2204
_WINDOW_BITS = LIMIT.bit_length() - 1
_int32be, _uint32le, _uint64le = (struct.Struct(form).unpack_from for form in (">i", "<I", "<Q"))
_own = threading.local()


def inflate(codec: int, data: memoryview) -> Sequence[Any]:
    """The payload in pieces to be joined; they hold until the next call in this thread.

    ``codec``: the lowest three bits of a batch's attributes. Raises `BatchTooLarge` beyond `LIMIT`, `UnreadableRecord`
    for what is no such format.
    """
    try:
        if codec == SNAPPY:
            return _snappy(data)
        if codec == LZ4:
            return _into(cramjam.lz4.decompress_into, _one_lz4_frame(data))
        if codec == ZSTD:
            return _into(cramjam.zstd.decompress_into, _bounded_windows(data))
        if codec == GZIP:
            return _gzip(data)
    except (cramjam.DecompressionError, zlib.error, struct.error, IndexError) as error:
        raise UnreadableRecord(f"the compressed payload is damaged: {error}") from error
    raise UnreadableRecord(f"compression codec {codec} is not known")


def _snappy(data: memoryview) -> Sequence[Any]:
    """Raw, or in the frames of xerial (Java, aiokafka). Each block says its size in front."""
    if bytes(data[:8]) != _XERIAL:
        _check(cramjam.snappy.decompress_raw_len(data))
        return [bytes(cramjam.snappy.decompress_raw(data))]
    blocks, at, size, end = [], 16, 0, len(data)
    while at < end:
        length = _int32be(data, at)[0]
        at += 4
        if not 0 < length <= end - at:
            raise UnreadableRecord(f"a snappy block of {length} bytes, of which {end - at} are there")
        block = data[at : at + length]
        size += cramjam.snappy.decompress_raw_len(block)
        _check(size)
        blocks.append(cramjam.snappy.decompress_raw(block))
        at += length
    return blocks


def _gzip(data: memoryview) -> Sequence[bytes]:
    members: list[bytes] = []
    size, rest = 0, bytes(data)
    while rest:
        if len(members) == PIECES:
            raise UnreadableRecord(f"more than {PIECES} gzip members in one payload")
        member = zlib.decompressobj(wbits=31)
        members.append(member.decompress(rest, LIMIT - size + 1))
        size += len(members[-1])
        _check(size)
        if not member.eof:
            raise UnreadableRecord("the gzip payload ends too early")
        rest = member.unused_data
    return members


def _into(decompress: Callable[..., int], data: bytes | memoryview) -> Sequence[memoryview]:
    """Decompress into this thread's own place, whose memory is taken page by page as it is written."""
    place = getattr(_own, "place", None)
    if place is None:
        place = _own.place = memoryview(mmap.mmap(-1, LIMIT))
    try:
        size = decompress(data, place)
    except cramjam.DecompressionError as error:
        if "failed to write whole buffer" in str(error):
            raise _too_large() from error
        raise
    return [place[:size]]


def _one_lz4_frame(data: memoryview) -> memoryview:
    """Kafka writes one frame and reads one frame. A decoder sets up 4 MB for each, and 11 bytes make one."""
    if _uint32le(data, 0)[0] != _LZ4_MAGIC:
        raise UnreadableRecord("no lz4 frame")
    flags = data[4]
    at = 7 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)
    if flags & 0x08:
        _check(_uint64le(data, 6)[0])
    while length := _uint32le(data, at)[0] & 0x7FFFFFFF:
        at += 4 + length + (4 if flags & 0x10 else 0)
    if at + 4 + (4 if flags & 0x04 else 0) != len(data):
        raise UnreadableRecord("the lz4 frame does not end where the payload ends")
    return data


def _bounded_windows(data: memoryview) -> bytes | memoryview:
    """The frames with windows of at most the limit: a decoder takes the memory of a window before it reads a byte.

    What fits into the limit never refers back further, so a larger window (levels above 19) need not be refused.
    """
    at, end, smaller = 0, len(data), None
    for _ in range(PIECES):
        magic = _uint32le(data, at)[0]
        if magic & 0xFFFFFFF0 == _ZSTD_SKIPPABLE:
            at += 8 + _uint32le(data, at + 4)[0]
        elif magic == _ZSTD_MAGIC:
            if not data[at + 4] & 0x20 and data[at + 5] >> 3 >= _WINDOW_BITS - 10:
                smaller = smaller or bytearray(data)
                smaller[at + 5] = _WINDOW_BITS - 10 << 3
            at = _after_zstd_frame(data, at + 4)
        else:
            raise UnreadableRecord("no zstd frame")
        if at == end:
            return data if smaller is None else bytes(smaller)
        if at > end:
            raise UnreadableRecord("the zstd payload ends too early")
    raise UnreadableRecord(f"more than {PIECES} zstd frames in one payload")


def _after_zstd_frame(data: memoryview, at: int) -> int:
    """Where the frame ends whose header (behind the magic number) begins at ``at``."""
    descriptor = data[at]
    single, sized = descriptor & 0x20, descriptor >> 6
    at += 1 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3]
    if single or sized:
        width = (1, 2, 4, 8)[sized]
        _check(int.from_bytes(data[at : at + width], "little"))
        at += width
    while True:
        block = int.from_bytes(data[at : at + 3], "little")
        kind, size = block >> 1 & 3, block >> 3
        if kind == 3 or at + 3 > len(data):
            raise UnreadableRecord("a zstd block is damaged")
        at += 3 + (1 if kind == 1 else size)
        if block & 1:
            return at + (4 if descriptor & 4 else 0)


def _check(size: int) -> None:
    if size > LIMIT:
        raise _too_large()


def _too_large() -> BatchTooLarge:
    return BatchTooLarge(f"it inflates to more than {LIMIT} bytes, the most that is taken of one record batch")
