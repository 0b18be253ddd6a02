"""A customer's answers to the NPS survey: of several in a window the last one counts.

Which of them is in a window of which another one is, only who reads the window knows; so each answer that another one
follows is told once more, with both times, at the place where it counts. It is left out of the windows that hold both.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from streams.base.records import Fact
from streams.base.times import DAY_MS
from streams.customers.touchpoints import Touchpoint

MAX_KEPT = 200
"""Answers of a customer that are remembered, the latest."""
KEPT_MS = 31 * DAY_MS
"""So long an answer is remembered: those further apart than that are of two windows, as of two customers."""


class Answer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The answer of one contact, thousandths."""

    at: int
    channel: str
    contact: str
    queue: str
    tier: str
    score: int
    group: str = ""
    gone: bool = False
    """The contact has gone to somebody else since this was told."""


Answers = tuple[Answer, ...]
"""In order of time, one of each name of a contact."""


def known(before: Answers, points: Iterable[Touchpoint], now: int | None) -> Answers:
    """Those of contacts as they are, and of contacts that are no longer kept; ``now``: stream time."""
    found = {(each.channel, each.contact): each for each in before if not each.gone}
    for point in points:
        if point.nps is not None:
            at, score, queue = point.nps
            its = Answer(at, point.channel, point.contact, queue, point.tier, score, point.group)
            found[point.channel, point.contact] = its
        elif found:
            found.pop((point.channel, point.contact), None)
    answers = sorted(found.values(), key=lambda each: (each.at, each.channel, each.contact))
    return tuple(answers[_first_kept(answers, now) :])


def _first_kept(answers: Sequence[Answer], now: int | None) -> int:
    """The place of the first answer that is remembered."""
    old = 0 if now is None else bisect_left(answers, now - KEPT_MS, key=lambda each: each.at)
    return max(old, len(answers) - MAX_KEPT)


def difference(before: Answers, after: Answers, now: int | None, line: str) -> tuple[Fact, ...]:
    """What to tell when the answers of a customer change; those that are only forgotten stay told."""
    if before == after:
        return ()
    old, new = _followed(before, line), _followed(after, line)
    since = after[0].at if len(after) == MAX_KEPT else 0 if now is None else now - KEPT_MS
    old = [fact for fact in old if fact.entered is not None and fact.entered >= since]
    gone = [replace(fact, sign=-1) for fact in old if fact not in new]
    return (*gone, *[fact for fact in new if fact not in old])


def _followed(answers: Answers, line: str) -> list[Fact]:
    """Each answer that another one follows, as of that one's time."""
    return [
        Fact(
            "nps_superseded",
            one.contact,
            other.at,
            one.channel,
            one.queue,
            one.tier,
            line,
            entered=one.at,
            value=one.score,
        )
        for one, other in pairwise(answers)
    ]


def gone(answers: Answers, goes: Callable[[Answer], bool]) -> Answers:
    """With a note of those whose contacts go to somebody else."""
    return tuple([replace(each, gone=True) if goes(each) else each for each in answers]) if answers else answers
