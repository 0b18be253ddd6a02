"""A table: the state of one task under one name, written to the changelog with each batch and kept in its store.

This one is **resident**: all its rows are decoded at hand. See `CachedTable` for those that are larger than memory.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

from streams.engine.errors import RowFault, RowTooLarge
from streams.engine.kafka import LARGEST_RECORD
from streams.engine.spec import NONE, TableSpec
from streams.engine.store import Due, Entry, MemoryStore, Ordered, Store

V = TypeVar("V")
ABSENT: Any = object()
Changes = list[tuple[str, bytes | None]]
PART_BYTES = 32 << 20
"""A batch that has sent so much, or taken so much of rows from the store, is committed, and the rest of its records
follow in a part of their own.
"""
NEVER = 1 << 63
"""The deadline of a row that has none."""
DUE_AT_ONCE = 64
"""Rows that are taken for due before it is asked how large they were."""


class Table(MutableMapping[str, V]):
    """A task's mapping that remembers which keys a batch touched, and can undo the writes of one record.

    Values must not be changed in place: put a new value. That is what makes `undo` a matter of putting old references
    back.
    """

    __slots__ = (
        "__weakref__",
        "_looked",
        "_ordered",
        "_taken",
        "dirty",
        "largest",
        "read",
        "spec",
        "spoilt",
        "store",
        "values_",
        "writes",
    )

    def __init__(self, spec: TableSpec[V], store: Store | None = None) -> None:
        """Its rows are what the store holds."""
        self.spec = spec
        self.store = store or MemoryStore()
        self.largest = LARGEST_RECORD
        """Most bytes of a row's key and value."""
        self.values_: dict[str, V] = {}
        self.read = 0
        """Bytes of the rows that this batch took from the store."""
        self.dirty: dict[str, V] = {}
        """Touched key → the value before the batch."""
        self.spoilt: dict[str, tuple[bytes, Exception]] = {}
        """Rows that cannot be decoded, and why: they are to be set aside (`discard`)."""
        self.writes: list[tuple[str, V]] = []
        """What `undo` takes back: key, the value before. Always the same list, so that a loop over records can empty it
        without a call (`mark`)."""
        self._taken: list[Entry] = []
        self._ordered = Ordered()
        self._looked: dict[str, dict[str, tuple[Any, int]]] = {}
        """Line → key → the row of this batch when it was last asked, and its deadline: time passes many times in a
        batch, and most rows do not change in between."""
        self._begin()

    def _begin(self) -> None:
        for key, data in self.store.scan(self.spec.name):
            try:
                self.values_[key] = self.spec.load(data)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the other rows are needed
                self.spoilt[key] = (data, error)
        self.store.release(self.spec.name)

    def __getitem__(self, key: str) -> V:
        return self.values_[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.values_.get(key, default)

    def __setitem__(self, key: str, value: V) -> None:
        old = self.values_.get(key, ABSENT)
        self.writes.append((key, old))
        if old is ABSENT:
            self._ordered.add(key)
        self.values_[key] = value
        if key not in self.dirty:
            self.dirty[key] = old

    def __delitem__(self, key: str) -> None:
        old = self.values_.pop(key)
        self.writes.append((key, old))
        if key not in self.dirty:
            self.dirty[key] = old

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)

    def __contains__(self, key: object) -> bool:
        return key in self.values_

    def pop(self, key: str, default: Any = ABSENT) -> Any:
        """As of a dict. Most of those that are popped are not there, and an exception for each would be dear."""
        row = self.get(key, ABSENT)
        if row is not ABSENT:
            del self[key]
        elif default is ABSENT:
            raise KeyError(key)
        return default if row is ABSENT else row

    def mark(self) -> None:
        """Writes up to here stay, whatever `undo` does later."""
        self.writes.clear()

    def undo(self) -> None:
        """Take back every write since `mark`."""
        for key, old in reversed(self.writes):
            if old is ABSENT:
                self.values_.pop(key, None)
            else:
                self.values_[key] = old
                self._ordered.add(key)
        self.writes.clear()

    def rollback(self) -> list[Entry]:
        """Take back the whole batch. Returns the entries it took for due: they belong into the store again."""
        for key, old in self.dirty.items():
            self._put_back(key, old)
        taken = list(self._taken)
        self.read = 0
        self.writes.clear()
        self.dirty.clear()
        self._taken.clear()
        self._looked.clear()
        return taken

    def _put_back(self, key: str, old: V) -> None:
        if old is ABSENT:
            self.values_.pop(key, None)
        else:
            self.values_[key] = old
            self._ordered.add(key)

    def spoil(self, key: str, why: Exception) -> None:
        """A row cannot be used, and is to be set aside."""
        self.spoilt.setdefault(key, (self.store.get(self.spec.name, key) or b"", why))
        self.values_.pop(key, None)

    def discard(self, key: str) -> bytes:
        """Remove a row whatever is wrong with it; returns its bytes, as far as there are any."""
        if key in self.spoilt:
            self.dirty.setdefault(key, ABSENT)
            self.values_.pop(key, None)
            return self.spoilt[key][0]
        row = self.get(key, ABSENT)
        if row is ABSENT:
            return b""
        try:
            data = self.spec.dump(row)
        except Exception:  # noqa: BLE001 - the encoder may be what fails
            data = self.store.get(self.spec.name, key) or repr(row).encode()
        del self[key]
        return data

    def behind(self, key: str, limit: int) -> list[str]:
        """The first keys behind this one, in order; those that this batch wrote among them."""
        return self._ordered.behind(self.values_, key, limit)

    def take_due(self, line: str, before: int, limit: int) -> list[str]:
        """Keys of rows with a deadline of the line below ``before`` (ms), ``limit`` at most: committed ones, the
        earliest first, then those that this batch wrote or took before. Whoever takes a row gives it a later deadline,
        or none. Raises `RowFault` for a row that does not tell.

        There may be more when as many as ``limit`` are found, or when the batch is `full`.
        """
        if self.spec.due is None:
            return []
        found = dict[str, None]()
        out_of_order = [*self.dirty, *(entry.key for entry in self._taken if entry.line == line)]
        while not self.full and (
            entries := self.store.due(self.spec.name, line, before, min(limit - len(found), DUE_AT_ONCE))
        ):
            self._taken += entries
            for entry in entries:
                if self._due(entry.key).get(line, before + 1) < before:
                    found[entry.key] = None
            if len(found) >= limit:
                return list(found)
        looked, rows = self._looked.setdefault(line, {}), self.values_
        for key in out_of_order:
            row, known = rows.get(key), looked.get(key)
            if known is None or known[0] is not row:
                known = looked[key] = row, self._due(key).get(line, NEVER)
            if known[1] < before and len(found) < limit:
                found[key] = None
        return list(found)

    @property
    def full(self) -> bool:
        """Has the batch taken so many bytes of rows that others are to follow in one of their own?"""
        return self.read > PART_BYTES

    def changes(self) -> Changes:
        """The touched keys with their encoded values; ``None`` = removed. Raises `RowFault` for rows that cannot be
        written.
        """
        try:
            found = self._encoded(self.dirty)
        except Exception as error:
            raise RowFault(self._unwritable() or {(self.spec.name, ""): error}) from error
        largest = self.largest
        for key, data in found:
            if data is not None and len(data) + 4 * len(key) > largest and (large := self._unwritable()):
                raise RowFault(large)
        return found

    def _encoded(self, keys: Iterable[str]) -> Changes:
        dump, values = self.spec.dump, self.values_
        return [(key, dump(values[key]) if key in values else None) for key in keys]

    def _unwritable(self) -> dict[tuple[str, str], Exception]:
        """The touched rows that cannot be written, and why."""
        found: dict[tuple[str, str], Exception] = {}
        for key in self.dirty:
            try:
                ((_, data),) = self._encoded([key])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's
                found[self.spec.name, key] = error
                continue
            size = len(key.encode()) + len(data or b"")
            if data is not None and size > self.largest:
                found[self.spec.name, key] = RowTooLarge(self.spec.name, size, self.largest)
        return found

    def _due(self, key: str) -> Mapping[str, int]:
        """The deadlines of a row, of one that is not there none. Raises `RowFault`."""
        row = self.get(key, ABSENT)
        if row is ABSENT or self.spec.due is None:
            return NONE
        try:
            return self.spec.due(row)
        except Exception as error:
            raise RowFault({(self.spec.name, key): error}, certain=key not in self.dirty) from error

    def deadlines(self, due: Due) -> None:
        """Add what the batch changed in the order of deadlines to ``due``. Raises `RowFault` for a row that does not
        tell when it is due.
        """
        due_of, name = self.spec.due, self.spec.name
        if due_of is None:
            return
        for key, old in self.dirty.items():
            try:
                was = NONE if old is ABSENT else due_of(old)
            except Exception:  # noqa: BLE001 - entries that stay behind are asked of the row that is there now
                was = NONE
            now = self._due(key)
            if was != now:
                due.drop += [Entry(name, line, at, key) for line, at in was.items() if now.get(line) != at]
                due.add += [Entry(name, line, at, key) for line, at in now.items() if was.get(line) != at]
        for entry in self._taken:
            due.drop.append(entry)
            at = self._due(entry.key).get(entry.line)
            if at is not None:
                due.add.append(entry._replace(at=at))

    def committed(self) -> None:
        """The batch that touched these keys is in Kafka and in the store."""
        if self.spoilt:
            self.spoilt = {key: why for key, why in self.spoilt.items() if key not in self.dirty}
        self.read = 0
        self.dirty.clear()
        self.writes.clear()
        self._taken.clear()
        self._looked.clear()

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Every row, encoded; between two batches these are the committed ones. Rows of a resident table are encoded
        anew, so an old version comes as the present one.
        """
        for key, value in self.values_.items():
            yield key, self.spec.dump(value)
