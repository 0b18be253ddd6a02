"""What each connector sent, minute by minute: counted by `ingest`, and told in small records every few seconds.

What is counted and not told yet is in a table, as a record is sent in the transaction of a batch: so nothing is counted
twice and nothing is lost, whenever a worker stops.
"""

from collections import Counter
from collections.abc import Mapping, MutableMapping
from typing import Any

from streams.base.alert_records import Heard, Pulse
from streams.base.records import SEP
from streams.base.times import MINUTE_MS

PULSE_MS = 5_000
"""Least time between two records of one task, by the clock."""
MOST_WAITING = 200
"""Connectors, channels and minutes that wait to be told; what is beyond is `OTHER`."""
LONGEST_NAME = 200
OTHER = "other"
_WORDS = ("alert.", "identity.")
Counts = tuple[int, int]
"""Taken in, and refused."""


class Pulses:
    """Of one task; ``waiting``: ``source ␟ channel ␟ minute`` → counts that are to be told."""

    def __init__(self, task: str, waiting: MutableMapping[str, Counts], channels: Mapping[str, str | None]) -> None:
        """``channels``: by topic; of one that has none nothing is counted."""
        self.task, self.waiting, self.channels = task, waiting, channels
        self._counted: Counter[tuple[str, str, int, bool]] = Counter()
        self._sent_at: int | None = None

    def count(self, event: Mapping[str, Any], topic: str, arrived: int, *, refused: bool) -> None:
        """A record that was taken in or refused; those of replays do not count. ``event``: as far as it could be read;
        ``arrived``: by the broker, ms."""
        if self.channels[topic] is None or event.get("replayid") or str(event.get("type")).startswith("replay."):
            return
        source = event.get("source")
        name = source if isinstance(source, str) and len(source) <= LONGEST_NAME else ""
        self._counted[name, topic, arrived - arrived % MINUTE_MS, refused] += 1

    def keep(self) -> None:
        """The end of a batch."""
        for (source, topic, minute, refused), count in self._counted.items():
            channel = self.channels[topic] or ""
            key = _key(source, channel, minute)
            if key not in self.waiting and len(self.waiting) >= MOST_WAITING:
                key = _key(OTHER, channel, minute)
            accepted, bad = self.waiting.get(key, (0, 0))
            self.waiting[key] = (accepted, bad + count) if refused else (accepted + count, bad)
        self._counted.clear()

    def take(self, now: int) -> Pulse | None:
        """What is to be told now, by the clock; a clock that was set back holds nothing up."""
        if not self.waiting or (self._sent_at is not None and 0 <= now - self._sent_at < PULSE_MS):
            return None
        self._sent_at = now
        found = []
        for key in sorted(self.waiting):
            source, channel, minute = key.split(SEP)
            found.append(Heard(source, channel, int(minute), *self.waiting.pop(key)))
        return Pulse(self.task, tuple(found))


def _key(source: str, channel: str, minute: int) -> str:
    return f"{source.replace(SEP, ' ')}{SEP}{channel}{SEP}{minute}"


def channel_of(topic: str) -> str | None:
    """Of an input topic, without its prefix; what systems tell of customers and agents stands for itself. None: what
    people say (commands, silences, rules) comes from no connector, and nobody waits for it."""
    return None if topic.startswith(_WORDS) else topic.removeprefix("contacts.")
