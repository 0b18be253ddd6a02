"""Waiting for what a test needs to have happened, and no longer."""

import asyncio
from collections.abc import Callable
from typing import Any

PAUSE_SECONDS = 0.001, 0.05
"""Between two looks: at first, and at most."""


async def until(check: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Ask a (possibly async) check until it is true, and return what it says; fails with what it last said."""
    deadline = asyncio.get_running_loop().time() + seconds
    pause, longest = PAUSE_SECONDS
    while True:
        value = check()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not reached within {seconds} s; last value {value!r}")
        await asyncio.sleep(pause)
        pause = min(2 * pause, longest)
