"""Records of the topic ``kpis`` as a queue with 90 contacts in each quarter of an hour would have them."""

import json
from collections.abc import Iterator
from typing import Any

from streams.base.times import HOUR_MS, MINUTE_MS, iso
from streams.metrics.kpis import Snapshot, readings
from streams.metrics.panes import Pane

QUARTER_MS = 15 * MINUTE_MS
HOUR: Pane = {
    "contacts_answered": 88,
    "contacts_abandoned": 2,
    "handled": 88,
    "talk_ms": 88 * 200_000,
    "wrap_ms": 88 * 40_000,
    "answered": 60,
    "answered_wait_ms": 60 * 5_000,
    "abandoned": 2,
    "abandoned_wait_ms": 2 * 30_000,
}
"""Of a quarter of an hour: 90 contacts that take 240 s."""


def record(start: int, pane: Pane, length_ms: int = QUARTER_MS, revision: int = 1, **where: str) -> bytes:
    dims = {"channel": "voice", "queue": "cards", "tier": "gold"} | where
    line = dims.pop("line", "")
    said: dict[str, Any] = {
        "dimensions": dims,
        "window": {"start": iso(start), "end": iso(start + length_ms), "length_ms": length_ms},
        "watermark": iso(start + length_ms),
        "status": "final",
        "revision": revision,
        "line": line,
        "readings": list(readings(Snapshot(pane))),
    }
    return json.dumps(said).encode()


def morning(start: int, quarters: int, **where: str) -> Iterator[bytes]:
    for place in range(quarters):
        yield record(start + place * QUARTER_MS, HOUR, **where)
        # Windows in between say the same once more.
        yield record(start + place * QUARTER_MS + 5 * MINUTE_MS, HOUR, **where)
        yield record(start + place * QUARTER_MS, HOUR, length_ms=HOUR_MS, **where)
