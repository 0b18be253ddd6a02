"""When to try again: back-off with jitter, and what a receiver asks for."""

import random
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from streams.base.times import HOUR_MS

LONGEST_ASKED_MS = HOUR_MS
"""Nobody is left alone for longer than this, whatever a receiver asks for."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How one target is tried again."""

    attempts: int = 50
    first_ms: int = 1000
    most_ms: int = 120_000

    def pause(self, failures: int, rng: random.Random) -> int:
        """How long to wait after so many failures on end (1 = the first), ms: twice as long each time, and half to all
        of that, so that those who failed together do not come together again."""
        whole = min(self.most_ms, self.first_ms << min(failures - 1, 40))
        return round(whole * (0.5 + rng.random() / 2))


def asked(header: str | None, now_ms: int) -> int | None:
    """How long a ``Retry-After`` asks to wait, ms: seconds, or a date; ``None`` where it asks nothing."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * 1000, LONGEST_ASKED_MS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    until = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0, round(until.timestamp() * 1000) - now_ms), LONGEST_ASKED_MS)
