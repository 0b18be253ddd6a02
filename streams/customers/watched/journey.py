"""Kinds of a journey, as far as journeys know them: ``age``, ``contacts``, ``channels``, ``transfers``, ``repeats``,
``reopens``, ``sentiment``, ``state``.

A journey counts until it is over: a need's time after the last word of contacts that have all ended. Of contacts that
are summed up the sum counts from when the last of them began.
"""

from collections.abc import Iterable, Sequence

from streams.alerts.signals import Piece, Signal
from streams.contacts.standing import SOLVED
from streams.customers.journey_parts import Found
from streams.customers.journey_records import state as state_of
from streams.customers.journey_sums import Journey
from streams.customers.touchpoints import Touchpoint
from streams.customers.watched.messages import Messages

OVER, SOLVED_WORD = "closed", "solved"


def over(journey: Found, gap_ms: int) -> int | None:
    """When it is over if nothing more comes; None = a contact of it goes on."""
    return None if journey.whole.open else journey.whole.last + gap_ms + 1


def age(journey: Found, gap_ms: int) -> Signal:
    """How long it has gone on, since its first contact began and until its need is met or it is over."""
    whole, end, why = journey.whole, over(journey, gap_ms), OVER
    if whole.standing == SOLVED:
        end, why = whole.heard, SOLVED_WORD
    if end is not None and end <= whole.started:
        return ()
    return (Piece(whole.started, end, 0.0, True, "age", (), why if end is not None else "", True),)


def contacts(journey: Found, gap_ms: int) -> Signal:
    """How many contacts it has."""
    return _sums(((_begun(part), part.counted.contacts if isinstance(part, Touchpoint) else part.contacts)
                  for part in journey.parts), over(journey, gap_ms), True)  # fmt: skip


def channels(journey: Found, gap_ms: int) -> Signal:
    """How many channels it has used."""
    firsts: dict[str, int] = {}
    for part in journey.parts:
        for channel, at in ((part.channel, part.started),) if isinstance(part, Touchpoint) else part.firsts.items():
            firsts[channel] = min(at, firsts.get(channel, at))
    return _sums(((at, 1) for at in firsts.values()), over(journey, gap_ms), True)


def transfers(journey: Found, gap_ms: int) -> Signal:
    """How often its contacts were handed on; of each as of its last word."""
    return _sums(((part.last, part.counted.transfers if isinstance(part, Touchpoint) else part.transfers)
                  for part in journey.parts), over(journey, gap_ms))  # fmt: skip


def repeats(journey: Found, gap_ms: int) -> Signal:
    """How many of its contacts began after an earlier one was over."""
    turns = zip(journey.parts, journey.turns, strict=True)
    return _sums(((_begun(part), turn.repeats) for part, turn in turns), over(journey, gap_ms), True)


def reopens(journey: Found, gap_ms: int) -> Signal:
    """How often it was taken up again after it had been solved."""
    steps = list[tuple[int, int]]()
    for part, turn in zip(journey.parts, journey.turns, strict=True):
        again = [at for _, at in part.solves if at is not None] if isinstance(part, Touchpoint) else []
        steps += [(at, 1) for at in again]
        steps.append((_begun(part), turn.reopens - len(again)))
    return _sums(steps, over(journey, gap_ms))


def sentiment(journey: Found, messages: Messages, gap_ms: int) -> Signal:
    """The mean of what the customer wrote in it. ``messages``: the customer's latest; what was before counts as of
    before them."""
    names = {(part.channel, part.contact) for part in journey.parts if isinstance(part, Touchpoint)}
    listed = [each for each in messages if (each.channel, each.contact) in names]
    sums = journey.whole.sums
    number = max(0, sums.scored - len(listed))
    total = sums.scored_milli - sum(each.milli for each in listed) if number else 0
    end, found = over(journey, gap_ms), list[Piece]()
    if not listed:
        mean = round(total / number, 6) / 1000 if number else 0.0
        return (Piece(journey.whole.last, end, mean, reason=OVER if end else ""),) if number else ()
    for place, each in enumerate(listed):
        number, total = number + 1, total + each.milli
        last = place + 1 == len(listed)
        until = end if last else listed[place + 1].time
        if until is None or each.time < until:
            mean, why = round(total / number, 6) / 1000, OVER if last and end is not None else ""
            found.append(Piece(each.time, until, mean, anchor=each.id, evidence=(each.id,), reason=why))
    return tuple(found)


def state(journey: Found, gap_ms: int) -> Signal:
    """How it stands, as the topic ``journeys`` has it, since that was known."""
    whole, end = journey.whole, over(journey, gap_ms)
    word, since = state_of(whole), max(whole.heard, whole.started)
    if end is not None and end <= since:
        return ()
    return (Piece(since, end, word, False, f"{word}-{since}", (), OVER if end is not None else ""),)


def _begun(part: Touchpoint | Journey) -> int:
    return part.started if isinstance(part, Touchpoint) else part.upto


def _sums(steps: Iterable[tuple[int, int]], end: int | None, timed: bool = False) -> Signal:
    """What adds up, step by step; a piece is named by the sum, and where that is known for good by its moment."""
    found, number = list[Piece](), 0
    moments: dict[int, int] = {}
    for at, by in steps:
        moments[at] = moments.get(at, 0) + by
    times: Sequence[int] = sorted(at for at, by in moments.items() if by)
    for place, at in enumerate(times):
        number += moments[at]
        last = place + 1 == len(times)
        until = end if last else times[place + 1]
        if number and (until is None or at < until):
            why = OVER if last and end is not None else ""
            found.append(Piece(at, until, float(number), anchor=f"{number}-{at}" if timed else str(number), reason=why))
    return tuple(found)
