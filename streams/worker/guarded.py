"""Plug-ins of somebody else's, kept from harming a worker: what one raises, gives that is none of what it is asked for,
or does not give in time, is nothing, is counted, and the next text is its next chance.

Each works on a thread of its own. One that hangs is left behind and another takes its place; after ``HANGS`` of them in
a row, or when texts it was slow with took more than a part of the time, the plug-in is not asked any more for ``_REST``
seconds, and after ``_LEFT_BEHIND`` of them in all not until the worker starts again. While the process itself stood
still, or waited for a processor, a plug-in is not late. What it says of an error may name a person: the log has the
kind of error alone.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from streams.intake.behaviours import READ, Behaviours
from streams.sentiment.scoring import Invalid, Reading, Scorer, read

log = logging.getLogger(__name__)

PATIENCE, _TURNS = 0.5, 10
"""Seconds a text may take, waited for in so many turns: one in which the process stood still is no longer than another.
An answer within the first turn is quick."""
HANGS, _REST, _LEFT_BEHIND = 3, 60.0, 8
_SPAN, _SHARE = 10.0, 0.5
"""Of so many seconds a plug-in may take this part, as the other agents of the worker wait for it."""
PREPARED_WITHIN, _TOGETHER = 10.0, 256
"""Seconds in which a scorer has the texts of a batch beforehand, so many at a time; nobody but their batch waits."""
RAISED, HUNG, INVALID = "raised", "hung", "invalid"
WHY = (RAISED, HUNG, INVALID)

Jobs = SimpleQueue[tuple[tuple[Any, ...], SimpleQueue[Any]]]


class Guard:
    """A function that is asked beside the event loop. ``failed`` is told `RAISED`, `HUNG` or `INVALID`, each time;
    ``what``: the plug-in's name in the log."""

    def __init__(
        self,
        ask: Callable[..., Any],
        what: str,
        failed: Callable[[str], None],
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        share: float = _SHARE,
    ) -> None:
        self._ask, self._what, self._failed, self._patience, self._clock = ask, what, failed, patience, clock
        self._share = share
        self._jobs: Jobs | None = None
        self._hangs, self._left_behind, self._rests_until = 0, 0, 0.0
        self._since, self._took = clock(), 0.0
        self._told: set[str] = set()

    def __call__(self, *asked: Any) -> Any:
        """What the function says; ``None`` where it fails."""
        begun = self._clock()
        if begun < self._rests_until or self._left_behind >= _LEFT_BEHIND:
            return self.note(HUNG, "it is not asked for a while")
        answer: SimpleQueue[Any] = SimpleQueue()
        try:
            self._queue().put((asked, answer))
            found, turns = self._wait(answer)
        except (Empty, RuntimeError):  # no answer; or no thread to be had
            self._jobs = None  # the thread is left to itself
            self._hangs += 1
            self._left_behind += 1
            if self._hangs >= HANGS:
                self._rest()
            return self.note(HUNG, f"no answer within {self._patience:g} s")
        self._hangs = 0
        if turns > 1:
            self._spent(begun, turns)
        if isinstance(found, Exception):
            return self.note(INVALID if isinstance(found, Invalid) else RAISED, type(found).__name__)
        return found

    def _wait(self, answer: SimpleQueue[Any]) -> tuple[Any, int]:
        """The answer, and in which turn it came. Raises `Empty`."""
        for turn in range(_TURNS):
            with suppress(Empty):
                return answer.get(timeout=self._patience / _TURNS), turn + 1
        raise Empty

    def _queue(self) -> Jobs:
        if self._jobs is None:
            self._jobs = SimpleQueue()
            threading.Thread(target=self._work, args=(self._jobs,), daemon=True, name=self._what).start()
        return self._jobs

    def _spent(self, begun: float, turns: int) -> None:
        """One that is slow with every text would keep the others from their work."""
        if begun - self._since > _SPAN:
            self._since, self._took = begun, 0.0
        self._took += min(self._clock() - begun, turns * self._patience / _TURNS)
        if self._took > _SPAN * self._share:
            self._rest()

    def _rest(self) -> None:
        self._rests_until = self._clock() + _REST
        self._hangs, self._since, self._took = 0, self._rests_until, 0.0

    def _work(self, jobs: Jobs) -> None:
        while self._jobs is jobs:
            asked, answer = jobs.get()
            try:
                answer.put(self._ask(*asked))
            except Exception as error:  # noqa: BLE001 - whatever it was, it is no answer
                answer.put(error)

    def note(self, why: str, said: str) -> None:
        """It failed."""
        self._failed(why)
        if why not in self._told:
            self._told.add(why)
            log.warning("%s is of no use, it %s: %s; further failures are counted", self._what, why, said)


class GuardedScorer:
    """A ``Scorer`` around another."""

    def __init__(
        self,
        scorer: Scorer,
        method: str,
        failed: Callable[[str], None],
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        prepared_within: float = PREPARED_WITHIN,
    ) -> None:
        self.scorer, self.method = scorer, method
        self._guard = Guard(self._scored, f"the sentiment scorer {method}", failed, patience, clock)
        self._ahead = Guard(self._readied, f"the sentiment scorer {method}", failed, prepared_within, clock, math.inf)
        self._within, self._clock, self._one = prepared_within, clock, threading.Lock()

    def __call__(self, text: str, language: str | None = None) -> float | None:
        reading = self.read(text, language)
        return None if reading is None else reading.score

    def read(self, text: str, language: str | None = None) -> Reading | None:
        """What the scorer says; ``None`` where it fails."""
        found: Reading | None = self._guard(text, language)
        return found

    def _scored(self, text: str, language: str | None) -> Reading | None:
        return read(self.scorer, self.method, text, language)

    @property
    def prepare(self) -> Callable[[Sequence[str]], None] | None:
        """Takes the texts of a batch beside the event loop, where the scorer can."""
        return self._prepare if hasattr(self.scorer, "prepare") else None

    def _prepare(self, texts: Sequence[str]) -> None:
        """What is not ready in time is scored text by text. To be called on a thread that may wait."""
        begun = self._clock()
        for at in range(0, len(texts), _TOGETHER):
            with self._one:  # the batch of another partition
                if self._clock() - begun > self._within or not self._ahead(texts[at : at + _TOGETHER]):
                    return

    def _readied(self, texts: Sequence[str]) -> bool:
        scorer: Any = self.scorer
        scorer.prepare(texts)
        return True


class GuardedDetector:
    """The behaviours that the phrases show, and what a detector of somebody else's finds beside them."""

    def __init__(
        self,
        shipped: Behaviours,
        detector: Callable[[str, str | None], Any],
        failed: Callable[[str], None],
        patience: float = PATIENCE,
    ) -> None:
        self.shipped, self.detector = shipped, detector
        self._guard = Guard(self._found, "the detector of behaviours", failed, patience)

    def __call__(self, text: str, language: str | None) -> tuple[str, ...] | None:
        """As `Behaviours.of`."""
        shown = self.shipped.of(text, language)
        if shown is None:
            return None
        more = self._guard(text[:READ], language)
        return tuple(name for name in self.shipped.names if name in shown or name in more) if more else shown

    def _found(self, text: str, language: str | None) -> Collection[str]:
        told = self.detector(text, language)
        if isinstance(told, str) or not isinstance(told, Collection):
            raise Invalid(f"{type(told).__name__} is no collection of names")
        if unknown := [name for name in told if name not in self.shipped.names]:
            raise Invalid(f"{len(unknown)} names are no behaviours of behaviours.yaml")
        return told
