"""What a batch sends, and what its handler may know of the moment."""

import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from aiokafka import TopicPartition

from streams.engine.errors import OutputTooLarge
from streams.engine.kafka import LARGEST_RECORD

Items = list[tuple[bytes | None, bytes | None]]
Sends = dict[tuple[str, int], Items]


class Summary(Protocol):
    """One record for many things that happened in a batch; it is made when the batch is over."""

    def encode(self) -> bytes: ...


class Outputs:
    """What a handler may send, and what it may know of the moment.

    ``now`` is the wall clock in ms at hand-over; ``caught_up`` maps an input partition to the wall-clock ms at which
    the broker was last known to have nothing more for it (absent: there is more). ``largest``: most bytes of a key and
    its value. ``size``: bytes sent so far. ``counts``: for whoever counts what happens in this batch.
    """

    __slots__ = ("_items", "_summaries", "caught_up", "counts", "largest", "now", "partitions", "size")

    def __init__(
        self,
        partitions: Mapping[str, int],
        now: int,
        caught_up: Mapping[TopicPartition, int],
        largest: int = LARGEST_RECORD,
    ) -> None:
        self.partitions, self.now, self.caught_up, self.largest = partitions, now, caught_up, largest
        self._items: list[tuple[str, int, bytes | None, bytes | Summary | None]] = []
        self._summaries: dict[Any, tuple[int, Summary]] = {}
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
        self._items.append((topic, zlib.crc32(key) % self.partitions[topic], key, value))

    def send_to(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Send to a partition by number. Raises `OutputTooLarge`."""
        size = len(value or b"") + len(key or b"")
        if size > self.largest:
            raise OutputTooLarge(topic, size, self.largest)
        self.size += size
        self._items.append((topic, partition, key, value))

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
        self._items.append((topic, zlib.crc32(key) % self.partitions[topic], key, summary))
        self._summaries[name] = len(self._items), summary

    def summary(self, name: Any) -> Any:
        """The newest summary of this name; ``None`` while there is none."""
        found = self._summaries.get(name)
        return found and found[1]

    def mark(self) -> int:
        return len(self._items)

    def undo(self, mark: int) -> None:
        for _, _, key, value in self._items[mark:]:
            if value is None or isinstance(value, bytes):
                self.size -= len(key or b"") + len(value or b"")
            else:
                self._summaries = {name: known for name, known in self._summaries.items() if known[0] <= mark}
        del self._items[mark:]

    def grouped(self) -> Sends:
        grouped: Sends = {}
        for topic, partition, key, value in self._items:
            made = value if type(value) is bytes or value is None else value.encode()  # type: ignore[union-attr]
            grouped.setdefault((topic, partition), []).append((key, made))
        return grouped
