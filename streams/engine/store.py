"""The store: where the committed rows of one task lie, encoded, with their deadlines in order.

A store holds what the changelog held at its **mark**, and nothing of a batch that is not committed. It is written after
the commit; what a crash takes from it is read again from the changelog, from the mark on.

A row may have **deadlines**: {line: ms}. The store keeps them in order, so that nobody has to look at all rows to find
those that are due. An entry may be early or out of date; what is due is asked of the row (`Table.take_due`).
"""

import heapq
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

Rows = Mapping[str, Sequence[tuple[str, bytes | None]]]
"""Table → (key, encoded row; ``None`` = removed). A key that comes twice: the later one holds."""
SLOT_BITS = 10
"""Deadlines of 1,024 ms lie together."""
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


class Order:
    """Deadlines of one table and line, by the second: one is put in order when its second is asked for.

    Of a row only its earliest deadline so far is entered: one that moves on does not add to it, it is found early,
    asked, and entered anew. So setting one is an append, and finding one its part in the sorting of a second
    (``python -m tests.bench.deadlines``).
    """

    __slots__ = ("_entered", "_number", "_seconds", "_slots", "_sorted")

    def __init__(self) -> None:
        self._entered: dict[str, int] = {}
        self._slots: dict[int, list[tuple[int, str]]] = {}
        self._seconds: list[int] = []
        """A heap of those of which there is a slot."""
        self._sorted: int | None = None
        """The second whose slot is in order, the first last."""
        self._number = 0
        """Of entries in the slots, those that are out of date too."""

    def enter(self, at: int, key: str) -> None:
        """A row is due at a time, ms."""
        known = self._entered.get(key)
        if known is not None and known <= at:
            return
        self._entered[key] = at
        self._put(at, key)
        if self._number > 2 * len(self._entered) + 1000:  # most of it is out of date
            self._slots, self._seconds, self._sorted, self._number = {}, [], None, 0
            for one, then in self._entered.items():
                self._put(then, one)

    def take(self, before: int, limit: int) -> list[tuple[int, str]]:
        """The first of those that are due before a time, in order; they are entered no more."""
        found: list[tuple[int, str]] = []
        while self._seconds and self._seconds[0] << SLOT_BITS < before and len(found) < limit:
            second = self._seconds[0]
            slot = self._slots[second]
            if self._sorted != second:
                slot.sort(reverse=True)
                self._sorted = second
            while slot and slot[-1][0] < before and len(found) < limit:
                at, key = one = slot.pop()
                self._number -= 1
                if self._entered.get(key) == at:
                    del self._entered[key]
                    found.append(one)
            if slot:
                break
            del self._slots[second]
            heapq.heappop(self._seconds)
        return found

    def _put(self, at: int, key: str) -> None:
        second = at >> SLOT_BITS
        slot = self._slots.get(second)
        if slot is None:
            slot = self._slots[second] = []
            heapq.heappush(self._seconds, second)
        elif self._sorted == second:
            self._sorted = None
        slot.append((at, key))
        self._number += 1


class Ordered:
    """The keys of a dict in order, for as long as somebody goes through them from the beginning on."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: list[str] | None = None

    def behind(self, rows: Mapping[str, object], key: str, limit: int) -> list[str]:
        """The first keys behind this one. One sorts once, and asks for the next ones by bisection."""
        if self._keys is None or not key:
            self._keys = sorted(rows)
        keys, found = self._keys, list[str]()
        for at in range(bisect_right(keys, key), len(keys)):
            if keys[at] in rows:
                found.append(keys[at])
                if len(found) == limit:
                    return found
        self._keys = None  # it was the last time
        return found

    def add(self, key: str) -> None:
        """A row came; one that went is passed by."""
        keys = self._keys
        if keys is not None and ((at := bisect_left(keys, key)) == len(keys) or keys[at] != key):
            keys.insert(at, key)


class MemoryStore:
    """Rows in dicts; gone with the process."""

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self._rows: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self._released: set[str] = set()
        self._orders: defaultdict[tuple[str, str], Order] = defaultdict(Order)
        self._ordered: defaultdict[str, Ordered] = defaultdict(Ordered)

    def get(self, table: str, key: str) -> bytes | None:
        return self._rows[table].get(key)

    def scan(self, table: str) -> Iterator[tuple[str, bytes]]:
        yield from self._rows[table].items()

    def behind(self, table: str, key: str, limit: int) -> list[str]:
        return self._ordered[table].behind(self._rows[table], key, limit)

    def release(self, table: str) -> None:
        self._released.add(table)
        self._rows.pop(table, None)

    def write(self, rows: Rows, due: Due, mark: Mark | None) -> None:
        for table, changes in rows.items():
            if table in self._released:
                continue
            held, ordered = self._rows[table], self._ordered[table]
            for key, value in changes:
                if value is None:
                    held.pop(key, None)
                else:
                    if key not in held:
                        ordered.add(key)
                    held[key] = value
        for table, line, at, key in due.add:
            self._orders[table, line].enter(at, key)
        self.mark = mark or self.mark

    def due(self, table: str, line: str, before: int, limit: int) -> list[Entry]:
        order = self._orders.get((table, line))
        return [] if order is None else [Entry(table, line, at, key) for at, key in order.take(before, limit)]

    def close(self) -> None:
        """Nothing to let go."""


class MemoryStores:
    """Every task begins with an empty store and reads its whole changelog."""

    def open(self, task: str) -> Store:
        return MemoryStore()

    def anew(self, task: str, store: Store, why: str) -> Store:
        return MemoryStore()
