"""Tables: the state of one task, a mapping per name, written to the changelog with each batch and kept in its store.

A small table is **resident**: all its rows are decoded at hand. Of a large one a bounded number is (`CachedTable`); the
others lie encoded in the store and are decoded when they are asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from streams.engine.errors import RowError
from streams.engine.store import Due, Entry, Mark, MemoryStore, MemoryStores, Rows, Store, Stores

V = TypeVar("V")
_ABSENT: Any = object()
_UNKNOWN: Any = object()
NONE: Mapping[str, int] = {}


def version_of(data: bytes) -> int:
    """The version of an encoded row. Rows of version 1 are bare; a later version stands in front, one byte from 2 to
    31, with which no JSON begins.
    """
    return data[0] if data and 1 < data[0] < 32 else 1


@dataclass(frozen=True)
class TableSpec(Generic[V]):
    """Name and codec of a table. Keys are text; values are treated as immutable.

    ``version`` (up to 31) is that of ``encode``; ``upgrades[n]`` turns the encoding of version n + 1 into the next one,
    without the byte in front. ``due`` gives the deadlines of a row, {line: ms}; ``peek`` the same from its encoding,
    where that is quicker than decoding it.
    """

    name: str
    encode: Callable[[V], bytes]
    decode: Callable[[bytes], V]
    resident: bool = True
    version: int = 1
    upgrades: tuple[Callable[[bytes], bytes], ...] = ()
    due: Callable[[V], Mapping[str, int]] | None = None
    peek: Callable[[bytes], Mapping[str, int]] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.version < 32 or len(self.upgrades) != self.version - 1:
            raise ValueError(
                f"table {self.name!r}: version {self.version} with {len(self.upgrades)} upgrades; versions go from 1 "
                "to 31, and each but the first needs an upgrade from the one before it"
            )

    def dump(self, value: V) -> bytes:
        """The row as it is written."""
        return self.encode(value) if self.version == 1 else bytes((self.version,)) + self.encode(value)

    def load(self, data: bytes) -> V:
        """A row of this version or an earlier one."""
        return self.decode(self._current(data))

    def due_in(self, data: bytes) -> Mapping[str, int]:
        """The deadlines of an encoded row."""
        if self.due is None:
            return NONE
        current = self._current(data)
        return self.peek(current) if self.peek else self.due(self.decode(current))

    def _current(self, data: bytes) -> bytes:
        version = version_of(data)
        if version > 1:
            data = data[1:]
        if version == self.version:
            return data
        for upgrade in self.upgrades[version - 1 :]:
            data = upgrade(data)
        return data


class Cache:
    """How many decoded rows a worker keeps of its large tables, all together; each table has the same share."""

    def __init__(self, rows: int = 50_000) -> None:
        self.rows = rows
        self._tables: WeakValueDictionary[int, Table[Any]] = WeakValueDictionary()

    def join(self, table: "Table[Any]") -> None:
        self._tables[id(table)] = table

    @property
    def share(self) -> int:
        return self.rows // max(len(self._tables), 1)


@dataclass(frozen=True)
class Storage:
    """Where the state of a worker's tasks is kept: what opens their stores, and how many rows of them are decoded."""

    stores: Stores = field(default_factory=MemoryStores)
    cache: Cache = field(default_factory=Cache)


class Table(MutableMapping[str, V]):
    """A task's mapping that remembers which keys a batch touched, and can undo the writes of one record.

    Values must not be changed in place: put a new value. That is what makes `undo` a matter of putting old references
    back.
    """

    __slots__ = ("__weakref__", "_taken", "_undo", "dirty", "spec", "store", "values_")

    def __init__(self, spec: TableSpec[V], store: Store | None = None) -> None:
        """Its rows are what the store holds. Raises `RowError`."""
        self.spec = spec
        self.store = store or MemoryStore()
        self.values_: dict[str, V] = {}
        self.dirty: dict[str, V] = {}
        """Touched key → the value before the batch."""
        self._undo: list[tuple[str, V]] = []
        self._taken: list[Entry] = []
        self._begin()

    def _begin(self) -> None:
        for key, data in self.store.scan(self.spec.name):
            self.values_[key] = self._load(key, data)
        self.store.release(self.spec.name)

    def _load(self, key: str, data: bytes) -> V:
        try:
            return self.spec.load(data)
        except Exception as error:
            raise RowError(self.spec.name, key, error) from error

    def __getitem__(self, key: str) -> V:
        return self.values_[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.values_.get(key, default)

    def __setitem__(self, key: str, value: V) -> None:
        old = self.values_.get(key, _ABSENT)
        self._undo.append((key, old))
        self.values_[key] = value
        if key not in self.dirty:
            self.dirty[key] = old

    def __delitem__(self, key: str) -> None:
        old = self.values_.pop(key)
        self._undo.append((key, old))
        if key not in self.dirty:
            self.dirty[key] = old

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)

    def __contains__(self, key: object) -> bool:
        return key in self.values_

    def mark(self) -> None:
        """Writes up to here stay, whatever `undo` does later."""
        self._undo.clear()

    def undo(self) -> None:
        """Take back every write since `mark`."""
        for key, old in reversed(self._undo):
            if old is _ABSENT:
                self.values_.pop(key, None)
            else:
                self.values_[key] = old
        self._undo.clear()

    def take_due(self, line: str, before: int, limit: int) -> list[str]:
        """Keys of rows with a deadline of the line below ``before`` (ms), ``limit`` at most: committed ones, the
        earliest first, then those that this batch wrote or took before. Whoever takes a row gives it a later deadline,
        or none.
        """
        due_of, found = self.spec.due, dict[str, None]()
        if due_of is None:
            return []
        out_of_order = [*self.dirty, *(entry.key for entry in self._taken if entry.line == line)]
        while entries := self.store.due(self.spec.name, line, before, limit - len(found)):
            self._taken += entries
            for entry in entries:
                row = self.get(entry.key)
                if row is not None and due_of(row).get(line, before) < before:
                    found[entry.key] = None
            if len(found) >= limit:
                return list(found)
        for key in out_of_order:
            if len(found) < limit and (row := self.get(key)) is not None and due_of(row).get(line, before) < before:
                found[key] = None
        return list(found)

    def changes(self) -> list[tuple[str, bytes | None]]:
        """The touched keys with their encoded values; ``None`` = removed."""
        dump, values = self.spec.dump, self.values_
        return [(key, dump(values[key]) if key in values else None) for key in self.dirty]

    def deadlines(self, due: Due) -> None:
        """Add what the batch changed in the order of deadlines to ``due``."""
        due_of, name = self.spec.due, self.spec.name
        if due_of is None:
            return
        for key, old in self.dirty.items():
            was = NONE if old is _ABSENT else due_of(old)
            row = self.get(key, _ABSENT)
            now = NONE if row is _ABSENT else due_of(row)
            if was != now:
                due.drop += [Entry(name, line, at, key) for line, at in was.items() if now.get(line) != at]
                due.add += [Entry(name, line, at, key) for line, at in now.items() if was.get(line) != at]
        for entry in self._taken:
            due.drop.append(entry)
            row = self.get(entry.key, _ABSENT)
            at = None if row is _ABSENT else due_of(row).get(entry.line)
            if at is not None:
                due.add.append(entry._replace(at=at))

    @property
    def unsettled(self) -> bool:
        """Has a batch written, or taken what is due?"""
        return bool(self.dirty or self._taken)

    def committed(self) -> None:
        """The batch that touched these keys is in Kafka and in the store."""
        self.dirty.clear()
        self._undo.clear()
        self._taken.clear()

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Every row, encoded; between two batches these are the committed ones. Rows of a resident table are encoded
        anew, so an old version comes as the present one.
        """
        for key, value in self.values_.items():
            yield key, self.spec.dump(value)


class CachedTable(Table[V]):
    """A table larger than memory: ``values_`` holds the rows used of late, ``_old`` those used before them. The two
    change places after a commit, so that no row is let go before it is in the store.
    """

    __slots__ = ("_cache", "_old")

    def __init__(self, spec: TableSpec[V], store: Store, cache: Cache) -> None:
        self._old: dict[str, V] = {}
        self._cache = cache
        cache.join(self)
        super().__init__(spec, store)

    def _begin(self) -> None:
        """Nothing is read ahead."""

    def _fetch(self, key: str) -> V:
        value: V = self._old.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            data = self.store.get(self.spec.name, key)
            value = _ABSENT if data is None else self._load(key, data)
        self.values_[key] = value
        return value

    def get(self, key: str, default: Any = None) -> Any:
        value = self.values_.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            value = self._fetch(key)
        return default if value is _ABSENT else value

    def __getitem__(self, key: str) -> V:
        value: V = self.get(key, _ABSENT)
        if value is _ABSENT:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: V) -> None:
        old = self.values_.get(key, _UNKNOWN)
        if old is _UNKNOWN:
            old = self._fetch(key)
        self._undo.append((key, old))
        self.values_[key] = value
        if key not in self.dirty:
            self.dirty[key] = old

    def __delitem__(self, key: str) -> None:
        self[key]  # raises KeyError for one that is not there
        self[key] = _ABSENT

    def __iter__(self) -> Iterator[str]:
        """All keys, by reading the whole table: for tests and tools."""
        yield from (key for key, _ in self.store.scan(self.spec.name) if key not in self.dirty)
        yield from (key for key in self.dirty if self.values_[key] is not _ABSENT)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, _ABSENT) is not _ABSENT

    def undo(self) -> None:
        for key, old in reversed(self._undo):
            self.values_[key] = old
        self._undo.clear()

    def changes(self) -> list[tuple[str, bytes | None]]:
        dump, values = self.spec.dump, self.values_
        return [(key, None if (row := values[key]) is _ABSENT else dump(row)) for key in self.dirty]

    def committed(self) -> None:
        super().committed()
        if len(self.values_) > self._cache.share // 2:
            self._old, self.values_ = self.values_, {}

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Every committed row as it was written."""
        return self.store.scan(self.spec.name)


def open_tables(specs: Iterable[TableSpec[Any]], store: Store, cache: Cache) -> dict[str, Table[Any]]:
    """The tables of a task over what its store holds. Raises `RowError`."""
    return {spec.name: Table(spec, store) if spec.resident else CachedTable(spec, store, cache) for spec in specs}


def settle(tables: Mapping[str, Table[Any]], store: Store, rows: Rows, mark: Mark | None) -> None:
    """A batch is in Kafka: write its rows (`Table.changes`) and deadlines to the store. Raises `StoreError`.

    Without rows and mark: a batch that wrote nothing is over; what it took for due is put back in order.
    """
    due = Due()
    for table in tables.values():
        table.deadlines(due)
    store.write(rows, due, mark)
    for table in tables.values():
        table.committed()
