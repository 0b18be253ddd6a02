"""The tables of a task: a small one is resident, of a large one a bounded number of rows is decoded (`CachedTable`);
its others lie encoded in the store and are decoded when they are asked for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from streams.engine.errors import RowFault
from streams.engine.spec import TableSpec
from streams.engine.store import Due, Mark, MemoryStores, Rows, Store, Stores
from streams.engine.table import ABSENT, Changes, Table

V = TypeVar("V")
_UNKNOWN: Any = object()


LARGE_ROW = 16_384
"""Bytes of a row from which on its size counts: what is smaller is bounded by the number of rows."""


class Cache:
    """How many decoded rows a worker keeps of its large tables, all together, and how many bytes (encoded) of rows over
    16 KiB; decoded, such a row takes about four times as much. Each table has the same share.
    """

    def __init__(self, rows: int = 50_000, large_bytes: int = 64 << 20) -> None:
        self.rows, self.large_bytes = rows, large_bytes
        self._tables: WeakValueDictionary[int, Table[Any]] = WeakValueDictionary()

    def join(self, table: "Table[Any]") -> None:
        self._tables[id(table)] = table

    @property
    def share(self) -> int:
        return self.rows // max(len(self._tables), 1)

    @property
    def large_share(self) -> int:
        return self.large_bytes // max(len(self._tables), 1)


@dataclass(frozen=True)
class Storage:
    """Where the state of a worker's tasks is kept: what opens their stores, and how many rows of them are decoded."""

    stores: Stores = field(default_factory=MemoryStores)
    cache: Cache = field(default_factory=Cache)


class CachedTable(Table[V]):
    """A table larger than memory: ``values_`` holds the rows used of late, ``_old`` those used before them. The two
    change places after a commit, so that no row is let go before it is in the store.
    """

    __slots__ = ("_cache", "_large", "_large_bytes", "_old", "_old_large")

    def __init__(self, spec: TableSpec[V], store: Store, cache: Cache) -> None:
        self._old: dict[str, V] = {}
        self._large: dict[str, int] = {}
        """Bytes of the rows over 16 KiB in ``values_``."""
        self._large_bytes = 0
        """All of them."""
        self._old_large: dict[str, int] = {}
        self._cache = cache
        cache.join(self)
        super().__init__(spec, store)

    def _begin(self) -> None:
        """Nothing is read ahead."""

    def _fetch(self, key: str) -> V:
        value: V = self._old.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            data = self.store.get(self.spec.name, key)
            try:
                value = ABSENT if data is None else self.spec.load(data)
            except Exception as error:
                self.spoilt[key] = (data or b"", error)
                raise RowFault({(self.spec.name, key): error}, certain=True) from error
            size = 0 if data is None else len(data)
        else:
            size = self._old_large.get(key, 0)
        self.values_[key] = value
        self.read += size
        if size > LARGE_ROW:
            self._note(key, size)
        return value

    def _note(self, key: str, size: int) -> None:
        """A row over 16 KiB is in ``values_``."""
        self._large_bytes += size - self._large.get(key, 0)
        self._large[key] = size

    def get(self, key: str, default: Any = None) -> Any:
        value = self.values_.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            value = self._fetch(key)
        return default if value is ABSENT else value

    def __getitem__(self, key: str) -> V:
        value: V = self.get(key, ABSENT)
        if value is ABSENT:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: V) -> None:
        old = self.values_.get(key, _UNKNOWN)
        if old is _UNKNOWN:
            old = self._fetch(key)
        self.writes.append((key, old))
        self.values_[key] = value
        if key not in self.dirty:
            self.dirty[key] = old

    def __delitem__(self, key: str) -> None:
        self[key]  # raises KeyError for one that is not there
        self[key] = ABSENT

    def __iter__(self) -> Iterator[str]:
        """All keys, by reading the whole table: for tests and tools."""
        yield from (key for key, _ in self.store.scan(self.spec.name) if key not in self.dirty)
        yield from (key for key in self.dirty if self.values_[key] is not ABSENT)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, ABSENT) is not ABSENT

    def behind(self, key: str, limit: int) -> list[str]:
        stored = self.store.behind(self.spec.name, key, limit)
        return nsmallest(limit, {*stored, *(each for each in self.dirty if each > key)})

    def undo(self) -> None:
        for key, old in reversed(self.writes):
            self.values_[key] = old
        self.writes.clear()

    def _put_back(self, key: str, old: V) -> None:
        if key in self.spoilt:
            self.values_.pop(key, None)  # it is not absent, it cannot be read
        else:
            self.values_[key] = old

    def discard(self, key: str) -> bytes:
        data = super().discard(key)
        self.values_[key] = ABSENT
        return data

    def _encoded(self, keys: Iterable[str]) -> Changes:
        dump, values = self.spec.dump, self.values_
        found = [(key, None if (row := values[key]) is ABSENT else dump(row)) for key in keys]
        for key, data in found:
            if data is not None and len(data) > LARGE_ROW:
                self._note(key, len(data))
        return found

    def committed(self) -> None:
        super().committed()
        if len(self.values_) > self._cache.share // 2 or self._large_bytes > self._cache.large_share // 2:
            self._old, self.values_ = self.values_, {}
            self._old_large, self._large, self._large_bytes = self._large, {}, 0

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Every committed row as it was written."""
        return self.store.scan(self.spec.name)


def open_tables(specs: Iterable[TableSpec[Any]], store: Store, cache: Cache) -> dict[str, Table[Any]]:
    """The tables of a task over what its store holds."""
    return {spec.name: Table(spec, store) if spec.resident else CachedTable(spec, store, cache) for spec in specs}


def deadlines(tables: Mapping[str, Table[Any]]) -> Due:
    """What a batch changed in the order of deadlines; what it took for due is put back. Raises `RowFault`."""
    due = Due()
    for table in tables.values():
        table.deadlines(due)
    return due


def settle(tables: Mapping[str, Table[Any]], store: Store, rows: Rows, due: Due, mark: Mark | None) -> None:
    """A batch is in Kafka: write its rows (`Table.changes`) and deadlines to the store. Raises `StoreError`.

    Without rows and mark: a batch that wrote nothing is over; what it took for due is put back in order.
    """
    store.write(rows, due, mark)
    for table in tables.values():
        table.committed()


def take_back(tables: Mapping[str, Table[Any]], store: Store) -> None:
    """A batch failed: the tables are as they were before it. Raises `StoreError`."""
    due = Due()
    for table in tables.values():
        due.add += table.rollback()
    if due.add:
        store.write({}, due, None)
