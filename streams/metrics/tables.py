"""The tables of `measure`, and how their keys are made.

Dimensions are one text, ``line ␟ channel ␟ queue ␟ tier``, with `SEP` between them. Every key begins with it, so that a
line's rows are found by prefix.
"""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from streams.base.records import SEP, Fact
from streams.base.times import CalendarUnit
from streams.metrics.forecast import Point, Wait
from streams.metrics.groups import MARK, is_group
from streams.metrics.panes import Pane
from streams.metrics.rules import Rule

NEVER = -(1 << 62)
"""Before all time: stream time of a line of which nothing is known yet."""
FOREVER = 1 << 62


class LaneFault(Exception):
    """What is published of a channel, queue and tier, or of a queue, cannot be made; ``dims`` begins the keys of its
    rows.
    """

    def __init__(self, dims: str) -> None:
        super().__init__("what is published of a queue cannot be made")
        self.dims = dims


class Leg(msgspec.Struct, frozen=True, omit_defaults=True):
    """A queue leg by what its facts add up to; key ``dimensions ␟ entered ␟ id``."""

    opened: int = 0
    closed: tuple[tuple[int, int], ...] = ()
    """(left, how many facts say so), in order of time; more than one only while a correction is on its way."""
    answers: tuple[tuple[int, int], ...] = ()
    """The same of those facts that say it was answered."""
    said: Wait | None = None
    """What was to be expected when it entered; ``None`` until stream time has passed that."""
    judged: int | None = None
    """When it was answered, where that is held against ``said`` in the panes."""

    def until(self, entered: int) -> int:
        """When it stopped waiting: FOREVER while it waits, ``entered`` when it never did."""
        remaining = self.opened
        if remaining <= 0:
            return entered
        for left, n in self.closed:
            remaining -= n
            if remaining <= 0:
                return left
        return FOREVER

    def answered(self, entered: int) -> int | None:
        """When it was answered after it had waited; ``None`` where it was not."""
        if not self.answers:
            return None
        until = self.until(entered)
        return until if until > entered and any(n > 0 for left, n in self.answers if left == until) else None

    def waits_at(self, moment: int, entered: int) -> int:
        """1 if it waited then, else 0; −1 if a leg of which nothing is kept is taken back, which waited then."""
        if self.opened < 0:
            taken_back = Leg(-self.opened, tuple((left, -n) for left, n in self.closed))
            return -taken_back.waits_at(moment, entered)
        return int(entered <= moment < self.until(entered))


class LineState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far one line has come."""

    sealed: int = NEVER
    """Every pane that ends at or before it is counted in its day, every window that ends there is published."""
    shown: int = NEVER
    """The moment of the queue states that were looked at last."""
    ended: bool = False
    whole: int | None = None
    """Until when every window that held something had a record of its own, as the versions before wrote them."""
    since: dict[CalendarUnit, int] = {}
    """Weeks and months that are counted: how far the line had come when that began."""


class Published(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the newest record of a window said; a window without a row was published once or never, one of the calendar
    with revision 0 never. All but the revision is of calendar windows alone."""

    revision: int = 1
    reached: int = 0
    """Legs that had reached the threshold at its end, needed once the legs themselves are forgotten."""
    said: int = 0
    """Digest of the readings."""
    firm: int | None = None
    """Digest of those that were final."""
    settled: tuple[Rule, ...] = ()
    """Which rules had nothing to change any more then."""
    amended: bool = False
    ages: dict[int, int] = {}
    """Days only: of the journeys that were open at its end, as a histogram."""


class Late(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something sealed that a late fact changed; key ``dimensions ␟ pane|day|week|month ␟ start`` or ``dimensions ␟ leg
    ␟ entered ␟ id``."""

    until: int = 0
    """Legs only: `Leg.until` before the change."""


class QueueShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the newest record of a queue said; key ``line ␟ channel ␟ queue``; an empty queue has no row."""

    oldest: int
    by_tier: tuple[tuple[str, int], ...]
    first: int = 0
    """Digest of the legs that it listed; 0: a version before that listed none told it."""


class Flow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a queue did in its last windows; key ``line ␟ channel ␟ queue``."""

    points: tuple[Point, ...] = ()


@dataclass
class Tables:
    """Name → value type: what the agent declares, or plain dicts."""

    panes: MutableMapping[str, Pane] = field(default_factory=dict)
    """``dimensions ␟ start``, until no window that can still change holds them."""
    days: MutableMapping[str, Pane] = field(default_factory=dict)
    """``dimensions ␟ start``: sealed panes added up. Every pane has its day's row, so this is also the list of
    dimensions."""
    weeks: MutableMapping[str, Pane] = field(default_factory=dict)
    """``dimensions ␟ start``: days that are over added up."""
    months: MutableMapping[str, Pane] = field(default_factory=dict)
    """The same."""
    legs: MutableMapping[str, Leg] = field(default_factory=dict)
    """Legs that wait, or whose facts do not add up yet."""
    left: MutableMapping[str, Leg] = field(default_factory=dict)
    """Legs that left, for as long as a late fact may ask who waited when; apart, so that nobody reads through them for
    who waits."""
    backlog: MutableMapping[str, Leg] = field(default_factory=dict)
    """``dimensions ␟ since ␟ start ␟ id``: stays of journeys, for as long as the legs that left; see `backlog`."""
    published: MutableMapping[str, Published] = field(default_factory=dict)
    """``dimensions ␟ length ␟ end`` and ``dimensions ␟ day|week|month ␟ start``."""
    lines: MutableMapping[str, LineState] = field(default_factory=dict)
    late: MutableMapping[str, Late] = field(default_factory=dict)
    queues: MutableMapping[str, QueueShown] = field(default_factory=dict)
    flows: MutableMapping[str, Flow] = field(default_factory=dict)

    def calendar(self, unit: CalendarUnit) -> MutableMapping[str, Pane]:
        """The rows of the days, the weeks or the months."""
        return {"day": self.days, "week": self.weeks, "month": self.months}[unit]

    def forget(self, line: str) -> None:
        """Remove every row of a line but what its state says, which queues were shown and who waits there."""
        self._forget(line, "panes", "days", "weeks", "months", "left", "backlog", "published", "late")

    def forget_queues(self, line: str) -> None:
        """Remove who waits, once the last states of the queues are told."""
        self._forget(line, "legs", "queues", "flows")

    def _forget(self, line: str, *names: str) -> None:
        for name in names:
            table: MutableMapping[str, Any] = getattr(self, name)
            for key in of_line(table, line):
                del table[key]


TABLE_TYPES: dict[str, Any] = {
    "panes": Pane,
    "days": Pane,
    "weeks": Pane,
    "months": Pane,
    "legs": Leg,
    "left": Leg,
    "backlog": Leg,
    "published": Published,
    "lines": LineState,
    "late": Late,
    "queues": QueueShown,
    "flows": Flow,
}
assert set(TABLE_TYPES) == {f.name for f in fields(Tables)}


def of_line(keys: Iterable[str], line: str) -> list[str]:
    """The keys that belong to a line."""
    prefix = line + SEP
    return [key for key in keys if key.startswith(prefix)]


def leg_key(fact: Fact, dims: str) -> str:
    """The key of a leg fact's leg; ``dims``: its `dimensions`. Raises ValueError for a closed leg that does not
    say when it was entered.
    """
    entered = fact.time if fact.fact == "leg_opened" else fact.entered
    if entered is None:
        raise ValueError(f"{fact.fact} {fact.id!r} does not say when the leg was entered")
    if is_group(dims):  # of several channels and queues
        return f"{dims}{SEP}{entered}{SEP}{fact.channel}{MARK}{fact.queue}{MARK}{fact.id}"
    return f"{dims}{SEP}{entered}{SEP}{fact.id}"


def queue_of_leg(key: str) -> str:
    """The queue of a leg of a group."""
    return key.rpartition(SEP)[2].split(MARK, 2)[1]


def split_leg(key: str) -> tuple[str, int]:
    """Dimensions and entering time of a leg's key."""
    line, channel, queue, tier, entered, _ = key.split(SEP, 5)
    return SEP.join((line, channel, queue, tier)), int(entered)


def split_start(key: str) -> tuple[str, int]:
    """Dimensions and start of the key of a pane, a day, a week or a month."""
    found, _, start = key.rpartition(SEP)
    return found, int(start)
