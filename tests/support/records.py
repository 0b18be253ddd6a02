"""Records as fetched, without a broker, and the mark of a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.engine.store import Mark


@dataclass(frozen=True)
class Fetched:
    topic: str = "t"
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_700_000_000_000
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def each_of(doc: Any) -> list[Any]:
    """The facts of a record of several, each as a record of its own; else the record."""
    return doc["of"] if isinstance(doc, dict) and doc.get("kind") == "facts" else [doc]


def record(**fields: object) -> Fetched:
    return Fetched(**fields)  # type: ignore[arg-type]


def mark(offset: int = 7, **fields: Any) -> Mark:
    return Mark(
        **{"offset": offset, "check": 3, "offsets": {"in": 4}, "id": "s", "written": 1000, "versions": {}, **fields}
    )
