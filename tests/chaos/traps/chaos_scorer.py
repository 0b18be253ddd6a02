"""A sentiment scorer with traps, installed as a plug-in into the workers of a chaos run."""

import os
import re

from streams.sentiment.scoring import Reading
from streams.worker.guarded import GuardedScorer

_MOOD = re.compile(r"mood (-?\d\.\d)")


class TrapScorer:
    """Scores ``mood -0.5`` as −0.5; the agent that asks for it raises on one word, and another ends the process."""

    def __init__(self) -> None:
        guarded = GuardedScorer.read

        def trapped(self: GuardedScorer, text: str, language: str | None = None) -> Reading | None:
            # The guard lets nothing out that a scorer raises, and it is the agent's handling that is to raise here.
            if "[raise]" in text:
                raise RuntimeError("the agent does not like this text")
            return guarded(self, text, language)

        GuardedScorer.read = trapped  # type: ignore[method-assign]

    def __call__(self, text: str, language: str | None = None) -> float | None:
        if "[kill]" in text:
            os._exit(13)
        found = _MOOD.search(text)
        return float(found[1]) if found else None
