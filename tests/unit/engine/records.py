"""Records as fetched, without a broker."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fetched:
    topic: str = "t"
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_700_000_000_000
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def record(**fields: object) -> Fetched:
    return Fetched(**fields)  # type: ignore[arg-type]
