"""How a customer's feeling goes: its slope, its last negative streak, its turning point.

Of the latest ``MAX_FEELINGS`` scored messages and survey answers, in the order of their times: a function of their set.
"""

from collections.abc import Iterable
from itertools import accumulate
from operator import mul
from typing import Any, NamedTuple

from streams.base.times import iso
from streams.sentiment.scoring import NEGATIVE

MAX_FEELINGS = 12
_NEGATIVE = round(1000 * NEGATIVE)
BESIDE = 2
"""Feelings that there are at least before a turning point, and after it."""

Feeling = tuple[int, int]
"""When, ms since the contact began; −1000 (unhappy) to 1000 (content)."""
Feelings = tuple[Feeling, ...]


class Trend(NamedTuple):
    """Scores are −1 to 1, times as those of the feelings.

    ``slope``: least squares over the places 1, 2, 3 … of the feelings, so what the score changes by from one to the
    next, however much time lies between. ``negatives``: so many in a row are negative at the end, the first of them at
    ``since``. ``turned``: the time of the feeling from which on the mean differs most
    from the mean before, the earlier one of two; ``turn``: by so much.
    """

    slope: float
    negatives: int
    since: int | None
    turned: int | None
    turn: float | None


def felt(known: Feelings, feeling: Feeling) -> Feelings:
    """With one more."""
    if known and feeling < known[-1]:
        return latest((*known, feeling))
    return (*known[-MAX_FEELINGS + 1 :], feeling)


def latest(feelings: Iterable[Feeling]) -> Feelings:
    """The latest ones, in order; of one moment the worse first."""
    return tuple(sorted(feelings)[-MAX_FEELINGS:])


def trend(feelings: Feelings) -> Trend | None:
    """Of feelings in order; None = there are fewer than two."""
    count = len(feelings)
    if count < 2:
        return None
    scores = [milli for _, milli in feelings]
    negatives = 0
    while negatives < count and scores[~negatives] <= _NEGATIVE:
        negatives += 1
    since = feelings[-negatives][0] if negatives else None
    above = sum(map(mul, range(1 - count, count, 2), scores))  # Σ(i − ī)·s, with twice the distances: whole numbers
    slope = _score(6 * above / (count * (count * count - 1)))
    turned, turn = _turned(feelings, scores) if count >= 2 * BESIDE else (None, None)
    return Trend(slope, negatives, since, turned, turn)


def together(one: Feelings, other: Feelings) -> Feelings:
    """The latest of both, by times of one clock: commutative, associative, and the same again with what is in both,
    since parts of a contact share what the earlier one heard. So two of one score in one moment are one.
    """
    return latest({*one, *other}) if one and other else one or other


def trend_record(its: Trend | None, began: int = 0) -> dict[str, Any] | None:
    """As records tell it (``SentimentTrend`` of the contract). ``began``: the moment its times count from."""
    return its and {
        "slope": its.slope,
        "negative_streak": its.negatives,
        "negative_since": None if its.since is None else iso(began + its.since),
        "turned": None if its.turned is None else iso(began + its.turned),
        "turn": its.turn,
    }


def _turned(feelings: Feelings, scores: list[int]) -> tuple[int | None, float | None]:
    """No point lies within a moment; none where no mean differs."""
    count, total = len(scores), sum(scores)
    best, most, at = 0.0, 0.0, None
    for place, before in enumerate(accumulate(scores[:-BESIDE]), 1):
        turn = (place * total - count * before) / (place * (count - place))  # exact but for one rounding
        if (turn > most or -turn > most) and place >= BESIDE and feelings[place][0] > feelings[place - 1][0]:
            best, most, at = turn, abs(turn), feelings[place][0]
    return at, None if at is None else _score(best)


def _score(milli: float) -> float:
    """In three decimals, and never −0."""
    return round(milli / 1000, 3) + 0.0
