"""How long a task waits between two batches: short while the worker has time, long when it has much to do.

A transaction costs the same for one record as for a thousand. A worker with time to spare therefore commits often, for
low latency; a busy one gathers, for throughput.
"""

import time
from collections.abc import Callable

IDLE, BUSY = 0.6, 0.95
"""Load of the event loop's thread up to which the interval is the shortest, and from which it is the longest."""
SAMPLE_SECONDS = 0.25
SMOOTHING = 0.3


class Pace:
    """The interval in seconds, between ``shortest`` and ``longest``; follows the CPU the calling thread uses."""

    def __init__(
        self,
        shortest: float,
        longest: float,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        self.shortest, self.longest = min(shortest, longest), longest
        self.load = 0.0
        """Share of one core, smoothed."""
        self._clock, self._used = clock, used
        self._at, self._cpu = clock(), used()

    def interval(self) -> float:
        """Least seconds between the begins of two batches of one task, as of now."""
        now = self._clock()
        if now - self._at >= SAMPLE_SECONDS:
            cpu = self._used()
            self.load += SMOOTHING * ((cpu - self._cpu) / (now - self._at) - self.load)
            self._at, self._cpu = now, cpu
        share = min(max((self.load - IDLE) / (BUSY - IDLE), 0.0), 1.0)
        return self.shortest + share * (self.longest - self.shortest)
