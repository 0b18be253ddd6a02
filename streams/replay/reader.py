"""A whole call log: read once, every row accounted for, and its events in the order of their times."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

from streams.base.plain_forms import is_unseen
from streams.replay.contacts import Contacts, cloud_event
from streams.replay.cut import BOM, INSIDE, MISREAD_BOMS, Cut, Cutter
from streams.replay.errors import InputError, ReplayError
from streams.replay.model import Mapping
from streams.replay.rows import BadRow, LeftOut, Planned, RowReader

MAX_FAULTS = 100


@dataclass(frozen=True)
class Fault:
    """A row that could not be read: its line in the file (from 1) and why."""

    line: int
    message: str


@dataclass
class CallLog:
    """What a file holds: rows = replayed + left out (by reason) + unreadable."""

    replay_id: str
    """Default id of its replay: the mapping's name and a hash of the file's and the mapping's content."""
    source: str
    channel: str
    rows: int = 0
    replayed: int = 0
    """Rows whose events are in `planned`."""
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    twice: int = 0
    """Ids that came in more than one row; each of these rows is a contact of its own."""
    faults: list[Fault] = field(default_factory=list)
    """The first unreadable rows, at most `MAX_FAULTS`."""
    planned: list[Planned] = field(default_factory=list)
    """All events by time; ties in the order of the rows, then of the mapping's events."""

    @property
    def first_time(self) -> int | None:
        """Time of the first event, ms; None without events."""
        return self.planned[0].time if self.planned else None

    @property
    def last_time(self) -> int | None:
        """Time of the last event, ms; None without events."""
        return self.planned[-1].time if self.planned else None

    def events(self, replay_id: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """(time in ms, CloudEvent) of every event on the line ``replay_id``, in the order of ``planned``."""
        for event in self.planned:
            yield event.time, cloud_event(event, self.source, replay_id)

    def refuse(self, line: int, message: str) -> None:
        """A row cannot be read."""
        self.unreadable += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(line, message))


def read_log(path: Path, mapping: Mapping) -> CallLog:
    """Read the call log at ``path``. Raises InputError: no such file, wrong encoding, a column that is not there or
    that is there twice.
    """
    try:
        # Undecodable bytes become surrogates: they make their own row unreadable, not the file.
        with path.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
        with path.open(encoding=mapping.file.encoding, errors="surrogateescape", newline="") as text:
            return _read(text, path, mapping, _replay_id(mapping, digest))
    except FileNotFoundError:
        raise InputError(f"file not found: {path}") from None
    except UnicodeError as error:
        raise InputError(f"{path}: is not {mapping.file.encoding}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _replay_id(mapping: Mapping, digest: str) -> str:
    return f"{mapping.name}-{hashlib.sha256(f'{digest}:{mapping.digest}'.encode()).hexdigest()[:8]}"


def _read(text: IO[str], path: Path, mapping: Mapping, replay_id: str) -> CallLog:
    log = CallLog(replay_id=replay_id, source=mapping.source, channel=mapping.contact.channel)
    cuts = Cutter(text, mapping.file)
    names = _header(next(cuts, None), path, mapping)
    reader = RowReader(mapping, _positions(names, path, mapping))
    contacts = Contacts(mapping, reader)
    for found in cuts:
        if _is_header(found, names, path, mapping):
            continue
        log.rows += 1
        cut = found
        try:
            if cut.lines > 1 and cut.values is not None and _swallowed(cuts, reader, len(names)):
                cut = cuts.take_back()
            values = _checked(cut, len(names), mapping)
            planned = contacts.take(cut.line, values)
            if planned is not None:
                log.planned += planned
                log.replayed += 1
        except LeftOut as reason:
            log.left_out[str(reason)] += 1
        except BadRow as error:
            contacts.spoil(error.contact_id, cut.line)
            log.refuse(cut.line, str(error))
    _join(log, contacts)
    log.twice = contacts.twice
    log.faults.sort(key=attrgetter("line"))
    log.planned.sort(key=attrgetter("time"))
    if log.rows != log.replayed + log.left_out.total() + log.unreadable:
        raise ReplayError(f"{path}: {log.rows:,} rows were read and not all are accounted for; this is a fault of ours")
    return log


def _join(log: CallLog, contacts: Contacts) -> None:
    for lines, found in contacts.joined():
        if isinstance(found, BadRow):
            for line in lines:
                log.refuse(line, str(found))
        else:
            log.planned += found
            log.replayed += len(lines)


def _header(cut: Cut | None, path: Path, mapping: Mapping) -> list[str]:
    if cut is None:
        raise InputError(f"{path}: is empty: expected a header line with {', '.join(mapping.columns)}")
    if cut.values is None:
        raise InputError(f"{path}: line {cut.line}, the header: {cut.fault}")
    for mark, encoding in MISREAD_BOMS.items():
        if cut.values[0].startswith(mark):
            raise InputError(
                f"{path}: line {cut.line} begins with the byte order mark of {encoding}, and the mapping says"
                f" {mapping.file.encoding}: file: {{encoding: {encoding.lower()}}}"
            )
    names = _names(cut)
    if inside := [name for name in names if BOM in name]:
        raise InputError(f"{path}: line {cut.line}, the header: {inside[0].replace(BOM, '')} {INSIDE}")
    return names


def _names(cut: Cut) -> list[str]:
    """As they look: composed, and without what nobody sees, but for byte order marks, which are told."""
    found = [unicodedata.normalize("NFC", value.strip()) for value in cut.values or ()]
    return ["".join(sign for sign in name if sign == BOM or not is_unseen(sign)).strip() for name in found]


def _is_header(cut: Cut, names: list[str], path: Path, mapping: Mapping) -> bool:
    """Is it the header line once more, as files were joined end to end? Raises InputError where it is another one."""
    again = _names(cut)
    if again != names and set(_columns(mapping)) <= set(again):
        raise InputError(
            f"{path}: line {cut.line} is another header line: files that are joined must have the same one"
        )
    return again == names


def _positions(names: list[str], path: Path, mapping: Mapping) -> dict[str, int]:
    columns = _columns(mapping)
    missing = [name for name in columns if name not in names]
    if missing:
        quoted = mapping.file.quote is None and any(f'"{name}"' in names for name in missing)
        raise InputError(
            f"{path}: column missing: {', '.join(missing)}; the file has: {', '.join(names)}"
            + (
                """ (its names are in quotes: file: {quote: '"'})"""
                if quoted
                else f" (cut at {mapping.file.delimiter!r}; is {mapping.name} the right mapping?)"
            )
        )
    for name in columns:
        places = [str(place) for place, found in enumerate(names, 1) if found == name]
        if len(places) > 1:
            raise InputError(
                f"{path}: the column {name} is there {len(places)} times, in places {' and '.join(places)}: which one"
                " is meant cannot be told; give them different names in the header line"
            )
    return {column: names.index(name) for name, column in columns.items()}


def _columns(mapping: Mapping) -> dict[str, str]:
    """Name of a column, composed → as the mapping has it."""
    return {unicodedata.normalize("NFC", name): name for name in mapping.columns}


def _swallowed(cuts: Cutter, reader: RowReader, width: int) -> bool:
    """Is a whole row inside a value of the row that was cut last? Then a quote opens in it that never closes."""
    for values in cuts.inner():
        try:
            if len(values) == width and reader.read(values).events:
                return True
        except (BadRow, LeftOut):
            continue
    return False


def _checked(cut: Cut, width: int, mapping: Mapping) -> list[str]:
    values = cut.values
    if values is None:
        raise BadRow(str(cut.fault))
    if len(values) < width or any(values[width:]):
        inside = any(BOM in value for value in values)
        raise BadRow(f"{len(values)} fields, expected {width}" + (f"; {INSIDE}" if inside else ""))
    if any(value.startswith(tuple(MISREAD_BOMS)) for value in values):
        raise BadRow(
            "begins with a byte order mark of another encoding: files of different encodings, joined end to end"
        )
    joined = "".join(values)
    if not joined.isascii() and any("\ud800" <= character <= "\udfff" for character in joined):
        raise BadRow(
            f"bytes that are not in the file's encoding, {mapping.file.encoding}; file: {{encoding: …}} says it"
        )
    return values
