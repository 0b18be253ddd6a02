"""A sentiment scorer with traps, installed as a plug-in into the workers of a chaos run."""

import os
import re

_MOOD = re.compile(r"mood (-?\d\.\d)")


class TrapScorer:
    """Scores ``mood -0.5`` as −0.5; raises on one word and ends the process on another."""

    def __call__(self, text: str, language: str | None = None) -> float | None:
        if "[raise]" in text:
            raise RuntimeError("the scorer does not like this text")
        if "[kill]" in text:
            os._exit(13)
        found = _MOOD.search(text)
        return float(found[1]) if found else None
