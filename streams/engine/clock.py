"""The wall clock as the engine uses it: carried on by the monotonic clock, so that setting it moves nothing at once.

Stream time follows it when there is nothing to read. A clock that was set ahead for a moment would raise alerts that
are not due and take them back later; one that was set back would hold them up. So would one that is wrong for long:
that shows by the broker's clock, which stamps what is written; the time here never differs from it by more than 5 s.
"""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

NOTICED_MS = 1000
"""A difference to the wall clock that is no drift: the clock was set."""
BELIEVED_SECONDS = 60.0
"""A clock that was set is followed when the difference has lasted so long: it was wrong before, and was put right."""
ALLOWED_SECONDS = 5.0
"""The most by which a worker's clock may differ from the broker's."""
_DRIFT_SECONDS = 0.001
"""By how much two clocks that are right may have drifted apart between two answers."""


class Clock:
    """Milliseconds since the epoch; ``wall`` and ``steady`` return seconds."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()
        self._differs_since: float | None = None
        self._broker: tuple[float, float] | None = None
        """Least and most that the broker's clock can be ahead of the steady one, s."""

    def steady(self) -> float:
        """A clock that nobody sets, s: for what `heard` is told."""
        return self._steady()

    def heard(self, sent: float, appended: int, answered: float) -> None:
        """The broker stamped what was sent to it with ``appended`` (ms), between two moments of the steady clock."""
        least, most = appended / 1000 - answered, (appended + 1) / 1000 - sent
        if self._broker is not None:
            narrow = max(least, self._broker[0] - _DRIFT_SECONDS), min(most, self._broker[1] + _DRIFT_SECONDS)
            if narrow[0] <= narrow[1]:  # else it was the broker's clock that was set
                least, most = narrow
        self._broker = least, most

    def ahead(self) -> float | None:
        """By how much the wall clock is ahead of the broker's, s (negative: behind), as far as that can be told;
        ``None``: it never said.
        """
        if self._broker is None:
            return None
        offset = self._wall() - self._steady()
        return offset - min(max(offset, self._broker[0]), self._broker[1])

    def now(self) -> int:
        """The time, ms."""
        steady = self._steady()
        offset = self._wall() - steady
        ahead = round((offset - self._offset) * 1000)
        if abs(ahead) <= NOTICED_MS:
            self._offset, self._differs_since = offset, None  # the two drift apart slowly: the wall clock is right
        elif self._differs_since is None:
            self._differs_since = steady
            log.warning("the clock was set by %s ms; it is followed if that lasts for %.0f s", ahead, BELIEVED_SECONDS)
        elif steady - self._differs_since >= BELIEVED_SECONDS:
            self._offset, self._differs_since = offset, None
            log.warning("the clock, set by %s ms, is followed from now on", ahead)
        offset = self._offset
        if self._broker is not None:
            offset = min(max(offset, self._broker[0] - ALLOWED_SECONDS), self._broker[1] + ALLOWED_SECONDS)
        return int((offset + steady) * 1000)


clock = Clock()
"""Of this process."""
