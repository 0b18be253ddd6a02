"""Silences: the topic ``alert.silences`` in memory, within limits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from schemas.events import check
from streams.alerts.matching import matcher
from streams.base.times import iso, to_ms
from streams.desk.errors import UnknownSilence

MOST_SILENCES = 10_000
SET, ENDED = "silence.set", "silence.ended"


@dataclass(frozen=True, slots=True)
class Silence:
    """One, as it was set last; times in ms."""

    silence_id: str
    matchers: tuple[str, ...]
    starts: int
    ends: int
    by: str
    reason: str
    ended: int | None = None
    """A person ended it before its time."""
    ended_by: str | None = None

    def state(self, now: int) -> str:
        """pending, active or over."""
        if self.ended is not None or now >= self.ends:
            return "over"
        return "active" if now >= self.starts else "pending"

    def doc(self, now: int) -> dict[str, Any]:
        """As it is shown."""
        return {
            "silence_id": self.silence_id,
            "state": self.state(now),
            "matchers": list(self.matchers),
            "starts": iso(self.starts),
            "ends": iso(self.ends),
            "by": self.by,
            "reason": self.reason,
            "ended": None if self.ended is None else iso(self.ended),
            "ended_by": self.ended_by,
        }


class Silences:
    """Those that are known; ``now`` in ms."""

    def __init__(self) -> None:
        self._known: dict[str, Silence] = {}

    def apply(self, value: bytes | None) -> None:
        """Take a record in; what the contract or the agent refuses is passed by."""
        try:
            event = orjson.loads(value or b"")
            if check(event) is not None or event.get("replayid"):
                return
            data = event["data"]
            if event["type"] == SET:
                self._set(event, data)
            elif event["type"] == ENDED and (known := self._known.get(data["silence_id"])) is not None:
                ended = to_ms(event["time"])
                self._known[known.silence_id] = replace(known, ended=ended, ended_by=data["by"])
        except ValueError:
            return

    def _set(self, event: dict[str, Any], data: dict[str, Any]) -> None:
        for text in data["matchers"]:
            matcher(text)
        found = Silence(
            data["silence_id"], tuple(data["matchers"]), to_ms(data.get("starts") or event["time"]),
            to_ms(data["ends"]), data["by"], data["reason"],
        )  # fmt: skip
        self._known.pop(found.silence_id, None)
        self._known[found.silence_id] = found
        if len(self._known) > MOST_SILENCES:
            first = min(self._known.values(), key=lambda each: (each.ended is None, each.ends))
            del self._known[first.silence_id]

    def find(self, name: str) -> Silence:
        """Raises `UnknownSilence`."""
        if name not in self._known:
            raise UnknownSilence(f"the silence {name!r} is not known; `contact-streams alerts silences` names them")
        return self._known[name]

    def those(self, now: int, *, every: bool = False) -> Iterator[Silence]:
        """Those that hold or will, by their ends; with ``every`` those that are over, too."""
        for each in sorted(self._known.values(), key=lambda each: (each.ends, each.silence_id)):
            if every or each.state(now) != "over":
                yield each
