"""What a scorer of customers' texts is, and what it may say."""

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple, SupportsFloat

Scorer = Callable[[str, str | None], float | None]
"""(text of at most ``SCORED`` characters, BCP 47 tag or ``None``) → −1 (very unhappy) to 1 (very happy), or ``None``
when it cannot tell: no text, or a language it does not know. ``None`` is not 0, which says that a text is calm.
"""

SCORED = 10_000
"""Characters of a text that a scorer gets, from its beginning: some three pages. So what one message takes has a limit,
whatever the scorer does with it.
"""
POSITIVE, NEGATIVE = 0.2, -0.2
"""From where on a score counts as positive or negative; between them it is neutral."""


class Reading(NamedTuple):
    """A score with where it comes from, as it travels on ``contact.normalised``."""

    score: float
    """−1..1, three decimals."""
    method: str
    """The scorer's name."""
    version: str | None = None
    """Of its model or weights."""
    language: str | None = None
    """ISO 639-1 code of the language it was scored in."""
    confidence: float | None = None
    """0..1: how sure the scorer is."""


class Invalid(ValueError):
    """A scorer gave what is no score."""


LONGEST_NAME = 50
"""Characters of what a scorer says of itself."""


def read(scorer: Scorer, method: str, text: str, language: str | None) -> Reading | None:
    """What ``scorer`` says of a text, by its ``read`` where it has one: that gives a `Reading`. Raises
    `Invalid` where that is no number from −1 to 1, and what it raises.
    """
    found: Any = getattr(scorer, "read", scorer)(text, language)
    if found is None:
        return None
    score: Any = found.score if isinstance(found, Reading) else found
    if isinstance(score, bool) or not isinstance(score, int | float) or not isfinite(score) or abs(score) > 1:
        said = repr(score) if isinstance(score, int | float) else type(score).__name__
        raise Invalid(f"a score is a number from -1 to 1, not {said}")
    if not isinstance(found, Reading):
        found = Reading(0.0, method, getattr(scorer, "version", None))
    for name in ("method", "version", "language"):
        text_of: Any = getattr(found, name)
        if text_of is not None and (not isinstance(text_of, str) or len(text_of) > LONGEST_NAME):
            raise Invalid(f"{name} is a text of at most {LONGEST_NAME} characters, or None")
    confidence: Any = found.confidence
    if confidence is not None:
        if not isinstance(confidence, SupportsFloat) or not 0 <= float(confidence) <= 1:
            raise Invalid("confidence is a number from 0 to 1, or None")
        confidence = round(float(confidence), 3)
    checked: Reading = found._replace(score=round(float(score), 3), confidence=confidence)
    return checked
