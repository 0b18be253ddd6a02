"""A scorer of somebody else's, kept from harming a worker: what it raises, gives that is no score, or does not give in
time, is no score, is counted, and the next text is its next chance.

It works on a thread of its own. One that hangs is left behind and another takes its place; after ``_HANGS`` of them in
a row the scorer is not asked any more for ``_REST`` seconds.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

from streams.sentiment.scoring import Invalid, Reading, Scorer, read

log = logging.getLogger(__name__)

PATIENCE = 0.5
"""Seconds a text may take."""
_HANGS, _REST = 3, 60.0

Job = tuple[str, str | None, "SimpleQueue[Reading | Exception | None]"]


class GuardedScorer:
    """A ``Scorer`` around another. ``failed`` is told ``raised``, ``hung`` or ``invalid``, each time."""

    def __init__(
        self,
        scorer: Scorer,
        method: str,
        failed: Callable[[str], None],
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scorer, self.method = scorer, method
        self._failed, self._patience, self._clock = failed, patience, clock
        self._jobs: SimpleQueue[Job] | None = None
        self._hangs, self._rests_until = 0, 0.0
        self._told: set[str] = set()

    def __call__(self, text: str, language: str | None = None) -> float | None:
        reading = self.read(text, language)
        return None if reading is None else reading.score

    def read(self, text: str, language: str | None = None) -> Reading | None:
        """What the scorer says; ``None`` where it fails."""
        if self._hangs >= _HANGS and self._clock() < self._rests_until:
            self._note("hung", "it is not asked for a while")
            return None
        if self._jobs is None:
            self._jobs = SimpleQueue()
            threading.Thread(target=self._work, args=(self._jobs,), daemon=True, name="scorer").start()
        answer: SimpleQueue[Reading | Exception | None] = SimpleQueue()
        self._jobs.put((text, language, answer))
        try:
            found = answer.get(timeout=self._patience)
        except Exception:  # noqa: BLE001 - Empty: there was no answer
            self._jobs = None  # the thread is left to itself
            self._hangs += 1
            self._rests_until = self._clock() + _REST
            self._note("hung", f"no answer within {self._patience:g} s")
            return None
        self._hangs = 0
        if isinstance(found, Exception):
            self._note("invalid" if isinstance(found, Invalid) else "raised", repr(found))
            return None
        return found

    @property
    def prepare(self) -> Callable[[Sequence[str]], None] | None:
        """Takes the texts of a batch beside the event loop, where the scorer can."""
        return self._prepare if hasattr(self.scorer, "prepare") else None

    def _prepare(self, texts: Sequence[str]) -> None:
        scorer: Any = self.scorer
        try:
            scorer.prepare(texts)
        except Exception as error:  # noqa: BLE001 - they are scored one by one then
            self._note("raised", repr(error))

    def _work(self, jobs: "SimpleQueue[Job]") -> None:
        while self._jobs is jobs:
            text, language, answer = jobs.get()
            try:
                answer.put(read(self.scorer, self.method, text, language))
            except Exception as error:  # noqa: BLE001 - whatever it was, it is no score
                answer.put(error)

    def _note(self, why: str, said: str) -> None:
        self._failed(why)
        if why not in self._told:
            self._told.add(why)
            log.warning(
                "sentiment scorer %r gives no score, it %s: %s; further ones are counted", self.method, why, said
            )
