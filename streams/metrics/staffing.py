"""How many people a queue needs in the intervals to come, from what was measured in those that are over.

Arrivals of an interval are the mean of the same weekday and hour of the weeks before it, in local time; where readings
do not reach back a week, the mean of the last intervals. The handle time is the interval's own where enough contacts
were handled in it, else the queue's. Both are of contacts: legs would leave out who was answered without a queue. What
is too little to count on is said in words, and so is a load that the agents cannot carry.

Patience is the mean time after which a caller gives up: time waited by those who were answered or gave up / those who
gave up, the maximum-likelihood estimate of an exponential time that being answered cuts off (Brown et al., "Statistical
Analysis of a Telephone Call Center", 2005, section 6).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from statistics import mean, stdev
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from streams.base.channels import LIVE_CHANNELS
from streams.base.times import DAY_MS, MINUTE_MS, SECOND_MS, day_bounds
from streams.metrics.erlang import UNSTABLE, Queue, erlang_a, erlang_c
from streams.metrics.formulas import Ratio

HANDLED_LEAST = 30
"""Contacts that make a mean handle time."""
ABANDONED_LEAST = 10
"""Abandoned legs that make a patience."""
RECENT = 4
"""The last intervals, where there is no week: so many."""
RECENT_LEAST = 2
PATIENCE_MOST_MS = DAY_MS
INTERVAL_MS = 30 * MINUTE_MS

Where = tuple[str, str]
"""Channel and queue."""


class Measured(NamedTuple):
    """What was counted of a queue in a span of time."""

    offered: int = 0
    """Contacts that asked for a human, those who did not have to queue included; when they were answered or left."""
    handled: int = 0
    """Contacts."""
    handle_ms: int = 0
    """Of all of them."""
    abandoned: int = 0
    """Legs, where the time until they gave up is known."""
    waited_ms: int = 0
    """By legs that were answered or gave up."""


History = Mapping[int, Measured]
"""Start of an interval (ms) → what was counted in it; one without is empty."""


def measured(readings: Mapping[tuple[str, str], Ratio]) -> Measured:
    """What the readings of a record say, (kpi, variant) → (numerator, denominator); one that is not there is empty."""

    def of(kpi: str, variant: str) -> Ratio:
        return readings.get((kpi, variant), (0, 0))

    (handle_ms, handled), (gave_up_ms, gave_up) = of("handle_time", "all"), of("time_to_abandon", "mean")
    found = Measured(of("contacts_offered", "all")[0], handled, handle_ms)
    if gave_up != of("abandonment", "of_left")[0]:
        return found  # of an earlier version: how long those waited who gave up is not known
    return found._replace(abandoned=gave_up, waited_ms=gave_up_ms + of("speed_of_answer", "answered_legs")[0])


def together(each: Iterable[Measured]) -> Measured:
    """Added up."""
    return Measured(*(sum(amounts) for amounts in zip(Measured(), *each, strict=True)))


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached; all that is given, and 80 % within the queue's own threshold where nothing is.

    Raises ValueError for what cannot be.
    """

    service_level: float | None = None
    """Share of contacts that are answered within the time, above 0 and below 1."""
    within_ms: int | None = None
    """``None``: the threshold of the queue."""
    asa_ms: float | None = None
    """Mean wait of the answered at most."""
    occupancy: float | None = None
    """Share of the agents' time on contacts at most, above 0 and at most 1."""

    def __post_init__(self) -> None:
        if self.service_level is not None and not 0 < self.service_level < 1:
            raise ValueError("the service level must be above 0 % and below 100 %")
        if self.within_ms is not None and self.within_ms < 0:
            raise ValueError("the time within which to answer must not be negative")
        if self.asa_ms is not None and not self.asa_ms > 0:
            raise ValueError("the mean wait must be longer than 0")
        if self.occupancy is not None and not 0 < self.occupancy <= 1:
            raise ValueError("the occupancy must be above 0 % and at most 100 %")

    @property
    def share(self) -> float | None:
        """The service level that is asked for."""
        nothing = self.service_level is None and self.asa_ms is None and self.occupancy is None
        return 0.8 if nothing else self.service_level

    def met(self, queue: Queue) -> bool:
        """Whether a queue reaches it."""
        return (
            (self.share is None or queue.service_level >= self.share)
            and (self.asa_ms is None or queue.asa_ms <= self.asa_ms)
            and (self.occupancy is None or queue.occupancy <= self.occupancy)
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What to reckon. Raises ValueError for what cannot be."""

    start: int
    """Begin of the first interval, ms."""
    intervals: int
    zone: ZoneInfo
    target: Target = field(default_factory=Target)
    weeks: int = 4
    """How many weeks back, at most."""
    shrinkage: float = 0.0
    """Share of paid time in which people are not there for contacts, 0..1."""
    patience_ms: int | None = None
    """``None``: as measured."""
    agents: int | None = None
    """Say what so many come to, instead of how many there must be."""
    interval_ms: int = INTERVAL_MS

    def __post_init__(self) -> None:
        if not 0 <= self.shrinkage < 1:
            raise ValueError("the shrinkage must be at least 0 % and below 100 %")
        if self.patience_ms is not None and self.patience_ms <= 0:
            raise ValueError("the patience must be longer than 0")
        if self.agents is not None and self.agents < 1:
            raise ValueError("there must be at least one agent")

    @property
    def starts(self) -> list[int]:
        """Of the intervals."""
        return [self.start + place * self.interval_ms for place in range(self.intervals)]

    @property
    def past(self) -> list[int]:
        """Starts of the intervals to look at: as many weeks before the first one as are to count."""
        first = _weeks_before(self.start, self.weeks, self.zone)
        return list(range(first, self.start, self.interval_ms))


def interval_of(moment: int, interval_ms: int, zone: ZoneInfo) -> int:
    """Start of the interval that holds the moment; they are counted from local midnight."""
    midnight, _ = day_bounds(moment, zone)
    return midnight + (moment - midnight) // interval_ms * interval_ms


class Known(NamedTuple):
    """The span of whole intervals (ms, end exclusive) in which a queue without readings had no contacts."""

    start: int
    end: int

    def holds(self, start: int, interval_ms: int) -> bool:
        """Whether the interval is in it."""
        return self.start <= start and start + interval_ms <= self.end


Basis = Literal["weekday", "recent"]


class Arrivals(NamedTuple):
    """Contacts that are expected in an interval, and of what that is the mean."""

    expected: float
    least: int
    most: int
    deviation: float | None
    """Standard deviation of the sample; ``None`` of one interval."""
    basis: Basis
    """``weekday``: the same weekday and hour of earlier weeks; ``recent``: the last intervals."""
    of: tuple[int, ...]
    """Starts of the intervals."""


def arrivals(history: History, known: Known, start: int, plan: Plan) -> Arrivals | None:
    """Of the interval that begins at ``start``; ``None`` where too little is known."""
    basis: Basis = "weekday"
    of = [
        earlier
        for weeks in range(1, plan.weeks + 1)
        if known.holds(earlier := _weeks_before(start, weeks, plan.zone), plan.interval_ms)
    ]
    if not of:
        basis = "recent"
        of = [known.end - place * plan.interval_ms for place in range(1, RECENT + 1)]
        of = [each for each in of if known.holds(each, plan.interval_ms)]
        if len(of) < RECENT_LEAST:
            return None
    offered = [history.get(each, Measured()).offered for each in of]
    deviation = stdev(offered) if len(offered) > 1 else None
    return Arrivals(mean(offered), min(offered), max(offered), deviation, basis, tuple(of))


def _weeks_before(moment: int, weeks: int, zone: ZoneInfo) -> int:
    """At the same time by the local clock."""
    local = datetime.fromtimestamp(moment / SECOND_MS, zone) - timedelta(weeks=weeks)
    return round(local.timestamp()) * SECOND_MS


class Staffed(NamedTuple):
    """So many agents, and what comes of it."""

    agents: int
    scheduled: int
    """With shrinkage."""
    queue: Queue | None
    """``None`` where nobody is expected."""


class Need(NamedTuple):
    """One interval. Of Erlang C and A what is needed, or a word: ``unstable``, or why there is no answer."""

    start: int
    arrivals: Arrivals
    handle_ms: float
    handle_of: Literal["interval", "queue"]
    load: float
    """Erlang."""
    c: Staffed | str
    a: Staffed | str


class Needs(NamedTuple):
    """One queue: its intervals, or in words why there are none."""

    where: Where
    within_ms: int
    """The time of the service level."""
    patience_ms: float | str
    """Or why it is not known."""
    needs: tuple[Need, ...] = ()
    refused: str | None = None


def needs(where: Where, history: History, known: Known, plan: Plan, threshold_ms: int) -> Needs:
    """What a queue needs; ``threshold_ms``: its own t, where the target does not say another."""
    within_ms = threshold_ms if plan.target.within_ms is None else plan.target.within_ms
    total = together(each for start, each in history.items() if known.holds(start, plan.interval_ms))
    found = Needs(where, within_ms, _patience(total, plan))
    if where[0] not in LIVE_CHANNELS:
        said = f"nobody sits and waits on {where[0]}, so neither model holds; go by its backlog"
        return found._replace(refused=said)
    if total.handled < HANDLED_LEAST:
        said = f"{total.handled} handled contacts are too few for a mean handle time: it takes {HANDLED_LEAST}"
        return found._replace(refused=said)
    rows = []
    for start in plan.starts:
        expected = arrivals(history, known, start, plan)
        if expected is None:
            minutes = max(0, known.end - known.start) // MINUTE_MS
            length = plan.interval_ms // MINUTE_MS
            said = (
                f"readings of {minutes} min are too few: it takes a week, or the last {RECENT_LEAST} intervals of "
                f"{length} min"
            )
            return found._replace(refused=said)
        rows.append(_need(start, expected, history, total, found, plan))
    return found._replace(needs=tuple(rows))


def _patience(total: Measured, plan: Plan) -> float | str:
    if plan.patience_ms is not None:
        return plan.patience_ms
    if total.abandoned < ABANDONED_LEAST:
        return f"{total.abandoned} abandoned legs are too few for a patience: it takes {ABANDONED_LEAST}, or say one"
    return min(max(1.0, total.waited_ms / total.abandoned), PATIENCE_MOST_MS)


def _need(start: int, expected: Arrivals, history: History, total: Measured, found: Needs, plan: Plan) -> Need:
    own = together(history.get(each, Measured()) for each in expected.of)
    has_own = own.handled >= HANDLED_LEAST
    handled = own if has_own else total
    handle_ms = handled.handle_ms / handled.handled
    offered = expected.expected, plan.interval_ms, handle_ms
    c = _staffed(lambda agents: erlang_c(*offered, agents, found.within_ms), expected.expected, plan)
    patience = found.patience_ms
    if isinstance(patience, str):
        a: Staffed | str = patience
    else:
        a = _staffed(lambda agents: erlang_a(*offered, agents, found.within_ms, patience), expected.expected, plan)
    load = expected.expected * handle_ms / plan.interval_ms
    return Need(start, expected, handle_ms, "interval" if has_own else "queue", load, c, a)


def _staffed(model: Callable[[int], Queue | Literal["unstable"]], contacts: float, plan: Plan) -> Staffed | str:
    if contacts == 0:
        return Staffed(plan.agents or 0, _scheduled(plan.agents or 0, plan), None)

    def enough(agents: int) -> bool:
        found = model(agents)
        return found != UNSTABLE and plan.target.met(found)

    agents = _fewest(enough) if plan.agents is None else plan.agents
    found = model(agents)
    return UNSTABLE if found == UNSTABLE else Staffed(agents, _scheduled(agents, plan), found)


def _fewest(enough: Callable[[int], bool]) -> int:
    """The least number from 1 on that is enough; all larger ones are."""
    most = 1
    while not enough(most):
        most *= 2
    least = most // 2  # not enough
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def _scheduled(agents: int, plan: Plan) -> int:
    return ceil(round(agents / (1 - plan.shrinkage), 9))
