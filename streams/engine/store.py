"""The store: where the committed rows of one task lie, encoded, with their deadlines in order.

A store holds what the changelog held at its **mark**, and nothing of a batch that is not committed. It is written after
the commit; what a crash takes from it is read again from the changelog, from the mark on.

A row may have **deadlines**: {line: ms}. The store keeps them in order, so that nobody has to look at all rows to find
those that are due. An entry may be early or out of date; what is due is asked of the row (`Table.take_due`).
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

Rows = Mapping[str, Sequence[tuple[str, bytes | None]]]
"""Table → (key, encoded row; ``None`` = removed). A key that comes twice: the later one holds."""
FORMAT = 1
"""Version of what a store on disk looks like, kept in its mark."""


class Mark(msgspec.Struct, frozen=True):
    """Where a store stands."""

    offset: int
    """Next changelog offset to read."""
    check: int
    """An offset at or below the last position record: read from here, it shows if the changelog is still the same."""
    offsets: dict[str, int]
    """The input position, {topic: next offset}."""
    id: str
    """Names this state; the changelog's position record has the same."""
    written: int
    """Wall clock, ms."""
    versions: dict[str, int]
    """Table → version of its rows, as the program that wrote it has them."""
    trial: str | None = None
    """The last announcement (`trial`), when no position came after it."""
    format: int = FORMAT


class Entry(NamedTuple):
    """A deadline (ms, stream time of the line) of a row."""

    table: str
    line: str
    at: int
    key: str


@dataclass
class Due:
    """What a batch changes in the order of deadlines; ``drop`` comes before ``add``."""

    add: list[Entry] = field(default_factory=list)
    drop: list[Entry] = field(default_factory=list)


class Store(Protocol):
    """Committed rows of one task. Everything raises `StoreError` when the disk does."""

    @property
    def mark(self) -> Mark | None:
        """Where it stands; ``None`` = nothing is known, and it is empty."""

    def get(self, table: str, key: str) -> bytes | None:
        """One row, as it was written."""

    def scan(self, table: str) -> Iterator[tuple[str, bytes]]:
        """All rows of a table, in any order."""

    def behind(self, table: str, key: str, limit: int) -> list[str]:
        """The first keys of a table behind this one, in order."""

    def release(self, table: str) -> None:
        """The rows of this table are kept elsewhere from now on and will not be asked for again."""

    def write(self, rows: Rows, due: Due, mark: Mark | None) -> None:
        """All or nothing. ``mark`` ``None``: it stays as it was."""

    def due(self, table: str, line: str, before: int, limit: int) -> list[Entry]:
        """The first entries below ``before``. Each must come back by the next `write`, as dropped or added again."""

    def close(self) -> None:
        """Nothing is read or written any more."""


class Stores(Protocol):
    """What opens the stores of a worker."""

    def open(self, task: str) -> Store:
        """The store of one task ("<inlet>-<partition>"), as it was left. Raises `StoreError`, `StoreInUse`."""

    def anew(self, task: str, store: Store, why: str) -> Store:
        """Give up what a store holds, say why, and open it again, empty. Raises `StoreError`."""


class MemoryStore:
    """Rows in dicts; gone with the process.

    Of a row only its earliest deadline so far is entered: one that moves on does not grow the heap, it is found early,
    asked, and entered anew.
    """

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self._rows: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self._released: set[str] = set()
        self._heaps: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self._entered: dict[tuple[str, str], dict[str, int]] = {}

    def get(self, table: str, key: str) -> bytes | None:
        return self._rows[table].get(key)

    def scan(self, table: str) -> Iterator[tuple[str, bytes]]:
        yield from self._rows[table].items()

    def behind(self, table: str, key: str, limit: int) -> list[str]:
        return heapq.nsmallest(limit, (each for each in self._rows[table] if each > key))

    def release(self, table: str) -> None:
        self._released.add(table)
        self._rows.pop(table, None)

    def write(self, rows: Rows, due: Due, mark: Mark | None) -> None:
        for table, changes in rows.items():
            if table in self._released:
                continue
            held = self._rows[table]
            for key, value in changes:
                if value is None:
                    held.pop(key, None)
                else:
                    held[key] = value
        for table, line, at, key in due.add:
            self._enter((table, line), at, key)
        self.mark = mark or self.mark

    def due(self, table: str, line: str, before: int, limit: int) -> list[Entry]:
        heap = self._heaps.get((table, line))
        if not heap or heap[0][0] >= before:
            return []
        found, entered = list[Entry](), self._entered[table, line]
        while heap and heap[0][0] < before and len(found) < limit:
            at, key = heapq.heappop(heap)
            if entered.get(key) == at:
                del entered[key]
                found.append(Entry(table, line, at, key))
        return found

    def close(self) -> None:
        """Nothing to let go."""

    def _enter(self, where: tuple[str, str], at: int, key: str) -> None:
        heap, entered = self._heaps.setdefault(where, []), self._entered.setdefault(where, {})
        known = entered.get(key)
        if known is not None and known <= at:
            return
        entered[key] = at
        heapq.heappush(heap, (at, key))
        if len(heap) > 2 * len(entered) + 1000:  # most of it is out of date
            heap[:] = [(then, key) for key, then in entered.items()]
            heapq.heapify(heap)


class MemoryStores:
    """Every task begins with an empty store and reads its whole changelog."""

    def open(self, task: str) -> Store:
        return MemoryStore()

    def anew(self, task: str, store: Store, why: str) -> Store:
        return MemoryStore()
