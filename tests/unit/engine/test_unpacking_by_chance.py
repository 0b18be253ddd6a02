"""Whatever bytes a batch holds, of this format or an older one, reading goes on."""

import struct
import zlib

import pytest
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.engine.inflating import GZIP, SNAPPY
from streams.engine.unpacking import Batches, Ration, Unpacked
from tests.support.batches import CODECS, GOOD, TP, Log, batch, mutations, sealed, values


@settings(max_examples=400)
@example([(57, 255)], 0, True, False)
@example([(1, 0), (7432, 1)], 0, True, False)
@example([(1, 0), (765, 0)], 0, True, False)
@example([(8129, 1)], 4, True, False)
@given(mutations, st.sampled_from(CODECS), st.booleans(), st.booleans())
def test_whatever_a_batch_holds_reading_goes_on(
    changes: list[tuple[int, int]], codec: int, seal: bool, cut: bool
) -> None:
    """Neither hangs nor raises, gives no offset twice, and what lies around it comes through."""
    odd = batch(2, [(b"key", bytes(40)), (None, b"\xff" * 30), (b"", None)], codec, [("name", b"x")])
    for place, value in changes:
        odd[12 + place % (len(odd) - 12)] = value
    if cut:
        del odd[-(1 + changes[0][0] % 60) :]
    if seal:
        sealed(odd)
    log = Log(batch(0, [GOOD] * 2), odd, batch(5, [GOOD] * 2))
    found = log.read(1 + changes[0][0] % 5)
    offsets = [n for r in found for n in range(getattr(r, "first", r.offset), r.offset + 1)]
    assert offsets == sorted(set(offsets))
    assert values(found[:2]) == [GOOD] * 2
    if len(odd) == struct.unpack_from(">i", odd, 8)[0] + 12:
        assert values(found[-2:]) == [GOOD] * 2


@settings(max_examples=200)
@given(st.binary(max_size=200), st.integers(0, 3))
def test_rubbish_is_passed_by(data: bytes, start: int) -> None:
    ration, position, rounds = Ration(), start, 0
    while position < start + 3:
        reader = Unpacked(TP, Batches(data + b"x"), None, position, None, None, True, 1)
        reader.ration, reader.end = ration, start + 3
        while not reader.ended and reader.next_fetch_offset < start + 3:
            reader.take(10)
        position, rounds = reader.next_fetch_offset, rounds + 1
        assert rounds < 20


def legacy(magic: int, codec: int) -> bytearray:
    builder = LegacyRecordBatchBuilder(magic, codec, 1 << 20)
    for number in range(3):
        assert builder.append(number, 1000 + number, b"k%d" % number, b"v%d" % number)
    return builder.build()


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, GZIP, SNAPPY])
def test_older_formats_are_read_as_well(magic: int, codec: int) -> None:
    data = legacy(magic, codec)
    if codec:
        struct.pack_into(">q", data, 0, 2)
    reader = Unpacked(TP, Batches(bytes(data)), None, 1, None, None, True, 1)
    found = reader.take(10)
    assert [(r.offset, r.key, r.value) for r in found] == [(1, b"k1", b"v1"), (2, b"k2", b"v2")]
    if magic:
        assert [r.timestamp for r in found] == [1001, 1002]


@settings(max_examples=200)
@given(mutations, st.sampled_from([0, 1]), st.sampled_from([0, GZIP, SNAPPY]))
def test_whatever_an_older_batch_holds_reading_goes_on(changes: list[tuple[int, int]], magic: int, codec: int) -> None:
    """The client's own decoder runs for ever when an inner message says it has -12 bytes."""
    data = legacy(magic, codec)
    for place, value in changes:
        data[place % len(data)] = value
    struct.pack_into(">I", data, 12, zlib.crc32(bytes(data[16:])))
    ration = Ration()
    for position in (0, 1, 2):
        reader = Unpacked(TP, Batches(bytes(data)), None, position, None, None, True, 1)
        reader.ration, reader.end = ration, 3
        for _ in range(10):
            reader.take(10)
        assert reader.ended or reader.next_fetch_offset > position
