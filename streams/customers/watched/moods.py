"""``sentiment``, ``sentiment_streak``, ``sentiment_drop``: how a customer feels, by the scored messages over all
contacts, in order of time.

The mean counts each message half as much after every half-life. Without a message for ``quiet_after`` all of it begins
anew: behind that the value is gone (*quiet*). The streak is how many of the latest messages in a row are at or below a
score; the drop is how far the mean is below the customer's usual mean, which counts all messages up to the last
silence. The latest messages are kept; what lies before them is a `Mood`, for each set of parameters that a rule has.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from streams.alerts.signals import Params, Piece, Signal
from streams.base import decay
from streams.base.decay import Decayed
from streams.customers.watched.messages import Message

SENTIMENT, STREAK, DROP = "sentiment", "sentiment_streak", "sentiment_drop"
MOODS = frozenset({SENTIMENT, STREAK, DROP})
QUIET = "quiet"
"""Why a value is gone, just behind the moment up to which the customer could have written."""


class Mood(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """After some messages: of those since the last silence the sums, how many they are, and how many of the latest are
    low; of those before it sums and number."""

    sums: Decayed = decay.NOTHING
    count: int = 0
    low: int = 0
    usual: Decayed = decay.NOTHING
    usual_count: int = 0


CALM = Mood()


class Way(NamedTuple):
    """How a mood is reckoned: all that does not hang on bounds. Times in ms, score in thousandths."""

    quiet_ms: int
    half_life_ms: int = 0
    """0: no mean is asked for."""
    usual_ms: int = 0
    """0: nor what is usual."""
    score: int | None = None

    @property
    def name(self) -> str:
        """By which it is kept."""
        return "/".join(str("" if each is None else each) for each in self)


def way_of(field: str, params: Params) -> Way:
    """Of a field and its parameters, as in `streams.alerts.fields`."""
    quiet = _whole(params["quiet_after"])
    if field == STREAK:
        return Way(quiet, score=round(float(str(params["score"])) * 1000))
    usual = _whole(params["usual_half_life"]) if field == DROP else 0
    return Way(quiet, _whole(params["half_life"]), usual)


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


def after(mood: Mood, message: Message, way: Way) -> Mood:
    """With one more message."""
    if mood.count and message.time > mood.sums.at + way.quiet_ms:
        mood = silenced(mood, way)
    low = mood.low + 1 if way.score is not None and message.milli <= way.score else 0
    if not way.half_life_ms:
        return Mood(Decayed(0.0, 1.0, message.time), mood.count + 1, low, mood.usual, mood.usual_count)
    sums = decay.add(mood.sums, message.milli, message.time, way.half_life_ms)
    usual, count = mood.usual, mood.usual_count
    return Mood(sums, mood.count + 1, low, usual, count)


def silenced(mood: Mood, way: Way) -> Mood:
    """It begins anew; what was said is usual from then on."""
    if not way.usual_ms:
        return CALM
    usual = decay.merge(mood.usual, mood.sums, way.usual_ms)
    return Mood(usual=usual, usual_count=mood.usual_count + mood.count)


def followed(mood: Mood, messages: Iterable[Message], way: Way) -> Mood:
    """After some messages."""
    for each in messages:
        mood = after(mood, each, way)
    return mood


def signal(field: str, params: Params, mood: Mood, messages: Sequence[Message]) -> Signal:
    """How the field has been since the messages that are kept; each piece is named by its message."""
    way = way_of(field, params)
    found = list[Piece]()
    if mood.count:
        found += _pieces(field, params, mood, (mood.sums.at, "", messages[0].time if messages else None))
    for place, each in enumerate(messages):
        mood = after(mood, each, way)
        following = messages[place + 1].time if place + 1 < len(messages) else None
        found += _pieces(field, params, mood, (each.time, each.id, following))
    return tuple(found)


def _pieces(field: str, params: Params, mood: Mood, message: tuple[int, str, int | None]) -> Iterator[Piece]:
    """The stretch behind a message, if it has a value. ``message``: its time, its id, when the next one came."""
    at, name, following = message
    value, silent = _value(field, params, mood), at + way_of(field, params).quiet_ms + 1
    end = silent if following is None else min(following, silent)
    if value is not None and at < end:
        reason = QUIET if end == silent else ""
        yield Piece(at, end, value, anchor=name, evidence=(name,) if name else (), reason=reason)


def _value(field: str, params: Params, mood: Mood) -> float | None:
    """As of the last message; None = too few."""
    if field == STREAK:
        return float(mood.low) if mood.low else None
    if mood.count < _whole(params["min_messages"]) or not mood.sums.weight:
        return None
    mean = round(mood.sums.total / mood.sums.weight, 6)  # so exact that a mean of equal messages is equal to them
    if field == SENTIMENT:
        return mean / 1000
    if mood.usual_count < _whole(params["usual_messages"]) or not mood.usual.weight:
        return None
    return max(0.0, round(mood.usual.total / mood.usual.weight - mean, 6) / 1000)
