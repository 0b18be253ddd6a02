"""The live stream: steps of alerts as server-sent events, from where a client stopped."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from streams.api.who import Who
from streams.base.errors import BrokerError
from streams.desk.board import Filter, alert_of
from streams.desk.following import Follower, Heard, Listener, Place, text_of

ALIVE_SECONDS = 15.0
"""Between two signs of life; they bring the place on past steps that the client does not ask for."""
CATCHING_UP = 4
"""Clients that read what they missed at the same time."""
RETRY = b"retry: 2000\n\n"


class Streams:
    """Those that are open, no more than there may be."""

    def __init__(self, follower: Follower, most: int, most_each: int) -> None:
        self._follower, self._most, self._most_each = follower, most, most_each
        self._open: dict[str, int] = {}
        self._catching_up = asyncio.Semaphore(CATCHING_UP)
        self.stopping = asyncio.Event()

    def __len__(self) -> int:
        return sum(self._open.values())

    def full(self, who: Who) -> bool:
        """Is there no room for one more of theirs?"""
        return len(self) >= self._most or self._open.get(who.key, 0) >= self._most_each

    async def told(
        self, who: Who, asked: Filter, start: Place | None, known: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        """The bytes of the answer, until the client goes, its token is no longer taken (``known``), or we stop."""
        self._open[who.key] = self._open.get(who.key, 0) + 1
        listener = self._follower.listen()
        try:
            yield RETRY
            async for part in self._told(listener, asked, start, known):
                yield part
        finally:
            self._follower.leave(listener)
            self._open[who.key] -= 1
            if not self._open[who.key]:
                del self._open[who.key]

    async def _told(
        self, listener: Listener, asked: Filter, start: Place | None, known: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        place = dict(listener.place)
        if start is not None:
            try:
                async with self._catching_up:
                    place, gap = await self._follower.resumed(start)
                    if gap:
                        yield b"event: gap\ndata: steps before this are no longer kept; read /alerts anew\n\n"
                    async for missed in self._follower.between(place, listener.place):
                        if part := _said(missed, place, asked):
                            yield part
            except BrokerError:
                return  # it comes again, from the same place
            place = {part: max(place.get(part, 0), offset) for part, offset in listener.place.items()}
        yield _alive(place)
        told = time.monotonic()
        while not self.stopping.is_set():
            heard = await _next(listener, self.stopping, max(0.0, told + ALIVE_SECONDS - time.monotonic()))
            if heard is not None and (part := _said(heard, place, asked)):
                yield part
            elif heard is None and listener.behind:
                yield b"event: behind\ndata: too slow; come again from the last id\n\n"
                return
            if time.monotonic() - told >= ALIVE_SECONDS:
                told = time.monotonic()
                if not known():
                    return
                yield _alive(place)


async def _next(listener: Listener, stopping: asyncio.Event, seconds: float) -> Heard | None:
    """The next step; None when there is none in this time, or when we stop."""
    if not listener.waiting.empty():
        return listener.waiting.get_nowait()
    if listener.behind:
        return None
    getting, ending = asyncio.ensure_future(listener.waiting.get()), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((getting, ending), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return getting.result() if getting.done() else None
    finally:
        getting.cancel()
        ending.cancel()


def _said(heard: Heard, place: Place, asked: Filter) -> bytes | None:
    """A step as it is sent; None where it is none of those that are asked for. The place moves on either way."""
    part, offset, value = heard
    if offset < place.get(part, 0):
        return None  # it has it from somewhere else
    place[part] = offset + 1
    try:
        if not asked.fits(alert_of(value)):
            return None
    except ValueError:
        return None
    return b"id: %s\nevent: step\ndata: %s\n\n" % (text_of(place).encode(), value.replace(b"\n", b" "))


def _alive(place: Place) -> bytes:
    return b"id: %s\n: alive\n\n" % text_of(place).encode()
