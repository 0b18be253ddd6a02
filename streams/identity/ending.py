"""When is a replay over between identifiers? When no task has a record of it on its way to another, and none will.

What a task tells itself and others by `identity.links` has no watermark: a contact may still move when the last event
of a replay is long placed. So the tasks ask each other, in rounds (detection of termination over channels in order;
J. Misra, "Detecting termination of distributed computations using markers", PODC 1983): once all events of the replay
are placed and nothing waits, a task tells all tasks, itself included, its round, and whether it has handled nothing of
the replay since the round before (``quiet``). It tells the next when it has heard all of this one. A round in which
everybody is quiet is the last.

Why that is right: a partition keeps the order of each who writes to it. What a task sent before it told round n was
handled by whoever has heard round n of it, so before they told round n + 1. If all are quiet in that, nobody handled
anything between both, hence nobody sent anything in between, and nothing that was sent before is left.
"""

import msgspec
from msgspec.structs import replace

from streams.base.links import Round


class Ending(msgspec.Struct, frozen=True, omit_defaults=True):
    """The row of a replay in one task. JSON by msgspec."""

    number: int = 0
    """The round it told last; 0 = none."""
    stirred: bool = False
    """Has it handled anything of the replay since?"""
    heard: dict[int, dict[str, bool]] = {}
    """Round → task → was it quiet? Of rounds from ``number`` on: others are one ahead at most."""
    over: bool = False


def heard(ending: Ending, told: Round) -> Ending:
    """With what a task has told."""
    if ending.over or told.number < ending.number:
        return ending
    others = ending.heard.get(told.number, {})
    return replace(ending, heard=ending.heard | {told.number: others | {told.origin: told.quiet}})


def stirred(ending: Ending) -> Ending:
    """Something of the replay was handled."""
    return ending if ending.stirred else replace(ending, stirred=True)


def step(ending: Ending, origin: str, of: int, line: str) -> tuple[Ending, Round | None]:
    """What a task (``origin``, one of so many) does when nothing of the replay waits in it: the round that it tells
    next, None as long as it has not heard all of the one before, or when all is over.
    """
    said = ending.heard.get(ending.number, {})
    if ending.over or (ending.number and len(said) < of):
        return ending, None
    if ending.number and all(said.values()):
        return Ending(ending.number, over=True), None
    number = ending.number + 1
    later = {each: told for each, told in ending.heard.items() if each >= number}
    quiet = ending.number > 0 and not ending.stirred
    return Ending(number, heard=later), Round(origin, of, line, number, quiet)
