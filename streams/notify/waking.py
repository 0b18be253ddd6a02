"""Time, and waiting for it: one place, so that tests may have an hour pass."""

import asyncio
import time


class Clock:
    """The machine's."""

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return round(time.time() * 1000)

    def seconds(self) -> float:
        """The same in seconds."""
        return self.now() / 1000

    async def sleep(self, ms: int) -> None:
        """Let so much time pass."""
        await asyncio.sleep(ms / 1000)

    async def wait(self, event: asyncio.Event, ms: int | None) -> None:
        """Until the event is set, or so much time has passed (``None``: however long)."""
        try:
            await asyncio.wait_for(event.wait(), None if ms is None else max(ms, 0) / 1000)
        except TimeoutError:
            return
