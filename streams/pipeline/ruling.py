"""The alert rules in force at one task: those it was started with, or those that were applied since.

What was applied is in the task's state, so whoever takes over goes on by it, whatever file it was started with. Before
the first rules are applied, and until a task comes to the place at which they were, it goes by its worker's file.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from streams.alerts.index import NOT_SWITCHED
from streams.alerts.switching import Switched, switched
from streams.base.records import Ruled
from streams.customers.rules import AlertReader, AlertRules
from streams.engine import Table
from streams.pipeline.checks import Rejected
from streams.pipeline.stage import struct_table

FILE = "alerts.yaml"
"""The one key of the tables."""
RULING = struct_table("ruling", Ruled)
SWITCHED = struct_table("switched", Switched)
REJUDGING = struct_table("rejudging", str)
"""The last row that was held against other rules, while more of them are to be."""
REJUDGED = 500
"""Rows that are held against other rules in one batch."""


class Sweep(msgspec.Struct, frozen=True):
    """How far a table was held against other rules, in the order of its keys; others may be applied meanwhile."""

    base: int
    """Number of the rules that all rows were held against."""
    reached: tuple[tuple[int, str], ...] = ()
    """Number → the last row that was held against them; the latest first."""

    def begun(self, number: int) -> "Sweep":
        return Sweep(self.base, ((number, ""), *(each for each in self.reached if each[1])))

    def at(self, last: str) -> "Sweep":
        """With the latest rules it is here."""
        return Sweep(self.base, ((self.reached[0][0], last), *(each for each in self.reached[1:] if each[1] > last)))

    @property
    def last(self) -> str:
        return self.reached[0][1]

    def number(self, key: str) -> int:
        """Of the rules that a row was held against."""
        return next((number for number, last in self.reached if key <= last), self.base)


SWEEP = struct_table("rejudging", Sweep)


def taken_in(ruling: Table[Ruled], made: Ruled) -> Ruled | None:
    """At the door: None where they are others than those in force, and are taken; else those, by their number, with who
    said it again. Raises `Rejected` for a number that was given."""
    known = ruling.get(FILE)
    if known is not None and made.version == known.version:
        return msgspec.structs.replace(made, number=known.number)
    if known is not None and made.number <= known.number:
        raise Rejected(
            "wrong-type",
            "data.number",
            f"data.number is {made.number}, and rules of number {known.number} ({known.version}, by {known.by}) were "
            "applied before; look at those, and apply yours again",
        )
    ruling[FILE] = made
    return None


class Ruling:
    """Tables ``ruling``, ``switched``; ``given``: the rules of the file."""

    def __init__(self, tables: Mapping[str, Table[Any]], given: AlertRules, reader: AlertReader) -> None:
        self._ruling, self._switched = tables["ruling"], tables["switched"]
        self._given, self._reader = given, reader
        self._row: Ruled | None = None
        self.alerts = given
        """The rules in force, as of the last `is_new`."""

    @property
    def number(self) -> int:
        """Of the rules in force, as of the last `is_new`; 0 = those of the file."""
        return 0 if self._row is None else self._row.number

    def is_new(self) -> bool:
        """Are the rules in force others than when it was asked last?"""
        row = self._ruling.get(FILE)
        if row is self._row:
            return False
        self._row, self.alerts = row, self._of(row)
        return True

    def take(self, ruled: Ruled, times: Mapping[str, int]) -> bool:
        """Other rules were applied; False: they are known. ``times``: line → stream time here, ms."""
        known = self._ruling.get(FILE)
        if known is not None and ruled.number <= known.number:
            return False
        before = self._of(known)
        after = self._reader.read(ruled.version, ruled.rules)
        how = self._switched.get(FILE, NOT_SWITCHED)
        self._switched[FILE] = switched(how, ruled.number, before.file, after.file, times)
        self._ruling[FILE] = ruled
        return True

    def _of(self, row: Ruled | None) -> AlertRules:
        if row is None:
            return self._given
        how = self._switched.get(FILE) or Switched(row.number)
        return replace(self._reader.read(row.version, row.rules), switched=how)
