"""Tables: the state of one task, a mapping per name, written to the changelog with each batch."""

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

V = TypeVar("V")
_ABSENT: Any = object()


@dataclass(frozen=True)
class TableSpec(Generic[V]):
    """Name and codec of a table. Keys are text; values are treated as immutable."""

    name: str
    encode: Callable[[V], bytes]
    decode: Callable[[bytes], V]


class Table(MutableMapping[str, V]):
    """A task's mapping that remembers which keys a batch touched, and can undo the writes of one record.

    Values must not be changed in place: put a new value. That is what makes `undo` a matter of putting old references
    back.
    """

    __slots__ = ("_undo", "dirty", "spec", "values_")

    def __init__(self, spec: TableSpec[V]) -> None:
        self.spec = spec
        self.values_: dict[str, V] = {}
        self.dirty: set[str] = set()
        self._undo: list[tuple[str, V]] = []

    def __getitem__(self, key: str) -> V:
        return self.values_[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.values_.get(key, default)

    def __setitem__(self, key: str, value: V) -> None:
        self._undo.append((key, self.values_.get(key, _ABSENT)))
        self.values_[key] = value
        self.dirty.add(key)

    def __delitem__(self, key: str) -> None:
        self._undo.append((key, self.values_.pop(key)))
        self.dirty.add(key)

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

    def changes(self) -> list[tuple[str, bytes | None]]:
        """The touched keys with their encoded values; ``None`` = removed."""
        encode, values = self.spec.encode, self.values_
        return [(key, encode(values[key]) if key in values else None) for key in self.dirty]

    def committed(self) -> None:
        """The batch that touched these keys is in Kafka."""
        self.dirty.clear()
        self._undo.clear()
