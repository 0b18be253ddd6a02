"""A whole call log: read once, counted, and its events in the order of their times."""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

from streams.replay.errors import InputError
from streams.replay.mapping import Mapping
from streams.replay.rows import BadRow, LeftOut, Planned, RowReader
from streams.replay.times import to_rfc3339

REPEATED = "repeated row"
"""Reason under which rows that equal an earlier row in every field are left out."""
MAX_FAULTS = 100


@dataclass(frozen=True)
class Fault:
    """A row that could not be read: its line in the file (from 1) and why."""

    line: int
    message: str


@dataclass
class CallLog:
    """What a file holds: rows = rows with events + left out (by reason) + unreadable."""

    replay_id: str
    """Default id of its replay: the mapping's name and a hash of the file's and the mapping's content."""
    source: str
    channel: str
    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
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


def cloud_event(planned: Planned, source: str, replay_id: str) -> dict[str, Any]:
    """The event as it is published. Its id follows from contact and type: reading a file again gives the same."""
    contact_id = planned.contact["contact_id"]
    nth = f".{planned.nth + 1}" if planned.nth else ""
    return {
        "specversion": "1.0",
        "id": f"{contact_id}:{planned.type}{nth}",
        "source": source,
        "type": planned.type,
        "time": to_rfc3339(planned.time),
        "subject": contact_id,
        "datacontenttype": "application/json",
        "replayid": replay_id,
        "data": planned.contact | planned.extra,
    }


def read_log(path: Path, mapping: Mapping) -> CallLog:
    """Read the call log at ``path``. Raises InputError (no such file, wrong encoding, a column that is not there)."""
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
    lines = _rows(text, mapping)
    _, header = next(lines, (0, None))
    if not isinstance(header, list):
        raise InputError(f"{path}: is empty: expected a header line with {', '.join(mapping.columns)}")
    names = [name.strip() for name in header]
    reader = RowReader(mapping, _positions(names, path, mapping))
    ids = _ContactIds()
    for line, values in lines:
        if values == header:  # files that were joined end to end
            continue
        log.rows += 1
        try:
            fields = _checked(values, len(names))
            log.planned += ids.distinct(reader.events(fields), fields)
        except LeftOut as reason:
            log.left_out[str(reason)] += 1
        except BadRow as error:
            log.unreadable += 1
            if len(log.faults) < MAX_FAULTS:
                log.faults.append(Fault(line, str(error)))
    log.planned.sort(key=attrgetter("time"))
    return log


class _ContactIds:
    """Keeps rows apart whose contact ids are equal: the same row again is left out, another one gets a number."""

    def __init__(self) -> None:
        self._contents: dict[str, tuple[int, ...]] = {}

    def distinct(self, events: list[Planned], values: Sequence[str]) -> list[Planned]:
        """``events`` with a contact id no earlier row has. Raises LeftOut."""
        if not events:
            raise LeftOut("no event")
        contact = events[0].contact
        contact_id = contact["contact_id"]
        content = hash(tuple(values))
        earlier = self._contents.get(contact_id, ())
        if content in earlier:
            raise LeftOut(REPEATED)
        self._contents[contact_id] = (*earlier, content)
        if earlier:
            contact["contact_id"] = f"{contact_id}~{len(earlier) + 1}"  # the row's events share this dict
        return events


def _rows(text: IO[str], mapping: Mapping) -> Iterator[tuple[int, list[str] | BadRow]]:
    """(line number, fields) of every line that is not blank; BadRow in the place of fields that could not be cut."""
    quote = mapping.file.quote
    lines = csv.reader(
        text,
        delimiter=mapping.file.delimiter,
        quotechar=quote,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    while True:
        try:
            values = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield lines.line_num, BadRow(str(error))
            continue
        if lines.line_num == 1 and values:
            values[0] = values[0].removeprefix("\ufeff")
        if any(value and not value.isspace() for value in values):
            yield lines.line_num, values


def _positions(names: list[str], path: Path, mapping: Mapping) -> dict[str, int]:
    missing = [name for name in mapping.columns if name not in names]
    if missing:
        raise InputError(
            f"{path}: column missing: {', '.join(missing)}; the file has: {', '.join(names)}"
            f" (cut at {mapping.file.delimiter!r}; is {mapping.name} the right mapping?)"
        )
    return {name: names.index(name) for name in mapping.columns}


def _checked(values: list[str] | BadRow, width: int) -> list[str]:
    if isinstance(values, BadRow):
        raise values
    if len(values) < width or any(values[width:]):
        raise BadRow(f"{len(values)} fields, expected {width}")
    joined = "".join(values)
    if not joined.isascii() and any("\ud800" <= character <= "\udfff" for character in joined):
        raise BadRow("bytes that are not in the file's encoding")
    return values
