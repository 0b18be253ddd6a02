"""How a customer's feeling goes: its slope, its last negative streak, its turning point.

Of the latest ``MAX_FEELINGS`` scored messages and survey answers, in the order of their times: a function of their set.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from streams.sentiment.scoring import NEGATIVE

MAX_FEELINGS = 12
BESIDE = 2
"""Feelings that there are at least before a turning point, and after it."""

Feeling = tuple[int, int]
"""When, ms since the contact began; −1000 (unhappy) to 1000 (content)."""
Feelings = tuple[Feeling, ...]


class Trend(NamedTuple):
    """Scores are −1 to 1, times as those of the feelings.

    ``slope``: least squares over the places 1, 2, 3 … of the feelings, so what the score changes by from one to the
    next, however much time lies between; None = there are fewer than two. ``negatives``: so many in a row are negative
    at the end, the first of them at ``since``. ``turned``: the time of the feeling from which on the mean differs most
    from the mean before, the earlier one of two; ``turn``: by so much.
    """

    slope: float | None
    negatives: int
    since: int | None
    turned: int | None
    turn: float | None


def felt(known: Feelings, feeling: Feeling) -> Feelings:
    """With one more."""
    return latest((*known, feeling)) if known else (feeling,)


def latest(feelings: Iterable[Feeling]) -> Feelings:
    """The latest ones, in order; of one moment the worse first."""
    return tuple(sorted(feelings)[-MAX_FEELINGS:])


@lru_cache(1024)
def trend(feelings: Feelings) -> Trend | None:
    """Of feelings in order; None = there is none. Each is told again with every record of its journey."""
    if not feelings:
        return None
    scores = [milli for _, milli in feelings]
    negatives = next((n for n, milli in enumerate(reversed(scores)) if milli > NEGATIVE * 1000), len(scores))
    since = feelings[-negatives][0] if negatives else None
    turned, turn = _turned([at for at, _ in feelings], scores)
    return Trend(_slope(scores), negatives, since, turned, turn)


def _slope(scores: list[int]) -> float | None:
    """Σ(i − ī)·s / Σ(i − ī)², with twice the distances, which are whole numbers."""
    count = len(scores)
    if count < 2:
        return None
    above = sum([(2 * place - count + 1) * milli for place, milli in enumerate(scores)])
    return _score(6 * above / (count * (count * count - 1)))


def _turned(times: list[int], scores: list[int]) -> tuple[int | None, float | None]:
    """No point lies within a moment; none where no mean differs."""
    count, total, before = len(scores), sum(scores), sum(scores[: BESIDE - 1])
    best, at = 0.0, None
    for place in range(BESIDE, count - BESIDE + 1):
        before += scores[place - 1]
        turn = (place * total - count * before) / (place * (count - place))  # exact but for one rounding
        if abs(turn) > abs(best) and times[place] > times[place - 1]:
            best, at = turn, times[place]
    return at, None if at is None else _score(best)


def _score(milli: float) -> float:
    """In three decimals, and never −0."""
    return round(milli / 1000, 3) + 0.0
