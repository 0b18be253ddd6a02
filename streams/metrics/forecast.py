"""How long who waits will wait, and in which place, from what the queue did in its last window.

While somebody waits, answers come at a rate mu, and each of those who wait leaves unanswered at a rate theta:

    mu = (answers of legs that waited + 1) / time in which somebody waited
    theta = legs that left unanswered / time that all of them waited

Answers are held against the time with a queue, not against the whole window: agents who are free answer nobody who
waits. One more than were counted makes 1 / mu right on average, where answers / time would say waits that are too long:
for a Poisson number N of mean m, E[1 / (N + 1)] = (1 - exp(-m)) / m.

Who is in place n is answered after n departures, the own one last. With n, n - 1, ... 1 waiting they come at the rates
mu + n theta, ..., mu + theta, so that

    expected wait = sum over i = 1 ... n of 1 / (mu + i theta)

That is the mean wait of those in place n of an M/M/c+M queue who are answered: not giving up for so long tilts the rate
mu + (i - 1) theta of each step by theta (the queue: Garnett, Mandelbaum and Reiman, "Designing a Call Center with
Impatient Customers", 2002; predicting from its state: W. Whitt, "Predicting Queueing Delays", 1999). So it can be held
against the waits of the answered, which the KPI `wait_forecast` does. Places are in order of entering: who is preferred
is answered sooner, and others later, than is said.

Everything is a function of the legs, and of the moment asked for: what happens later changes nothing. Legs that were
answered at once are no part of it: nobody had to wait.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from streams.base.times import MINUTE_MS

UNKNOWN: Literal["unknown"] = "unknown"
"""The answer where nobody who had waited was answered in the window: no number follows from that."""
Wait = int | Literal["unknown"]
"""Expected, whole ms."""
WINDOW_MS = 15 * MINUTE_MS
"""The window begins at the whole minute that lies so long before the one in which it ends."""
EXACT_PLACES = 64
"""Beyond it places are taken together, the more the farther behind: the sum is right within 0.01 % and has some hundred
terms, however many wait."""


class Stay(NamedTuple):
    """A queue leg; times in ms."""

    entered: int
    id: str
    left: int
    """Far away: it waits."""
    answered: bool = False
    """When it left: by an answer; else it was abandoned, or flowed out."""


class Point(NamedTuple):
    """What a queue did before a moment, as whole numbers from some beginning on; only differences say something."""

    at: int
    answered: int = 0
    """Legs that had waited."""
    gone: int = 0
    """Legs that left unanswered."""
    occupied_ms: int = 0
    """Time in which somebody waited."""
    waited_ms: int = 0
    """By all of them."""
    waiting: int = 0
    """Legs that wait then."""

    def on(self, at: int) -> "Point":
        """The same at a later moment, before which nobody comes or goes."""
        took = at - self.at
        occupied, waited = self.occupied_ms + took * (self.waiting > 0), self.waited_ms + took * self.waiting
        return Point(at, self.answered, self.gone, occupied, waited, self.waiting)


class Rates(NamedTuple):
    """What a queue did in a window, as whole numbers; see `Point`."""

    answered: int
    gone: int
    occupied_ms: int
    waited_ms: int

    def wait(self, place: int) -> Wait:
        """Expected from the moment on by who is in this place."""
        if not self._is_known:
            return UNKNOWN
        mu, theta = self._per_ms
        total, done, together = 0.0, 0, 1
        while done < place:
            if done >= EXACT_PLACES * together:
                together *= 2
            some = min(together, place - done)
            total += some / (mu + (done + (some + 1) / 2) * theta)
            done += some
        return round(total)

    def waits(self, places: int) -> list[Wait]:
        """The same of places 1 to ``places``; rising."""
        if not self._is_known:
            return [UNKNOWN] * places
        mu, theta = self._per_ms
        return [round(wait) for wait in accumulate(1 / (mu + place * theta) for place in range(1, places + 1))]

    @property
    def _is_known(self) -> bool:
        return self.answered > 0 and self.occupied_ms > 0

    @property
    def _per_ms(self) -> tuple[float, float]:
        return (self.answered + 1) / self.occupied_ms, self.gone / self.waited_ms


def rates(points: Sequence[Point], at: int) -> Rates:
    """Of the window that ends at the moment; ``points``: those before it, in rising order."""
    known = [point for point in points if point.at <= at]
    return _between(_upto(known, _start(at)), known[-1].on(at)) if known else Rates(0, 0, 0, 0)


def _start(at: int) -> int:
    return at - at % MINUTE_MS - WINDOW_MS


def _upto(points: Sequence[Point], at: int) -> Point:
    """The state at a moment; before the first point nothing had happened yet."""
    return next((point.on(at) for point in reversed(points) if point.at <= at), points[0])


def _between(a: Point, b: Point) -> Rates:
    return Rates(b.answered - a.answered, b.gone - a.gone, b.occupied_ms - a.occupied_ms, b.waited_ms - a.waited_ms)


def walk(
    points: Sequence[Point], stays: Iterable[Stay], since: int, until: int, others: int = 0
) -> tuple[list[Point], dict[str, Wait]]:
    """Go through what happened in a queue in [since, until).

    ``points``: what it did before, one at ``since`` or before it; later ones are drawn anew. ``stays``: at least the
    legs that wait at ``since`` or at some moment of the stretch, in any order, but for ``others`` that wait all the
    time. Returns the points, at whole minutes and at ``until``, so that any window of this stretch or behind it can be
    told, and what each leg that entered in it was to expect then, by its id.
    """
    moments, waiting = _moments(stays, since, until)
    if not moments and (not points or points[-1].at <= since):
        return list(points), {}
    known = [point for point in points if point.at <= since] or [Point(since - since % MINUTE_MS)]
    now, minute = known[-1], _NEVER
    if now.at % MINUTE_MS:
        minute = _next(now.at)
        known = known[:-1] or known
    if minute <= since:
        now = now.on(minute)
        known.append(now)
        minute = _NEVER
    now = now.on(since)._replace(waiting=waiting + others)
    expected: dict[str, Wait] = {}
    first = 0  # the last of the points that lie before the window, or begin it
    for at, enters, ident, answered in moments:
        if minute <= at:
            now = now.on(minute)
            known.append(now)
        minute = _next(at)
        _, answers, gone, occupied, waited, waiting = now.on(at)
        if enters:
            now = Point(at, answers, gone, occupied, waited, waiting + 1)
            start = _start(at)
            while first + 1 < len(known) and known[first + 1].at <= start:
                first += 1
            before = known[first]
            expected[ident] = _between(before.on(start) if before.at < start else before, now).wait(waiting + 1)
        else:
            now = Point(at, answers + answered, gone + (not answered), occupied, waited, waiting - 1)
    if until < _NEVER:
        known += [now.on(at) for at in sorted({min(minute, until), until}) if at > now.at]
    return known, expected


def _moments(stays: Iterable[Stay], since: int, until: int) -> tuple[list[tuple[int, bool, str, bool]], int]:
    """(when, whether it enters, which one, whether it is answered) in order, and how many waited before. Who leaves at
    the moment at which another one enters is not in the way."""
    moments: list[tuple[int, bool, str, bool]] = []
    waiting = 0
    for entered, ident, left, answered in stays:
        if left == entered:
            continue
        waiting += entered < since <= left
        if since <= entered < until:
            moments.append((entered, True, ident, False))
        if since <= left < until:
            moments.append((left, False, ident, answered))
    moments.sort()
    return moments, waiting


def _next(at: int) -> int:
    return at - at % MINUTE_MS + MINUTE_MS


_NEVER = 1 << 62
