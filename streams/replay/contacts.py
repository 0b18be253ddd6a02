"""From rows to contacts: rows with one id are kept apart or joined, and every event is held against the contract."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.events import check
from streams.base.times import iso
from streams.replay.model import Mapping
from streams.replay.order import Made, outside, rank, told
from streams.replay.rows import BadRow, LeftOut, Planned, RowReader

REPEATED = "repeated row"
"""Reason under which rows that equal an earlier row in every field are left out."""


def event_id(planned: Planned) -> str:
    """Follows from contact and type, so that reading a file again gives the same."""
    nth = f".{planned.nth + 1}" if planned.nth else ""
    return f"{planned.contact['contact_id']}:{planned.type}{nth}"


def cloud_event(planned: Planned, source: str, replay_id: str) -> dict[str, Any]:
    """The event as it is published."""
    return {
        "specversion": "1.0",
        "id": event_id(planned),
        "source": source,
        "type": planned.type,
        "time": iso(planned.time),
        "subject": planned.contact["contact_id"],
        "datacontenttype": "application/json",
        "replayid": replay_id,
        "data": planned.contact | planned.extra,
    }


class _Leg(NamedTuple):
    """One row of a joined contact, until all of them are known."""

    line: int
    values: Sequence[str]
    begins: int
    ends: int


@dataclass
class _Legs:
    """The rows of one contact; ``bad`` is the line of one of them that cannot be read."""

    rows: list[_Leg] = field(default_factory=list)
    bad: int | None = None


class Contacts:
    """Takes the rows of a file one by one.

    Without ``join`` the rows of one id are contacts of their own (``…~2``). With it they are the legs of one, which is
    whole or not there: where one of its rows cannot be read, none of them is replayed.
    """

    def __init__(self, mapping: Mapping, reader: RowReader) -> None:
        self.twice = 0
        """Ids that came in more than one row, and were kept apart."""
        self._mapping = mapping
        self._reader = reader
        self._contents: dict[str, tuple[int, ...]] = {}
        self._legs: defaultdict[str, _Legs] = defaultdict(_Legs)

    def take(self, line: int, values: Sequence[str]) -> list[Planned] | None:
        """The events of a row; None when it waits for the others of its contact. Raises LeftOut, BadRow."""
        if self._mapping.contact.join:
            contact_id, begins, ends = self._reader.span(values)
            self._distinct(contact_id, values)
            self._legs[contact_id].rows.append(_Leg(line, values, begins, ends))
            return None
        read = self._reader.read(values)
        if not read.events:
            raise LeftOut("no event")
        contact_id = read.contact["contact_id"]
        earlier = self._distinct(contact_id, values)
        if earlier:
            self.twice += earlier == 1
            read.contact["contact_id"] = f"{contact_id}~{earlier + 1}"
        return self._planned((line, read.contact, event) for event in read.events)

    def spoil(self, contact_id: str | None, line: int) -> None:
        """A row of this contact cannot be read."""
        if contact_id is not None and self._mapping.contact.join:
            self._legs[contact_id].bad = line

    def joined(self) -> Iterator[tuple[list[int], list[Planned] | BadRow]]:
        """The lines of the rows that waited, by contact: with its events, or with what is wrong with the first one."""
        for legs in self._legs.values():
            lines = [leg.line for leg in legs.rows]
            if legs.bad is not None:
                yield lines, BadRow(_other(legs.bad))
                continue
            try:
                planned = self._of_one(legs.rows)
            except BadRow as error:
                at = error.line or lines[0]
                yield [at], error
                yield [line for line in lines if line != at], BadRow(_other(at))
            else:
                yield lines, planned

    def _of_one(self, rows: list[_Leg]) -> list[Planned]:
        """The events of joined rows, by time. Raises BadRow."""
        made: list[tuple[int, dict[str, Any], Made]] = []
        for leg, first, last in _in_order(rows):
            try:
                read = self._reader.read(leg.values, first=first, last=last)
            except BadRow as error:
                error.line = leg.line
                raise
            made += [(leg.line, read.contact, event) for event in read.events]
        if fault := outside([event for _, _, event in made], self._mapping.skew):
            raise BadRow(told(fault))
        made.sort(key=lambda event: (event[2].time, rank(event[2].rule.type)))
        return self._planned(made)

    def _distinct(self, contact_id: str, values: Sequence[str]) -> int:
        """How many other rows had this id. Raises LeftOut when one of them was the same."""
        content = hash(tuple(values))
        earlier = self._contents.get(contact_id, ())
        if content in earlier:
            raise LeftOut(REPEATED)
        self._contents[contact_id] = (*earlier, content)
        return len(earlier)

    def _planned(self, events: Iterable[tuple[int, dict[str, Any], Made]]) -> list[Planned]:
        """Raises BadRow when the contract would refuse one of them."""
        counts: Counter[str] = Counter()
        planned: list[Planned] = []
        for line, contact, made in events:
            kind = made.rule.type
            event = Planned(made.time, kind, counts[kind], contact, made.extra, line)
            problem = check(cloud_event(event, self._mapping.source, "replay"))
            if problem is not None:
                bad = BadRow(f"{kind}: {problem.message}")
                bad.line = line
                raise bad
            counts[kind] += 1
            planned.append(event)
        return planned


def _in_order(legs: list[_Leg]) -> Iterator[tuple[_Leg, bool, bool]]:
    """Each leg with: is it the first to begin, is it the last to end?"""
    ordered = sorted(legs, key=lambda leg: leg.begins)
    last = max(ordered, key=lambda leg: (leg.ends, leg.begins))
    for leg in ordered:
        yield leg, leg is ordered[0], leg is last


def _other(line: int) -> str:
    return f"another row of this contact cannot be read, line {line}"
