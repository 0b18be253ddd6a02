"""How far a task is behind: records it has not committed yet, and for how long the oldest of them has waited."""

from collections.abc import Sequence
from typing import NamedTuple

from streams.engine.inlet import Record


class Lag(NamedTuple):
    """Of one input partition: offsets not yet committed, and seconds since the oldest of them was appended."""

    records: int
    seconds: float


class Backlog:
    """What a task knows of the oldest record it has not committed, per input topic.

    While a batch is in flight that is its first record. Without one, the oldest was appended after the last one that
    was committed, and after the moment at which the broker had nothing more: the later of the two is taken, so that the
    first event after a quiet night is not a night old. Times are those of the records (append time, ms).
    """

    __slots__ = ("_first", "_last", "_read_to", "_since")

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._since: dict[str, int] = {}
        self._read_to: dict[str, int] = {}

    def handed(self, records: Sequence[Record]) -> None:
        """A batch (or a tick) begins; the records of a topic are in order."""
        if records and records[0].topic == records[-1].topic:
            records = (records[0], records[-1])
        for record in records:
            self._first.setdefault(record.topic, record.timestamp)
            self._last[record.topic] = record.timestamp

    def caught_up(self, topic: str, asked: int, offset: int) -> None:
        """At the wall-clock ms ``asked`` the broker had nothing more behind ``offset``, to which reading has come (past
        the markers of transactions, which no position counts).
        """
        self._since[topic], self._read_to[topic] = asked, offset

    def committed(self) -> None:
        """The batch in flight is in Kafka."""
        for topic, timestamp in self._last.items():
            self._since[topic] = max(self._since.get(topic, timestamp), timestamp)
        self._first.clear()
        self._last.clear()

    def lag(self, topic: str, position: int, end: int, now_ms: float) -> Lag:
        """``position``: the next offset to commit; ``end``: where the partition ends."""
        in_flight = self._first.get(topic)
        if in_flight is None:
            position = max(position, self._read_to.get(topic, position))
        records = max(end - position, 0)
        since = in_flight if in_flight is not None else self._since.get(topic, now_ms)
        return Lag(records, max(now_ms - since, 0) / 1000 if records else 0.0)
