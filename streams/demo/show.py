"""Shows a running demo: the board on a terminal, or a line every few seconds without one."""

import asyncio
import time
from collections import deque
from datetime import UTC, datetime, tzinfo

from rich.live import Live

from streams.demo import figures
from streams.demo.board import Pulse, duration, render
from streams.demo.publish import Pace
from streams.demo.state import BoardState
from streams.local.text import Terminal

REFRESH_S = 0.25
PLAIN_EVERY_S = 3.0
RATE_OVER_S = 5.0


class Rate:
    """How much a counter grew a second, over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, now: float, count: int) -> float:
        self._seen.append((now, count))
        while now - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return (after - before) / (last - first) if last > first else 0.0


class Show:
    """What a viewer sees; run one of the two until cancelled."""

    def __init__(self, state: BoardState, pace: Pace, speed: float, zone: tzinfo = UTC) -> None:
        self._state, self._pace, self._speed, self._zone = state, pace, speed, zone
        self._in, self._out = Rate(), Rate()

    def pulse(self) -> Pulse:
        """The demo at this moment."""
        wall, now = time.monotonic(), self._pace.now
        behind = max(now - self._state.watermark, 0) / 1000 / self._speed if self._state.watermark else None
        return Pulse(
            now=now,
            speed=self._speed,
            published=self._pace.published,
            per_second=self._in(wall, self._pace.published),
            records_per_second=self._out(wall, self._state.records),
            behind_s=behind,
            zone=self._zone,
        )

    async def board(self, console: Terminal) -> None:
        """The live board, on a screen of its own."""
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(render(self._state, self.pulse(), console.width, console.height), refresh=True)
                await asyncio.sleep(REFRESH_S)

    async def lines(self, console: Terminal) -> None:
        """One line every few seconds."""
        self.pulse()  # what the first rates are measured from
        while True:
            await asyncio.sleep(PLAIN_EVERY_S)
            console.print(self.line(), highlight=False, soft_wrap=True)

    def line(self) -> str:
        """The centre in one line."""
        state, pulse = self._state, self.pulse()
        level, answer = figures.service_level(state, None).value, figures.asa(state, None).value
        waiting = sum(queue.depth for queue in state.queues.values())
        parts = (
            f"{datetime.fromtimestamp(pulse.now / 1000, self._zone):%H:%M:%S}",
            f"{pulse.published:,} events ({pulse.per_second:.0f}/s)",
            f"offered {figures.offered(state, None)}",
            f"in time {'–' if level is None else f'{level:.0%}'}",
            f"ASA {duration(answer)}",
            f"waiting {waiting}",
            f"alerts {len(state.open_alerts())} open, {len(state.resolved_alerts())} resolved",
            f"dead letters {state.dead_letters.total()}",
            f"behind {'–' if pulse.behind_s is None else f'{pulse.behind_s:.1f} s'}",
        )
        return "  ".join(parts)
