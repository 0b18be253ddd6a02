"""What one agent reads, and what the engine asks of it."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

from streams.engine.outputs import Outputs
from streams.engine.spec import TableSpec
from streams.engine.table import Table

log = logging.getLogger(__name__)


class Record(Protocol):
    """A record as fetched (the shape of aiokafka's ``ConsumerRecord``)."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(frozen=True)
class Unfetchable:
    """The place of records that cannot be taken apart: a header name that is not UTF-8, a wrong checksum, a batch that
    inflates to more than is taken. ``offset`` is that of the last of them, so that reading goes on behind it.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    error: Exception
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    first: int = -1
    """Offset of the first of them; -1: it is one record."""

    @property
    def count(self) -> int:
        """How many offsets it stands for."""
        return 1 if self.first < 0 else self.offset - self.first + 1

    def refuse(self) -> None:
        """Raises why it cannot be taken apart."""
        raise self.error


@dataclass(frozen=True)
class TaskInfo:
    """Where a processor stands: its inlet, partition, and how many tasks like it there are."""

    inlet: str
    partition: int
    peers: int
    topics: tuple[str, ...]
    stages: Mapping[str, int] = field(default_factory=dict, compare=False)
    """How many tasks each inlet of the app has; empty where only this one is known."""
    kept: dict[str, Any] = field(default_factory=dict, compare=False)
    """What outlives a processor that is made anew because a batch was taken back, and ends with the task: how long
    something has lasted. Nothing of it may decide what is written."""

    @property
    def name(self) -> str:
        return f"{self.inlet}-{self.partition}"


class Rest(IntEnum):
    """What the end of a batch leaves to be done, although all its records are."""

    NOTHING = 0
    AT_ONCE = 1
    """More than one batch takes: a tick is to follow at once."""
    NEXT_TICK = 2
    """Little: the next tick does it."""


class Processor(ABC):
    """The handler of one task. Made anew after each restore, so what it derives from the tables is always in step with
    them.
    """

    folded = True
    """Whether a record of this batch did more than let time pass: for a row that time changes and that cannot be
    written no record is to blame."""

    @abstractmethod
    def handle(self, record: Record, out: Outputs) -> None:
        """Fold one record in. What it raises costs this record only: its writes and outputs are taken back."""

    async def look_ahead(self, records: Sequence[Record]) -> None:  # noqa: B027 - most have nothing to prepare
        """Before the records of a batch are handled, and only where that is on an event loop: what takes long and may
        be done beside it. It changes no table; what it raises is the batch's failure.
        """

    def undo(self, record: Record) -> None:  # noqa: B027 - most keep nothing there
        """`handle` raised: forget what was kept outside the tables for this record."""

    def finish(self, out: Outputs) -> Rest:
        """After the records of a batch, and on every tick: deadlines, windows, progress. Returns what is left to be
        done; whoever watches the group can tell from it whether all has come out (`telling`).

        Raises `RowFault` where a row is at fault, so that the row is set aside and not the end of all batches.
        """
        return Rest.NOTHING

    def keep(self) -> None:  # noqa: B027 - most note nothing
        """Called in place of `finish` where that is left out because it fails whatever the batch: write down what is
        noted outside the tables until the end of a batch, and would be lost. What it raises is logged, and its writes
        are taken back.
        """


@dataclass(frozen=True)
class Failure:
    """A record whose handling raised."""

    record: Record
    error: Exception


@dataclass(frozen=True)
class RowFailure:
    """A row that is set aside: its bytes, as far as it can be written at all, and what it made raise."""

    info: TaskInfo
    table: str
    key: str
    data: bytes
    error: Exception
    at: int
    """Where the changelog ended then."""


def _log_row(failure: RowFailure, out: Outputs) -> None:
    log.error("%s: a row of table %s was set aside", failure.info.name, failure.table)


@dataclass(frozen=True)
class Inlet:
    """One agent's input: topics read side by side (partition *n* of each belongs to task *n*), its tables and its
    processor.

    ``on_failure`` turns a failed record into a dead letter, ``on_row`` a row that was set aside; they must not raise.
    """

    name: str
    topics: tuple[str, ...]
    processor: Callable[[TaskInfo, Mapping[str, Table[Any]]], Processor]
    on_failure: Callable[[Failure, Outputs], None]
    tables: tuple[TableSpec[Any], ...] = field(default=())
    on_row: Callable[[RowFailure, Outputs], None] = _log_row

    def changelog(self, app_id: str) -> str:
        """Name of the compacted topic that holds the tables."""
        return changelog_of(app_id, self.name)


def changelog_of(app_id: str, inlet: str) -> str:
    """The topic that holds the tables of an application's inlet."""
    return f"{app_id}-{inlet}-changelog"
