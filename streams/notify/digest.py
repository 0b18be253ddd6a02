"""What becomes one message of a span of time: pure."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas.alerts import AlertEvent
from streams.notify.window import Parcel, Place

SHOWN = 100
"""Alerts of which a digest has the latest step; the steps of others are counted."""


@dataclass(slots=True)
class Digest:
    """One span; which one says the time at which its first record was written."""

    name: str
    """Target and route."""
    start: int
    end: int
    first: Place
    written: int
    latest: OrderedDict[str, AlertEvent] = field(default_factory=OrderedDict)
    left_out: int = 0

    def add(self, event: AlertEvent) -> None:
        """A step."""
        if event.alert.fingerprint in self.latest or len(self.latest) < SHOWN:
            self.latest[event.alert.fingerprint] = event
        else:
            self.left_out += 1

    def parcel(self) -> Parcel:
        """What goes out. After a restart it is the same: it begins at the same record."""
        span = datetime.fromtimestamp(self.start / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(f"{self.name}\n{self.first}".encode()).hexdigest()[:16]
        return Parcel(
            "digest", list(self.latest.values()), [self.first], self.end, self.written, f"digest-{span}-{digest}",
            left_out=self.left_out,
        )  # fmt: skip


def begun(name: str, place: Place, written: int, every_ms: int) -> Digest:
    """The span in which a record was written (ms)."""
    start = written // every_ms * every_ms
    return Digest(name, start, start + every_ms, place, written)
