"""The wall clock as the engine uses it: carried on by the monotonic clock, so that setting it moves nothing at once.

Stream time follows it when there is nothing to read. A clock that was set ahead for a moment would raise alerts that
are not due and take them back later; one that was set back would hold them up.
"""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

NOTICED_MS = 1000
"""A difference to the wall clock that is no drift: the clock was set."""
BELIEVED_SECONDS = 60.0
"""A clock that was set is followed when the difference has lasted so long: it was wrong before, and was put right."""


class Clock:
    """Milliseconds since the epoch; ``wall`` and ``steady`` return seconds."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()
        self._differs_since: float | None = None

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
        return int((self._offset + steady) * 1000)


clock = Clock()
"""Of this process."""
