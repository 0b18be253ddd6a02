"""How often somebody may ask."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KNOWN = 10_000
"""Whose shares are remembered; the one that asked longest ago is forgotten, which is as if it had its whole share."""
AT_ONCE = 6
"""A share of a minute by this is what may come at once."""


class Rates:
    """A bucket for each, filled evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = per_minute / 60, clock
        self._room = max(10.0, per_minute / AT_ONCE)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """0 when it may ask now, which is then counted; else the seconds until it may."""
        now = self._clock()
        left, at = self._left.pop(key, (self._room, now))
        left = min(self._room, left + (now - at) * self._rate)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left), now
        if len(self._left) > MOST_KNOWN:
            self._left.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - left) / self._rate))
