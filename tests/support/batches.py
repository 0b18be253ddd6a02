"""Record batches as they lie on a broker: whole, damaged, and made to take memory."""

import gzip
import struct
from collections.abc import Sequence
from typing import Any

import cramjam
from aiokafka import TopicPartition
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from hypothesis import strategies as st

from streams.engine.fetching import Fetched, _fetched
from streams.engine.formats import HEADER
from streams.engine.inflating import GZIP, LIMIT, LZ4, SNAPPY, ZSTD
from streams.engine.unpacking import Batches, Ration, Unpacked

TP = TopicPartition("in", 3)
CODECS = (0, GZIP, SNAPPY, LZ4, ZSTD)
Pair = tuple[bytes | None, bytes | None]


def batch(base: int, pairs: Sequence[Pair], codec: int = 0, headers: Sequence[Any] = ()) -> bytearray:
    """A record batch as it lies on the broker."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    for number, (key, value) in enumerate(pairs):
        assert builder.append(number, 1000 + number, key, value, list(headers))
    return placed(builder.build(), base)


def placed(data: bytearray, base: int) -> bytearray:
    struct.pack_into(">q", data, 0, base)
    return sealed(data)


def sealed(data: bytearray) -> bytearray:
    """With a right checksum, whatever else was changed."""
    struct.pack_into(">I", data, 17, calc_crc32c(bytes(data[21:])))
    return data


def packed(base: int, codec: int, payload: bytes, count: int) -> bytearray:
    """A batch with any payload that says it is compressed, and any count of records."""
    header = (base, len(payload) + 49, 0, 2, 0, codec, max(count - 1, 0), 1000, 2000, -1, -1, -1, count)
    return sealed(bytearray(HEADER.pack(*header) + payload))


class Log:
    """A partition: its batches, and a reader that fetches until it has come to the end."""

    def __init__(self, *batches: bytes | bytearray, end: int | None = None) -> None:
        self.batches = [bytes(one) for one in batches]
        self.starts = [struct.unpack_from(">q", one)[0] for one in batches]
        last = struct.unpack_from(">i", self.batches[-1], 23)[0] if len(self.batches[-1]) > 26 else 0
        self.end = end if end is not None else self.starts[-1] + last + 1
        self.fetches = 0

    def read(self, most: int = 1000, ration: Ration | None = None) -> list[Any]:
        found: list[Any] = []
        position, ration = 0, ration or Ration()
        while position < self.end:
            self.fetches += 1
            assert self.fetches < 4 * self.end + 10, "no progress"
            at = max((n for n, start in enumerate(self.starts) if start <= position), default=0)
            reader = Unpacked(TP, Batches(b"".join(self.batches[at:])), None, position, None, None, True, 1)
            reader.ration, reader.end = ration, self.end
            reader._consumer_record = _fetched  # type: ignore[method-assign]
            while not reader.ended:
                ration.begin()
                records = reader.take(most)
                assert len(records) <= most
                assert reader.ended or records
                assert reader.next_fetch_offset >= position
                position = reader.next_fetch_offset
                found += records
        return found


def values(found: Sequence[Any]) -> list[Any]:
    return [(r.key, r.value) if type(r) is Fetched else (r.first, r.offset) for r in found]


pairs = st.lists(st.tuples(st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=200)), max_size=8)
GOOD = (b"k", b"v")
BOMBS = {
    "zstd": (ZSTD, bytes(cramjam.zstd.compress(bytes(LIMIT + 1)))),
    "lz4": (LZ4, lz4_encode(bytes(LIMIT + 1))),
    "gzip": (GZIP, gzip_encode(bytes(LIMIT + 1))),
    "gzip, two members": (GZIP, gzip_encode(bytes(LIMIT // 2 + 1)) * 2),
    "snappy": (SNAPPY, bytes(cramjam.snappy.compress_raw(bytes(LIMIT + 1)))),
    "snappy in frames": (SNAPPY, snappy_encode(bytes(LIMIT + 1))),
}
DAMAGED = {
    "zstd that is none": (ZSTD, b"no zstd at all"),
    "zstd cut short": (ZSTD, zstd_encode(b"a" * 1000)[:-3]),
    "zstd, many frames": (ZSTD, zstd_encode(b"a") * 1000),
    "zstd, a reserved block": (ZSTD, b"\x28\xb5\x2f\xfd\x20\x01\x07\x00\x00"),
    "lz4 that is none": (LZ4, b"no lz4"),
    "lz4, many frames": (LZ4, lz4_encode(b"a") * 1000),
    "lz4 cut short": (LZ4, lz4_encode(b"a" * 1000)[:-9]),
    "gzip that is none": (GZIP, b"no gzip"),
    "gzip, many members": (GZIP, gzip.compress(b"") * 10_000),
    "gzip cut short": (GZIP, gzip.compress(b"a" * 1000)[:-9]),
    "snappy that is none": (SNAPPY, b"\xff" * 20),
    "snappy that claims 4 GB": (SNAPPY, b"\xff\xff\xff\xff\x0f" + b"a" * 20),
    "snappy with a block of -4 bytes": (SNAPPY, snappy_encode(b"a")[:16] + b"\xff\xff\xff\xfc"),
    "snappy with an empty block": (SNAPPY, snappy_encode(b"a")[:16] + bytes(4)),
    "snappy with half a block": (SNAPPY, snappy_encode(b"a" * 1000)[:-3]),
    "an unknown codec": (5, b"abc"),
    "nothing": (ZSTD, b""),
}
mutations = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4)
