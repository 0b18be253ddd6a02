"""A detector of behaviours that is somebody else's: it may raise, hang or give nonsense, and costs only what it finds.

It runs in a thread of its own, since nothing else can leave a call that does not come back. Each failure is told; one
that hung is left behind with its thread, and after ``MAX_HUNG`` the plug-in is asked no more.
"""

import logging
from collections.abc import Callable, Collection
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from streams.intake.behaviours import READ, Behaviours

PLUGIN = "behaviours"
RAISED, HUNG, NONSENSE = "raised", "hung", "nonsense"
SECONDS = 0.25
"""So long a call may take."""
MAX_HUNG = 3
log = logging.getLogger(__name__)

Asked = tuple[str, str | None, "SimpleQueue[Any]"]


class WithPlugin:
    """What the phrases show, and what a plug-in finds beside them."""

    def __init__(
        self,
        shipped: Behaviours,
        plugin: Callable[[str, str | None], Any],
        failed: Callable[[str, str], None],
        seconds: float = SECONDS,
    ) -> None:
        """``failed`` is told the kind of plug-in and ``RAISED``, ``HUNG`` or ``NONSENSE``."""
        self.shipped, self.plugin, self.failed, self.seconds = shipped, plugin, failed, seconds
        self.hung = 0
        self.asked: SimpleQueue[Asked] | None = None

    def __call__(self, text: str, language: str | None) -> tuple[str, ...] | None:
        """As `Behaviours.of`."""
        shown = self.shipped.of(text, language)
        if shown is None or self.hung >= MAX_HUNG:
            return shown
        more = self._answer(text[:READ], language)
        return tuple(name for name in self.shipped.names if name in shown or name in more) if more else shown

    def _answer(self, text: str, language: str | None) -> Collection[str]:
        if self.asked is None:
            self.asked = SimpleQueue()
            Thread(target=_serve, args=(self.plugin, self.asked), daemon=True, name=PLUGIN).start()
        answer: SimpleQueue[Any] = SimpleQueue()
        self.asked.put((text, language, answer))
        try:
            told = answer.get(timeout=self.seconds)
        except Empty:
            self.hung += 1
            self.asked = None
            return self._failed(HUNG)
        if isinstance(told, Exception):
            return self._failed(RAISED)
        if isinstance(told, str) or not isinstance(told, Collection):
            return self._failed(NONSENSE)
        if any(name not in self.shipped.names for name in told):
            return self._failed(NONSENSE)
        return told

    def _failed(self, why: str) -> Collection[str]:
        self.failed(PLUGIN, why)
        if self.hung == MAX_HUNG:
            log.error("the plug-in for behaviours did not come back %d times; it is asked no more", MAX_HUNG)
        return ()


def _serve(plugin: Callable[[str, str | None], Any], asked: "SimpleQueue[Asked]") -> None:
    while True:
        text, language, answer = asked.get()
        try:
            answer.put(plugin(text, language))
        except Exception as error:  # noqa: BLE001 - whatever it raises is its own fault
            answer.put(error)
