"""`track` and `measure` for whoever wants nothing but alerts about contacts, customers and journeys: what counts in
KPIs is not told, and of what is measured nothing is left but how far one has come.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.base.records import Fact, Measurement
from streams.engine import Outputs, Table, TaskInfo
from streams.pipeline.stage import Name, Stage
from streams.pipeline.track import Track


class Judging(Track):
    """In place of `Track`."""

    def _measured(self, owner: str, fact: Fact, out: Outputs) -> None:
        """Nobody counts."""


class Passing(Stage):
    """In place of `Measure`: it passes stream time on."""

    before = "track"

    def __init__(self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Measurement), name("alert.conditions"))

    def fold(self, value: Any, out: Outputs) -> None:
        """Nobody counts."""
