"""Name and codec of a table, and the versions of its rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

V = TypeVar("V")
NONE: Mapping[str, int] = {}
LENGTH = 4
"""Bytes that say how long the deadlines are which follow."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, int]).decode


def version_of(data: bytes) -> int:
    """The version of an encoded row. Version 1 is not written; a later version stands in front, one byte from 2 to
    31, with which no JSON begins.
    """
    return data[0] if data and 1 < data[0] < 32 else 1


@dataclass(frozen=True)
class TableSpec(Generic[V]):
    """Name and codec of a table. Keys are text; values are treated as immutable.

    ``version`` (up to 31) is that of ``encode``; ``upgrades[n]`` turns the encoding of version n + 1 into the next one,
    without what is in front. ``due`` gives the deadlines of a row, {line: ms}: from version ``due_since`` on they stand
    in front of the row, so that nobody has to decode it to know them; those of a row of a version before ``due_anew``
    do not hold any more, and are found by upgrading it. ``keys`` says what its keys name: for whoever looks for rows,
    not for the engine.
    """

    name: str
    encode: Callable[[V], bytes]
    decode: Callable[[bytes], V]
    resident: bool = True
    version: int = 1
    upgrades: tuple[Callable[[bytes], bytes], ...] = ()
    due: Callable[[V], Mapping[str, int]] | None = None
    due_since: int = 1
    due_anew: int = 1
    keys: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.version < 32 or len(self.upgrades) != self.version - 1:
            raise ValueError(
                f"table {self.name!r}: version {self.version} with {len(self.upgrades)} upgrades; versions go from 1 "
                "to 31, and each but the first needs an upgrade from the one before it"
            )

    def dump(self, value: V) -> bytes:
        """The row as it is written."""
        row = self.encode(value)
        if self.due is not None:
            due = _encode(self.due(value))
            row = len(due).to_bytes(LENGTH, "big") + due + row
        return row if self.version == 1 else bytes((self.version,)) + row

    def load(self, data: bytes) -> V:
        """A row of this version or an earlier one."""
        return self.decode(self._current(data))

    def due_in(self, data: bytes) -> Mapping[str, int]:
        """The deadlines of an encoded row."""
        if self.due is None:
            return NONE
        version = version_of(data)
        if version < max(self.due_since, self.due_anew):
            return self.due(self.load(data))
        start = LENGTH + (version > 1)
        end = start + int.from_bytes(data[start - LENGTH : start], "big")
        return _decode(data[start:end])

    def _current(self, data: bytes) -> bytes:
        version = version_of(data)
        if version > 1:
            data = data[1:]
        if self.due is not None and version >= self.due_since:
            data = data[LENGTH + int.from_bytes(data[:LENGTH], "big") :]
        if version == self.version:
            return data
        for upgrade in self.upgrades[version - 1 :]:
            data = upgrade(data)
        return data
