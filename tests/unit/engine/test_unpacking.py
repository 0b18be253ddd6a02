"""Record batches taken apart: what is whole comes through as the client reads it, what is not is passed by, and
nothing hangs or inflates without bounds.
"""

import struct
import subprocess
import sys
import tracemalloc

import cramjam
import pytest
from aiokafka import TopicPartition
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.errors import BatchTooLarge, UnreadableRecord
from streams.engine.fetching import Fetched
from streams.engine.formats import HEADER, MAX_RECORDS
from streams.engine.inflating import GZIP, LIMIT, LZ4, SNAPPY, ZSTD, inflate
from streams.engine.inlet import Unfetchable
from streams.engine.unpacking import Batches, Ration, Unpacked
from tests.support.batches import BOMBS, CODECS, DAMAGED, GOOD, TP, Log, Pair, batch, packed, pairs, sealed, values


@given(st.lists(st.tuples(pairs.filter(bool), st.sampled_from(CODECS)), min_size=1, max_size=5), st.integers(1, 9))
def test_whole_batches_come_as_they_were_written(written: list[tuple[list[Pair], int]], most: int) -> None:
    batches, base = [], 0
    for content, codec in written:
        batches.append(batch(base, content, codec, [("h", b"1"), ("n", None)]))
        base += len(content)
    found = Log(*batches).read(most)
    assert values(found) == [pair for content, _ in written for pair in content]
    assert [r.offset for r in found] == list(range(base))
    assert {tuple(r.headers) for r in found} == {(("h", b"1"), ("n", None))}


@pytest.mark.parametrize("codec", CODECS)
def test_reading_begins_in_the_midst_of_a_batch(codec: int) -> None:
    log = Log(batch(0, [(b"k", b"%d" % n) for n in range(10)], codec))
    reader = Unpacked(TP, Batches(log.batches[0]), None, 7, None, None, True, 1)
    assert [(r.offset, r.value) for r in reader.take(100)] == [(7, b"7"), (8, b"8"), (9, b"9")]
    assert reader.next_fetch_offset == 10


@pytest.mark.parametrize("kind", BOMBS)
def test_a_batch_that_inflates_beyond_the_limit_is_one_refusal(kind: str) -> None:
    codec, payload = BOMBS[kind]
    bomb = packed(1, codec, payload, 1000)
    found = Log(batch(0, [GOOD]), bomb, batch(1001, [GOOD])).read()
    assert values(found) == [GOOD, (1, 1000), GOOD]
    fault = found[1]
    assert (fault.count, type(fault.error)) == (1000, BatchTooLarge)
    assert f"1000 records, offsets 1 to 1000, of a record batch of {len(bomb)} bytes" in str(fault.error)
    assert str(LIMIT) in str(fault.error)
    assert fault.timestamp == 2000


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_what_just_fits_is_taken(codec: int) -> None:
    value = bytes(LIMIT - 100)
    assert values(Log(batch(0, [(None, value)], codec)).read()) == [(None, value)]


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_payload_that_cannot_be_inflated_is_one_refusal(kind: str) -> None:
    codec, payload = DAMAGED[kind]
    found = Log(batch(0, [GOOD]), packed(1, codec, payload, 5), batch(6, [GOOD])).read()
    assert values(found) == [GOOD, (1, 5), GOOD]
    assert isinstance(found[1].error, UnreadableRecord)


def test_a_zstd_window_beyond_the_limit_takes_no_more_memory_than_the_limit() -> None:
    """Levels above 19 write windows up to 128 MB; a decoder takes them before it reads a byte."""
    frame = bytearray(b"\x28\xb5\x2f\xfd\x00" + bytes([17 << 3]) + b"\x21\x00\x00abcd")
    assert b"".join(inflate(ZSTD, memoryview(frame))) == b"abcd"
    assert b"".join(inflate(ZSTD, memoryview(bytes(cramjam.zstd.compress(b"a" * 100_000, level=22))))) == b"a" * 100_000


MEMORY = """
import resource, sys
from streams.engine.fetching import _fetched
from tests.support.batches import BOMBS, DAMAGED, Log, batch, packed, GOOD
batches, base = [batch(0, [GOOD])], 1
for codec, payload in (*BOMBS.values(), *DAMAGED.values()):
    batches.append(packed(base, codec, payload, 10))
    base += 10
log = Log(*batches)
held = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (held + (48 << 20),) * 2)
assert len(log.read()) == len(batches)
assert all("memory" not in str(fault.error).lower() for fault in log.read()[1:])
"""


def test_a_bomb_takes_no_memory_beyond_the_limit() -> None:
    """With 48 MB of address space left, all bombs are refused for what they are."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("codec", [0, ZSTD])
def test_a_batch_of_too_many_records_is_one_refusal(codec: int) -> None:
    record = b"\x0c\x00\x00\x00\x01\x01\x00"  # neither key nor value
    payload = record * (MAX_RECORDS + 1)
    bomb = packed(1, codec, zstd_encode(payload) if codec else payload, MAX_RECORDS + 1)
    found = Log(batch(0, [GOOD]), bomb, batch(MAX_RECORDS + 2, [GOOD])).read()
    assert values(found) == [GOOD, (1, MAX_RECORDS + 1), GOOD]
    assert type(found[1].error) is BatchTooLarge
    assert str(MAX_RECORDS) in str(found[1].error)


def crowd(headers: int, last: bytes = b"", at: int = 0) -> bytes:
    """A record with so many empty headers, and what comes behind them, as number ``at`` of its batch."""
    value = b"{}"
    body = b"\0\0" + zigzag(at) + zigzag(1) + b"k" + zigzag(len(value)) + value
    body += zigzag(headers + bool(last)) + b"\0\1" * headers + last
    return zigzag(len(body)) + body


def zigzag(number: int) -> bytes:
    number, out = number << 1, bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.parametrize("last", [b"", b"\2\xff\1"])
def test_eight_million_headers_are_refused_before_any_is_made(last: bytes) -> None:
    """1,443 bytes of a batch were 600 MB of a worker; with a name that is not UTF-8, nine seconds."""
    bomb = packed(0, ZSTD, zstd_encode(crowd(8_000_000, last)), 1)
    tracemalloc.start()
    try:
        found = Log(bomb, batch(1, [GOOD])).read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert values(found) == [(0, 0), GOOD]
    assert type(found[0].error) is BatchTooLarge
    assert "8000" in str(found[0].error)
    assert "headers; at most 100 are taken" in str(found[0].error)
    assert (found[0].key, found[0].value) == (b"k", b"{}")
    assert peak < 70_000_000


@pytest.mark.parametrize("count", [101, 1900, 40_000])
@pytest.mark.parametrize("around", [0, 300])
def test_a_record_with_too_many_headers_costs_only_itself(count: int, around: int) -> None:
    """In whatever company: a small batch is read by the client's decoder, a large one looked through before."""
    payload = b"".join(crowd(*one, at=n) for n, one in enumerate([*[(100,)] * around, (count,), (100,)]))
    found = Log(packed(0, ZSTD, zstd_encode(payload), around + 2)).read(most=7)
    assert [type(one) is Fetched for one in found] == [True] * around + [False, True]
    assert [len(one.headers) for one in found if type(one) is Fetched] == [100] * (around + 1)
    assert [one.offset for one in found] == list(range(around + 2))
    assert str(count) in str(found[around].error)


def test_headers_count_to_what_is_open() -> None:
    ration = Ration()
    Log(packed(0, ZSTD, zstd_encode(crowd(100)), 1)).read(ration=ration)
    assert ration.spent > 100 * 60


def test_a_poll_opens_no_further_batch_once_it_has_opened_enough() -> None:
    """Small batches that inflate to just what is taken: 33 of them would be half a gigabyte in one poll."""
    big = [batch(n, [(b"k", bytes(LIMIT - 100))], ZSTD) for n in range(5)]
    reader = Unpacked(TP, Batches(b"".join(big)), None, 0, None, None, True, 1)
    reader.ration = Ration(LIMIT)
    assert (len(reader.take(1000)), reader.ended) == (2, False)
    assert len(reader.take(1000)) == 0
    assert reader.ration.opened[TP] > LIMIT
    reader.ration.begin()
    assert (len(reader.take(1000)), reader.next_fetch_offset) == (2, 4)
    reader.ration.lent = LIMIT
    reader.ration.begin()
    assert reader.take(1000) == [], "what is still at work counts too"
    reader.ration.lent = 0
    reader.ration.begin()
    assert (len(reader.take(1000)), reader.next_fetch_offset) == (1, 5)


def test_a_batch_that_is_read_in_portions_counts_until_it_is_read() -> None:
    """Many partitions with one such batch each would hold 16 MB for each of them."""
    many = batch(0, [(b"k", bytes(LIMIT // 100))] * 90, ZSTD)
    ration = Ration(2 * LIMIT)
    readers = [Unpacked(TopicPartition("t", n), Batches(many), None, 0, None, None, True, 1) for n in range(5)]
    ration.waiting = {TopicPartition("t", n): reader for n, reader in enumerate(readers)}
    for reader in readers:
        reader.ration = ration

    def poll() -> list[int]:
        ration.begin()
        return [len(reader.take(30)) for reader in readers]

    assert poll() == [30, 30, 30, 0, 0]
    assert poll() == [30, 30, 30, 0, 0], "those that are open are read on, no other is opened"
    assert poll() == [30, 30, 30, 0, 0]
    assert [reader.inflated for reader in readers] == [0] * 5
    assert poll() == [0, 0, 0, 30, 30]
    assert [reader.inflated > 0.8 * LIMIT for reader in readers] == [False, False, False, True, True]


@pytest.mark.parametrize("codec", CODECS)
def test_a_record_that_cannot_be_read_costs_only_itself(codec: int) -> None:
    good = [(b"k%d" % n, b"v%d" % n) for n in range(5)]
    whole = batch(0, good, headers=[("name", b"x")])
    at = [n for n in range(len(whole)) if whole.startswith(b"name", n)]
    whole[at[2]] = 0xFF
    payload = bytes(whole[HEADER.size :])
    encode = {GZIP: gzip_encode, SNAPPY: snappy_encode, LZ4: lz4_encode, ZSTD: zstd_encode}
    found = Log(packed(0, codec, encode[codec](payload) if codec else payload, 5)).read(2)
    assert [(r.offset, r.key, r.value) for r in found] == [(n, *pair) for n, pair in enumerate(good)]
    assert [type(r) is Unfetchable for r in found] == [False, False, True, False, False]
    assert "UnicodeDecodeError" in str(found[2].error)


@pytest.mark.parametrize(
    ("place", "form", "value"),
    [
        (57, ">i", -1),
        (57, ">i", 0),
        (57, ">i", 2),
        (57, ">i", 100),
        (57, ">i", 2**31 - 1),
        (61, ">B", 0),
        (61, ">B", 1),
        (61, ">B", 255),
        (65, ">B", 0xFE),
        (66, ">B", 0xFE),
    ],
)
def test_nonsense_in_a_batch_of_a_right_checksum_stays_in_it(place: int, form: str, value: int) -> None:
    odd = batch(1, [GOOD] * 3)
    struct.pack_into(form, odd, place, value)
    found = Log(batch(0, [GOOD]), sealed(odd), batch(4, [GOOD])).read()
    assert values(found[:1]) == values(found[-1:]) == [GOOD]
    assert sum(1 if type(r) is Fetched else r.count for r in found) == 5


def test_a_damaged_batch_is_fetched_once_more_and_then_passed_by() -> None:
    broken = batch(1, [GOOD] * 3)
    broken[-1] ^= 1
    log = Log(batch(0, [GOOD]), broken, batch(4, [GOOD]))
    assert values(log.read()) == [GOOD, (1, 3), GOOD]
    assert log.fetches == 2


def test_a_damaged_batch_that_is_whole_the_second_time_costs_nothing() -> None:
    whole = batch(0, [GOOD] * 3)
    broken = bytearray(whole)
    broken[-1] ^= 1
    ration = Ration()
    for data, expected in ((broken, 0), (whole, 3)):
        reader = Unpacked(TP, Batches(bytes(data)), None, 0, None, None, True, 1)
        reader.ration = ration
        assert len(reader.take(10)) == expected


def test_a_batch_whose_length_is_nonsense_is_passed_by() -> None:
    """What it holds is unknown: offset by offset, until the broker sends the next."""
    for length in (-1, 0, 13, 20, 2**31 - 1):
        odd = batch(1, [GOOD] * 3)
        struct.pack_into(">i", odd, 8, length)
        found = Log(batch(0, [GOOD]), odd, batch(4, [GOOD])).read()
        assert values(found) == [GOOD, (1, 1), (2, 2), (3, 3), GOOD]


def test_no_offset_beyond_the_end_is_believed() -> None:
    for base, delta in ((1 << 60, 2), (1, 2**31 - 1), (1, -5)):
        odd = batch(1, [GOOD] * 3)
        struct.pack_into(">q", odd, 0, base)
        struct.pack_into(">i", odd, 23, delta)
        log = Log(batch(0, [GOOD]), sealed(odd), batch(4, [GOOD]))
        log.starts[1] = 1
        assert values(log.read()) == [GOOD, (1, 1), (2, 2), (3, 3), GOOD]


def test_a_fetch_of_nothing_is_nothing() -> None:
    assert not Batches(None).has_next()
    assert Batches(b"").size_in_bytes() == 0
