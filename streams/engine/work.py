"""How a batch is worked off, and how a failure in it is narrowed down to the one record or row that is to blame.

A record that raises while it is handled is taken back and set aside on the spot. Whatever raises later (a deadline, the
end of the batch, a row that cannot be written) takes the batch back as a whole. It is then halved, and each half is
worked off as a batch of its own, down to one record. What fails with that record alone is tried once more; when it
repeats, in this order, until one attempt passes:

1. the row that is named is set aside, when no record can be to blame for it: a deadline raised, or it cannot be read;
2. the record is set aside: it becomes a dead letter and changes nothing;
3. the row that is named is set aside: it fails without the record too;
4. the end of the batch is left out: it fails without any record, and names no row. Time stands for this task until it
   passes, and `Task.unfinished` says so; records go on.

So no failure of the handler is repeated for ever. The disk's failures are not the handler's: they cost the task, which
is taken over again, as do Kafka's.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from streams.engine.doubt import Doubt
from streams.engine.errors import EngineError, RowFault, StoreError, UnreadableRecord
from streams.engine.inlet import Failure, Inlet, Processor, Record, Rest, RowFailure, TaskInfo, Unfetchable
from streams.engine.outputs import Outputs
from streams.engine.store import Due, Rows, Store
from streams.engine.table import PART_BYTES, Table
from streams.engine.tables import deadlines, take_back
from streams.engine.trial import Trial

log = logging.getLogger(__name__)

TURN_SECONDS = 0.05
"""How long records are handled before the event loop gets its turn: heartbeats, rebalances, /healthz."""
LOOK_EVERY = 16
"""After so many records it is asked how many bytes of rows they took from the store."""
MAX_ASIDE = 1000
"""Rows a task sets aside since its start (those that failed together count once). A fault that hits more of them is no
fault of rows: then time stands instead, and the state is kept.
"""

RowName = tuple[str, str]
"""Table and key."""


class Desk(Protocol):
    """Where a batch is worked off: one task, or what stands for one offline."""

    inlet: Inlet
    info: TaskInfo
    tables: dict[str, Table[Any]]
    store: Store
    trial: Trial
    processor: Processor | None
    changelog_end: int
    """Where the changelog ended after the last commit."""
    aside: int
    """Rows set aside so far."""
    doubt: Doubt
    """Records that are not to be handled: the broker refuses what they make."""

    def renew(self) -> None:
        """Make a fresh processor over the tables."""

    def hurry(self) -> None:
        """There is more to do: a tick is to follow at once."""

    def put_aside(self, faults: int) -> None:
        """Rows were set aside for so many faults."""


@dataclass
class Part:
    """Records of a batch with all that comes of them, ready to be committed in one transaction."""

    records: Sequence[Record]
    out: Outputs
    left: Sequence[Record] = ()
    """Not handled yet: they would have made the part too large."""
    rows: Rows = field(default_factory=dict)
    due: Due = field(default_factory=Due)
    failed: int = 0
    """Records whose handling raised; they became dead letters."""
    unreadable: Counter[type[UnreadableRecord]] = field(default_factory=Counter)
    """Places of records that could not be taken apart, by why."""
    aside: Counter[str] = field(default_factory=Counter)
    """Table → rows set aside."""
    unfinished: Exception | None = None
    """Why the end of the batch was left out."""
    ending: bool = False
    """Are all records handled?"""
    rest: Rest = Rest.NEXT_TICK
    """What is left to be done when it is committed."""

    def count(self, error: Exception) -> None:
        """A record, or the place of some, became a dead letter for this reason."""
        if isinstance(error, UnreadableRecord):
            self.unreadable[type(error)] += 1
        else:
            self.failed += 1


@dataclass(frozen=True)
class _Blame:
    """What an attempt does without."""

    record: Exception | None = None
    """The one record is set aside for this reason."""
    rows: Mapping[RowName, Exception] = field(default_factory=dict)
    finish: Exception | None = None
    """The end of the batch is left out for this reason."""
    probed: bool = False
    """Is it known that the end of the batch passes without records?"""
    again: bool = False
    """Was it tried once more with nobody blamed? What does not repeat is nobody's fault."""

    def after(self, error: Exception, has_record: bool, room: int) -> "_Blame":
        """Whom to do without next. Raises the error when nobody is left to blame."""
        if not self.again:
            return replace(self, again=True)
        if isinstance(error, RowFault) and (error.certain or self.record or not has_record):
            rows = {**self.rows, **error.rows}
            if len(rows) > len(self.rows) and len({id(why) for why in rows.values()}) <= room:
                return replace(self, record=None, rows=rows)
        if has_record and self.record is None:
            return replace(self, record=error)
        if self.finish is None:
            return replace(self, record=None, finish=error)  # it fails without the record: the record is not to blame
        raise error


def work(desk: Desk, records: Sequence[Record], out: Outputs) -> Iterator[Part | None]:
    """Work off a batch; ``records`` is empty on a tick, and ``out`` says what the handler may know of the moment.

    Yields parts that are ready: commit each (`tables.settle`) before going on. Yields ``None`` now and then: others may
    have their turn. Raises `StoreError`.
    """
    todo = [(records, _Blame(finish=desk.doubt.left_out(records)))]
    while todo:
        some, blame = todo.pop()
        part = Part(some, out.fresh(caught_up=not todo), unfinished=blame.finish)
        try:
            yield from _attempt(desk, part, blame)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, it is narrowed down
            _say(desk, part, error)
            take_back(desk.tables, desk.store)
            desk.renew()
            if len(some) <= 1:
                todo.append((some, blame.after(error, bool(some), MAX_ASIDE - desk.aside)))
            elif part.ending and not blame.probed and blame.finish is None and _fails_alone(desk, out):
                todo.append((some, replace(blame, finish=error)))
            else:
                middle, known = len(some) // 2, replace(blame, probed=blame.probed or part.ending)
                todo += [(some[middle:], known), (some[:middle], known)]
            yield None
            continue
        if part.left:
            todo.append((part.left, replace(blame, record=None, rows={})))
        desk.put_aside(len({id(why) for why in blame.rows.values()}))
        yield part


def _fails_alone(desk: Desk, out: Outputs) -> bool:
    """Does the end of the batch raise without any record, naming no row?"""
    try:
        for _ in _attempt(desk, Part((), out.fresh(caught_up=False)), _Blame()):
            pass
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - that is the question
        fails = not isinstance(error, RowFault)
    else:
        fails = False
    take_back(desk.tables, desk.store)
    desk.renew()
    return fails


def _attempt(desk: Desk, part: Part, blame: _Blame) -> Iterator[None]:
    """Handle the records, let time pass, encode what changed. What it raises takes all of it back."""
    processor, tables = desk.processor, list(desk.tables.values())
    if processor is None:
        raise EngineError(f"{desk.info.name} has no processor: it was not restored")
    if not _set_aside(desk, part, blame):
        part.records, part.left = (), part.records  # none may come upon a row that cannot be read
        part.rows = {name: table.changes() for name, table in desk.tables.items() if table.dirty}
        part.due = deadlines(desk.tables)
        desk.hurry()
        return
    yield from _handle(desk, processor, part, blame)
    part.ending = True
    for table in tables:
        table.mark()
    folded = processor.folded
    if blame.finish is not None:
        _keep(desk, processor)
    else:
        part.rest = processor.finish(part.out)
        if part.rest is Rest.AT_ONCE:
            desk.hurry()
    try:
        part.rows = {table.spec.name: table.changes() for table in tables if table.dirty}
        part.due = deadlines(desk.tables)
    except RowFault as fault:  # a record that only lets time pass is not to blame, or time would stand
        raise RowFault(fault.rows, certain=fault.certain or not folded) from fault


def _keep(desk: Desk, processor: Processor) -> None:
    """The end of the batch is left out. Nothing is left to do without when this fails, too."""
    try:
        processor.keep()
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        for table in desk.tables.values():
            table.undo()
        log.warning("%s: what its batch noted beside the tables is lost (%s)", desk.info.name, type(error).__name__)


def _handle(desk: Desk, processor: Processor, part: Part, blame: _Blame) -> Iterator[None]:
    """The records one by one; one that raises is taken back and becomes a dead letter."""
    handle, out, written = processor.handle, part.out, [table.writes for table in desk.tables.values()]
    doubtful = desk.trial.suspect is not None or bool(desk.doubt.refused or blame.record)
    turn, full = time.perf_counter() + TURN_SECONDS, False
    for number, record in enumerate(part.records, 1):
        mark, begun = out.mark(), False
        for writes in written:
            if writes:
                writes.clear()
        try:
            if doubtful:
                _refuse(desk, record, blame)
            if type(record) is Unfetchable:
                record.refuse()
            begun = True
            handle(record, out)
        except StoreError:
            raise
        except Exception as error:  # any failure of a record becomes its dead letter
            if isinstance(error, RowFault) and error is not blame.record:
                raise  # no fault of the record
            _undo(desk, part.out, mark, record if begun else None)
            part.count(error)
            _bury(desk, Failure(record, error), out)
        if number % LOOK_EVERY == 0 or out.size > PART_BYTES:
            full = out.size + sum([table.read for table in desk.tables.values()]) > PART_BYTES
        if full and number < len(part.records):
            part.records, part.left = part.records[:number], part.records[number:]
            out.caught_up = {}
            return
        if time.perf_counter() > turn:
            yield None
            turn = time.perf_counter() + TURN_SECONDS


def _undo(desk: Desk, out: Outputs, mark: int, begun: Record | None) -> None:
    """All is as it was before the record; ``begun``: the processor has seen it."""
    out.undo(mark)
    for table in desk.tables.values():
        table.undo()
    if begun is not None and desk.processor is not None:
        desk.processor.undo(begun)


def _refuse(desk: Desk, record: Record, blame: _Blame) -> None:
    """Raises what a record is set aside for before it is handled."""
    if blame.record is not None:
        raise blame.record
    if (why := desk.doubt.refused.get((record.topic, record.offset))) is not None:
        raise why
    if desk.trial.suspect is not None:
        desk.trial.refuse(record)


def _bury(desk: Desk, failure: Failure, out: Outputs) -> None:
    """Hand a failed record to the inlet. When that fails too, once more with its place alone; then it is logged and
    passed by: it must block nothing.
    """
    mark, record = out.mark(), failure.record
    bare = Unfetchable(record.topic, record.partition, record.offset, record.timestamp, failure.error)
    for one in (failure, Failure(bare, failure.error)):
        try:
            desk.inlet.on_failure(one, out)
        except Exception:
            out.undo(mark)
            log.exception("no dead letter for %s-%s at offset %s", record.topic, record.partition, record.offset)
        else:
            return


def _set_aside(desk: Desk, part: Part, blame: _Blame) -> bool:
    """Remove the rows that are at fault, each with a dead letter that holds it. False: there are more of those that
    cannot be decoded than one part takes.
    """
    spoilt = {(name, key): why for name, table in desk.tables.items() for key, (_, why) in table.spoilt.items()}
    for (name, key), error in {**spoilt, **blame.rows}.items():
        table = desk.tables.get(name)
        if table is None:
            continue
        if part.out.size > PART_BYTES and (name, key) not in blame.rows:
            return False
        data, mark = table.discard(key), part.out.mark()
        part.aside[name] += 1
        try:
            desk.inlet.on_row(RowFailure(desk.info, name, key, data, error, max(desk.changelog_end, 0)), part.out)
        except Exception:
            part.out.undo(mark)
            log.exception("%s: no dead letter for a row of table %s", desk.info.name, name)
    return True


def _say(desk: Desk, part: Part, error: Exception) -> None:
    """What an error says may name a person: it goes into the dead letter, not into the log."""
    what = f"a batch of {len(part.records)} records" if part.records else "a tick"
    rows = error if isinstance(error, RowFault) else type(error).__name__
    log.warning("%s: %s failed (%s); looking for the record or row to blame", desk.info.name, what, rows)
