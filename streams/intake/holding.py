"""Which topics may hold live time: those whose unread records bring events.

Live time waits for the topic that is furthest behind. A topic that is flooded with what is refused, or cannot be read,
would hold it for everybody, for as long as somebody likes; so a topic that brings nothing for too long is left out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass
class _Window:
    """Since when (ms) a topic has been behind without bringing time forward; how far behind it was then, and what has
    been read of it since.
    """

    since: int
    behind: int | None
    taken: int = 0
    refused: int = 0
    released: bool = False


class Holders:
    """The topics with unread records, of one input partition. ``limit``: how long one may hold time in vain, ms.

    In vain: it brings no live event that is taken; or mostly refused records, and falls behind meanwhile. A topic that
    is read through a backlog of events holds time for as long as that takes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._windows: dict[str, _Window] = {}
        self._now = 0

    def took(self, topic: str) -> None:
        """A live event was taken from the topic."""
        window = self._windows.get(topic)
        if window is not None:
            window.taken += 1

    def refused(self, topic: str, records: int = 1) -> None:
        """Records of the topic were refused, were duplicates, or could not be read."""
        window = self._windows.get(topic)
        if window is not None:
            window.refused += records

    def released(self, unread: Collection[str], times: Mapping[str, int], now: int) -> dict[str, bool]:
        """Those of the topics with ``unread`` records that hold time no longer; ``True``: since this moment.

        ``times``: topic → largest event time read of it; ``now``: the clock, ms, of a moment at which the broker
        answered.
        """
        self._now = now
        for topic in [topic for topic in self._windows if topic not in unread]:
            del self._windows[topic]
        return {topic: new for topic in unread if (new := self._in_vain(topic, times.get(topic), now)) is not None}

    def held(self) -> dict[str, float]:
        """For how long each of them has brought nothing, s."""
        return {topic: (self._now - window.since) / 1000 for topic, window in self._windows.items()}

    def _in_vain(self, topic: str, time: int | None, now: int) -> bool | None:
        window = self._windows.get(topic)
        behind = None if time is None else now - time
        if window is None or self._useful(window, behind):
            self._windows[topic] = _Window(now, behind)
            return None
        if now - window.since < self._limit:
            return None
        new, window.released = not window.released, True
        return new

    @staticmethod
    def _useful(window: _Window, behind: int | None) -> bool:
        if not window.taken:
            return False
        gained = behind is not None and (window.behind is None or behind < window.behind)
        return gained or window.taken >= window.refused
