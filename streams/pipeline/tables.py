"""The tables of every agent."""

from collections.abc import Mapping
from typing import Any

from streams.engine import TableSpec
from streams.pipeline import alert, identify, ingest, measure, track

TABLES: Mapping[str, tuple[TableSpec[Any], ...]] = {
    "ingest": ingest.TABLES,
    "identify": identify.TABLES,
    "track": track.TABLES,
    "measure": measure.TABLES,
    "alert": alert.TABLES,
}
"""By agent."""
