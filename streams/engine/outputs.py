"""What a batch sends, and what its handler may know of the moment."""

import zlib
from collections.abc import Mapping

from aiokafka import TopicPartition

from streams.engine.errors import OutputTooLarge
from streams.engine.kafka import LARGEST_RECORD

Items = list[tuple[bytes | None, bytes | None]]
Sends = dict[tuple[str, int], Items]


class Outputs:
    """What a handler may send, and what it may know of the moment.

    ``now`` is the wall clock in ms at hand-over; ``caught_up`` maps an input partition to the wall-clock ms at which
    the broker was last known to have nothing more for it (absent: there is more). ``largest``: most bytes of a key and
    its value. ``size``: bytes sent so far.
    """

    __slots__ = ("_items", "caught_up", "largest", "now", "partitions", "size")

    def __init__(
        self,
        partitions: Mapping[str, int],
        now: int,
        caught_up: Mapping[TopicPartition, int],
        largest: int = LARGEST_RECORD,
    ) -> None:
        self.partitions, self.now, self.caught_up, self.largest = partitions, now, caught_up, largest
        self._items: list[tuple[str, int, bytes | None, bytes | None]] = []
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

    def mark(self) -> int:
        return len(self._items)

    def undo(self, mark: int) -> None:
        for _, _, key, value in self._items[mark:]:
            self.size -= len(key or b"") + len(value or b"")
        del self._items[mark:]

    def grouped(self) -> Sends:
        grouped: Sends = {}
        for topic, partition, key, value in self._items:
            grouped.setdefault((topic, partition), []).append((key, value))
        return grouped
