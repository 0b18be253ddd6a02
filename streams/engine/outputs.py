"""What a batch sends, and what its handler may know of the moment."""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from aiokafka import TopicPartition

from streams.engine.errors import OutputTooLarge
from streams.engine.kafka import LARGEST_RECORD

Items = list[tuple[bytes | None, bytes | None]]
Sends = dict[tuple[str, int], Items]


class Summary(Protocol):
    """One record for many things that happened in a batch; it is made when the batch is over."""

    def encode(self) -> bytes: ...


Join = Callable[[Sequence[bytes]], bytes]
"""What makes the value of a record of parts."""


class Part(bytes):
    """A value that becomes one record with the others of its key in a batch."""

    together: Join


MOST_JOINED = 64 * 1024
"""Bytes of the parts of one record, about: where there are more they are several."""

_Items = list[tuple[bytes | None, Any]]
"""A value is bytes, a `Part`, nothing, or a `Summary`."""


class Outputs:
    """What a handler may send, and what it may know of the moment.

    ``now`` is the wall clock in ms at hand-over; ``caught_up`` maps an input partition to the wall-clock ms at which
    the broker was last known to have nothing more for it (absent: there is more). ``largest``: most bytes of a key and
    its value. ``size``: bytes sent so far. ``counts``: for whoever counts what happens in this batch.
    """

    __slots__ = (
        "_gathered",
        "_order",
        "_sends",
        "_summaries",
        "_summarised",
        "caught_up",
        "counts",
        "largest",
        "now",
        "partitions",
        "size",
    )

    def __init__(
        self,
        partitions: Mapping[str, int],
        now: int,
        caught_up: Mapping[TopicPartition, int],
        largest: int = LARGEST_RECORD,
    ) -> None:
        self.partitions, self.now, self.caught_up, self.largest = partitions, now, caught_up, largest
        self._sends: dict[tuple[str, int], _Items] = {}
        self._order: list[_Items] = []
        """For each record sent the list that it is the last of: `undo` pops them in turn."""
        self._summaries: dict[Any, tuple[int, Summary]] = {}
        self._summarised = False
        """Has there been any? One may be left behind when its name is taken back."""
        self._gathered: set[str] = set()
        self.counts: Counter[Any] = Counter()
        self.size = 0

    def fresh(self, *, caught_up: bool) -> "Outputs":
        """Nothing sent yet, at the same moment; without ``caught_up`` there is more to read everywhere."""
        return Outputs(self.partitions, self.now, self.caught_up if caught_up else {}, self.largest)

    def send(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Send to the partition of the key (crc32, so that any language can tell where a key lives). Raises
        `OutputTooLarge`.
        """
        size = len(key) + len(value) if value else len(key)
        if size > self.largest:
            raise OutputTooLarge(topic, size, self.largest)
        self.size += size
        place = topic, zlib.crc32(key) % self.partitions[topic]
        items = self._sends.get(place)
        if items is None:
            items = self._sends[place] = []
        items.append((key, value))
        self._order.append(items)

    def gather(self, topic: str, key: bytes, value: bytes, join: Join) -> None:
        """As `send`, but the values of a key that are gathered in a batch are one record, joined, where the first of
        them was sent: each of them costs no record then.
        """
        part = Part(value)
        part.together = join
        self._gathered.add(topic)
        self.send(topic, key, part)

    def send_to(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Send to a partition by number. Raises `OutputTooLarge`."""
        size = len(value or b"") + len(key or b"")
        if size > self.largest:
            raise OutputTooLarge(topic, size, self.largest)
        self.size += size
        self._add(topic, partition, key, value)

    def _add(self, topic: str, partition: int, key: bytes | None, value: "bytes | Summary | None") -> None:
        items = self._sends.setdefault((topic, partition), [])
        items.append((key, value))
        self._order.append(items)

    def broadcast(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Send to every partition of a topic."""
        for partition in range(self.partitions[topic]):
            self.send_to(topic, partition, key, value)

    def summarise(self, name: Any, to: tuple[str, bytes], summary: Summary, size: int) -> None:
        """Send a summary, known by ``name`` in this batch, to (topic, key); it will have ``size`` bytes at most. Raises
        `OutputTooLarge`.
        """
        topic, key = to
        if size + len(key) > self.largest:
            raise OutputTooLarge(topic, size + len(key), self.largest)
        self._summarised = True
        self._add(topic, zlib.crc32(key) % self.partitions[topic], key, summary)
        self._summaries[name] = len(self._order), summary

    def summary(self, name: Any) -> Any:
        """The newest summary of this name; ``None`` while there is none."""
        found = self._summaries.get(name)
        return found and found[1]

    def mark(self) -> int:
        return len(self._order)

    def undo(self, mark: int) -> None:
        for items in reversed(self._order[mark:]):
            key, value = items.pop()
            if value is None or isinstance(value, bytes):
                self.size -= len(key or b"") + len(value or b"")
            else:
                self._summaries = {name: known for name, known in self._summaries.items() if known[0] <= mark}
        del self._order[mark:]

    def grouped(self) -> Sends:
        """What was sent, in order, by topic and partition."""
        found = {place: items for place, items in self._sends.items() if items}
        for place, items in found.items():
            if place[0] in self._gathered:
                found[place] = list(_joined(items))
        made = self._made if self._summarised else list
        return {place: made(items) for place, items in found.items()}

    @staticmethod
    def _made(items: "_Items") -> Items:
        return [(key, value if value is None or isinstance(value, bytes) else value.encode()) for key, value in items]


def _joined(items: _Items) -> Iterator[tuple[bytes | None, Any]]:
    """The same with the parts of each key in one place; they do not go past what has no key, and is sent to all."""
    begun = 0
    for at, (key, value) in enumerate(items):
        if key is None and type(value) is not Part:
            yield from _joined_parts(items[begun:at])
            yield key, value
            begun = at + 1
    yield from _joined_parts(items[begun:])


def _joined_parts(items: _Items) -> Iterator[tuple[bytes | None, Any]]:
    lists: dict[bytes | None, list[list[Part]]] = {}
    sizes: dict[bytes | None, int] = {}
    for key, value in items:
        if type(value) is Part:
            size = sizes.get(key, MOST_JOINED) + len(value)
            if size > MOST_JOINED:
                lists.setdefault(key, []).append([])
                size = len(value)
            lists[key][-1].append(value)
            sizes[key] = size
    for key, value in items:
        if type(value) is not Part:
            yield key, value
        else:
            for parts in lists.pop(key, ()):
                yield key, bytes(parts[0].together(parts))
