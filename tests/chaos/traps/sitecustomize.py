"""Runs at the start of every worker of a chaos run: its wall clock can be moved from outside while it runs.

The file ``$CHAOS_CLOCKS/<worker's name>`` holds the seconds to add; without it the clock is right.
"""

import os
import time
from pathlib import Path

_LOOK_EVERY = 0.05
_file = Path(os.environ.get("CHAOS_CLOCKS", "/nonexistent"), os.environ.get("CONTACT_STREAMS_WORKER_NAME", "nobody"))
_time, _monotonic = time.time, time.monotonic
_shift, _looked = 0.0, -1.0


def _shifted() -> float:
    global _shift, _looked  # noqa: PLW0603 - one clock per process
    now = _monotonic()
    if now - _looked > _LOOK_EVERY:
        _looked = now
        try:
            _shift = float(_file.read_text() or 0)
        except OSError:
            _shift = 0.0
    return _time() + _shift


if "CHAOS_CLOCKS" in os.environ:
    time.time = _shifted
    time.time_ns = lambda: int(_shifted() * 1e9)
