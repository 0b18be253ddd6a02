"""Records of ``contact.quality`` as numbers: of each contact that was answered for, nothing else is kept.

Names become codes, scores and behaviours numbers; an answer takes about 70 bytes, and its key.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.base.records import LIVE, NO_TIER
from streams.base.times import to_ms

DIMENSIONS = ("business", "human", "hidden")
"""Of service: the scores of a contact."""
GROUPS = ("service_type", "tier", "channel")
"""What answers may be grouped by."""
ANSWERS = ("csat", "nps")
MAX_BEHAVIOURS = 64
MAX_ANSWERS = 1_000_000
FAULTS_NAMED = 3

Row = NDArray[np.void]
"""A table of answers, see `ROW`."""

ROW = np.dtype(
    [
        ("customer", "<u4"),
        *((name, "<u4") for name in GROUPS),
        *((name, "<f8") for name in DIMENSIONS),
        *((name, "<f8") for name in ANSWERS),
        ("told", "<u8"),
        ("shown", "<u8"),
    ]
)
"""Codes; scores 0…1 and answers, NaN where there is none; behaviours by bit: it is known, and it was there."""
_pack = struct.Struct("<4I5d2Q").pack


class TooMany(ValueError):
    """More than can be held; the message says of what, and what to do."""


class Score(msgspec.Struct):
    """Of a dimension."""

    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


class Quality(msgspec.Struct):
    """As much of a record as is read."""

    contact_id: str
    channel: str
    began_at: str
    customer_id: str | None = None
    line: str = LIVE
    tier: str | None = None
    service_type: str | None = None
    business: Score | None = None
    human: Score | None = None
    hidden: Score | None = None
    behaviours: dict[str, bool | None] = {}
    csat: float | None = None
    """On the scale of ``kpis.yaml``."""
    nps: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None


_decode = msgspec.json.Decoder(Quality).decode


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered: a row for each contact, with the names of its codes."""

    rows: Row
    names: dict[str, tuple[str, ...]]
    """Of each of `GROUPS`: code → name."""
    behaviours: tuple[str, ...]
    """Bit → name."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(slots=True)
class Book:
    """Records are taken one after the other; the last of a contact counts.

    ``start`` and ``end`` (exclusive) are ms: contacts that began then, on this line.
    """

    start: int
    end: int
    line: str = LIVE
    contacts: int = 0
    """Records of the line and span, those of a contact that were told anew included."""
    faulty: int = 0
    faults: list[str] = field(default_factory=list)
    """The first of them, in words."""
    lines: set[str] = field(default_factory=set)
    _rows: dict[bytes, bytes] = field(default_factory=dict)
    _codes: dict[str, dict[str, int]] = field(default_factory=lambda: {name: {} for name in (*GROUPS, "behaviour")})
    _customers: dict[str, int] = field(default_factory=dict)

    def take(self, key: bytes | None, value: bytes | None, where: str) -> None:
        """A record; without a value its contact is removed. One that cannot be read is noted with ``where`` it was.
        Raises TooMany.
        """
        if not value:
            self._rows.pop(key or b"", None)
            return
        try:
            told = _decode(value)
            began = to_ms(told.began_at)
        except (msgspec.MsgspecError, ValueError) as error:
            self._rows.pop(key or b"", None)
            self.faulty += 1
            if len(self.faults) < FAULTS_NAMED:
                self.faults.append(f"{where}: {error}")
            return
        self.lines.add(told.line)
        if told.line != self.line:
            return
        name = key or f"{told.line}/{told.channel}|{told.contact_id}".encode()
        if not self.start <= began < self.end:
            self._rows.pop(name, None)
            return
        self.contacts += 1
        if told.csat is None and told.nps is None:
            self._rows.pop(name, None)
            return
        self._rows[name] = self._row(told, name)
        if len(self._rows) > MAX_ANSWERS:
            raise TooMany(f"more than {MAX_ANSWERS:,} contacts were answered for; take a shorter span")

    def answers(self) -> Answers:
        """What counts now. Codes of groups are in the order of their names, whichever record came first."""
        rows = np.frombuffer(b"".join(self._rows.values()), ROW).copy()
        names = {name: tuple(self._codes[name]) for name in GROUPS}
        for name, known in names.items():
            place = {each: number for number, each in enumerate(sorted(known))}
            rows[name] = np.array([place[each] for each in known], np.uint32)[rows[name]]
        return Answers(
            rows, {name: tuple(sorted(known)) for name, known in names.items()}, tuple(self._codes["behaviour"])
        )

    def _row(self, told: Quality, key: bytes) -> bytes:
        """A contact of nobody that is known is a customer of its own."""
        customer = f"customer:{told.customer_id}" if told.customer_id else f"contact:{key!r}"
        shown = {self._bit(name): there for name, there in told.behaviours.items() if there is not None}
        return _pack(
            self._customers.setdefault(customer, len(self._customers)),
            *(self._code(name, getattr(told, name) or NO_TIER) for name in GROUPS),
            *(_number(score.score if (score := getattr(told, name)) else None) for name in DIMENSIONS),
            *(_number(getattr(told, name)) for name in ANSWERS),
            _bits(shown),
            _bits(bit for bit, there in shown.items() if there),
        )

    def _code(self, kind: str, name: str) -> int:
        codes = self._codes[kind]
        return codes.setdefault(name, len(codes))

    def _bit(self, name: str) -> int:
        bit = self._code("behaviour", name)
        if bit >= MAX_BEHAVIOURS:
            raise TooMany(f"there are more than {MAX_BEHAVIOURS} behaviours; leave some out of the records")
        return bit


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _bits(bits: Iterable[int]) -> int:
    return sum(1 << bit for bit in bits)


def has(rows: Row, field_: str, bit: int) -> NDArray[np.bool_]:
    """Whether each row has this bit in ``told`` or ``shown``."""
    found: Any = (rows[field_] >> np.uint64(bit)) & np.uint64(1)
    return np.asarray(found, dtype=np.bool_)


def customers_of(rows: Row) -> int:
    """How many different ones."""
    return len(np.unique(rows["customer"]))
