"""Duplicates: the ids seen inside a horizon, in few bytes and few changelog records.

An event is known by its topic with ``source`` + ``id`` (CloudEvents), kept as a 16-byte digest with an 8-byte digest of
its content. The topic keeps what one connector publishes from standing in for an event of another's.
The ids of one batch make one **chunk**, the value of one table entry, so that the changelog grows by a record a batch
and not an event::

    chunk = newest append time of the batch, ms (8 bytes, signed, big-endian)
            + n × (name 16 bytes + content 8 bytes), sorted by name

The version before knew no topic. Its chunks end with one byte more (`upgraded`), and while any of them is inside the
horizon an event is looked for under both names.

The horizon runs on the broker's append time, not on event time: replays of old data are covered, and what counts as a
duplicate follows from the log alone. The index in memory holds one reference per id to its chunk (about 150 bytes per
id with the chunk, in batches of a hundred and more) and is rebuilt from the chunks on restore.

Two names that share a 16-byte blake2b digest (2⁻⁶⁴ among 2³² ids) would be taken for one; so would, with 2⁻⁶⁴, two
contents.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from typing import Any, Literal

import orjson

from schemas.events import DEFAULTS, NUMBERS, TIMES
from streams.base.times import to_ms

Verdict = Literal["new", "duplicate", "reused"]

_TIME, _NAME, _CONTENT = 8, 16, 8
_ENTRY = _NAME + _CONTENT

_OF_THE_DELIVERY = frozenset({"replayid", "traceparent", "tracestate"})


def content_of(obj: Mapping[str, Any], time_ms: int) -> bytes:
    """What an event means: its type, its time, and what its data say. ``obj``: a CloudEvent as a decoded JSON object
    that passed the contract; ``time_ms``: its time.

    The same for every way to write it: order of keys, structured or binary mode, the envelope's other attributes,
    offsets and fractions of times, a field that is left out, null, or given as its default, ``5.0`` for ``5``. A time
    that is that of receipt (``timebasis``) does not count: a provider that sends no time and delivers twice tells of
    one event. Raises
    ``orjson.JSONEncodeError`` (a ``TypeError``) for what is nested more than 254 levels deep.
    """
    kind = obj["type"]
    defaults = DEFAULTS[kind]
    data = obj["data"]
    if defaults or None in data.values():
        data = {name: value for name, value in data.items() if value is not None and defaults.get(name) != value}
    for name in NUMBERS[kind]:
        if name in data and data[name] == int(data[name]):
            data = data | {name: int(data[name])}
    for name in TIMES[kind]:
        if name in data:
            data = data | {name: to_ms(data[name])}
    time = None if obj.get("timebasis") == "received" else time_ms
    return orjson.dumps([kind, time, data], option=orjson.OPT_SORT_KEYS)


def content_before(obj: Mapping[str, Any]) -> bytes:
    """The content as the version before took it: the envelope as it was written, for ids that it noted. Empty for what
    it refused."""
    told = {name: value for name, value in obj.items() if name not in _OF_THE_DELIVERY}
    try:
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return b""


class Seen:
    """The ids of one partition. ``check`` before ``add``; ``seal`` at the end of a batch. One that failed is not needed
    any more: a fresh object is made of the chunks.
    """

    def __init__(self, chunks: Iterable[tuple[str, bytes]] = ()) -> None:
        """``chunks``: the table's entries, in any order."""
        self._chunks: dict[str, bytes] = dict(chunks)
        self._by_time = [(append_time(chunk), key) for key, chunk in self._chunks.items()]
        heapify(self._by_time)
        self._index: dict[bytes, bytes] = {}  # name → the chunk that holds it
        self._of_before = sum(map(_is_of_before, self._chunks.values()))
        for _, key in sorted(self._by_time):
            self._enter(self._chunks[key])
        self._pending: dict[bytes, bytes] = {}  # name → content, of the batch that is open
        self._asked = "", "", "", b""  # topic, source, id and their name, of the new event that was asked for last

    def __len__(self) -> int:
        """Ids known, those of the open batch included."""
        return len(self._index) + len(self._pending)

    def check(self, topic: str, source: str, event_id: str, content: bytes) -> Verdict:
        """Has this name been seen, and with this content? Changes nothing. ``content``: see ``content_of``."""
        name = _name(topic, source, event_id)
        known = self._pending.get(name)
        if known is None:
            chunk = self._index.get(name)
            if chunk is None:
                self._asked = topic, source, event_id, name
                if not self._of_before:
                    return "new"
                name = _name_before(source, event_id)
                chunk = self._index.get(name)
                if chunk is None:
                    return "new"
            known = _content_in(chunk, name)
        return "duplicate" if known == _content(content) else "reused"

    def add(self, topic: str, source: str, event_id: str, content: bytes) -> None:
        """Notes a new event in the open batch. Raises ``ValueError`` when its name is known: only what ``check`` calls
        new is added.
        """
        *asked, name = self._asked
        if asked != [topic, source, event_id]:
            name = _name(topic, source, event_id)
        if name in self._pending or name in self._index:
            raise ValueError(
                f"id {event_id!r} of source {source!r} has been seen already: add only what check() calls new"
            )
        self._pending[name] = _content(content)

    def undo_last(self) -> None:
        """Takes the last ``add`` of the open batch back. Raises ``KeyError`` when there is none."""
        self._pending.popitem()

    def seal(self, key: str, append_time: int) -> bytes | None:
        """The open batch as the value to write under ``key``; its ids count from now on. ``None`` when it added none.

        ``append_time``: the newest of the batch, ms. Raises ``ValueError`` for a key in use: its ids would be lost on
        restore.
        """
        if not self._pending:
            return None
        if key in self._chunks:
            raise ValueError(
                f"chunk {key!r} exists already: give each batch a key of its own, such as its first offset"
            )
        entries = b"".join(name + content for name, content in sorted(self._pending.items()))
        chunk = append_time.to_bytes(_TIME, "big", signed=True) + entries
        self._pending = {}
        self._chunks[key] = chunk
        heappush(self._by_time, (append_time, key))
        self._enter(chunk)
        return chunk

    def expire(self, before_append_time: int) -> list[str]:
        """Forgets the chunks whose newest append time is before ``before_append_time`` (ms); their keys are to be
        deleted.
        """
        gone = []
        while self._by_time and self._by_time[0][0] < before_append_time:
            _, key = heappop(self._by_time)
            chunk = self._chunks.pop(key)
            self._of_before -= _is_of_before(chunk)
            for name in _names(chunk):
                if self._index.get(name) is chunk:
                    del self._index[name]
            gone.append(key)
        return gone

    def _enter(self, chunk: bytes) -> None:
        for name in _names(chunk):
            self._index[name] = chunk


def append_time(chunk: bytes) -> int:
    """The newest append time of a chunk, ms."""
    return int.from_bytes(chunk[:_TIME], "big", signed=True)


def upgraded(chunk: bytes) -> bytes:
    """A chunk of the version before, whose names hold no topic."""
    return chunk + b"\0"


def _is_of_before(chunk: bytes) -> bool:
    return (len(chunk) - _TIME) % _ENTRY == 1


def _name(topic: str, source: str, event_id: str) -> bytes:
    # The lengths in front keep ("ab", "c") and ("a", "bc") apart, the letter the names of the version before.
    text = f"t{len(topic)}:{topic}{len(source)}:{source}{event_id}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_NAME).digest()


def _name_before(source: str, event_id: str) -> bytes:
    return blake2b(f"{len(source)}:{source}{event_id}".encode("utf-8", "surrogatepass"), digest_size=_NAME).digest()


def _content(content: bytes) -> bytes:
    return blake2b(content, digest_size=_CONTENT).digest()


def _names(chunk: bytes) -> Iterable[bytes]:
    return (chunk[at : at + _NAME] for at in range(_TIME, len(chunk) - _NAME, _ENTRY))


def _content_in(chunk: bytes, name: bytes) -> bytes:
    """The content of ``name``, which the chunk holds: bisection over its sorted entries."""
    low, high = 0, (len(chunk) - _TIME) // _ENTRY
    while high - low > 1:
        middle = (low + high) // 2
        at = _TIME + middle * _ENTRY
        if chunk[at : at + _NAME] <= name:
            low = middle
        else:
            high = middle
    at = _TIME + low * _ENTRY + _NAME
    return chunk[at : at + _CONTENT]
