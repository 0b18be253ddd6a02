"""A customer's answers to the NPS survey: of several in a window the last one counts.

Which of them is in a window of which another one is, only who reads the window knows; so each answer that another one
follows is told once more, with both times, at the place where it counts. It is left out of the windows that hold both.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from streams.base.records import Fact
from streams.base.times import DAY_MS, HOUR_MS
from streams.customers.facts import told_anew
from streams.customers.touchpoints import Touchpoint

MAX_KEPT = 200
"""Answers of a customer that are remembered, the latest."""
KEPT_MS = 31 * DAY_MS + 2 * HOUR_MS
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
    kind: str | None = None
    team: str | None = None


Answers = tuple[Answer, ...]
"""In order of time, one of each name of a contact."""


def known(before: Answers, points: Iterable[Touchpoint]) -> Answers:
    """Those of contacts as they are, and of contacts that are no longer kept."""
    found = [each for each in before if not each.gone]
    for point in points:
        if found:
            found = [each for each in found if not is_of(each, point)]
        if point.nps is not None:
            at, score, queue = point.nps
            place = at, point.channel, point.contact, queue, point.tier
            found.append(Answer(*place, score, point.group, kind=point.kind, team=point.team))
    return tuple(sorted(found, key=lambda each: (each.at, each.channel, each.contact)))


class _One(Protocol):
    @property
    def at(self) -> int: ...
    @property
    def channel(self) -> str: ...
    @property
    def contact(self) -> str: ...


One = TypeVar("One", bound=_One)


def is_of(one: _One, point: Touchpoint) -> bool:
    """Whether it came of the contact; one of the same id that was over before it began is another contact."""
    return one.at >= point.started and one.contact == point.contact and one.channel == point.channel


def remembered(some: tuple[One, ...], points: Sequence[Touchpoint], now: int | None) -> tuple[One, ...]:
    """Without the first ones, as far as their contacts are no longer kept and they are too old, or too many; ``now``:
    stream time. They stay as they were told."""
    old = 0 if now is None else bisect_left(some, now - KEPT_MS - DAY_MS, key=lambda each: each.at)
    if not (most := max(old, len(some) - MAX_KEPT)):
        return some
    names = {(point.channel, point.contact) for point in points}
    return some[next((at for at in range(most) if (some[at].channel, some[at].contact) in names), most) :]


def difference(before: Answers, after: Answers, line: str) -> tuple[Fact, ...]:
    """What to tell when the answers of a customer change."""
    if before == after:
        return ()
    return told_anew(_followed(before, line), _followed(after, line))


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
            service_type=one.kind,
            agent_group=one.team,
        )
        for one, other in pairwise(answers)
        if other.at - one.at <= KEPT_MS
    ]


def without(answers: Answers, names: Collection[tuple[str, str]], group: str | None = None) -> Answers:
    """With a note of those whose contacts (channel, id) go to somebody else, and of those of a group."""

    def goes(one: Answer) -> bool:
        return (one.channel, one.contact) in names or (group is not None and one.group == group)

    return tuple([replace(each, gone=True) if goes(each) else each for each in answers])
