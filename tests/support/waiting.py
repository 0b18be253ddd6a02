"""Waiting for what a test needs to have happened, and no longer."""

import asyncio
from collections.abc import Callable
from typing import Any


async def until(check: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Poll a (possibly async) check until it is true; fails with what it last returned."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        value = check()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not reached within {seconds} s; last value {value!r}")
        await asyncio.sleep(0.05)
