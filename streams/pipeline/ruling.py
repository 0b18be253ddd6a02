"""The alert rules in force at one task: those it was started with, or those that were applied since.

What was applied is in the task's state, so whoever takes over goes on by it, whatever file it was started with.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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


def taken_in(ruling: Table[Ruled], made: Ruled) -> bool:
    """At the door: are they others than those in force? Raises `Rejected` for a number that was given."""
    known = ruling.get(FILE)
    if known is not None and made.version == known.version:
        return False
    if known is not None and made.number <= known.number:
        raise Rejected(
            "wrong-type",
            "data.number",
            f"data.number is {made.number}, and rules of number {known.number} ({known.version}, by {known.by}) were "
            "applied before; look at those, and apply yours again",
        )
    ruling[FILE] = made
    return True


class Ruling:
    """Tables ``ruling``, ``switched``; ``given``: the rules of the file."""

    def __init__(self, tables: Mapping[str, Table[Any]], given: AlertRules, reader: AlertReader) -> None:
        self._ruling, self._switched = tables["ruling"], tables["switched"]
        self._given, self._reader = given, reader
        self._row: Ruled | None = None
        self.alerts = given
        """The rules in force, as of the last `is_new`."""

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
        self._switched[FILE] = switched(self._switched.get(FILE), before.file, after.file, times)
        self._ruling[FILE] = ruled
        return True

    def _of(self, row: Ruled | None) -> AlertRules:
        if row is None:
            return self._given
        return replace(self._reader.read(row.version, row.rules), switched=self._switched[FILE])
