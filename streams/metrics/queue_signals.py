"""What rules may look at of a queue, as signals: how many wait, how long the one at the front has, what is to be
expected. All of it is a function of the legs.
"""

from collections.abc import Iterable, Iterator, Sequence

from streams.alerts.signals import Piece, Signal
from streams.base.times import MINUTE_MS
from streams.metrics.forecast import UNKNOWN, Point, rates
from streams.metrics.tables import FOREVER

Waits = Sequence[tuple[int, int]]
"""(entered, until) of legs, in order of entering; FOREVER: it waits."""
Sample = tuple[int, int]
"""A whole minute, and what was to be expected then (ms)."""


def waiting(stays: Waits, since: int) -> Signal:
    """How many wait, from a moment on: 0 counts as well."""
    changes: dict[int, int] = {}
    for entered, until in stays:
        if until > since:
            begun = max(entered, since)
            changes[begun] = changes.get(begun, 0) + 1
            changes[until] = changes.get(until, 0) - 1
    changes.pop(FOREVER, None)
    changes.setdefault(since, 0)
    found, depth = list[Piece](), 0
    moments = sorted(changes)
    for start, end in zip(moments, [*moments[1:], None], strict=True):
        depth += changes[start]
        if not found or found[-1].value != depth:
            found.append(Piece(start, end, depth, anchor=str(start)))
        else:
            found[-1] = found[-1]._replace(end=end)
    return tuple(found)


def longest_wait(stays: Waits, since: int) -> Signal:
    """How long the one at the front has waited; nobody there: no value."""
    found, at = list[Piece](), since
    for entered, until in stays:
        if until > at:
            begun = max(at, entered)
            found.append(Piece(begun, _end(until), begun - entered, grows=True, anchor=str(entered)))
            at = until
    return tuple(found)


def expected_wait(samples: Iterable[Sample]) -> Signal:
    """What is to be expected, each minute in which it is known."""
    return tuple(Piece(at, at + MINUTE_MS, wait, anchor=str(at)) for at, wait in samples)


def sampled(
    stays: Waits, points: Sequence[Point], minutes: Iterable[int], before: Sequence[Sample]
) -> Iterator[Sample]:
    """At whole minutes at which somebody waits, as `queue.state` tells who enters then. At other moments the points do
    not say it the same way wherever batches are cut. ``before``: the samples until then. As long as nobody is answered
    any more nothing follows from the pace, and what was known last stands: it has not become better."""
    last = before[-1] if before else None
    for at in minutes:
        depth = sum(1 for entered, until in stays if entered <= at < until)
        if not depth:
            continue
        wait = rates(points, at).wait(depth + 1)
        if wait == UNKNOWN:
            if last is None or last[0] != at - MINUTE_MS:
                continue
            wait = last[1]
        last = at, int(wait)
        yield last


def _end(until: int) -> int | None:
    return None if until == FOREVER else until
